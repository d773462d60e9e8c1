"""The course of a machine's metrics, as it is drawn: points with their gaps, in a unit that a person reads, and the
thresholds of the rules that are on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.model.metric import Metric, Unit
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Rule, Threshold
from nephoscope.model.series import Gap, Series, SeriesRequest
from nephoscope.model.time import DAY, HOUR, floor_to
from nephoscope.pipeline.conditions import render_condition, render_window
from nephoscope.pipeline.need import metrics_of, rules_for
from nephoscope.pipeline.wording import clean, render_value

SPANS: Mapping[str, int] = {"1h": HOUR, "3h": 3 * HOUR, "12h": 12 * HOUR, "1d": DAY, "7d": 7 * DAY}
DAILY_SPAN = 14 * DAY
"""What has a point a day is shown for longer: of three hours there would be none."""
_BYTES = (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold, in the graph's unit. words: `cpu-hot: cpu.utilization > 90 % for 3 of 5 min`. clears: it is where
    the rule's alert ends."""

    value: float
    words: str
    severity: str
    clears: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A series. values: in the graph's unit, one for each of times (starts of periods, epoch seconds, evenly apart);
    None where there is no point. label: the device, or empty."""

    label: str
    times: tuple[int, ...]
    values: tuple[float | None, ...]

    @property
    def points(self) -> int:
        return sum(value is not None for value in self.values)


@dataclass(frozen=True, slots=True)
class Course:
    """One graph. newest: its newest value in words, or empty. notes: what is missing, in sentences. start, end: of the
    window that was asked for, epoch seconds."""

    metric: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    limits: tuple[Limit, ...]
    start: int
    end: int
    newest: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """at: when (clock). problem: why nothing could be read, or empty."""

    courses: tuple[Course, ...] = ()
    problem: str = ""
    at: int = 0


def plan_course(
    resource: Resource, rules: Iterable[Rule], known: Iterable[str], metrics: Mapping[str, Metric], span: int, slot: int
) -> tuple[SeriesRequest, ...]:
    """What to read for a machine's page: each metric that a rule of its is on or a value is known of, up to the newest
    settled period, where its cloud has it. known: metrics with a value in the snapshot."""
    wanted = sorted(metrics_of(rules_for(resource, rules)) | set(known))
    return tuple(
        request
        for name in wanted
        if (metric := metrics.get(name)) is not None and metric.on is resource.kind
        if (request := _request(resource, metric, span, slot)) is not None
    )


def _request(resource: Resource, metric: Metric, span: int, slot: int) -> SeriesRequest | None:
    source = metric.sources.get(resource.scope.cloud)
    if source is None:
        return None
    period = source.period_of(fine=resource.fine)
    end = source.horizon(slot, period)
    start = floor_to(end - (DAILY_SPAN if period >= DAY else max(span, 2 * period)), period)
    return SeriesRequest(resource.id, metric.name, source, period, start, end)


def lay_courses(
    resource: Resource,
    rules: Iterable[Rule],
    metrics: Mapping[str, Metric],
    requests: Sequence[SeriesRequest],
    series: Sequence[Series],
    gaps: Sequence[Gap],
) -> tuple[Course, ...]:
    """A graph for each request, in their order; one that has no answer says why."""
    own = rules_for(resource, rules)
    return tuple(
        _course(
            metrics[request.metric],
            own,
            request,
            [one for one in series if one.key.metric == request.metric and one.key.resource_id == resource.id],
            [gap for gap in gaps if _concerns(gap, request)],
        )
        for request in requests
    )


def _concerns(gap: Gap, request: SeriesRequest) -> bool:
    metric = not gap.affected or request.metric in gap.affected
    return metric and (not gap.resource_ids or request.resource_id in gap.resource_ids)


def _course(
    metric: Metric, rules: Sequence[Rule], request: SeriesRequest, series: Sequence[Series], gaps: Sequence[Gap]
) -> Course:
    limits = [limit for rule in rules for limit in _limits(rule, metric)]
    largest = max((abs(v) for one in series for v in one.values if math.isfinite(v)), default=0.0)
    largest = max([largest, *(abs(limit.value) for limit in limits)])
    unit, factor = scale_of(metric.unit, largest)
    lines = tuple(_line(one, factor) for one in series)
    newest = max(series, key=lambda one: one.times[-1] if one.times else 0, default=None)
    return Course(
        metric=metric.name,
        title=metric.description.rstrip("."),
        unit=unit,
        lines=lines,
        limits=tuple(Limit(one.value * factor, one.words, one.severity, one.clears) for one in limits),
        start=request.start,
        end=request.end,
        newest=render_value(newest.values[-1], metric.unit) if newest is not None and newest.times else "",
        notes=tuple(_notes(lines, series, gaps)),
    )


def _limits(rule: Rule, metric: Metric) -> Iterable[Limit]:
    """A change over some time is no line in a graph of values."""
    for condition, window, clears in ((rule.when, rule.window, False), (rule.clear, rule.clear_window, True)):
        if isinstance(condition, Threshold) and condition.metric == metric.name and not condition.over:
            said = render_condition(condition, metric) + render_window(window)
            words = f"{clean(rule.name, 60)} {'ends' if clears else 'fires'}: {said}"
            yield Limit(condition.value, words, rule.severity, clears)


def _line(series: Series, factor: float) -> Line:
    """A value or None for each period of the window that was asked."""
    known = {at: value * factor for at, value in zip(series.times, series.values, strict=True) if math.isfinite(value)}
    first = min(series.start, series.times[0]) if series.times else series.start
    last = max(series.end, series.times[-1] + series.period) if series.times else series.end
    times = tuple(sorted({*range(first, last, series.period), *known}))
    label = ", ".join(clean(value, 60) for _, value in series.key.attributes)
    return Line(label, times, tuple(known.get(at) for at in times))


def _notes(lines: Sequence[Line], series: Sequence[Series], gaps: Sequence[Gap]) -> Iterable[str]:
    for gap in gaps:
        yield f"Not all could be read: {clean(str(gap), 300)}."
    if not series and not gaps:
        yield "The provider knows of no such series."
    for line, one in zip(lines, series, strict=True):
        where = f"{line.label}: " if line.label else ""
        missing = len(line.times) - line.points
        if not line.points:
            yield f"{where}no point in this window."
        elif missing:
            yield f"{where}{missing} of {len(line.times)} periods have no point; the line is broken there."
        if not one.complete and not gaps:
            yield f"{where}the provider did not answer everything: what is missing is unknown, not absent."


def scale_of(unit: Unit, largest: float) -> tuple[str, float]:
    """The graph's unit in words, and the factor from the catalog's to it."""
    if unit is Unit.FRACTION:
        return "%", 100.0
    if unit in (Unit.BYTES, Unit.BYTES_PER_SECOND):
        word, size = next(((word, size) for word, size in _BYTES if largest >= size), ("B", 1))
        return word + ("/s" if unit is Unit.BYTES_PER_SECOND else ""), 1 / size
    return {Unit.COUNT: "", Unit.SECONDS: "s"}.get(unit, str(unit).replace("{", "").replace("}", "s", 1)), 1.0
