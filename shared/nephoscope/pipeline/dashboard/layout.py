"""Where widgets stand: in reading order on a grid of 24 columns, over as many dashboards as CloudWatch's limits ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nephoscope.model.publish import Dashboard
from nephoscope.pipeline.dashboard.variables import Variable, used_in
from nephoscope.pipeline.dashboard.widgets import GRID, Widget, heading, text

_NAVIGATION = 2
"""Widgets kept free on each dashboard for the links to the others, and for a title that is continued."""

_LINE = 150
"""Characters of a text that stand in one line over the whole width."""


def split(widgets: Iterable[Widget], limits: Mapping[str, int]) -> list[list[Widget]]:
    """Parts in reading order, each within the limits on widgets and on metrics. Never empty. No part ends with a title
    whose graphs stand on the next.

    Raises ValueError for a widget that no dashboard can hold: the renderer made it too large.
    """
    parts: list[list[Widget]] = [[]]
    metrics = 0
    for widget in widgets:
        if widget.metrics > limits["metrics_per_widget"]:
            raise ValueError(f"{widget.properties.get('title')}: {widget.metrics} metrics in one widget")
        full = len(parts[-1]) + _NAVIGATION >= limits["widgets"] or metrics + widget.metrics > limits["metrics"]
        if full:
            parts.append(_titles_at_the_end(parts[-1]))
            metrics = 0
        parts[-1].append(widget)
        metrics += widget.metrics
    return parts


def _titles_at_the_end(part: list[Widget]) -> list[Widget]:
    """Taken off the part. They draw no metrics, so that the next is not fuller by them."""
    titles: list[Widget] = []
    while len(part) > 1 and part[-1].type == "text":
        titles.insert(0, part.pop())
    return titles


def place(widgets: Sequence[Widget]) -> list[dict[str, object]]:
    """The widgets with their coordinates: left to right, a new row where the line is full or a widget asks for it."""
    placed: list[dict[str, object]] = []
    x = y = tallest = filled = 0  # filled: how far down the column of the last widget is taken
    for widget in widgets:
        if widget.under:
            placed.append(_at(widget, x - widget.width, y + filled))
            filled += widget.height
        else:
            if x and (widget.new_row or x + widget.width > GRID):
                x, y, tallest = 0, y + tallest, 0
            placed.append(_at(widget, x, y))
            x, filled = x + widget.width, widget.height
        tallest = max(tallest, filled)
    return placed


def _at(widget: Widget, x: int, y: int) -> dict[str, object]:
    size = {"x": x, "y": y, "width": widget.width, "height": widget.height}
    return {"type": widget.type, **size, "properties": dict(widget.properties)}


def dashboards(
    name: str,
    widgets: Iterable[Widget],
    limits: Mapping[str, int],
    start: str,
    variables: Sequence[Variable] = (),
) -> tuple[Dashboard, ...]:
    """`name`, `name-2`, ...: as many as needed, each with links to the others. start: the time range shown at first.
    variables: each stands on the parts on which it changes something."""
    parts = split(widgets, limits)
    names = [name if number == 1 else f"{name}-{number}" for number in range(1, len(parts) + 1)]
    topics = [_topics(part, parts) for part in parts]
    bodies = []
    for own, part in enumerate(parts):
        placed = place(_with_links(part, _links(names, topics, own)))
        body: dict[str, object] = {"start": start, "periodOverride": "auto", "widgets": placed}
        if offered := used_in(variables, placed):
            body["variables"] = offered
        bodies.append(body)
    return tuple(Dashboard(own, body) for own, body in zip(names, bodies, strict=True))


def _with_links(part: Sequence[Widget], links: Sequence[Widget]) -> list[Widget]:
    """The links to the other parts stand at the top, but on the first, whose first section is the answer, below it."""
    if not part or part[0].topic:
        return [*links, *_continued(part), *part]
    answer = [one for one in part if not one.topic or one.topic == part[1].topic] if len(part) > 1 else list(part)
    return [*answer, *links, *part[len(answer) :]]


def _topics(part: Sequence[Widget], parts: Sequence[Sequence[Widget]]) -> str:
    """What a part is about: its sections' titles, once each; of a section that goes over several parts, the metrics."""
    return ", ".join(_topic(topic, part, parts) for topic in dict.fromkeys(one.topic for one in part if one.topic))


def _topic(topic: str, part: Sequence[Widget], parts: Sequence[Sequence[Widget]]) -> str:
    over = sum(any(one.topic == topic for one in each) for each in parts)
    about = dict.fromkeys(one.about for one in part if one.topic == topic and one.about)
    return f"{topic} ({', '.join(about)})" if over > 1 and about else topic


def _continued(part: Sequence[Widget]) -> list[Widget]:
    """A title where a part begins in the middle of a section."""
    first = next(iter(part), None)
    if first is None or not first.topic or first.type == "text":
        return []
    return [heading(f"{first.topic}: {first.about}, continued" if first.about else f"{first.topic}, continued")]


def _links(names: Sequence[str], topics: Sequence[str], own: int) -> list[Widget]:
    """On a part that is not the first a title too: somebody may have come by its address."""
    if len(names) == 1:
        return []
    links = [
        f"**{number}: {topic}**" if number == own + 1 else f"[{number}: {topic}](#dashboards:name={name})"
        for number, (name, topic) in enumerate(zip(names, topics, strict=True), start=1)
    ]
    title = f"# {names[0]}, part {own + 1} of {len(names)}\n" if own else ""
    length = sum(map(len, topics)) + 6 * len(names)
    return [text(f"{title}Parts of this dashboard: " + " · ".join(links), (2 if own else 1) + length // _LINE)]
