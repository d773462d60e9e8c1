"""Graphs without a script: lines, stacked areas, thresholds with their shade, sparklines.

The plot is an SVG that is stretched to whatever width it is given, with strokes that keep theirs; words stand beside it
as HTML, in percent of the same frame, so that they are as large on a phone as on a wide screen. What a graph shows is
said in words too, in the SVG's own <title> and <desc>; pointing at a line shows its name and values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from nephoscope.model.time import DAY, HOUR, MINUTE
from nephoscope.views.chart_frame import INTERVALS, Frame, frame_of, short, sums
from nephoscope.views.dashboard_data import Drawn
from nephoscope.views.markup import Html, isolated, join, tag

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
_STEPS = (MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY)
_MANY_DAYS = 2 * DAY
_TICKS = 5
_DESCRIBED = 8
"""Lines that are described one by one."""

_NOTHING = "No data in this range."


def draw_graph(series: Sequence[Drawn], properties: Mapping[str, Any], height: int) -> Html:
    """Lines over time with axes and thresholds; height: pixels. Empty series are left out; with none at all it says
    so."""
    shown = [one for one in series if one.times]
    if not shown:
        return tag("p", _NOTHING, class_="empty")
    lines = horizontal(properties)
    stacked = bool(properties.get("stacked"))
    frame = frame_of(shown, properties.get("yAxis", {}).get("left", {}), _values(lines), stacked=stacked)
    drawn = [*_shades(lines, frame), *_grid(frame), *(_areas(shown, frame) if stacked else _lines(shown, frame))]
    plot = _svg([*drawn, *_marks(lines, frame)], str(properties.get("title", "")), _described(shown, lines))
    words = [*_scale(frame), *_times(frame), *_mark_words(lines, frame)]
    return tag("div", plot, *words, class_="plot", style=f"height:{height}px")


def draw_sparkline(one: Drawn) -> Html:
    """The course of a single value, without axes."""
    low, high = min(one.values), max(one.values)
    least = max(abs(high) / 10, high - low, 1e-9)  # a change of a hundredth is not drawn as a fall
    middle = (low + high) / 2
    frame = Frame(one.times[0], max(one.times[-1], one.times[0] + 1), middle - least / 2, middle + least / 2)
    points = " ".join(f"{frame.x(at)},{frame.y(value)}" for at, value in zip(one.times, one.values, strict=True))
    color = one.color or PALETTE[0]
    line = tag("polyline", points=points, class_="spark", vector_effect="non-scaling-stroke", style=f"stroke:{color}")
    said = f"{short(one.values[-1])} now, between {short(low)} and {short(high)} before"
    return tag("div", _svg([line], one.label, said), class_="course")


def color_of(one: Drawn, place: int) -> str:
    return one.color or PALETTE[place % len(PALETTE)]


def horizontal(properties: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """Annotations across the graph that are visible: one line, or the two of a band."""
    found = properties.get("annotations", {}).get("horizontal", [])
    lines = [one if isinstance(one, list) else [one] for one in found]
    return [one for one in lines if one and one[0].get("visible", True)]


# --- in words ----------------------------------------------------------------------------------------------------


def _described(series: Sequence[Drawn], lines: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    first, last = min(one.times[0] for one in series), max(one.times[-1] for one in series)
    of = "1 line" if len(series) == 1 else f"{len(series)} lines"
    said = [f"{of} from {_at(first)} to {_at(last)} UTC"]
    said += [_course(one) for one in series[:_DESCRIBED]]
    said += [f"threshold {one[0].get('label') or short(float(one[0]['value']))}" for one in lines]
    return "; ".join(said)


def _course(one: Drawn) -> str:
    name = one.label or "value"
    if len(one.values) == 1:
        return f"{name}: {short(one.values[0])}, once"
    return f"{name}: {short(one.values[-1])} now, {short(min(one.values))} to {short(max(one.values))}"


def _at(moment: int, pattern: str = "%d %b %H:%M") -> str:
    return datetime.fromtimestamp(moment, UTC).strftime(pattern)


# --- around the plot ---------------------------------------------------------------------------------------------


def _scale(frame: Frame) -> Iterator[Html]:
    for place in range(INTERVALS + 1):
        value = frame.low + (frame.high - frame.low) * place / INTERVALS
        yield tag("span", short(value), class_="scale", style=f"top:{frame.down(value)}", aria_hidden="true")


def _times(frame: Frame) -> Iterator[Html]:
    span = frame.end - frame.start
    step = next((one for one in _STEPS if span / one <= _TICKS), -(-span // (_TICKS * DAY)) * DAY)
    pattern = "%d %b" if span >= _MANY_DAYS else "%H:%M"
    for at in range(-(-frame.start // step) * step, frame.end + 1, step):
        yield tag("span", _at(at, pattern), class_="time", style=f"left:{frame.along(at)}", aria_hidden="true")


def _mark_words(lines: Sequence[Sequence[Mapping[str, Any]]], frame: Frame) -> Iterator[Html]:
    """A label above its line, below it where the line is at the top."""
    for one in (edge for line in lines for edge in line if edge.get("label")):
        value = float(one["value"])
        side = "mark under" if frame.share(value) > 0.9 else "mark"
        yield tag("span", isolated(one["label"]), class_=side, style=f"top:{frame.down(value)}", aria_hidden="true")


def _grid(frame: Frame) -> Iterator[Html]:
    for place in range(INTERVALS + 1):
        y = frame.y(frame.low + (frame.high - frame.low) * place / INTERVALS)
        yield _stroke(f"M0,{y}H{frame.width}", "grid")


def _marks(lines: Sequence[Sequence[Mapping[str, Any]]], frame: Frame) -> Iterator[Html]:
    for line in lines:
        color = line[0].get("color", PALETTE[3])
        for edge in line:
            yield _stroke(f"M0,{frame.y(float(edge['value']))}H{frame.width}", "threshold", f"stroke:{color}")


def _shades(lines: Sequence[Sequence[Mapping[str, Any]]], frame: Frame) -> Iterator[Html]:
    """The side of a threshold that is bad; of a band, what lies between its edges."""
    for line in lines:
        values = [float(one["value"]) for one in line]
        sides = {"above": (values[0], frame.high), "below": (frame.low, values[0])}
        between = (min(values), max(values)) if len(values) > 1 else sides.get(line[0].get("fill", "none"))
        if between and between[1] > between[0]:
            y = frame.y(between[1])
            height = round(frame.y(between[0]) - y, 1)
            color = line[0].get("color", PALETTE[3])
            yield tag("rect", x=0, y=y, width=frame.width, height=height, class_="shade", style=f"fill:{color}")


# --- what is drawn -----------------------------------------------------------------------------------------------


def _lines(series: Sequence[Drawn], frame: Frame) -> Iterator[Html]:
    for place, one in enumerate(series):
        color = f"stroke:{color_of(one, place)}"
        name = tag("title", _course(one))
        dots = [_stroke(f"M{frame.x(at)},{frame.y(value)}h0", "dot", color) for at, value in _alone(one)]
        yield tag("g", name, _stroke(_path(one, frame), "line", color), *dots)


def _path(one: Drawn, frame: Frame) -> str:
    """A line is broken where points are missing: a gap is something to see."""
    parts: list[str] = []
    before: int | None = None
    for at, value in zip(one.times, one.values, strict=True):
        joined = before is not None and at - before <= 1.5 * one.period
        parts.append(f"{'L' if joined else 'M'}{frame.x(at)},{frame.y(value)}")
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
    times = sorted(sums(series))
    floor = dict.fromkeys(times, 0.0)
    for place, one in enumerate(series):
        values = dict(zip(one.times, one.values, strict=True))
        top = {at: floor[at] + values.get(at, 0.0) for at in times}
        up = [f"{frame.x(at)},{frame.y(top[at])}" for at in times]
        down = [f"{frame.x(at)},{frame.y(floor[at])}" for at in reversed(times)]
        color = color_of(one, place)
        look = {"class_": "area", "vector_effect": "non-scaling-stroke", "style": f"fill:{color};stroke:{color}"}
        yield tag("polygon", tag("title", _course(one)), points=" ".join(up + down), **look)
        floor = top


def _stroke(path: str, kind: str, style: str = "") -> Html:
    return tag("path", d=path, class_=kind, vector_effect="non-scaling-stroke", style=style or None)


def _svg(body: Sequence[Html], title: str, described: str) -> Html:
    """Stretched: a unit is no pixel. Its words are for those who do not see it."""
    words = [tag("title", title), tag("desc", described)] if title else [tag("desc", described)]
    called = ": ".join(filter(None, (title, described)))
    frame = {"viewBox": f"0 0 {Frame.width} {Frame.height}", "preserveAspectRatio": "none"}
    return tag("svg", *words, *body, role="img", aria_label=called, **frame)


def _values(lines: Sequence[Sequence[Mapping[str, Any]]]) -> list[float]:
    return [float(edge["value"]) for line in lines for edge in line]


def legend_of(series: Sequence[Drawn], most: int) -> Html:
    """Names under a graph, with their colours."""
    names = [
        tag(
            "li",
            tag("i", style=f"background:{color_of(one, place)}"),
            isolated(one.label or "value"),
            title=one.label or None,
        )
        for place, one in enumerate(series[:most])
    ]
    if len(series) > most:
        names.append(tag("li", f"and {len(series) - most} more", class_="faint"))
    return join([tag("ul", *names, class_="legend")])
