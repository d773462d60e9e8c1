"""Graphs: where lines, shade and words lie, what is broken where points are missing, and what is said in words."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from nephoscope.views.chart import draw_graph, draw_sparkline
from nephoscope.views.chart_frame import short
from nephoscope.views.dashboard_data import Drawn

NOON = 1_795_435_200


def line(label: str = "web", *values: float, color: str = "") -> Drawn:
    return Drawn(label, tuple(NOON + 300 * n for n in range(len(values))), values, color, 300)


def elements(html: str, name: str, kind: str = "") -> list[ET.Element]:
    found = ET.fromstring(html).iter(name)  # noqa: S314 - made here
    return [one for one in found if not kind or one.get("class") == kind]


def test_a_line_breaks_where_points_are_missing() -> None:
    gap = Drawn("web", (NOON, NOON + 300, NOON + 1_200, NOON + 1_500), (1.0, 1.0, 1.0, 1.0), "", 300)
    (path,) = elements(draw_graph([gap], {}, 200), "path", "line")
    assert str(path.get("d")).count("M") == 2
    assert str(path.get("d")).count("L") == 2


def test_a_single_point_is_a_dot_in_the_middle_and_is_said_to_be_one() -> None:
    html = draw_graph([line("web", 50.0)], {"yAxis": {"left": {"min": 0, "max": 100}}}, 200)
    (dot,) = elements(html, "path", "dot")
    assert dot.get("d") == "M500.0,500.0h0"
    assert "web: 50, once" in html


THRESHOLD = {
    "title": "CPU",
    "yAxis": {"left": {"min": 0, "max": 100, "label": "%"}},
    "annotations": {"horizontal": [{"value": 90.0, "label": "hot", "color": "#d62728", "fill": "above"}]},
}


def test_the_axis_has_its_bounds_and_thresholds_lie_where_they_should() -> None:
    """The drawing is 1,000 units high, whatever its size: 90 of 100 lie 100 below the top."""
    html = draw_graph([line("web", 0.0, 100.0)], THRESHOLD, 200)
    scale = [(one.text, one.get("style")) for one in elements(html, "span", "scale")]
    assert scale == [
        ("0", "top:100.00%"),
        ("25", "top:75.00%"),
        ("50", "top:50.00%"),
        ("75", "top:25.00%"),
        ("100", "top:0.00%"),
    ]
    (mark,) = elements(html, "path", "threshold")
    assert mark.get("d") == "M0,100.0H1000"
    (shade,) = elements(html, "rect", "shade")
    assert (shade.get("y"), shade.get("height")) == ("0.0", "100.0")
    (words,) = elements(html, "span", "mark")
    assert words.get("style") == "top:10.00%"


@pytest.mark.parametrize(
    ("annotation", "y", "height"),
    [
        ({"value": 20, "fill": "below"}, "800.0", "200.0"),
        ([{"value": 60, "label": "a"}, {"value": 80}], "200.0", "200.0"),
        ([{"value": 80}, {"value": 60}], "200.0", "200.0"),
    ],
)
def test_shade_lies_on_the_side_that_is_bad_and_within_a_band(annotation: object, y: str, height: str) -> None:
    properties = {**THRESHOLD, "annotations": {"horizontal": [annotation]}}
    (shade,) = elements(draw_graph([line("web", 0.0, 100.0)], properties, 200), "rect", "shade")
    assert (shade.get("y"), shade.get("height")) == (y, height)


def test_an_annotation_without_shade_has_none_and_a_hidden_one_is_not_drawn() -> None:
    lines = [{"value": 50.0}, {"value": 60.0, "visible": False, "fill": "above"}]
    html = draw_graph([line("web", 1.0, 2.0)], {**THRESHOLD, "annotations": {"horizontal": lines}}, 200)
    assert elements(html, "rect") == []
    assert len(elements(html, "path", "threshold")) == 1


def test_stacked_areas_stand_on_each_other() -> None:
    two = [line("a", 1.0, 1.0), line("b", 2.0, 2.0)]
    html = draw_graph(two, {"stacked": True, "yAxis": {"left": {"min": 0, "max": 4}}}, 200)
    lower, upper = (str(one.get("points")).split() for one in elements(html, "polygon"))
    assert lower[0] == upper[-1]  # where the one ends, the other begins
    assert upper[0] == "0.0,250.0"  # 3 of 4


def test_what_a_graph_shows_is_said_in_words() -> None:
    html = draw_graph([line("web", 10.0, 30.0, 20.0), line("db", 5.0)], THRESHOLD, 200)
    (svg,) = elements(html, "svg")
    assert svg.get("role") == "img"
    said = "2 lines from 23 Nov 12:00 to 23 Nov 12:10 UTC; web: 20 now, 10 to 30; db: 5, once; threshold hot"
    assert svg.get("aria-label") == f"CPU: {said}"
    assert [(one.tag, one.text) for one in svg][:2] == [("title", "CPU"), ("desc", said)]


def test_strokes_keep_their_width_however_the_drawing_is_stretched() -> None:
    html = draw_graph([line("web", 10.0, 30.0)], THRESHOLD, 200)
    assert {one.get("vector-effect") for one in elements(html, "path")} == {"non-scaling-stroke"}


def test_a_level_course_stands_in_the_middle() -> None:
    (points,) = re.findall(r'points="([^"]+)"', draw_sparkline(line("web", 100.0, 100.0)))
    assert {point.split(",")[1] for point in points.split()} == {"500.0"}


def test_a_change_of_a_hundredth_is_not_drawn_as_a_fall() -> None:
    """Of 100 machines one is gone: a tenth of the height, for the drawing spans a tenth of the value."""
    (points,) = re.findall(r'points="([^"]+)"', draw_sparkline(line("web", 100.0, 99.0)))
    first, last = (float(point.split(",")[1]) for point in points.split())
    assert last - first == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (12.34, "12.3"), (1_500.0, "1.5k"), (-2_500_000.0, "-2.5M"), (4e12, "4T"), (0.031, "0.031")],
)
def test_short_numbers(value: float, text: str) -> None:
    assert short(value) == text
