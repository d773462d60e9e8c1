"""Pictures of what `nephoscope plot` draws, of a simulated fleet: for the README, and to be looked at.

python infra/pictures/plots.py [folder]
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Fleet, Power, simulate
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Rule, Selector, Severity, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesKey
from nephoscope.model.time import DAY, HOUR
from nephoscope.pipeline.plotting.picture import Asked, compose
from nephoscope.pipeline.plotting.spans import Span
from nephoscope.pipeline.plotting.tracks import Track, tracks_of
from nephoscope.pipeline.replay import Recording, Stretch
from nephoscope.views.plots.drawing import write_picture
from nephoscope.views.plots.themes import DARK, LIGHT, Theme

BEGIN = 1_795_608_000  # 2026-11-25 12:00 UTC
END = BEGIN + DAY
ZONE = ZoneInfo("Europe/Berlin")
MEASURES: Mapping[str, Measure] = {"cpu.utilization": Measure.CPU, "memory.utilization": Measure.MEMORY}
RULES = (
    Rule(
        "cpu-hot",
        Kind.INSTANCE,
        Threshold("cpu.utilization", Comparison.GREATER, 0.9),
        Window(180, 300),
        severity=Severity.CRITICAL,
        where=Selector({"env": ("prod",)}),
    ),
    Rule("memory-high", Kind.INSTANCE, Threshold("memory.utilization", Comparison.GREATER, 0.85)),
)


def draw(folder: Path) -> list[Path]:
    """Writes them into the folder, and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    few, many = fleet(60), fleet(400, fine=False)
    one = next(iter(saturated(few)))
    lines = {"cpu.utilization": tracks(few, "cpu.utilization")}
    single = {"cpu.utilization": [track for track in lines["cpu.utilization"] if track.resource.id == one.id]}
    both = {name: tracks(few, name) for name in MEASURES}
    bands = {"cpu.utilization": tracks(many, "cpu.utilization")}
    spans = alerts(few, saturated(few))
    drawn = [
        _write(folder / "plot-lines.png", lines, spans),
        _write(folder / "plot-cpu-memory.png", both, spans),
        _write(folder / "plot-machine.png", single, spans),
        _write(folder / "plot-machine-dark.png", single, spans, theme=DARK),
        _write(folder / "plot-bands.png", bands, alerts(many, saturated(many))),
        _write(folder / "plot-bands-dark.png", bands, alerts(many, saturated(many)), theme=DARK),
        _write(folder / "plot-by-region.png", bands, alerts(many, saturated(many)), by="region"),
        _write(folder / "plot-by-role.png", bands, by="tag:role"),
        _write(folder / "plot-lines.svg", lines, spans),
    ]
    return [*drawn, *map(thumbnail, [path for path in drawn if path.suffix == ".png"])]


def _write(
    path: Path, found: Mapping[str, Sequence[Track]], spans: Sequence[Span] = (), by: str = "", theme: Theme = LIGHT
) -> Path:
    metrics = [load_catalog().metrics[name] for name in found]
    write_picture(compose(Asked(metrics, found, RULES, BEGIN, END, ZONE, spans, by)), path, theme)
    return path


def thumbnail(path: Path, width: int = 360) -> Path:
    """As a chat shows it."""
    from PIL import Image  # noqa: PLC0415 - comes with matplotlib

    small = path.with_name(f"{path.stem}-thumbnail.png")
    with Image.open(path) as image:
        image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS).save(small)
    return small


# --- the fleet ----------------------------------------------------------------------------------------------------


def fleet(size: int, *, fine: bool = True) -> Fleet:
    """Two machines saturated for some time, one of them twice, another stopped for three hours."""
    plain = simulate(5, size, ("eu-central-1", "eu-west-1", "us-east-1", "ap-south-1"), start=BEGIN, script=())
    plain = Fleet(plain.seed, plain.start, tuple(replace(each, fine=fine) for each in plain.instances), ())
    hot = [each for each in running(plain) if each.tags.get("env") == "prod"]
    return plain.with_script(
        (
            Incident(Happening.CPU_SATURATED, 7 * HOUR, 9 * HOUR, (hot[0].id,)),
            Incident(Happening.CPU_SATURATED, 21 * HOUR, 30 * HOUR, (hot[0].id,)),
            Incident(Happening.CPU_SATURATED, 14 * HOUR, 17 * HOUR, (hot[3].id,)),
            Incident(Happening.STOPPED, 11 * HOUR, 14 * HOUR, (hot[0].id, hot[5].id)),
        )
    )


def running(fleet: Fleet) -> list[Instance]:
    return [each for each in fleet.instances if each.name and fleet.power(each, BEGIN) is Power.RUNNING]


def saturated(fleet: Fleet) -> list[Instance]:
    hit = [one for each in fleet.script if each.what is Happening.CPU_SATURATED for one in each.instances]
    return [machine for one in dict.fromkeys(hit) if (machine := fleet.instance(one))]


def tracks(fleet: Fleet, metric: str) -> tuple[Track, ...]:
    found = [_recording(fleet, each, metric) for each in fleet.instances if fleet.power(each, END) is Power.RUNNING]
    return tracks_of(found, metric, BEGIN, END)


def _recording(fleet: Fleet, machine: Instance, metric: str) -> Recording:
    resource, period = _resource(machine), 60 if machine.fine else 300
    times, values = array("q"), array("d")
    for at in range(BEGIN, END - 600, period):
        value = fleet.value(machine.id, MEASURES[metric], at)
        if value is not None:
            times.append(at)
            values.append(value)
    stretches = (Stretch(SeriesKey(machine.id, metric), period, BEGIN, END, times, values),) if times else ()
    return Recording(resource.scope, BEGIN, END, (resource,), stretches)


def _resource(machine: Instance) -> Resource:
    scope = Scope(Cloud.AWS, machine.account, machine.region)
    return Resource(
        scope, Kind.INSTANCE, machine.id, machine.name, machine.type, machine.zone, State.RUNNING, tags=machine.tags
    )


def alerts(fleet: Fleet, machines: Sequence[Instance]) -> list[Span]:
    """As cpu-hot tells them: three points after it begins, and one after it ends."""
    found = []
    for incident in fleet.script:
        for machine in machines:
            if incident.what is Happening.CPU_SATURATED and machine.id in incident.instances:
                begin, end = BEGIN + incident.start + 180, min(END, BEGIN + incident.end + 180)
                scope = Scope(Cloud.AWS, machine.account, machine.region)
                found.append(Span("cpu-hot", Severity.CRITICAL, scope, machine.id, (), begin, end, end == END))
    return found


if __name__ == "__main__":
    for written in draw(Path(sys.argv[1] if len(sys.argv) > 1 else "build/pictures")):
        print(written)
