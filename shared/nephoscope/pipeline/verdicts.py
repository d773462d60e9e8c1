"""All verdicts of a scope's run, and how far each series has been judged.

Reading and judging meet here: which rule concerns which resource, which series answers it, and what it means that
none does. A read that failed leaves its series *behind*: its watermark stays, the others go on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nephoscope.model.alert import AlertRecord, AlertState, Outcome, Verdict, alert_key
from nephoscope.model.config import Config
from nephoscope.model.memory import Remembered
from nephoscope.model.metric import Metric
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Aggregate, MissingData, Observation, Rule
from nephoscope.model.series import Facts, Gap, Series, SeriesKey, SeriesRequest
from nephoscope.pipeline.evaluate import evaluate_observation, evaluate_series, evaluate_unmeasured
from nephoscope.pipeline.need import behind_key, metrics_of, pace_of, rules_for
from nephoscope.pipeline.zones import ZONE_DOWN

Attributes = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """One alert of this run: its key, what it is of, and its verdicts in order of time (may be empty)."""

    key: str
    rule: Rule
    resource: Resource
    attributes: Attributes
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Judgements:
    """alerts: judged as they are asked for, and only once, for a large scope's verdicts are too many to keep.
    reached: `metric|resource id` -> the last boundary judged, for every series that was asked and fell short; whole
    when `alerts` has come to its end."""

    alerts: Iterator[Judged]
    reached: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ground:
    """What judging stands on: the facts, indexed, and what is remembered. records: by rule and resource id."""

    facts: Facts
    config: Config
    metrics: Mapping[str, Metric]
    remembered: Remembered
    series: Mapping[tuple[str, str], list[Series]]
    requests: Mapping[tuple[str, str], SeriesRequest]
    records: Mapping[tuple[str, str], Sequence[AlertRecord]]

    def expected(self, rule: Rule, request: SeriesRequest) -> list[Series]:
        """The series that answer a request. A discovered metric that is no longer listed (the agent is gone) is
        absent, not forgotten: what an open alert still waits for is an empty one. One that was never listed is no
        news (there is no agent), unless the rule says that absence is bad."""
        found = self.series.get((request.resource_id, request.metric), [])
        if is_unread(request, self.facts.readings.gaps):
            return found
        have = {series.key.attributes for series in found}
        waiting = [
            record.attributes
            for record in self.records.get((rule.name, request.resource_id), ())
            if record.state is not AlertState.OK and record.attributes not in have
        ]
        if not found and not waiting and rule.missing is MissingData.BREACHING:
            waiting = [()]
        return found + [_empty(request, attributes) for attributes in waiting]


def judge_scope(
    facts: Facts,
    requests: Sequence[SeriesRequest],
    remembered: Remembered,
    config: Config,
    metrics: Mapping[str, Metric],
) -> Judgements:
    """Every verdict of a run: for each rule and each resource it concerns, each boundary since it was last judged."""
    asked = {(request.resource_id, request.metric): request for request in requests}
    records = _by_rule_and_resource(remembered.alerts.values())
    ground = Ground(facts, config, metrics, remembered, _by_request(facts), asked, records)
    reached: dict[str, int] = {}
    alerts = (
        judged
        for resource in facts.inventory.resources
        for rule in rules_for(resource, (*config.rules, ZONE_DOWN))
        for judged in _judge(rule, resource, ground, reached)
    )
    return Judgements(alerts, reached)


def scope_resource(facts: Facts, kinds: Iterable[Kind]) -> Resource:
    """The scope itself as a thing that is watched: `sight` is clear, partial or blind."""
    return Resource(
        scope=facts.scope,
        kind=Kind.SCOPE,
        id=facts.scope.key,
        name=f"{facts.scope.account} {facts.scope.region}",
        observations={"sight": _sight(facts, frozenset(kinds))},
    )


def _sight(facts: Facts, kinds: frozenset[Kind]) -> str:
    """Blind: a kind that should be listed is not, not even in part; or nothing that was asked of its metrics came."""
    listed = {resource.kind for resource in facts.inventory.resources} | facts.inventory.complete
    whole_metrics = any(not gap.resource_ids for gap in facts.readings.gaps)
    if kinds - listed or (whole_metrics and not facts.readings.series):
        return "blind"
    return "partial" if facts.gaps else "clear"


def _judge(rule: Rule, resource: Resource, ground: Ground, reached: dict[str, int]) -> Iterator[Judged]:
    if isinstance(rule.when, Aggregate):
        return  # the fleet's business: pipeline/groups.py
    if isinstance(rule.when, Observation):
        key = alert_key(rule.name, resource.scope, resource.id)
        verdict = evaluate_observation(key, rule, resource, ground.remembered.alerts.get(key), ground.facts.slot)
        yield Judged(key, rule, resource, (), (verdict,))
    elif not resource.measured:
        yield from _unmeasured(rule, resource, ground)
    else:
        yield from _measured(rule, resource, ground, reached)


def _unmeasured(rule: Rule, resource: Resource, ground: Ground) -> Iterator[Judged]:
    """Every alert that is remembered of this rule and machine hears that the machine does not run."""
    for record in ground.records.get((rule.name, resource.id), ()):
        if record.lives:
            verdict = evaluate_unmeasured(record.alert_key, resource, ground.facts.slot)
            yield Judged(record.alert_key, rule, resource, record.attributes, (verdict,))


def _measured(rule: Rule, resource: Resource, ground: Ground, reached: dict[str, int]) -> Iterator[Judged]:
    metric = ground.metrics[_metric_of(rule)]
    request = ground.requests.get((resource.id, metric.name))
    pace = pace_of(metric, resource, ground.remembered.progress, ground.facts.slot)
    if request is None or pace is None:
        return
    answers = ground.expected(rule, request)
    if not answers and is_unread(request, ground.facts.readings.gaps):
        _fall_behind(reached, behind_key(metric.name, resource.id), pace.after)
    for series in answers:
        key = alert_key(rule.name, resource.scope, resource.id, series.key.attributes)
        verdicts = evaluate_series(
            key, rule, resource, series, after=pace.after, until=pace.until, grace=ground.config.grace
        )
        if not verdicts or verdicts[-1].at < pace.until:
            _fall_behind(reached, behind_key(metric.name, resource.id), verdicts[-1].at if verdicts else pace.after)
        yield Judged(key, rule, resource, series.key.attributes, tuple(verdicts))


def _fall_behind(reached: dict[str, int], key: str, at: int) -> None:
    reached[key] = min(at, reached.get(key, at))


def _metric_of(rule: Rule) -> str:
    (metric,) = metrics_of((rule,))
    return metric


def _by_request(facts: Facts) -> Mapping[tuple[str, str], list[Series]]:
    index: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for series in facts.readings.series:
        index[series.key.resource_id, series.key.metric].append(series)
    return index


def _by_rule_and_resource(records: Iterable[AlertRecord]) -> Mapping[tuple[str, str], Sequence[AlertRecord]]:
    index: dict[tuple[str, str], list[AlertRecord]] = defaultdict(list)
    for record in records:
        index[record.rule, record.resource_id].append(record)
    return index


def is_unread(request: SeriesRequest, gaps: Iterable[Gap]) -> bool:
    """Whether a gap covers this request: what it did not bring is unknown, then, not absent."""
    return any(
        (not gap.affected or request.metric in gap.affected)
        and (not gap.resource_ids or request.resource_id in gap.resource_ids)
        for gap in gaps
    )


def _empty(request: SeriesRequest, attributes: Attributes) -> Series:
    return Series(
        SeriesKey(request.resource_id, request.metric, attributes), request.period, request.start, request.end
    )


def end_of_absent(
    record: AlertRecord, rules: Mapping[str, Rule], present: Mapping[str, Resource], facts: Facts
) -> Outcome | None:
    """Why an open alert that no verdict of this run is about has ended; None when it goes on (or nobody can say).

    A rule that was removed or selects the resource no longer: WITHDRAWN. A resource that two complete inventories in a
    row do not list: GONE; the first time only counts.
    """
    rule = rules.get(record.rule)
    resource = present.get(record.resource_id)
    if rule is None or (resource is not None and not rule.where.matches(resource)):
        return Outcome.WITHDRAWN
    if resource is not None or rule.on not in facts.inventory.complete:
        return None
    return Outcome.GONE if record.missed >= 1 else Outcome.KEEP
