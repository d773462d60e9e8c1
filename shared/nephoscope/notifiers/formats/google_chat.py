"""Google Chat's webhook: one card.

Foreign text in a card's widgets is read as a little HTML (`<b>`, `<a>`, `<font>`), so `&`, `<` and `>` are escaped; a
header is plain text. Mentions are words of a message's `text`, and there is none: where no card can be shown, Chat
falls back to `fallbackText`, which is plain.

`thread.threadKey` keeps an alert's messages together where the webhook's address asks for it
(`&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD`); without that Chat ignores it.
Sources: Google Chat API reference, spaces.messages (cardsV2, thread, 32,000 bytes a message), "Format text in cards".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nephoscope.model.alert import Notification
from nephoscope.model.group import GroupMessage
from nephoscope.notifiers.formats.slack import escape
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

_TITLE, _TEXT, _VALUE = 200, 1500, 300
_URL = 1500
_LISTED, _LINE, _LINE_URL = 10, 280, 700


def render_google_chat(notification: Notification) -> dict[str, Any]:
    n = notification
    first = [_paragraph(render_headline(n))]
    if n.summary:
        first.append(_paragraph(clean(n.summary)))
    sections = [first, _pairs((*facts(n), *ways(n))), *_buttons(links(n, _URL))]
    return {
        "fallbackText": truncate(f"{title(n)}: {render_headline(n)}", _TEXT),
        "cardsV2": [{"cardId": n.id, "card": _card(title(n), footer(n), sections)}],
        "thread": {"threadKey": n.alert_key},
    }


def render_google_chat_group(message: GroupMessage) -> dict[str, Any]:
    """The worst alerts, a widget each with the machine's link as its button. All messages of a group are one thread."""
    m = message
    shown, others = group_lines(m, _LISTED)
    listed = [{"decoratedText": {"text": escape(line, _LINE), "wrapText": True, **_button(n)}} for n, line in shown]
    rest = [_paragraph(more(others))] if others else []
    ends = _buttons(group_links(m, _LINE_URL))
    sections = [[_paragraph(truncate(group_headline(m), _LINE))], [*listed, *rest], _pairs(group_facts(m)), *ends]
    return {
        "fallbackText": truncate(group_in_short(m), _LINE),
        "cardsV2": [{"cardId": m.id, "card": _card(group_title(m), footer(m), sections)}],
        "thread": {"threadKey": m.key},
    }


def _button(n: Notification) -> dict[str, Any]:
    buttons = _opening(own_links(n, _LINE_URL))
    return {"button": buttons[0]} if buttons else {}


def _opening(found: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"text": word, "onClick": {"openLink": {"url": url}}} for word, url in found]


def _buttons(found: Iterable[tuple[str, str]]) -> list[list[dict[str, Any]]]:
    buttons = _opening(found)
    return [[{"buttonList": {"buttons": buttons}}]] if buttons else []


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"decoratedText": {"topLabel": label, "text": escape(text, _VALUE)}} for label, text in pairs]


def _card(name: str, foot: str, sections: list[list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "header": {"title": truncate(name, _TITLE), "subtitle": truncate(foot, _TITLE)},
        "sections": [{"widgets": widgets} for widgets in sections],
    }


def _paragraph(text: str) -> dict[str, Any]:
    return {"textParagraph": {"text": escape(text, _TEXT)}}
