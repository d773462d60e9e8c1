"""Is all well? The sentence, what else needs a look, and what coverage and the fleet's sums say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nephoscope.model.alert import AlertRecord, AlertState, HistoryEntry, TransitionKind, Why
from nephoscope.model.memory import Progress, Snapshot
from nephoscope.model.quiet import Acknowledgement, Matcher, Silence
from nephoscope.model.resource import Kind, Resource, State, StateGroup
from nephoscope.model.rule import Aggregate, Comparison, Observation, Rule, Severity, Threshold
from nephoscope.model.scope import Cloud, Scope, fleet_scope
from nephoscope.pipeline.looking.alerts import happened, open_alerts
from nephoscope.pipeline.looking.answer import Answer, Level, answer
from nephoscope.pipeline.looking.coverage import cover, skipped
from nephoscope.pipeline.looking.fleet import fleet_rows, total
from nephoscope.pipeline.looking.look import Look, Place

NOW = 1_795_435_200  # 2026-11-23T12:00:00Z
IRELAND = Scope(Cloud.AWS, "111111111111", "eu-west-1")
VIRGINIA = Scope(Cloud.AWS, "111111111111", "us-east-1")
HOT = Rule("hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9), severity=Severity.CRITICAL)
WARM = replace(HOT, name="warm", severity=Severity.WARNING)


def machines(count: int, scope: Scope = IRELAND, state: State = State.RUNNING) -> tuple[Resource, ...]:
    return tuple(Resource(scope, Kind.INSTANCE, f"i-{n}", f"web-{n}", state=state) for n in range(count))


def place(scope: Scope = IRELAND, run: int = 30, seen: int = 120, **more: Any) -> Place:
    """run, seen: seconds since its last run, and since its machines were listed. The scope stands among what is listed,
    as a run leaves it."""
    listed = (*more.pop("machines", machines(10, scope)), Resource(scope, Kind.SCOPE, scope.key))
    snapshot = Snapshot(scope, NOW - seen, listed, coverage=more.pop("coverage", (11, 11)), gaps=more.pop("gaps", ()))
    by_id = {one.id: one for one in listed}
    return Place(scope, Progress(scope, heartbeat=NOW - run, **more.pop("progress", {})), snapshot, by_id, **more)


def firing(rule: str = "hot", resource: str = "i-1", since: int = 600, **more: Any) -> AlertRecord:
    at = NOW - since
    known = {"state": AlertState.FIRING, "since": at, "fired_at": at, "episode": 1, "value": 0.97} | more
    return AlertRecord(f"{rule}-{resource}", rule, resource, ver=1, **known)


def a_look(*places: Place, **more: Any) -> Look:
    return Look(NOW, "acme", places=places, rules={"hot": HOT, "warm": WARM}, **more)


def answered(look: Look) -> Answer:
    return answer(look, cover(look))


def test_all_is_well() -> None:
    assert answered(a_look(place(), place(VIRGINIA))) == Answer(
        Level.WELL, "All is well: 20 of 20 machines seen, nothing fires."
    )


def test_one_machine_is_no_plural() -> None:
    look = a_look(place(machines=machines(1)))
    assert answered(look).sentence == "All is well: 1 of 1 machine seen, nothing fires."


def test_buckets_are_counted_as_such() -> None:
    bucket = Resource(IRELAND, Kind.BUCKET, "logs", "logs")
    look = a_look(place(machines=(*machines(2), bucket), coverage=(4, 4)))
    assert answered(look).sentence == "All is well: 3 of 3 machines and buckets seen, nothing fires."


def test_nothing_remembered_is_not_well() -> None:
    assert answered(a_look()) == Answer(Level.UNKNOWN, "Nobody can say yet: no run has been remembered.")


@pytest.mark.parametrize(
    ("alerts", "level", "sentence"),
    [
        ((firing(),), Level.WRONG, "1 alert fires: 1 critical; 10 of 10 machines seen."),
        ((firing("warm"),), Level.ATTENTION, "1 alert fires: 1 warning; 10 of 10 machines seen."),
        (
            (firing(), firing("warm"), firing("warm", "i-2")),
            Level.WRONG,
            "3 alerts fire: 1 critical, 2 warning; 10 of 10 machines seen.",
        ),
        ((firing(state=AlertState.LOST),), Level.WRONG, "1 alert fires: 1 critical; 10 of 10 machines seen."),
        ((firing(state=AlertState.OK),), Level.WELL, "All is well: 10 of 10 machines seen, nothing fires."),
    ],
)
def test_what_fires_comes_first(alerts: tuple[AlertRecord, ...], level: Level, sentence: str) -> None:
    said = answered(a_look(place(alerts=alerts)))
    assert (said.level, said.sentence) == (level, sentence)


def test_a_scope_whose_runs_have_stopped_is_not_seen() -> None:
    """One is due each minute; three are waited for."""
    said = answered(a_look(place(run=180), place(VIRGINIA, run=181)))
    assert said.level is Level.WRONG
    assert said.sentence == "Nothing fires; 10 of 20 machines seen."
    assert said.others == ("aws 111111111111 us-east-1: the last run was 3 min ago; one is due every 1 min.",)


def test_when_all_runs_have_stopped_it_is_said_once() -> None:
    said = answered(a_look(place(run=700), place(VIRGINIA, run=4000), silent=((Cloud.AWS, 700),)))
    assert said.sentence == "Nothing fires; 0 of 20 machines seen."
    assert said.others == ("Runs have stopped everywhere: the last was 11 min ago, and one is due every 1 min.",)


def test_a_listing_that_failed_for_long_is_blindness_though_runs_go_on() -> None:
    (ireland,) = cover(a_look(place(seen=901)))
    assert (ireland.seen, ireland.machines) == (0, 10)
    assert ireland.blind == ("its machines could not be listed for 15 min; what is shown is as old",)
    (ireland,) = cover(a_look(place(seen=900)))
    assert (ireland.seen, ireland.blind) == (10, ())


def test_reads_that_failed_are_gaps_and_their_machines_not_seen() -> None:
    gap = "aws 111111111111 eu-west-1: cloudwatch:GetMetricData: throttled"
    (ireland,) = cover(a_look(place(coverage=(8, 11), gaps=(gap,))))
    assert (ireland.seen, ireland.machines, ireland.blind) == (7, 10, (gap,))


def test_a_scope_that_never_ran_or_was_never_listed_says_so() -> None:
    never, listed = Place(IRELAND, Progress(IRELAND)), Place(VIRGINIA, Progress(VIRGINIA, heartbeat=NOW - 30))
    assert [one.blind for one in cover(a_look(never, listed))] == [
        ("no run has ended here yet",),
        ("its machines have never been listed",),
    ]


def test_more_than_three_blind_places_are_counted() -> None:
    scopes = [Scope(Cloud.AWS, "111111111111", f"eu-west-{n}") for n in range(1, 6)]
    others = answered(a_look(place(VIRGINIA), *(place(scope, seen=1000) for scope in scopes))).others
    assert len(others) == 4
    assert others[-1] == "2 more places are not seen wholly; Coverage lists them."


def test_channels_that_are_off_and_clouds_that_are_silent_need_a_look() -> None:
    said = answered(a_look(place(), switched_off=(("chat", "gone"),), silent=((Cloud.AWS, 600),)))
    assert said.level is Level.ATTENTION
    assert said.others == (
        "aws: its functions have been silent for 10 min.",
        "Channel chat is switched off: gone.",
    )


def test_lost_runs_are_told_for_an_hour() -> None:
    lately = place(progress={"skipped": (NOW - 600, NOW - 480)})
    assert skipped(a_look(lately)) == (
        "aws 111111111111 eu-west-1: no run came to its end from 2026-11-23T11:50:00Z to 2026-11-23T11:52:00Z; "
        "the next one made up for them",
    )
    assert skipped(a_look(place(progress={"skipped": (NOW - 4000, NOW - 3600)}))) == ()


# --- rows ---------------------------------------------------------------------------------------------------------


def test_open_alerts_are_the_worst_first_and_among_these_the_newest() -> None:
    alerts = (firing("warm", "i-3", 60), firing("hot", "i-1", 900), firing("hot", "i-2", 300))
    assert [(row.severity, row.about.name) for row in open_alerts(a_look(place(alerts=alerts)))] == [
        ("critical", "web-2"),
        ("critical", "web-1"),
        ("warning", "web-3"),
    ]


def test_an_alert_on_a_group_leads_to_no_machine_and_a_removed_rule_is_a_warning() -> None:
    groups = Place(fleet_scope(Cloud.AWS), Progress(IRELAND), alerts=(firing("gone", "eu-west-1"),))
    (row,) = open_alerts(a_look(groups))
    assert (row.severity, row.about.machine, row.about.name, row.value) == ("warning", False, "eu-west-1", "")


def test_a_group_is_called_as_in_its_messages() -> None:
    few = Aggregate("count", Comparison.LESS, 3, counted=Observation("state", ("running",)))
    rule = Rule("few-web", Kind.INSTANCE, few, by=("tag:role", "cloud_region"))
    record = firing("few-web", "instances of tag:role=web,cloud_region=eu-west-1")
    groups = Place(fleet_scope(Cloud.AWS), Progress(IRELAND), alerts=(record,))
    (row,) = open_alerts(replace(a_look(groups), rules={"few-web": rule}))
    assert (row.about.name, row.about.id, row.about.machine) == ("instances with role=web in eu-west-1", "", False)


def test_who_has_seen_it_and_what_keeps_people_from_hearing_of_it() -> None:
    seen = place(alerts=(firing(),), acknowledged={"hot-i-1": Acknowledgement("hot-i-1", 1, "ada", NOW)})
    assert open_alerts(a_look(seen))[0].quiet == "acknowledged by ada"
    before = place(alerts=(firing(episode=2),), acknowledged={"hot-i-1": Acknowledgement("hot-i-1", 1, "ada", NOW)})
    assert open_alerts(a_look(before))[0].quiet == ""
    silences = {Cloud.AWS: (Silence("s1", Matcher(rules=("hot",)), NOW - 60, NOW + 60),)}
    assert open_alerts(a_look(before, silences=silences))[0].quiet == "quiet: silence s1"


def test_what_happened_is_told_newest_first_and_who_was_told() -> None:
    def entry(seq: int, at: int, **more: Any) -> HistoryEntry:
        return HistoryEntry("k", seq, "hot", "i-1", TransitionKind.FIRED, Why.THRESHOLD_CROSSED, at, at, **more)

    history = (entry(1, NOW - 60, told=("chat",)), entry(2, NOW, muted="silence s1"), entry(3, NOW - 120))
    rows = happened(a_look(place(history=history)))
    assert [(row.at, row.told) for row in rows] == [
        (NOW, "nobody: silence s1"),
        (NOW - 60, "chat"),
        (NOW - 120, "shown only"),
    ]
    assert len(happened(a_look(place(history=history)), 2)) == 2


def test_the_fleet_is_summed_by_scope() -> None:
    bucket = Resource(IRELAND, Kind.BUCKET, "logs")
    mixed = (*machines(3), *machines(2, state=State.STOPPED), *machines(1, state=State.REPAIRING), bucket)
    rows = fleet_rows(cover(a_look(place(VIRGINIA), place(machines=mixed, alerts=(firing(),)))))
    assert [row.region for row in rows] == ["eu-west-1", "us-east-1"]
    assert (rows[0].machines, rows[0].buckets, rows[0].firing) == (6, 1, 1)
    assert dict(total(rows)) == {
        StateGroup.RUNNING: 13,
        StateGroup.STOPPED: 2,
        StateGroup.CHANGING: 1,
        StateGroup.GONE: 0,
    }
