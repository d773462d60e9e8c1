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


def link(text: object, address: str) -> object:
    """A link that opens beside the page; plain text where there is no https address."""
    if not address.startswith("https://"):
        return text
    return tag("a", text, href=address, target="_blank", rel="noopener noreferrer")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """A table; cells are escaped unless they are Html."""
    head = tag("tr", *(tag("th", text) for text in heads))
    return tag(
        "table", tag("thead", head), tag("tbody", *(tag("tr", *(tag("td", cell) for cell in row)) for row in rows))
    )
