"""What pages are made of: foreign text, times, badges, tables. Everything that a name or a tag says is text, set apart
from what stands around it (`<bdi>`), so that neither markup nor a script from right to left reaches beyond it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from nephoscope.model.time import iso
from nephoscope.pipeline.looking.alerts import About, Happened, OpenAlert
from nephoscope.pipeline.looking.coverage import roughly
from nephoscope.pipeline.looking.shown import Seen
from nephoscope.pipeline.wording import clean, render_time
from nephoscope.views.web.doors import Doors

Child = Component | str | None
Content = Any
"""What Dash takes as children: a component, a text, nothing, or a list of these."""

NAME = 120


@dataclass(frozen=True, slots=True)
class Asked:
    """seen: the newest look. query: of the address, each word once."""

    seen: Seen
    doors: Doors
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """A column. wide: it is left out on a narrow page; number: it stands to the right."""

    text: str
    number: bool = False
    wide: bool = False


def aria(**said: str) -> dict[str, Any]:
    """Attributes `aria-...`, which Python has no names for."""
    return {f"aria-{name}": text for name, text in said.items()}


def data(**said: str) -> dict[str, Any]:
    """Attributes `data-...`."""
    return {f"data-{name}": text for name, text in said.items()}


def foreign(text: str, limit: int = NAME) -> Component:
    """Somebody else's text. What is cut off is in the title, at full length."""
    shown = clean(text, limit)
    whole = clean(text)
    return html.Bdi(shown, title=whole if whole != shown else None)


def link(content: Content, to: str, **more: Any) -> Component:
    """Within the page."""
    return html.A(content, href=to, **more)


def outward(text: str, to: str) -> Component | None:
    """To a console or a runbook, beside this page; None where the address is none that a browser should follow."""
    if not to.startswith(("https://", "http://")):
        return None
    words: Content = [text, html.Span(" (opens beside)", className="unseen")]
    return html.A(words, href=to, target="_blank", rel="noopener noreferrer", className="outward")


def address(path: str, **query: object) -> str:
    """Parts that are empty are left out."""
    said = {key: str(value) for key, value in query.items() if value not in ("", None)}
    return f"{path}?{urlencode(said)}" if said else path


def moment(at: float, now: float | None = None) -> Component:
    """A time, in UTC and labelled so; with now, how long ago."""
    words: list[Child] = [html.Time(render_time(int(at)), dateTime=iso(at), className="time")]
    if now is not None:
        words += [" ", html.Span(ago(now - at), className="faint time")]
    return html.Span(words)


def ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{roughly(seconds)} ago"


def badge(word: str, kind: str = "") -> Component:
    return html.Span(word, className=f"badge {(kind or word).replace(' ', '-')}")


def section(title: str, *content: Child, id: str = "", note: str = "") -> Component:
    heading = html.H2([title, html.Span(f" {note}", className="faint") if note else None])
    return html.Section([heading, *content], id=id) if id else html.Section([heading, *content])


def calm(text: str) -> Component:
    return html.P(text, className="calm")


def table(caption: str, heads: Sequence[Head], rows: Iterable[Sequence[Content]], **more: Any) -> Component:
    """A table that a narrow page shows as cards. Roles are written out, for a table that is laid out otherwise is none
    to a screen reader."""
    head = [html.Th(one.text, scope="col", role="columnheader", className=_class(one)) for one in heads]
    body = [
        html.Tr(
            [html.Td(_listed(cell), role="cell", className=_class(one), **data(label=one.text))
             for one, cell in zip(heads, row, strict=True)],
            role="row",
        )
        for row in rows
    ]  # fmt: skip
    return html.Table(
        [
            html.Caption(caption, className="unseen"),
            html.Thead(html.Tr(head, role="row"), role="rowgroup"),
            html.Tbody(body, role="rowgroup"),
        ],
        role="table",
        **more,
    )


def _listed(cell: Content) -> Content:
    """What has several parts is one, beside its label on a narrow page."""
    return cell if cell is None or isinstance(cell, str | Component) else html.Div(list(cell))


def _class(head: Head) -> str:
    return " ".join(filter(None, ("number" if head.number else "", "wide" if head.wide else ""))) or "cell"


# --- what alerts are about ----------------------------------------------------------------------------------------


def machine_address(scope_key: str, own_id: str, **more: object) -> str:
    return address("/machine", scope=scope_key, id=own_id, **more)


def subject(about: About) -> Component:
    name = foreign(about.name)
    words: list[Child] = [link(name, machine_address(about.scope.key, about.key)) if about.machine else name]
    if about.id:
        words += [" ", html.Span(foreign(about.id), className="faint id")]
    if about.device:
        words += [" ", html.Span(foreign(f"[{about.device}]"), className="faint")]
    return html.Span(words)


OPEN_HEADS = (
    Head("Severity"),
    Head("Rule"),
    Head("On"),
    Head("Value", number=True),
    Head("Since"),
    Head("State", wide=True),
    Head("Where", wide=True),
    Head("Told, seen by", wide=True),
)


HERE = ("On", "Where")
"""Columns that a machine's own page can do without."""


def elsewhere(heads: Sequence[Head], rows: Iterable[Sequence[Content]]) -> tuple[list[Head], list[list[Content]]]:
    """The same table without the columns that say where one is."""
    kept = [place for place, head in enumerate(heads) if head.text not in HERE]
    return [heads[place] for place in kept], [[row[place] for place in kept] for row in rows]


def open_row(alert: OpenAlert, now: int) -> Sequence[Content]:
    rule: list[Child] = [foreign(alert.rule)]
    if alert.runbook and (book := outward("runbook", alert.runbook)):
        rule += [" ", book]
    told = ", ".join(clean(name, 40) for name in alert.told) or "nobody"
    return (
        badge(alert.severity),
        rule,
        subject(alert.about),
        alert.value or "–",
        moment(alert.since, now),
        alert.state,
        where(alert.about),
        [foreign(told), html.Div(foreign(alert.quiet), className="faint") if alert.quiet else None],
    )


HAPPENED_HEADS = (
    Head("At"),
    Head("What"),
    Head("Rule"),
    Head("On"),
    Head("Value", number=True),
    Head("Why", wide=True),
    Head("Told", wide=True),
)


def happened_row(one: Happened) -> Sequence[Content]:
    return (
        moment(one.at),
        badge(one.kind),
        foreign(one.rule),
        subject(one.about),
        one.value or "–",
        one.why,
        foreign(one.told),
    )


def where(about: About) -> Content:
    scope = about.scope
    return "groups" if scope.is_fleet else [scope.cloud.value, " ", foreign(scope.account, 40), " ", scope.region]
