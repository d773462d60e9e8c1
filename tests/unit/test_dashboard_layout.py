"""Where widgets stand, and over how many dashboards they go."""

from __future__ import annotations

from nephoscope.pipeline.dashboard.layout import dashboards, place, split
from nephoscope.pipeline.dashboard.widgets import Widget, text

LIMITS = {"widgets": 500, "metrics": 10, "metrics_per_widget": 5}


def graph(title: str = "graph", metrics: int = 5, *, topic: str = "", under: bool = False, width: int = 8) -> Widget:
    return Widget("metric", width, 3, {"title": title}, metrics, under=under, topic=topic)


def corners(*widgets: Widget) -> list[tuple[object, object]]:
    return [(one["x"], one["y"]) for one in place(widgets)]


def test_widgets_stand_from_left_to_right_and_a_full_line_is_followed_by_the_next() -> None:
    assert corners(*(graph() for _ in range(4))) == [(0, 0), (8, 0), (16, 0), (0, 3)]
    assert corners(graph(), text("over the whole width", 1), graph()) == [(0, 0), (0, 3), (0, 4)]


def test_what_stands_under_another_stays_in_its_column_and_the_next_line_begins_below_all() -> None:
    """A table of six, and beside it two, three and four below each other."""
    table = Widget("custom", 16, 6, {})
    column = [graph(), graph(under=True), graph(under=True)]
    assert corners(table, *column, graph(width=24)) == [(0, 0), (16, 0), (16, 3), (16, 6), (0, 9)]


def test_a_title_goes_with_what_it_is_of() -> None:
    parts = split([text("# all", 2), graph("1"), graph("2"), text("## more", 1), graph("3")], LIMITS)
    assert [[one.properties.get("title", one.properties.get("markdown")) for one in part] for part in parts] == [
        ["# all", "1", "2"],
        ["## more", "3"],
    ]


def test_no_part_holds_more_metrics_than_a_dashboard_may_and_none_is_lost() -> None:
    widgets = [graph(str(number), metrics=number % 4 + 1) for number in range(50)]
    parts = split(widgets, LIMITS)
    assert [one for part in parts for one in part] == widgets
    assert all(sum(one.metrics for one in part) <= 10 for part in parts)


def test_a_part_that_begins_within_a_section_says_so() -> None:
    first, second = dashboards("acme", [text("# acme", 2), *(graph(topic="worst") for _ in range(3))], LIMITS, "-PT3H")
    shown = [one["properties"].get("markdown") for one in second.body["widgets"]]  # type: ignore[attr-defined]
    assert (first.name, second.name) == ("acme", "acme-2")
    assert shown[0].startswith("# acme, part 2 of 2\n")
    assert shown[1] == "## worst, continued"
