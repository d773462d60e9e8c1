"""A silence that comes after a message became owed and before it was sent: nobody hears, and nothing is lost.

The world is that of the delivery tests; the silence is written to its memory as the command line does.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from alert_records import SCOPE, a_commit, a_notification
from delivery_world import Killed, Process, World, a_config
from nephoscope.model.alert import (
    AlertRecord,
    AlertState,
    Commit,
    Why,
)
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason, StoreError
from nephoscope.model.quiet import Matcher, QuietWindow, Silence
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Comparison, Rule, Threshold
from nephoscope.pipeline.audience import Audience
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.quiet import active_mutes
from nephoscope.pipeline.reminders import plan_reminders
from nephoscope.stores.memory import Committed, Memory
from nephoscope.stores.sqlite import open_table

KEY = "a1"
RULE = Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9), tell=("chat", "oncall"))
MACHINE = Resource(SCOPE, Kind.INSTANCE, "i-0abc", name="web-1")
MINUTE = 60


@pytest.fixture
def world() -> World:
    made = World(open_table(":memory:"), SCOPE)
    made.config = replace(a_config(Channel("chat"), Channel("oncall")), rules=(RULE,))
    return made


def silence(world: World, minutes: int = 10, **match: Any) -> Silence:
    start = int(world.now) // MINUTE * MINUTE
    said = Silence("s1", Matcher(**(match or {"rules": ("cpu-hot",)})), start, start + minutes * MINUTE)
    Memory(world.table, Process(world)).write_silence(SCOPE.cloud, said)
    return said


def memory_of(world: World) -> Memory:
    return Process(world).memory


def record_of(world: World) -> AlertRecord:
    return memory_of(world).read_alerts(SCOPE)[KEY]


def fire(world: World, channels: tuple[str, ...] = ("chat", "oncall")) -> None:
    assert memory_of(world).commit(a_commit(KEY, 1, channels=channels)) is Committed.COMMITTED


def end(world: World) -> None:
    """As a run does: whoever the record says was told is told of the end."""
    record = record_of(world)
    commit = a_commit(KEY, record.ver + 1, AlertState.OK, channels=record.told, told=bool(record.told))
    assert memory_of(world).commit(commit) is Committed.COMMITTED


def remind(world: World) -> list[tuple[str, str]]:
    """A run's reminders at this minute: who is told, and why."""
    memory, slot = memory_of(world), int(world.now) // MINUTE * MINUTE
    audience = Audience(world.config, active_mutes(world.config.quiet, memory.read_silences(SCOPE.cloud), slot))
    stamp = Stamp("acme", slot, f"run-{slot}", slot)
    changes = plan_reminders(
        memory.read_alerts(SCOPE).values(), {RULE.name: RULE}, {MACHINE.id: MACHINE}, audience, {}, stamp
    )
    for change in changes:
        assert memory.commit(change.commit) is Committed.COMMITTED
    return [(n.channel, str(n.why)) for change in changes for n in change.commit.notifications]


def arrived(world: World) -> list[tuple[str, str]]:
    return [(one.channel, str(one.notification.kind)) for one in world.arrivals]


def refuse(*channels: str) -> Callable[..., DeliveryError | None]:
    error = DeliveryError(destination="receiver", reason=Reason.UNAVAILABLE)
    return lambda message, _number: error if message.channel in channels else None


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


# --- faults -----------------------------------------------------------------------------------------------------------


def settled(world: World) -> None:
    """After any fault: later runs bring it to its end, and what was promised holds."""
    world.now += 2 * MINUTE  # a lease that a dead process held is over; the silence still holds
    Process(world).deliver()
    record = record_of(world)
    owed = memory_of(world).read_outbox(SCOPE)
    heard = {one.channel for one in world.arrivals}
    assert owed == ()
    for channel in ("chat", "oncall"):
        if channel not in heard:
            assert channel in record.withheld  # it will be announced
            assert channel not in record.told
    world.now += 30 * MINUTE
    remind(world)
    Process(world).deliver()
    assert {one.channel for one in world.arrivals} == {"chat", "oncall"}
    end(world)
    Process(world).deliver()
    assert sorted(kind for _, kind in arrived(world) if kind == "resolved") == ["resolved", "resolved"]


