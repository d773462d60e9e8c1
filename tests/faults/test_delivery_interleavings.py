"""Several runs at once, step by step, in orders that seeds decide, with and without trouble of all kinds.

The same checks must catch protocols that are known to be wrong: otherwise they prove nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from delivery_world import World, explore, moody, settle, some_trouble, violations
from nephoscope.app import deliver as deliver_module
from nephoscope.model.scope import Cloud, Scope
from nephoscope.ports import Table
from nephoscope.stores import sqlite
from wrong_protocols import (
    ClaimsBlindly,
    DeletesBeforeSending,
    ForgetsOnError,
    RestartsVersions,
    WithoutVersions,
    WritesTwice,
)

KEYS = ("a1", "b2")
SLOTS = 3


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with closing(sqlite.open_table(":memory:")) as opened:
        yield opened


def a_world(table: Table, **more: Any) -> World:
    return World(table, Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1"), **more)


def three_runs_at_once(world: World, seed: int, *, troubled: bool) -> None:
    """Runs of one slot, of the next, and a sweeper; then as many again; and whatever is left over afterwards."""
    trouble = some_trouble if troubled else None
    if troubled:
        world.answer = moody(seed)
    explore(world, [lambda p: p.run(1, KEYS), lambda p: p.run(1, KEYS), lambda p: p.deliver()], seed, trouble)
    world.now += 60
    explore(world, [lambda p: p.run(2, KEYS), lambda p: p.run(3, KEYS), lambda p: p.deliver()], seed + 1, trouble)
    world.answer = lambda _notification, _number: None
    settle(world, SLOTS, KEYS)


@pytest.mark.parametrize("seed", range(40))
def test_three_runs_without_trouble_tell_everything_once(table: Table, seed: int) -> None:
    world = a_world(table)
    three_runs_at_once(world, seed, troubled=False)
    assert violations(world, SLOTS, KEYS) == []
    assert (world.faults, len(world.arrivals)) == (0, SLOTS * len(KEYS) * 2)


@pytest.mark.parametrize("seed", range(10))
def test_eight_runs_without_trouble_tell_everything_once(table: Table, seed: int) -> None:
    world = a_world(table)
    explore(world, [lambda p: p.run(2, KEYS)] * 8, seed)
    settle(world, 2, KEYS)
    assert violations(world, 2, KEYS) == []
    assert len(world.arrivals) == 2 * len(KEYS) * 2


@pytest.mark.parametrize("seed", range(120))
def test_three_runs_in_trouble_lose_nothing(table: Table, seed: int) -> None:
    world = a_world(table)
    three_runs_at_once(world, seed, troubled=True)
    assert violations(world, SLOTS, KEYS) == []


def test_the_trouble_is_real(table: Table) -> None:
    """Otherwise the test above proves nothing: most runs meet several faults, and some of them make copies."""
    worlds = [a_world(table) for _ in range(20)]
    for seed, world in enumerate(worlds):
        three_runs_at_once(world, seed, troubled=True)
    assert sum(world.faults for world in worlds) > 100
    assert sum(len(world.arrivals) for world in worlds) > 20 * SLOTS * len(KEYS) * 2


# --- wrong protocols are caught -----------------------------------------------------------------------------------


def found(table: Table, seeds: range, *, troubled: bool, **more: Any) -> set[str]:
    """The first words of all that went wrong under these seeds."""
    words: set[str] = set()
    for seed in seeds:
        world = a_world(table, **more)
        three_runs_at_once(world, seed, troubled=troubled)
        words |= {violation.split()[0] for violation in violations(world, SLOTS, KEYS)}
    return words


def test_caught_deleting_before_sending(table: Table) -> None:
    assert "a" in found(table, range(10), troubled=True, memory_class=DeletesBeforeSending), "a receipt for nothing"


def test_caught_state_and_messages_in_two_writes(table: Table) -> None:
    assert "lost:" in found(table, range(30), troubled=True, memory_class=WritesTwice)


def test_caught_forgetting_on_error(table: Table) -> None:
    assert "lost:" in found(table, range(5), troubled=True, memory_class=ForgetsOnError)


def test_caught_claiming_blindly_even_without_trouble(table: Table) -> None:
    words = found(table, range(5), troubled=False, memory_class=ClaimsBlindly)
    assert any(word.isdigit() for word in words), "copies without a fault"


def test_caught_writing_without_versions(table: Table) -> None:
    words = found(WithoutVersions(table), range(10), troubled=False)
    assert words & {"history", "a", "two", "out"} or any(word.isdigit() for word in words)


def test_caught_sending_out_of_order(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver_module, "chains", lambda items: tuple((item,) for item in items))
    assert "out" in found(table, range(20), troubled=True)


def test_caught_versions_that_restart(table: Table) -> None:
    """Without a tombstone the second incident has the first one's ids, and a receiver drops it as a copy."""
    world = a_world(table, memory_class=RestartsVersions)
    explore(world, [lambda p: p.run(1, KEYS)], 1)
    explore(world, [lambda p: p.run(2, KEYS)], 1)
    settle(world, 3, KEYS)
    assert violations(world, 3, KEYS) != []
