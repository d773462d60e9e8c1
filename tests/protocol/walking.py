"""Random walks along the model, each step also taken by the product's own code; what both remember must be alike.

The walk decides what happens (faults, and whose turn it is), the code decides what it does: where the model has a
choice, the code's next input or output takes it, and one that the model does not have is a failure.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from alert_records import a_notification
from delivery_explorer import Step, render
from delivery_faults import OLD_CLAIM, VERBS, Label, Move
from delivery_moves import Protocol
from delivery_state import (
    ABOUT,
    ARRIVED,
    FENCE,
    ITEM_BYTES,
    LEFT,
    PC,
    REV,
    STATUS,
    TAKEN,
    VER,
    Pc,
    Row,
)
from delivery_world import World
from delivery_writes import LOOK, LOOK_LOST, Kind
from nephoscope.model.alert import Owed, alert_key
from nephoscope.pipeline.notices import DELIVERY_RULE
from nephoscope.ports import Delete
from nephoscope.ports import Row as TableRow
from nephoscope.stores import keys
from real_runs import ALERT, Pending, RealRun

CHANNELS = ("chat", "oncall")
MINUTE = 61.0
LOOKS = frozenset(LOOK.values()) | frozenset(LOOK_LOST.values())
READS = {"reads the alert": "alert", "reads what is owed": "owed", "looks at its lease": "answered", "sends": "send"}


@dataclass
class Walk:
    """protocol: the model's right one. world: a partition of its own. taken: moves by verb and outcome."""

    protocol: Protocol
    world: World
    chance: random.Random
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        setting = self.protocol.setting
        self.channels = CHANNELS[: setting.channels]
        self.state = self.protocol.first()
        self.trace: list[Step] = []
        self.flying: RealRun | None = None
        self.places = self._places()
        self.ids: dict[str, int] = {}
        self.begun = self.forgotten = 0
        self.runs = [self._new_run(worker) for worker in range(len(setting.workers))]

    def _places(self) -> dict[str, int]:
        """Where each message and each notice about one stands among the owed; notices without their seq."""
        layout, places = self.protocol.layout, {}
        for number in range(layout.messages):
            seq, channel = divmod(number, layout.channels)
            message = a_notification(ALERT, seq + 1, self.channels[channel])
            places[keys.owed_row(message)] = number
            places[alert_key(DELIVERY_RULE, self.world.scope, message.id)] = number + layout.messages
        return places

    def number(self, place: str) -> int:
        owed = keys.OWED + place.removeprefix(keys.DEAD).removeprefix(keys.OWED)
        return self.places.get(owed, self.places.get(owed.split("#")[1], -1))

    # --- walking -------------------------------------------------------------------------------------------------

    def go(self, most: int) -> None:
        """So many moves, or until everything has come to rest. Raises AssertionError with the way there."""
        try:
            while len(self.trace) < most and (moves := self.protocol.moves(self.state)):
                self._one(moves)
        finally:
            for run in self.runs:
                run.kill()

    def _one(self, moves: list[Move]) -> None:
        """First whatever the model takes for nothing, then one of the moves that the code is ready for."""
        for worker, run in enumerate(self.runs):
            if self._is_nothing(worker, run.pending) or (self._is_idle(worker) and self.chance.random() < 0.2):
                self._pass(worker, run)
                return
        possible = [move for move in moves if self._is_ready(move[0])]
        self._require_an_answer(moves, possible)
        removed = [move for move in possible if move[0].verb == VERBS[Kind.GIVE_UP] and self._carries(move[0].worker)]
        possible = removed or possible  # at once, while the model's allowance still has a fault for it
        dear = [move for move in possible if move[1][LEFT] < self.state[LEFT]]
        free = [move for move in possible if move[1][LEFT] == self.state[LEFT]]
        if dear and (not free or self.chance.random() < 0.12):
            kind = self.chance.choice(sorted({label[1::2] for label, _ in dear}))  # else most would be killings
            free = [move for move in dear if move[0][1::2] == kind]
        if free:
            self._take(*self.chance.choice(free))
            self._compare()

    def _is_ready(self, label: Label) -> bool:
        if label.worker < 0 or label.verb == "is killed":
            return True
        if label.verb in ("has no time left", "does not notice that a minute passes"):
            return label.verb != "has no time left"
        run = self.runs[label.worker]
        pending = run.pending
        if label.verb in READS:
            item = -1 if label.verb.startswith("reads") else label.item
            return pending.kind == READS[label.verb] and (item < 0 or self.number(pending.place) == item)
        if label.verb.startswith("reads whether"):
            return pending.kind == "look"
        if pending.write is None or not self._of(pending, label.item):
            return False
        old = pending.write is Kind.CLAIM and self._pc(label.worker) == Pc.CARRY and run.since < self.world.now
        return label.verb == (OLD_CLAIM if old else VERBS[pending.write])

    def _carries(self, worker: int) -> bool:
        return self._pc(worker) == Pc.CARRY

    def _of(self, pending: Pending, item: int) -> bool:
        return item < 0 or self.number(pending.place) == item

    def _require_an_answer(self, moves: list[Move], possible: list[Move]) -> None:
        """Every run must be about to do something that the model's worker may do."""
        for worker, run in enumerate(self.runs):
            mine = {label.verb for label, _ in possible if label.worker == worker} - {"is killed"}
            theirs = {(label.verb, label.item) for label, _ in moves if label.worker == worker}
            if not mine and not self._is_idle(worker):
                raise AssertionError(self._story(f"run {worker} is about to {run.pending}; the model: {theirs}"))

    # --- what the model takes for nothing ------------------------------------------------------------------------

    def _is_nothing(self, worker: int, pending: Pending) -> bool:
        pc = self._pc(worker)
        match pending.kind:
            case "ended":
                return True
            case "answered":
                return pc != Pc.HELD
            case "look":
                return pc not in LOOKS
            case "alert" | "owed":
                return pc == Pc.CARRY
        return False

    def _is_idle(self, worker: int) -> bool:
        """It is about to read what the model knows to be of no use."""
        if self._pc(worker) != Pc.IDLE:
            return False
        match self.runs[worker].pending.kind:
            case "alert":
                return self.state[TAKEN] == self.protocol.setting.transitions
            case "owed":
                return not self.protocol.heads(self.protocol.owing(self.state))
        return False

    def _pass(self, worker: int, run: RealRun) -> None:
        """Reads that find nothing to do or only word an error; and a run that leaves the rest to the next one."""
        if run.pending.kind in ("ended", "owed", "alert") and self._pc(worker) == Pc.CARRY:
            self._note(Label(worker, "has no time left"), self.protocol.idle(self.state, worker))
            return
        if run.pending.kind == "ended":
            if self._pc(worker) != Pc.IDLE:
                raise AssertionError(self._story(f"run {worker} has ended; the model is at {self._pc(worker)!r}"))
            self.runs[worker] = self._new_run(worker)
        else:
            run.turn()

    def _new_run(self, worker: int) -> RealRun:
        setting = self.protocol.setting
        evaluates = setting.workers[worker] == "r" and self.chance.random() < 0.8
        until = self.chance.randint(1, setting.transitions) if evaluates else 0
        run = RealRun(self.world, until, self.begun, self.channels)
        run.start()
        return run

    # --- one move ------------------------------------------------------------------------------------------------

    def _take(self, label: Label, after: bytes) -> None:
        before = self.state
        self._note(label, after)
        if label.worker < 0:
            self._happen(label, before)
            return
        run = self.runs[label.worker]
        if self._pc(label.worker) in (Pc.IDLE, Pc.CARRY):
            run.behind = run.ahead = 0.0  # the clocks are put right before it goes for the next message
        run.known.removed = self.protocol.setting.gives_up and after[LEFT] > 0 and self.chance.random() < 0.05
        if label.verb == "is killed":
            run.kill()
            self.runs[label.worker] = self._new_run(label.worker)
        elif label.verb == "does not notice that a minute passes":
            self.world.now += MINUTE
            run.behind += MINUTE
        else:
            if label.outcome == "lost, under way":
                self.flying = run
            run.turn(label.outcome)

    def _happen(self, label: Label, before: bytes) -> None:
        scope, table = self.world.scope, self.world.table
        if label.verb == "a minute passes":
            self.world.now += MINUTE
        elif label.verb.startswith("a late write arrives"):
            assert self.flying is not None
            done = table.transact(self.flying.flying.pop()) == "done"
            assert done == (label.outcome == "done"), self._story(f"the late write: {done}")
        elif label.verb == "the receipts run out":
            self._delete(keys.RECEIPTS)
        elif label.verb == "the tombstone runs out":
            self._delete(keys.STATES)
            self.begun, self.forgotten = before[TAKEN], len(self.world.arrivals)
            for run in self.runs:
                run.begun = self.begun
        else:
            raise AssertionError(f"{label} in {scope}")

    def _delete(self, prefix: str) -> None:
        rows = self.world.table.query(self.world.scope.key, prefix)
        self.world.table.transact([Delete(row.pk, row.sk, row.ver) for row in rows])

    def _note(self, label: Label, after: bytes) -> None:
        self.state = after
        self.trace.append(Step(label, after))
        self.taken[label.verb, label.outcome] += 1

    def _pc(self, worker: int) -> int:
        return self.state[self.protocol.workers[worker] + PC]

    # --- what both remember --------------------------------------------------------------------------------------

    def _compare(self) -> None:
        real, model = self.real(), self.model()
        if real != model:
            differing = {name: (real.get(name), model.get(name)) for name in real.keys() | model.keys()}
            words = [f"{name}: real {r}, model {m}" for name, (r, m) in sorted(differing.items()) if r != m]
            raise AssertionError(self._story("; ".join(words)))

    def model(self) -> dict[str, object]:
        """The state's abstract form: what is remembered of the alert and of each message."""
        s, layout = self.state, self.protocol.layout
        found: dict[str, object] = {"alert": (s[VER], s[TAKEN]) if s[VER] else None}
        for number, base in enumerate(layout.item_bases):
            item = s[base : base + ITEM_BYTES]
            status = Row(item[STATUS])
            if item[ARRIVED]:
                found[f"arrived: {layout.name(number)}"] = item[ARRIVED]
            if status in (Row.READY, Row.LEASED, Row.LAPSED, Row.DEAD):
                about = item[ABOUT] if number < layout.messages else None
                found[layout.name(number)] = (status.name, item[REV], item[FENCE], about)
            elif status is Row.RECEIPT:
                found[layout.name(number)] = (status.name, item[FENCE])
        return found

    def real(self) -> dict[str, object]:
        """The same of the store's rows and the receivers."""
        layout = self.protocol.layout
        state, owed, dead, receipts = map(self._rows, (keys.STATES, keys.OWED, keys.DEAD, keys.RECEIPTS))
        found: dict[str, object] = {"alert": (state[0].ver, state[0].data["watermark"]) if state else None}
        for row in (*owed, *dead):
            number, told = self.number(row.sk), dict[str, Any](row.data["notification"])  # type: ignore[call-overload]
            self.ids[told["id"]] = number
            about = told["at"] if number < layout.messages else None
            found[layout.name(number)] = (self._status(row), row.ver, row.data["fence"], about)
        for arrival in self.world.arrivals[self.forgotten :]:
            name = f"arrived: {layout.name(self.ids[arrival.notification.id])}"
            found[name] = int(str(found.get(name, 0))) + 1
        for row in receipts:
            found[layout.name(self.ids[row.sk.removeprefix(keys.RECEIPTS)])] = ("RECEIPT", row.data["fence"])
        return found

    def _rows(self, prefix: str) -> Sequence[TableRow]:
        return self.world.table.query(self.world.scope.key, prefix)

    def _status(self, row: TableRow) -> str:
        leased = row.data["status"] == Owed.LEASED
        return (
            "LAPSED"
            if leased and float(str(row.data["lease_until"])) <= self.world.now
            else str(row.data["status"]).upper()
        )

    def _story(self, problem: str) -> str:
        return "\n".join([problem, *render(self.trace, self.protocol.layout)])
