"""Rows about what is known: points late, disordered, doubled, revised; answers in part; numbers that are none; rows
that nobody can read; rules and channels that change under what is owed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from living_world import (
    CPU,
    HOT,
    START,
    Living,
    Measured,
    Provider,
    Runner,
    living_config,
    one_after_the_other,
    random_course,
    series_of,
    steady,
)
from trials import Outcome, a_chance, a_life
from trials_receivers import a_world, checked, dead_at, owe_many

from alert_records import a_commit
from delivery_world import Process
from nephoscope.model.alert import OutboxItem
from nephoscope.model.config import Channel
from nephoscope.model.errors import Reason
from nephoscope.model.rule import Comparison, Rule, Threshold
from nephoscope.model.series import Gap, Inventory, Readings, SeriesRequest
from nephoscope.model.time import MINUTE
from nephoscope.ports import Put, Row, Table
from nephoscope.stores.records import encode

# --- 12: late, disordered, doubled, revised --------------------------------------------------------------------------

SETTLE = 10
"""Minutes after the last late point: the longest evaluation range and what is read again with it."""


def late_points(table: Table, seed: int, **more: Any) -> Outcome:
    """Each point comes up to five minutes after it should be final, some not at all for a while, some are revised; what
    is read twice is the same. The end is that of a world in which all were known in time."""
    chance, outcome = a_chance(seed), Outcome()
    with one_after_the_other(seed):
        world = a_life(table, **more)
        course = random_course(chance, 24, world.machines)
        calm = {place for place in course if place[1] < 3}
        world.course = {
            place: measured if place in calm else _late(chance, place[1], measured[-1][1])
            for place, measured in course.items()
        }
        for name in world.machines:  # and then nothing is late any more
            world.course |= steady(" ".join(["95" if seed % 2 else "10"] * SETTLE), name, start=24)
        for minute in range(3, 24 + SETTLE + 2):
            world.collect(minute)
        world.faults += sum(len(measured) for measured in world.course.values())
        world.settle(24 + SETTLE + 2)
        outcome.add(world, world.violations(3, 24 + SETTLE + 2, exact=False))
    return outcome


def _late(chance: Any, minute: int, value: float) -> Measured:
    known = START + MINUTE * (minute + 1 + chance.randrange(0, 8))
    if chance.random() < 0.3:
        wrong = chance.choice([0.05, 0.85, 0.97])
        return ((known - 2 * MINUTE, wrong), (known, value))
    return ((known, value),)


PLAIN = replace(HOT, name="plain", clear=None)
"""Without hysteresis a state follows from one window alone."""

BEFORE, COVERED, THEN = 9, 14, 26
"""Minutes: the last run before the first point arrives; the last whose evaluation range reaches back over all five;
and when the machine has been measured in time again for a while."""


def all_orders(table: Table, seed: int, **more: Any) -> Outcome:
    """Five points come late, one a minute, in each of the 120 orders. As soon as all are there the plain rule's state
    is the same in each; and once the machine is measured in time again, every rule's. seed: which of the five breach,
    and what comes after them."""
    outcome, patterns = Outcome(), ["95" if seed >> bit & 1 else "10" for bit in range(5)]
    after = "95" if seed & 32 else "10"
    with one_after_the_other(seed):
        for order in permutations(range(5)):
            world = a_life(table, machines=("i-a",), **more)
            world.reconfigure(0, living_config(world.config.channels, (PLAIN, HOT)))
            world.course = steady("10 " * 5) | steady(f"{after} " * 14, start=12)
            for place, turn in enumerate(order):
                known = START + MINUTE * (BEFORE + 1 + turn)
                world.course["i-a", 5 + place] = ((known, float(patterns[place]) / 100),)
            for minute in range(BEFORE, COVERED + 1):
                world.collect(minute)
            note = f"{patterns} in the order {order}"
            at_once = _open(world, "plain")
            wanted = "firing" if patterns.count("95") >= 3 else None
            if set(at_once.values()) != ({wanted} - {None}):
                outcome.violations.setdefault("S", []).append(f"{note}: {at_once}, not {wanted}")
            for minute in (18, 22, THEN):
                world.collect(minute)
            world.faults += 5
            world.settle(THEN)
            outcome.add(world, world.violations(BEFORE, THEN, exact=False), note)
    outcome.more["orders"] = 120
    return outcome


def _open(world: Living, rule: str) -> dict[str, str]:
    records = Runner(world).memory.read_alerts(world.scope)
    return {key: str(r.state) for key, r in records.items() if r.rule == rule and r.state != "ok"}


# --- 13: answers in part ---------------------------------------------------------------------------------------------


@dataclass
class InPart(Provider):
    """Each read may fail, or bring only some series, some points; and says so, as the readers do. loses_machines: a
    listing with a gap may also leave some out."""

    chance: Any
    often: float = 0.5
    loses_machines: bool = False
    well: bool = False
    met: int = 0

    def inventory(self, world: Living) -> Inventory:
        whole = super().inventory(world)
        if self.well or self.chance.random() > self.often:
            return whole
        self.met += 1
        gap = Gap(world.scope, "ec2:DescribeInstances", self._reason(), affected=("instance",))
        kept = [one for one in whole.resources if not self.loses_machines or self.chance.random() < 0.5]
        return Inventory(tuple(kept), (gap,))

    def readings(self, world: Living, requests: Sequence[SeriesRequest]) -> Readings:
        if self.well or not requests or self.chance.random() > self.often:
            return super().readings(world, requests)
        self.met += 1
        operation, reason = "cloudwatch:GetMetricData", self._reason()
        match self.chance.randrange(4):
            case 0:  # nothing at all
                return Readings(gaps=(Gap(world.scope, operation, reason),))
            case 1:  # nothing of one machine
                kept, lost = requests[:-1], requests[-1]
                gap = Gap(world.scope, operation, reason, affected=(CPU,), resource_ids=(lost.resource_id,))
                return replace(super().readings(world, kept), gaps=(gap,))
            case 2:  # some points of each, and the rest unknown
                return Readings(tuple(self._some_points(world, request) for request in requests))
            case _:  # a series without any point, of which nobody knows whether there are some
                return Readings(tuple(series_of(request, [], complete=False) for request in requests))

    def _some_points(self, world: Living, request: SeriesRequest) -> Any:
        whole = self.series(world, request, world.now)
        points = [each for each in zip(whole.times, whole.values, strict=True) if self.chance.random() < 0.6]
        return series_of(request, points, complete=False)

    def _reason(self) -> Reason:
        return self.chance.choice([Reason.THROTTLED, Reason.DENIED, Reason.TIMEOUT, Reason.PARTIAL, Reason.MALFORMED])


def answers_in_part(table: Table, seed: int, *, loses_machines: bool = False, **more: Any) -> Outcome:
    """What could not be read is unknown, never absent and never good: all transitions are those of a world in which
    everything was read, only later."""
    chance, outcome = a_chance(seed), Outcome()
    with one_after_the_other(seed):
        world = a_life(table, **more)
        world.course = random_course(chance, 24, world.machines)
        provider = InPart(chance, chance.choice([0.3, 0.7, 0.95]), loses_machines)
        world.collect(3)
        world.provider = provider
        for minute in range(4, 22):
            world.collect(minute)
        provider.well = True
        world.faults += provider.met
        world.settle(24)
        outcome.add(world, world.violations(3, 24))
    return outcome


# --- 14: numbers that are none ---------------------------------------------------------------------------------------


@dataclass
class Nonsense(Provider):
    """For a while some values are no numbers. What a reader cannot take for a number at all (nulls, strings) it says is
    unknown; what is a float and no number reaches the plan."""

    chance: Any
    well: bool = False
    met: int = 0

    def series(self, world: Living, request: SeriesRequest, now: float, *, complete: bool = True) -> Any:
        whole = super().series(world, request, now)
        if self.well:
            return whole
        values = [self._odd(value) for value in whole.values]
        return series_of(request, zip(whole.times, values, strict=True))

    def _odd(self, value: float) -> float:
        if self.chance.random() < 0.6:
            return value
        self.met += 1
        return self.chance.choice([math.nan, math.inf, -math.inf])


def no_numbers(table: Table, seed: int, **more: Any) -> Outcome:
    chance, outcome = a_chance(seed), Outcome()
    with one_after_the_other(seed):
        world = a_life(table, **more)
        world.course = random_course(chance, 24, world.machines)
        provider = Nonsense(chance)
        world.collect(3)
        world.provider = provider
        for minute in range(4, 22):
            world.collect(minute)
        provider.well = True
        world.faults += provider.met
        world.settle(24)
        stored = [row.data for row in world.table.query(world.scope.key, "")]
        outcome.add(world, world.violations(3, 24))
        if any(word in json.dumps(stored) for word in ("NaN", "Infinity")):
            outcome.violations.setdefault("S", []).append("a number that is none is remembered")
    return outcome


# --- 15: rows that nobody can read -----------------------------------------------------------------------------------

POISON: tuple[dict[str, Any], ...] = (
    {},
    {"notification": None},
    {"notification": {"id": "x"}, "created_at": "yesterday"},
    {"notification": [], "status": "ready", "created_at": -1},
    {"status": "on fire", "rev": "one", "created_at": 1e308},
    {"notification": {"id": 1, "kind": "fired", "severity": "worst"}, "lease_until": {}},
    {"unreadable": "\x00\ud800 <!channel>"},
    {"created_at": True, "attempts": [1, 2, 3]},
)


def poison(table: Table, seed: int, **more: Any) -> Outcome:
    """Among what is owed stand rows that no version understands, some of them in the very place of a message that
    follows. The others are told in the same run; the poison is set aside after a quarter of an hour, and somebody is
    told of it."""
    chance, outcome = a_chance(seed), Outcome()
    world, keys = a_world(table, **more), [f"k{number}" for number in range(4)]
    count = chance.randrange(1, 6)
    for number in range(count):
        sk = f"O#{chance.choice([*keys, 'zz', '!'])}#{number + 50:010d}#{chance.choice(['chat', 'oncall', 'gone'])}"
        data = {**chance.choice(POISON), **_broken_item(chance, world)}
        world.table.transact([Put(Row(world.scope.key, sk, 1, data), None)])
    memory = owe_many(world, keys, slot=2, channels=("chat", "oncall"))
    report = Process(world).deliver()
    if len([a for a in world.arrivals if a.channel in ("chat", "oncall")]) != 4 * 2 * 2:
        outcome.violations["L"] = ["poison has held something up"]
    if report.unreadable != count:
        outcome.violations["X"] = [f"{report.unreadable} of {count} were said to be unreadable"]
    for _ in range(3):
        world.now += 1000
        Process(world).deliver()
    told = [a for a in world.arrivals if a.channel == "last-resort"]
    left = [row.sk for row in memory.read_unreadable(world.scope) if row.sk.startswith("O#")]
    if len(told) != count or left:
        outcome.violations.setdefault("L", []).append(f"{count} poisoned, {len(told)} told, {left} left")
    world.faults += count
    outcome.add(world, checked(world, 2, keys))
    return outcome


def _broken_item(chance: Any, world: Any) -> dict[str, Any]:
    """Half of them are a true item with one field gone wrong."""
    if chance.random() < 0.5:
        return {}
    (notification,) = a_commit("zz", 1, channels=("chat",), scope=world.scope).notifications
    item: dict[str, Any] = encode(OutboxItem(notification, rev=1, created_at=0))
    spoiled = chance.choice(["notification", "status", "rev", "lease_until"])
    if spoiled == "notification":
        item["notification"] = {**item["notification"], "severity": "terrible"}
    else:
        item[spoiled] = {"not": "a value"}
    return item


# --- 17: rules and channels change while items are owed --------------------------------------------------------------


def edited_meanwhile(table: Table, seed: int, **more: Any) -> Outcome:
    """Every few minutes somebody edits: a channel goes, comes back, leads elsewhere; the rule's threshold changes, or
    the rule goes. All the while a receiver is down, so that something is owed."""
    chance, outcome = a_chance(seed), Outcome()
    with one_after_the_other(seed):
        world = a_life(table, **more)
        world.course = random_course(chance, 30, world.machines)
        world.collect(3)
        world.answer = dead_at(world, "chat", "unavailable")
        for minute in range(4, 28):
            if chance.random() < 0.25:
                world.reconfigure(minute, _edited(chance))
            world.collect(minute)
        world.faults += 1
        world.settle(30)
        outcome.more["edits"] = len(world.configs) - 1
        found = world.violations(3, 30)
        outcome.add(world, found)
        withdrawn = [a for a in world.arrivals if a.notification.why == "rule_withdrawn"]
        outcome.more["withdrawn"] = len(withdrawn)
    return outcome


def _edited(chance: Any) -> Any:
    channels = {"chat": Channel("chat"), "oncall": Channel("oncall"), "mail": Channel("mail")}
    for name in chance.sample(sorted(channels), chance.randrange(0, 3)):
        channels[name] = Channel(name, webhook=f"${{env:{name.upper()}}}", max_age=chance.choice([600, 86_400]))
    for name in chance.sample(sorted(channels), chance.randrange(0, 2)):
        del channels[name]
    channels["last-resort"] = Channel("last-resort", fallback=True)
    other = replace(HOT, when=Threshold(CPU, Comparison.GREATER, 0.95))
    rules: tuple[Rule, ...] = chance.choice([(HOT,), (other,), (), (HOT, replace(other, name="second"))])
    return living_config(channels, rules)
