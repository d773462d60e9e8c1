"""The page on numbers holds each that is published, in its unit and dimensions, and no other."""

from __future__ import annotations

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.memory import Progress
from nephoscope.model.publish import Datum
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Inventory
from nephoscope.model.time import HOUR
from nephoscope.pipeline.cost.bill import HOURS_A_MONTH
from nephoscope.pipeline.cost.forecast import COUNTS, OWN_SERIES
from nephoscope.pipeline.distributions import WAIT_FOR_GAPS
from nephoscope.pipeline.histogram import MAX_VALUES, SPREAD
from nephoscope.pipeline.need import CATCH_UP, OVERLAP_PERIODS
from nephoscope.pipeline.publish import Figures, plan_publishing, plan_self_metrics
from tests.numbers_page import PAGE, SCOPE, read_rows

HERE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
NOON = 1_795_435_200
CONFIG = Config("acme", Gather(60, GatherAws(("eu-west-1",))), PublishCloudWatch("eu-west-1", "acme"))
EVERYTHING = Figures(
    fresh=1,
    discovered=2,
    api_calls=1,
    billable_units=1,
    run_seconds=1.0,
    scopes_failed=0,
    lag=1.0,
    alerts_firing=0,
    owed=1,
    oldest_owed=1.0,
    history_owed=0.0,
    sent=1,
    dead=1,
    refused={"timeout": 1},
)
SOMETIMES = {"nephoscope.sent", "nephoscope.dead", "nephoscope.refused", "nephoscope.history_owed"}
TEXT = PAGE.read_text(encoding="utf-8")


def published() -> tuple[Datum, ...]:
    """One of everything that has a fixed name."""
    machine = Resource(HERE, Kind.INSTANCE, "i-1", state=State.RUNNING)
    facts = Facts(HERE, NOON, Inventory((machine,), complete=frozenset({Kind.INSTANCE})))
    counts = plan_publishing(facts, CONFIG, load_catalog(), Progress(HERE)).data
    return (*counts, *plan_self_metrics(CONFIG, Cloud.AWS, NOON, EVERYTHING, Progress(HERE)).data)


def test_every_published_name_has_a_row_and_no_row_is_stale() -> None:
    assert {datum.name for datum in published()} == set(read_rows())


def test_units_and_dimensions_are_those_of_the_rows() -> None:
    rows = read_rows()
    assert {datum.name: datum.unit for datum in published()} == {name: row.unit for name, row in rows.items()}
    for datum in published():
        named = tuple(name for name, _ in datum.dimensions if name != "reason")
        assert named == rows[datum.name].dimensions
        assert ("reason" in dict(datum.dimensions)) == (datum.name == "nephoscope.refused")


def test_what_a_scope_publishes_has_the_scopes_dimensions() -> None:
    assert {row.dimensions for name, row in read_rows().items() if name.startswith("instances.")} == {SCOPE}


def test_every_row_says_which_statistic_and_when_it_is_absent() -> None:
    assert {row.statistic for row in read_rows().values()} == {"Maximum", "Sum", "Average"}
    assert all(row.about.endswith(".") and row.absent.endswith(".") for row in read_rows().values())


def test_the_forecast_counts_as_many_series_as_there_are_rows() -> None:
    names = set(read_rows())
    assert len([name for name in names if name.startswith("instances.")]) == COUNTS == 4
    assert len([name for name in names - SOMETIMES if name.startswith("nephoscope.")]) == OWN_SERIES == 10
    assert "four counts" in TEXT
    assert "ten of nephoscope's own" in TEXT


def test_the_examples_of_conversion_are_the_rows() -> None:
    metrics = load_catalog().metrics
    cpu = metrics["cpu.utilization"].sources
    assert {cloud: cpu[cloud].scale for cloud in Cloud} == {Cloud.AWS: 0.01, Cloud.GCP: 1, Cloud.AZURE: 0.01}
    received = metrics["network.receive"].sources[Cloud.AWS]
    assert received.per_second
    assert 6_000_000 * received.scale / received.period == 20_000
    free = metrics["memory.utilization"].sources[Cloud.AZURE]
    assert 25 * free.scale + free.offset == 0.75


def test_the_bounds_on_the_page_are_those_of_the_code() -> None:
    assert (MAX_VALUES, SPREAD, WAIT_FOR_GAPS, OVERLAP_PERIODS, CATCH_UP) == (150, 0.06, 3, 3, 6 * HOUR)
    assert HOURS_A_MONTH == 730
    for said in ("Up to 150 distinct", "within 6 %", "up to three periods", "three periods more", "six hours", "730"):
        assert said in " ".join(TEXT.split())
