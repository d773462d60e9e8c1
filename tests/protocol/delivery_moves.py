"""Every move of the delivery protocol's model: the runs of app/run.py and app/deliver.py, and what is done to them.

A worker's moves are the protocol's inputs and outputs, one at a time; between two of them anything may happen: it is
killed, a lease runs out, another worker moves. What a fault costs is taken from the setting's allowance, so the number
of states is finite. The first move of a state is free of faults: who always takes it follows the fair run to the end.
"""

from __future__ import annotations

from delivery_faults import CONFLICT, FLYING, OLD_CLAIM, UNWRITTEN, VERBS, WRITTEN, Faults, Label, Move
from delivery_state import (
    BY,
    EXCUSED,
    HELD_REV,
    HOLDER,
    ITEM,
    LATE_C,
    LATE_KIND,
    LEFT,
    OVERDUE,
    OWED,
    PC,
    READ_TAKEN,
    READ_VER,
    SEEN,
    STATUS,
    TAKEN,
    VER,
    WRONG,
    Pc,
)
from delivery_writes import AGAIN, LOOK, LOOK_LOST, Kind


class Protocol(Faults):
    """The moves as they should be. A broken protocol is a subclass that overrides one of them."""

    def first(self) -> bytes:
        b = bytearray(self.layout.size)
        b[LEFT] = self.setting.faults
        return bytes(b)

    def at_rest(self, s: bytes) -> bool:
        """Everything was taken in, nothing is owed."""
        return s[TAKEN] == self.setting.transitions and not any(s[base + STATUS] in OWED for base in self.items)

    def moves(self, s: bytes) -> list[Move]:
        out: list[Move] = []
        busy = [worker for worker, base in enumerate(self.workers) if s[base + PC]]
        for worker in busy:
            self.step(out, s, worker)
            if s[LEFT]:
                out.append((Label(worker, "is killed"), self.killed(s, worker)))
        self.pass_time(out, s)
        for worker, base in enumerate(self.workers):
            if not s[base + PC]:
                self.start(out, s, worker)
        if self.setting.late and s[LATE_KIND]:
            self.arrive_late(out, s)
        if self.setting.expires and not busy:
            self.expire(out, s)
        return out

    # --- a worker ------------------------------------------------------------------------------------------------

    def start(self, out: list[Move], s: bytes, worker: int) -> None:
        base = self.workers[worker]
        if self.setting.workers[worker] == "r" and s[TAKEN] < self.setting.transitions:
            b = bytearray(s)
            b[base + PC], b[base + READ_VER], b[base + READ_TAKEN] = Pc.COMMITTING, s[VER], s[TAKEN]
            out.append((Label(worker, "reads the alert"), bytes(b)))
        seen = self.owing(s)
        if self.heads(seen):
            out.append((Label(worker, "reads what is owed"), self.with_seen(s, worker, seen)))

    def with_seen(self, s: bytes, worker: int, seen: bytes) -> bytes:
        b, base = bytearray(self.idle(s, worker)), self.workers[worker]
        if self.heads(seen):
            b[base + PC] = Pc.CARRY
            b[base + SEEN : base + SEEN + len(seen)] = seen
        return bytes(b)

    def step(self, out: list[Move], s: bytes, worker: int) -> None:
        base = self.workers[worker]
        match s[base + PC]:
            case Pc.COMMITTING:
                self.commit_next(out, s, worker)
                out.append((Label(worker, "reads what is owed"), self.with_seen(s, worker, self.owing(s))))
            case Pc.QUERY:
                out.append((Label(worker, "reads what is owed"), self.with_seen(s, worker, self.owing(s))))
            case Pc.CARRY:
                self.carry(out, s, worker)
            case Pc.CLAIM_AGAIN:
                self.write(out, s, worker, Kind.CLAIM, s[base + ITEM], s[base + HELD_REV])
            case Pc.HELD:
                out.append((Label(worker, "looks at its lease", s[base + ITEM]), self.checked(s, base)))
            case Pc.OPEN:
                self.send(out, s, worker)
            case Pc.FINISH | Pc.RELEASE | Pc.GIVE_UP:
                self.write(out, s, worker, _KINDS[Pc(s[base + PC])], s[base + ITEM], s[base + HELD_REV])
            case Pc.MORE:
                self.more(out, s, worker)
            case pc:
                self.look(out, s, worker, *_LOOKS[Pc(pc)])

    def commit_next(self, out: list[Move], s: bytes, worker: int) -> None:
        base = self.workers[worker]
        self.write(out, s, worker, Kind.COMMIT, s[base + READ_VER], s[base + READ_TAKEN])

    def carry(self, out: list[Move], s: bytes, worker: int) -> None:
        """The head of any chain that it has seen."""
        seen = self.workers[worker] + SEEN
        for head in self.heads(s[seen : seen + len(self.items)]):
            self.claim_head(out, s, worker, head)
            if self.setting.gives_up and s[LEFT] and head < self.layout.messages:
                removed = bytearray(s)  # its channel was removed, or is disabled
                removed[LEFT] -= 1
                self.write(out, bytes(removed), worker, Kind.GIVE_UP, head, s[seen + head])
        out.append((Label(worker, "has no time left"), self.idle(s, worker)))

    def claim_head(self, out: list[Move], s: bytes, worker: int, head: int) -> None:
        """Where a minute has passed since it came here, it may have been frozen before it asked, or while it did."""
        base = self.workers[worker]
        rev, overdue = s[base + SEEN + head], base + OVERDUE
        if s[overdue]:
            self.write(out, s[:overdue] + b"\0" + s[overdue + 1 :], worker, Kind.CLAIM, head, rev)
            self.write(out, s, worker, Kind.CLAIM, head, rev, OLD_CLAIM)
        else:
            self.write(out, s, worker, Kind.CLAIM, head, rev)

    def checked(self, s: bytes, base: int) -> bytes:
        b = bytearray(s)
        b[base + PC] = Pc.RELEASE if s[base + OVERDUE] else Pc.OPEN
        b[base + OVERDUE] = 0
        return bytes(b)

    def send(self, out: list[Move], s: bytes, worker: int) -> None:
        base = self.workers[worker]
        item = s[base + ITEM]
        b = bytearray(s)
        self.arrive(b, item)
        self.sent(b, worker)
        out.append((Label(worker, "sends", item, "taken"), bytes(b)))
        if not s[LEFT]:
            return
        afterwards = [(Pc.RELEASE, "")]
        if self.setting.gives_up and item < self.layout.messages:
            afterwards.append((Pc.GIVE_UP, ", too old"))
        for pc, words in afterwards:
            for outcome in ("refused", "taken, and the answer lost"):
                b = bytearray(s)
                b[LEFT] -= 1
                if outcome != "refused":
                    self.arrive(b, item)
                    b[self.items[item] + EXCUSED] += 1
                b[base + PC] = pc
                out.append((Label(worker, "sends", item, outcome + words), bytes(b)))

    def sent(self, b: bytearray, worker: int) -> None:
        b[self.workers[worker] + PC] = Pc.FINISH

    def more(self, out: list[Move], s: bytes, worker: int) -> None:
        raise AssertionError("only a broken protocol has such a step")

    # --- writing, and reading whether it stands ------------------------------------------------------------------

    def write(
        self, out: list[Move], s: bytes, worker: int, kind: Kind, first: int, second: int, words: str = ""
    ) -> None:
        base, tag = self.workers[worker], worker + 1
        asked = bytearray(s)
        if kind is not Kind.COMMIT:
            asked[base + ITEM], asked[base + HELD_REV] = first, second
        item = -1 if kind is Kind.COMMIT else first
        overdue = s[base + OVERDUE]
        verb, b = words or VERBS[kind], asked[:]
        applied = self.apply(b, kind, tag, first, second, overdue)
        if applied:
            lost = b[:]
            self.done(b, worker, kind)
            out.append((Label(worker, verb, item), bytes(b)))
        else:
            b[base + PC] = LOOK[kind]
            out.append((Label(worker, verb, item, CONFLICT), bytes(b)))
        if not s[LEFT]:
            return
        asked[LEFT] -= 1
        asked[base + PC] = LOOK_LOST[kind]
        out.append((Label(worker, verb, item, UNWRITTEN), bytes(asked)))
        if applied:
            lost[LEFT] -= 1
            lost[base + PC] = LOOK_LOST[kind]
            out.append((Label(worker, verb, item, WRITTEN), bytes(lost)))
            if self.setting.late and not s[LATE_KIND]:
                asked[LATE_KIND : LATE_C + 1] = bytes((kind, tag, first, second, overdue))
                out.append((Label(worker, verb, item, FLYING), bytes(asked)))

    def look(self, out: list[Move], s: bytes, worker: int, kind: Kind, lost: bool) -> None:
        base, item = self.workers[worker], -1 if kind is Kind.COMMIT else s[self.workers[worker] + ITEM]
        b = bytearray(s)
        if self.stands(s, kind, worker):
            outcome = "it stands"
            self.done(b, worker, kind)
        elif lost:
            outcome = "it does not stand, once more"
            b[base + PC] = AGAIN[kind]
        else:
            outcome = "another was first"
            self.overtaken(b, worker, kind)
        out.append((Label(worker, f"reads whether it {VERBS[kind]}", item, outcome), bytes(b)))

    def done(self, b: bytearray, worker: int, kind: Kind) -> None:
        base = self.workers[worker]
        match kind:
            case Kind.COMMIT:
                b[BY] = 0
                self.own_writes_are_over(b, worker)
                b[base + READ_VER] += 1
                b[base + READ_TAKEN] += 1
                b[base + PC] = Pc.COMMITTING
                if b[base + READ_TAKEN] == self.setting.transitions:
                    self._to_query(b, base)
            case Kind.CLAIM:
                self.own_writes_are_over(b, worker)
                b[base + HELD_REV] += 1
                b[base + PC] = Pc.HELD
            case Kind.RELEASE:
                self.waits(b, worker)
            case _:
                self.ended(b, worker)

    def overtaken(self, b: bytearray, worker: int, kind: Kind) -> None:
        if kind is Kind.COMMIT:
            self.own_writes_are_over(b, worker)
            self._to_query(b, self.workers[worker])
        else:
            self.waits(b, worker)

    def _to_query(self, b: bytearray, base: int) -> None:
        b[base + PC] = Pc.QUERY
        b[base + READ_VER] = b[base + READ_TAKEN] = 0

    def ended(self, b: bytearray, worker: int) -> None:
        """The next message of the same alert and channel may follow."""
        base = self.workers[worker]
        b[base + SEEN + b[base + ITEM]] = 0
        self._leave(b, worker)

    def waits(self, b: bytearray, worker: int) -> None:
        """What follows it must wait too."""
        base = self.workers[worker]
        for number in self._chain_of[b[base + ITEM]]:
            b[base + SEEN + number] = 0
        self._leave(b, worker)

    def _leave(self, b: bytearray, worker: int) -> None:
        base = self.workers[worker]
        holder = self.items[b[base + ITEM]] + HOLDER
        if b[holder] == worker + 1:
            b[holder] = 0
        self.own_writes_are_over(b, worker)
        b[base + ITEM] = b[base + HELD_REV] = b[base + OVERDUE] = 0
        b[base + PC] = Pc.CARRY
        seen = slice(base + SEEN, base + SEEN + len(self.items))
        if not self.heads(b[seen]):
            b[base + PC] = Pc.IDLE
            b[seen] = bytes(len(self.items))

    def wrong(self, s: bytes) -> int:
        return s[WRONG] or self.missing(s)


_KINDS = {Pc.FINISH: Kind.FINISH, Pc.RELEASE: Kind.RELEASE, Pc.GIVE_UP: Kind.GIVE_UP}
_LOOKS = {look: (kind, False) for kind, look in LOOK.items()} | {look: (kind, True) for kind, look in LOOK_LOST.items()}
