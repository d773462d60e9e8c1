"""Delivery protocols that look sensible and are wrong. The explorer must find the promise that each one breaks, or it
proves nothing about the right one. Each is the model with one thing changed."""

from __future__ import annotations

from delivery_faults import Label, Move
from delivery_moves import Protocol
from delivery_state import (
    ABOUT,
    ARRIVED,
    HELD_REV,
    HOLDER,
    ITEM,
    NOT_DUE,
    OVERDUE,
    OWED,
    PC,
    READ_TAKEN,
    READ_VER,
    RESTARTED,
    REV,
    STATUS,
    TAKEN,
    VER,
    WRONG,
    Pc,
    Row,
    Wrong,
)
from delivery_writes import Kind


class SendsBeforeCommit(Protocol):
    """Tell people first, remember afterwards that they were told."""

    def commit_next(self, out: list[Move], s: bytes, worker: int) -> None:
        base = self.workers[worker]
        b = bytearray(s)
        for number in self._numbers(s[base + READ_VER]):
            b[self.items[number] + ABOUT] = s[base + READ_TAKEN] + 1
            self.arrive(b, number)
        b[base + PC] = Pc.MORE
        out.append((Label(worker, "sends what it is about to commit"), bytes(b)))

    def more(self, out: list[Move], s: bytes, worker: int) -> None:
        super().commit_next(out, s, worker)

    def owe(self, b: bytearray, base: int, about: int) -> None:
        super().owe(b, base, about)
        b[base + STATUS], b[base + REV] = Row.RECEIPT, 0

    def _numbers(self, ver: int) -> range:
        return range(ver * self.channels, (ver + 1) * self.channels)


class WritesTwice(Protocol):
    """First the state, then the messages."""

    def commit(self, b: bytearray, tag: int, ver: int, taken: int, _third: int) -> bool:
        if b[VER] != ver:
            return False
        self.take_in(b, tag, ver + 1, taken + 1)
        return True

    def done(self, b: bytearray, worker: int, kind: Kind) -> None:
        base = self.workers[worker]
        if kind is Kind.COMMIT:
            b[base + PC] = Pc.MORE
        else:
            super().done(b, worker, kind)

    def more(self, out: list[Move], s: bytes, worker: int) -> None:
        b, ver = bytearray(s), s[self.workers[worker] + READ_VER]
        for base in self.items[ver * self.channels : (ver + 1) * self.channels]:
            self.owe(b, base, ver + 1)
        super().done(b, worker, Kind.COMMIT)
        out.append((Label(worker, "writes what is owed"), bytes(b)))

    def missing(self, s: bytes) -> int:
        writing = any(s[base + PC] in (Pc.MORE, Pc.LOOK_COMMIT_LOST) for base in self.workers)
        return 0 if writing else super().missing(s)


class DeletesBeforeSending(Protocol):
    """At most once."""

    def checked(self, s: bytes, base: int) -> bytes:
        b = bytearray(super().checked(s, base))
        if b[base + PC] == Pc.OPEN:
            b[self.items[s[base + ITEM]] + STATUS] = Row.DELETED
        return bytes(b)

    def sent(self, b: bytearray, worker: int) -> None:
        self.ended(b, worker)

    def missing(self, s: bytes) -> int:
        sending = any(s[base + PC] == Pc.OPEN for base in self.workers)
        arrived = all(s[base + ARRIVED] for base in self.items if s[base + STATUS] == Row.DELETED)
        return 0 if sending or arrived else super().missing(s)


class DeletesOnError(Protocol):
    """A message that failed once is no longer owed."""

    def release(self, b: bytearray, tag: int, item: int, rev: int, third: int) -> bool:
        applied = super().release(b, tag, item, rev, third)
        if applied:
            b[self.items[item] + STATUS] = Row.DELETED
        return applied


class CommitsBlindly(Protocol):
    """Writes whatever version stands there by now."""

    def commit(self, b: bytearray, tag: int, ver: int, taken: int, _third: int) -> bool:
        at, b[TAKEN] = b[TAKEN], taken  # the watermark goes back with the rest of the row
        self.take_in(b, tag, ver + 1, taken + 1)
        for base in self.items[ver * self.channels : (ver + 1) * self.channels]:
            self.owe(b, base, taken + 1)
        return at <= self.setting.transitions


class KeepsNoOrder(Protocol):
    """Takes any message that is due, whatever is owed before it."""

    def heads(self, seen: bytes | bytearray) -> list[int]:
        return [number for number, version in enumerate(seen) if 0 < version < NOT_DUE]

    def waits(self, b: bytearray, worker: int) -> None:
        self.ended(b, worker)


class FinishesBlindly(Protocol):
    """Whoever has sent it puts the receipt, whosever it is by now."""

    def finish(self, b: bytearray, tag: int, item: int, _rev: int, _third: int) -> bool:
        base = self.items[item]
        if b[base + STATUS] not in OWED:
            b[WRONG] = Wrong.ENDED_TWICE
        self.put_receipt(b, base, tag)
        return True


class ReleasesBlindly(Protocol):
    """Whoever could not send it gives it back, whosever it is by now."""

    def release(self, b: bytearray, tag: int, item: int, _rev: int, _third: int) -> bool:
        base = self.items[item]
        b[base + STATUS], b[base + REV], b[base + HOLDER] = Row.READY, b[base + REV] + 1, tag
        return True


