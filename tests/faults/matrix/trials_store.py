"""Rows about the store: throttled, down, slow, its answers lost, its transactions cancelled, its expiry late.

On SQLite the faults stand between the memory and the table, and are what any adapter may raise. On DynamoDB they stand
on the wire, between the real client and the local AWS: the adapter has to understand them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import dynamo_line as wire
from dynamo_line import Fault, Line
from living_world import START, Living, Runner, one_after_the_other, steady
from trials import Outcome, a_chance, a_life
from trials_runs import FIRST, LAST, a_short_life, ended, telling_minute

from delivery_world import Process
from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.time import DAY, MINUTE
from nephoscope.ports import Delete, Row, Table
from nephoscope.stores import keys, sqlite

# --- 3: throttled, down, slow past the deadline ----------------------------------------------------------------------


def store_in_trouble(table: Table, seed: int, **more: Any) -> Outcome:
    """For some minutes each call of the store may be refused, or fail, or take longer than the run has."""
    chance, outcome = a_chance(seed), Outcome()
    with one_after_the_other(seed):
        world = a_short_life(table, seed, **more)
        ill = range(chance.randrange(4, 10), chance.randrange(12, LAST))
        often = chance.choice([0.1, 0.3, 1.0])
        for minute in range(FIRST + 1, LAST):
            runner = Runner(world.at(minute))
            if minute in ill:
                _sicken(runner, chance, often)
            runner.collect(START + MINUTE * minute)
        ended(world, outcome)
    return outcome


def _sicken(process: Process, chance: Any, often: float) -> None:
    """Nothing of what fails here was written; lost answers are row 4's."""
    step, reasons = process.step, (Reason.THROTTLED, Reason.UNAVAILABLE, Reason.TIMEOUT)

    def ill(act: Callable[[], Any]) -> Any:
        if act.__qualname__.startswith("_ProcessTable") and chance.random() < often:
            process.world.faults += 1
            process.world.now += chance.choice([0.0, 0.0, 5.0, 55.0])
            raise StoreError(operation="call", reason=chance.choice(reasons))
        return step(act)

    process.step = ill  # type: ignore[method-assign]


def dynamodb_in_trouble(line: Line, seed: int, **more: Any) -> Outcome:
    """The same on the wire: throttled, 500 and 503, cut off, hung past the client's patience; written or not."""
    kinds = [wire.THROTTLED, wire.CUT, wire.LOST, wire.INTERNAL, wire.INTERNAL_APPLIED, wire.UNAVAILABLE]
    if seed % 5 == 0:  # each costs the client's patience in real time
        kinds = [wire.HUNG, *kinds * 5]
    return _on_the_wire(line, seed, kinds, **more)


def _on_the_wire(line: Line, seed: int, kinds: Sequence[Fault], operations: Sequence[str] = (), **more: Any) -> Outcome:
    chance, outcome = a_chance(seed), Outcome()
    often = chance.choice([0.15, 0.4, 0.8])
    with one_after_the_other(seed):
        world = a_short_life(line.table, seed, **more)
        for minute in sorted({telling_minute(world, n) for n in range(4)}):
            line.fail([chance.choice(kinds) if chance.random() < often else None for _ in range(200)], *operations)
            Runner(world.at(minute)).collect(START + MINUTE * minute)
            world.faults += len(line.hits)
            line.fail([])
        ended(world, outcome)
    return outcome


# --- 4: applied, and the answer lost ---------------------------------------------------------------------------------


def each_answer_lost(table: Table, seed: int, **more: Any) -> Outcome:
    """The answer to the first transaction of a run is lost, then that to the second, and so on: before it was done, and
    after."""
    outcome, number, which = Outcome(), 0, ("before", "after")[seed % 2]
    with one_after_the_other(seed):
        while True:
            world = a_short_life(table, seed, **more)
            minute = telling_minute(world, seed)
            runner = _Losing(world.at(minute), number, which)
            runner.collect(START + MINUTE * minute)
            ended(world, outcome, f"transaction {number}, {which}")
            if runner.left >= 0:
                break
            number += 1
            outcome.more["points"] += 1
    return outcome


class _Losing(Runner):
    def __init__(self, world: Living, number: int, which: Any) -> None:
        super().__init__(world)
        self.left, self._which = number, which

    def step(self, act: Callable[[], Any]) -> Any:
        if ".transact." in act.__qualname__:
            if self.left == 0:
                self.lose = self._which
            self.left -= 1
        return super().step(act)


