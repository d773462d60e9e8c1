"""A series as a line of blocks in the terminal: one block for a part of the time, a blank where nothing is known."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from nephoscope.pipeline.plotting.tracks import Track

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.:-=+*#"
"""Where the terminal's encoding has no blocks."""


@dataclass(frozen=True, slots=True)
class Spark:
    """text: exactly as many cells as were asked for. low, high, last: the catalog's unit; None without a point."""

    text: str
    low: float | None
    high: float | None
    last: float | None


def spark_of(track: Track, begin: int, end: int, cells: int, floor: float, top: float, blocks: str = BLOCKS) -> Spark:
    """Each block is the highest point of its part of the time, between `floor` and `top`. Where a part is shorter than
    a period, it shows the point in whose period it lies."""
    if not track.times:
        return Spark(" " * cells, None, None, None)
    heights = _heights(track, begin, end, cells)
    text = "".join(" " if math.isnan(height) else _block(height, floor, top, blocks) for height in heights)
    return Spark(text, min(track.values), max(track.values), track.values[-1])


def _heights(track: Track, begin: int, end: int, cells: int) -> list[float]:
    width = (end - begin) / cells
    return [_height(track, begin + width * cell, width) for cell in range(cells)]


def _height(track: Track, low: float, width: float) -> float:
    """nan where the provider has no point."""
    if width < track.period:
        middle = low + width / 2
        index = bisect_right(track.times, middle) - 1
        covered = index >= 0 and middle < track.times[index] + track.period
        return track.values[index] if covered else math.nan
    first, last = bisect_left(track.times, low), bisect_left(track.times, low + width)
    return max(track.values[first:last]) if last > first else math.nan


def _block(height: float, floor: float, top: float, blocks: str) -> str:
    share = (height - floor) / (top - floor) if top > floor else 0.0
    return blocks[min(len(blocks) - 1, max(0, int(share * len(blocks))))]
