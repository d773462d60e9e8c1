"""Two kinds of time that are never mixed.

*Data time* and *slot* are whole seconds since the epoch, UTC: everything that is decided follows them, so that a
doubled, late or repeated run decides the same. The *clock* (wall and monotonic) serves leases, deadlines and backoff.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

MINUTE = 60
HOUR = 3600
DAY = 86_400


def floor_to(at: int, period: int) -> int:
    """The last boundary of `period` at or before `at`; both in seconds."""
    return at - at % period


def ceil_div(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)


def iso(at: float) -> str:
    """RFC 3339 in UTC, whole seconds: 2026-11-23T20:45:00Z."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment, on a monotonic clock, at which work must have stopped."""

    at: float
    monotonic: Callable[[], float]

    @property
    def remaining(self) -> float:
        """Seconds left; zero or less when time is up."""
        return self.at - self.monotonic()

    def earlier(self, seconds: float) -> Deadline:
        """The same deadline, `seconds` sooner: what is kept back for the work that follows."""
        return Deadline(self.at - seconds, self.monotonic)
