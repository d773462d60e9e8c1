"""Microsoft Teams: an Adaptive Card, as the "post when a webhook request is received" workflow takes it.

Foreign text stands only in text runs: Teams reads Markdown in text blocks and in facts, and none in runs. Nothing here
is a mention, for a card's mentions are entities of its `msteams` part, and there is none. Links are buttons.

Sources: Microsoft Teams, "Create incoming webhooks with Workflows" and "Format cards in Teams" (what reads Markdown);
Adaptive Cards schema 1.4 (RichTextBlock and TextRun with its selectAction are of 1.2). A message may be 28 KB; ours
stay below half of it, and the message of a group below all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
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
from nephoscope.pipeline.wording import clean, render_headline, truncate

_TITLE, _TEXT, _FACT = 200, 1500, 300
_URL = 1500
_LISTED, _LINE, _LINE_URL = 10, 280, 700
_COLORS = {"🔴": "attention", "🟠": "warning", "🔵": "accent", "✅": "good", "⚪": "default"}


def render_teams(notification: Notification) -> dict[str, Any]:
    n = notification
    body = [
        _block([_run(title(n), _TITLE, weight="bolder", size="large", color=_COLORS[title(n)[0]])]),
        _block([_run(render_headline(n), _TEXT)]),
        *(_fact(label, text) for label, text in facts(n)),
    ]
    if n.summary:
        body.append(_block([_run(clean(n.summary), _TEXT)]))
    body += [_block([_run(f"{what}: ", _FACT, isSubtle=True), _command(text)], "none") for what, text in ways(n)]
    body.append(_block([_run(footer(n), _FACT, isSubtle=True, size="small")]))
    return _card(truncate(f"{title(n)}: {render_headline(n)}", _TEXT), body, links(n, _URL))


def render_teams_group(message: GroupMessage) -> dict[str, Any]:
    """The worst alerts, a line each, whose link is a run of its own."""
    m = message
    shown, others = group_lines(m, _LISTED)
    body = [
        _block([_run(group_title(m), _TITLE, weight="bolder", size="large", color=_COLORS[group_title(m)[0]])]),
        _block([_run(group_headline(m), _LINE)]),
        *(_fact(label, text) for label, text in group_facts(m)),
        *(_block([_run(line, _LINE), *_opening(n)]) for n, line in shown),
    ]
    if others:
        body.append(_block([_run(more(others), _LINE)]))
    body.append(_block([_run(footer(m), _FACT, isSubtle=True, size="small")]))
    return _card(truncate(group_in_short(m), _LINE), body, group_links(m, _LINE_URL))


def _opening(n: Notification) -> list[dict[str, Any]]:
    """The first of an alert's own links, behind its line."""
    first = list(own_links(n, _LINE_URL))[:1]
    links = [_run(word, _FACT, selectAction={"type": "Action.OpenUrl", "url": url}) for word, url in first]
    return [_run(" ", _FACT), *links] if links else []


def _fact(label: str, text: str) -> dict[str, Any]:
    return _block([_run(f"{label}: ", _FACT, isSubtle=True), _run(text, _FACT)], "none")


def _card(fallback: str, body: list[dict[str, Any]], buttons: Iterable[tuple[str, str]]) -> dict[str, Any]:
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": fallback,
        "msteams": {"width": "Full"},
        "body": body,
    }
    if actions := [{"type": "Action.OpenUrl", "title": word, "url": url} for word, url in buttons]:
        card["actions"] = actions
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _block(runs: list[dict[str, Any]], spacing: str = "default") -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": runs}


def _command(text: str) -> dict[str, Any]:
    return _run(text, _FACT, fontType="monospace")


def _run(text: str, limit: int, **style: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": truncate(text, limit), **style}
