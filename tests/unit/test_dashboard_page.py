"""The page that draws a dashboard: self-contained, escaped, with every widget and a word where something is missing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from nephoscope.model.publish import Dashboard
from nephoscope.views.chart import draw_graph, short
from nephoscope.views.dashboard_data import Drawn, WidgetData, expand, queries_of
from nephoscope.views.dashboard_page import draw
from nephoscope.views.markdown import render_markdown

NOON = 1_795_435_200
NASTY = "<script>alert(1)</script>\"'&"
VOID = {"meta", "line", "br"}


class Balance(HTMLParser):
    """Counts tags, and that each one that opens is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def widget(kind: str, **properties: object) -> dict[str, object]:
    return {"type": kind, "x": 0, "y": 0, "width": 12, "height": 6, "properties": properties}


def page(*widgets: dict[str, object], data: object = None, custom: object = None) -> str:
    return draw([Dashboard("acme", {"widgets": list(widgets)})], data or {}, custom or {})  # type: ignore[arg-type]


def line(label: str = "web", *values: float, color: str = "") -> Drawn:
    return Drawn(label, tuple(NOON + 300 * n for n in range(len(values))), values, color, 300)


def test_a_page_is_whole_html_that_asks_nobody_for_anything() -> None:
    html = page(widget("text", markdown="# hi"), widget("metric", title="CPU", metrics=[]))
    assert html.startswith('<!doctype html>\n<html lang="en">')
    seen = Balance(html).seen
    assert "script" not in {tag for tag, _ in seen}
    assert not [attrs for _, attrs in seen if "src" in attrs]
    assert not re.search(r"url\(|@import|<link", html)
    assert "default-src &#x27;none&#x27;" in html or "default-src 'none'" in html


def test_foreign_text_stays_text() -> None:
    series = WidgetData((line(NASTY, 1.0, 2.0),))
    html = page(widget("metric", title=NASTY, metrics=[]), widget("text", markdown=NASTY), data={("acme", 0): series})
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 3
    Balance(html)


def test_a_custom_widgets_html_stands_in_a_sandbox_and_cannot_leave_its_attribute() -> None:
    html = page(widget("custom", title="alerts"), custom={("acme", 0): f'<p>{NASTY}</p>"><b>out'})
    (frame,) = [attrs for tag, attrs in Balance(html).seen if tag == "iframe"]
    assert frame["sandbox"] == "allow-popups"
    assert NASTY in str(frame["srcdoc"])
    assert "b" not in {tag for tag, _ in Balance(html).seen}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (WidgetData((), "throttled"), "Could not be read: throttled"),
        (WidgetData(()), "No data in this range."),
        (None, "Not asked for."),
    ],
)
def test_what_is_missing_is_said(data: WidgetData | None, said: str) -> None:
    assert said in page(widget("metric", title="CPU", metrics=[]), data={("acme", 0): data} if data else {})


def test_a_single_value_shows_the_newest_with_its_course() -> None:
    html = page(
        widget("metric", title="Machines", view="singleValue", metrics=[]),
        data={("acme", 0): WidgetData((line("running", 3.0, 1_234.0), line("gone")))},
    )
    assert "<b>1.23k</b><span>running</span>" in html
    assert "<b>–</b><span>gone</span>" in html
    assert html.count("<polyline") == 1


def test_a_long_legend_is_cut() -> None:
    series = WidgetData(tuple(line(f"machine {n}", 1.0, 2.0) for n in range(40)))
    html = page(widget("metric", title="CPU", metrics=[]), data={("acme", 0): series})
    assert "and 28 more" in html


def points_of(svg: str) -> list[str]:
    return [str(path.get("d")) for path in ET.fromstring(svg).iter("path")]  # noqa: S314 - made here


def test_a_line_breaks_where_points_are_missing() -> None:
    gap = Drawn("web", (NOON, NOON + 300, NOON + 1_200, NOON + 1_500), (1.0, 1.0, 1.0, 1.0), "", 300)
    (path,) = points_of(draw_graph([gap], {}, 600, 200))
    assert path.count("M") == 2
    assert path.count("L") == 2


