"""Alertmanager's webhook, version "4": the classic fields and no others, so that its existing receivers work.

Source: prometheus/alertmanager, notify/webhook/webhook.go and template/template.go (the JSON of `Message` and `Data`).
An alert of ours is a group of its own, so that a receiver that keeps one incident for each groupKey does not close
one machine's because another recovered; where a channel groups, its groups are Alertmanager's.
Labels say which alert it is and are the same when it ends; what may change (name, value, text) is an annotation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nephoscope.model.alert import Notification
from nephoscope.model.group import GroupMessage
from nephoscope.model.time import iso
from nephoscope.pipeline.acting import render_life, ways
from nephoscope.pipeline.group_wording import common_link, newest
from nephoscope.pipeline.grouping import LABEL
from nephoscope.pipeline.wording import clean, render_headline, render_lasted, render_value

_NOT_ENDED = "0001-01-01T00:00:00Z"  # Go's zero time: what Alertmanager writes for an alert that still fires
_NO_LABEL_CHARACTER = re.compile(r"[^a-zA-Z0-9_]")
MOST_ALERTS = 200
"""Of one message: some 200 kB. The others are counted in truncatedAlerts, as Alertmanager's own max_alerts does it."""
_NAMES = {"rule": "alertname", "cloud": "cloud_provider", "resource": "resource_id"}
_PAGES = ("metric", "instance", "bucket", "plot", "dashboard")


def render_alertmanager(notification: Notification) -> dict[str, Any]:
    n = notification
    status = "firing" if n.firing else "resolved"
    group, labels, annotations = _group(n), _labels(n), _annotations(n)
    return {
        "receiver": n.channel,
        "status": status,
        "alerts": [_alert(n)],
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": n.links.get("dashboard", ""),
        "version": "4",
        "groupKey": "{}:" + _braced(group),
        "truncatedAlerts": 0,
    }


def render_alertmanager_group(message: GroupMessage) -> dict[str, Any]:
    """Each alert of the group as it stands now, the worst first. The place, which a group never leaves, stands in the
    groupKey where Alertmanager has its route."""
    m = message
    every = newest(m.members)
    alerts = [_alert(n) for n in every[:MOST_ALERTS]]
    place = m.members[0].subject
    route = _with({}, {"fleet": m.fleet, "cloud_account_id": place.account, "cloud_region": place.region})
    group = _with({}, {_NAMES.get(name, name.removeprefix(LABEL)): value for name, value in m.labels})
    return {
        "receiver": m.channel,
        "status": "firing" if any(n.firing for n in every) else "resolved",
        "alerts": alerts,
        "groupLabels": group,
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": common_link(m, "dashboard"),
        "version": "4",
        "groupKey": "{}/" + _braced(route) + ":" + _braced(group),
        "truncatedAlerts": len(every) - len(alerts),
    }


def _alert(n: Notification) -> dict[str, Any]:
    return {
        "status": "firing" if n.firing else "resolved",
        "labels": _labels(n),
        "annotations": _annotations(n),
        "startsAt": iso(n.at if n.fired_at is None else n.fired_at),
        "endsAt": _NOT_ENDED if n.firing else iso(n.at),
        "generatorURL": next((n.links[page] for page in _PAGES if page in n.links), ""),
        "fingerprint": n.alert_key[:16],
    }


def _common(each: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: value for name, value in each[0].items() if all(other.get(name) == value for other in each)}


def _braced(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}={_quoted(value)}" for name, value in labels.items()) + "}"


def _group(n: Notification) -> dict[str, str]:
    own = {
        "alertname": n.rule,
        "fleet": n.fleet,
        "cloud_provider": n.subject.cloud,
        "cloud_account_id": n.subject.account,
        "cloud_region": n.subject.region,
        "resource_kind": n.subject.kind,
        "resource_id": n.subject.id,
    }
    return _with(_with({}, own), n.subject.attributes)


def _labels(n: Notification) -> dict[str, str]:
    return _with(_with(_group(n), {"severity": n.severity}), n.labels)


def _with(labels: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """The labels and more of them, under names that Prometheus allows; none overwrites another, empty ones are left
    out (to Prometheus an empty label is no label)."""
    together = dict(labels)
    for key, value in more.items():
        name = _name(key)
        while name in together:
            name += "_"
        if text := clean(value):
            together[name] = text
    return together


def _name(key: str) -> str:
    """Source: Prometheus documentation, "Data model": [a-zA-Z_][a-zA-Z0-9_]*, and `__` in front is reserved."""
    name = _NO_LABEL_CHARACTER.sub("_", key).lstrip("_")
    return name if name and not name[0].isdigit() else f"label_{name}"


def _annotations(n: Notification) -> dict[str, str]:
    notes = {
        "summary": render_headline(n),
        "description": clean(n.summary),
        "condition": clean(n.condition),
        "value": "" if n.value is None else render_value(n.value, n.unit),
        "worst": "" if n.worst is None else render_value(n.worst, n.unit),
        "lasted": "" if n.firing else render_lasted(n),
        "why": n.why,
        "told": render_life(n),
        "resource_name": clean(n.subject.name),
        "resource_type": clean(n.subject.type),
        "availability_zone": clean(n.subject.zone),
        "runbook_url": clean(n.runbook),
        **{f"{page}_url": n.links.get(page, "") for page in _PAGES},
        **{name.lower(): command for name, command in ways(n)},
    }
    return {name: said for name, text in notes.items() if (said := clean(text))}


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
