"""The fleet's own evaluation: rules on groups of resources, from what each scope has noted of its members.

A group is judged as far as all scopes that may hold members of it have come. One that lags too far behind is not waited
for: what it holds is unknown, and the group is judged only where that makes no difference. A group that loses its last
member is still counted (it then has none, which is what a rule on a count is for), and forgotten after a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from nephoscope.model.alert import OPEN_STATES, AlertRecord, Outcome, Verdict, alert_key
from nephoscope.model.config import Config
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.metric import Metric, Unit
from nephoscope.model.partial import Partial
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Aggregate, Rule
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Inventory
from nephoscope.model.time import DAY, MINUTE
from nephoscope.pipeline.audience import Audience
from nephoscope.pipeline.changes import Change, alerts_after, plan_changes
from nephoscope.pipeline.evaluate import Course, evaluate_course, hold
from nephoscope.pipeline.figures import Bounds, bounds_of, sample_of
from nephoscope.pipeline.need import CATCH_UP
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.partials import (
    SCOPE_LABELS,
    TAG,
    figure_of,
    figure_period,
    group_rules,
    horizon_key,
    periods_kept,
    scope_label,
)
from nephoscope.pipeline.quiet import active_mutes
from nephoscope.pipeline.reminders import plan_reminders
from nephoscope.pipeline.verdicts import Judged

FORGOTTEN_AFTER = DAY
"""Seconds after which a group without a member is no longer one."""

LAGS_AFTER = 10 * MINUTE
"""Seconds that a scope's part may be behind the newest before it is not waited for; or three runs, if that is more."""

_ALL = frozenset({Kind.INSTANCE, Kind.BUCKET})


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What is to be written of the fleet's groups: the changes in order, then the progress. judged: each group."""

    changes: tuple[Change, ...]
    progress: Progress
    firing: tuple[AlertRecord, ...]
    judged: tuple[Judged, ...]

    @property
    def groups(self) -> int:
        return len(self.judged)


@dataclass(frozen=True, slots=True)
class _Ground:
    """parts: the progress of every scope that is gathered."""

    parts: Sequence[Progress]
    remembered: Remembered
    config: Config
    metrics: Mapping[str, Metric]
    slot: int

    @property
    def home(self) -> Scope:
        return self.remembered.progress.scope

    @property
    def patience(self) -> int:
        return max(LAGS_AFTER, 3 * self.config.gather.every)


def plan_groups(
    parts: Sequence[Progress], remembered: Remembered, config: Config, metrics: Mapping[str, Metric], stamp: Stamp
) -> GroupPlan:
    """Decide about every group. remembered: of the fleet's own partition. stamp.slot: the run's. Pure."""
    ground = _Ground(parts, remembered, config, metrics, stamp.slot)
    rules = group_rules(config.rules)
    groups = {rule.name: _groups(rule, ground) for rule in rules}
    known = {f"{rule}|{group}": seen for rule, of in groups.items() for group, seen in of.items()}
    reached: dict[str, int] = {}
    judged = [
        _judge(rule, group, ground, reached)
        for rule in rules
        for group, seen in groups[rule.name].items()
        if not rule.by or ground.slot - seen <= FORGOTTEN_AFTER
    ]
    facts = Facts(ground.home, ground.slot, Inventory(tuple(each.resource for each in judged), complete=_ALL))
    by_name = {rule.name: rule for rule in rules}
    audience = Audience(config, active_mutes(config.quiet, remembered.silences, ground.slot))
    stamp = replace(stamp, partition=ground.home)
    changes = plan_changes(judged, facts, remembered, by_name, audience, stamp)
    alerts = alerts_after(remembered.alerts, changes)
    present = {each.resource.id: each.resource for each in judged}
    told = plan_reminders(alerts.values(), by_name, present, audience, remembered.acknowledged, stamp)
    firing = [record for record in alerts_after(alerts, told).values() if record.state in OPEN_STATES]
    before = remembered.progress
    progress = replace(
        before,
        ver=before.ver + 1,
        slot=ground.slot,
        run_id=stamp.run_id,
        heartbeat=stamp.committed_at,
        watermarks=reached,
        groups={key: seen for key, seen in known.items() if ground.slot - seen <= 2 * FORGOTTEN_AFTER},
    )
    return GroupPlan((*changes, *told), progress, tuple(firing), tuple(judged))


