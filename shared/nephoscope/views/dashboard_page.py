"""A dashboard as one HTML file: what CloudWatch's console would show, without a console.

Nothing is loaded from anywhere and no script runs (a content security policy says so too). Custom widgets' HTML comes
from elsewhere, so it is made anew from what is harmless in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nephoscope.model.publish import Dashboard
from nephoscope.views.chart import draw_graph, draw_sparkline, legend_of
from nephoscope.views.dashboard_alarms import AlarmState, draw_alarms
from nephoscope.views.dashboard_data import Drawn, WidgetData, WidgetKey, widgets_of
from nephoscope.views.dashboard_style import STYLE
from nephoscope.views.foreign_html import harmless
from nephoscope.views.markdown import render_markdown
from nephoscope.views.markup import Html, isolated, join, tag

ROW = 48
"""Pixels of a grid unit and the space after it."""
AROUND = 118
"""Pixels of a widget's height that its plot cannot have: title, times, two lines of legend, padding."""
LEGEND = 12
"""Names under a graph at most."""

_HEADING = re.compile(r"^(#{1,4}) ", re.MULTILINE)
_ASKED_ELSEWHERE = "Shown in the console only."


def draw(
    dashboards: Sequence[Dashboard],
    data: Mapping[WidgetKey, WidgetData],
    custom: Mapping[WidgetKey, str] | None = None,
    note: str = "",
    alarms: Mapping[str, AlarmState] | None = None,
) -> str:
    """The page. data, custom: by dashboard and place of the widget; a widget without any says so. alarms: by ARN.
    note: a line at the end (when, from what)."""
    pages = [_dashboard(one, data, custom or {}, alarms) for one in dashboards]
    title = dashboards[0].name if dashboards else "nephoscope"
    head = tag("head", _HEAD, tag("title", title), Html(f"<style>{STYLE}</style>"))
    if not pages:
        pages = [tag("p", "There is no dashboard yet.", class_="empty")]
    body = tag("body", tag("main", *pages), tag("footer", f"{note} Times are UTC.".strip()))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _dashboard(
    dashboard: Dashboard,
    data: Mapping[WidgetKey, WidgetData],
    custom: Mapping[WidgetKey, str],
    alarms: Mapping[str, AlarmState] | None,
) -> Html:
    """Titles of widgets stand one level below the last title of a text, so that the page has an outline."""
    level = 1
    drawn: list[Html] = []
    for place, widget in enumerate(widgets_of(dashboard)):
        key = (dashboard.name, place)
        if widget["type"] == "text":
            found = _HEADING.findall(widget["properties"]["markdown"])
            level = len(found[-1]) if found else level
        drawn.append(_widget(widget, level + 1, data.get(key), custom.get(key), alarms))
    chosen = _variables(dashboard.body.get("variables"))
    own_id = f"dashboards:name={dashboard.name}"
    return tag("article", chosen, tag("div", *drawn, class_="board"), id=own_id, aria_label=dashboard.name)


def _variables(variables: Any) -> Html:
    """What each is set to when the dashboard is opened; a page without a script has nothing to choose."""
    if not isinstance(variables, list):
        return Html("")
    shown = [
        tag("div", tag("dt", one.get("label") or one.get("property") or one["id"]), tag("dd", isolated(_value(one))))
        for one in variables
        if one.get("visible", True)
    ]
    return tag("dl", *shown, class_="variables") if shown else Html("")


def _value(variable: Mapping[str, Any]) -> str:
    default = variable.get("defaultValue", "")
    words = {one["value"]: one.get("label", one["value"]) for one in variable.get("values", ())}
    return str(words.get(default, default))


# --- widgets -----------------------------------------------------------------------------------------------------


def _widget(
    widget: Mapping[str, Any],
    level: int,
    data: WidgetData | None,
    custom: str | None,
    alarms: Mapping[str, AlarmState] | None,
) -> Html:
    properties, kind = widget["properties"], widget["type"]
    title = properties.get("title", "")
    match kind:
        case "text":
            content = render_markdown(properties["markdown"])
        case "custom":
            content = harmless(custom) if custom is not None else tag("p", _ASKED_ELSEWHERE, class_="empty")
            kind = "custom" if title else "custom bare"
        case "metric":
            content = _metric(widget, data) if data else tag("p", "Not asked for.", class_="empty")
        case "alarm":
            content = draw_alarms(properties["alarms"], alarms)
        case other:
            content = tag("p", f"A widget of type {other} is not drawn here.", class_="empty")
    name = tag(f"h{min(level, 6)}", isolated(title), class_="name") if title else ""
    return tag("section", name, content, class_=f"widget {kind}", style=_place(widget))


def _place(widget: Mapping[str, Any]) -> str:
    return f"--x:{widget['x'] + 1};--y:{widget['y'] + 1};--w:{widget['width']};--h:{widget['height']}"


def _metric(widget: Mapping[str, Any], data: WidgetData) -> Html:
    properties = widget["properties"]
    if data.problem:
        return tag("p", f"Could not be read: {data.problem}", class_="problem")
    if properties.get("view") == "singleValue":
        return tag("div", *_tiles(data.series), class_="tiles")
    graph = draw_graph(data.series, properties, widget["height"] * ROW - AROUND)
    shown = [one for one in data.series if one.times]
    hidden = properties.get("legend", {}).get("position") == "hidden"
    return join([graph, legend_of(shown, LEGEND)]) if shown and not hidden else graph


def _tiles(series: Sequence[Drawn]) -> Iterator[Html]:
    for one in series:
        parts = [
            tag("b", number(one.values[-1]) if one.values else "–"),
            tag("span", isolated(one.label), title=one.label),
        ]
        if len(one.values) > 1:
            parts.append(draw_sparkline(one))
        yield tag("div", *parts, class_="tile")
    if not series:
        yield tag("p", "No data in this range.", class_="empty")


def number(value: float) -> str:
    """A number that stands alone: 19,840 machines are counted out, and 99.97 % are never 100."""
    if float(value).is_integer() and abs(value) < 1e7:
        return f"{value:,.0f}"
    text = f"{value:,.4g}"
    return f"{value:,.6g}" if float(text.replace(",", "")).is_integer() and abs(value) < 1e4 else text


_HEAD = Html(
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'\">"
)
