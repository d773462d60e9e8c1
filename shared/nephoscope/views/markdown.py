"""The little Markdown of our text widgets: headings, paragraphs, bold, code, links, lists. Everything is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nephoscope.views.markup import Html, join, tag

_INLINE = re.compile(r"\*\*(?P<bold>.+?)\*\*|`(?P<code>[^`]+)`|\[(?P<text>[^\]]+)\]\((?P<to>[^)\s]+)\)")
_ADDRESSES = ("https://", "#")


def render_markdown(text: str) -> Html:
    """HTML of a text widget. A link leads to https or within the page; any other is shown as text."""
    return join(_blocks(text))


def _blocks(text: str) -> Iterator[Html]:
    for block in re.split(r"\n{2,}|\n(?=#)", text.strip()):
        lines = block.strip().split("\n")
        level = len(lines[0]) - len(lines[0].lstrip("#"))
        if 1 <= level <= 4 and lines[0][level : level + 1] == " ":
            yield tag(f"h{level}", _inline(lines[0][level + 1 :]))
            lines = lines[1:]
        if lines and all(line.startswith("- ") for line in lines):
            yield tag("ul", *(tag("li", _inline(line[2:])) for line in lines))
        elif lines:
            yield tag("p", _inline(" ".join(lines)))


def _inline(text: str) -> Html:
    parts: list[object] = []
    end = 0
    for match in _INLINE.finditer(text):
        parts += [text[end : match.start()], _piece(match)]
        end = match.end()
    return join([*parts, text[end:]])


def _piece(match: re.Match[str]) -> object:
    if match["bold"] is not None:
        return tag("strong", match["bold"])
    if match["code"] is not None:
        return tag("code", match["code"])
    return tag("a", match["text"], href=match["to"]) if match["to"].startswith(_ADDRESSES) else match[0]
