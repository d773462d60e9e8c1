"""Microsoft Teams: an Adaptive Card, as the "post when a webhook request is received" workflow takes it.

Foreign text stands only in text runs: Teams reads Markdown in text blocks and in facts, and none in runs. Nothing here
is a mention, for a card's mentions are entities of its `msteams` part, and there is none. Links are buttons.

Sources: Microsoft Teams, "Create incoming webhooks with Workflows" and "Format cards in Teams" (what reads Markdown);
Adaptive Cards schema 1.4 (RichTextBlock and TextRun are of 1.2). A message may be 28 KB; ours stay below half of it.
"""

from __future__ import annotations

from typing import Any

from nephoscope.model.alert import Notification
from nephoscope.notifiers.formats.telling import facts, footer, links, title
from nephoscope.pipeline.acting import ways
from nephoscope.pipeline.wording import clean, render_headline, truncate

_TITLE, _TEXT, _FACT = 200, 1500, 300
_URL = 1500
_COLORS = {"🔴": "attention", "🟠": "warning", "🔵": "accent", "✅": "good", "⚪": "default"}


def render_teams(notification: Notification) -> dict[str, Any]:
    n = notification
    body = [
        _block([_run(title(n), _TITLE, weight="bolder", size="large", color=_COLORS[title(n)[0]])]),
        _block([_run(render_headline(n), _TEXT)]),
        *(_block([_run(f"{label}: ", _FACT, isSubtle=True), _run(text, _FACT)], "none") for label, text in facts(n)),
    ]
    if n.summary:
        body.append(_block([_run(clean(n.summary), _TEXT)]))
    body += [_block([_run(f"{what}: ", _FACT, isSubtle=True), _command(text)], "none") for what, text in ways(n)]
    body.append(_block([_run(footer(n), _FACT, isSubtle=True, size="small")]))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": truncate(f"{title(n)}: {render_headline(n)}", _TEXT),
        "msteams": {"width": "Full"},
        "body": body,
    }
    if buttons := [{"type": "Action.OpenUrl", "title": word, "url": url} for word, url in links(n, _URL)]:
        card["actions"] = buttons
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _block(runs: list[dict[str, Any]], spacing: str = "default") -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": runs}


def _command(text: str) -> dict[str, Any]:
    return _run(text, _FACT, fontType="monospace")


def _run(text: str, limit: int, **style: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": truncate(text, limit), **style}
