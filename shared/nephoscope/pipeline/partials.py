"""A scope's part of the figures that rules form over groups of resources.

Groups reach over scopes (`by: [tag:role]` is every web machine of three clouds), so no scope can judge one. Each notes
in its progress what it knows of its own members, a few periods back; the fleet's evaluation (pipeline/groups.py) adds
the parts up. Nothing that was published is read back.

Members may have points at different paces. A figure is formed at the slowest pace at which the metric comes on any of
the clouds that are gathered; a member's value of such a period is the mean of its points.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nephoscope.model.config import Config
from nephoscope.model.memory import Progress
from nephoscope.model.metric import Metric
from nephoscope.model.partial import Partial
from nephoscope.model.resource import Resource, StateGroup
from nephoscope.model.rule import Aggregate, Observation, Rule, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Series, SeriesRequest
from nephoscope.pipeline.histogram import pack
from nephoscope.pipeline.judge import EXTRA_PERIODS
from nephoscope.pipeline.need import CATCH_UP
from nephoscope.pipeline.verdicts import is_unread

KEPT_PERIODS = 3
"""How many boundaries more than a rule looks at a scope keeps: others may lag by so much."""

VALUES = 40
"""Of a percentile's distribution in one scope: within a few parts in a hundred of the true one."""

Parts = Mapping[str, Mapping[str, tuple[Partial, ...]]]
"""Rule -> group -> partials, oldest first."""

SCOPE_LABELS = ("cloud_provider", "cloud_account_id", "cloud_region")
LABELS = (*SCOPE_LABELS, "cloud_availability_zone", "host_type")
TAG = "tag:"


def group_rules(rules: Iterable[Rule]) -> list[Rule]:
    return [rule for rule in rules if isinstance(rule.when, Aggregate)]


def figure_of(rule: Rule) -> Aggregate:
    """The condition of a rule on groups. Raises TypeError for any other."""
    if not isinstance(rule.when, Aggregate):
        raise TypeError(f"rule {rule.name} is not on a group")
    return rule.when


def group_of(rule: Rule, resource: Resource) -> str:
    """`cloud_region=eu-west-1,tag:role=web`, in the order of the rule; empty for the whole fleet."""
    return ",".join(f"{label}={label_of(label, resource)}" for label in rule.by)


def label_of(label: str, resource: Resource) -> str:
    if label.startswith(TAG):
        value = resource.tags.get(label.removeprefix(TAG), "")
    elif label in SCOPE_LABELS:
        value = scope_label(label, resource.scope)
    else:
        value = resource.zone if label == "cloud_availability_zone" else resource.type
    return value.replace(",", "%2C").replace("=", "%3D")


def scope_label(label: str, scope: Scope) -> str:
    return {"cloud_provider": str(scope.cloud), "cloud_account_id": scope.account, "cloud_region": scope.region}[label]


def figure_period(metric: Metric, clouds: Iterable[Cloud]) -> int:
    """The pace of a group's figure, seconds: the slowest at which the metric comes on these clouds; 0 on none."""
    return max((metric.sources[cloud].period for cloud in clouds if cloud in metric.sources), default=0)


def horizon_key(rule: Rule) -> str:
    """Where a progress keeps up to which boundary a rule's groups are known."""
    return f"group@{rule.name}"


def plan_partials(
    facts: Facts, requests: Sequence[SeriesRequest], config: Config, metrics: Mapping[str, Metric], before: Progress
) -> tuple[Parts, Mapping[str, int]]:
    """What this scope knows of each group, and how far (horizon_key -> boundary). Rules that are gone leave nothing."""
    parts: dict[str, Mapping[str, tuple[Partial, ...]]] = {}
    horizons: dict[str, int] = {}
    for rule in group_rules(config.rules):
        figure = figure_of(rule)
        kept, whole = before.partials.get(rule.name, {}), rule.on in facts.inventory.complete
        members = [r for r in facts.inventory.resources if r.kind is rule.on and rule.where.matches(r)]
        if isinstance(figure.counted, Observation):
            parts[rule.name] = _seen(figure.counted, _by_group(rule, members, kept, whole), facts, whole)
            horizons[horizon_key(rule)] = facts.slot
            continue
        span = _span(rule, metrics[figure.reads], config, before, facts)
        ground = _Ground(rule, figure, facts, requests, span)
        if span and ground.asked(members):
            fresh = {group: tuple(ground.partials(of)) for group, of in _by_group(rule, members, kept, whole).items()}
            kept = _kept(kept, fresh, rule, span)
            horizons[horizon_key(rule)] = span[-1]
        parts[rule.name] = kept
    return parts, horizons


def _by_group(
    rule: Rule, members: Iterable[Resource], before: Iterable[str], whole: bool
) -> Mapping[str, list[Resource]]:
    """Where the listing has holes, a group that was there may be there still, though none of it is listed."""
    groups: dict[str, list[Resource]] = defaultdict(list)
    groups |= {group: [] for group in before if not whole}
    groups |= {} if rule.by else {"": []}
    for resource in members:
        groups[group_of(rule, resource)].append(resource)
    return groups


# --- what is seen --------------------------------------------------------------------------------------------------