def _groups(rule: Rule, ground: _Ground) -> Mapping[str, int]:
    """Group -> slot at which it last had a member, sorted. Without `by` there is always one."""
    prefix = f"{rule.name}|"
    known = {
        key.removeprefix(prefix): seen
        for key, seen in ground.remembered.progress.groups.items()
        if key.startswith(prefix)
    }
    for part in ground.parts:
        for group, partials in part.partials.get(rule.name, {}).items():
            if partials and partials[-1].at >= part.watermarks.get(horizon_key(rule), 0):
                known[group] = max(known.get(group, 0), min(part.slot, ground.slot))
    return dict(sorted(known.items())) if rule.by else {"": ground.slot}


def _judge(rule: Rule, group: str, ground: _Ground, reached: dict[str, int]) -> Judged:
    resource = group_resource(rule, group, ground.home)
    key = alert_key(rule.name, ground.home, resource.id)
    figure = figure_of(rule)
    parts = [part for part in ground.parts if _may_hold(rule, group, part.scope, ground)]
    if figure.seen:
        verdicts = _seen(key, rule, figure, group, parts, ground)
    else:
        verdicts = _measured(key, rule, group, parts, ground, reached)
    return Judged(key, rule, resource, (), verdicts)


def _may_hold(rule: Rule, group: str, scope: Scope, ground: _Ground) -> bool:
    """Whether there may be members of the group in the scope: what the group says of the place fits, the kind is
    gathered there, and its cloud has the metric."""
    kinds = ground.config.gather.kinds.get(scope.cloud, ())
    metric = ground.metrics.get(figure_of(rule).reads)
    if rule.on not in kinds or (metric is not None and scope.cloud not in metric.sources):
        return False
    return all(scope_label(name, scope) == value for name, value in labels_of(group).items() if name in SCOPE_LABELS)


# --- what is seen --------------------------------------------------------------------------------------------------


def _seen(
    key: str, rule: Rule, figure: Aggregate, group: str, parts: Sequence[Progress], ground: _Ground
) -> tuple[Verdict, ...]:
    """At the slot, from the newest part of each scope."""
    total = _sum([_newest(rule, group, part, ground) for part in parts], ground.slot)
    bounds = bounds_of(figure, total, Unit.COUNT)
    value = sample_of(figure, bounds)
    if not isinstance(value, float):
        return (Verdict(key, ground.slot, Outcome.UNKNOWN),)
    record = ground.remembered.alerts.get(key)
    if figure.comparison.holds(value, figure.value):
        return (replace(hold(key, rule, record, ground.slot), value=value),)
    return (Verdict(key, ground.slot, _short_of(rule, record, bounds), value),)


def _short_of(rule: Rule, record: AlertRecord | None, bounds: Bounds | None) -> Outcome:
    """Not bad; and well, where the rule says what that is?"""
    if not isinstance(rule.clear, Aggregate):
        return Outcome.CLEAR
    value = sample_of(rule.clear, bounds)
    open_now = record is not None and record.state in OPEN_STATES
    well = isinstance(value, float) and rule.clear.comparison.holds(value, rule.clear.value)
    return Outcome.CLEAR if well or not open_now else Outcome.HELD


def _newest(rule: Rule, group: str, part: Progress, ground: _Ground) -> Partial:
    at = part.watermarks.get(horizon_key(rule), 0)
    if ground.slot - at > ground.patience:
        return Partial(ground.slot, whole=False)
    found = part.partials.get(rule.name, {}).get(group, ())
    return found[-1] if found else Partial(at)


# --- what is measured ----------------------------------------------------------------------------------------------


