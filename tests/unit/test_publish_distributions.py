"""What a scope publishes of its metrics: settled periods, once, in the unit that people read."""

from __future__ import annotations

from array import array
from dataclasses import replace

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.errors import Reason
from nephoscope.model.memory import Progress
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Gap, Readings, Series, SeriesKey
from nephoscope.pipeline.publish import plan_publishing

SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
NOON = 1_795_435_200
CATALOG = load_catalog()
CONFIG = Config(
    "acme",
    Gather(60, GatherAws(("eu-west-1",))),
    PublishCloudWatch("eu-west-1", "acme", distributions=("cpu.utilization", "network.receive", "size")),
)
WHERE = (
    ("cloud_account_id", "111111111111"),
    ("cloud_provider", "aws"),
    ("cloud_region", "eu-west-1"),
    ("fleet", "acme"),
)
SETTLED = NOON - 600
"""The newest five-minute period that is settled at noon: EC2's points are final 600 s after their period's start."""


def series(machine: str, points: dict[int, float], *, metric: str = "cpu.utilization", period: int = 300) -> Series:
    return Series(
        SeriesKey(machine, metric),
        period,
        NOON - 3_600,
        SETTLED + 300,
        times=array("q", sorted(points)),
        values=array("d", [points[at] for at in sorted(points)]),
    )


def facts(*read: Series, slot: int = NOON, gaps: tuple[Gap, ...] = ()) -> Facts:
    return Facts(SCOPE, slot, readings=Readings(read, gaps))


def plan(what: Facts, progress: Progress | None = None, config: Config = CONFIG):
    return plan_publishing(what, config, CATALOG, progress or Progress(SCOPE))


def test_all_machines_of_a_period_are_one_datum_in_percent_at_the_periods_start() -> None:
    published = plan(
        facts(series("i-1", {SETTLED: 0.5}), series("i-2", {SETTLED: 0.25}), series("i-3", {SETTLED: 0.5}))
    )
    (datum,) = published.data
    assert (datum.name, datum.dimensions, datum.at, datum.unit) == ("cpu.utilization", WHERE, SETTLED, "Percent")
    assert list(datum.values) == [25.0, 50.0]
    assert list(datum.counts) == [5.0, 10.0]  # each stands for five of the metric's finest periods


def test_a_machine_measured_each_minute_weighs_as_much_as_one_measured_every_five() -> None:
    minutes = {SETTLED + 60 * n: 0.9 for n in range(5)}
    published = plan(facts(series("i-1", minutes, period=60), series("i-2", {SETTLED: 0.1})))
    weights: dict[float, float] = {}
    for datum in published.data:
        for value, count in zip(datum.values, datum.counts, strict=True):
            weights[round(value)] = weights.get(round(value), 0.0) + count
    assert weights == {90: 5.0, 10: 5.0}


def test_what_was_claimed_is_never_published_again() -> None:
    what = facts(series("i-1", {SETTLED - 300: 0.2, SETTLED: 0.5}))
    first = plan(what)
    assert [datum.at for datum in first.data] == [SETTLED - 300, SETTLED]
    assert first.claimed.published_until["cpu.utilization@300"] == SETTLED + 300
    again = plan(what, first.claimed)
    assert again.data == ()
    assert again.claimed == first.claimed


def test_three_lost_runs_are_made_up_for() -> None:
    progress = Progress(SCOPE, published_until={"cpu.utilization@300": SETTLED - 600})
    points = {SETTLED - 300 * n: 0.1 * n for n in range(5)}
    assert [datum.at for datum in plan(facts(series("i-1", points)), progress).data] == [
        SETTLED - 600,
        SETTLED - 300,
        SETTLED,
    ]


def test_a_point_that_is_not_settled_waits() -> None:
    assert plan(facts(series("i-1", {SETTLED: 0.5}), slot=NOON - 60)).data == ()
    late_reader = replace(series("i-1", {SETTLED: 0.5, SETTLED + 300: 0.7}), end=NOON)
    assert [datum.at for datum in plan(facts(late_reader)).data] == [SETTLED]


