"""HTML that cannot be broken out of: every text is escaped on its way in, unless it is Html already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


class Html(str):
    """Text that is HTML and was made here."""

    __slots__ = ()


def tag(name: str, *content: object, **attributes: object) -> Html:
    """<name attributes>content</name>. An attribute `class_` is written `class`, `data_x` as `data-x`; one that is None
    or False is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{written}>{join(content)}</{name}>")


def join(parts: Iterable[object], between: str = "") -> Html:
    """The parts in one piece; what is not Html is escaped."""
    return Html(between.join(part if isinstance(part, Html) else escape(str(part), quote=True) for part in parts))


def isolated(text: object) -> Html:
    """Foreign text whose direction stays its own: a name in Hebrew does not turn its neighbours around."""
    return tag("bdi", text)


def link(text: object, address: str, called: str = "") -> object:
    """A link that opens beside the page; plain text where there is no https address. called: what it is to somebody who
    does not see where it stands."""
    if not address.startswith("https://"):
        return text
    return tag("a", text, href=address, target="_blank", rel="noopener noreferrer", aria_label=called or None)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """A table; cells are escaped unless they are Html. Each knows its column's title, for a page that is too narrow for
    columns."""
    head = tag("tr", *(tag("th", text, scope="col") for text in heads))
    body = [
        tag("tr", *(tag("td", cell, data_label=title) for title, cell in zip(heads, row, strict=True))) for row in rows
    ]
    return tag("table", tag("thead", head), tag("tbody", *body))
