"""What must be read: a metric only if a rule needs it, never faster than its points come, from where we stopped.

Reading costs by series, not by point: one read that reaches back over everything since the watermark costs what a
read of the newest point costs. So nothing is remembered of the series themselves, and a run that makes up for lost
ones only widens its window.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from nephoscope.model.history import Kept
from nephoscope.model.memory import Progress
from nephoscope.model.metric import Metric, Source
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Aggregate, Condition, Rule, Threshold
from nephoscope.model.scope import Cloud
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import HOUR, ceil_div, floor_to
from nephoscope.pipeline.judge import EXTRA_PERIODS

OVERLAP_PERIODS = 3
"""Periods that are read again before the watermark: late points revise what was read."""

CATCH_UP = 6 * HOUR
"""How far back a run makes up for lost ones. What lies further back is old news, and is said to be left out."""

PATIENCE = 2
"""Runs in a row in which history was not taken, and it waits until its metrics are read anyway."""

MOST_BEHIND = 500
"""More series than this behind the others, and the whole scope's watermark waits for them."""


@dataclass(frozen=True, slots=True)
class Pace:
    """A metric at one period within a scope: evaluated up to `after`, settled up to `until` (boundaries)."""

    metric: Metric
    source: Source
    period: int
    after: int
    until: int

    @property
    def key(self) -> str:
        return pace_key(self.metric.name, self.period)


def pace_key(metric: str, period: int) -> str:
    return f"{metric}@{period}"


def behind_key(metric: str, resource_id: str) -> str:
    return f"{metric}|{resource_id}"


def metrics_of(rules: Iterable[Rule]) -> frozenset[str]:
    """The metrics that rules refer to, in conditions and clear conditions."""
    found = (_metric_of(condition) for rule in rules for condition in (rule.when, rule.clear))
    return frozenset(filter(None, found))


def _metric_of(condition: Condition | None) -> str:
    if isinstance(condition, Aggregate):
        return condition.reads
    return condition.metric if isinstance(condition, Threshold) else ""


def rules_for(resource: Resource, rules: Iterable[Rule]) -> list[Rule]:
    """The rules that concern this resource."""
    return [rule for rule in rules if rule.on is resource.kind and rule.where.matches(resource)]


def pace_of(metric: Metric, resource: Resource, progress: Progress, slot: int) -> Pace | None:
    """How far this metric of this resource has come and may go; None where its cloud does not have it."""
    source = metric.sources.get(resource.scope.cloud)
    if source is None:
        return None
    period = source.period_of(fine=resource.fine)
    until = source.horizon(slot, period)
    known = progress.behind.get(
        behind_key(metric.name, resource.id), progress.watermarks.get(pace_key(metric.name, period), until - period)
    )
    return Pace(metric, source, period, max(known, floor_to(until - CATCH_UP, period) - period), until)


def plan_reads(
    resources: Sequence[Resource],
    rules: Sequence[Rule],
    metrics: Mapping[str, Metric],
    progress: Progress,
    slot: int,
    *,
    also: Collection[str] = (),
    kept: Kept | None = None,
) -> tuple[SeriesRequest, ...]:
    """One request for each (resource, metric) that has a new boundary to be judged at; in the resources' order.

    Resources that do not run are not asked for: a stopped machine has no points, and asking costs the same.
    also: metrics that are read whether or not a rule needs them. kept: how far history has been taken; what lies
    between its marks and the watermarks is read once more, so that it can be sent.
    """
    return tuple(
        replace(request, start=_reaching_back(request, kept, slot)) if kept else request
        for resource in resources
        if resource.measured
        for request in _requests(resource, rules_for(resource, rules), metrics, progress, slot, also, kept)
    )


def _reaching_back(request: SeriesRequest, kept: Kept, slot: int) -> int:
    mark = kept.marks.get(pace_key(request.metric, request.period))
    if mark is None:
        return request.start
    oldest = floor_to(slot - CATCH_UP, request.period)
    return min(request.start, max(mark - OVERLAP_PERIODS * request.period, oldest))


def _requests(
    resource: Resource,
    rules: Sequence[Rule],
    metrics: Mapping[str, Metric],
    progress: Progress,
    slot: int,
    also: Collection[str],
    kept: Kept | None,
) -> Iterator[SeriesRequest]:
    for name in sorted(metrics_of(rules).union(kept_of(resource, also, metrics))):
        pace = pace_of(metrics[name], resource, progress, slot)
        if pace is None or not (
            _is_owed(pace, progress, kept) or (pace.until > pace.after and _due(pace, progress, slot))
        ):
            continue
        reach = reach_of(metrics[name], rules, pace.period) * pace.period
        yield SeriesRequest(resource.id, name, pace.source, pace.period, pace.after - reach, pace.until)


def kept_of(resource: Resource, also: Collection[str], metrics: Mapping[str, Metric]) -> frozenset[str]:
    """Those among `also` that are of this kind of thing."""
    return frozenset(name for name in also if metrics[name].on is resource.kind)


def _is_owed(pace: Pace, progress: Progress, kept: Kept | None) -> bool:
    """Whether history lacks what was judged already, by a run that was killed or a server that was away. Where it is
    away for long, nothing is read for its sake alone: that would be read each minute, and paid for."""
    if kept is None or kept.failures > PATIENCE:
        return False
    return kept.marks.get(pace.key, 0) < progress.watermarks.get(pace.key, 0)


def _due(pace: Pace, progress: Progress, slot: int) -> bool:
    """Daily metrics are read every few hours: once in each such span, and again while nothing has been judged."""
    every = pace.source.every
    known = pace.key in progress.watermarks
    return not (every and known and floor_to(slot, every) == floor_to(progress.slot, every))


def evaluation_range(metric: str, rules: Iterable[Rule], period: int) -> int:
    """Periods before a boundary that the longest rule on this metric looks at, clear window included."""
    spans = [1]
    for rule in rules:
        for condition, window in ((rule.when, rule.window), (rule.clear, rule.clear_window)):
            if isinstance(condition, Threshold) and condition.metric == metric:
                spans.append(window.points(period)[1] + condition.lag(period))
    return max(spans) + EXTRA_PERIODS


def reach_of(metric: Metric, rules: Sequence[Rule], period: int) -> int:
    """Periods before a series' watermark that are read once more."""
    return max(evaluation_range(metric.name, rules, period) + OVERLAP_PERIODS, _figure_reach(metric, rules, period))


def _figure_reach(metric: Metric, rules: Iterable[Rule], period: int) -> int:
    """Periods that the figure of a group looks back: it is formed at the pace of the slowest member, whose points
    settle last. 0 where no rule forms one."""
    if not any(isinstance(rule.when, Aggregate) and rule.when.reads == metric.name for rule in rules):
        return 0
    slowest = max(source.period for source in metric.sources.values())
    settled = max(source.delay for source in metric.sources.values())
    return ceil_div(2 * slowest + settled, period)


def clouds_without(metric: Metric, clouds: Iterable[Cloud]) -> tuple[Cloud, ...]:
    """The clouds among these that have no source for the metric."""
    return tuple(cloud for cloud in clouds if cloud not in metric.sources)
