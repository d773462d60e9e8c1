"""Discord's webhook: one embed, and mentions switched off.

Foreign text is escaped: Discord reads Markdown in an embed's description and field values. Mentions in an embed call
nobody; `allowed_mentions` says so for the whole message all the same.

Sources: Discord developer documentation, "Execute Webhook", "Allowed Mentions Object", "Embed Limits": title 256,
description 4,096, 25 fields with a value of 1,024, footer 2,048, and 6,000 characters of an embed together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from nephoscope.model.alert import Notification
from nephoscope.model.group import GroupMessage
from nephoscope.model.time import iso
from nephoscope.notifiers.formats.telling import (
    facts,
    footer,
    group_facts,
    group_headline,
    group_lines,
    group_links,
    group_title,
    links,
    more,
    own_links,
    title,
)
from nephoscope.pipeline.acting import ways
from nephoscope.pipeline.wording import clean, render_headline, truncate

_TITLE, _TEXT, _SUMMARY, _LINKS, _VALUE, _COMMAND, _FOOTER = 150, 1000, 600, 1200, 150, 650, 200
"""With nine facts and three commands (of which one can be long) some 5,400 characters at most."""
_URL = 1000
_LISTED, _LINE, _LIST = 20, 400, 3600
_COLORS = {"🔴": 0xD13212, "🟠": 0xE07B00, "🔵": 0x0073BB, "✅": 0x1D8102, "⚪": 0x879596}
_MARKUP = re.compile(r"[\\*_~`|>#\-\[\]()<@:]")
_MARK = "\u2063"  # an invisible separator: `@everyone` and `<@1>` are no words of Discord's behind it


def render_discord(notification: Notification) -> dict[str, Any]:
    n = notification
    said = [escape(render_headline(n), _TEXT)]
    if n.summary:
        said.append(escape(clean(n.summary), _SUMMARY))
    if shown := _links(n):
        said.append(shown)
    return _embedded(title(n), said, facts(n), footer(n), n.at, ways(n))


def render_discord_group(message: GroupMessage) -> dict[str, Any]:
    """As many of the worst alerts as the description holds, a line each."""
    m = message
    headline, ends = escape(group_headline(m), _LINE), [_linked(group_links(m, _URL))]
    lines, others = _lines(m, _LIST - len(headline) - len(ends[0]))
    rest = [more(others)] if others else []
    said = [headline, "\n".join([*lines, *rest]), *filter(None, ends)]
    return _embedded(group_title(m), said, group_facts(m), footer(m), max(n.at for n in m.members))


def _lines(m: GroupMessage, room: int) -> tuple[list[str], int]:
    shown, others = group_lines(m, _LISTED)
    lines: list[str] = []
    for n, line in shown:
        text = " ".join(filter(None, (escape(line, _LINE), _linked(list(own_links(n, _URL))[:1]))))
        room -= len(text) + 1
        if room < 0:
            break
        lines.append(text)
    return lines, others + len(shown) - len(lines)


def _linked(found: Iterable[tuple[str, str]]) -> str:
    return " · ".join(f"[{word}]({_address(url)})" for word, url in found)


Pairs = Iterable[tuple[str, str]]


def _embedded(name: str, said: list[str], pairs: Pairs, foot: str, at: int, how: Pairs = ()) -> dict[str, Any]:
    embed = {
        "title": truncate(name, _TITLE),
        "description": "\n\n".join(said),
        "color": _COLORS[name[0]],
        "fields": [
            *({"name": label, "value": escape(text, _VALUE), "inline": True} for label, text in pairs),
            *({"name": what, "value": escape(command, _COMMAND), "inline": False} for what, command in how),
        ],
        "footer": {"text": truncate(foot, _FOOTER)},
        "timestamp": iso(at),
    }
    return {"username": "nephoscope", "embeds": [embed], "allowed_mentions": {"parse": []}}


def escape(text: str, limit: int) -> str:
    """Every character that Discord reads as markup behind a backslash; at most `limit` code points, no escape cut."""
    parts = [_escaped(character) for character in text]
    if sum(map(len, parts)) <= limit:
        return "".join(parts)
    kept: list[str] = []
    length = 1
    for part in parts:
        length += len(part)
        if length > limit:
            break
        kept.append(part)
    return "".join(kept) + "…"


def _escaped(character: str) -> str:
    if character == "@":
        return "@" + _MARK
    return "\\" + character if _MARKUP.match(character) else character


def _links(n: Notification) -> str:
    """As many as there is room for, the runbook first; none is cut."""
    shown = ""
    for word, url in links(n, _URL):
        longer = " · ".join(filter(None, (shown, f"[{word}]({_address(url)})")))
        shown = longer if len(longer) <= _LINKS else shown
    return shown


def _address(url: str) -> str:
    return url.replace("(", "%28").replace(")", "%29").replace("<", "%3C").replace(">", "%3E")
