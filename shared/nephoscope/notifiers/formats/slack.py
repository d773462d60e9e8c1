"""Slack's incoming webhook: blocks, and a text for the notification on a telephone.

Foreign text stands only in `plain_text` objects with emoji codes off, where nothing is a mention, a link or bold; and
`&`, `<`, `>` are escaped everywhere, since the fallback text is read as markup. Only our own links are markup.

Limits (docs.slack.dev, reference/block-kit): 50 blocks; header 150; section text 3,000, 10 fields of 2,000; context
10 elements. They are counted after escaping.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nephoscope.model.alert import Notification
from nephoscope.notifiers.formats.telling import facts, footer, links, title
from nephoscope.pipeline.acting import ways
from nephoscope.pipeline.wording import clean, render_headline

_TEXT = 3000
_HEADER = 150
_FIELD = 2000
_URL = 600
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def render_slack(notification: Notification) -> dict[str, Any]:
    n = notification
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(title(n), _HEADER)},
        {"type": "section", "text": _plain(render_headline(n), _TEXT)},
        {"type": "section", "fields": [_plain(f"{label}: {text}", _FIELD) for label, text in facts(n)]},
    ]
    if n.summary:
        blocks.append({"type": "section", "text": _plain(clean(n.summary), _TEXT)})
    if how := [_plain(f"{what}: {command}", _FIELD) for what, command in ways(n)]:
        blocks.append({"type": "context", "elements": how})
    if shown := list(_links(n)):
        text = {"type": "mrkdwn", "text": " · ".join(shown), "verbatim": True}
        blocks.append({"type": "context", "elements": [text]})
    blocks.append({"type": "context", "elements": [_plain(footer(n), _TEXT)]})
    return {"text": escape(f"{title(n)}: {render_headline(n)}", _TEXT), "blocks": blocks}


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


def _links(n: Notification) -> Iterator[str]:
    for word, url in links(n, _URL):
        safe = url.replace("|", "%7C").replace(">", "%3E").replace("<", "%3C")
        yield f"<{escape(safe, 2 * _URL)}|{word}>"
