"""Machines and their series, as short as they can be written."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Rule, Severity, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesKey
from nephoscope.pipeline.plotting.tracks import Track
from nephoscope.pipeline.replay import Recording, Stretch

BEGIN = 1_764_158_400  # 2025-11-26 12:00 UTC
HOUR = 3600
EU = Scope(Cloud.AWS, "111111111111", "eu-west-1")
US = Scope(Cloud.AWS, "111111111111", "us-east-1")

CPU_HOT = Rule(
    "cpu-hot",
    Kind.INSTANCE,
    Threshold("cpu.utilization", Comparison.GREATER, 0.9),
    Window(180, 300),
    severity=Severity.CRITICAL,
)


def machine(name: str = "web-1", scope: Scope = EU, **more: object) -> Resource:
    known: dict[str, object] = {"state": State.RUNNING, "id": f"i-{name}"} | more
    return Resource(scope, Kind.INSTANCE, name=name, **known)  # type: ignore[arg-type]


def track(
    values: Sequence[float | None],
    name: str = "web-1",
    period: int = 60,
    begin: int = BEGIN,
    metric: str = "cpu.utilization",
    **more: object,
) -> Track:
    """One value a period from `begin`; None: there is no point."""
    known = [(begin + period * number, value) for number, value in enumerate(values) if value is not None]
    times, numbers = array("q", [at for at, _ in known]), array("d", [value for _, value in known])
    return Track(machine(name, **more), metric, period, (), times, numbers)  # type: ignore[arg-type]


def recording(
    *tracks: Track, begin: int = BEGIN, end: int = BEGIN + HOUR, asked: Sequence[Resource] = (), scope: Scope = EU
) -> Recording:
    """asked: machines that were asked for and gave no point."""
    stretches = tuple(
        Stretch(
            SeriesKey(each.resource.id, each.metric, each.attributes), each.period, begin, end, each.times, each.values
        )
        for each in tracks
    )
    periods = {(each.id, "cpu.utilization"): 60 for each in asked}
    return Recording(scope, begin, end, (*(each.resource for each in tracks), *asked), stretches, periods)


def _key(of: Track) -> SeriesKey:
    return SeriesKey(of.resource.id, of.metric, of.attributes)
