"""What is kept of a run, how far it has come, and what a run reads for the sake of what is owed."""

from __future__ import annotations

from array import array
from dataclasses import replace

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch, PublishElasticsearch
from nephoscope.model.history import Kept, Taken
from nephoscope.model.memory import Progress, Snapshot
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Rule, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Inventory, Readings, Series, SeriesKey
from nephoscope.pipeline.board import board_of
from nephoscope.pipeline.cost import count_series
from nephoscope.pipeline.documents import Telling
from nephoscope.pipeline.keeping import Keeping, documents_of, find_changes, kept_after, owed_seconds
from nephoscope.pipeline.need import plan_reads

NOON = 1_795_435_200
DAY = 86_400
SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
CATALOG = load_catalog()
HOT = Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9))
CPU = "cpu.utilization@60"
TELLING = Telling("acme", ("env",), CATALOG)


def machine(name: str = "i-1", state: State = State.RUNNING, **more: object) -> Resource:
    return replace(Resource(SCOPE, Kind.INSTANCE, name, state=state, fine=True), **more)  # type: ignore[arg-type]


def facts_of(*machines: Resource, slot: int = NOON, whole: bool = True) -> Facts:
    complete = frozenset({Kind.INSTANCE}) if whole else frozenset()
    return Facts(SCOPE, slot, Inventory(machines, complete=complete))


# --- states -------------------------------------------------------------------------------------------------------


def seen(facts: Facts, *before: Resource, at: int = NOON - 300) -> list[tuple[str, str, str, str]]:
    found = find_changes(facts, Snapshot(SCOPE, at, before))
    return [(each.resource.id, each.action, each.before, str(each.resource.state)) for each in found]


def test_a_first_run_notes_everything() -> None:
    changes = find_changes(facts_of(machine("i-1"), machine("i-2", State.STOPPED)), None)
    assert [(each.resource.id, each.action) for each in changes] == [("i-1", "first_seen"), ("i-2", "first_seen")]


def test_only_what_is_new_is_noted_after() -> None:
    before = [machine("i-1"), machine("i-2"), machine("i-3")]
    now = facts_of(machine("i-1"), machine("i-2", State.STOPPED), machine("i-4"))
    assert seen(now, *before) == [
        ("i-2", "state_changed", "running", "stopped"),
        ("i-4", "first_seen", "", "running"),
        ("i-3", "gone", "running", "terminated"),
    ]


def test_a_machine_that_was_stopped_and_started_between_two_runs_was_restarted() -> None:
    now = facts_of(machine("i-1", launched_at=NOON - 60))
    assert seen(now, machine("i-1", launched_at=NOON - DAY)) == [("i-1", "restarted", "running", "running")]


def test_a_listing_with_holes_makes_nobody_gone() -> None:
    assert seen(facts_of(machine("i-1"), whole=False), machine("i-1"), machine("i-2")) == []


def test_one_that_was_terminated_already_goes_without_a_word() -> None:
    assert seen(facts_of(), machine("i-1", State.TERMINATED)) == []


def test_the_first_run_of_a_day_notes_every_machine() -> None:
    midnight = NOON + DAY // 2
    assert seen(facts_of(machine(), slot=midnight), machine(), at=midnight - 60) == [
        ("i-1", "seen", "running", "running")
    ]
    assert seen(facts_of(machine(), slot=midnight + 60), machine(), at=midnight) == []


# --- points -------------------------------------------------------------------------------------------------------


def readings(since: int, until: int, name: str = "i-1") -> Readings:
    times = array("q", range(since, until, 60))
    values = array("d", [0.25] * len(times))
    return Readings((Series(SeriesKey(name, "cpu.utilization"), 60, since, until, True, times, values),))


def a_keeping(kept: Kept, before: Progress | None, **more: object) -> Keeping:
    facts = replace(facts_of(machine(), slot=NOON), readings=readings(NOON - 3600, NOON - 180))
    requests = plan_reads((machine(),), (HOT,), CATALOG.metrics, before or Progress(SCOPE), NOON)
    return replace(Keeping(SCOPE, NOON, kept, facts, requests, before), **more)  # type: ignore[arg-type]


def times(keeping: Keeping) -> list[int]:
    return [document.at for document in documents_of(keeping, TELLING)]


def test_nothing_was_kept_yet_and_all_that_was_read_is() -> None:
    assert times(a_keeping(Kept(SCOPE), None)) == list(range(NOON - 3600, NOON - 180, 60))


def test_after_that_what_is_new_and_three_periods_before_it_for_late_points() -> None:
    before = Progress(SCOPE, watermarks={CPU: NOON - 240})
    kept = Kept(SCOPE, ver=1, marks={CPU: NOON - 240})
    assert times(a_keeping(kept, before)) == [NOON - 420, NOON - 360, NOON - 300, NOON - 240]


