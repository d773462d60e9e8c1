"""A panel's thresholds as Grafana has them: steps from the bottom up, each with the colour of what lies beyond it. So
upward it goes from green to red, and downward from red to green.

Source: Grafana, "Configure thresholds"; ThresholdsConfig of npm @grafana/schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nephoscope.model.metric import Source
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.bounds import as_shown, as_vendor, seconds_in, vendor_upward
from nephoscope.pipeline.board.parts import Kept, Limit, Panel

GOOD = "green"
COLORS = {Severity.CRITICAL: "red", Severity.WARNING: "orange", Severity.INFO: "blue"}

Step = dict[str, Any]


def step(color: str, value: float | None = None) -> Step:
    """value: from where the colour holds; None for the lowest."""
    return {"color": color, "value": value}


def absolute(steps: Sequence[Step]) -> dict[str, Any]:
    return {"mode": "absolute", "steps": list(steps)}


def steps_of(panel: Panel) -> list[Step]:
    """From the bottom up. Where rules on both sides cross one another, those that look upward are shown."""
    turned = [(_value(panel, limit), _looks_up(panel, limit), COLORS[limit.severity]) for limit in panel.limits]
    falling = sorted((value, color) for value, up, color in turned if not up)
    rising = sorted((value, color) for value, up, color in turned if up)
    if falling and rising and falling[-1][0] >= rising[0][0]:
        falling = []
    colors = [color for _, color in falling] + [GOOD]
    below = [step(color, value) for (value, _), color in zip(falling, colors[1:], strict=True)]
    return [step(colors[0]), *below, *(step(color, value) for value, color in rising)]


def _value(panel: Panel, limit: Limit) -> float:
    source = source_of(panel)
    if isinstance(panel.asks[0], Kept):
        return limit.value
    if source is None:
        return as_shown(limit.value, panel.unit)
    return as_vendor(limit.value, source) / (seconds_in(source) if panel.cloud is Cloud.GCP else 1)


def _looks_up(panel: Panel, limit: Limit) -> bool:
    source = source_of(panel)
    return limit.comparison.upward if source is None else vendor_upward(source, upward=limit.comparison.upward)


def source_of(panel: Panel) -> Source | None:
    """The catalog's row that it asks; None for figures of ours."""
    return panel.metric.sources[panel.cloud] if panel.metric and panel.cloud else None
