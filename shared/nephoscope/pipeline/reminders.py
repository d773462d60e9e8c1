"""What people are told of an alert that goes on: that it is still there when quiet ends, again and again where a
channel wants that, and to somebody else when nobody has taken it up.

None of these is a transition of the lifecycle, yet each is told, so each is a commit of its own: `ver` goes up, and the
message's id with it. All follows from the slot, so that a doubled run reminds once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from nephoscope.model.alert import OPEN_STATES, AlertRecord, Transition, TransitionKind, Why
from nephoscope.model.quiet import Acknowledgement
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Rule
from nephoscope.pipeline.audience import Audience
from nephoscope.pipeline.changes import Change, telling
from nephoscope.pipeline.flapping import has_settled
from nephoscope.pipeline.notify import Stamp


def plan_reminders(
    records: Iterable[AlertRecord],
    rules: Mapping[str, Rule],
    present: Mapping[str, Resource],
    audience: Audience,
    acknowledged: Mapping[str, Acknowledgement],
    stamp: Stamp,
) -> tuple[Change, ...]:
    """A change for each open alert of which somebody is to hear again. records: as they stand after the run's own
    changes. An alert whose resource is not listed now waits until it is, or is gone."""
    return tuple(
        change
        for record in records
        if (record.state in OPEN_STATES or record.flapping) and record.rule in rules and record.resource_id in present
        for change in _reminder(record, rules[record.rule], present[record.resource_id], audience, acknowledged, stamp)
    )


def _reminder(
    record: AlertRecord,
    rule: Rule,
    resource: Resource,
    audience: Audience,
    acknowledged: Mapping[str, Acknowledgement],
    stamp: Stamp,
) -> Iterator[Change]:
    if record.flapping:
        if has_settled(record, stamp.slot):
            yield _settle(record, rule, resource, stamp)
        return
    if audience.muted_by(rule, resource):
        return
    channels = audience.of(rule, resource)
    if not record.told:
        if channels:
            yield _tell(record, Why.QUIET_OVER, channels, rule, resource, stamp)
        return
    if late := tuple(channel for channel in channels if channel in record.withheld):
        yield _tell(record, Why.QUIET_OVER, late, rule, resource, stamp)
        return
    ack = acknowledged.get(record.alert_key)
    if ack is not None and ack.episode == record.episode:
        return
    if late := _escalated_to(record, rule, resource, audience, stamp.slot):
        yield _tell(record, Why.ESCALATED, late, rule, resource, stamp)
    elif due := _repeated_to(record, audience, stamp.slot):
        yield _tell(record, Why.REPEATED, due, rule, resource, stamp)


def _settle(record: AlertRecord, rule: Rule, resource: Resource, stamp: Stamp) -> Change:
    """Whoever was told that it comes and goes is told what has become of it."""
    settled = replace(record, flapping=False, fires=())
    if record.state in OPEN_STATES:
        return _tell(settled, Why.SETTLED, record.told, rule, resource, stamp)
    ended = replace(_transition(record, TransitionKind.RESOLVED, Why.SETTLED), fired_at=record.fires[0])
    record = replace(settled, ver=record.ver + 1, run_id=stamp.run_id, told=(), told_at={})
    return telling(record, ended, rule, resource, settled.told, stamp)


def _escalated_to(
    record: AlertRecord, rule: Rule, resource: Resource, audience: Audience, slot: int
) -> tuple[str, ...]:
    open_for = slot - (record.fired_at if record.fired_at is not None else slot)
    found = [
        channel
        for route in audience.routes(rule, resource)
        if route.escalate_after and open_for >= route.escalate_after
        for channel in route.escalate_to
        if channel not in record.told
    ]
    return tuple(dict.fromkeys(found))


def _repeated_to(record: AlertRecord, audience: Audience, slot: int) -> tuple[str, ...]:
    channels = audience.config.channels
    return tuple(
        name
        for name in record.told
        if name in channels and channels[name].repeat and slot - record.told_at.get(name, slot) >= channels[name].repeat
    )


def _tell(
    record: AlertRecord, why: Why, channels: tuple[str, ...], rule: Rule, resource: Resource, stamp: Stamp
) -> Change:
    told = replace(
        record,
        ver=record.ver + 1,
        run_id=stamp.run_id,
        told=tuple(dict.fromkeys((*record.told, *channels))),
        told_at={**record.told_at, **dict.fromkeys(channels, stamp.slot)},
        withheld=tuple(channel for channel in record.withheld if channel not in channels),
    )
    return telling(told, _transition(record, TransitionKind.FIRED, why), rule, resource, channels, stamp)


def _transition(record: AlertRecord, kind: TransitionKind, why: Why) -> Transition:
    return Transition(
        alert_key=record.alert_key,
        kind=kind,
        before=record.state,
        after=record.state,
        why=why,
        at=max(record.watermark, record.since),
        value=record.value,
        worst=record.worst,
        fired_at=record.fired_at,
    )
