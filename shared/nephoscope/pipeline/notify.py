"""From a transition to the messages it owes: one a channel, each complete in itself.

A message carries facts, not text; each format renders it when it is sent. It is complete because it may be read when
the machine, the rule and the run are long gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from nephoscope.model.alert import AlertRecord, Notification, Subject, Transition, notification_id
from nephoscope.model.metric import Metric
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Rule, Threshold
from nephoscope.pipeline.conditions import render_rule
from nephoscope.pipeline.placeholders import render_summary

Attributes = tuple[tuple[str, str], ...]
Links = Callable[[Resource, Metric | None, Attributes], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all messages of a run have in common. slot: data time; committed_at: clock, epoch seconds."""

    fleet: str
    slot: int
    run_id: str
    committed_at: int
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    links: Links = lambda _resource, _metric, _attributes: {}


def plan_notifications(
    transition: Transition, record: AlertRecord, rule: Rule, resource: Resource, channels: Iterable[str], stamp: Stamp
) -> tuple[Notification, ...]:
    """The messages that one transition owes, in the channels' order; ids depend on alert, seq and channel alone."""
    return tuple(_notification(transition, record, rule, resource, channel, stamp) for channel in channels)


def _notification(
    transition: Transition, record: AlertRecord, rule: Rule, resource: Resource, channel: str, stamp: Stamp
) -> Notification:
    threshold = rule.when if isinstance(rule.when, Threshold) else None
    metric = stamp.metrics.get(threshold.metric) if threshold else None
    told = Notification(
        id=notification_id(record.alert_key, record.ver, channel),
        alert_key=record.alert_key,
        seq=record.ver,
        channel=channel,
        fleet=stamp.fleet,
        rule=rule.name,
        severity=rule.severity,
        kind=transition.kind,
        why=transition.why,
        subject=_subject(resource, record),
        condition=render_rule(rule, metric),
        at=transition.at,
        episode=record.episode,
        slot=stamp.slot,
        metric=metric.name if metric else "",
        unit=metric.unit if metric else "",
        value=transition.value,
        threshold=threshold.value if metric and threshold else None,
        worst=transition.worst,
        fired_at=transition.fired_at,
        committed_at=stamp.committed_at,
        runbook=rule.runbook,
        labels=rule.labels,
        links=stamp.links(resource, metric, record.attributes),
    )
    return replace(told, summary=render_summary(rule.summary, told)) if rule.summary else told


def _subject(resource: Resource, record: AlertRecord) -> Subject:
    return Subject(
        cloud=resource.scope.cloud,
        account=resource.scope.account,
        region=resource.scope.region,
        kind=resource.kind,
        id=resource.id,
        name=resource.name,
        type=resource.type,
        zone=resource.zone,
        state=resource.state or "",
        tags=resource.tags,
        attributes=dict(record.attributes),
    )