@pytest.mark.parametrize("kill_at", range(1, 60))
def test_killed_at_any_step_nothing_is_lost_and_nobody_is_told_of_an_end_alone(world: World, kill_at: int) -> None:
    fire(world)
    silence(world, minutes=20)
    left = kill_at

    def gate() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    with suppress(Killed):
        Process(world, gate).deliver()
    settled(world)


@pytest.mark.parametrize("lose", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 3))
def test_an_answer_of_the_store_that_is_lost_changes_nothing(world: World, lose: Any, number: int) -> None:
    fire(world)
    silence(world, minutes=20)
    process = Process(world)
    whole, writes = process.memory._table.transact, 0

    def transact(items: Any) -> Any:
        nonlocal writes
        writes += 1
        process.lose = lose if writes == number else ""
        return whole(items)

    process.memory._table.transact = transact  # type: ignore[method-assign]
    process.deliver()
    assert writes >= 2
    settled(world)


@pytest.mark.parametrize("at", range(1, 25))
def test_an_end_that_is_committed_at_any_moment_leaves_nobody_with_an_end_alone(world: World, at: int) -> None:
    """A run resolves the alert between any two steps of the courier."""
    fire(world)
    silence(world, minutes=20)
    left = at

    def gate() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            end(world)

    process = Process(world, gate)
    process.deliver()
    for _ in range(3):
        world.now += MINUTE
        Process(world).deliver()
    assert world.arrivals == []
    assert memory_of(world).read_outbox(SCOPE) == ()


@pytest.mark.parametrize("at", range(1, 25))
def test_a_silence_that_ends_or_begins_at_any_moment(world: World, at: int) -> None:
    """Beginnings and ends arrive in pairs, whatever the silence does meanwhile."""
    fire(world)
    left = at

    def gate() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            silence(world, minutes=5)

    Process(world, gate).deliver()
    world.now += 2 * MINUTE
    Process(world).deliver()
    end(world)
    Process(world).deliver()
    heard = sorted(arrived(world))
    assert [kind for _, kind in heard] in ([], ["fired", "resolved"], ["fired", "resolved"] * 2)


@pytest.mark.parametrize("seed", range(40))
def test_two_couriers_at_once_withhold_it_once(world: World, seed: int) -> None:
    """The second runs in full between two steps of the first, chosen by the seed."""
    fire(world)
    silence(world, minutes=20)
    left = random.Random(seed).randrange(1, 40)  # noqa: S311 - a seed, not a secret

    def gate() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            Process(world).deliver()

    Process(world, gate).deliver()
    assert world.arrivals == []
    assert set(record_of(world).withheld) == {"chat", "oncall"}
    (entry,) = memory_of(world).read_history(SCOPE, KEY)
    assert sorted(entry.muted.split("; ")) == ["silence s1 (chat)", "silence s1 (oncall)"]
    settled(world)


@pytest.mark.parametrize("step", range(1, 24))
def test_two_repeats_that_are_withheld_at_once_are_both_noted(world: World, step: int) -> None:
    """Neither touches the alert's record: the history's own versions keep them apart."""
    fire(world)
    Process(world).deliver()
    memory, record = memory_of(world), record_of(world)
    again = tuple(a_notification(KEY, 2, name, why=Why.REPEATED, at=record.since) for name in ("chat", "oncall"))
    entry = replace(memory.read_history(SCOPE, KEY)[0], seq=2, why=Why.REPEATED)
    assert memory.commit(Commit(SCOPE, 1, replace(record, ver=2, run_id="r2"), again, entry)) is Committed.COMMITTED
    silence(world, minutes=20)
    other = next(item for item in memory.read_owing(SCOPE).items if item.notification.channel == "oncall")
    left = step

    def gate() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            memory_of(world).withhold(SCOPE, other, "silence s1")

    Process(world, gate).deliver()
    newest = memory.read_history(SCOPE, KEY)[0]
    assert (newest.told, sorted(newest.muted.split("; "))) == ((), ["silence s1 (chat)", "silence s1 (oncall)"])
    assert memory.read_outbox(SCOPE) == ()


def test_silences_that_cannot_be_read_silence_nobody_and_it_is_said(world: World) -> None:
    fire(world)
    silence(world)
    process = Process(world)

    def broken(_cloud: Any) -> Any:
        raise StoreError(operation="query", reason=Reason.UNAVAILABLE)

    process.memory.read_silences = broken  # type: ignore[method-assign]
    report = process.deliver()
    assert report.sent == 2
    assert any("silences of aws" in error for error in report.errors)
