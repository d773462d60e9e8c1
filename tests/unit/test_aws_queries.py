"""The calls in which GetMetricData is asked: the fewest, and every series in exactly one."""

from __future__ import annotations

import math
from array import array

from hypothesis import given
from hypothesis import strategies as st

from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.aws.answers import merge_series
from nephoscope.clouds.aws.discovery import Listing, plan_queries
from nephoscope.clouds.aws.queries import Query, fixed_dimensions, plan_batches
from nephoscope.model.scope import Cloud
from nephoscope.model.series import Series, SeriesKey, SeriesRequest

NOON = 1_795_435_200
METRICS = load_catalog().metrics
SOURCES = {name: metric.sources[Cloud.AWS] for name, metric in METRICS.items() if Cloud.AWS in metric.sources}


def query(number: int, periods: int = 5, period: int = 300, end: int = NOON, metric: str = "cpu.utilization") -> Query:
    request = SeriesRequest(f"i-{number:05d}", metric, SOURCES[metric], period, end - periods * period, end)
    return Query(request, fixed_dimensions(request))


def test_so_many_series_take_so_many_calls() -> None:
    for count, calls in [(0, 0), (1, 1), (500, 1), (501, 2), (1200, 3), (60_000, 120)]:
        assert len(plan_batches([query(number) for number in range(count)], 500, 100_800)) == calls


def test_windows_of_one_period_share_calls_though_they_begin_apart() -> None:
    queries = [query(number, periods=5 + number % 40) for number in range(500)]
    (batch,) = plan_batches(queries, 500, 100_800)
    assert (batch.start, batch.end) == (NOON - 44 * 300, NOON)


def test_periods_and_ends_do_not_share_calls() -> None:
    queries = [query(1), query(2, period=60), query(3, end=NOON - 300)]
    assert {(batch.period, batch.end) for batch in plan_batches(queries, 500, 100_800)} == {
        (300, NOON),
        (60, NOON),
        (300, NOON - 300),
    }


def test_series_that_are_far_behind_go_first_and_apart() -> None:
    queries = [query(number) for number in range(500)] + [query(900, periods=200)]
    batches = plan_batches(queries, 500, 100_800)
    assert [len(batch.queries) for batch in batches] == [1, 500]
    assert batches[0].queries[0].request.resource_id == "i-00900"


def test_a_call_brings_no_more_points_than_one_page_holds() -> None:
    batches = plan_batches([query(number, periods=360, period=60) for number in range(500)], 500, 100_800)
    assert [len(batch.queries) for batch in batches] == [280, 220]  # 280 x 360 = 100,800


@given(
    st.lists(st.tuples(st.integers(1, 400), st.sampled_from([60, 300]), st.integers(0, 2)), max_size=80),
    st.integers(1, 20),
    st.integers(1, 5000),
)
def test_nothing_is_lost_or_doubled_and_every_window_is_covered(
    shapes: list[tuple[int, int, int]], most: int, points: int
) -> None:
    queries = [query(i, n, period, NOON - back * 300) for i, (n, period, back) in enumerate(shapes)]
    batches = plan_batches(queries, most, points)
    assert sorted(each.request.resource_id for batch in batches for each in batch.queries) == [
        each.request.resource_id for each in queries
    ]
    for batch in batches:
        assert 1 <= len(batch.queries) <= most
        assert all((each.request.period, each.request.end) == (batch.period, batch.end) for each in batch.queries)
        assert batch.start == min(each.request.start for each in batch.queries)
        periods = (batch.end - batch.start) // batch.period
        assert len(batch.queries) == 1 or len(batch.queries) * periods <= points


@given(st.integers(2, 500))
def test_halves_are_the_whole(count: int) -> None:
    (batch,) = plan_batches([query(number) for number in range(count)], 500, 1_000_000)
    first, second = batch.halves()
    assert first.queries + second.queries == batch.queries
    assert abs(len(first.queries) - len(second.queries)) <= 1
    assert max(len(first.queries), len(second.queries)) == math.ceil(count / 2)


def test_a_listing_of_another_machine_answers_nobody() -> None:
    request = query(1, period=60, metric="memory.utilization").request
    listing = Listing({"i-00002": [(("InstanceId", "i-00002"),)]})
    assert plan_queries(request, listing) == []


def test_listings_that_differ_only_in_what_nobody_names_are_one_series() -> None:
    request = query(1, period=60, metric="memory.utilization").request
    old = (("ImageId", "ami-1"), ("InstanceId", "i-00001"), ("InstanceType", "t3.small"))
    new = (("ImageId", "ami-1"), ("InstanceId", "i-00001"), ("InstanceType", "t3.large"))
    alone = (("InstanceId", "i-00001"),)
    (planned,) = plan_queries(request, Listing({"i-00001": [alone, old, new]}))
    assert (planned.dimensions, planned.others) == (new, (old, alone))  # most dimensions first, then by name


def test_two_listings_of_one_series_make_one_course() -> None:
    def course(complete: bool, **points: float) -> Series:
        times = array("q", [int(name[1:]) for name in points])
        return Series(SeriesKey("i", "m"), 60, 0, 600, complete, times, array("d", points.values()))

    both = merge_series(course(True, t60=1.0, t180=3.0), course(False, t0=0.0, t120=2.0))
    assert (list(both.times), list(both.values), both.complete) == ([0, 60, 120, 180], [0.0, 1.0, 2.0, 3.0], False)
