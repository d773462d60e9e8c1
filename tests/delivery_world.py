"""A small world for the delivery protocol: processes that can be killed, frozen and misled, receivers that count.

Each input or output of a process (one call of the store, one message to a receiver) is a step. Between two steps the
world may do something to the process; within a step it may lose the answer. An explorer lets several processes run
step by step, in an order that a seed decides. What must hold at the end is in delivery_checks, and nowhere else.

The alert is as simple as can be: at each data time 1, 2, 3, ... it changes sides. A run makes up for the times that
its record has not seen, in order, like the real one. So the history is known beforehand: version n is of data time n.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from alert_records import a_commit
from delivery_checks import check, made_by_hand, made_of
from nephoscope.app.deliver import DeliveryReport, deliver
from nephoscope.model.alert import AlertState, Notification
from nephoscope.model.config import Channel, Config, Gather, PublishCloudWatch
from nephoscope.model.errors import DeliveryError, Reason, StoreError
from nephoscope.model.scope import Scope
from nephoscope.model.time import Deadline
from nephoscope.ports import Row, Table, Write
from nephoscope.stores.memory import Committed, Memory

CHANNELS = ("chat", "oncall")
BUDGET = 12
"""Tries of one message, however long its receiver is in trouble."""


class Killed(BaseException):
    """The process is gone. No `except Exception` of the product may notice."""


def a_config(*channels: Channel) -> Config:
    known = channels or (Channel("chat"), Channel("oncall"), Channel("last-resort", fallback=True))
    publish = PublishCloudWatch("eu-west-1", "acme")
    return Config("acme", Gather(), publish, channels={channel.name: channel for channel in known})


@dataclass(frozen=True)
class Arrival:
    """at: the true time."""

    channel: str
    notification: Notification
    at: float = 0.0


Answer = Callable[[Notification, int], DeliveryError | Literal["reset"] | None]
"""What a receiver does with a message, knowing how many came before it (in all): None takes it, an error refuses it,
"reset" takes it and cuts the connection."""


@dataclass
class World:
    """Shared by all processes. now: the true time, for both clocks of every process.

    believed: what runs were told that they had committed. faults: what was done to the world that may make a copy.
    tries: notification id -> times that it was sent. budget: of tries, for each message. unhandled: exceptions that a
    run did not expect. forgotten_receipts: ids of those that a test has taken away, as the store may when their time
    is over.
    """

    table: Table
    scope: Scope
    config: Config = field(default_factory=a_config)
    answer: Answer = lambda _notification, _number: None
    now: float = 4_000_000_000.0
    arrivals: list[Arrival] = field(default_factory=list)
    believed: list[tuple[str, int, int]] = field(default_factory=list)
    faults: int = 0
    memory_class: type[Memory] = Memory
    tries: Counter[str] = field(default_factory=Counter)
    budget: int = BUDGET
    unhandled: list[str] = field(default_factory=list)
    forgotten_receipts: set[str] = field(default_factory=set)
    runs: int = 0


class Process:
    """One run of nephoscope. gate(): called before and after each step; may raise Killed."""

    def __init__(self, world: World, gate: Callable[[], None] = lambda: None, skew: float = 0.0) -> None:
        self.world = world
        self.gate = gate
        self.skew = skew
        world.runs += 1
        self.dead = False
        self.lose: Literal["", "before", "after"] = ""
        self.memory = world.memory_class(_ProcessTable(self), self)
        self.run_id = f"run-{id(self)}-{random.getrandbits(40)}"

    def wall(self) -> float:
        return self.world.now + self.skew

    def monotonic(self) -> float:
        return self.world.now

    def sleep(self, seconds: float) -> None:
        self.world.now += seconds

    def step(self, act: Callable[[], Any]) -> Any:
        self._pass()
        self.world.now += 0.01
        result = act()
        self._pass()
        return result

    def _pass(self) -> None:
        if not self.dead:
            try:
                self.gate()
            except Killed:
                self.dead = True
        if self.dead:
            raise Killed

    def send(self, notification: Notification, deadline: Deadline) -> None:
        if deadline.remaining <= 0:
            raise DeliveryError(destination="receiver", reason=Reason.DEADLINE)
        self.step(lambda: self._arrive(notification))

    def _arrive(self, notification: Notification) -> None:
        world = self.world
        world.tries[notification.id] += 1
        answer = world.answer(notification, len(world.arrivals))
        if answer is None or answer == "reset":
            world.arrivals.append(Arrival(notification.channel, notification, world.now))
        if answer == "reset":
            world.faults += 1
            raise DeliveryError(destination="receiver", reason=Reason.UNAVAILABLE, detail="the connection was cut")
        if answer is not None:
            raise answer

    def run(self, slot: int, keys: Sequence[str] = ("a1",), channels: tuple[str, ...] = CHANNELS) -> DeliveryReport:
        """Evaluate up to the slot, then deliver."""
        with suppress(StoreError):  # this run has failed; the next makes up for it
            self.evaluate(slot, keys, channels)
        return self.deliver()

    def evaluate(self, slot: int, keys: Sequence[str] = ("a1",), channels: tuple[str, ...] = CHANNELS) -> None:
        records = self.memory.read_alerts(self.world.scope)
        for key in keys:
            seen, ver = (records[key].watermark, records[key].ver) if key in records else (0, 0)
            for at in range(seen + 1, slot + 1):
                ver += 1
                state = AlertState.FIRING if at % 2 else AlertState.OK
                commit = a_commit(key, ver, state, channels, self.run_id, self.world.scope, at)
                if self.memory.commit(commit) is Committed.LOST:
                    break
                self.world.believed.append((key, commit.record.ver, at))

    def deliver(self, seconds: float = 50.0) -> DeliveryReport:
        deadline = Deadline(self.monotonic() + seconds, self.monotonic)
        world = self.world
        chance = random.Random(7).random  # noqa: S311 - a seed, not a secret
        return deliver(
            self.memory, [world.scope], lambda _name: self, world.config, self, deadline,
            chance=chance, sleep=self.sleep, workers=1,
        )  # fmt: skip


class _ProcessTable:
    """The world's table as one process reaches it. A lost answer is a fault of the world."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def get(self, pk: str, sk: str) -> Row | None:
        return self._process.step(lambda: self._process.world.table.get(pk, sk))

    def query(self, pk: str, prefix: str, **options: Any) -> Sequence[Row]:
        return self._process.step(lambda: self._process.world.table.query(pk, prefix, **options))

    def transact(self, writes: Sequence[Write]) -> Literal["done", "conflict"]:
        return self._process.step(lambda: self._transact(writes))

    def _transact(self, writes: Sequence[Write]) -> Literal["done", "conflict"]:
        process = self._process
        lose, process.lose = process.lose, ""
        lost = StoreError(operation="transact", reason=Reason.TIMEOUT, ambiguous=True)
        if lose:
            process.world.faults += 1
        if lose == "before":
            raise lost
        result = process.world.table.transact(writes)
        if lose == "after":
            raise lost
        return result


