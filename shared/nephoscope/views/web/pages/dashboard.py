"""A dashboard as CloudWatch's console would draw it: the one that a run would write, the one that stands there, or a
body from a file."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from nephoscope.pipeline.looking.course import SPANS
from nephoscope.views.web.parts import Asked, address, aria, foreign, link

SPAN = "3h"


def chosen(asked: Asked) -> tuple[str, str]:
    """Origin and span, as the address says."""
    origins = asked.doors.origins()
    origin, span = asked.query.get("from", ""), asked.query.get("span", "")
    return (origin if origin in origins else next(iter(origins))), (span if span in SPANS else SPAN)


def view(asked: Asked) -> Component:
    origin, span = chosen(asked)
    where = [
        _choice(foreign(text, 80), address("/dashboard", **{"from": name}, span=span), current=name == origin)
        for name, text in asked.doors.origins().items()
    ]
    windows = [
        _choice(each, address("/dashboard", **{"from": origin}, span=each), current=each == span) for each in SPANS
    ]
    frame = html.Iframe(src=address("/drawn", **{"from": origin}, span=span), title="The dashboard", className="drawn")
    return html.Div(
        [
            html.Nav(html.Ul(where, className="choices"), **aria(label="Which dashboard")),
            html.Nav(html.Ul(windows, className="choices"), **aria(label="Window")),
            html.P("Each look asks CloudWatch for what the widgets show.", className="faint"),
            frame,
        ]
    )


def _choice(text: Component | str, to: str, *, current: bool) -> Component:
    return html.Li(link(text, to, **(aria(current="true") if current else {})))
