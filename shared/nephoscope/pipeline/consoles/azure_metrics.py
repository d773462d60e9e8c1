"""A metric's steps in an Azure workbook: the machines that went furthest, with the rules that they break; the course.

Metrics that Azure has as totals are of one minute here, for that is how often it writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nephoscope.model.metric import Source
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Comparison
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.bounds import as_shown, as_vendor, title_of, vendor_upward
from nephoscope.pipeline.board.parts import Limit, Measure, Panel, Section
from nephoscope.pipeline.consoles import azure_items as items
from nephoscope.pipeline.consoles import azure_queries as queries
from nephoscope.pipeline.consoles.azure_items import Item
from nephoscope.pipeline.units import SHOWN

PICKED = {Kind.INSTANCE: "Machines", Kind.BUCKET: "StorageAccounts"}
"""The parameters that hold the resources."""

_SLOW = {"durationMs": 7 * 86_400_000}


def worst_steps(section: Section) -> Iterator[Item]:
    for panel, ask, source in _measures(section):
        yield _worst_in_logs(panel, ask, source) if source.query else _worst(panel, ask, source)


def history_steps(section: Section) -> Iterator[Item]:
    """A line for each machine: over several a workbook draws no average of theirs."""
    for panel, ask, source in _measures(section):
        name = f"history {ask.metric.name}"
        if source.query:
            kql = queries.course_in_logs(ask, source)
            yield items.query(name, panel.title, kql, "timechart", logs="{Workspaces}", width="50")
        else:
            title = f"{title_of(ask.metric)}{_minutes(source)}, a line each"
            yield _metrics(name, title, ask, source, items.LINE, width="50")


def _measures(section: Section) -> Iterator[tuple[Panel, Measure, Source]]:
    for panel in section.panels:
        ask = panel.asks[0]
        if isinstance(ask, Measure) and ask.cloud is Cloud.AZURE:
            yield panel, ask, ask.metric.sources[Cloud.AZURE]


def _worst(panel: Panel, ask: Measure, source: Source) -> Item:
    """The vendor's own number: of what is free where we speak of what is used, which the title says."""
    metric = items.column_of(source.namespace.lower(), source.vendor_name)
    bounds = [
        (limit.severity, _side(limit, source), as_vendor(limit.value, source), items.braceless(limit.rule))
        for limit in panel.limits
    ]
    falling = vendor_upward(source, upward=ask.upward)
    order = [{"itemKey": metric, "sortOrder": 2 if falling else 1}]
    grid = {
        "formatters": [
            items.column("Subscription", items.HIDDEN),
            items.resource("Name"),
            items.column(f"{metric} Timeline", items.HIDDEN),
            items.judged(f"{metric}$", bounds),
        ],
        "labelSettings": [{"columnId": metric, "label": source.vendor_name}],
        "rowLimit": ask.most,
        "sortBy": order,
    }
    side = "highest" if falling else "lowest"
    title = f"{title_of(ask.metric)}{_minutes(source)}: the {ask.most} {side}, {source.vendor_name}"
    name = f"worst {ask.metric.name}"
    return _metrics(name, title, ask, source, items.GRID, width="50", gridSettings=grid, sortBy=order)


def _worst_in_logs(panel: Panel, ask: Measure, source: Source) -> Item:
    bounds = [
        (limit.severity, limit.comparison, as_shown(limit.value, panel.unit), items.braceless(limit.rule))
        for limit in panel.limits
    ]
    grid = {
        "formatters": [items.resource("Machine"), items.judged("Value", bounds)],
        "labelSettings": [{"columnId": "Value", "label": SHOWN[panel.unit].label}],
    }
    kql, name = queries.worst_in_logs(ask, source), f"worst {ask.metric.name}"
    return items.query(name, panel.title, kql, "table", logs="{Workspaces}", width="50", gridSettings=grid)


def _metrics(name: str, title: str, ask: Measure, source: Source, look: int, **more: Any) -> Item:
    """What is measured once a day or an hour shows a week, whatever time was chosen."""
    step = items.metrics(name, title, source.namespace.lower(), PICKED[ask.metric.on], source.vendor_name, look, **more)
    if source.period < 3_600:
        return step
    content = {key: value for key, value in step["content"].items() if key != "timeContextFromParameter"}
    return step | {"content": content | {"timeContext": dict(_SLOW)}}


def _side(limit: Limit, source: Source) -> Comparison:
    """The comparison as the vendor's figure has it: used above 95 % is free below 5 %."""
    turned = {
        Comparison.GREATER: Comparison.LESS,
        Comparison.GREATER_OR_EQUAL: Comparison.LESS_OR_EQUAL,
        Comparison.LESS: Comparison.GREATER,
        Comparison.LESS_OR_EQUAL: Comparison.GREATER_OR_EQUAL,
    }
    return limit.comparison if source.scale > 0 else turned[limit.comparison]


def _minutes(source: Source) -> str:
    return f" in {source.period // 60} min" if source.per_second else ""
