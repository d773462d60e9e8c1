"""PagerDuty's Events API v2: an alert of ours is an incident of theirs, opened and closed by the same key.

The body names the service by its integration key, a secret; it is put in when the message is sent and stands nowhere
else. What was silent and reports again is resolved, too: both open the same incident.

Source: PagerDuty developer documentation, "Events API v2": summary 1,024 characters, dedup_key 255, severity one of
critical, error, warning and info; 512 KB an event.
"""

from __future__ import annotations

from typing import Any

from nephoscope.model.alert import Notification
from nephoscope.model.resource import Kind
from nephoscope.model.time import iso
from nephoscope.notifiers.formats.telling import facts, links
from nephoscope.pipeline.acting import ways
from nephoscope.pipeline.wording import clean, render_headline, render_subject, truncate

_SUMMARY, _DETAIL = 1024, 500


def render_pagerduty(notification: Notification) -> dict[str, Any]:
    n = notification
    event: dict[str, Any] = {
        "event_action": "trigger" if n.firing else "resolve",
        "dedup_key": n.alert_key,
        "payload": {
            "summary": truncate(render_headline(n), _SUMMARY),
            "source": truncate(render_subject(n.subject), _SUMMARY),
            "severity": str(n.severity),
            "timestamp": iso(n.at),
            "component": truncate(clean(n.subject.name or n.subject.id), _DETAIL),
            "group": truncate(_group(n), _DETAIL),
            "class": truncate(clean(n.rule), _DETAIL),
            "custom_details": _details(n),
        },
        "client": "nephoscope",
        "links": [{"href": url, "text": word} for word, url in links(n)],
    }
    if "dashboard" in n.links:
        event["client_url"] = n.links["dashboard"]
    return event


def _group(n: Notification) -> str:
    place = clean(f"{n.subject.cloud} {n.subject.account} {n.subject.region}")
    return place if n.subject.kind is not Kind.SCOPE else clean(n.fleet)


def _details(n: Notification) -> dict[str, str]:
    said = {label: truncate(text, _DETAIL) for label, text in (*facts(n), *ways(n))}
    said |= {"Summary": truncate(clean(n.summary), _DETAIL)} if n.summary else {}
    return said | {"Fleet": clean(n.fleet), "Message": n.id}
