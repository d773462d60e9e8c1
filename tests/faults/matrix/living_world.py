"""A world in which whole runs live: the real `collect`, `work` and `sweep` over a provider made of points.

Machines have a course: for each minute what was measured, and from when on the provider says so. All inputs and outputs
of a run (store, provider, receivers) are steps of delivery_world, so a run can be killed, frozen or misled at each.
What must be left in the end is known beforehand: a pure replay of all points, slot by slot, without store and faults.
"""

from __future__ import annotations

import random
import uuid
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from unittest import mock

from delivery_checks import Replay, Violations, check, memory_of
from delivery_world import Process, World, a_config
from nephoscope.app import run
from nephoscope.app.deliver import DeliveryReport, deliver
from nephoscope.app.outside import Outside
from nephoscope.app.report import RunReport
from nephoscope.app.settings import Settings
from nephoscope.catalog.loader import Catalog, load_catalog
from nephoscope.model.alert import AlertRecord
from nephoscope.model.config import Channel, Config, Gather, GatherAws
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Rule, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Inventory, Readings, Series, SeriesKey, SeriesRequest
from nephoscope.model.time import MINUTE, Deadline
from nephoscope.pipeline.need import plan_reads
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.plan import plan
from nephoscope.ports import Delete, FoundScopes, Put, Row, Table, Write, Written

START = 4_000_003_200
"""A whole hour; so far ahead that no emulator's own expiry takes a row away."""
CPU = "cpu.utilization"
HOT = Rule(
    "cpu-hot",
    Kind.INSTANCE,
    Threshold(CPU, Comparison.GREATER, 0.9),
    Window(180, 300),
    Threshold(CPU, Comparison.LESS, 0.8),
    Window(120, 120),
    tell_default=True,
)
FINAL = 3
"""Minutes after a one-minute period's start until its point is settled."""

Measured = tuple[tuple[float, float], ...]
"""(from when on the provider says so, value), the later revises the earlier."""


