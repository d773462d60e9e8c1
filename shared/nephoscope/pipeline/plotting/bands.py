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
from itertools import accumulate, pairwise

from nephoscope.model.time import MINUTE, ceil_div, floor_to
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
    """Of each step one number a machine is held at a time."""
    band, offset, bundles = Band(), _offset(tracks, grid), _bundles(tracks)
    at = grid.begin
    for edge in grid.edges():
        means: list[float] = []
        highest = [-math.inf]
        for bundle in bundles:
            first, last = index_of(bundle[0], at), index_of(bundle[0], edge)
            if last > first:
                own = _means(bundle, first, last)
                means += own
                highest.append(max(own) if last - first == 1 else _highest(bundle, first, last))
        means.sort()
        band.times.append(at + offset)
        band.lowest_tenth.append(percentile(means, 0.1))
        band.median.append(percentile(means, 0.5))
        band.highest_tenth.append(percentile(means, 0.9))
        band.highest.append(max(highest) if means else math.nan)
        at = edge
    return band


def _offset(tracks: Sequence[Track], grid: Grid) -> int:
    """A step of several points is drawn in their middle; one of a single point where lines have theirs."""
    finest = min((track.period for track in tracks), default=grid.step)
    return (grid.step - finest) // 2


Bundle = Sequence[Track]
"""Tracks whose points are of the very same times: what is worked out of one's times holds for all."""


def _bundles(tracks: Sequence[Track]) -> list[Bundle]:
    """Of most fleets a few; a track with a gap is one of its own."""
    found: dict[tuple[int, int, int, int], list[Track]] = {}
    for number, track in enumerate(tracks):
        if track.times:
            own = 0 if is_whole(track) else number + 1
            found.setdefault((track.times[0], len(track.times), track.period, own), []).append(track)
    return list(found.values())


def is_whole(track: Track) -> bool:
    """Whether it has a point in each period from its first to its last."""
    return track.times[-1] - track.times[0] == track.period * (len(track.times) - 1)


def index_of(track: Track, at: int) -> int:
    """Of the first point at or after that time; how many points there are, where there is none."""
    if is_whole(track):
        return min(len(track.times), max(0, ceil_div(at - track.times[0], track.period)))
    return bisect_left(track.times, at)


def _means(bundle: Bundle, first: int, last: int) -> list[float]:
    if last - first == 1:
        return [track.values[first] for track in bundle]
    return [sum(track.values[first:last]) / (last - first) for track in bundle]


def _highest(bundle: Bundle, first: int, last: int) -> float:
    return max(max(track.values[first:last]) for track in bundle)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Between the two nearest where it falls between them; nan of nothing. ordered: ascending."""
    if not ordered:
        return math.nan
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def badness(track: Track, edges: Sequence[int], *, upward: bool = True) -> float:
    """How bad the worst part of its time was: the highest mean of a part, or the lowest, turned round, where low is
    bad. edges: indices of the first point of each part, and of the end. -inf without a point."""
    sums = [0.0, *accumulate(track.values)]
    means = [(sums[last] - sums[first]) / (last - first) for first, last in pairwise(edges) if last > first]
    return (max(means) if upward else -min(means)) if means else -math.inf


def part_edges(track: Track, begin: int, end: int) -> list[int]:
    """The parts' edges in the track: a quarter of an hour each of a day, of other spans in proportion."""
    part = max(track.period, math.ceil((end - begin) / PARTS))
    return [index_of(track, at) for at in range(begin, end + part, part)]


def worst_of(
    tracks: Sequence[Track], number: int, begin: int, end: int, *, upward: bool, alerted: frozenset[int] = frozenset()
) -> tuple[int, ...]:
    """Indices of the worst few, the worst first. alerted: indices that come before all others: somebody was told of
    them. Those without a point are never among them."""
    edges: dict[int, list[int]] = {}
    for bundle in _bundles(tracks):
        edges |= dict.fromkeys(map(id, bundle), part_edges(bundle[0], begin, end))
    scores = [badness(track, edges.get(id(track), ()), upward=upward) for track in tracks]
    known = [index for index, score in enumerate(scores) if score > -math.inf]
    return tuple(sorted(known, key=lambda index: (index not in alerted, -scores[index], index))[:number])
