"""Metrics as CloudWatch holds them: a namespace, a name, dimensions, and a summary for each stored period.

A point that was measured is not yet there to be read: `seen_at` says from when on it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from nephoscope.localcloud.aws.summary import Summary


class MetricKey(NamedTuple):
    """dimensions: sorted by name, as two orders name one metric."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    @property
    def schema(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.dimensions)


class Stream(Protocol):
    @property
    def key(self) -> MetricKey: ...

    @property
    def period(self) -> int:
        """Seconds between stored points."""
        ...

    def stored(self, start: int, end: int, now: float) -> Iterator[tuple[int, Summary]]:
        """The points of [start, end) that can be read at `now`: (time, summary), ascending."""
        ...

    def active(self, since: float, now: float) -> bool:
        """Whether a point was taken between the two."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """A request's half-open range, and the time that it is asked at. Seconds."""

    start: int
    end: int
    now: float


def bucketed(stream: Stream, period: int, window: Window) -> dict[int, Summary]:
    """The stream in buckets of `period`, aligned to the epoch; a bucket that holds the window's start is whole."""
    buckets: dict[int, Summary] = {}
    start = window.start - window.start % period
    for at, summary in stream.stored(start, window.end, window.now):
        place = at - at % period
        if place in buckets:
            buckets[place].merge(summary)
        else:
            buckets[place] = Summary()
            buckets[place].merge(summary)
    return buckets