class ClaimsBlindly(Protocol):
    """Takes a message without asking whether another has it."""

    def claim(self, b: bytearray, tag: int, item: int, _rev: int, overdue: int) -> bool:
        base = self.items[item]
        return b[base + STATUS] in OWED and super().claim(b, tag, item, b[base + REV], overdue)


class KnowsNoHolder(Protocol):
    """After a lost answer it takes any claim of that version for its own."""

    def stands(self, s: bytes, kind: int, worker: int) -> bool:
        base = self.workers[worker]
        item = self.items[s[base + ITEM]]
        if kind == Kind.CLAIM:
            return s[item + STATUS] in OWED and s[item + REV] == s[base + HELD_REV] + 1
        return super().stands(s, kind, worker)


class ChecksNoLease(Protocol):
    """Sends under whatever it once claimed."""

    def checked(self, s: bytes, base: int) -> bytes:
        b = bytearray(s)
        b[base + PC], b[base + OVERDUE] = Pc.OPEN, 0
        return bytes(b)


class KeepsNoTombstone(Protocol):
    """An alert that ended leaves nothing behind: its versions, and so its ids, begin anew."""

    blocked = 0  # it meets its own messages of before all the time, and comes again later

    def take_in(self, b: bytearray, tag: int, ver: int, at: int) -> None:
        super().take_in(b, tag, ver, at)
        if at % 2 == 0:
            b[VER], b[RESTARTED] = 0, at


class KeepsNoTombstoneAndAsksReceipts(KeepsNoTombstone):
    """And owes nothing that has a receipt, as `enqueue` does for notices: the receipt of the first incident swallows
    the second."""

    def owe(self, b: bytearray, base: int, about: int) -> None:
        if b[base + STATUS] != Row.RECEIPT:
            super().owe(b, base, about)

    def missing(self, s: bytes) -> int:
        newest = self.items[(s[TAKEN] - s[RESTARTED] - 1) * self.channels] if s[TAKEN] > s[RESTARTED] else None
        swallowed = newest is not None and s[newest + STATUS] == Row.RECEIPT and s[newest + ABOUT] < s[TAKEN]
        return Wrong.LOST if swallowed else super().missing(s)


class ForgetsReceiptsLast(Protocol):
    """Tombstones that run out before the receivers and the receipts have forgotten the ids."""

    def expire(self, out: list[Move], s: bytes) -> None:
        quiet = not any(s[base + STATUS] in OWED for base in self.items)
        if s[TAKEN] % 2 == 0 and s[VER] and quiet:
            b = bytearray(s)
            b[VER], b[RESTARTED] = 0, s[TAKEN]
            out.append((Label(-1, "the tombstone runs out"), bytes(b)))


class ForgetsUnderARun(Protocol):
    """Tombstones that run out while a run from before is still under way, or its event still in a queue."""

    def moves(self, s: bytes) -> list[Move]:
        out = super().moves(s)
        if any(s[base + PC] for base in self.workers):
            self.expire(out, s)
        return out


class GivesUpSilently(Protocol):
    """First among the dead, then word of it."""

    def give_up(self, b: bytearray, tag: int, item: int, rev: int, third: int) -> bool:
        base = self.items[item]
        if b[base + STATUS] not in OWED or b[base + REV] != rev:
            return False
        b[base + STATUS], b[base + REV] = Row.DEAD, rev + 1
        return True

    def done(self, b: bytearray, worker: int, kind: Kind) -> None:
        if kind is Kind.GIVE_UP:
            b[self.workers[worker] + PC] = Pc.MORE
        else:
            super().done(b, worker, kind)

    def more(self, out: list[Move], s: bytes, worker: int) -> None:
        b, item = bytearray(s), s[self.workers[worker] + ITEM]
        self.owe_notice(b, item)
        super().done(b, worker, Kind.GIVE_UP)
        out.append((Label(worker, "owes word of it", item), bytes(b)))

    def missing(self, s: bytes) -> int:
        telling = (Pc.MORE, Pc.LOOK_GIVE_UP, Pc.LOOK_GIVE_UP_LOST)
        return 0 if any(s[base + PC] in telling for base in self.workers) else super().missing(s)


class LeasesForEver(Protocol):
    """What a killed run had claimed, nobody else may take."""

    def pass_time(self, out: list[Move], s: bytes) -> None:
        pass


class DoesNotLookAgain(Protocol):
    """Takes a lost answer for a failure, reads the version anew and decides anew from what it knew."""

    def overtaken(self, b: bytearray, worker: int, kind: Kind) -> None:
        base = self.workers[worker]
        if kind is Kind.COMMIT and b[VER] > b[base + READ_VER]:
            b[base + READ_VER], b[base + PC] = b[VER], Pc.COMMITTING
        else:
            super().overtaken(b, worker, kind)


class PromisesMore(Protocol):
    """The right protocol, held to an order that it does not promise: of what was given up while it was being sent."""

    def arrive(self, b: bytearray, number: int) -> None:
        if not b[self.items[number] + ARRIVED] and self._later_arrived(b, number):
            b[WRONG] = Wrong.ORDER
        super().arrive(b, number)
