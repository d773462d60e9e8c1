"""Rows about the runs themselves: killed, frozen, doubled, stale, out of order, with clocks that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from living_world import START, Living, Runner, one_after_the_other, random_course, replay, steady
from trials import Outcome, a_chance, a_life

from delivery_world import Stepped, explore, moody, run_killed, some_trouble
from nephoscope.app import run
from nephoscope.model.time import HOUR, MINUTE
from nephoscope.ports import Table

FIRST, LAST = 3, 20
"""Minutes of a short life: calm, hot, calm, hot; two machines, two channels."""


def a_short_life(table: Table, seed: int, **more: Any) -> Living:
    """The first run has been; nothing has happened yet."""
    world = a_life(table, **more)
    world.course = random_course(a_chance(seed), LAST + 1, world.machines)
    world.course |= steady("10 10 10", "i-a") | steady("10 10 10", "i-b")
    world.collect(FIRST)
    return world


def telling_minute(world: Living, seed: int, before: int = LAST) -> int:
    """One in which a run has something to tell: a point is settled two minutes after its end."""
    history = replay(world, range(FIRST, before)).history or {}
    minutes = sorted({at // MINUTE + 2 for entries in history.values() for _, at in entries})
    return minutes[seed % len(minutes)]


def ended(world: Living, outcome: Outcome, note: str = "", *, last: int = LAST) -> None:
    world.settle(last)
    outcome.add(world, world.violations(FIRST, last), note)


# --- 0: OK, tombstone, fires again -----------------------------------------------------------------------------------


def fires_again(table: Table, seed: int, **more: Any) -> Outcome:
    """A run that has read an early version decides then, and commits only after the alert has ended and fired again:
    it finds no place to write, and the second incident has ids of its own."""
    chance, outcome = a_chance(seed), Outcome()
    world = a_life(table, machines=("i-a",), **more)
    calm = chance.randrange(4, 9)
    world.course = steady("10 10 10 95 95 95 95 95" + " 10" * calm + " 97 97 97 97 97 97 10 10 10 10 10 10")
    last = 3 + calm + 17
    begun = chance.randrange(3, 8 + calm)
    with one_after_the_other(seed):
        for minute in range(FIRST, begun):
            world.collect(minute)
        stale = Runner(world.at(begun))
        outside = stale.outside()
        gathered = run.gather(outside, world.scope, START + MINUTE * begun, stale._deadline())
        decided = run.decide(outside, gathered, "stale")
        for minute in range(begun, last):
            world.collect(minute)
        before = len(world.arrivals)
        if run.commit(outside, decided) == "done":
            outcome.violations["S"] = ["a stale run's plan was committed over a newer one"]
        stale.sweep()
        if len(world.arrivals) > before:
            outcome.violations["D"] = ["a stale run has sent something"]
        fired = [a.notification for a in world.arrivals if a.channel == "chat" and a.notification.firing]
        if len({n.id for n in fired}) != 2 or [n.episode for n in fired] != [1, 2]:
            outcome.violations["O"] = [f"two incidents were told as {[(n.id, n.episode) for n in fired]}"]
        ended(world, outcome, last=last)
    return outcome


# --- 1: killed at each input and output ------------------------------------------------------------------------------


def killed_everywhere(table: Table, seed: int, *, every: int = 1, **more: Any) -> Outcome:
    """The run of one minute, in which something is to be told, dies at gate 0, 1, 2, ... until one ends by itself.
    every: only each so-manieth gate, another one with each seed."""
    outcome, gate = Outcome(), seed % every
    with one_after_the_other(seed):
        killed = True
        while killed:
            world = a_short_life(table, seed, **more)
            minute = telling_minute(world, seed)
            world.answer = moody(seed) if seed % 3 == 2 else world.answer
            world.at(minute)
            killed = run_killed(world, gate, lambda p, at=minute: p.collect(START + MINUTE * at), of=Runner)
            ended(world, outcome, f"killed at gate {gate}")
            gate += every
            outcome.more["points"] += killed
    return outcome


# --- 2 and 10: at once, with and without trouble ---------------------------------------------------------------------


def at_once(table: Table, seed: int, **more: Any) -> Outcome:
    """Two to eight runs: of one slot, of the next, sweepers; step by step in an order that the seed decides."""
    return _at_once(table, seed, None, **more)


def at_once_in_trouble(table: Table, seed: int, **more: Any) -> Outcome:
    return _at_once(table, seed, some_trouble, **more)


def wrong_clocks(table: Table, seed: int, **more: Any) -> Outcome:
    """Each process is up to ten minutes off, and some are set back or forward between two steps."""
    return _at_once(table, seed, _clock_trouble, **more)


def _clock_trouble(chance: Any, stepped: Stepped, world: Any) -> None:
    if chance.randrange(25) == 0:
        stepped.process.skew = chance.choice([-600.0, -300.0, -61.0, 0.0, 61.0, 300.0, 600.0])
        world.faults += 1


def _at_once(table: Table, seed: int, trouble: Any, **more: Any) -> Outcome:
    chance, outcome = a_chance(seed), Outcome()
    with one_after_the_other(seed):
        world = a_short_life(table, seed, **more)
        if trouble is some_trouble:
            world.answer = moody(seed)
        for minute in (7, 12):
            acts: list[Callable[[Any], Any]] = [
                chance.choice([_collecting(minute), _collecting(minute), _collecting(minute + 1), lambda p: p.sweep()])
                for _ in range(chance.randrange(2, 9))
            ]
            explore(world.at(minute), acts, seed + minute, trouble, of=Runner)
        ended(world, outcome)
    return outcome


def _collecting(minute: int) -> Callable[[Any], Any]:
    return lambda process: process.collect(START + MINUTE * minute)


# --- 11: frozen for five minutes -------------------------------------------------------------------------------------


def frozen_everywhere(table: Table, seed: int, *, every: int = 1, **more: Any) -> Outcome:
    """At gate 0, 1, 2, ... a run stands still for five minutes, in which another does all of it; then it goes on."""
    outcome, gate = Outcome(), seed % every
    with one_after_the_other(seed):
        while True:
            world = a_short_life(table, seed, **more)
            minute = telling_minute(world, seed, LAST - 5)
            frozen = _Freezing(world.at(minute), gate)
            frozen.collect(START + MINUTE * minute)
            ended(world, outcome, f"frozen at gate {gate}")
            if not frozen.was:
                break
            gate += every
            outcome.more["points"] += 1
    return outcome


class _Freezing(Runner):
    def __init__(self, world: Living, at: int) -> None:
        super().__init__(world, self._stand_still)
        self._left, self.was = at, False

    def _stand_still(self) -> None:
        if self._left == 0:
            self.was = True
            self.world.faults += 1
            self.world.now += 300
            Runner(self.world).collect(int(self.world.now) // MINUTE * MINUTE)
        self._left -= 1


# --- 20: events that are old, doubled, reversed ----------------------------------------------------------------------


def events_in_disorder(table: Table, seed: int, **more: Any) -> Outcome:
    """What the platform's queue may do: each event up to three times, in any order, the oldest six hours late."""
    chance, outcome = a_chance(seed), Outcome()
    with one_after_the_other(seed):
        world = a_short_life(table, seed, **more)
        slots = [minute for minute in range(FIRST + 1, LAST + 1) for _ in range(chance.randrange(1, 4))]
        if seed % 2:
            slots.reverse()
        else:
            chance.shuffle(slots)
        late = slots[: len(slots) // 3]
        for minute in slots[len(slots) // 3 :]:
            _event(world, minute, chance.random() < 0.5)
        ended(world, Outcome())
        told = len(world.arrivals)
        world.now = START + 6 * HOUR + MINUTE * LAST
        for minute in [*late, *slots]:
            _event(world, minute, chance.random() < 0.5)
        if len(world.arrivals) > told:
            outcome.violations["D"] = [f"events six hours old made {len(world.arrivals) - told} messages"]
        outcome.add(world, world.violations(FIRST, LAST))
    return outcome


def _event(world: Living, minute: int, fanned_out: bool) -> None:
    world.at(minute)
    runner = Runner(world)
    (runner.work if fanned_out else runner.collect)(START + MINUTE * minute)
