"""Alerts as rows: those that are open, and what happened lately."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nephoscope.model.alert import AlertRecord, HistoryEntry
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Rule, Severity
from nephoscope.model.scope import Scope
from nephoscope.pipeline.groups import group_named, group_resource
from nephoscope.pipeline.looking.look import MACHINES, Look, Place
from nephoscope.pipeline.notify import measured_of
from nephoscope.pipeline.quiet import active_mutes, muted_by
from nephoscope.pipeline.wording import clean, render_id, render_value

HAPPENED = 200
"""Entries of the past that are shown at most."""
_ORDER = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True, slots=True)
class About:
    """What a row is about. name: as a person calls it; id: empty where it is the name. machine: it has a page. device:
    of the machine, where the alert is on one."""

    scope: Scope
    name: str
    id: str = ""
    key: str = ""
    machine: bool = False
    device: str = ""


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """since: epoch seconds. value: in words, empty where nothing is measured. quiet: who has seen it, or why nobody is
    told; empty where neither."""

    key: str
    severity: str
    rule: str
    about: About
    state: str
    value: str
    since: int
    told: tuple[str, ...]
    quiet: str = ""
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class Happened:
    """at: data time. told: who was owed word of it, or why nobody was."""

    at: int
    kind: str
    rule: str
    about: About
    why: str
    value: str
    told: str


def open_alerts(look: Look) -> tuple[OpenAlert, ...]:
    """The worst first, and among these the newest."""
    rows = [_open(place, record, look) for place, record in look.opened()]
    return tuple(sorted(rows, key=lambda row: (_ORDER.get(Severity(row.severity), 3), -row.since, row.key)))


def open_on(look: Look, resource: Resource) -> tuple[OpenAlert, ...]:
    return tuple(row for row in open_alerts(look) if row.about.scope == resource.scope and row.about.key == resource.id)


def _open(place: Place, record: AlertRecord, look: Look) -> OpenAlert:
    rule = look.rules.get(record.rule)
    return OpenAlert(
        key=record.alert_key,
        severity=rule.severity if rule else Severity.WARNING,
        rule=clean(record.rule, 120),
        about=about(look, place.scope, record.rule, record.resource_id, record.attributes),
        state=record.state,
        value=value_words(record.value, rule, look),
        since=record.fired_at or record.since,
        told=record.told,
        quiet=_quiet(place, record, rule, look),
        runbook=rule.runbook if rule else "",
    )


def _quiet(place: Place, record: AlertRecord, rule: Rule | None, look: Look) -> str:
    ack = place.acknowledged.get(record.alert_key)
    if ack is not None and ack.episode == record.episode:
        return f"acknowledged by {clean(ack.by, 60) or 'somebody'}"
    resource = look.found(place.scope, record.resource_id)
    if rule is None or resource is None:
        return ""
    why = muted_by(active_mutes(look.windows, look.silences.get(place.scope.cloud, ()), look.at), rule, resource)
    return f"quiet: {clean(why, 80)}" if why else ""


def about(look: Look, scope: Scope, rule: str, resource_id: str, attributes: tuple[tuple[str, str], ...] = ()) -> About:
    if scope.is_fleet and rule in look.rules:
        group = group_resource(look.rules[rule], group_named(look.rules[rule], resource_id), scope)
        return About(scope, clean(group.name), key=resource_id)
    resource = look.found(scope, resource_id)
    name = clean(resource.name) if resource else ""
    own_id = clean(render_id(resource_id))
    device = ", ".join(clean(value, 60) for _, value in attributes)
    known = resource is not None and resource.kind in MACHINES
    return About(scope, name or own_id, own_id if name and name != own_id else "", resource_id, known, device)


def value_words(value: float | None, rule: Rule | None, look: Look) -> str:
    if value is None or rule is None:
        return ""
    measured, unit = measured_of(rule, look.metrics)
    return render_value(value, unit) if measured else ""


# --- what happened ------------------------------------------------------------------------------------------------


def happened(look: Look, limit: int = HAPPENED) -> tuple[Happened, ...]:
    """The newest first."""
    entries = sorted(
        ((place, entry) for place in look.everywhere for entry in place.history),
        key=lambda pair: (pair[1].at, pair[1].seq),
        reverse=True,
    )
    return tuple(happening(look, place.scope, entry) for place, entry in entries[:limit])


def happening(look: Look, scope: Scope, entry: HistoryEntry) -> Happened:
    value = value_words(entry.value, look.rules.get(entry.rule), look)
    return Happened(
        at=entry.at,
        kind=str(entry.kind).replace("_", " "),
        rule=clean(entry.rule, 120),
        about=about(look, scope, entry.rule, entry.resource_id),
        why=str(entry.why).replace("_", " "),
        value=value,
        told=_told(entry),
    )


def _told(entry: HistoryEntry) -> str:
    told = ", ".join(clean(name, 60) for name in entry.told)
    if entry.muted:
        why = clean(entry.muted, 80)
        return f"{told}; not all: {why}" if told else f"nobody: {why}"
    return told or "shown only"


def keys_of(look: Look, resource: Resource) -> Iterator[tuple[Place, AlertRecord]]:
    """Every alert that is remembered of a machine, tombstones included."""
    for place in look.places:
        if place.scope == resource.scope and resource.kind is not Kind.SCOPE:
            yield from ((place, record) for record in place.alerts if record.resource_id == resource.id)
