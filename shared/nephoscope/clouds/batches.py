"""What is asked in batches: several at once, and so that one bad member costs only itself.

A batch that is refused for its size or for one bad member is asked again in halves, until the bad one stands alone.
After a denial nothing more is asked: it would be denied alike.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from nephoscope.model.errors import ReadError, Reason

Batch = TypeVar("Batch")
Outcome = TypeVar("Outcome")

MOST_SPLITS = 64
"""Splits in one read. One bad member of 500 takes nine; where hundreds are bad, something else is wrong."""

_AT_ONCE = 4


class BatchRead(Generic[Batch, Outcome]):
    """The batches of one read.

    ask: one call with its pages: what came (None where nothing did), and why that is not all. lost: what becomes of a
    batch of which nothing came. halves: two batches in its place; none where it cannot be divided. splittable: reasons
    that may not hold for a half.
    """

    def __init__(
        self,
        ask: Callable[[Batch], tuple[Outcome | None, ReadError | None]],
        lost: Callable[[Batch, ReadError], Outcome],
        halves: Callable[[Batch], Sequence[Batch]] = lambda _: (),
        splittable: frozenset[Reason] = frozenset(),
    ) -> None:
        self._ask = ask
        self._lost = lost
        self._halves = halves
        self._splittable = splittable
        self._splits = MOST_SPLITS
        self._denied: ReadError | None = None
        self._lock = threading.Lock()

    def read(self, batches: Sequence[Batch]) -> list[Outcome]:
        """One outcome for each call that was answered, and for each batch that was lost. Raises nothing for a read that
        fails."""
        if len(batches) <= 1:
            return [outcome for batch in batches for outcome in self._read(batch)]
        with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(batches))) as pool:
            return [outcome for outcomes in pool.map(self._read, batches) for outcome in outcomes]

    def _read(self, batch: Batch) -> list[Outcome]:
        came, error = (None, self._denied) if self._denied is not None else self._ask(batch)
        if error is not None and error.reason is Reason.DENIED:
            self._denied = error
        if came is not None:
            return [came]
        if error is None:
            raise AssertionError("nothing came, and nothing says why")
        halves = self._halves(batch) if error.reason in self._splittable else ()
        if halves and self._may_split():
            return [outcome for half in halves for outcome in self._read(half)]
        return [self._lost(batch, error)]

    def _may_split(self) -> bool:
        with self._lock:
            self._splits -= 1
            return self._splits >= 0
