"""The page: what stands on each view, and how it is kept up to date.

A view is its heading and its parts. The browser asks every few seconds whether there is a newer look (assets/page.js);
where there is, each part is rendered anew, and only those that differ travel.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from plotly.utils import PlotlyJSONEncoder  # type: ignore[import-untyped]  # it has no stubs

from nephoscope.views.web.doors import Doors
from nephoscope.views.web.pages import alerts, coverage, dashboard, machine, machines, outbox, overview
from nephoscope.views.web.pages.which import named
from nephoscope.views.web.parts import Asked, Content, aria, data, link

Part = Callable[[Asked], Content]


@dataclass(frozen=True, slots=True)
class View:
    """heading: of the page. before: what stands above the parts and is not renewed. late: parts that ask a provider,
    and so are drawn after the page."""

    heading: Callable[[Asked], str]
    parts: Mapping[str, Part] = field(default_factory=dict)
    before: Part | None = None
    late: Sequence[str] = ()


def views(fleet: str) -> Mapping[str, View]:
    """By path, in the order of the navigation; what has no entry there comes last."""
    answer = {"answer": overview.answer}
    return {
        "/": View(lambda _: fleet, overview.PARTS),
        "/machines": View(lambda _: "Machines", {}, machines.view),
        "/alerts": View(lambda _: "Alerts", alerts.PARTS, alerts.search),
        "/outbox": View(lambda _: "Outbox", outbox.PARTS),
        "/coverage": View(lambda _: "Coverage", answer | coverage.PARTS),
        "/dashboard": View(lambda _: "Dashboard", {}, dashboard.view),
        "/machine": View(named, machine.PARTS, late=machine.LATE),
    }


NAVIGATION = {
    "/": "Overview",
    "/machines": "Machines",
    "/alerts": "Alerts",
    "/outbox": "Outbox",
    "/coverage": "Coverage",
    "/dashboard": "Dashboard",
}


def layout(fleet: str, every: float) -> Component:
    """What is the same on all views."""
    items = [html.Li(link(text, path, id=f"to-{text.lower()}")) for path, text in NAVIGATION.items()]
    return html.Div(
        [
            dcc.Location(id="url", refresh=False),
            dcc.Interval(id="every", interval=int(every * 1000)),
            dcc.Store(id="seen"),
            dcc.Store(id="drawn"),
            dcc.Store(id="arrived"),
            html.A("Skip to the content", href="#content", className="skip"),
            html.Header(
                [html.Span([html.B("nephoscope"), html.Bdi(f" {fleet}")], className="brand"),
                 html.Nav(html.Ul(items), **aria(label="Views"))]
            ),
            html.Div(id="banner", role="status", className="banner"),
            html.Main(html.P("One moment.", className="faint"), id="content", tabIndex=-1),
            html.Footer(["Times are in UTC. ", html.Span(id="as-of")]),
        ],
        id="page",
        **data(fleet=fleet),
    )  # fmt: skip


def _part_id(name: str) -> dict[str, str]:
    return {"type": "part", "name": name}


def connect(app: Dash, fleet: str, doors: Doors) -> None:
    """The callbacks."""
    known = views(fleet)

    def ask(path: str | None, search: str | None) -> tuple[View | None, Asked]:
        query = dict(parse_qsl((search or "").lstrip("?")))
        return known.get(path or "/"), Asked(doors.now(), doors, query)

    app.clientside_callback(  # type: ignore[no-untyped-call]  # Dash has no type for it
        ClientsideFunction("nephoscope", "tick"),
        Output("seen", "data"),
        Output("banner", "children"),
        Output("as-of", "children"),
        Input("every", "n_intervals"),
        Input("url", "href"),
    )

    app.clientside_callback(  # type: ignore[no-untyped-call]  # Dash has no type for it
        ClientsideFunction("nephoscope", "arrive"), Output("arrived", "data"), Input("content", "children")
    )

    @app.callback(
        Output("content", "children"), Output("drawn", "data"), Input("url", "pathname"), Input("url", "search")
    )
    def _view(path: str | None, search: str | None) -> Any:
        view, asked = ask(path, search)
        if view is None:
            return _unknown(), {}
        return rendered(view, asked)

    @app.callback(
        Output({"type": "part", "name": ALL}, "children"),
        Output("drawn", "data", allow_duplicate=True),
        Input("seen", "data"),
        State({"type": "part", "name": ALL}, "id"),
        State("drawn", "data"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def _renew(_number: int, ids: list[dict[str, str]], drawn: dict[str, str], path: str, search: str) -> Any:
        view, asked = ask(path, search)
        return renewed(view, asked, [one["name"] for one in ids], drawn or {})

    @app.callback(
        Output({"type": "late", "name": MATCH}, "children"),
        Output({"type": "mark", "name": MATCH}, "data"),
        Input("seen", "data"),
        Input({"type": "late", "name": MATCH}, "id"),
        State({"type": "mark", "name": MATCH}, "data"),
        State("url", "pathname"),
        State("url", "search"),
    )
    def _late(_number: int, own_id: dict[str, str], mark: str | None, path: str, search: str) -> Any:
        view, asked = ask(path, search)
        if view is None or own_id["name"] not in view.parts:
            return no_update, no_update
        content = view.parts[own_id["name"]](asked)
        after = digest(content)
        return (no_update, no_update) if after == mark else (content, after)


def rendered(view: View, asked: Asked) -> tuple[list[Content], dict[str, str]]:
    """The view as it is now, and a digest of each of its parts."""
    contents = {name: part(asked) for name, part in view.parts.items() if name not in view.late}
    heading = html.H1(html.Bdi(view.heading(asked)), tabIndex=-1)
    body: list[Content] = [heading]
    if view.before is not None:
        body.append(html.Div(view.before(asked)))
    for name in view.parts:
        if name in view.late:
            waiting = html.P("Reading from the provider …", className="faint")
            body.append(html.Div(waiting, id={"type": "late", "name": name}, **aria(live="off")))
            body.append(dcc.Store(id={"type": "mark", "name": name}))
        else:
            body.append(html.Div(contents[name], id=_part_id(name)))
    return body, {name: digest(content) for name, content in contents.items()}


def renewed(
    view: View | None, asked: Asked, names: Sequence[str], drawn: Mapping[str, str]
) -> tuple[list[Any], dict[str, str]]:
    """For each part that the page shows its content, where it is another than what was drawn."""
    fresh: list[Any] = []
    after = dict(drawn)
    for name in names:
        part = view.parts.get(name) if view else None
        content = part(asked) if part else no_update
        if part is None or (mark := digest(content)) == drawn.get(name):
            fresh.append(no_update)
        else:
            fresh.append(content)
            after[name] = mark
    return fresh, after


def digest(content: Content) -> str:
    text = json.dumps(content, cls=PlotlyJSONEncoder, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _unknown() -> list[Component]:
    return [html.H1("There is no such page", tabIndex=-1), html.P(link("Overview", "/"))]
