"""What all parts of the memory stand on: a table, a clock, and a way to write that survives a lost answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from nephoscope.model.errors import StoreError
from nephoscope.ports import Clock, Table, Write

TRIES = 3


class Committed(StrEnum):
    COMMITTED = "committed"
    ALREADY = "already"  # an earlier try of this very run, whose answer was lost, has won
    LOST = "lost"  # another run was first; what this one has found out is dropped, and it sends nothing


class Shelf:
    """A table with a clock (leases, expiry, times of receipts; never for what is decided)."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    @property
    def _now(self) -> int:
        return int(self._clock.wall())

    def _apply(self, writes: Sequence[Write], stands: Callable[[], bool]) -> Committed:
        """Write all or nothing. `stands` reads whether what was to be written is there and is this caller's own.

        Where the answer is lost and nothing is there (yet), the same is asked again: every write here is conditional
        on a version, so the first try, should it still arrive, finds its condition broken. Raises StoreError.
        """
        for tries_left in reversed(range(TRIES)):
            try:
                if self._table.transact(writes) == "done":
                    return Committed.COMMITTED
                return Committed.ALREADY if stands() else Committed.LOST
            except StoreError as error:
                if not error.ambiguous:
                    raise
                if stands():
                    return Committed.ALREADY
                if not tries_left:
                    raise
        raise AssertionError("unreachable")
