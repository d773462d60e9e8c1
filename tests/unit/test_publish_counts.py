"""Instances by state, and what nephoscope says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.memory import Progress
from nephoscope.model.publish import Datum
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Inventory
from nephoscope.pipeline.publish import Figures, most_frequent, plan_publishing, plan_self_metrics

SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
NOON = 1_795_435_200
CONFIG = Config("acme", Gather(60, GatherAws(("eu-west-1",))), PublishCloudWatch("eu-west-1", "acme"))


def machine(number: int, state: State | None) -> Resource:
    return Resource(SCOPE, Kind.INSTANCE, f"i-{number}", state=state)


def counts(*states: State | None, complete: bool = True, slot: int = NOON, progress: Progress | None = None):
    kinds = frozenset({Kind.INSTANCE}) if complete else frozenset[Kind]()
    resources = tuple(machine(number, state) for number, state in enumerate(states))
    what = Facts(SCOPE, slot, Inventory(resources, complete=kinds))
    return plan_publishing(what, CONFIG, load_catalog(), progress or Progress(SCOPE))


def shown(data: tuple[Datum, ...]) -> dict[str, tuple[list[float], list[float]]]:
    return {datum.name: (list(datum.values), list(datum.counts)) for datum in data}


def test_every_state_is_counted_in_its_group() -> None:
    states = [State.RUNNING, State.RUNNING, State.STOPPED, State.STARTING, State.TERMINATED, State.UNKNOWN, None]
    published = counts(*states)
    assert shown(published.data) == {
        "instances.running": ([2.0], [1.0]),
        "instances.stopped": ([1.0], [1.0]),
        "instances.changing": ([3.0], [1.0]),
        "instances.gone": ([1.0], [1.0]),
    }
    assert {datum.at for datum in published.data} == {NOON}
    assert {datum.unit for datum in published.data} == {"Count"}
    assert published.data[0].dimensions == (
        ("cloud_account_id", "111111111111"),
        ("cloud_provider", "aws"),
        ("cloud_region", "eu-west-1"),
        ("fleet", "acme"),
    )


def test_an_empty_region_has_zeros_and_a_region_that_could_not_be_listed_has_a_gap() -> None:
    assert shown(counts().data)["instances.running"] == ([0.0], [1.0])
    blind = counts(State.RUNNING, complete=False)
    assert blind.data == ()
    assert blind.claimed == Progress(SCOPE)


def test_the_slot_is_rounded_down_and_counted_once() -> None:
    first = counts(State.RUNNING, slot=NOON + 17)
    assert {datum.at for datum in first.data} == {NOON}
    assert counts(State.RUNNING, slot=NOON + 42, progress=first.claimed).data == ()
    assert counts(State.RUNNING, slot=NOON - 60, progress=first.claimed).data == ()  # a late run of an old slot
    assert {datum.at for datum in counts(State.RUNNING, slot=NOON + 60, progress=first.claimed).data} == {NOON + 60}


def test_buckets_are_no_instances() -> None:
    what = Facts(SCOPE, NOON, Inventory((Resource(SCOPE, Kind.BUCKET, "logs"),), complete=frozenset(Kind)))
    published = plan_publishing(what, CONFIG, load_catalog(), Progress(SCOPE))
    assert shown(published.data)["instances.running"] == ([0.0], [1.0])


def test_coverage_is_a_sample_for_each_resource_so_that_scopes_merge_into_the_fleets_share() -> None:
    one = plan_self_metrics(CONFIG, Cloud.AWS, NOON, Figures(fresh=3, discovered=4), Progress(SCOPE))
    assert shown(one.data)["nephoscope.coverage"] == ([100.0, 0.0], [3.0, 1.0])
    full = plan_self_metrics(CONFIG, Cloud.AWS, NOON, Figures(fresh=4, discovered=4), Progress(SCOPE))
    assert shown(full.data)["nephoscope.coverage"] == ([100.0], [4.0])
    blind = plan_self_metrics(CONFIG, Cloud.AWS, NOON, Figures(fresh=0, discovered=1), Progress(SCOPE))
    assert shown(blind.data)["nephoscope.coverage"] == ([0.0], [1.0])


def test_what_is_not_known_is_not_published_and_zero_is_known() -> None:
    published = plan_self_metrics(CONFIG, Cloud.AWS, NOON, Figures(api_calls=0, run_seconds=1.5), Progress(SCOPE))
    assert shown(published.data) == {
        "nephoscope.heartbeat": ([1.0], [1.0]),
        "nephoscope.api_calls": ([0.0], [1.0]),
        "nephoscope.run_seconds": ([1.5], [1.0]),
    }
    assert {datum.dimensions for datum in published.data} == {(("cloud_provider", "aws"), ("fleet", "acme"))}


def test_a_run_that_only_adds_a_figure_beats_no_second_heart() -> None:
    figures = Figures(run_seconds=1.5, heartbeat=False)
    assert set(shown(plan_self_metrics(CONFIG, Cloud.AWS, NOON, figures, Progress(SCOPE)).data)) == {
        "nephoscope.run_seconds"
    }


def test_self_metrics_are_claimed_too() -> None:
    first = plan_self_metrics(CONFIG, Cloud.AWS, NOON, Figures(), Progress(SCOPE))
    assert plan_self_metrics(CONFIG, Cloud.AWS, NOON, Figures(), first.claimed).data == ()


@pytest.mark.parametrize(("every", "at"), [(60, NOON + 240), (300, NOON)])
def test_a_slower_schedule_has_a_coarser_grid(every: int, at: int) -> None:
    config = replace(CONFIG, gather=replace(CONFIG.gather, every=every))
    assert plan_self_metrics(config, Cloud.AWS, NOON + 299, Figures(), Progress(SCOPE)).data[0].at == at


def test_nine_scopes_with_the_defaults_make_at_most_60_series() -> None:
    config = replace(CONFIG, publish=replace(CONFIG.publish, distributions=("cpu.utilization",)))
    everything = Figures(1, 1, 1, 1, 1.0, 1.0, 1, 1, 1.0)
    names: set[tuple[str, object]] = set()
    for number in range(9):
        scope = Scope(Cloud.AWS, "111111111111", f"region-{number}")
        what = Facts(scope, NOON, Inventory((), complete=frozenset({Kind.INSTANCE})))
        data = plan_publishing(what, config, load_catalog(), Progress(scope)).data
        data += plan_self_metrics(config, Cloud.AWS, NOON, everything, Progress(scope)).data
        names |= {(datum.name, datum.dimensions) for datum in data} | {("cpu.utilization", scope)}
    assert len(names) == 54


def test_deliveries_are_counted_by_reason_and_only_where_there_were_some() -> None:
    figures = Figures(sent=3, dead=1, refused={"timeout": 4, "throttled": 1}, heartbeat=False)
    data = plan_self_metrics(CONFIG, Cloud.AWS, NOON, figures, Progress(SCOPE)).data
    assert [(datum.name, dict(datum.dimensions).get("reason"), list(datum.values)) for datum in data] == [
        ("nephoscope.sent", None, [3.0]),
        ("nephoscope.dead", None, [1.0]),
        ("nephoscope.refused", "timeout", [4.0]),
        ("nephoscope.refused", "throttled", [1.0]),
    ]
    assert plan_self_metrics(CONFIG, Cloud.AWS, NOON, Figures(heartbeat=False), Progress(SCOPE)).data == ()


def test_many_reasons_make_few_series_and_lose_no_number() -> None:
    refused = {"denied": 5, "timeout": 9, "malformed": 1, "gone": 2, "redirected": 1}
    assert most_frequent(refused) == {"timeout": 9, "denied": 5, "other": 4}
