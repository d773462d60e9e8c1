"""A sweeper killed before and after each single step of freezing, sending and settling a group."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from grouped_world import GroupedWorld, SweepingProcess, a_grouping_config, killed, settle, violations
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.group import GroupMessage
from nephoscope.model.scope import Cloud, Scope
from nephoscope.ports import Table
from nephoscope.stores import dynamodb, groups, sqlite

KEYS = ("a1", "b2", "c3")
SLOTS = 2


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
    dynamodb.create_table(client, "grouping-crashes")
    yield dynamodb.open_table("grouping-crashes", client=client)
    client.close()


@pytest.fixture
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two members a transaction, one when they are settled: a group of six takes several of each."""
    catalog = groups.load_catalog()
    limits = {**catalog.limits, groups.LIMITS: {**catalog.limits[groups.LIMITS], "items": 4}}
    monkeypatch.setattr(groups, "load_catalog", lambda: replace(catalog, limits=limits))


def a_world(table: Table, **more) -> GroupedWorld:
    return GroupedWorld(table, Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1"), **more)


def owing(table: Table, **more) -> GroupedWorld:
    """Three alerts have fired and resolved, a while ago: six messages to one group."""
    world = a_world(table, **more)
    SweepingProcess(world).evaluate(SLOTS, KEYS, ("chat",))
    world.now += 120
    return world


def crash_everywhere(table: Table) -> tuple[int, int]:
    """Kill at gate 0, 1, 2, ... until one sweep ends by itself. How many were killed; how many copies there were."""
    gate = copies = 0
    while True:
        world = owing(table)
        was_killed = killed(world, gate, lambda p: p.sweep())
        settle(world, SLOTS, KEYS)
        assert violations(world, SLOTS, KEYS) == [], f"killed at gate {gate}"
        assert sum(len(each.members) for each in {m.id: m for m in world.letters}.values()) == len(KEYS) * SLOTS
        copies += len(world.letters) - len({letter.id for letter in world.letters})
        if not was_killed:
            return gate, copies
        gate += 1


@pytest.mark.usefixtures("small_transactions")
def test_killed_at_each_step_on_sqlite(sqlite_table: Table) -> None:
    was_killed, copies = crash_everywhere(sqlite_table)
    # channels, messages, outbox, silences; freezing three times; claim, send, sent; the place, six members, the place
    assert was_killed == 2 * (4 + 3 + 3 + 1 + 6 + 1)
    assert copies == 2, "between its arrival and the note of it stand two gates"


def test_killed_at_each_step_on_dynamodb(dynamodb_table: Table) -> None:
    was_killed, copies = crash_everywhere(dynamodb_table)
    assert was_killed == 2 * (4 + 1 + 3 + 1 + 1 + 1)
    assert copies == 2


@pytest.mark.usefixtures("small_transactions")
def test_killed_while_giving_up(sqlite_table: Table) -> None:
    """The receiver says 410: each of the six is among the dead, and somebody is told."""

    def answer(message, number):
        return DeliveryError(destination="r", reason=Reason.GONE) if message.channel == "chat" else None

    gate = 0
    while True:
        world = owing(sqlite_table, answer=answer)
        was_killed = killed(world, gate, lambda p: p.sweep())
        settle(world, SLOTS, KEYS)
        memory = SweepingProcess(world).memory
        dead = [item for item in memory.read_outbox(world.scope) if item.status == "dead"]
        assert len(dead) == len(KEYS) * SLOTS, f"killed at gate {gate}"
        told = [letter for letter in world.letters if letter.rule == "nephoscope-delivery"]
        assert "delivery_given_up" in {notice.why for notice in told}, f"killed at gate {gate}"
        assert memory.read_owing(world.scope).items == ()
        memory.enable_channel(Cloud.AWS, "chat")
        if not was_killed:
            assert any("cpu-hot" not in n.summary and "3 resolved" in n.summary for n in told), told
            break
        gate += 1
    assert gate > 30


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.usefixtures("small_transactions")
def test_killed_again_and_again(sqlite_table: Table, seed: int) -> None:
    """Up to eight sweepers in a row die at some step, while the alerts go on."""
    chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
    world = a_world(sqlite_table)
    for slot in range(1, chance.randrange(3, 9)):
        killed(world, chance.randrange(40), lambda p, slot=slot: p.run_and_sweep(slot, KEYS))
        world.now += chance.choice([30, 90, 400])
    settle(world, 8, KEYS)
    assert violations(world, 8, KEYS) == []


def test_more_members_than_one_transaction_takes_are_one_message(sqlite_table: Table) -> None:
    world = a_world(sqlite_table, config=a_grouping_config())
    keys = tuple(f"k{number:03d}" for number in range(250))
    SweepingProcess(world).evaluate(1, keys, ("chat",))
    world.now += 61
    report = SweepingProcess(world).sweep()
    (letter,) = world.letters
    assert isinstance(letter, GroupMessage)
    assert len(letter.members) == 250
    assert (report.sent, report.grouped, report.owed) == (1, 250, 0)
    assert violations(world, 1, keys) == []


def test_a_message_that_was_half_filled_takes_in_who_came_meanwhile(sqlite_table: Table) -> None:
    world = a_world(sqlite_table, config=a_grouping_config())
    keys = tuple(f"k{number:03d}" for number in range(250))
    SweepingProcess(world).evaluate(1, keys, ("chat",))
    world.now += 61
    assert killed(world, 2 * 5, lambda p: p.sweep()), "after the first of three chunks"
    SweepingProcess(world).evaluate(1, (*keys, "later"), ("chat",))
    SweepingProcess(world).sweep()
    (letter,) = world.letters
    assert len(letter.members) == 251
    assert violations(world, 1, (*keys, "later")) == []
