"""No more points than pixels: of each column the lowest and the highest stay, in their order, and gaps stay gaps."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator

from nephoscope.pipeline.plotting.tracks import Track

COLUMNS = 720
"""Of a plot, in which a line may change its direction twice. A picture is about 1,000 pixels wide inside its axes."""

FEW_COLUMNS = 240
"""Of a line among hundreds, which nobody follows."""


def thin(track: Track, begin: int, end: int, columns: int = COLUMNS) -> tuple[array[float], array[float]]:
    """What is drawn of the line: times and values, with nan between two points that do not follow each other."""
    if len(track.times) <= 2 * columns:
        kept = range(len(track.times))
        return _broken(track, list(kept))
    return _broken(track, list(_extremes(track, begin, max(1.0, (end - begin) / columns), columns)))


def _extremes(track: Track, begin: int, width: float, columns: int) -> Iterator[int]:
    """Indices of the lowest and the highest point of each column, and of what stands beside a gap."""
    first = 0
    for number in range(1, columns + 2):
        last = bisect_left(track.times, begin + width * number, first)
        if last == first:
            continue
        points = track.values[first:last]
        low, high = points.index(min(points)), points.index(max(points))
        yield from sorted({first + low, first + high} | _edges(track, first, last))
        first = last


def _edges(track: Track, first: int, last: int) -> set[int]:
    """A column without a gap has none: its whole length is that of its points."""
    if track.times[last - 1] - track.times[first] <= track.period * (last - first - 1):
        return set()
    broken = [index for index in range(first + 1, last) if not track.connects(index)]
    return {index for each in broken for index in (each - 1, each)}


def _broken(track: Track, kept: list[int]) -> tuple[array[float], array[float]]:
    times, values = array("d"), array("d")
    before = -1
    for index in kept:
        if before >= 0 and _gap(track, before, index):
            times.append(track.times[before] + track.period)
            values.append(math.nan)
        times.append(track.times[index])
        values.append(track.values[index])
        before = index
    return times, values


def _gap(track: Track, before: int, index: int) -> bool:
    """Whether periods between the two have no point."""
    return track.times[index] - track.times[before] > track.period * (index - before)


def lone_points(times: array[float], values: array[float]) -> tuple[array[float], array[float]]:
    """Points with a gap on either side: a line through them shows nothing, so each is drawn as a dot."""
    lone_times, lone_values = array("d"), array("d")
    for index, value in enumerate(values):
        left = index > 0 and not math.isnan(values[index - 1])
        right = index + 1 < len(values) and not math.isnan(values[index + 1])
        if not (math.isnan(value) or left or right):
            lone_times.append(times[index])
            lone_values.append(value)
    return lone_times, lone_values
