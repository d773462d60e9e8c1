"""Where widgets stand: in reading order on a grid of 24 columns, over as many dashboards as CloudWatch's limits ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nephoscope.model.publish import Dashboard
from nephoscope.pipeline.dashboard.widgets import GRID, Widget, text

_NAVIGATION = 1
"""Widgets kept free on each dashboard for the links to the others."""


def split(widgets: Iterable[Widget], limits: Mapping[str, int]) -> list[list[Widget]]:
    """Parts in reading order, each within the limits on widgets and on metrics. Never empty.

    Raises ValueError for a widget that no dashboard can hold: the renderer made it too large.
    """
    parts: list[list[Widget]] = [[]]
    metrics = 0
    for widget in widgets:
        if widget.metrics > limits["metrics_per_widget"]:
            raise ValueError(f"{widget.properties.get('title')}: {widget.metrics} metrics in one widget")
        full = len(parts[-1]) + _NAVIGATION >= limits["widgets"] or metrics + widget.metrics > limits["metrics"]
        if full:
            parts.append([])
            metrics = 0
        parts[-1].append(widget)
        metrics += widget.metrics
    return parts


def place(widgets: Sequence[Widget]) -> list[dict[str, object]]:
    """The widgets with their coordinates: left to right, a new row where the line is full or a widget asks for it."""
    placed: list[dict[str, object]] = []
    x = y = tallest = 0
    for widget in widgets:
        if x and (widget.new_row or x + widget.width > GRID):
            x, y, tallest = 0, y + tallest, 0
        size = {"x": x, "y": y, "width": widget.width, "height": widget.height}
        placed.append({"type": widget.type, **size, "properties": dict(widget.properties)})
        x += widget.width
        tallest = max(tallest, widget.height)
    return placed


def dashboards(name: str, widgets: Iterable[Widget], limits: Mapping[str, int], start: str) -> tuple[Dashboard, ...]:
    """`name`, `name-2`, ...: as many as needed, each with links to the others. start: the time range shown at first."""
    parts = split(widgets, limits)
    names = [name if number == 1 else f"{name}-{number}" for number in range(1, len(parts) + 1)]
    return tuple(
        Dashboard(own, {"start": start, "periodOverride": "auto", "widgets": place([*_links(names, own), *part])})
        for own, part in zip(names, parts, strict=True)
    )


def _links(names: Sequence[str], own: str) -> list[Widget]:
    if len(names) == 1:
        return []
    links = (f"**{name}**" if name == own else f"[{name}](#dashboards:name={name})" for name in names)
    return [text("Parts of this dashboard: " + " · ".join(links), height=1)]
