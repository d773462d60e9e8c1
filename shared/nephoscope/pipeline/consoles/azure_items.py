"""The steps of an Azure workbook as values: text, parameters, queries, metrics, grids with thresholds.

Sources: schema/workbook.json of github.com/microsoft/Application-Insights-Workbooks (MIT), for the steps and what is
required of them; Azure Workbooks, "Rendering options" for the names of icons. The numbers of renderers and aggregations
are in no document: they are as the portal itself writes them into every workbook that it saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from nephoscope.model.rule import Comparison, Severity

Item = dict[str, Any]

Bound = tuple[Severity, Comparison, float, str]
"""A rule's threshold in a column's unit, and the rule's name."""

RESOURCE_GRAPH = "microsoft.resourcegraph/resources"
LOGS, GRAPH = 0, 1
"""Kinds of queries."""

SUM, AVERAGE = 1, 4
"""Aggregations of a metric."""

HIDDEN, HEATMAP, RESOURCE, SUBSCRIPTION, LOCATION, THRESHOLDS = 5, 8, 13, 15, 17, 18
"""Renderers of a column."""

GRID, LINE = 0, 2
"""Looks of a metrics step."""

ICONS = {Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.INFO: "info"}
_ORDER = tuple(ICONS)
_HOUR = 3_600_000


def text(name: str, markdown: str) -> Item:
    return {"type": 1, "content": {"json": markdown}, "name": name}


def parameters(name: str, wanted: Sequence[dict[str, Any]]) -> Item:
    content = {"version": "KqlParameterItem/1.0", "parameters": list(wanted), "style": "pills", "queryType": GRAPH}
    return {"type": 9, "content": content | {"resourceType": RESOURCE_GRAPH}, "name": name}


def parameter(name: str, kind: int, label: str = "", **more: object) -> dict[str, Any]:
    """kind: 4 a time range, 6 subscriptions, 2 a list, 5 resources."""
    own = {"id": guid(f"parameter {name}"), "version": "KqlParameterItem/1.0", "name": name, "type": kind}
    return own | {"label": label or name} | more


def several(query: str, *, everything: str = "", hidden: bool = False) -> dict[str, Any]:
    """A parameter with any number of values out of a Resource Graph query; all, at first. everything: the one value
    that then stands for all; empty: every single one."""
    one_for_all = {"selectAllValue": everything} if everything else {}
    return {
        "multiSelect": True,
        "quote": "'",
        "delimiter": ",",
        "query": query,
        "queryType": GRAPH,
        "resourceType": RESOURCE_GRAPH,
        "crossComponentResources": ["{Subscription}"],
        "typeSettings": {"additionalResourceOptions": ["value::all"], "showDefault": False} | one_for_all,
        "value": ["value::all"],
        "isHiddenWhenLocked": hidden,
    }


def query(name: str, title: str, kql: str, look: str, *, logs: str = "", width: str = "", **settings: object) -> Item:
    """look: table, tiles, barchart, timechart. logs: whom to ask, `{Workspaces}` or a resource's id; empty: Resource
    Graph, of the chosen subscriptions. settings: `gridSettings` and the like."""
    content: dict[str, Any] = {
        "version": "KqlItem/1.0",
        "query": kql,
        "size": 0,
        "title": title,
        "noDataMessage": "Nothing.",
        "queryType": LOGS if logs else GRAPH,
        "resourceType": _asked(logs),
        "crossComponentResources": [logs or "{Subscription}"],
        "visualization": look,
    }
    if logs:
        content |= {"timeContextFromParameter": "TimeRange", "timeContext": {"durationMs": _HOUR}}
    return _item(3, content | settings, name, width)


def _asked(logs: str) -> str:
    if not logs:
        return RESOURCE_GRAPH
    return "microsoft.operationalinsights/workspaces" if logs.startswith("{") else "microsoft.insights/components"


def metrics(
    name: str, title: str, resource_type: str, picked: str, metric: str, look: int, *, width: str = "", **more: object
) -> Item:
    """A metric of the resources that a parameter holds. metric: the vendor's name. The average of its points."""
    content: dict[str, Any] = {
        "chartId": f"workbook{guid(name)}",
        "version": "MetricsItem/2.0",
        "size": 0,
        "chartType": look,
        "resourceType": resource_type,
        "metricScope": 0,
        "resourceParameter": picked,
        "resourceIds": [f"{{{picked}}}"],
        "timeContextFromParameter": "TimeRange",
        "timeContext": {"durationMs": _HOUR},
        "metrics": [{"namespace": resource_type, "metric": column_of(resource_type, metric), "aggregation": AVERAGE}],
        "title": title,
        "showOpenInMe": True,
    }
    if look == GRID:
        content["gridFormatType"] = 1
    return _item(10, content | more, name, width)


def column_of(resource_type: str, metric: str) -> str:
    """A metric's id, and the name of its column in a grid."""
    return f"{resource_type}--{metric}"


def column(match: str, renderer: int, **options: object) -> dict[str, Any]:
    own: dict[str, Any] = {"columnMatch": match, "formatter": renderer}
    return own | ({"formatOptions": options} if options else {})


def resource(match: str) -> dict[str, Any]:
    """A resource's id as its name, which leads to it."""
    return column(match, RESOURCE, linkTarget="Resource", showIcon=True)


def judged(match: str, bounds: Sequence[Bound]) -> dict[str, Any]:
    """A number with the icon of the first bound that it breaks, critical ones first, the furthest of these first. The
    rule's name stands beside the number."""
    grid = [
        _threshold(comparison, f"{value:.13g}", ICONS[severity], f"{{0}}{{1}} {rule}".rstrip())
        for severity, comparison, value, rule in sorted(bounds, key=_furthest)
    ]
    otherwise = _threshold("Default", None, "success" if bounds else "Blank", "{0}{1}")
    return column(match, THRESHOLDS, thresholdsOptions="icons", thresholdsGrid=[*grid, otherwise])


def _furthest(bound: Bound) -> tuple[int, float]:
    severity, comparison, value, _ = bound
    return _ORDER.index(severity), -value if comparison.upward else value


def _threshold(operator: str, value: str | None, icon: str, shown: str) -> dict[str, Any]:
    return {"operator": str(operator), "thresholdValue": value, "representation": icon, "text": shown}


def braceless(text: str) -> str:
    """A workbook takes a word in braces for a parameter, wherever it stands."""
    return text.replace("{", "(").replace("}", ")")


def guid(name: str) -> str:
    """The same for the same name, so that a workbook that says the same is the same."""
    return str(uuid5(NAMESPACE_URL, f"nephoscope/workbook/{name}"))


def _item(kind: int, content: dict[str, Any], name: str, width: str) -> Item:
    return {"type": kind, "content": content} | ({"customWidth": width} if width else {}) | {"name": name}