def test_a_series_that_could_not_be_read_with_the_others_sends_all_that_it_has_now() -> None:
    before = Progress(SCOPE, watermarks={CPU: NOON - 240}, behind={"cpu.utilization|i-1": NOON - 1200})
    kept = Kept(SCOPE, ver=1, marks={CPU: NOON - 240})
    assert len(times(a_keeping(kept, before))) == 57


def test_what_is_no_number_is_no_document() -> None:
    keeping = a_keeping(Kept(SCOPE), None)
    assert keeping.facts is not None
    (series,) = keeping.facts.readings.series
    series.values[0], series.values[1] = float("nan"), float("inf")
    assert len(times(keeping)) == 55


# --- marks --------------------------------------------------------------------------------------------------------


def test_marks_move_to_what_was_read_when_it_was_taken() -> None:
    after = kept_after(a_keeping(Kept(SCOPE), None), Taken(taken=57))
    assert (after.ver, after.slot, after.marks, after.problem) == (1, NOON, {CPU: NOON - 120}, "")


def test_marks_stay_where_anything_is_owed_and_the_next_run_reads_back_to_them() -> None:
    before = Progress(SCOPE, slot=NOON - 60, watermarks={CPU: NOON - 240})
    kept = Kept(SCOPE, ver=5, slot=NOON - 60, marks={CPU: NOON - 240})
    after = kept_after(a_keeping(kept, before), Taken(owed={f"{SCOPE.key} {CPU}": 1}, problem="away"))
    assert (after.marks, after.failures, after.problem) == ({CPU: NOON - 240}, 1, "away")
    later = Progress(SCOPE, slot=NOON + 1740, watermarks={CPU: NOON + 1560})
    (request,) = plan_reads((machine(),), (HOT,), CATALOG.metrics, later, NOON + 1800, kept=after)
    assert request.start == NOON - 240 - 180  # three periods before the mark
    assert owed_seconds(after, later) == 1800


def test_another_scopes_debt_is_not_ours() -> None:
    other = Scope(Cloud.AWS, "111111111111", "eu-west-12")
    after = kept_after(a_keeping(Kept(SCOPE), None), Taken(owed={f"{other.key} {CPU}": 1}, problem="away"))
    assert (after.marks, after.problem, after.failures) == ({CPU: NOON - 120}, "", 0)


def test_what_was_owed_for_more_than_six_hours_is_lost_and_noted() -> None:
    kept = Kept(SCOPE, ver=5, marks={CPU: NOON - 8 * 3600})
    before = Progress(SCOPE, watermarks={CPU: NOON - 240})
    requests = plan_reads((machine(),), (HOT,), CATALOG.metrics, before, NOON, kept=kept)
    assert requests[0].start == NOON - 6 * 3600
    after = kept_after(a_keeping(kept, before, requests=requests), Taken(taken=1))
    assert (after.lost_until, after.marks) == (NOON - 6 * 3600, {CPU: NOON - 120})


def test_a_series_that_comes_seldom_is_read_again_at_once_after_a_run_that_was_killed_and_not_for_ever() -> None:
    """A machine without detailed monitoring has a point in five minutes: nothing new can be judged at each run."""
    coarse = machine(fine=False)
    end = NOON - 600
    before = Progress(SCOPE, slot=NOON, watermarks={"cpu.utilization@300": end + 300})
    slot = NOON + 60

    def read(kept: Kept | None) -> int:
        return len(plan_reads((coarse,), (HOT,), CATALOG.metrics, before, slot, kept=kept))

    assert read(None) == 0
    assert read(Kept(SCOPE, 1, marks={"cpu.utilization@300": end + 300})) == 0
    assert read(Kept(SCOPE, 1, marks={"cpu.utilization@300": end})) == 1
    assert read(Kept(SCOPE)) == 1
    assert read(Kept(SCOPE, 3, marks={"cpu.utilization@300": end}, failures=3)) == 0


# --- what it costs and shows --------------------------------------------------------------------------------------

KEEPS = PublishElasticsearch("https://search.acme.example", metrics=("network.receive",))


@pytest.mark.parametrize("metric", ["network.receive", "cpu.utilization"])
def test_metrics_that_no_rule_reads_are_read_for_history(metric: str) -> None:
    requests = plan_reads((machine(),), (), CATALOG.metrics, Progress(SCOPE), NOON, also=(metric, "size"))
    assert {request.metric for request in requests} == {metric}


def test_history_has_a_figure_on_the_board_and_a_series_in_the_bill_where_it_is_kept() -> None:
    config = Config("acme", Gather(60, GatherAws(("eu-west-1",))), PublishCloudWatch("eu-west-1", "acme"))
    keeps = replace(config, history=KEEPS)
    titles = {panel.title for section in board_of(keeps, CATALOG).sections for panel in section.panels}
    assert "History not kept yet" in titles
    assert "History not kept yet" not in {p.title for s in board_of(config, CATALOG).sections for p in s.panels}
    assert count_series(keeps, {SCOPE: []}, CATALOG) == count_series(config, {SCOPE: []}, CATALOG) + 1
