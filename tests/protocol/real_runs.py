"""The product's own code, one input or output at a time, beside the model: `app/deliver.py`, `app/courier.py` and the
memory over SQLite, in threads that wait at each step until the walk along the model says what happens there."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from alert_records import a_commit
from delivery_faults import FLYING, UNWRITTEN, WRITTEN
from delivery_world import Arrival, Killed, Process, World
from delivery_writes import Kind
from nephoscope.app.deliver import deliver
from nephoscope.model.alert import AlertState, Notification
from nephoscope.model.errors import DeliveryError, Reason, StoreError
from nephoscope.model.time import Deadline
from nephoscope.ports import Put, Row, Write
from nephoscope.stores import keys
from nephoscope.stores.memory import Committed

ALERT = "a1"
DAYS = 2 * 86_400
"""More than a message may be tried."""


class Pending(NamedTuple):
    """What a run is about to do. kind: "alert", "owed", "write", "look", "send", or that it was "answered" after a
    claim, or has "ended". place: the sort key of the message's row among the owed, or of the alert."""

    kind: str
    place: str = ""
    write: Kind | None = None


class Channels(dict[str, Any]):
    """A configuration's channels, of which a person may remove one."""

    removed = False

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) and not (self.removed and name != "last-resort")


class RealRun(Process):
    """One run. until: the newest data time that there are data for; 0 = a sweeper. begun: data time that was taken in
    by the runs before (in the product: the scope's progress)."""

    def __init__(self, world: World, until: int, begun: int, channels: tuple[str, ...]) -> None:
        super().__init__(world)
        self.known = Channels(world.config.channels)
        self.config = replace(world.config, channels=self.known)
        self.memory = world.memory_class(_Table(self), self)
        self.until, self.begun, self.told = until, begun, channels
        self.behind = self.ahead = 0.0
        self.pending, self.since = Pending("ended"), world.now
        self.flying: list[Sequence[Write]] = []
        self.outcome = ""
        self.killed = False
        self.failure: BaseException | None = None
        self._go, self._came = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._work, daemon=True)

    # --- for the walk --------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()
        self._came.acquire()

    def turn(self, outcome: str = "") -> None:
        """Let it do what it is about to do, with this outcome, until it is about to do the next."""
        self.outcome = outcome
        self._go.release()
        self._came.acquire()
        if self.pending.kind == "ended":
            self._thread.join()
        if self.failure is not None:
            raise self.failure

    def kill(self) -> None:
        self.killed = True
        if self.pending.kind != "ended":
            self.turn()

    # --- in its own thread ---------------------------------------------------------------------------------------

    def wait(self, pending: Pending) -> str:
        self.pending, self.since = pending, self.world.now
        self._came.release()
        self._go.acquire()
        if self.killed:
            raise Killed
        return self.outcome

    def wall(self) -> float:
        return self.world.now - self.behind + self.ahead

    def monotonic(self) -> float:
        return self.world.now - self.behind

    def sleep(self, seconds: float) -> None:
        """It takes none of the world's time."""

    def _work(self) -> None:
        try:
            if self.until:
                with suppress(StoreError):
                    self._evaluate()
            self._deliver()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            self.failure = error
        self.pending = Pending("ended")
        self._came.release()

    def _evaluate(self) -> None:
        record = self.memory.read_alerts(self.world.scope).get(ALERT)
        taken, ver = (record.watermark, record.ver) if record else (self.begun, 0)
        for at in range(taken + 1, self.until + 1):
            ver += 1
            state = AlertState.FIRING if at % 2 else AlertState.OK
            commit = a_commit(ALERT, ver, state, self.told, self.run_id, self.world.scope, at)
            if self.memory.commit(commit) is Committed.LOST:
                break

    def _deliver(self) -> None:
        deadline = Deadline(self.monotonic() + 1e7, self.monotonic)
        world = self.world
        report = deliver(
            self.memory, [world.scope], lambda _name: self, self.config, self, deadline,
            chance=lambda: 0.0, sleep=self.sleep, workers=1,
        )  # fmt: skip
        assert not report.errors, report.errors

    def send(self, notification: Notification, deadline: Deadline) -> None:
        if deadline.remaining <= 0:
            raise DeliveryError(destination="receiver", reason=Reason.DEADLINE)
        outcome = self.wait(Pending("send", keys.owed_row(notification)))
        if outcome.startswith("taken"):
            self.world.arrivals.append(Arrival(notification.channel, notification))
        if outcome.endswith("too old"):
            self.ahead = DAYS
        if outcome != "taken":
            raise DeliveryError(destination="receiver", reason=Reason.UNAVAILABLE, detail=outcome)


class _Table:
    """The world's table; before each call its run waits."""

    def __init__(self, run: RealRun) -> None:
        self._run = run
        self._claiming = False

    def get(self, pk: str, sk: str) -> Row | None:
        self._run.wait(Pending("look", sk))
        row = self._run.world.table.get(pk, sk)
        if self._claiming:
            self._run.wait(Pending("answered", sk))
        return row

    def query(self, pk: str, prefix: str, **options: Any) -> Sequence[Row]:
        if prefix in (keys.STATES, keys.OWED):
            self._run.wait(Pending("alert" if prefix == keys.STATES else "owed"))
        return self._run.world.table.query(pk, prefix, **options)

    def transact(self, writes: Sequence[Write]) -> Literal["done", "conflict"]:
        kind, place = meaning(writes)
        self._claiming = kind is Kind.CLAIM
        outcome = self._run.wait(Pending("write", place, kind))
        lost = StoreError(operation="transact", reason=Reason.TIMEOUT, ambiguous=True)
        if outcome in (UNWRITTEN, FLYING):
            if outcome == FLYING:
                self._run.flying.append(writes)
            raise lost
        result = self._run.world.table.transact(writes)
        if outcome == WRITTEN:
            raise lost
        if self._claiming and result == "done":
            self._run.wait(Pending("answered", place))
        return result


def meaning(writes: Sequence[Write]) -> tuple[Kind, str]:
    """Which of the protocol's transactions that is, and of which row. Raises AssertionError where it is none."""
    places = [getattr(write, "sk", "") or write.row.sk for write in writes]  # type: ignore[union-attr]
    if places[0].startswith(keys.STATES):
        return Kind.COMMIT, places[0]
    if len(places) == 1 and isinstance(writes[0], Put):
        status = str(writes[0].row.data["status"])
        return {"leased": Kind.CLAIM, "ready": Kind.RELEASE}[status], places[0]
    assert places[0].startswith(keys.OWED) and len(places) > 1, f"no write of the protocol: {writes}"
    return (Kind.FINISH if places[1].startswith(keys.RECEIPTS) else Kind.GIVE_UP), places[0]
