"""A dashboard as one HTML file: what CloudWatch's console would show, without a console.

Nothing is loaded from anywhere and no script runs (a content security policy says so too). Custom widgets' HTML comes
from elsewhere, so it stands in a sandboxed frame, as it does in the console.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nephoscope.model.publish import Dashboard
from nephoscope.views.chart import color_of, draw_graph, draw_sparkline, short
from nephoscope.views.dashboard_data import Drawn, WidgetData, WidgetKey, widgets_of
from nephoscope.views.markdown import render_markdown
from nephoscope.views.markup import Html, join, tag

COLUMN, ROW = 52, 52
"""Pixels of a grid unit and the space after it, on a page of 1,280."""
AROUND, ABOVE_AND_BELOW = 32, 90
"""Pixels of a widget that its graph cannot have: padding; title and two lines of legend."""
SMALL = 8
"""Grid units up to which two widgets stand side by side on a narrow page."""
LEGEND = 12
"""Names under a graph at most."""


def draw(
    dashboards: Sequence[Dashboard],
    data: Mapping[WidgetKey, WidgetData],
    custom: Mapping[WidgetKey, str] | None = None,
    note: str = "",
) -> str:
    """The page. data, custom: by dashboard and place of the widget; a widget without any says so. note: a line at the
    end (when, from what)."""
    pages = [_dashboard(one, data, custom or {}) for one in dashboards]
    title = dashboards[0].name if dashboards else "nephoscope"
    head = tag("head", _HEAD, tag("title", title), Html(f"<style>{_STYLE}</style>"))
    body = tag("body", *pages, tag("footer", note) if note else "")
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _dashboard(dashboard: Dashboard, data: Mapping[WidgetKey, WidgetData], custom: Mapping[WidgetKey, str]) -> Html:
    widgets = (
        _widget(widget, data.get((dashboard.name, place)), custom.get((dashboard.name, place)))
        for place, widget in enumerate(widgets_of(dashboard))
    )
    return tag("main", *widgets, id=f"dashboards:name={dashboard.name}")


def _widget(widget: Mapping[str, Any], data: WidgetData | None, custom: str | None) -> Html:
    properties = widget["properties"]
    place = f"--x:{widget['x'] + 1};--y:{widget['y'] + 1};--w:{widget['width']};--h:{widget['height']}"
    match widget["type"]:
        case "text":
            return tag("section", render_markdown(properties["markdown"]), class_="text", style=place)
        case "custom":
            content = _frame(custom) if custom is not None else tag("p", "Shown in the console only.", class_="empty")
        case "metric":
            content = _metric(widget, data) if data else tag("p", "Not asked for.", class_="empty")
        case other:
            content = tag("p", f"A widget of type {other} is not drawn here.", class_="empty")
    kind = f"{widget['type']} small" if widget["width"] <= SMALL else widget["type"]
    return tag("section", tag("h3", properties.get("title", "")), content, class_=kind, style=place)


def _frame(html: str) -> Html:
    return tag("iframe", srcdoc=f"{_FRAME_STYLE}{html}", sandbox="allow-popups", title="custom widget")


def _metric(widget: Mapping[str, Any], data: WidgetData) -> Html:
    properties = widget["properties"]
    if data.problem:
        return tag("p", f"Could not be read: {data.problem}", class_="problem")
    if properties.get("view") == "singleValue":
        return tag("div", *_tiles(data.series), class_="tiles")
    size = widget["width"] * COLUMN - AROUND, widget["height"] * ROW - ABOVE_AND_BELOW
    graph = draw_graph(data.series, properties, *size)
    return join([graph, _legend([one for one in data.series if one.times])])


def _tiles(series: Sequence[Drawn]) -> Iterator[Html]:
    for one in series:
        value = short(one.values[-1]) if one.values else "–"
        parts = [tag("b", value), tag("span", one.label)]
        if len(one.values) > 1:
            parts.append(draw_sparkline(one))
        yield tag("div", *parts, class_="tile")
    if not series:
        yield tag("p", "No data in this range.", class_="empty")


def _legend(series: Sequence[Drawn]) -> Html:
    names = [
        tag("li", tag("i", style=f"background:{color_of(one, place)}"), one.label or "value")
        for place, one in enumerate(series[:LEGEND])
    ]
    if len(series) > LEGEND:
        names.append(tag("li", f"and {len(series) - LEGEND} more", class_="faint"))
    return tag("ul", *names, class_="legend")


_HEAD = Html(
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
)

_STYLE = (
    ":root{--page:#f2f3f3;--card:#fff;--ink:#16191f;--soft:#545b64;--edge:#d5dbdb;--grid:#e6e9ea;--bad:#d13212}"
    "@media(prefers-color-scheme:dark){"
    ":root{--page:#0f1b2a;--card:#192534;--ink:#e9ebed;--soft:#a9b4c0;--edge:#354150;--grid:#2b3747;--bad:#ff7566}}"
    "*{box-sizing:border-box}"
    "body{margin:0;padding:16px;background:var(--page);color:var(--ink);"
    "font:14px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    "main{display:grid;grid-template-columns:repeat(24,minmax(0,1fr));grid-auto-rows:minmax(44px,auto);gap:8px;"
    "max-width:1600px;margin:0 auto 24px}"
    "section{grid-column:var(--x)/span var(--w);grid-row:var(--y)/span var(--h);min-width:0;overflow:hidden;"
    "background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:8px 12px;"
    "display:flex;flex-direction:column}"
    "section.text{background:none;border:0;padding:4px 2px;justify-content:center}"
    "h1,h2,h3,p{margin:0}h1{font-size:24px}h2{font-size:18px}"
    "h3{font-size:13px;font-weight:600;margin-bottom:4px;line-height:1.3}"
    ".text p,.faint,.empty,footer{color:var(--soft)}.problem{color:var(--bad)}"
    ".empty{margin:auto;text-align:center}a{color:#0972d3}"
    "@media(prefers-color-scheme:dark){a{color:#6cb2ff}}"
    "svg{display:block;width:100%;height:auto;flex:none}"
    ".grid{stroke:var(--grid);stroke-width:1}.tick{fill:var(--soft);font-size:11px}"
    ".line{fill:none;stroke-width:1.8;stroke-linejoin:round}.area{fill-opacity:.35;stroke-width:1}"
    ".threshold{stroke-width:1.4;stroke-dasharray:6 4}"
    ".mark{fill:var(--ink);font-size:11px;paint-order:stroke;stroke:var(--card);stroke-width:3px}"
    ".spark{fill:none;stroke-width:2}"
    ".legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 14px;margin:4px 0 0;padding:0;font-size:12px;"
    "color:var(--soft);max-height:40px;overflow:auto}"
    ".legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px}"
    ".tiles{display:flex;flex:1;align-items:center;justify-content:space-around;gap:16px;flex-wrap:wrap}"
    ".tile{flex:1 1 90px;max-width:220px;min-width:0;text-align:center}"
    ".tile b{display:block;font-size:32px;line-height:1.15;font-weight:600}"
    ".tile span{color:var(--soft);font-size:12px}.tile svg{margin-top:4px}"
    "iframe{border:0;width:100%;flex:1;min-height:150px;color-scheme:inherit}"
    "footer{text-align:center;font-size:12px}"
    "@media(max-width:900px){body{padding:8px}main{grid-template-columns:repeat(2,minmax(0,1fr))}"
    "section{grid-column:1/-1;grid-row:auto}section.small{grid-column:auto}"
    ".tick,.mark{font-size:13px}iframe{min-height:280px}}"
)

_FRAME_STYLE = (
    "<style>:root{color-scheme:light dark}body{margin:0;font:13px/1.45 system-ui,-apple-system,'Segoe UI',"
    "'DejaVu Sans',sans-serif;color:#16191f}a{color:#0972d3}"
    "@media(prefers-color-scheme:dark){body{color:#e9ebed}a{color:#6cb2ff}}</style>"
)
