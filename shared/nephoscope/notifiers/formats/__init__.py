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
from nephoscope.model.group import GroupMessage, Message
from nephoscope.model.secret import Secret
from nephoscope.notifiers.formats.alertmanager import render_alertmanager, render_alertmanager_group
from nephoscope.notifiers.formats.cloudevent import render_cloudevent, render_group_cloudevent
from nephoscope.notifiers.formats.discord import render_discord, render_discord_group
from nephoscope.notifiers.formats.google_chat import render_google_chat, render_google_chat_group
from nephoscope.notifiers.formats.pagerduty import render_pagerduty
from nephoscope.notifiers.formats.slack import render_slack, render_slack_group
from nephoscope.notifiers.formats.teams import render_teams, render_teams_group


@dataclass(frozen=True, slots=True)
class Format:
    """content_type: of the request. render: a notification -> the body as JSON values. render_group: the same for the
    message of a group; None where the receiver knows single alerts only. key: the field of the body in which the
    receiver wants a secret; empty = in none."""

    content_type: str
    render: Callable[[Notification], dict[str, Any]]
    render_group: Callable[[GroupMessage], dict[str, Any]] | None = None
    key: str = ""

    def body(self, message: Message, secret: Secret | None = None) -> bytes:
        """secret: for the field that wants one; it stands nowhere but in these bytes. Raises ValueError for a group
        where the format has none; such a channel is refused when the configuration is checked."""
        named = {self.key: secret.reveal()} if self.key and secret else {}
        return dump({**named, **self._rendered(message)}).encode()

    def _rendered(self, message: Message) -> dict[str, Any]:
        if not isinstance(message, GroupMessage):
            return self.render(message)
        if self.render_group is None:
            raise ValueError("this format has no message for a group")
        return self.render_group(message)


_JSON = "application/json; charset=utf-8"

FORMATS: Mapping[str, Format] = {
    "json": Format("application/cloudevents+json; charset=utf-8", render_cloudevent, render_group_cloudevent),
    "slack": Format(_JSON, render_slack, render_slack_group),
    "alertmanager": Format(_JSON, render_alertmanager, render_alertmanager_group),
    "teams": Format(_JSON, render_teams, render_teams_group),
    "discord": Format(_JSON, render_discord, render_discord_group),
    "google-chat": Format(_JSON, render_google_chat, render_google_chat_group),
    "pagerduty": Format(_JSON, render_pagerduty, key="routing_key"),
}


def dump(body: Mapping[str, Any]) -> str:
    """Compact JSON that UTF-8 can bear: half of a surrogate pair becomes `?`. Raises ValueError for a number that JSON
    does not know."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace").decode()