class Apart:
    """A table of one trial's own within a table that many use: every partition under a name of its own."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._name = uuid.uuid4().hex[:10] + "/"

    def get(self, pk: str, sk: str) -> Row | None:
        row = self._table.get(self._name + pk, sk)
        return row and self._ours(row)

    def query(self, pk: str, prefix: str, **options: Any) -> Sequence[Row]:
        return [self._ours(row) for row in self._table.query(self._name + pk, prefix, **options)]

    def transact(self, writes: Sequence[Write]) -> Literal["done", "conflict"]:
        return self._table.transact([self._theirs(write) for write in writes])

    def _ours(self, row: Row) -> Row:
        return replace(row, pk=row.pk.removeprefix(self._name))

    def _theirs(self, write: Write) -> Write:
        if isinstance(write, Put):
            return replace(write, row=replace(write.row, pk=self._name + write.row.pk))
        return Delete(self._name + write.pk, write.sk, write.expect)


@dataclass
class Living(World):
    """machines: id -> whether it has detailed monitoring. course: (machine, minute) -> what is measured and when it is
    known. rules_at: the rules by minute, where they change. provider: what a run reads; see Provider."""

    table: Table
    scope: Scope = field(default_factory=lambda: Scope(Cloud.AWS, "111111111111", "eu-west-1"))
    machines: Sequence[str] = ("i-a", "i-b")
    course: dict[tuple[str, int], Measured] = field(default_factory=dict)
    provider: Provider = field(default_factory=lambda: Provider())  # noqa: PLW0108 - defined below
    digests: set[tuple[Scope, int, str]] = field(default_factory=set)
    configs: dict[int, Config] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.config = living_config(self.config.channels)
        self.configs = {0: self.config}

    def at(self, minute: float) -> Living:
        """The true time is so many minutes after START, or later where it has gone on already."""
        self.now = max(self.now, START + MINUTE * minute)
        return self

    def reconfigure(self, minute: int, config: Config) -> None:
        self.configs[minute] = self.config = config

    def config_at(self, minute: int) -> Config:
        return self.configs[max(since for since in self.configs if since <= minute)]

    def value(self, machine: str, at: int, now: float) -> float | None:
        """What the provider says at `now` of the period that starts at `at`."""
        known = [value for since, value in self.course.get((machine, (at - START) // MINUTE), ()) if since <= now]
        return known[-1] if known else None

    def collect(self, minute: int, **more: Any) -> RunReport:
        """A run without any fault."""
        self.at(minute)
        return Runner(self, **more).collect(START + MINUTE * minute)

    def settle(self, minute: int) -> None:
        """What is left over is taken up: the run of `minute` without faults, then sweeps, for hours."""
        self.at(minute)
        self.answer = lambda _notification, _number: None
        for _ in range(3):
            report = Runner(self).collect(START + MINUTE * minute)
            if {each.ended for each in report.scopes} <= {"done", "repeated"}:
                break
        for _ in range(14):
            self.now += 1200
            if not Runner(self).sweep().owed:
                return

    def violations(self, first: int, last: int, *, exact: bool = True) -> Violations:
        """All six checkers against a replay of the slots from `first` to `last`. exact: lateness was no fault of this
        trial, so that the way must be the same, too, and not only its end."""
        return check(self, left_in_store(self, exact), replay(self, range(first, last + 1), exact))


def living_config(channels: Mapping[str, Channel], rules: Sequence[Rule] = (HOT,)) -> Config:
    gather = Gather(60, GatherAws(("eu-west-1",)))
    return replace(a_config(), gather=gather, rules=tuple(rules), channels=channels)


# --- what is read ----------------------------------------------------------------------------------------------------


class Provider:
    """Says everything that it knows at the time."""

    def inventory(self, world: Living) -> Inventory:
        return Inventory(
            tuple(machine(world.scope, name) for name in world.machines), complete=frozenset({Kind.INSTANCE})
        )

    def readings(self, world: Living, requests: Sequence[SeriesRequest]) -> Readings:
        return Readings(tuple(self.series(world, request, world.now) for request in requests))

    def series(self, world: Living, request: SeriesRequest, now: float, *, complete: bool = True) -> Series:
        said = [
            (at, value)
            for at in range(request.start, request.end, request.period)
            if (value := world.value(request.resource_id, at, now)) is not None
        ]
        return series_of(request, said, complete=complete)


def series_of(request: SeriesRequest, said: Iterable[tuple[int, float]], *, complete: bool = True) -> Series:
    points = list(said)
    key = SeriesKey(request.resource_id, request.metric)
    times, values = array("q", [at for at, _ in points]), array("d", [value for _, value in points])
    return Series(key, request.period, request.start, request.end, complete, times, values)


def machine(scope: Scope, name: str) -> Resource:
    return Resource(scope, Kind.INSTANCE, name, name, state=State.RUNNING, fine=True, observations={"state": "running"})


@dataclass
class _Reader:
    """The provider as one run reaches it: each read is a step."""

    process: Process
    world: Living

    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        return FoundScopes((self.world.scope,))

    def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
        return self.process.step(lambda: self.world.provider.inventory(self.world))

    def read_series(
        self, scope: Scope, config: Config, requests: Sequence[SeriesRequest], deadline: Deadline
    ) -> Readings:
        return self.process.step(lambda: self.world.provider.readings(self.world, requests))


class _Sink:
    """Takes whatever is published, and every dashboard."""

    def write_metrics(self, data: Sequence[Any], deadline: Deadline) -> Written:
        return Written(1, len(data))

    def write_dashboards(self, dashboards: Sequence[Any], deadline: Deadline) -> int:
        return 0


# --- who runs --------------------------------------------------------------------------------------------------------


class Runner(Process):
    """A function's process. What it reports as a fault of its own, or raises, is kept for checker X."""

    world: Living

    def outside(self) -> Outside:
        sink = _Sink()
        return Outside(
            config=self.world.config,
            settings=Settings(store="sqlite", clouds=("aws",)),
            catalog=_catalog(),
            clock=self,
            memory=self.memory,
            readers={Cloud.AWS: _Reader(self, self.world)},
            sink=sink,
            dashboards=sink,
            notifier_for=lambda _name: self,
            digests=self.world.digests,
            new_run_id=lambda: f"{self.run_id}-{uuid.uuid4().hex[:6]}",
        )

    def collect(self, slot: int) -> RunReport:
        return self._noted(run.collect(self.outside(), slot, self._deadline()))

    def work(self, slot: int) -> RunReport:
        return self._noted(run.work(self.outside(), self.world.scope, slot, self._deadline()))

    def sweep(self) -> DeliveryReport:
        return run.sweep(self.outside(), self._deadline())

    def _deadline(self) -> Deadline:
        return Deadline(self.monotonic() + 50, self.monotonic)

    def _noted(self, report: RunReport) -> RunReport:
        for each in report.scopes:
            if each.ended == "failed" and "alert memory" not in each.error:
                self.world.unhandled.append(each.error)
        return report


def _catalog() -> Catalog:
    return load_catalog()


