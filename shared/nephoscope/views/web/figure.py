"""A course as plotly draws it: a line that is broken where points are missing, and the rules' thresholds. Colours of
text and grid are the style sheet's, for it knows what the viewer's eyes are used to; times are UTC and labelled so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from nephoscope.pipeline.looking.course import Course, Limit, Line

COLORS = ("#1f77b4", "#c2570c", "#2b8a3e", "#8a4fbf", "#8c564b", "#b8327f", "#0e7c86", "#7a7a00")
FIRES, CLEARS = "#d13212", "#2b8a3e"
HEIGHT = 260
_GRID = "rgba(128,128,128,.28)"
_ROOM = 1.12
"""The axis ends a little above the highest point."""


def figure_of(course: Course) -> dict[str, Any]:
    """data and layout, as plotly.js takes them."""
    lines = [line for line in course.lines if line.points]
    return {
        "data": [_trace(line, place, course) for place, line in enumerate(lines)],
        "layout": {
            "height": HEIGHT,
            "margin": {"l": 56, "r": 12, "t": 8, "b": 36},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "inherit", "size": 12},
            "xaxis": _x_axis(course),
            "yaxis": _y_axis(course),
            "showlegend": len(lines) > 1,
            "legend": {"orientation": "h", "y": -0.22},
            "hovermode": "x unified",
            "dragmode": "zoom",
            "shapes": [_shape(limit) for limit in course.limits],
            "uirevision": course.metric,
        },
    }


def _trace(line: Line, place: int, course: Course) -> dict[str, Any]:
    color = COLORS[place % len(COLORS)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": line.label or course.metric,
        "x": [written(at) for at in line.times],
        "y": list(line.values),
        "connectgaps": False,
        "line": {"color": color, "width": 1.8},
        "marker": {"color": color, "size": list(_dots(line.values)), "opacity": 1},
        "hovertemplate": f"%{{y:.4g}} {course.unit}<extra>%{{fullData.name}}</extra>",
    }


def _dots(values: Sequence[float | None]) -> Iterator[int]:
    """A point without a neighbour, which no line would show, is a dot."""
    for place, value in enumerate(values):
        left = place > 0 and values[place - 1] is not None
        right = place + 1 < len(values) and values[place + 1] is not None
        yield 0 if value is None or left or right else 6


def _x_axis(course: Course) -> dict[str, Any]:
    return {
        "type": "date",
        "range": [written(course.start), written(course.end)],
        "gridcolor": _GRID,
        "zeroline": False,
        "title": {"text": "UTC", "standoff": 4},
        "hoverformat": "%Y-%m-%d %H:%M UTC",
    }


def _y_axis(course: Course) -> dict[str, Any]:
    values = [value for line in course.lines for value in line.values if value is not None]
    values += [limit.value for limit in course.limits]
    top = max(values, default=1.0)
    low = min(0.0, min(values, default=0.0))
    span = {"range": [low, top * _ROOM if top > 0 else 1.0]}
    return {**span, "gridcolor": _GRID, "zeroline": False, "ticksuffix": f" {course.unit}" if course.unit else ""}


def _shape(limit: Limit) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": limit.value,
        "y1": limit.value,
        "line": {"color": CLEARS if limit.clears else FIRES, "width": 1.4, "dash": "dot" if limit.clears else "dash"},
    }


def written(at: int) -> str:
    """As plotly reads a date without moving it to any zone."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
