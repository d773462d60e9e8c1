"""Killed before and after each single input or output: nothing is lost, nothing is told in the wrong order."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from delivery_world import Process, World, run_killed, settle, violations
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.ports import Table
from nephoscope.stores import dynamodb, sqlite

SLOTS = 2


def fresh_scope() -> Scope:
    return Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1")


@pytest.fixture(scope="module")
def sqlite_table() -> Iterator[Table]:
    with closing(sqlite.open_table(":memory:")) as table:
        yield table


@pytest.fixture(scope="module")
def dynamodb_table(ministack) -> Iterator[Table]:
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in ministack.environment().items():
            patch.setenv(variable, value)
        client = dynamodb.open_client()
    dynamodb.create_table(client, "delivery-crashes")
    yield dynamodb.open_table("delivery-crashes", client=client)
    client.close()


Act = Callable[[Process], Any]


def crash_everywhere(table: Table, act: Act, keys: tuple[str, ...], channels: tuple[str, ...]) -> tuple[int, int]:
    """Kill at gate 0, 1, 2, ... until one run ends by itself. How many were killed, and how many copies there were."""
    gate = copies = 0
    while True:
        world = World(table, fresh_scope())
        killed = run_killed(world, gate, act)
        settle(world, SLOTS, keys, channels)
        assert violations(world, SLOTS, keys) == [], f"killed at gate {gate}"
        assert world.faults <= 1
        copies += len(world.arrivals) - len({arrival.notification.id for arrival in world.arrivals})
        if not killed:
            return gate, copies
        gate += 1


def test_killed_at_each_step_on_sqlite(sqlite_table: Table) -> None:
    """Two alerts, two channels, two changes each: eight messages."""
    keys, channels = ("a1", "b2"), ("chat", "oncall")
    killed, copies = crash_everywhere(sqlite_table, lambda p: p.run(SLOTS, keys, channels), keys, channels)
    # read, 4 commits, channels, outbox, silences: 8 steps; 8 messages of claim, send, receipt. Two gates a step.
    assert killed == 2 * (8 + 8 * 3)
    # Between a message's arrival and its receipt stand two gates: after the send, before the receipt.
    assert copies == 8 * 2


def test_killed_at_each_step_on_dynamodb(dynamodb_table: Table) -> None:
    keys, channels = ("a1",), ("chat",)
    killed, copies = crash_everywhere(dynamodb_table, lambda p: p.run(SLOTS, keys, channels), keys, channels)
    assert killed == 2 * (6 + 2 * 3)
    assert copies == 2 * 2


def test_killed_while_giving_up_on_sqlite(sqlite_table: Table) -> None:
    """The receiver says 410: channel disabled, words to others, the message among the dead. At each step."""

    def answer(notification, number):
        return DeliveryError(destination="r", reason=Reason.GONE) if notification.channel == "chat" else None

    gate = 0
    while True:
        world = World(sqlite_table, fresh_scope(), answer=answer)
        killed = run_killed(world, gate, lambda p: p.run(SLOTS, channels=("chat",)))
        settle(world, SLOTS, channels=("chat",))
        assert violations(world, SLOTS) == [], f"killed at gate {gate}"
        told = {arrival.notification.why for arrival in world.arrivals}
        assert "delivery_given_up" in told
        Process(world).memory.enable_channel(Cloud.AWS, "chat")
        if not killed:
            assert "channel_disabled" in told
            break
        gate += 1
    assert gate > 20


@pytest.mark.parametrize("seed", range(60))
def test_killed_again_and_again(sqlite_table: Table, seed: int) -> None:
    """Up to five runs in a row die at some step, each a minute and a half after the other."""
    chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
    keys = ("a1", "b2")
    world = World(sqlite_table, fresh_scope())
    for slot in range(1, chance.randrange(2, 6)):
        run_killed(world, chance.randrange(50), lambda p, slot=slot: p.run(slot, keys))
        world.now += 90
    settle(world, 5, keys)
    assert violations(world, 5, keys) == []


def test_what_was_killed_is_taken_up_when_its_lease_is_over_and_not_before(tmp_path: Path) -> None:
    with closing(sqlite.open_table(str(tmp_path / "memory.db"))) as table:
        world = World(table, fresh_scope())
        # read, commit, channels, outbox, silences, claim: killed before the send
        assert run_killed(world, 2 * 6, lambda p: p.run(1, channels=("chat",)))
        world.now += 30
        assert (Process(world).deliver().sent, len(world.arrivals)) == (0, 0)
        world.now += 31
        assert (Process(world).deliver().sent, len(world.arrivals)) == (1, 1)
