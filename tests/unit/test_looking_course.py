"""A machine's courses: gaps stay gaps, thresholds stand in the graph's unit, what is missing is said."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace
from typing import Any

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.errors import Reason
from nephoscope.model.metric import Unit
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Comparison, Rule, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap, Series, SeriesKey
from nephoscope.pipeline.looking.course import Course, Limit, lay_courses, plan_course, scale_of
from nephoscope.views.web.figure import figure_of

METRICS = load_catalog().metrics
IRELAND = Scope(Cloud.AWS, "111111111111", "eu-west-1")
MACHINE = Resource(IRELAND, Kind.INSTANCE, "i-1", "web", fine=True)
SLOT = 1_795_435_200  # 2026-11-23T12:00:00Z
HOUR, DAY = 3600, 86_400
CPU = Threshold("cpu.utilization", Comparison.GREATER, 0.9)
HOT = Rule("hot", Kind.INSTANCE, CPU, Window(180, 300), clear=Threshold("cpu.utilization", Comparison.LESS, 0.8))


def laid(points: dict[int, float], rule: Rule = HOT, gaps: tuple[Gap, ...] = (), **more: Any) -> Course:
    """points: minute of the window -> value."""
    (request,) = plan_course(MACHINE, [rule], [], METRICS, HOUR, SLOT)
    times = [request.start + 60 * minute for minute in points]
    key = SeriesKey("i-1", rule.when.metric)
    series = Series(key, 60, request.start, request.end, True, array("q", times), array("d", points.values()))
    (course,) = lay_courses(MACHINE, [rule], METRICS, [request], [replace(series, **more)], gaps)
    return course


def test_a_metric_is_read_up_to_its_newest_settled_period() -> None:
    """CloudWatch's CPU of detailed monitoring: a point a minute."""
    (request,) = plan_course(MACHINE, [HOT], [], METRICS, HOUR, SLOT)
    source = METRICS["cpu.utilization"].sources[Cloud.AWS]
    assert request.period == 60
    assert request.end == SLOT - (source.delay_of(60) + 59) // 60 * 60
    assert request.end - request.start == HOUR


def test_what_has_a_point_a_day_is_shown_for_two_weeks() -> None:
    bucket = Resource(IRELAND, Kind.BUCKET, "logs")
    (request,) = plan_course(bucket, [], ["size", "no-such-metric"], METRICS, HOUR, SLOT)
    assert (request.period, request.end - request.start) == (DAY, 14 * DAY)


def test_a_metric_that_the_cloud_does_not_have_is_not_asked_for() -> None:
    nowhere = replace(METRICS["cpu.utilization"], sources={})
    assert plan_course(MACHINE, [HOT], [], {"cpu.utilization": nowhere}, HOUR, SLOT) == ()


def test_periods_without_a_point_are_gaps() -> None:
    course = laid({0: 0.4, 1: 0.5, 3: 0.6})
    (line,) = course.lines
    assert len(line.times) == 60
    assert line.values[:5] == (40.0, 50.0, None, 60.0, None)
    assert course.notes == ("57 of 60 periods have no point; the line is broken there.",)
    assert course.newest == "60 %"


def test_thresholds_are_in_the_graphs_unit_and_say_their_rule() -> None:
    assert laid({0: 0.4}).limits == (
        Limit(90.0, "hot fires: cpu.utilization > 90 % for 3 of 5 min", "warning"),
        Limit(80.0, "hot ends: cpu.utilization < 80 %", "warning", clears=True),
    )


def test_a_change_over_some_time_is_no_line() -> None:
    rising = replace(HOT, when=replace(CPU, over=600), clear=None)
    assert laid({0: 0.4}, rising).limits == ()


def test_bytes_are_drawn_in_what_the_largest_is_written_in() -> None:
    assert scale_of(Unit.BYTES, 5 * 2**40) == ("TiB", 1 / 2**40)
    assert scale_of(Unit.BYTES_PER_SECOND, 3 * 2**20) == ("MiB/s", 1 / 2**20)
    assert scale_of(Unit.BYTES, 100) == ("B", 1.0)
    assert scale_of(Unit.FRACTION, 0.5) == ("%", 100.0)


def test_all_missing_is_said_and_so_is_what_is_unknown() -> None:
    assert laid({}).notes == ("no point in this window.",)
    unknown = laid({}, complete=False).notes
    assert unknown[1] == "the provider did not answer everything: what is missing is unknown, not absent."


def test_a_read_that_failed_says_why() -> None:
    gap = Gap(IRELAND, "cloudwatch:GetMetricData", Reason.DENIED, "not allowed", ("cpu.utilization",))
    assert laid({}, gaps=(gap,)).notes[0] == (
        "Not all could be read: aws 111111111111 eu-west-1: cloudwatch:GetMetricData: denied [cpu.utilization] "
        "(not allowed)."
    )
    others = replace(gap, resource_ids=("i-2",))
    assert laid({0: 0.1}, gaps=(others,)).notes == laid({0: 0.1}).notes


def test_what_is_no_number_is_no_point() -> None:
    (line,) = laid({0: math.nan, 1: math.inf, 2: 0.25}).lines
    assert line.values[:3] == (None, None, 25.0)


@pytest.mark.parametrize(
    ("points", "dots"),
    [({10: 0.5}, [10]), ({0: 0.5, 1: 0.5}, []), ({0: 0.5, 2: 0.5, 3: 0.5}, [0]), ({59: 0.5, 57: 0.1}, [57, 59])],
)
def test_a_point_without_a_neighbour_is_a_dot(points: dict[int, float], dots: list[int]) -> None:
    sizes = figure_of(laid(dict(sorted(points.items()))))["data"][0]["marker"]["size"]
    assert [place for place, size in enumerate(sizes) if size] == dots


def test_the_figure_is_in_utc_breaks_at_gaps_and_begins_at_zero() -> None:
    figure = figure_of(laid({0: 0.4, 1: 0.5}))
    trace, layout = figure["data"][0], figure["layout"]
    assert trace["connectgaps"] is False
    assert trace["x"][0].startswith("2026-11-23 10:")
    assert layout["xaxis"]["title"]["text"] == "UTC"
    assert layout["yaxis"]["range"][0] == 0
    assert layout["yaxis"]["range"][1] > 90
    assert [shape["y0"] for shape in layout["shapes"]] == [90.0, 80.0]
    assert figure_of(laid({}))["data"] == []