def test_the_axis_has_its_bounds_and_thresholds_lie_where_they_should() -> None:
    properties = {
        "yAxis": {"left": {"min": 0, "max": 100, "label": "%"}},
        "annotations": {"horizontal": [{"value": 90.0, "label": "hot", "color": "#d62728"}]},
    }
    tree = ET.fromstring(draw_graph([line("web", 0.0, 100.0)], properties, 600, 200))  # noqa: S314 - made here
    heights = {element.get("class"): float(element.get("y1", 0)) for element in tree.iter("line")}
    ticks = [element.text for element in tree.iter("text") if element.get("text-anchor") == "end"]
    assert ticks[:5] == ["0", "25", "50", "75", "100"]
    top, bottom = 10.0, 178.0
    assert heights["threshold"] == pytest.approx(bottom - 0.9 * (bottom - top), abs=0.1)


def test_stacked_areas_stand_on_each_other() -> None:
    two = [line("a", 1.0, 1.0), line("b", 2.0, 2.0)]
    tree = ET.fromstring(draw_graph(two, {"stacked": True, "yAxis": {"left": {"min": 0, "max": 4}}}, 600, 200))  # noqa: S314
    lower, upper = ([*map(str, polygon.get("points", "").split())] for polygon in tree.iter("polygon"))
    assert lower[0] == upper[-1]  # where the one ends, the other begins
    assert float(upper[0].split(",")[1]) == pytest.approx(178 - 0.75 * 168, abs=0.1)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (12.34, "12.3"), (1_500.0, "1.5k"), (-2_500_000.0, "-2.5M"), (4e12, "4T"), (0.031, "0.031")],
)
def test_short_numbers(value: float, text: str) -> None:
    assert short(value) == text


def test_markdown_of_our_text_widgets() -> None:
    html = render_markdown(
        "# acme\nWatched in **AWS**.\n\n- one\n- `two`\n\n[part](#dashboards:name=a-2) [x](javascript:y)"
    )
    assert html == (
        "<h1>acme</h1><p>Watched in <strong>AWS</strong>.</p><ul><li>one</li><li><code>two</code></li></ul>"
        '<p><a href="#dashboards:name=a-2">part</a> [x](javascript:y)</p>'
    )


def test_abbreviations_of_a_metrics_array_are_written_out() -> None:
    metrics = [
        ["AWS/EC2", "CPUUtilization", "InstanceId", "i-1", {"label": "one"}],
        [".", ".", ".", "i-2"],
        ["...", "i-3", {"stat": "p90"}],
        [{"expression": "m1*2"}],
        [".", "NetworkIn", ".", "."],
    ]
    assert list(expand(metrics)) == [
        (["AWS/EC2", "CPUUtilization", "InstanceId", "i-1"], {"label": "one"}),
        (["AWS/EC2", "CPUUtilization", "InstanceId", "i-2"], {}),
        (["AWS/EC2", "CPUUtilization", "InstanceId", "i-3"], {"stat": "p90"}),
        ([], {"expression": "m1*2"}),
        (["AWS/EC2", "NetworkIn", "InstanceId", "i-3"], {}),
    ]


def test_queries_follow_the_widget_and_the_lines_own_options() -> None:
    properties = {
        "region": "eu-west-1",
        "period": 60,
        "stat": "Maximum",
        "metrics": [
            ["ns", "lag", "fleet", "acme", {"id": "lag", "visible": False}],
            [{"expression": "lag*2", "id": "twice", "label": "twice", "region": "us-east-1"}],
        ],
    }
    assert queries_of(properties) == {
        "eu-west-1": [
            {
                "Id": "lag",
                "ReturnData": False,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "ns",
                        "MetricName": "lag",
                        "Dimensions": [{"Name": "fleet", "Value": "acme"}],
                    },
                    "Period": 60,
                    "Stat": "Maximum",
                },
            }
        ],
        "us-east-1": [{"Id": "twice", "ReturnData": True, "Label": "twice", "Expression": "lag*2", "Period": 60}],
    }
