"""How fast a channel is sent to in one run: as fast as it takes, slower where it says so, not at all where it is dead.

All lanes of a channel share one pace, so that a dead receiver costs a run two time-outs, not one for each message.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.time import Deadline

FAILURES = 2
"""Failures in a row after which a channel is left alone until the next run."""
LONGEST_PAUSE = 5.0
"""A receiver that wants a longer pause than this gets one: until the next run."""
LEAST_PAUSE = 1.0

ABOUT_CHANNEL = frozenset(
    {Reason.DENIED, Reason.NOT_FOUND, Reason.SECRET_MISSING, Reason.ADDRESS_REFUSED, Reason.REDIRECTED}
)
"""Refusals that the next message would meet as well. The others are about one message."""


class Pacing:
    """One channel in one run. Safe to use from several threads."""

    def __init__(self, deadline: Deadline, sleep: Callable[[float], None]) -> None:
        self._deadline = deadline
        self._sleep = sleep
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = 0.0
        self._free_at = 0.0
        self.closed = ""
        """Why nothing more is sent to it in this run; empty: it is open."""

    def turn(self) -> bool:
        """Wait until it may be sent to; False where that is not in this run."""
        with self._lock:
            now = self._deadline.monotonic()
            wait = max(0.0, self._free_at - now)
            if self.closed or wait > min(LONGEST_PAUSE, self._deadline.remaining):
                return False
            self._free_at = now + wait + self._pause
        if wait:
            self._sleep(wait)
        return not self.closed

    def well(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self, error: DeliveryError) -> None:
        with self._lock:
            if error.reason is Reason.THROTTLED:
                self._slow_down(error)
            elif error.retryable or error.reason in ABOUT_CHANNEL:
                self._failures += 1
                if self._failures >= FAILURES:
                    self.closed = str(error.reason)

    def _slow_down(self, error: DeliveryError) -> None:
        self._pause = max(LEAST_PAUSE, self._pause * 2)
        pause = max(self._pause, error.retry_after or 0.0)
        self._free_at = max(self._free_at, self._deadline.monotonic() + pause)
        if pause > LONGEST_PAUSE:
            self.closed = str(error.reason)
