"""Many machines as bands: at each moment the middle one, the middle eight tenths, and the highest.

Thousands of lines are one grey block. What a person asks of a thousand machines is how most of them fare, how far they
lie apart, and whether one of them stands out.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from nephoscope.model.time import MINUTE, floor_to
from nephoscope.pipeline.plotting.tracks import Track

STEPS = 300
"""Moments that a band is worked out for, at the most: about one for three pixels."""

_NICE = (1, 2, 5, 10, 15, 20, 30, 60, 120, 240, 360, 720, 1440, 10080)

PARTS = 96
"""Parts of the time by which the worst are found: a quarter of an hour of a day."""


@dataclass(frozen=True, slots=True)
class Grid:
    """`count` steps of `step` seconds from `begin` (epoch seconds, a boundary of the step)."""

    begin: int
    step: int
    count: int

    def edges(self) -> range:
        return range(self.begin + self.step, self.begin + self.step * (self.count + 1), self.step)


@dataclass(frozen=True, slots=True)
class Band:
    """times: where each column is drawn. The others stand beside them, nan where no machine has a point: a gap.
    highest is the highest single point of any machine, the percentiles are of the machines' means in the step."""

    times: array[int] = field(default_factory=lambda: array("q"))
    lowest_tenth: array[float] = field(default_factory=lambda: array("d"))
    median: array[float] = field(default_factory=lambda: array("d"))
    highest_tenth: array[float] = field(default_factory=lambda: array("d"))
    highest: array[float] = field(default_factory=lambda: array("d"))


def grid_of(tracks: Sequence[Track], begin: int, end: int, steps: int = STEPS) -> Grid:
    """No finer than the coarsest period, so that each step can hold a point of every machine."""
    coarsest = max((track.period for track in tracks), default=MINUTE)
    least = max(coarsest, (end - begin) / steps)
    step = next((minutes * MINUTE for minutes in _NICE if minutes * MINUTE >= least), math.ceil(least))
    if step % coarsest:
        step = coarsest * math.ceil(step / coarsest)
    first = floor_to(begin, step)
    return Grid(first, step, max(1, math.ceil((end - first) / step)))


def band_of(tracks: Sequence[Track], grid: Grid) -> Band:
    """One pass over all points, holding one number a machine at a time."""
    band, offset = Band(), _offset(tracks, grid)
    at = [0] * len(tracks)
    for edge in grid.edges():
        means, highest = _step(tracks, at, edge)
        means.sort()
        band.times.append(edge - grid.step + offset)
        band.lowest_tenth.append(percentile(means, 0.1))
        band.median.append(percentile(means, 0.5))
        band.highest_tenth.append(percentile(means, 0.9))
        band.highest.append(highest)
    return band


def _offset(tracks: Sequence[Track], grid: Grid) -> int:
    """A step of several points is drawn in their middle; one of a single point where lines have theirs."""
    finest = min((track.period for track in tracks), default=grid.step)
    return (grid.step - finest) // 2


def _step(tracks: Sequence[Track], at: list[int], edge: int) -> tuple[list[float], float]:
    """The machines' means before `edge`, and the highest point; `at` moves on."""
    means: list[float] = []
    highest = -math.inf
    for number, track in enumerate(tracks):
        first = at[number]
        last = at[number] = bisect_left(track.times, edge, first)
        if last == first:
            continue
        points = track.values[first:last]
        means.append(sum(points) / (last - first))
        highest = max(highest, *points) if last - first > 1 else max(highest, points[0])
    return means, highest if means else math.nan


def percentile(ordered: Sequence[float], share: float) -> float:
    """Between the two nearest where it falls between them; nan of nothing. ordered: ascending."""
    if not ordered:
        return math.nan
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def badness(track: Track, begin: int, end: int, *, upward: bool = True) -> float:
    """How bad the worst part of its time was: the highest mean of a quarter of an hour (of a day; other spans in
    proportion), or the lowest, turned round, where low is bad. -inf without a point."""
    part, worst, first = max(track.period, math.ceil((end - begin) / PARTS)), -math.inf, 0
    for edge in range(begin + part, end + part, part):
        last = bisect_left(track.times, edge, first)
        if last > first:
            mean = sum(track.values[first:last]) / (last - first)
            worst = max(worst, mean if upward else -mean)
        first = last
    return worst


def worst_of(
    tracks: Sequence[Track], number: int, begin: int, end: int, *, upward: bool, alerted: frozenset[int] = frozenset()
) -> tuple[int, ...]:
    """Indices of the worst few, the worst first. alerted: indices that come before all others: somebody was told of
    them. Those without a point are never among them."""
    scores = [badness(track, begin, end, upward=upward) for track in tracks]
    known = [index for index, score in enumerate(scores) if score > -math.inf]
    return tuple(sorted(known, key=lambda index: (index not in alerted, -scores[index], index))[:number])
