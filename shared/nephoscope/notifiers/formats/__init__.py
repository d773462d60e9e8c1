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
from nephoscope.notifiers.formats.alertmanager import render_alertmanager
from nephoscope.notifiers.formats.cloudevent import render_cloudevent
from nephoscope.notifiers.formats.slack import render_slack


@dataclass(frozen=True, slots=True)
class Format:
    """content_type: of the request. render: a notification -> the body as JSON values."""

    content_type: str
    render: Callable[[Notification], dict[str, Any]]

    def body(self, notification: Notification) -> bytes:
        return dump(self.render(notification)).encode()


FORMATS: Mapping[str, Format] = {
    "json": Format("application/cloudevents+json; charset=utf-8", render_cloudevent),
    "slack": Format("application/json; charset=utf-8", render_slack),
    "alertmanager": Format("application/json; charset=utf-8", render_alertmanager),
}


def dump(body: Mapping[str, Any]) -> str:
    """Compact JSON that UTF-8 can bear: half of a surrogate pair becomes `?`. Raises ValueError for a number that JSON
    does not know."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace").decode()
