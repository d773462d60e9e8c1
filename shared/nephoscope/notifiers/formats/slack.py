"""Slack's incoming webhook: blocks, and a text for the notification on a telephone.

Foreign text stands only in `plain_text` objects with emoji codes off, where nothing is a mention, a link or bold; and
`&`, `<`, `>` are escaped everywhere, since the fallback text is read as markup. Only our own links are markup.

Limits (docs.slack.dev, reference/block-kit): 50 blocks; header 150; section text 3,000, 10 fields of 2,000; context
10 elements. They are counted after escaping.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from nephoscope.model.alert import Notification
from nephoscope.model.group import GroupMessage
from nephoscope.notifiers.formats.telling import (
    facts,
    footer,
    group_facts,
    group_headline,
    group_in_short,
    group_lines,
    group_links,
    group_title,
    links,
    more,
    own_links,
    title,
)
from nephoscope.pipeline.acting import ways
from nephoscope.pipeline.wording import clean, render_headline

_TEXT = 3000
_HEADER = 150
_FIELD = 2000
_URL = 600
_LISTED, _LINE = 15, 600
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
    blocks += _linked(links(n, _URL))
    blocks.append({"type": "context", "elements": [_plain(footer(n), _TEXT)]})
    return {"text": escape(f"{title(n)}: {render_headline(n)}", _TEXT), "blocks": blocks}


def render_slack_group(message: GroupMessage) -> dict[str, Any]:
    """The worst alerts, each with its links below it: two blocks each, and six around them."""
    m = message
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(group_title(m), _HEADER)},
        {"type": "section", "text": _plain(group_headline(m), _TEXT)},
        {"type": "section", "fields": [_plain(f"{label}: {text}", _FIELD) for label, text in group_facts(m)]},
    ]
    shown, others = group_lines(m, _LISTED)
    for n, line in shown:
        blocks.append({"type": "section", "text": _plain(line, _LINE)})
        blocks += _linked(own_links(n, _URL))
    if others:
        blocks.append({"type": "section", "text": _plain(more(others), _LINE)})
    blocks += _linked(group_links(m, _URL))
    blocks.append({"type": "context", "elements": [_plain(footer(m), _TEXT)]})
    return {"text": escape(group_in_short(m), _TEXT), "blocks": blocks}


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


def _linked(found: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """A block of links, as many as it has room for, or none where there is no link."""
    shown = ""
    for each in _links(found):
        longer = " · ".join(filter(None, (shown, each)))
        shown = longer if len(longer) <= _TEXT else shown
    text = {"type": "mrkdwn", "text": shown, "verbatim": True}
    return [{"type": "context", "elements": [text]}] if shown else []


def _links(found: Iterable[tuple[str, str]]) -> Iterator[str]:
    for word, url in found:
        safe = url.replace("|", "%7C").replace(">", "%3E").replace("<", "%3C")
        yield f"<{escape(safe, 2 * _URL)}|{word}>"
