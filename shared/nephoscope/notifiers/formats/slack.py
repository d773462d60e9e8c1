"""Slack's incoming webhook: blocks, and a text for the notification on a telephone.

Foreign text stands only in `plain_text` objects with emoji codes off, where nothing is a mention, a link or bold; and
`&`, `<`, `>` are escaped everywhere, since the fallback text is read as markup. Only our own links are markup.

Limits (docs.slack.dev, reference/block-kit): 50 blocks; header 150; section text 3,000, 10 fields of 2,000; context
10 elements. They are counted after escaping.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nephoscope.model.alert import Notification, TransitionKind
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.pipeline.wording import clean, render_headline, render_lasted, render_status, render_time, render_value

_TEXT = 3000
_HEADER = 150
_FIELD = 2000
_URL = 600
_SEVERITY_SIGNS = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}
_LINK_WORDS = {"instance": "Instance", "bucket": "Bucket", "metric": "Metric", "dashboard": "Dashboard"}
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def render_slack(notification: Notification) -> dict[str, Any]:
    n = notification
    title = f"{_sign(n)} {render_status(n)} {clean(n.rule)}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(title, _HEADER)},
        {"type": "section", "text": _plain(render_headline(n), _TEXT)},
        {"type": "section", "fields": [_plain(text, _FIELD) for text in _fields(n)]},
    ]
    if n.summary:
        blocks.append({"type": "section", "text": _plain(clean(n.summary), _TEXT)})
    if links := list(_links(n)):
        text = {"type": "mrkdwn", "text": " · ".join(links), "verbatim": True}
        blocks.append({"type": "context", "elements": [text]})
    blocks.append({"type": "context", "elements": [_plain(f"nephoscope · {clean(n.fleet)} · {n.id}", _TEXT)]})
    return {"text": escape(f"{title}: {render_headline(n)}", _TEXT), "blocks": blocks}


def escape(text: str, limit: int) -> str:
    """The three characters that Slack reads as markup, escaped; at most `limit` code points, no escape cut in two."""
    parts = [_ESCAPES.get(character, character) for character in text]
    if sum(map(len, parts)) <= limit:
        return "".join(parts)
    kept, length = [], 1
    for part in parts:
        length += len(part)
        if length > limit:
            break
        kept.append(part)
    return "".join(kept) + "…"


def _plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": escape(text, limit), "emoji": False}


def _sign(n: Notification) -> str:
    match n.kind:
        case TransitionKind.FIRED:
            return _SEVERITY_SIGNS[n.severity]
        case TransitionKind.RESOLVED | TransitionKind.BACK:
            return "✅"
        case TransitionKind.WENT_SILENT:
            return "⚪"


def _fields(n: Notification) -> Iterator[str]:
    """At most ten; the pairs stand beside one another in two columns."""
    s = n.subject
    yield f"Rule: {clean(n.condition) or clean(n.rule)}"
    yield f"Severity: {n.severity}"
    if s.kind is not Kind.SCOPE:
        yield f"Resource: {clean(' '.join(filter(None, (s.id, s.type, s.state))))}"
    yield f"Where: {clean(f'{s.cloud} {s.account} {s.zone or s.region}')}"
    if n.value is not None:
        yield f"Value: {render_value(n.value, n.unit)}"
    if n.worst is not None:
        yield f"Worst: {render_value(n.worst, n.unit)}"
    yield f"Since: {render_time(n.at if n.fired_at is None else n.fired_at)}"
    if not n.firing and (lasted := render_lasted(n)):
        yield f"Lasted: {lasted}"


def _links(n: Notification) -> Iterator[str]:
    if n.runbook:
        yield from _link(n.runbook, "Runbook")
    for name, word in _LINK_WORDS.items():
        if name in n.links:
            yield from _link(n.links[name], word)


def _link(url: str, word: str) -> Iterator[str]:
    """Nothing for what is no web address, or longer than a context line can bear five of."""
    safe = "".join(url.split()).replace("|", "%7C").replace(">", "%3E").replace("<", "%3C")
    if safe.startswith(("https://", "http://")) and len(safe) <= _URL:
        yield f"<{escape(safe, 2 * _URL)}|{word}>"
