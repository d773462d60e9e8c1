"""What is done to the runs and the store of the delivery protocol's model: killed, frozen, misled, late, forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from delivery_state import (
    ARRIVED_UNRECEIPTED,
    AWARE,
    BY,
    CLAIMING,
    EXCUSED,
    HOLDER,
    ITEM,
    LATE_A,
    LATE_C,
    LATE_KIND,
    LATE_TAG,
    LEFT,
    NOT_DUE,
    OVERDUE,
    OWED,
    PC,
    RESTARTED,
    SEEN,
    SENDING,
    STATUS,
    TAKEN,
    VER,
    Layout,
    Pc,
    Row,
)
from delivery_writes import Kind, Writes


@dataclass(frozen=True, slots=True)
class Setting:
    """workers: one letter each, r = a run that evaluates and delivers, s = a sweeper that only delivers. faults: at
    most so many in one history. gives_up: messages may become too old, or their channel may be removed. late: a write
    whose answer was lost may arrive much later. expires: receipts and tombstones run out. skewed: clocks may differ."""

    name: str
    workers: str = "rr"
    transitions: int = 2
    channels: int = 1
    faults: int = 2
    gives_up: bool = False
    late: bool = False
    expires: bool = False
    skewed: bool = False

    @property
    def layout(self) -> Layout:
        return Layout(len(self.workers), self.transitions, self.channels, self.gives_up)


class Label(NamedTuple):
    """worker: -1 = the world. item: -1 = none."""

    worker: int
    verb: str
    item: int = -1
    outcome: str = "done"


DONE, CONFLICT, UNWRITTEN, WRITTEN, FLYING = "done", "conflict", "lost, not written", "lost, written", "lost, under way"
Move = tuple[Label, bytes]

OLD_CLAIM = "claims with a lease from a minute ago"
VERBS = {
    Kind.COMMIT: "commits the next transition",
    Kind.CLAIM: "claims",
    Kind.FINISH: "puts the receipt",
    Kind.RELEASE: "gives back",
    Kind.GIVE_UP: "gives up",
}


class Faults(Writes):
    """Each takes from the setting's allowance, but for what nobody can help: time passes, rows run out."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting.layout)
        self.setting = setting

    def own_writes_are_over(self, b: bytearray, worker: int) -> None:
        """A write of this operation that arrives from now on is nobody's."""
        if b[LATE_TAG] == worker + 1:
            b[LATE_TAG] = 0

    # --- what is done to it --------------------------------------------------------------------------------------

    def killed(self, s: bytes, worker: int) -> bytes:
        b, base, tag = bytearray(s), self.workers[worker], worker + 1
        b[LEFT] -= 1
        if s[base + PC] in ARRIVED_UNRECEIPTED:
            b[self.items[s[base + ITEM]] + EXCUSED] += 1
        for item in self.items:
            if b[item + HOLDER] == tag:
                b[item + HOLDER] = 0
        if b[BY] == tag:
            b[BY] = 0
        self.own_writes_are_over(b, worker)
        return self.idle(b, worker)

    def idle(self, s: bytes | bytearray, worker: int) -> bytes:
        base, size = self.workers[worker], SEEN + len(self.items)
        return bytes(s[:base]) + bytes(size) + bytes(s[base + size :])

    def pass_time(self, out: list[Move], s: bytes) -> None:
        """All leases run out. That is a fault where somebody who is not killed was frozen under his."""
        live = [base for base in self.items if s[base + STATUS] == Row.LEASED]
        frozen = [worker for worker in range(len(self.workers)) if self._would_freeze(s, worker)]
        if not live and not frozen:
            return
        if not frozen:
            out.append((Label(-1, "a minute passes"), bytes(self._lapsed(s, live, frozen))))
        elif s[LEFT]:
            b = self._lapsed(s, live, frozen)
            b[LEFT] -= 1
            out.append((Label(-1, "a minute passes", -1, "all are frozen"), bytes(b)))
            if self.setting.skewed:
                self._misled(out, b, frozen)

    def _would_freeze(self, s: bytes, worker: int) -> bool:
        base = self.workers[worker]
        pc = s[base + PC]
        if pc in CLAIMING:
            return not s[base + OVERDUE]
        item = self.items[s[base + ITEM]]
        return pc >= Pc.HELD and s[item + STATUS] == Row.LEASED and s[item + HOLDER] == worker + 1

    def _lapsed(self, s: bytes, live: list[int], frozen: list[int]) -> bytearray:
        b = bytearray(s)
        for item in live:
            b[item + STATUS] = Row.LAPSED
        if b[LATE_KIND] == Kind.CLAIM:
            b[LATE_C] = 1
        for worker in frozen:
            base = self.workers[worker]
            if s[base + PC] in SENDING:
                b[self.items[s[base + ITEM]] + EXCUSED] += 1
        for base in self.workers:
            if s[base + PC] in AWARE:
                b[base + OVERDUE] = 1
            for seen in range(base + SEEN, base + SEEN + len(self.items)):
                b[seen] &= NOT_DUE - 1
        return b

    def _misled(self, out: list[Move], lapsed: bytearray, frozen: list[int]) -> None:
        """One of them does not notice: its clocks stood still, or everybody else's are ahead."""
        for worker in frozen:
            base = self.workers[worker]
            if lapsed[base + PC] == Pc.HELD:
                b = lapsed[:]
                b[base + OVERDUE] = 0
                b[self.items[b[base + ITEM]] + EXCUSED] += 1
                out.append((Label(worker, "does not notice that a minute passes"), bytes(b)))

    def arrive_late(self, out: list[Move], s: bytes) -> None:
        b = bytearray(s)
        kind, tag, arguments = s[LATE_KIND], s[LATE_TAG], s[LATE_A : LATE_C + 1]
        b[LATE_KIND : LATE_C + 1] = bytes(5)
        applied = self.apply(b, kind, tag, arguments[0], arguments[1], arguments[2])
        item = -1 if kind == Kind.COMMIT else arguments[0]
        words = f"a late write arrives: {VERBS[Kind(kind)]}"
        out.append((Label(-1, words, item, DONE if applied else CONFLICT), bytes(b)))

    # --- rows run out --------------------------------------------------------------------------------------------

    def expire(self, out: list[Move], s: bytes) -> None:
        """A week of silence takes the receipts, three take the tombstone: no run lives and no message is owed for so
        long. What a receiver has seen under an id is then forgotten too."""
        statuses = {s[base + STATUS] for base in self.items}
        if s[TAKEN] % 2 or not s[VER] or s[TAKEN] == self.setting.transitions or statuses & OWED or s[LATE_KIND]:
            return
        b = bytearray(s)
        if Row.RECEIPT in statuses:
            for base in self.items:
                if b[base + STATUS] == Row.RECEIPT:
                    b[base + STATUS] = Row.EXPIRED
            out.append((Label(-1, "the receipts run out"), bytes(b)))
            return
        self.drop_tombstone(b)
        out.append((Label(-1, "the tombstone runs out"), bytes(b)))

    def drop_tombstone(self, b: bytearray) -> None:
        b[VER], b[RESTARTED] = 0, b[TAKEN]
        start, size = self.items[0], self.workers[0] - self.items[0]
        b[start : start + size] = bytes(size)
