"""A silence that comes after a message became owed and before it was sent: nobody hears, and nothing is lost.

The world is that of the delivery tests; the silence is written to its memory as the command line does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alert_records import SCOPE, a_commit, a_notification
from delivery_world import Process, World
from nephoscope.model.alert import (
    AlertState,
    Commit,
    Why,
)
from nephoscope.model.quiet import Matcher, QuietWindow
from nephoscope.stores.memory import Committed
from quiet_world import (
    KEY,
    MINUTE,
    RULE,
    arrived,
    end,
    fire,
    memory_of,
    quiet_world,
    record_of,
    refuse,
    remind,
    silence,
)


@pytest.fixture
def world() -> World:
    return quiet_world()


# --- nobody hears -------------------------------------------------------------------------------------------------


def test_a_silence_that_comes_first_keeps_it_back_and_both_are_told_when_it_is_over(world: World) -> None:
    fire(world)
    silence(world, minutes=10)
    report = Process(world).deliver()
    assert (report.muted, report.sent, report.owed, report.errors) == (2, 0, 0, ())
    assert world.arrivals == []
    record = record_of(world)
    assert (record.state, record.told, set(record.withheld)) == (AlertState.FIRING, (), {"chat", "oncall"})
    assert remind(world) == []  # quiet still
    world.now += 11 * MINUTE
    assert remind(world) == [("chat", "quiet_over"), ("oncall", "quiet_over")]
    assert Process(world).deliver().sent == 2
    assert (record_of(world).told, record_of(world).withheld) == (("chat", "oncall"), ())
    assert remind(world) == []  # once
    end(world)
    Process(world).deliver()
    assert arrived(world)[2:] == [("chat", "resolved"), ("oncall", "resolved")]


def test_what_ends_meanwhile_is_never_heard_of(world: World) -> None:
    fire(world)
    silence(world)
    Process(world).deliver()
    end(world)
    world.now += 11 * MINUTE
    Process(world).deliver()
    assert world.arrivals == []
    assert remind(world) == []


def test_an_end_that_is_owed_already_goes_with_it(world: World) -> None:
    """The receiver was not asked for an hour; it fired and ended meanwhile."""
    fire(world)
    end(world)
    silence(world)
    report = Process(world).deliver()
    assert (report.muted, report.sent, report.owed) == (4, 0, 0)
    assert memory_of(world).read_outbox(SCOPE) == ()
    assert world.arrivals == []


def test_who_was_told_before_is_told_of_the_end_quiet_or_not(world: World) -> None:
    world.answer = refuse("chat")
    fire(world)
    Process(world).deliver()
    assert arrived(world) == [("oncall", "fired")]
    silence(world)
    world.answer = lambda _message, _number: None
    world.now += 5 * MINUTE
    end(world)
    Process(world).deliver()
    assert ("oncall", "resolved") in arrived(world)


def test_only_the_channel_that_had_not_heard_is_announced_to(world: World) -> None:
    fire(world, channels=("oncall",))
    Process(world).deliver()
    record = record_of(world)
    told = replace(record, ver=2, told=("oncall", "chat"), run_id="escalation")
    late = a_notification(KEY, 2, "chat", at=record.since)
    assert memory_of(world).commit(Commit(SCOPE, 1, told, (late,))) is Committed.COMMITTED
    silence(world)
    Process(world).deliver()
    assert (record_of(world).told, record_of(world).withheld) == (("oncall",), ("chat",))
    world.now += 11 * MINUTE
    assert remind(world) == [("chat", "quiet_over")]


def test_a_repeat_goes_quietly_and_changes_nobody(world: World) -> None:
    fire(world)
    Process(world).deliver()
    record = record_of(world)
    again = a_notification(KEY, 2, "chat", why=Why.REPEATED, at=record.since)
    assert (
        memory_of(world).commit(Commit(SCOPE, 1, replace(record, ver=2, run_id="r2"), (again,))) is not Committed.LOST
    )
    silence(world)
    assert Process(world).deliver().muted == 1
    assert (record_of(world).told, record_of(world).withheld, record_of(world).ver) == (("chat", "oncall"), (), 2)


def test_who_is_escalated_to_is_escalated_to_again(world: World) -> None:
    fire(world, channels=("oncall",))
    Process(world).deliver()
    record = replace(record_of(world), ver=2, told=("oncall", "chat"), run_id="r2")
    up = a_notification(KEY, 2, "chat", why=Why.ESCALATED, at=record.since)
    memory_of(world).commit(Commit(SCOPE, 1, record, (up,)))
    silence(world)
    Process(world).deliver()
    assert (record_of(world).told, record_of(world).withheld) == (("oncall",), ())


def test_a_window_that_opens_meanwhile_counts_as_well(world: World) -> None:
    fire(world)
    start = int(world.now) // MINUTE * MINUTE
    window = QuietWindow("deploy", Matcher(resources=("web-*",)), starts=start, ends=start + 600)
    world.config = replace(world.config, quiet=(window,))
    assert Process(world).deliver().muted == 2


@pytest.mark.parametrize(
    "match",
    [{"rules": ("memory-high",)}, {"resources": ("db-*",)}, {"regions": ("us-east-1",)}, {"severities": ("critical",)},
     {"labels": {"team": "red"}}],
)  # fmt: skip
def test_what_a_silence_does_not_mean_is_sent(world: World, match: dict[str, Any]) -> None:
    fire(world)
    silence(world, **match)
    assert Process(world).deliver().sent == 2


def test_that_we_are_blind_is_muted_by_its_own_name_alone(world: World) -> None:
    world.config = replace(world.config, rules=(replace(RULE, origin="built-in"),))
    fire(world)
    silence(world, accounts=("111111111111",))
    assert Process(world).deliver().sent == 2


def test_what_we_tell_of_our_own_deliveries_is_never_muted(world: World) -> None:
    notice = a_notification("n1", 1, "chat", rule="nephoscope-delivery", why=Why.DELIVERY_GIVEN_UP)
    assert memory_of(world).enqueue(SCOPE, notice)
    silence(world, accounts=("111111111111",))
    assert Process(world).deliver().sent == 1


# --- what may have arrived ------------------------------------------------------------------------------------------


def test_where_a_try_may_have_arrived_the_end_is_owed_and_the_announcement_too(world: World) -> None:
    """The receiver took it and the answer was lost; then somebody silences."""
    world.answer = lambda _message, _number: "reset"
    fire(world, channels=("chat",))
    Process(world).deliver()
    assert arrived(world) == [("chat", "fired")]
    silence(world)
    world.now += 5 * MINUTE
    world.answer = lambda _message, _number: None
    assert Process(world).deliver().muted == 1
    assert (record_of(world).told, record_of(world).withheld) == (("chat",), ("chat",))
    end(world)
    Process(world).deliver()
    assert arrived(world) == [("chat", "fired"), ("chat", "resolved")]


# --- it is written down ---------------------------------------------------------------------------------------------


def test_the_history_names_who_was_not_told_and_a_receipt_stands_for_each(world: World) -> None:
    fire(world)
    silence(world)
    Process(world).deliver()
    memory = memory_of(world)
    for entries in (memory.read_history(SCOPE, KEY), memory.read_history(SCOPE)):
        (entry,) = entries
        assert entry.told == ()
        assert sorted(entry.muted.split("; ")) == ["silence s1 (chat)", "silence s1 (oncall)"]
    assert all(memory.has_receipt(SCOPE, a_notification(KEY, 1, channel)) for channel in ("chat", "oncall"))


def test_silences_are_read_once_and_only_where_something_is_owed(world: World) -> None:
    asked: list[str] = []
    table = world.table

    class Counting:
        def __getattr__(self, name: str) -> Any:
            return getattr(table, name)

        def query(self, pk: str, prefix: str, **options: Any) -> Any:
            asked.append(prefix)
            return table.query(pk, prefix, **options)

    world.table = Counting()  # type: ignore[assignment]
    Process(world).deliver()
    assert asked.count("Q#") == 0
    for number in range(20):
        memory_of(world).commit(a_commit(f"k{number}", 1))
    assert Process(world).deliver().sent == 20
    assert asked.count("Q#") == 1
