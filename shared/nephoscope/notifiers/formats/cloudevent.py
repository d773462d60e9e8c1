"""Generic JSON for machines: a CloudEvent 1.0 in structured mode.

Source: CloudEvents specification 1.0.2 and its JSON event format. `source` and `id` together are unique for each
event; `id` is the notification's, so a copy is known as one. Foreign text stands here as it is: JSON is no markup.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any
from urllib.parse import quote

from nephoscope.model.alert import Notification, Subject
from nephoscope.model.group import GroupMessage
from nephoscope.model.time import iso
from nephoscope.pipeline.acting import open_seconds, ways
from nephoscope.pipeline.group_wording import highest, kind_of, newest, render_group_headline
from nephoscope.pipeline.wording import render_headline

MOST_GROUP_BYTES = 500_000
"""Of a group's event: half of what a receiver behind nginx takes by default. The specification asks of everybody on
the way only that 64 kB pass."""


def render_cloudevent(notification: Notification) -> dict[str, Any]:
    """The event; `data` holds every fact of the notification, numbers in the catalog's unit, times as RFC 3339,
    `open_for` in seconds."""
    n = notification
    place = (n.fleet, n.subject.cloud, n.subject.account, n.subject.region)
    return {
        "specversion": "1.0",
        "id": n.id,
        "source": "/".join(["/nephoscope", *map(_quoted, place)]),
        "type": f"nephoscope.alert.{n.kind}",
        "subject": f"{n.subject.kind}/{_quoted(n.subject.id)}",
        "time": iso(n.at),
        "datacontenttype": "application/json",
        "data": _data(n),
    }


def render_group_cloudevent(message: GroupMessage, most_bytes: int = MOST_GROUP_BYTES) -> dict[str, Any]:
    """One event for the group: `data.alerts` holds what each member's own event would hold, and its id, in the order in
    which it happened. Where that is too much, each alert stands once, as it is now, the worst first, as many as there
    is room for; `left_out` says how many entries are missing."""
    m = message
    place = m.members[0].subject
    alerts, kind = newest(m.members), kind_of(m.members)
    entries = _fitting(m.members, most_bytes) if _fits(m.members, most_bytes) else _fitting(alerts, most_bytes)
    where = (m.fleet, place.cloud, place.account, place.region)
    return {
        "specversion": "1.0",
        "id": m.id,
        "source": "/".join(["/nephoscope", *map(_quoted, where)]),
        "type": "nephoscope.alert.group",
        "subject": f"group/{m.key}",
        "time": iso(max(n.at for n in m.members)),
        "datacontenttype": "application/json",
        "data": {
            "headline": render_group_headline(m.members, m.labels),
            "status": "firing" if any(n.firing for n in alerts) else "resolved",
            "transition": kind,
            "severity": highest(m.members),
            "fleet": m.fleet,
            "group_key": m.key,
            "group": dict(m.labels),
            "firing": sum(n.firing for n in alerts),
            "resolved": sum(not n.firing for n in alerts),
            "alerts": entries,
            "left_out": len(m.members) - len(entries),
        },
    }


def _entry(n: Notification) -> dict[str, Any]:
    return {"id": n.id, **_data(n)}


def _size(n: Notification) -> int:
    """Bytes of an entry, its comma included; characters outside ASCII are counted as generously as they come."""
    return len(json.dumps(_entry(n), separators=(",", ":"))) + 1


def _fits(members: Sequence[Notification], most_bytes: int) -> bool:
    return sum(map(_size, members)) <= most_bytes


def _fitting(members: Sequence[Notification], most_bytes: int) -> list[dict[str, Any]]:
    sizes = accumulate(map(_size, members))
    return [_entry(n) for n, used in zip(members, sizes, strict=True) if used <= most_bytes]


def _data(n: Notification) -> dict[str, Any]:
    return {
        "headline": render_headline(n),
        "status": "firing" if n.firing else "resolved",
        "transition": n.kind,
        "why": n.why,
        "fleet": n.fleet,
        "rule": n.rule,
        "severity": n.severity,
        "condition": n.condition,
        "metric": n.metric or None,
        "unit": n.unit or None,
        "value": _number(n.value),
        "threshold": _number(n.threshold),
        "worst": _number(n.worst),
        "at": iso(n.at),
        "fired_at": None if n.fired_at is None else iso(n.fired_at),
        "alert_key": n.alert_key,
        "seq": n.seq,
        "episode": n.episode,
        "open_for": open_seconds(n),
        "resource": _resource(n.subject),
        "labels": dict(sorted(n.labels.items())),
        "summary": n.summary,
        "runbook": n.runbook,
        "links": dict(sorted(n.links.items())),
        "commands": {name.lower(): command for name, command in ways(n)},
    }


def _resource(subject: Subject) -> dict[str, Any]:
    return {
        "kind": subject.kind,
        "id": subject.id,
        "name": subject.name,
        "type": subject.type,
        "state": subject.state,
        "cloud_provider": subject.cloud,
        "cloud_account_id": subject.account,
        "cloud_region": subject.region,
        "cloud_availability_zone": subject.zone,
        "attributes": dict(sorted(subject.attributes.items())),
        "tags": dict(sorted(subject.tags.items())),
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")
