"""What a picture costs: 1,000 series over a day of minutes as bands and as lines, and 20,000 machines as bands.

    python tests/bench/bench_plots.py

No network: series to file, in processor time and memory; the drawing library's import is a figure of its own. Each
picture is drawn in a process of its own, so that its peak of memory is its own. Prints one JSON object, and lines for
people on standard error.
"""

from __future__ import annotations

import json
import math
import random
import resource
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Mapping
from datetime import UTC

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Rule, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import DAY
from nephoscope.pipeline.plotting.picture import Asked, compose
from nephoscope.pipeline.plotting.tracks import Track

BEGIN = 1_790_035_200
SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
RULE = Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9))
PICTURES: Mapping[str, tuple[int, int, str]] = {
    "lines_50": (50, 60, "lines"),
    "bands_1000": (1000, 60, "bands"),
    "lines_1000": (1000, 60, "lines"),
    "bands_20000": (20_000, 300, "bands"),
}
"""Machines, seconds between points, form."""


def tracks(count: int, period: int) -> list[Track]:
    chance = random.Random(1)  # noqa: S311 - a seed, not a secret
    times = array("q", range(BEGIN, BEGIN + DAY, period))
    day = [curve(chance, times) for _ in range(50)]
    machines = (Resource(SCOPE, Kind.INSTANCE, f"i-{n:017x}", f"web-{n}", state=State.RUNNING) for n in range(count))
    return [
        Track(machine, "cpu.utilization", period, (), times[:], array("d", day[number % 50]))
        for number, machine in enumerate(machines)
    ]


def curve(chance: random.Random, times: array[int]) -> list[float]:
    """A load that follows the day, and trembles by two hundredths from minute to minute."""
    base, swing = chance.uniform(0.1, 0.5), chance.uniform(0, 0.3)
    return [base + swing * math.sin(at / DAY * math.tau) ** 2 + chance.uniform(-0.02, 0.02) for at in times]


def measured(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return round(time.process_time() - began, 2)


def one(name: str) -> dict[str, object]:
    """A picture in this process."""
    count, period, form = PICTURES[name]
    found = tracks(count, period)
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    asked = Asked(
        [load_catalog().metrics["cpu.utilization"]],
        {"cpu.utilization": found},
        [RULE],
        BEGIN,
        BEGIN + DAY,
        UTC,
        form=form,
    )
    imported = measured(lambda: __import__("nephoscope.views.plots.drawing"))
    from nephoscope.views.plots.drawing import render

    composed = measured(lambda: compose(asked))
    picture = compose(asked)
    drawn = measured(lambda: render(picture))
    return {
        "series": count,
        "points": sum(len(track.times) for track in found),
        "import_seconds": imported,
        "compose_seconds": composed,
        "draw_seconds": drawn,
        "series_mb": base,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main(names: list[str]) -> None:
    if names:
        sys.stdout.write(json.dumps(one(names[0])) + "\n")
        return
    figures = {}
    for name in PICTURES:
        done = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True, check=True)
        figures[name] = found = json.loads(done.stdout)
        sys.stderr.write(
            f"{found['series']:,} series, {found['points']:,} points as {PICTURES[name][2]}: composed in "
            f"{found['compose_seconds']} s, drawn in {found['draw_seconds']} s of processor time (and "
            f"{found['import_seconds']} s of import); {found['peak_mb']} MB at the most, {found['series_mb']} of which "
            "are the process and the series themselves\n"
        )
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