# --- what must hold -----------------------------------------------------------------------------------------------


def violations(world: World, slot: int, keys: Sequence[str] = ("a1",)) -> list[str]:
    """What the protocol promises, checked against the store and the receivers; empty when all of it was kept."""
    found = check(world, made_of(world, keys), made_by_hand(slot, keys))
    return [words for letter in found.values() for words in letter]


def settle(world: World, slot: int, keys: Sequence[str] = ("a1",), channels: tuple[str, ...] = CHANNELS) -> None:
    """Fresh runs until nothing is owed, minutes and hours apart: whatever happened, somebody takes it up."""
    for _ in range(12):
        world.now += 1200
        report = Process(world).run(slot, keys, channels)
        if not report.owed:
            return


# --- killing at a step --------------------------------------------------------------------------------------------


def killer(at: int) -> Callable[[], None]:
    """Passes `at` gates, then kills. Each step has two: before and after."""
    passed = iter(range(at))

    def gate() -> None:
        if next(passed, None) is None:
            raise Killed

    return gate


def run_killed(
    world: World, at: int, act: Callable[[Any], Any], skew: float = 0.0, of: type[Process] = Process
) -> bool:
    """Whether the process was killed before it ended by itself."""
    process = of(world, killer(at), skew)
    try:
        act(process)
    except Killed:
        world.faults += 1
        return True
    return False


# --- exploring orders ---------------------------------------------------------------------------------------------


class Stepped:
    """A process whose every step waits for its turn."""

    def __init__(self, world: World, act: Callable[[Any], Any], of: type[Process] = Process) -> None:
        self.process = of(world, self._gate)
        self.killed = False
        self.ended = False
        self.failure: BaseException | None = None
        self._act = act
        self._go = threading.Semaphore(0)
        self._came = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._came.acquire()

    def turn(self) -> None:
        """One step, or its end."""
        self._go.release()
        self._came.acquire()
        if self.ended:
            self._thread.join()

    def _gate(self) -> None:
        self._came.release()
        self._go.acquire()
        if self.killed:
            raise Killed

    def _run(self) -> None:
        try:
            self._act(self.process)
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the explorer, in the test's own thread
            self.failure = error
        self.ended = True
        self._came.release()


Trouble = Callable[[random.Random, Stepped, World], None]
"""May do something to the process whose turn it is."""


def explore(
    world: World,
    acts: Sequence[Callable[[Any], Any]],
    seed: int,
    trouble: Trouble | None = None,
    of: type[Process] = Process,
) -> None:
    """Let all run at once, step by step, in an order that the seed decides."""
    chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
    alive = [Stepped(world, act, of) for act in acts]
    for stepped in alive:
        stepped.start()
    while alive := [stepped for stepped in alive if not stepped.ended]:
        stepped = chance.choice(alive)
        if trouble is not None:
            trouble(chance, stepped, world)
        stepped.turn()
        if stepped.failure is not None:
            _end_all(alive)
            raise stepped.failure


def _end_all(alive: Sequence[Stepped]) -> None:
    """Nobody is left waiting for a turn that never comes."""
    for stepped in alive:
        stepped.killed = True
        while not stepped.ended:
            stepped.turn()


def some_trouble(chance: random.Random, stepped: Stepped, world: World) -> None:
    """About one step in fifteen: killed, an answer lost, frozen for five minutes, a clock set by ten."""
    match chance.randrange(60):
        case 0:
            stepped.killed = True
        case 1:
            stepped.process.lose = chance.choice(["before", "after"])
            return  # counted when it happens
        case 2:
            world.now += 300.0
        case 3:
            stepped.process.skew += chance.choice([-600.0, 600.0])
        case _:
            return
    world.faults += 1


def moody(seed: int) -> Answer:
    """A receiver that takes most messages, and refuses, delays or cuts off the others."""
    chance = random.Random(seed)  # noqa: S311 - a seed, not a secret

    def answer(notification: Notification, number: int) -> DeliveryError | Literal["reset"] | None:
        match chance.randrange(8):
            case 0:
                return "reset"
            case 1:
                return DeliveryError(destination="r", reason=Reason.UNAVAILABLE, status=503)
            case 2:
                return DeliveryError(destination="r", reason=Reason.THROTTLED, status=429, retry_after=2.0)
        return None

    return answer
