"""HTML that came from elsewhere, made anew from what is harmless in it: text, tables, links to https, a bar's width.

A custom widget's answer stands within our page, where no script may run. What is left out loses nothing that is read:
scripts and styles with their content, forms, frames, pictures, and the console's own actions with their buttons. Every
tag that is opened is closed, so that nothing leaves the place it was given.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from nephoscope.views.markup import Html, join, tag

_TAGS = frozenset(
    [
        "a",
        "b",
        "bdi",
        "code",
        "div",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "i",
        "li",
        "ol",
        "p",
        "section",
        "small",
        "span",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
    ]
)
_SILENT = frozenset(
    [
        "script",
        "style",
        "iframe",
        "template",
        "object",
        "svg",
        "math",
        "select",
        "textarea",
        "title",
        "noscript",
        "cwdb-action",
    ]
)
"""What is left out with all that it holds."""

_ATTRIBUTES = frozenset(["aria-hidden", "aria-label", "class", "data-label", "dir", "lang", "scope", "title"])
_STYLE = re.compile(r"(?:width|left):\d{1,3}%")


def harmless(foreign: str) -> Html:
    """The same, as far as it is known to be harmless. Never raises."""
    reader = _Reader()
    reader.feed(foreign)
    reader.close()
    return reader.whole()


class _Reader(HTMLParser):
    """A stack of elements that are still open: name, attributes, content so far. The first is the whole."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, dict[str, str], list[object]]] = [("", {}, [])]
        self._silent: list[str] = []

    def handle_starttag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        if name in _SILENT:
            self._silent.append(name)
        elif name == "br":
            self._put(Html("<br>"))
        elif name in _TAGS and not self._silent:
            self._open.append((name, _kept(name, attrs), []))

    def handle_endtag(self, name: str) -> None:
        if self._silent:
            if name == self._silent[-1]:
                self._silent.pop()
        elif name in [own for own, _, _ in self._open]:
            while self._close() != name:
                continue

    def handle_data(self, data: str) -> None:
        self._put(data)

    def whole(self) -> Html:
        while len(self._open) > 1:
            self._close()
        return join(self._open[0][2])

    def _put(self, content: object) -> None:
        if not self._silent:
            self._open[-1][2].append(content)

    def _close(self) -> str:
        name, attributes, content = self._open.pop()
        if not (name == "a" and "href" not in attributes):  # a button of the console's, which nothing answers here
            self._put(tag(name, *content, **attributes))
        return name


def _kept(name: str, attrs: list[tuple[str, str | None]]) -> dict[str, str]:
    given = {key: value or "" for key, value in attrs}
    kept = {key: value for key, value in given.items() if key in _ATTRIBUTES}
    if _STYLE.fullmatch(given.get("style", "")):
        kept["style"] = given["style"]
    if name == "a" and given.get("href", "").startswith("https://"):
        kept |= {"href": given["href"], "target": "_blank", "rel": "noopener noreferrer"}
    return kept
