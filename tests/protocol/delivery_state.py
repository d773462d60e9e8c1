"""A state of the delivery protocol's model: one short row of bytes, so that millions of them fit into memory.

    head      what went wrong (0: nothing), S: ver, taken in, last writer; faults left; where ver last restarted
    late      one write whose answer was lost and which may still arrive: kind, whose, its arguments
    items     one for each message (seq x channel), then one for each notice: the O, D and R rows, and the receiver
    workers   where each is in its run, what it read, which versions it has seen of which messages

Everything about one alert. Numbers of workers in rows are 1, 2, 3; 0 is nobody (any more).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

WRONG, VER, TAKEN, BY, LEFT, RESTARTED = range(6)
LATE_KIND, LATE_TAG, LATE_A, LATE_B, LATE_C = range(6, 11)
ITEMS = 11

STATUS, REV, FENCE, HOLDER, ARRIVED, EXCUSED, ABOUT, FIRST = range(8)
"""Of an item. EXCUSED: faults that may have copied it. ABOUT: the data time that is told. FIRST: the one that was told
under this id when it first arrived."""
ITEM_BYTES = 8

PC, READ_VER, READ_TAKEN, ITEM, HELD_REV, OVERDUE, SEEN = range(7)
"""Of a worker. HELD_REV: the version that its next write expects. OVERDUE: by its own clocks the lease is over.
SEEN: from here on the version of each item that it still means to carry, 0 = none; with NOT_DUE, another's lease on it
was good when this worker read it."""
NOT_DUE = 0x80


class Row(IntEnum):
    NONE = 0
    READY = 1
    LEASED = 2
    LAPSED = 3  # leased, and the time is over for whoever asks
    RECEIPT = 4
    DEAD = 5
    DELETED = 6  # gone without a receipt: no right protocol does that
    EXPIRED = 7  # the receipt's time is over too


OWED = frozenset({Row.READY, Row.LEASED, Row.LAPSED})
DUE = frozenset({Row.READY, Row.LAPSED})


class Pc(IntEnum):
    """What a worker does next. AGAIN: the answer was lost and nothing was found. LOOK_*: it reads whether its own write
    stands, after a conflict or (LOST) after a lost answer."""

    IDLE = 0
    COMMITTING = 1
    LOOK_COMMIT = 2
    LOOK_COMMIT_LOST = 3
    QUERY = 4
    CARRY = 5
    CLAIM_AGAIN = 6
    LOOK_CLAIM = 7
    LOOK_CLAIM_LOST = 8
    HELD = 9
    OPEN = 10
    FINISH = 11
    LOOK_FINISH = 12
    LOOK_FINISH_LOST = 13
    RELEASE = 14
    LOOK_RELEASE = 15
    LOOK_RELEASE_LOST = 16
    GIVE_UP = 17
    LOOK_GIVE_UP = 18
    LOOK_GIVE_UP_LOST = 19
    MORE = 20  # a step that only a broken variant has


CLAIMING = frozenset({Pc.CLAIM_AGAIN, Pc.LOOK_CLAIM, Pc.LOOK_CLAIM_LOST})
AWARE = CLAIMING | {Pc.CARRY, Pc.HELD}
"""Where a run that was frozen for a minute will notice before it sends."""
ARRIVED_UNRECEIPTED = frozenset({Pc.FINISH, Pc.LOOK_FINISH, Pc.LOOK_FINISH_LOST})
SENDING = ARRIVED_UNRECEIPTED | {Pc.OPEN}


class Wrong(IntEnum):
    """What the protocol promises never happens."""

    COPIES = 1
    ORDER = 2
    EMPTY_RECEIPT = 3
    ID_REUSED = 4
    TAKEN_TWICE = 5
    ENDED_TWICE = 6
    BLOCKED = 7
    LOST = 8
    SILENT = 9
    STUCK = 10

    @property
    def text(self) -> str:
        return _TEXTS[self]


_TEXTS = {
    Wrong.COPIES: "more copies of a message than faults while it was being sent",
    Wrong.ORDER: "a message arrived for the first time after a later one of its alert and channel",
    Wrong.EMPTY_RECEIPT: "a receipt for what never arrived",
    Wrong.ID_REUSED: "another content under an id that the receiver knows",
    Wrong.TAKEN_TWICE: "a data time was taken in twice, or out of turn",
    Wrong.ENDED_TWICE: "a message that had ended was ended again",
    Wrong.BLOCKED: "a commit met a message of its own version",
    Wrong.LOST: "a committed transition is owed to nobody, has no receipt and is not among the dead",
    Wrong.SILENT: "given up, and nobody is owed word of it",
    Wrong.STUCK: "without a further fault it never comes to rest with everything delivered",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands in a state. Items by seq, then channel; notices, if any, behind them."""

    workers: int
    transitions: int
    channels: int
    notices: bool = False

    @property
    def messages(self) -> int:
        return self.transitions * self.channels

    @property
    def items(self) -> int:
        return self.messages * (2 if self.notices else 1)

    @property
    def item_bases(self) -> tuple[int, ...]:
        return tuple(ITEMS + ITEM_BYTES * number for number in range(self.items))

    @property
    def worker_bases(self) -> tuple[int, ...]:
        first, size = ITEMS + ITEM_BYTES * self.items, SEEN + self.items
        return tuple(first + size * number for number in range(self.workers))

    @property
    def size(self) -> int:
        return ITEMS + ITEM_BYTES * self.items + (SEEN + self.items) * self.workers

    @property
    def chains(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of items that must go one after another: a channel's messages in order; each notice by itself."""
        ordered = [tuple(range(channel, self.messages, self.channels)) for channel in range(self.channels)]
        return (*ordered, *((number,) for number in range(self.messages, self.items)))

    def name(self, item: int) -> str:
        if item >= self.messages:
            return f"the notice about {self.name(item - self.messages)}"
        seq, channel = divmod(item, self.channels)
        return f"message {seq + 1} to {('chat', 'oncall')[channel]}"


def describe(state: bytes, layout: Layout) -> Iterator[str]:
    """What stands in the store and at the receivers, for a reader of a trace."""
    yield f"S: ver {state[VER]}, taken in {state[TAKEN]}"
    for number, base in enumerate(layout.item_bases):
        status = Row(state[base + STATUS])
        if status or state[base + ARRIVED]:
            yield (
                f"{layout.name(number)}: {status.name} rev {state[base + REV]} fence {state[base + FENCE]}, "
                f"{state[base + ARRIVED]} arrived, {state[base + EXCUSED]} excused, about {state[base + ABOUT]}"
            )
