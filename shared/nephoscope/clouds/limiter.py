"""One token bucket for each place and action, which learns from throttling.

The catalog's figure is what a provider documents; what an account really gets depends on who else calls there. So a
throttled call halves the pace, and each call that goes through gives a little back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

from nephoscope.model.time import Deadline
from nephoscope.ports import Clock

_SLOWEST = 0.5  # calls a second
_GIVEN_BACK = 0.05  # of the documented pace, for each call that goes through


class Limiter:
    """per_second: the pace to begin with, and the size of a burst. Safe to use from several threads."""

    def __init__(self, per_second: float, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> None:
        self._documented = per_second
        self._pace = per_second
        self._tokens = per_second
        self._clock = clock
        self._sleep = sleep
        self._filled_at = clock.monotonic()
        self._lock = threading.Lock()

    @property
    def pace(self) -> float:
        """Calls a second that are let through at present."""
        return self._pace

    def acquire(self, deadline: Deadline) -> bool:
        """Wait for a turn. False, at once, where the turn would come only after the deadline."""
        with self._lock:
            self._fill()
            wait = max(0.0, (1.0 - self._tokens) / self._pace)
            if wait >= deadline.remaining:
                return False
            self._tokens -= 1.0
        if wait:
            self._sleep(wait)
        return True

    def throttled(self) -> None:
        with self._lock:
            self._fill()
            self._pace = max(_SLOWEST, self._pace / 2)
            self._tokens = min(self._tokens, 0.0)

    def succeeded(self) -> None:
        with self._lock:
            self._pace = min(self._documented, self._pace + self._documented * _GIVEN_BACK)

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(self._documented, self._tokens + (now - self._filled_at) * self._pace)
        self._filled_at = now


class Limiters:
    """A limiter for each place and action, made at its first call and kept for a process's life. Safe to use from
    several threads.

    pace_of: an action's documented calls a second.
    """

    def __init__(
        self, pace_of: Callable[[str], float], clock: Clock, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._pace_of = pace_of
        self._clock = clock
        self._sleep = sleep
        self._limiters: dict[tuple[Hashable, str], Limiter] = {}
        self._lock = threading.Lock()

    def at(self, place: Hashable, action: str) -> Limiter:
        """place: whatever shares a pace: an account and region, a project."""
        with self._lock:
            if (place, action) not in self._limiters:
                self._limiters[place, action] = Limiter(self._pace_of(action), self._clock, self._sleep)
            return self._limiters[place, action]
