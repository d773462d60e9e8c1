"""Where all pages get what they show: one look, read again when it is old and somebody looks, whatever their number.

A source that stops answering takes nothing away: the last look stays, with since when and why there is none newer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from nephoscope.model.errors import NephoscopeError, StoreError
from nephoscope.pipeline.looking.look import Look
from nephoscope.pipeline.looking.shown import Seen, Shown
from nephoscope.pipeline.wording import clean, render_duration
from nephoscope.ports import Clock

logger = logging.getLogger("nephoscope")

FIRST_WAIT = 30.0
"""Seconds that the first page waits for the first look; later ones show what there is at once."""
SLOW = 10
"""Seconds after which a reading that has not come back is said to be slow."""


class Source:
    """read: one look; raises NephoscopeError. every: seconds for which a look is young. Safe for any number of
    threads: one reading at a time is under way, in a thread of its own, and nobody waits for it but for the first."""

    def __init__(self, read: Callable[[], Look], clock: Clock, every: float) -> None:
        self._read = read
        self._clock = clock
        self.every = every
        self._lock = threading.Lock()
        self._seen = Seen(None)
        self._begun: float | None = None
        self._ended = float("-inf")
        self._done = threading.Event()

    def now(self) -> Seen:
        """The newest look that there is; a reading is begun where it is old. Waits only while there is none."""
        self._begin()
        if self._seen.shown is None and not self._seen.problem:
            self._done.wait(FIRST_WAIT)
        return self._with_slowness()

    def _begin(self) -> None:
        with self._lock:
            young = self._clock.monotonic() - self._ended < self.every
            if self._begun is not None or young:
                return
            self._begun = self._clock.monotonic()
        threading.Thread(target=self._read_once, name="nephoscope-look", daemon=True).start()

    def _read_once(self) -> None:
        before = self._seen
        try:
            look = self._read()
            shown = Shown(look, before.number + 1, before.shown)
            _ = shown.rows, shown.answer  # made here, so that no page waits for it
            after = Seen(shown, at=look.at)
        except NephoscopeError as error:
            after = Seen(before.shown, said_of(error), before.at)
        except Exception as error:
            logger.exception("a fault of our own")
            after = Seen(before.shown, f"a fault of our own: {type(error).__name__}", before.at)
        with self._lock:
            self._seen, self._begun, self._ended = after, None, self._clock.monotonic()
        self._done.set()

    def _with_slowness(self) -> Seen:
        with self._lock:
            seen, begun = self._seen, self._begun
        waited = 0.0 if begun is None else self._clock.monotonic() - begun
        if seen.problem or waited < max(SLOW, self.every):
            return seen
        return Seen(seen.shown, f"it has not answered for {render_duration(waited)}", seen.at)


def said_of(error: NephoscopeError) -> str:
    """In words: the reason first, for it is what a person acts on."""
    if isinstance(error, StoreError):
        detail = f" ({clean(error.detail, 200)})" if error.detail else ""
        return f"{str(error.reason).replace('_', ' ')}{detail}"
    return clean(str(error), 300)
