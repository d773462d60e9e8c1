"""From verdicts to commits: each alert's changes in order, each with the messages it owes.

One commit is one transaction. A run that sees an alert fire and recover within the minutes it makes up for commits
twice, in order, so that both are told. What can be read off the next window anyway (PENDING of a metric) is not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from nephoscope.model.alert import (
    OPEN_STATES,
    AlertRecord,
    AlertState,
    Commit,
    HistoryEntry,
    Outcome,
    Transition,
    TransitionKind,
    Verdict,
)
from nephoscope.model.memory import Remembered
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Comparison, Rule, Threshold
from nephoscope.model.series import Facts
from nephoscope.pipeline.audience import Audience
from nephoscope.pipeline.flapping import MUTED, is_damped, note_firing
from nephoscope.pipeline.lifecycle import advance
from nephoscope.pipeline.notify import Stamp, plan_notifications
from nephoscope.pipeline.verdicts import Judged, end_of_absent


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit is of, for those who show it: the transition is None where only the record was brought up."""

    commit: Commit
    rule: Rule
    resource: Resource
    transition: Transition | None = None


def plan_changes(
    judged: Iterable[Judged],
    facts: Facts,
    remembered: Remembered,
    rules: Mapping[str, Rule],
    audience: Audience,
    stamp: Stamp,
) -> tuple[Change, ...]:
    """Every commit of a run: for each alert in order of its ver, starting at the version that was read."""
    changes: list[Change] = []
    seen: set[str] = set()
    for alert in judged:
        seen.add(alert.key)
        record = remembered.alerts.get(alert.key) or _fresh(alert)
        changes += _changes(record, alert.verdicts, alert.rule, alert.resource, audience, stamp)
    present = {resource.id: resource for resource in facts.inventory.resources}
    for record in remembered.alerts.values():
        if record.alert_key not in seen and record.lives:
            changes += _of_absent(record, facts, present, rules, audience, stamp)
    return tuple(changes)


def alerts_after(alerts: Mapping[str, AlertRecord], changes: Iterable[Change]) -> Mapping[str, AlertRecord]:
    """As they stand once the changes are written."""
    return {**alerts, **{change.commit.record.alert_key: change.commit.record for change in changes}}


def _changes(
    record: AlertRecord,
    verdicts: Iterable[Verdict],
    rule: Rule,
    resource: Resource,
    audience: Audience,
    stamp: Stamp,
) -> Iterator[Change]:
    """One change for each transition; then one more if the record has moved since without telling anybody."""
    stored = record
    for verdict in verdicts:
        record, transition = advance(record, verdict, rule)
        if transition is not None:
            change = _tell(stored, record, transition, rule, resource, audience, stamp)
            yield change
            stored = record = change.commit.record
    silent = _kept(record, rule)
    if _differs(stored, silent):
        record = replace(silent, ver=stored.ver + 1, run_id=stamp.run_id)
        yield Change(Commit(stamp.partition or resource.scope, stored.ver, record), rule, resource)


def _tell(
    stored: AlertRecord,
    record: AlertRecord,
    transition: Transition,
    rule: Rule,
    resource: Resource,
    audience: Audience,
    stamp: Stamp,
) -> Change:
    record, transition = note_firing(record, transition)
    damped = is_damped(stored, transition)
    muted = MUTED if damped else _muted_by(transition, audience, rule, resource)
    channels = () if muted else _channels(stored, transition, rule, audience.of(rule, resource))
    told, told_at = record.told, record.told_at
    if transition.kind is TransitionKind.FIRED and not damped:
        told, told_at = channels, dict.fromkeys(channels, stamp.slot)
    if record.state not in OPEN_STATES and not damped:
        told, told_at = (), {}
        record = replace(record, flapping=False)
    record = replace(_kept(record, rule), ver=stored.ver + 1, run_id=stamp.run_id, told=told, told_at=told_at)
    record = record if record.state in OPEN_STATES else replace(record, withheld=())
    return telling(record, transition, rule, resource, channels, stamp, muted)


def _muted_by(transition: Transition, audience: Audience, rule: Rule, resource: Resource) -> str:
    """An end is told, quiet or not, to whoever was told of the beginning."""
    return "" if transition.kind is TransitionKind.RESOLVED else audience.muted_by(rule, resource)


def telling(
    record: AlertRecord,
    transition: Transition,
    rule: Rule,
    resource: Resource,
    channels: tuple[str, ...],
    stamp: Stamp,
    muted: str = "",
) -> Change:
    """The commit of what these channels are told. record: as it will stand, its ver one above what was read."""
    history = HistoryEntry(
        alert_key=record.alert_key,
        seq=record.ver,
        rule=rule.name,
        resource_id=resource.id,
        kind=transition.kind,
        why=transition.why,
        at=transition.at,
        slot=stamp.slot,
        value=transition.value,
        worst=transition.worst,
        told=channels,
        muted=muted,
    )
    notifications = plan_notifications(transition, record, rule, resource, channels, stamp)
    scope = stamp.partition or resource.scope
    return Change(Commit(scope, record.ver - 1, record, notifications, history), rule, resource, transition)


def _channels(stored: AlertRecord, transition: Transition, rule: Rule, audience: tuple[str, ...]) -> tuple[str, ...]:
    """Silence is shown, and sent only where the rule says so; an end is owed to all who were told of the beginning."""
    match transition.kind:
        case TransitionKind.FIRED:
            return audience
        case TransitionKind.WENT_SILENT | TransitionKind.BACK:
            return audience if rule.tell_missing else ()
        case TransitionKind.RESOLVED:
            return tuple(dict.fromkeys(stored.told))


def _kept(record: AlertRecord, rule: Rule) -> AlertRecord:
    """PENDING of a metric is derived from the window that is read anyway."""
    derived = record.state is AlertState.PENDING and rule.derived
    return replace(record, state=AlertState.OK) if derived else record


def _differs(stored: AlertRecord, record: AlertRecord) -> bool:
    """Whether a silent write is worth its cost: another state, a worse worst value, another count of misses."""
    return (stored.state, stored.worst, stored.missed) != (record.state, record.worst, record.missed)


def _of_absent(
    record: AlertRecord,
    facts: Facts,
    present: Mapping[str, Resource],
    rules: Mapping[str, Rule],
    audience: Audience,
    stamp: Stamp,
) -> Iterator[Change]:
    outcome = end_of_absent(record, rules, present, facts)
    if outcome is None:
        return
    resource = present.get(record.resource_id) or Resource(facts.scope, Kind.INSTANCE, record.resource_id)
    rule = rules.get(record.rule) or Rule(record.rule, resource.kind, _WITHDRAWN)
    if outcome is Outcome.KEEP:
        missed = replace(record, missed=record.missed + 1, ver=record.ver + 1, run_id=stamp.run_id)
        yield Change(Commit(facts.scope, record.ver, missed), rule, resource)
        return
    verdict = Verdict(record.alert_key, facts.slot, outcome)
    yield from _changes(record, (verdict,), rule, resource, audience, stamp)


_WITHDRAWN = Threshold("", Comparison.GREATER, 0.0)
"""Stands in for the condition of a rule that no longer exists: only its end is told, never a number."""


def _fresh(alert: Judged) -> AlertRecord:
    return AlertRecord(alert.key, alert.rule.name, alert.resource.id, alert.attributes)
