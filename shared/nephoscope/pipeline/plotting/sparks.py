"""A series as a line of blocks in the terminal: one block for a part of the time, a blank where nothing is known."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

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


def spark_of(
    times: Sequence[int],
    values: Sequence[float],
    period: int,
    span: tuple[int, int],
    cells: int,
    scale: tuple[float, float],
    blocks: str = BLOCKS,
) -> Spark:
    """Each block is the highest point of its part of the span [begin, end), between the two ends of the scale. Where a
    part is shorter than a period, it shows the point in whose period it lies. times: ascending, starts of periods;
    values: nan is no point."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Spark(" " * cells, None, None, None)
    width = (span[1] - span[0]) / cells
    heights = [_height(times, values, period, span[0] + width * cell, width) for cell in range(cells)]
    text = "".join(" " if math.isnan(height) else _block(height, *scale, blocks) for height in heights)
    return Spark(text, min(known), max(known), known[-1])


def _height(times: Sequence[int], values: Sequence[float], period: int, low: float, width: float) -> float:
    """nan where there is no point."""
    if width < period:
        middle = low + width / 2
        index = bisect_right(times, middle) - 1
        return values[index] if index >= 0 and middle < times[index] + period else math.nan
    first, last = bisect_left(times, low), bisect_left(times, low + width)
    return max((value for value in values[first:last] if not math.isnan(value)), default=math.nan)


def _block(height: float, floor: float, top: float, blocks: str) -> str:
    share = (height - floor) / (top - floor) if top > floor else 0.0
    return blocks[min(len(blocks) - 1, max(0, int(share * len(blocks))))]
