"""The five transactions of the delivery protocol, on a state of the model: what stores/alerts.py and stores/outbox.py
write, on which condition, and how a run finds its own write again after its answer was lost.

Each takes its arguments instead of a worker, because a write whose answer was lost may arrive when its worker is gone.
`tag` is whose it is: worker's number + 1, or 0 when that run has ended. Returns whether it was applied.
"""

from __future__ import annotations

from enum import IntEnum

from delivery_state import (
    ABOUT,
    ARRIVED,
    BY,
    DUE,
    EXCUSED,
    FENCE,
    FIRST,
    HELD_REV,
    HOLDER,
    ITEM,
    NOT_DUE,
    OWED,
    READ_VER,
    RESTARTED,
    REV,
    STATUS,
    TAKEN,
    VER,
    WRONG,
    Layout,
    Pc,
    Row,
    Wrong,
)


class Kind(IntEnum):
    COMMIT = 1
    CLAIM = 2
    FINISH = 3
    RELEASE = 4
    GIVE_UP = 5


LOOK = {
    Kind.COMMIT: Pc.LOOK_COMMIT,
    Kind.CLAIM: Pc.LOOK_CLAIM,
    Kind.FINISH: Pc.LOOK_FINISH,
    Kind.RELEASE: Pc.LOOK_RELEASE,
    Kind.GIVE_UP: Pc.LOOK_GIVE_UP,
}
LOOK_LOST = {kind: Pc(look + 1) for kind, look in LOOK.items()}
AGAIN = {
    Kind.COMMIT: Pc.COMMITTING,
    Kind.CLAIM: Pc.CLAIM_AGAIN,
    Kind.FINISH: Pc.FINISH,
    Kind.RELEASE: Pc.RELEASE,
    Kind.GIVE_UP: Pc.GIVE_UP,
}


