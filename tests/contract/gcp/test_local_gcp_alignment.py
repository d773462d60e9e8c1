"""Monitoring's arithmetic and Compute's field masks against figures worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from nephoscope.localcloud.gcp.alignment import ALIGNERS, Course, align, reduce
from nephoscope.localcloud.gcp.call import GoogleError
from nephoscope.localcloud.gcp.fields import select
from nephoscope.localcloud.gcp.metric_rows import Kind
from nephoscope.localcloud.gcp.series import Sample


def _gauge(values: dict[int, float], whole: bool = False, **metric: str) -> Course:
    samples = [Sample(at, at, value) for at, value in values.items()]
    return Course(metric, {"project_id": "p", "instance_id": "1"}, Kind.GAUGE, whole, samples)


LEVELS = {60: 2.0, 120: 8.0, 180: 5.0, 300: 1.0}
BY_HAND = [
    ("ALIGN_MEAN", {120: 5.0, 240: 5.0, 360: 1.0}),
    ("ALIGN_MIN", {120: 2.0, 240: 5.0, 360: 1.0}),
    ("ALIGN_MAX", {120: 8.0, 240: 5.0, 360: 1.0}),
    ("ALIGN_SUM", {120: 10.0, 240: 5.0, 360: 1.0}),
    ("ALIGN_COUNT", {120: 2, 240: 1, 360: 1}),
    ("ALIGN_NEXT_OLDER", {120: 8.0, 240: 5.0, 360: 1.0}),
]


@pytest.mark.parametrize(("name", "expected"), BY_HAND)
def test_levels_are_cut_into_periods_that_end_at_the_intervals_end(name: str, expected: dict[int, float]) -> None:
    made = align(_gauge(LEVELS), ALIGNERS[name], 120, 0, 360, rate=False)
    assert {row.end: row.value for row in made.samples} == expected
    assert all(row.start == row.end for row in made.samples)


def test_a_period_without_data_has_no_point() -> None:
    made = align(_gauge(LEVELS), ALIGNERS["ALIGN_MEAN"], 60, 0, 360, rate=False)
    assert [row.end for row in made.samples] == [60, 120, 180, 300]


# 60 in the first minute, 120 in the second, nothing in the third, 30 in the fourth.
DELTAS = [Sample(0, 60, 60), Sample(60, 120, 120), Sample(180, 240, 30)]


@pytest.mark.parametrize(
    ("period", "until", "changes", "rates"),
    [
        (60, 240, {60: 60, 120: 120, 240: 30}, {60: 1.0, 120: 2.0, 240: 0.5}),
        (120, 240, {120: 180, 240: 30}, {120: 1.5, 240: 0.25}),
        (60, 150, {30: 30, 90: 90, 150: 60}, {30: 0.5, 90: 1.5, 150: 1.0}),  # periods that cut minutes in two
    ],
)
def test_a_counters_change(period: int, until: int, changes: dict[int, float], rates: dict[int, float]) -> None:
    course = Course({}, {"project_id": "p"}, Kind.DELTA, True, DELTAS)
    changed = align(course, ALIGNERS["ALIGN_DELTA"], period, 0, until, rate=False)
    assert {row.end: row.value for row in changed.samples} == changes
    assert all(row.end - row.start == period for row in changed.samples)
    rated = align(course, ALIGNERS["ALIGN_RATE"], period, 0, until, rate=True)
    assert {row.end: row.value for row in rated.samples} == pytest.approx(rates)
    assert (changed.whole, rated.whole) == (True, False)


def test_a_cumulative_that_was_reset_starts_from_nothing() -> None:
    samples = [Sample(0, 60, 100), Sample(0, 120, 160), Sample(150, 180, 15), Sample(150, 240, 75)]
    course = Course({}, {"project_id": "p"}, Kind.CUMULATIVE, True, samples)
    made = align(course, ALIGNERS["ALIGN_DELTA"], 60, 60, 240, rate=False)
    assert {row.end: row.value for row in made.samples} == {120: 60, 180: 15, 240: 60}


@pytest.mark.parametrize(
    ("reducer", "expected"),
    [
        ("REDUCE_SUM", {60: 6.0, 120: 7.0}),
        ("REDUCE_MEAN", {60: 3.0, 120: 7.0}),
        ("REDUCE_MIN", {60: 2.0, 120: 7.0}),
        ("REDUCE_MAX", {60: 4.0, 120: 7.0}),
        ("REDUCE_COUNT", {60: 2, 120: 1}),
    ],
)
def test_series_are_made_one_by_the_fields_that_stay(reducer: str, expected: dict[int, float]) -> None:
    courses = [_gauge({60: 2.0}, device="a"), _gauge({60: 4.0, 120: 7.0}, device="b")]
    (made,) = reduce(courses, reducer, ["resource.label.instance_id"])
    assert {row.end: row.value for row in made.samples} == expected
    assert (made.metric, made.resource) == ({}, {"project_id": "p", "instance_id": "1"})
    assert [course.metric for course in reduce(courses, reducer, ["metric.device"])] == [
        {"device": "a"},
        {"device": "b"},
    ]


ANSWER = {"a": 1, "b": {"x": {"c": 1, "d": 2}, "y": {"c": 3}}, "e": [{"f": 1, "g": 2}, {"g": 3}]}
KNOWN: dict[str, Any] = {"a": None, "b": {"*": {"c": None, "d": None}}, "e": {"f": None, "g": None}}


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ("", ANSWER),
        ("*", ANSWER),
        ("a", {"a": 1}),
        ("a,e/f", {"a": 1, "e": [{"f": 1}, {}]}),
        ("b/*/c", {"b": {"x": {"c": 1}, "y": {"c": 3}}}),
        ("b/*(c,d), a", {"a": 1, "b": {"x": {"c": 1, "d": 2}, "y": {"c": 3}}}),
        ("b(x/d)", {"b": {"x": {"d": 2}}}),
        ("e(f,g)", {"e": [{"f": 1, "g": 2}, {"g": 3}]}),
    ],
)
def test_a_mask_keeps_what_it_names(mask: str, expected: Any) -> None:
    assert select(ANSWER, mask, KNOWN) == expected


@pytest.mark.parametrize("mask", ["z", "a,", "b/*/z", "e(f", "e)f", "a/", ",", "e(f))"])
def test_a_mask_that_cannot_be(mask: str) -> None:
    with pytest.raises(GoogleError, match="Invalid field selection"):
        select(ANSWER, mask, KNOWN)