def each_answer_lost_on_the_wire(line: Line, seed: int, *, every: int = 1, **more: Any) -> Outcome:
    """The same through the real client: what was written is cut off, and the call is repeated under its own token."""
    outcome, number = Outcome(), seed % every
    writes = ("TransactWriteItems", "PutItem", "DeleteItem")
    fault = (wire.CUT, wire.LOST)[seed % 2]
    with one_after_the_other(seed):
        while True:
            world = a_short_life(line.table, seed, **more)
            minute = telling_minute(world, seed)
            line.fail([*[None] * number, fault], *writes)
            Runner(world.at(minute)).collect(START + MINUTE * minute)
            met = bool(line.hits)
            world.faults += met
            line.fail([])
            ended(world, outcome, f"write {number}")
            if not met:
                break
            number += every
            outcome.more["points"] += 1
    return outcome


# --- 5: conflicts ----------------------------------------------------------------------------------------------------

CONFLICTS = (
    wire.cancelled("TransactionConflict"),
    wire.cancelled("None", "TransactionConflict"),
    wire.cancelled("TransactionConflict", "ThrottlingError"),
    wire.cancelled("ProvisionedThroughputExceeded", "TransactionConflict", "None"),
    wire.cancelled("None", "ThrottlingError"),
    Fault("TransactionInProgressException", applied=True),
    Fault("TransactionConflictException"),
)
"""Nothing was written, or (in progress) it is being written; a repetition settles it."""


def conflicts(line: Line, seed: int, **more: Any) -> Outcome:
    return _on_the_wire(line, seed, CONFLICTS, ("TransactWriteItems", "PutItem", "DeleteItem"), **more)


def busy_file(folder: Path, seed: int, **more: Any) -> Outcome:
    """SQLite's own conflict: another process holds the file's lock for longer than a writer waits."""
    chance, outcome = a_chance(seed), Outcome()
    path = str(folder / f"busy-{seed}.db")
    with one_after_the_other(seed), closing(sqlite.open_table(path)) as table, closing(_other(path)) as other:
        table._connection.execute("PRAGMA busy_timeout = 5")
        world = a_short_life(table, seed, **more)
        for minute in range(FIRST + 1, LAST):
            held = chance.random() < 0.4
            if held:
                other.execute("BEGIN IMMEDIATE")
                world.faults += 1
            Runner(world.at(minute)).collect(START + MINUTE * minute)
            if held:
                other.execute("ROLLBACK")
        ended(world, outcome)
    return outcome


def _other(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


# --- 19: what has expired still stands, or only in part --------------------------------------------------------------


def expired_and_still_there(table: Table, seed: int, **more: Any) -> Outcome:
    """Forty days go by. Of what has expired, the store has dropped some rows (seed decides) and not the others; then
    the alert fires again."""
    chance, outcome = a_chance(seed), Outcome()
    world = a_life(table, machines=("i-a",), **more)
    hot = "10 10 10 95 95 95 95 95 10 10 10 10"
    days = chance.choice([9, 22, 40, 100])
    later = days * DAY // MINUTE
    with one_after_the_other(seed):
        world.course = steady(hot) | steady(hot, start=later)
        for minute in range(FIRST, 14):
            world.collect(minute)
        world.at(later)
        outcome.more["expired"] = len(_expired(world))
        share = (0.0, 0.5, 1.0)[seed % 3]
        for row in _expired(world):
            if chance.random() < share:
                world.table.transact([Delete(row.pk, row.sk, None)])
                if row.sk.startswith(keys.RECEIPTS):
                    world.forgotten_receipts.add(row.sk.removeprefix(keys.RECEIPTS))
        told = len(world.arrivals)
        for minute in range(later + FIRST, later + 14):
            world.collect(minute)
        world.settle(later + 14)
        fresh = [a.notification for a in world.arrivals[told:] if a.channel == "chat"]
        if [n.firing for n in fresh] != [True, False]:
            outcome.violations["L"] = [f"after {days} days {len(fresh)} messages instead of a fire and its end"]
        outcome.add(world, world.violations(FIRST, 14, exact=False))
    return outcome


def _expired(world: Living) -> list[Row]:
    rows = world.table.query(world.scope.key, "")
    return [row for row in rows if row.expires_at is not None and row.expires_at < world.now]
