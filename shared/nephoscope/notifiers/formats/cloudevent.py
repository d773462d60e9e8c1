"""Generic JSON for machines: a CloudEvent 1.0 in structured mode.

Source: CloudEvents specification 1.0.2 and its JSON event format. `source` and `id` together are unique for each
event; `id` is the notification's, so a copy is known as one. Foreign text stands here as it is: JSON is no markup.
"""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

from nephoscope.model.alert import Notification, Subject
from nephoscope.model.time import iso
from nephoscope.pipeline.acting import open_seconds, ways
from nephoscope.pipeline.wording import render_headline


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
