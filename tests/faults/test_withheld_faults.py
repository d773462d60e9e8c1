"""Faults while a message is withheld: killed at each step, answers lost, two couriers, a run in between."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from alert_records import SCOPE, a_notification
from delivery_world import Killed, Process, World
from nephoscope.model.alert import (
    Commit,
    Why,
)
from nephoscope.model.errors import Reason, StoreError
from nephoscope.stores.memory import Committed
from quiet_world import (
    KEY,
    MINUTE,
    arrived,
    end,
    fire,
    memory_of,
    quiet_world,
    record_of,
    remind,
    silence,
)


@pytest.fixture
def world() -> World:
    return quiet_world()


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
