"""Google Chat's webhook: one card.

Foreign text in a card's widgets is read as a little HTML (`<b>`, `<a>`, `<font>`), so `&`, `<` and `>` are escaped; a
header is plain text. Mentions are words of a message's `text`, and there is none: where no card can be shown, Chat
falls back to `fallbackText`, which is plain.

`thread.threadKey` keeps an alert's messages together where the webhook's address asks for it
(`&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD`); without that Chat ignores it.
Sources: Google Chat API reference, spaces.messages (cardsV2, thread, 32,000 bytes a message), "Format text in cards".
"""

from __future__ import annotations

from typing import Any

from nephoscope.model.alert import Notification
from nephoscope.notifiers.formats.slack import escape
from nephoscope.notifiers.formats.telling import facts, footer, links, title
from nephoscope.pipeline.acting import ways
from nephoscope.pipeline.wording import clean, render_headline, truncate

_TITLE, _TEXT, _VALUE = 200, 1500, 300
_URL = 1500


def render_google_chat(notification: Notification) -> dict[str, Any]:
    n = notification
    first: list[dict[str, Any]] = [_paragraph(render_headline(n))]
    if n.summary:
        first.append(_paragraph(clean(n.summary)))
    said = (*facts(n), *ways(n))
    pairs = [{"decoratedText": {"topLabel": label, "text": escape(text, _VALUE)}} for label, text in said]
    sections: list[dict[str, Any]] = [{"widgets": first}, {"widgets": pairs}]
    buttons = [{"text": word, "onClick": {"openLink": {"url": url}}} for word, url in links(n, _URL)]
    if buttons:
        sections.append({"widgets": [{"buttonList": {"buttons": buttons}}]})
    card = {
        "header": {"title": truncate(title(n), _TITLE), "subtitle": truncate(footer(n), _TITLE)},
        "sections": sections,
    }
    return {
        "fallbackText": truncate(f"{title(n)}: {render_headline(n)}", _TEXT),
        "cardsV2": [{"cardId": n.id, "card": card}],
        "thread": {"threadKey": n.alert_key},
    }


def _paragraph(text: str) -> dict[str, Any]:
    return {"textParagraph": {"text": escape(text, _TEXT)}}
