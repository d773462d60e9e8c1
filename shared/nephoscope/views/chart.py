"""Graphs as inline SVG: lines, stacked areas, thresholds, sparklines. No script; the tooltip is SVG's own <title>.

Coordinates are pixels of the width that the widget has on a page of 1,280; the drawing scales with the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nephoscope.model.time import DAY, HOUR, MINUTE
from nephoscope.views.dashboard_data import Drawn
from nephoscope.views.markup import Html, join, tag

PALETTE = (
    "#1f77b4",
    "#ff7f0e",
    "#2ca02c",
    "#d62728",
    "#9467bd",
    "#8c564b",
    "#e377c2",
    "#17becf",
    "#bcbd22",
    "#7f7f7f",
)
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 10, 22
_INTERVALS = 4
_STEPS = (MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY)
_MANY_DAYS = 2 * DAY


@dataclass(frozen=True, slots=True)
class Frame:
    """The plot's area and what it spans: x in epoch seconds, y in the metric's unit."""

    width: int
    height: int
    start: int
    end: int
    low: float
    high: float

    def x(self, at: float) -> float:
        share = (at - self.start) / max(self.end - self.start, 1)
        return round(_LEFT + share * (self.width - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1)
        return round(self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM), 1)


def draw_graph(series: Sequence[Drawn], properties: Mapping[str, Any], width: int, height: int) -> Html:
    """Lines over time with axes and thresholds. Empty series are left out; with none at all the frame says so."""
    shown = [one for one in series if one.times]
    if not shown:
        return tag("p", "No data in this range.", class_="empty")
    lines = _thresholds(properties)
    stacked = bool(properties.get("stacked"))
    frame = _frame(shown, properties, lines, stacked, (width, height))
    body = [*_grid(frame), *(_areas(shown, frame) if stacked else _lines(shown, frame)), *_marks(lines, frame)]
    return _svg(width, height, body, str(properties.get("title", "")))


def draw_sparkline(one: Drawn, width: int = 200, height: int = 36) -> Html:
    """The course of a single value, without axes."""
    low, high = min(one.values), max(one.values)
    frame = Frame(width + _LEFT, height + _BOTTOM, one.times[0], one.times[-1], low, high if high > low else low + 1)
    points = " ".join(
        f"{frame.x(at) - _LEFT},{frame.y(value)}" for at, value in zip(one.times, one.values, strict=True)
    )
    line = tag("polyline", points=points, class_="spark", style=f"stroke:{one.color or PALETTE[0]}")
    return _svg(width, height, [line], "")


def color_of(one: Drawn, place: int) -> str:
    return one.color or PALETTE[place % len(PALETTE)]


def short(value: float) -> str:
    """A number for an axis or a tile: 1.2k, 3.4M, 12.5, 0.03."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}" if value else "0"


# --- frame -------------------------------------------------------------------------------------------------------


def _frame(
    series: Sequence[Drawn],
    properties: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    stacked: bool,
    size: tuple[int, int],
) -> Frame:
    axis = properties.get("yAxis", {}).get("left", {})
    tops = list(_sums(series).values()) if stacked else [value for one in series for value in one.values]
    values = [*tops, *(float(line["value"]) for line in lines)]
    low = float(axis.get("min", min(values)))
    high = float(axis.get("max", _ceiling(max(values), low)))
    start = min(one.times[0] for one in series)
    end = max(one.times[-1] for one in series)
    return Frame(*size, start, max(end, start + MINUTE), low, high)


def _ceiling(value: float, low: float) -> float:
    """A little above the highest value, so that four equal steps to it are round numbers."""
    span = (value - low) * 1.05 / _INTERVALS
    if span <= 0:
        return low + 1
    size = 10.0 ** math.floor(math.log10(span))
    step = next((nice * size for nice in (1, 2, 2.5, 5) if nice * size >= span), 10 * size)
    return low + _INTERVALS * step


