"""The frame of a plot: what it spans, and where a moment and a value lie in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from nephoscope.model.time import MINUTE
from nephoscope.views.dashboard_data import Drawn

INTERVALS = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """x in epoch seconds, y in the metric's unit; drawn in units of the SVG, which stretches."""

    start: int
    end: int
    low: float
    high: float
    width: ClassVar[int] = 1000
    height: ClassVar[int] = 1000

    def x(self, at: float) -> float:
        return round((at - self.start) / max(self.end - self.start, 1) * self.width, 1)

    def y(self, value: float) -> float:
        """What lies outside is drawn at the edge."""
        return round((1 - min(max(self.share(value), 0.0), 1.0)) * self.height, 1)

    def share(self, value: float) -> float:
        return (value - self.low) / ((self.high - self.low) or 1)

    def along(self, at: float) -> str:
        return f"{self.x(at) / self.width:.2%}"

    def down(self, value: float) -> str:
        return f"{self.y(value) / self.height:.2%}"


def frame_of(series: Sequence[Drawn], axis: Mapping[str, Any], lines: Sequence[float], *, stacked: bool) -> Frame:
    """axis: the widget's left one, with bounds or without. lines: values that must lie within, too."""
    tops = list(sums(series).values()) if stacked else [value for one in series for value in one.values]
    values = [*tops, *lines]
    low = float(axis.get("min", min(values)))
    high = float(axis.get("max", ceiling(max(values), low)))
    start = min(one.times[0] for one in series)
    end = max(one.times[-1] for one in series)
    if start == end:  # a single moment stands in the middle
        start, end = start - 5 * MINUTE, end + 5 * MINUTE
    return Frame(start, end, low, high)


def ceiling(value: float, low: float) -> float:
    """A little above the highest value, so that four equal steps to it are round numbers."""
    span = (value - low) * 1.05 / INTERVALS
    if span <= 0:
        return low + 1
    size = 10.0 ** math.floor(math.log10(span))
    step = next((nice * size for nice in (1, 2, 2.5, 5) if nice * size >= span), 10 * size)
    return low + INTERVALS * step


def sums(series: Sequence[Drawn]) -> dict[int, float]:
    """Moment -> all values of it together."""
    found: dict[int, float] = {}
    for one in series:
        for at, value in zip(one.times, one.values, strict=True):
            found[at] = found.get(at, 0.0) + value
    return found


def short(value: float) -> str:
    """A number for an axis or a tile: 1.2k, 3.4M, 12.5, 0.03."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}" if value else "0"
