"""Grafana's tables of what is kept: machines by what was measured of them, and what happened last.

A table has a column for each bucket, under the field's name, and one for each metric, under what Grafana calls it; of
documents it has all their fields, of which those that are wanted are chosen, put in order and named.

Sources: the table's types of npm @grafana/schema; Grafana, "Table", "Transform data" (`filterFieldsByName`,
`organize`), "Elasticsearch query editor".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nephoscope.pipeline.board.parts import Kept, Panel, Statistic
from nephoscope.pipeline.consoles.grafana_history_targets import Target
from nephoscope.pipeline.consoles.grafana_panels import shown, unit_of
from nephoscope.pipeline.consoles.grafana_thresholds import absolute, steps_of

_NAMES = {
    "host.name": "Machine",
    "resource.id": "Resource",
    "rule.name": "Rule",
}
_METRICS = {
    Statistic.AVERAGE: ("Average", "Average"),
    Statistic.P95: ("p95.0 {field}", "19 in 20 are below"),
    Statistic.HIGHEST: ("Max", "Highest"),
    Statistic.LOWEST: ("Min", "Lowest"),
    Statistic.COUNT: ("Count", "Times"),
    Statistic.DISTINCT: ("Unique Count", "Number"),
}
"""What Grafana calls a metric's column, and what we do."""


def table(panel: Panel, targets: Sequence[Target]) -> dict[str, Any]:
    """Of a panel that asks history for rows or documents."""
    ask = panel.asks[0]
    if not isinstance(ask, Kept):
        raise TypeError(f"{panel.title}: only history is shown as a table")
    columns = dict(ask.columns) or _columns(ask)
    defaults: dict[str, Any] = {"custom": {"align": "auto", "filterable": True}, "noValue": "-"}
    if ask.of:
        defaults["unit"] = unit_of(panel)
    if panel.limits:
        defaults |= {"thresholds": absolute(steps_of(panel)), "color": {"mode": "thresholds"}}
    drawn = shown("table", panel, targets)
    drawn["transformations"] = _chosen(columns)
    drawn["fieldConfig"] = {"defaults": defaults, "overrides": _coloured(ask) if panel.limits else []}
    drawn["options"] = {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"}
    return drawn


def _columns(ask: Kept) -> dict[str, str]:
    """What Grafana calls each column -> what we do."""
    buckets = {field: _NAMES.get(field, field) for field in ask.by}
    metrics = {}
    for statistic in ask.statistics:
        named, ours = _METRICS[statistic]
        metrics[named.format(field=ask.of)] = ours
    return buckets | metrics


def _chosen(columns: dict[str, str]) -> list[dict[str, Any]]:
    order = {name: number for number, name in enumerate(columns)}
    organized = {"excludeByName": {}, "indexByName": order, "renameByName": columns}
    return [
        {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
        {"id": "organize", "options": organized},
    ]


def _coloured(ask: Kept) -> list[dict[str, Any]]:
    """Numbers have the colour of the threshold that they break."""
    return [
        {
            "matcher": {"id": "byName", "options": _METRICS[statistic][1]},
            "properties": [{"id": "custom.cellOptions", "value": {"type": "color-text"}}],
        }
        for statistic in ask.statistics
    ]