def _seen(
    counted: Observation, groups: Mapping[str, Iterable[Resource]], facts: Facts, whole: bool
) -> Mapping[str, tuple[Partial, ...]]:
    return {group: (_count_seen(counted, members, facts.slot, whole),) for group, members in groups.items()}


def _count_seen(counted: Observation, members: Iterable[Resource], slot: int, whole: bool) -> Partial:
    known = unknown = matches = 0
    for resource in members:
        word = resource.observations.get(counted.attribute)
        if word is None:
            unknown += resource.state is None or resource.state.group is not StateGroup.GONE
            continue
        known += 1
        matches += (word in counted.words) is not counted.negated
    return Partial(slot, known, unknown, whole, matches=matches)


# --- what is measured ----------------------------------------------------------------------------------------------


def _span(rule: Rule, metric: Metric, config: Config, before: Progress, facts: Facts) -> range:
    """The boundaries that have become known since the last run: settled for the slowest member that there could be."""
    source = metric.sources.get(facts.scope.cloud)
    period = figure_period(metric, config.gather.kinds)
    if source is None or not period:
        return range(0)
    paces = {source.period_of(fine=fine) for fine in (True, False)}
    until = min(source.horizon(facts.slot, pace) for pace in paces) // period * period
    after = before.watermarks.get(horizon_key(rule), until - period)
    after = max(after, until - max(period, CATCH_UP // period * period))
    return range(after + period, until + period, period)


class _Ground:
    """One rule's members in one scope."""

    def __init__(
        self, rule: Rule, figure: Aggregate, facts: Facts, requests: Sequence[SeriesRequest], span: range
    ) -> None:
        self._figure = figure
        self._span = span
        self._whole = rule.on in facts.inventory.complete
        gaps = facts.readings.gaps
        asked = [request for request in requests if request.metric == figure.reads]
        self._unread = {request.resource_id for request in asked if is_unread(request, gaps)}
        self._asked = {request.resource_id for request in asked}
        self._series: dict[str, list[Series]] = defaultdict(list)
        for series in facts.readings.series:
            if series.key.metric == figure.reads:
                self._series[series.key.resource_id].append(series)

    def asked(self, members: Iterable[Resource]) -> bool:
        """Whether this run has asked for points of theirs, or there are none to be asked for. What comes once a day is
        not asked for at each run."""
        measured = [resource.id for resource in members if resource.measured]
        return not measured or not self._asked.isdisjoint(measured)

    def partials(self, members: Iterable[Resource]) -> Iterator[Partial]:
        """One for each boundary, oldest first."""
        measured = [resource for resource in members if resource.measured]
        courses = [course for resource in measured for course in self._courses(resource)]
        for index, at in enumerate(self._span):
            yield self._partial(at, [course[index] for course in courses])

    def _courses(self, resource: Resource) -> Iterator[list[float | None]]:
        """A value for each boundary: NaN is unknown, None absent. A member with several series counts as several."""
        found = self._series.get(resource.id, [])
        for series in found:
            yield self._course(series)
        if not found and (resource.id in self._unread or resource.id not in self._asked):
            yield [math.nan] * len(self._span)

    def _course(self, series: Series) -> list[float | None]:
        step, first = self._span.step, self._span.start - self._span.step
        sums, counts = [0.0] * len(self._span), [0] * len(self._span)
        for time, value in zip(series.times, series.values, strict=True):
            index = (time - first) // step
            if 0 <= index < len(sums):
                sums[index] += value
                counts[index] += 1
        return [
            sums[index] / counts[index] if counts[index] else None if self._covers(series, at) else math.nan
            for index, at in enumerate(self._span)
        ]

    def _covers(self, series: Series, at: int) -> bool:
        return series.complete and series.start <= at - self._span.step and at <= series.end

    def _partial(self, at: int, column: Iterable[float | None]) -> Partial:
        values = [value for value in column if value is not None]
        known = [value for value in values if math.isfinite(value)]
        spread = pack(((value, 1.0) for value in known), VALUES) if self._figure.function.startswith("p") else ((), ())
        return Partial(
            at,
            known=len(known),
            unknown=len(values) - len(known),
            whole=self._whole,
            total=math.fsum(known),
            least=min(known, default=None),
            most=max(known, default=None),
            matches=sum(map(self._matches, known)),
            values=tuple(spread[0]),
            counts=tuple(spread[1]),
        )

    def _matches(self, value: float) -> bool:
        counted = self._figure.counted
        return isinstance(counted, Threshold) and counted.comparison.holds(value, counted.value)


def _kept(
    before: Mapping[str, tuple[Partial, ...]], fresh: Mapping[str, tuple[Partial, ...]], rule: Rule, span: range
) -> Mapping[str, tuple[Partial, ...]]:
    """What a judgement may still look at. A group whose last member went keeps its past, and then leaves."""
    oldest = span[-1] - periods_kept(rule, span.step) * span.step
    joined = {
        group: tuple(each for each in (*before.get(group, ()), *fresh.get(group, ())) if each.at > oldest)
        for group in (*before, *(group for group in fresh if group not in before))
    }
    return {group: of for group, of in joined.items() if of}


def periods_kept(rule: Rule, period: int) -> int:
    windows = (rule.window, rule.clear_window)
    return max(window.points(period)[1] for window in windows) + EXTRA_PERIODS + KEPT_PERIODS
