"""The formats of webhook bodies: a name that people write, and the pure function that makes the body.

A format is one file and one row here. Names, tags and summaries are other people's text: each format makes mentions,
markup and line breaks in them harmless in its own way, and keeps to the receiver's limits by code points.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nephoscope.model.alert import Notification
from nephoscope.model.secret import Secret
from nephoscope.notifiers.formats.alertmanager import render_alertmanager
from nephoscope.notifiers.formats.cloudevent import render_cloudevent
from nephoscope.notifiers.formats.discord import render_discord
from nephoscope.notifiers.formats.google_chat import render_google_chat
from nephoscope.notifiers.formats.pagerduty import render_pagerduty
from nephoscope.notifiers.formats.slack import render_slack
from nephoscope.notifiers.formats.teams import render_teams


@dataclass(frozen=True, slots=True)
class Format:
    """content_type: of the request. render: a notification -> the body as JSON values. key: the field of the body in
    which the receiver wants a secret; empty = in none."""

    content_type: str
    render: Callable[[Notification], dict[str, Any]]
    key: str = ""

    def body(self, notification: Notification, secret: Secret | None = None) -> bytes:
        """secret: for the field that wants one; it stands nowhere but in these bytes."""
        named = {self.key: secret.reveal()} if self.key and secret else {}
        return dump({**named, **self.render(notification)}).encode()


_JSON = "application/json; charset=utf-8"

FORMATS: Mapping[str, Format] = {
    "json": Format("application/cloudevents+json; charset=utf-8", render_cloudevent),
    "slack": Format(_JSON, render_slack),
    "alertmanager": Format(_JSON, render_alertmanager),
    "teams": Format(_JSON, render_teams),
    "discord": Format(_JSON, render_discord),
    "google-chat": Format(_JSON, render_google_chat),
    "pagerduty": Format(_JSON, render_pagerduty, key="routing_key"),
}


def dump(body: Mapping[str, Any]) -> str:
    """Compact JSON that UTF-8 can bear: half of a surrogate pair becomes `?`. Raises ValueError for a number that JSON
    does not know."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace").decode()
