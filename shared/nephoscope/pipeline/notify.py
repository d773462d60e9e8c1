"""From a transition to the messages it owes: one a channel, each complete in itself.

A message carries facts, not text; each format renders it when it is sent. It is complete because it may be read when
the machine, the rule and the run are long gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from nephoscope.model.alert import AlertRecord, Notification, Subject, Transition, notification_id
from nephoscope.model.metric import Metric, Unit
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Aggregate, Observation, Rule, Threshold
from nephoscope.model.scope import Scope
from nephoscope.pipeline.conditions import render_figure, render_measured, render_rule
from nephoscope.pipeline.placeholders import render_summary

Attributes = tuple[tuple[str, str], ...]
Links = Callable[[Resource, Metric | None, Attributes], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all messages of a run have in common. slot: data time; committed_at: clock, epoch seconds. partition: where
    its alerts live, if not in the scope of what they are on."""

    fleet: str
    slot: int
    run_id: str
    committed_at: int
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    links: Links = lambda _resource, _metric, _attributes: {}
    partition: Scope | None = None


def plan_notifications(
    transition: Transition, record: AlertRecord, rule: Rule, resource: Resource, channels: Iterable[str], stamp: Stamp
) -> tuple[Notification, ...]:
    """The messages that one transition owes, in the channels' order; ids depend on alert, seq and channel alone."""
    return tuple(_notification(transition, record, rule, resource, channel, stamp) for channel in channels)


def _notification(
    transition: Transition, record: AlertRecord, rule: Rule, resource: Resource, channel: str, stamp: Stamp
) -> Notification:
    threshold = None if isinstance(rule.when, Observation) else rule.when
    metric = metric_of(rule, stamp.metrics)
    measured, unit = measured_of(rule, stamp.metrics)
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
        condition=render_rule(rule, metric or _counted(rule, stamp.metrics)),
        at=transition.at,
        episode=record.episode,
        slot=stamp.slot,
        metric=measured,
        unit=unit,
        value=transition.value,
        threshold=threshold.value if measured and threshold else None,
        worst=transition.worst,
        fired_at=transition.fired_at,
        committed_at=stamp.committed_at,
        runbook=rule.runbook,
        labels=rule.labels,
        links=stamp.links(resource, metric, record.attributes),
    )
    return replace(told, summary=render_summary(rule.summary, told)) if rule.summary else told


def metric_of(rule: Rule, metrics: Mapping[str, Metric]) -> Metric | None:
    """The catalog's row that a rule's number is of; None for what is seen or counted, or is not known."""
    return None if isinstance(rule.when, Observation) else metrics.get(rule.when.metric)


def measured_of(rule: Rule, metrics: Mapping[str, Metric]) -> tuple[str, str]:
    """What the numbers are of, and their unit: `cpu.utilization`, `count(state is running)`; empty where there are
    none, or nobody knows any more what they were."""
    metric = metric_of(rule, metrics)
    if isinstance(rule.when, Aggregate) and (metric is not None or rule.when.counted is not None):
        counted = metrics.get(rule.when.reads)
        return render_figure(rule.when, counted), metric.unit if metric else Unit.COUNT
    if metric is None or not isinstance(rule.when, Threshold):
        return "", ""
    return render_measured(rule.when), metric.unit


def _counted(rule: Rule, metrics: Mapping[str, Metric]) -> Metric | None:
    return metrics.get(rule.when.reads) if isinstance(rule.when, Aggregate) else None


def _subject(resource: Resource, record: AlertRecord) -> Subject:
    group = resource.kind is Kind.GROUP and not resource.scope.region and not resource.scope.account
    return Subject(
        cloud="" if group else resource.scope.cloud,
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
