"""Several sweepers and runs at once, step by step, in orders that seeds decide, with and without trouble."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from delivery_world import explore, moody, some_trouble
from grouped_world import GroupedWorld, SweepingProcess, settle, violations
from nephoscope.model.alert import Owed
from nephoscope.model.group import GroupMessage
from nephoscope.model.scope import Cloud, Scope
from nephoscope.ports import Table
from nephoscope.stores import groups, sqlite
from nephoscope.stores.memory import Memory

KEYS = ("a1", "b2", "c3")
SLOTS = 3


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with closing(sqlite.open_table(":memory:")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two members a transaction."""
    catalog = groups.load_catalog()
    limits = {**catalog.limits, groups.LIMITS: {**catalog.limits[groups.LIMITS], "items": 4}}
    monkeypatch.setattr(groups, "load_catalog", lambda: replace(catalog, limits=limits))


def a_world(table: Table, **more: Any) -> GroupedWorld:
    return GroupedWorld(table, Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1"), **more)


def sweepers_at_once(world: GroupedWorld, seed: int, many: int, *, troubled: bool) -> None:
    """A run and some sweepers, a minute later again, six minutes later again; and whatever is left afterwards."""
    trouble = some_trouble if troubled else None
    if troubled:
        world.answer = moody(seed)
    for slot, later in ((1, 60), (2, 60), (3, 360)):
        acts = [lambda p, slot=slot: p.run(slot, KEYS, ("chat",)), *[lambda p: p.sweep()] * many]
        explore(world, acts, seed + slot, trouble, of=SweepingProcess)
        world.now += later
    world.answer = lambda _notification, _number: None
    settle(world, SLOTS, KEYS)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("many", [2, 4])
def test_sweepers_without_trouble_tell_everything_once(table: Table, seed: int, many: int) -> None:
    world = a_world(table)
    sweepers_at_once(world, seed, many, troubled=False)
    assert violations(world, SLOTS, KEYS) == []
    assert (world.faults, len(world.arrivals)) == (0, SLOTS * len(KEYS))
    assert all(isinstance(letter, GroupMessage) for letter in world.letters)
    assert len(world.letters) <= SLOTS, "no more messages than there were waits"


@pytest.mark.parametrize("seed", range(80))
@pytest.mark.parametrize("many", [2, 4])
def test_sweepers_in_trouble_lose_nothing(table: Table, seed: int, many: int) -> None:
    world = a_world(table)
    sweepers_at_once(world, seed, many, troubled=True)
    assert violations(world, SLOTS, KEYS) == []


def test_the_trouble_is_real(table: Table) -> None:
    worlds = [a_world(table) for _ in range(20)]
    for seed, world in enumerate(worlds):
        sweepers_at_once(world, seed, 2, troubled=True)
    assert sum(world.faults for world in worlds) > 80
    assert sum(len(w.letters) - len({letter.id for letter in w.letters}) for w in worlds) > 0


# --- wrong protocols are caught -----------------------------------------------------------------------------------


class FreesItsPlaceFirst(Memory):
    """The place is given to the next message before the members' receipts are put."""

    def settle(self, scope, message, members):
        return super().settle(scope, message, members[:1])


class FreezesBlindly(Memory):
    """A member is marked whoever has it."""

    def freeze(self, scope, before, after, members):
        now = {item.notification.id: item for item in self.read_owing(scope).items}
        fresh = [now.get(item.notification.id, item) for item in members]
        return super().freeze(scope, before, after, fresh)


class PutsReceiptsWhenItSends(Memory):
    """Receipts before the receiver has answered."""

    def claim(self, scope, item, lease_seconds):
        held = super().claim(scope, item, lease_seconds)
        if held is not None and held.group is not None:
            members = [i for i in self.read_owing(scope).items if i.message == item.notification.id]
            self.finish(scope, held)
            self.settle(scope, held, members)
        return held


def found(table: Table, seeds: range, *, troubled: bool, memory: type[Memory]) -> list[str]:
    said: list[str] = []
    for seed in seeds:
        world = a_world(table, memory_class=memory)
        sweepers_at_once(world, seed, 3, troubled=troubled)
        said += violations(world, SLOTS, KEYS)
    return said


def test_caught_freeing_the_place_before_the_receipts(table: Table) -> None:
    said = found(table, range(3), troubled=False, memory=FreesItsPlaceFirst)
    assert any("came in two messages" in each for each in said), said[:5]


def test_caught_putting_receipts_before_the_answer(table: Table) -> None:
    said = found(table, range(20), troubled=True, memory=PutsReceiptsWhenItSends)
    assert any("a receipt for what never arrived" in each for each in said), said[:5]


def test_caught_freezing_what_another_message_has(table: Table) -> None:
    """Two groups reach for one member: a rule's severity was edited between two sweeps, and the second sweeper works on
    what the first has frozen."""
    world = a_world(table)
    SweepingProcess(world).evaluate(1, ("a1",), ("chat",))
    first, second = Memory(world.table, SweepingProcess(world)), FreezesBlindly(world.table, SweepingProcess(world))
    (item,) = first.read_owing(world.scope).items
    one = replace(item, group=(("rule", "one"),), notification=replace(item.notification, id="m1", alert_key="g1"))
    two = replace(item, group=(("rule", "two"),), notification=replace(item.notification, id="m2", alert_key="g2"))
    assert first.freeze(world.scope, None, replace(one, status=Owed.READY), [item]) is not None
    assert first.freeze(world.scope, None, replace(two, status=Owed.READY), [item]) is None
    assert second.freeze(world.scope, None, replace(two, status=Owed.READY), [item]) is not None
    (stolen,) = first.read_owing(world.scope).items
    assert stolen.message == "m2", "blindly, a member is in two messages"