def _grid(frame: Frame) -> Iterator[Html]:
    for place in range(_INTERVALS + 1):
        value = frame.low + (frame.high - frame.low) * place / _INTERVALS
        y = frame.y(value)
        yield tag("line", x1=_LEFT, x2=frame.width - _RIGHT, y1=y, y2=y, class_="grid")
        yield tag("text", short(value), x=_LEFT - 6, y=y + 4, class_="tick", text_anchor="end")
    step = next((one for one in _STEPS if (frame.end - frame.start) / one <= 6), _STEPS[-1])
    pattern = "%d %b" if frame.end - frame.start >= _MANY_DAYS else "%H:%M"
    for at in range(-(-frame.start // step) * step, frame.end + 1, step):
        words = datetime.fromtimestamp(at, UTC).strftime(pattern)
        anchor = "end" if frame.x(at) > frame.width - _RIGHT - 16 else "middle"
        yield tag("text", words, x=frame.x(at), y=frame.height - 6, class_="tick", text_anchor=anchor)


# --- what is drawn -----------------------------------------------------------------------------------------------


def _lines(series: Sequence[Drawn], frame: Frame) -> Iterator[Html]:
    for place, one in enumerate(series):
        color = color_of(one, place)
        name = tag("title", f"{one.label}: {short(one.values[-1])} now, {short(max(one.values))} at most")
        path = tag("path", name, d=_path(one, frame), class_="line", style=f"stroke:{color}")
        dots = [
            tag("circle", cx=frame.x(at), cy=frame.y(value), r=2, style=f"fill:{color}") for at, value in _alone(one)
        ]
        yield join([path, *dots])


def _path(one: Drawn, frame: Frame) -> str:
    """A line is broken where points are missing: a gap is something to see."""
    parts: list[str] = []
    before: int | None = None
    for at, value in zip(one.times, one.values, strict=True):
        joined = before is not None and at - before <= 1.5 * one.period
        parts.append(f"{'L' if joined else 'M'}{frame.x(at)},{frame.y(min(max(value, frame.low), frame.high))}")
        before = at
    return "".join(parts)


def _alone(one: Drawn) -> Iterator[tuple[int, float]]:
    """Points without a neighbour, which no line would show."""
    reach = 1.5 * one.period
    for place, at in enumerate(one.times):
        left = place and at - one.times[place - 1] <= reach
        right = place + 1 < len(one.times) and one.times[place + 1] - at <= reach
        if not left and not right:
            yield at, one.values[place]


def _areas(series: Sequence[Drawn], frame: Frame) -> Iterator[Html]:
    times = sorted(_sums(series))
    floor = dict.fromkeys(times, 0.0)
    for place, one in enumerate(series):
        values = dict(zip(one.times, one.values, strict=True))
        top = {at: floor[at] + values.get(at, 0.0) for at in times}
        up = [f"{frame.x(at)},{frame.y(top[at])}" for at in times]
        down = [f"{frame.x(at)},{frame.y(floor[at])}" for at in reversed(times)]
        color = color_of(one, place)
        name = tag("title", f"{one.label}: {short(one.values[-1])} now")
        yield tag("polygon", name, points=" ".join(up + down), class_="area", style=f"fill:{color};stroke:{color}")
        floor = top


def _sums(series: Sequence[Drawn]) -> dict[int, float]:
    sums: dict[int, float] = {}
    for one in series:
        for at, value in zip(one.times, one.values, strict=True):
            sums[at] = sums.get(at, 0.0) + value
    return sums


def _thresholds(properties: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(properties.get("annotations", {}).get("horizontal", []))


def _marks(lines: Sequence[Mapping[str, Any]], frame: Frame) -> Iterator[Html]:
    for line in lines:
        y, color = frame.y(float(line["value"])), f"stroke:{line.get('color', '#d62728')}"
        yield tag("line", x1=_LEFT, x2=frame.width - _RIGHT, y1=y, y2=y, class_="threshold", style=color)
        words = str(line.get("label", ""))
        yield tag("text", words, x=frame.width - _RIGHT - 4, y=y - 4, class_="mark", text_anchor="end")


def _svg(width: int, height: int, body: Sequence[Html], title: str) -> Html:
    return tag("svg", *body, viewBox=f"0 0 {width} {height}", role="img", aria_label=title or None)