class Writes:
    """The store and the receivers of one alert. blocked: what it is when a commit meets a message of its version."""

    blocked: int = Wrong.BLOCKED

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.items = layout.item_bases
        self.workers = layout.worker_bases
        self.chains = layout.chains
        self.channels = layout.channels
        self._chain_of = {number: chain for chain in layout.chains for number in chain}
        self._apply = {
            Kind.COMMIT: self.commit,
            Kind.CLAIM: self.claim,
            Kind.FINISH: self.finish,
            Kind.RELEASE: self.release,
            Kind.GIVE_UP: self.give_up,
        }

    def apply(self, b: bytearray, kind: int, tag: int, first: int, second: int, third: int) -> bool:
        return self._apply[Kind(kind)](b, tag, first, second, third)

    # --- the store -----------------------------------------------------------------------------------------------

    def commit(self, b: bytearray, tag: int, ver: int, taken: int, _third: int) -> bool:
        """S where its version is the one that was read, and each O where there is none."""
        if b[VER] != ver:
            return False
        rows = self.items[ver * self.channels : (ver + 1) * self.channels]
        if any(b[base + STATUS] in OWED for base in rows):
            b[WRONG] = self.blocked
            return False
        self.take_in(b, tag, ver + 1, taken + 1)
        for base in rows:
            self.owe(b, base, taken + 1)
        return True

    def take_in(self, b: bytearray, tag: int, ver: int, at: int) -> None:
        if at != b[TAKEN] + 1:
            b[WRONG] = Wrong.TAKEN_TWICE
        b[VER], b[TAKEN], b[BY] = ver, at, tag

    def owe(self, b: bytearray, base: int, about: int) -> None:
        b[base + STATUS], b[base + REV], b[base + FENCE], b[base + HOLDER] = Row.READY, 1, 0, 0
        b[base + ABOUT] = about

    def claim(self, b: bytearray, tag: int, item: int, rev: int, overdue: int) -> bool:
        """The lease is counted from before the first try: when that was long ago, it is over at once."""
        base = self.items[item]
        if b[base + STATUS] not in OWED or b[base + REV] != rev:
            return False
        b[base + STATUS] = Row.LAPSED if overdue else Row.LEASED
        b[base + REV], b[base + FENCE], b[base + HOLDER] = rev + 1, b[base + FENCE] + 1, tag
        return True

    def finish(self, b: bytearray, tag: int, item: int, rev: int, _third: int) -> bool:
        base = self.items[item]
        if b[base + STATUS] not in OWED or b[base + REV] != rev:
            return False
        self.put_receipt(b, base, tag)
        return True

    def put_receipt(self, b: bytearray, base: int, tag: int) -> None:
        if not b[base + ARRIVED]:
            b[WRONG] = Wrong.EMPTY_RECEIPT
        b[base + STATUS], b[base + REV], b[base + HOLDER] = Row.RECEIPT, 0, tag

    def release(self, b: bytearray, tag: int, item: int, rev: int, _third: int) -> bool:
        base = self.items[item]
        if b[base + STATUS] not in OWED or b[base + REV] != rev:
            return False
        b[base + STATUS], b[base + REV], b[base + HOLDER] = Row.READY, rev + 1, tag
        return True

    def give_up(self, b: bytearray, _tag: int, item: int, rev: int, _third: int) -> bool:
        """Among the dead, and word of it owed, in one transaction."""
        base = self.items[item]
        if b[base + STATUS] not in OWED or b[base + REV] != rev:
            return False
        b[base + STATUS], b[base + REV] = Row.DEAD, rev + 1
        self.owe_notice(b, item)
        return True

    def owe_notice(self, b: bytearray, item: int) -> None:
        self.owe(b, self.items[self.layout.messages + item], b[self.items[item] + ABOUT])

    # --- what a run finds when it reads whether its own write stands -----------------------------------------------

    def stands(self, s: bytes, kind: int, worker: int) -> bool:
        base, tag = self.workers[worker], worker + 1
        if kind == Kind.COMMIT:
            return s[VER] == s[base + READ_VER] + 1 and s[BY] == tag
        item, rev = self.items[s[base + ITEM]], s[base + HELD_REV]
        status, mine, following = s[item + STATUS], s[item + HOLDER] == tag, s[item + REV] == rev + 1
        match kind:
            case Kind.CLAIM:
                return following and mine and status in (Row.LEASED, Row.LAPSED)
            case Kind.RELEASE:
                return following and mine and status == Row.READY
            case Kind.FINISH:
                return status == Row.RECEIPT and mine
        return following and status == Row.DEAD  # whoever gave it up at this version wrote the same

    # --- the query -----------------------------------------------------------------------------------------------

    def owing(self, s: bytes | bytearray) -> bytes:
        """What a run reads: the version of each item that is owed, with NOT_DUE where it may not be taken yet."""
        return bytes(_version(s, base) for base in self.items)

    def heads(self, seen: bytes | bytearray) -> list[int]:
        """Of what a run has seen: the first message of each chain, where that is due."""
        found = []
        for chain in self.chains:
            for number in chain:
                if seen[number]:
                    if seen[number] < NOT_DUE:
                        found.append(number)
                    break
        return found

    # --- the receivers -------------------------------------------------------------------------------------------

    def arrive(self, b: bytearray, number: int) -> None:
        base = self.items[number]
        arrived = b[base + ARRIVED]
        if not arrived:
            b[base + FIRST] = b[base + ABOUT]
            if b[base + STATUS] != Row.DEAD and self._later_arrived(b, number):
                b[WRONG] = Wrong.ORDER
        elif b[base + FIRST] != b[base + ABOUT]:
            b[WRONG] = Wrong.ID_REUSED
        elif arrived > b[base + EXCUSED]:
            b[WRONG] = Wrong.COPIES
        b[base + ARRIVED] = arrived + 1

    def _later_arrived(self, b: bytearray, number: int) -> bool:
        about = b[self.items[number] + ABOUT]
        bases = (self.items[other] for other in self._chain_of[number])
        return any(b[base + ARRIVED] and b[base + ABOUT] > about for base in bases)

    # --- what is lost --------------------------------------------------------------------------------------------

    def missing(self, s: bytes) -> int:
        """Wrong.LOST or Wrong.SILENT where a committed transition has no row that leads to an end; else 0."""
        committed = (s[TAKEN] - s[RESTARTED]) * self.channels
        for number, base in enumerate(self.items[:committed]):
            status = s[base + STATUS]
            if status in (Row.NONE, Row.DELETED):
                return Wrong.LOST
            if status == Row.DEAD and s[self.items[self.layout.messages + number] + STATUS] == Row.NONE:
                return Wrong.SILENT
        return 0


def _version(s: bytes | bytearray, base: int) -> int:
    status = s[base + STATUS]
    if status in DUE:
        return s[base + REV]
    return s[base + REV] | NOT_DUE if status == Row.LEASED else 0