def test_a_machine_whose_point_comes_too_late_is_left_out_and_counted() -> None:
    first = plan(facts(series("i-1", {SETTLED: 0.5}), series("i-2", {})))
    second = plan(facts(series("i-1", {SETTLED: 0.5}), series("i-2", {SETTLED: 0.9})), first.claimed)
    assert (first.late, second.late) == (0, 1)
    assert second.data == ()


def test_while_machines_cannot_be_read_the_newest_periods_wait_for_the_next_run() -> None:
    gap = Gap(SCOPE, "GetMetricData", Reason.THROTTLED, affected=("cpu.utilization",), resource_ids=("i-2",))
    read = series("i-1", {SETTLED - 1_200: 0.1, SETTLED: 0.5})
    blocked = plan(facts(read, gaps=(gap,)))
    assert [datum.at for datum in blocked.data] == [SETTLED - 1_200]
    whole = plan(facts(read, series("i-2", {SETTLED: 0.9})), blocked.claimed)
    assert [(datum.at, list(datum.values)) for datum in whole.data] == [(SETTLED, [50.0, 90.0])]
    other = Gap(SCOPE, "ListMetrics", Reason.DENIED, affected=("memory.utilization",))
    assert [datum.at for datum in plan(facts(read, gaps=(other,))).data] == [SETTLED - 1_200, SETTLED]


def test_what_the_configuration_does_not_list_is_not_published() -> None:
    config = replace(CONFIG, publish=replace(CONFIG.publish, distributions=()))
    published = plan(facts(series("i-1", {SETTLED: 0.5})), config=config)
    assert published.data == ()
    assert published.claimed.published_until == {}


def test_a_metric_that_was_not_read_claims_nothing() -> None:
    assert plan(facts()).claimed == Progress(SCOPE)


@pytest.mark.parametrize(
    ("metric", "value", "unit", "shown"),
    [("network.receive", 1_048_576.0, "Bytes/Second", 1_048_576.0), ("cpu.utilization", 0.005, "Percent", 0.5)],
)
def test_units(metric: str, value: float, unit: str, shown: float) -> None:
    (datum,) = plan(facts(series("i-1", {SETTLED: value}, metric=metric))).data
    assert (datum.unit, list(datum.values)) == (unit, [shown])


def test_a_metric_with_one_period_counts_each_resource_once_so_that_the_sum_is_the_total() -> None:
    day = NOON - 3 * 86_400
    read = replace(series("logs", {day: 5e12}, metric="size", period=86_400), start=day, end=day + 86_400)
    (datum,) = plan(facts(read)).data
    assert (list(datum.values), list(datum.counts), datum.unit) == ([5e12], [1.0], "Bytes")


def test_twenty_thousand_machines_are_one_datum_of_at_most_150_values() -> None:
    read = [series(f"i-{n}", {SETTLED: (n % 997) / 1_000}) for n in range(20_000)]
    (datum,) = plan(facts(*read)).data
    assert len(datum.values) <= 150
    assert sum(datum.counts) == 100_000


def test_detail_resource_gives_no_series_of_its_own_to_a_machine_of_aws() -> None:
    config = replace(CONFIG, publish=replace(CONFIG.publish, detail="resource"))
    assert {datum.dimensions for datum in plan(facts(series("i-1", {SETTLED: 0.5})), config=config).data} == {WHERE}


def test_data_come_in_time_order() -> None:
    read = [
        series("i-1", {SETTLED - 300: 0.5, SETTLED: 0.5}),
        series("i-1", {SETTLED - 300: 9.0, SETTLED: 8.0}, metric="network.receive"),
    ]
    times = [datum.at for datum in plan(facts(*read)).data]
    assert times == sorted(times)
    assert len(times) == 4