def _measured(
    key: str, rule: Rule, group: str, parts: Sequence[Progress], ground: _Ground, reached: dict[str, int]
) -> tuple[Verdict, ...]:
    figure = figure_of(rule)
    metric = ground.metrics[figure.reads]
    period = figure_period(metric, ground.config.gather.kinds)
    until = _until(rule, parts, ground)
    if not until:
        return ()
    mark = f"{rule.name}|{group}"
    kept = periods_kept(rule, period)
    after = max(ground.remembered.progress.watermarks.get(mark, until - period), until - max(period, CATCH_UP))
    start = min(after, until) - kept * period
    bounds = [
        bounds_of(figure, _at(rule, group, at, parts), metric.unit) for at in range(start + period, until + 1, period)
    ]
    samples = [sample_of(figure, each) for each in bounds]
    clearing = [sample_of(rule.clear, each) for each in bounds] if isinstance(rule.clear, Aggregate) else []
    course = Course(rule, group_resource(rule, group, ground.home), period, start, samples, clearing)
    verdicts = evaluate_course(key, course, after, until, grace=0)
    at = verdicts[-1].at if verdicts else after
    reached[mark] = max(at, until - (kept - 1) * period)  # what lies further back, no scope keeps
    return tuple(verdicts)


def _until(rule: Rule, parts: Sequence[Progress], ground: _Ground) -> int:
    """As far as all have come that do not lag; 0 where none has come anywhere."""
    marks = [part.watermarks.get(horizon_key(rule), 0) for part in parts]
    newest = max(marks, default=0)
    return min((mark for mark in marks if newest - mark <= _patience(rule, ground)), default=0)


def _patience(rule: Rule, ground: _Ground) -> int:
    return max(ground.patience, figure_period(ground.metrics[figure_of(rule).reads], ground.config.gather.kinds))


def _at(rule: Rule, group: str, at: int, parts: Sequence[Progress]) -> Partial:
    return _sum([_part_at(rule, group, at, part) for part in parts], at)


def _part_at(rule: Rule, group: str, at: int, part: Progress) -> Partial:
    """What the scope knows of this moment: nothing, where it has not come so far or did not look yet; no member, where
    it has others of that time."""
    groups = part.partials.get(rule.name, {})
    found = {each.at: each for each in groups.get(group, ())}
    if at in found:
        return found[at]
    oldest = min((of[0].at for of in groups.values() if of), default=0)
    return Partial(at, whole=oldest <= at <= part.watermarks.get(horizon_key(rule), 0))


def _sum(partials: Iterable[Partial], at: int) -> Partial:
    return reduce(add, partials, Partial(at))


# --- the group as a thing that is watched ---------------------------------------------------------------------------


def labels_of(group: str) -> Mapping[str, str]:
    """The inverse of partials.group_of."""
    return {name: _plain(value) for name, _, value in (pair.partition("=") for pair in group.split(",") if pair)}


def _plain(value: str) -> str:
    return value.replace("%2C", ",").replace("%3D", "=")


def group_named(rule: Rule, resource_id: str) -> str:
    """The group out of its resource's id."""
    return resource_id.removeprefix(f"{rule.on}s of ") if rule.by else ""


def group_resource(rule: Rule, group: str, home: Scope) -> Resource:
    """The group among the things that are watched. Its scope is the place that its labels name, as far as they do."""
    labels = labels_of(group)
    cloud = labels.get("cloud_provider", "")
    return Resource(
        scope=Scope(
            Cloud(cloud) if cloud else home.cloud, labels.get("cloud_account_id", ""), labels.get("cloud_region", "")
        ),
        kind=Kind.GROUP,
        id=f"{rule.on}s of {group}" if group else f"all {rule.on}s",
        name=_name(rule, labels),
        type=labels.get("host_type", ""),
        zone=labels.get("cloud_availability_zone", ""),
        tags={name.removeprefix(TAG): value for name, value in labels.items() if name.startswith(TAG)},
    )


def _name(rule: Rule, labels: Mapping[str, str]) -> str:
    """`instances with role=web in eu-west-1`, `all instances`."""
    tags = [f"{name.removeprefix(TAG)}={value}" for name, value in labels.items() if name.startswith(TAG)]
    places = [value for name, value in labels.items() if not name.startswith(TAG)]
    told = [f"{rule.on}s"]
    told += [f"with {' and '.join(tags)}"] if tags else []
    told += [f"in {' '.join(places)}"] if places else []
    return " ".join(told) if labels else f"all {rule.on}s"