@contextmanager
def one_after_the_other(seed: int = 7) -> Iterator[None]:
    """Deliveries of a run in one thread and with a chance that a seed decides, so that a trial can be lived again."""
    chance = random.Random(seed).random  # noqa: S311 - a seed, not a secret

    def serially(
        memory: Any, scopes: Any, notifier_for: Any, config: Any, clock: Any, deadline: Any, **more: Any
    ) -> DeliveryReport:
        sleep = clock.sleep if isinstance(clock, Process) else (lambda _seconds: None)
        more |= {"chance": chance, "sleep": sleep, "workers": 1}
        return deliver(memory, scopes, notifier_for, config, clock, deadline, **more)

    with mock.patch.object(run, "deliver", serially):
        yield


# --- what must be left -----------------------------------------------------------------------------------------------


def left_in_store(world: Living, exact: bool = True) -> Replay:
    memory = memory_of(world)
    entries = memory.read_history(world.scope, limit=10_000)[::-1]
    history: dict[str, list[tuple[Any, int]]] = {}
    for entry in entries:
        history.setdefault(entry.alert_key, []).append((str(entry.kind), entry.at - START))
    return Replay(_compared(memory.read_alerts(world.scope), exact), history if exact else None)


_REPLAYED: dict[Any, Replay] = {}
"""A trial at each of sixty gates lives one life again and again."""


def replay(world: Living, minutes: Iterable[int], exact: bool = True) -> Replay:
    """The pure plan, slot by slot, with every point known in its last revision from the beginning."""
    slots = tuple(minutes)
    told = (frozenset(world.course.items()), tuple(world.machines), repr(world.configs), slots, exact)
    if told not in _REPLAYED:
        if len(_REPLAYED) > 8:
            _REPLAYED.clear()
        _REPLAYED[told] = _replay(world, slots, exact)
    return _REPLAYED[told]


def _replay(world: Living, minutes: Iterable[int], exact: bool) -> Replay:
    remembered, history = Remembered(Progress(world.scope)), dict[str, list[tuple[Any, int]]]()
    catalog, provider = _catalog(), Provider()
    for minute in minutes:
        slot, config = START + MINUTE * minute, world.config_at(minute)
        inventory = provider.inventory(world)
        requests = plan_reads(inventory.resources, config.rules, catalog.metrics, remembered.progress, slot)
        series = tuple(provider.series(world, request, float("inf")) for request in requests)
        facts = Facts(world.scope, slot, inventory, Readings(series))
        stamp = Stamp(config.fleet, slot, "replay", slot, catalog.metrics)
        decided = plan(facts, requests, remembered, config, catalog, stamp)
        for change in decided.changes:
            if change.transition is not None:
                told = (str(change.transition.kind), change.transition.at - START)
                history.setdefault(change.commit.record.alert_key, []).append(told)
        after = {change.commit.record.alert_key: change.commit.record for change in decided.changes}
        remembered = replace(remembered, progress=decided.progress, alerts={**remembered.alerts, **after})
    return Replay(_compared(remembered.alerts, exact), history if exact else None)


def _compared(records: Mapping[str, AlertRecord], exact: bool) -> dict[str, tuple[Any, ...]]:
    """Not `ver`: how often the worst value was noted on the way depends on how many runs there were. Where lateness
    decides the way, an alert that is well is as one that never was."""
    if not exact:
        return {key: (str(record.state),) for key, record in records.items() if record.state != "ok"}
    return {key: (str(r.state), r.episode, r.fired_at, r.worst) for key, r in records.items()}


# --- courses ---------------------------------------------------------------------------------------------------------


def steady(text: str, name: str = "i-a", start: int = 0) -> dict[tuple[str, int], Measured]:
    """`10 95 _`: percent for each minute, known in time; `_` = no point."""
    return {
        (name, start + i): ((START + MINUTE * (start + i + 1), float(word) / 100),)
        for i, word in enumerate(text.split())
        if word != "_"
    }


def random_course(chance: random.Random, minutes: int, names: Sequence[str]) -> dict[tuple[str, int], Measured]:
    """Each machine is calm for a while, hot for a while, and so on; with values of its own, so that the worst tells."""
    course: dict[tuple[str, int], Measured] = {}
    for name in names:
        minute, hot = 0, False
        while minute < minutes:
            for _ in range(chance.randrange(3, 9)):
                percent = chance.randrange(91, 100) if hot else chance.randrange(1, 79)
                course |= steady(str(percent), name, minute)
                minute += 1
            hot = not hot
    return course
