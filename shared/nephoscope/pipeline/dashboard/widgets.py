"""Widgets as values: CloudWatch's documented properties, a size on the grid, and how many metrics they may draw.

Source: AmazonCloudWatch API reference, "Dashboard Body Structure and Syntax".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

GRID = 24
"""Columns of a CloudWatch dashboard."""


@dataclass(frozen=True, slots=True)
class Widget:
    """width, height: grid units. metrics: the most series that CloudWatch may retrieve for it; it counts them all, the
    hidden ones too. new_row: begins at the left. under: stands below the one before it, in its column. topic: the
    section that it belongs to, in words; about: the metric, where it is one metric's."""

    type: str
    width: int
    height: int
    properties: Mapping[str, object]
    metrics: int = 0
    new_row: bool = False
    under: bool = False
    topic: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A horizontal line across a graph: a rule's threshold, in the unit that the graph shows. fill: the side of it that
    is bad, `above` or `below`; it is shaded."""

    value: float
    label: str
    color: str
    fill: str = "none"


@dataclass(frozen=True, slots=True)
class Axis:
    """The left axis. low, high: bounds where the unit has them."""

    label: str = ""
    low: float | None = 0
    high: float | None = None


def text(markdown: str, height: int, width: int = GRID) -> Widget:
    return Widget("text", width, height, {"markdown": markdown, "background": "transparent"}, new_row=width == GRID)


def heading(title: str, below: str = "", level: int = 2) -> Widget:
    """A section's title, with a line under it where there is something to say."""
    return text(f"{'#' * level} {title}" + (f"\n{below}" if below else ""), height=2 if below else 1)


def graph(
    title: str,
    metrics: Sequence[list[object]],
    region: str,
    *,
    series: int,
    period: int,
    size: tuple[int, int] = (12, 6),
    statistic: str = "Average",
    stacked: bool = False,
    lines: Sequence[Line] = (),
    axis: Axis | None = None,
    legend: str = "bottom",
    since: str = "",
) -> Widget:
    """Lines over time. metrics: CloudWatch's array of arrays. since: a start of its own (`-P14D`), for slow metrics."""
    properties: dict[str, object] = {
        "title": title,
        "view": "timeSeries",
        "stacked": stacked,
        "region": region,
        "stat": statistic,
        "period": period,
        "metrics": list(metrics),
        "legend": {"position": legend},
        "yAxis": {"left": _axis(axis or Axis())},
    }
    if lines:
        properties["annotations"] = {
            "horizontal": [
                {"value": line.value, "label": line.label, "color": line.color, "fill": line.fill} for line in lines
            ]
        }
    if since:
        properties["start"] = since
    return Widget("metric", *size, properties, series)


def number(
    title: str,
    metrics: Sequence[list[object]],
    region: str,
    *,
    series: int,
    period: int,
    size: tuple[int, int],
    statistic: str = "Average",
) -> Widget:
    """The newest value, large, over a small course."""
    properties: dict[str, object] = {
        "title": title,
        "view": "singleValue",
        "region": region,
        "stat": statistic,
        "period": period,
        "metrics": list(metrics),
        "sparkline": True,
        "setPeriodToTimeRange": False,
    }
    return Widget("metric", *size, properties, series)


def custom(title: str, function: str, params: Mapping[str, object], size: tuple[int, int]) -> Widget:
    """A widget whose content a function gives. It is asked again on refresh and when its size changes. title: may be
    empty, where the content says by itself what it is."""
    properties: dict[str, object] = {
        **({"title": title} if title else {}),
        "endpoint": function,
        "params": dict(params),
        "updateOn": {"refresh": True, "resize": True, "timeRange": False},
    }
    return Widget("custom", *size, properties)


def _axis(axis: Axis) -> dict[str, object]:
    bounds = {"min": axis.low, "max": axis.high}
    known: dict[str, object] = {name: bound for name, bound in bounds.items() if bound is not None}
    return known | ({"label": axis.label, "showUnits": False} if axis.label else {})
