"""The board as an Azure workbook: states from Resource Graph, metrics where Azure keeps them, thresholds as icons.

A workbook was chosen over a portal dashboard: it reads metrics of as many machines as a parameter holds, asks Resource
Graph and logs, judges numbers by thresholds, and each machine's name leads to it. A dashboard's tiles name their
resources one by one.

Azure cannot ask CloudWatch, where our own figures are; what stands in their place is Azure's own, and the rest is a
link away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config, GatherAzure
from nephoscope.model.rule import Comparison, Severity
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.parts import Board, Section
from nephoscope.pipeline.consoles import azure_items as items
from nephoscope.pipeline.consoles import azure_queries as queries
from nephoscope.pipeline.consoles.azure_items import Item
from nephoscope.pipeline.consoles.azure_metrics import PICKED, history_steps, worst_steps
from nephoscope.pipeline.consoles.texts import lacking, link, plain, sentences
from nephoscope.pipeline.links.aws import dashboard_link

SCHEMA = "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json"
INSIGHTS = "@INSIGHTS@"
"""Stands for the resource id of our functions' Application Insights until Terraform, which makes it, puts it there."""

_SPANS = (30, 60, 4 * 60, 12 * 60, 24 * 60, 3 * 24 * 60, 7 * 24 * 60)


@dataclass(frozen=True, slots=True)
class _Asked:
    board: Board
    config: Config
    catalog: Catalog
    insights: str

    @property
    def gather(self) -> GatherAzure:
        return self.config.gather.azure or GatherAzure(resources=())

    @property
    def own_functions(self) -> bool:
        return Cloud.AZURE in self.config.gather.functions and bool(self.insights)


def render_workbook(board: Board, config: Config, catalog: Catalog, insights: str = INSIGHTS) -> dict[str, object]:
    """The workbook's content (`serializedData`). insights: the resource id; empty: our functions are not shown."""
    asked = _Asked(board, config, catalog, insights)
    return {
        "version": "Notebook/1.0",
        "items": [*_head(asked), *(item for section in board.sections for item in _section(asked, section))],
        "fallbackResourceIds": ["azure monitor"],
        "$schema": SCHEMA,
    }


def render_template(board: Board, config: Config, catalog: Catalog) -> dict[str, object]:
    """An ARM template with the workbook, for whoever deploys no functions there. Without our functions' own runs."""
    content = json.dumps(render_workbook(board, config, catalog, insights=""), ensure_ascii=False)
    properties = {
        "displayName": display_name(board),
        "category": "workbook",
        "sourceId": "azure monitor",
        "serializedData": content,
        "version": "Notebook/1.0",
    }
    workbook = {
        "type": "Microsoft.Insights/workbooks",
        "apiVersion": "2022-04-01",
        "name": f"[guid(resourceGroup().id, '{items.guid(board.title)}')]",
        "location": "[resourceGroup().location]",
        "kind": "shared",
        "properties": properties,
    }
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [workbook],
    }


def display_name(board: Board) -> str:
    return f"{board.title}: nephoscope"


# --- head --------------------------------------------------------------------------------------------------------


def _head(asked: _Asked) -> Iterator[Item]:
    publish = asked.config.publish
    where = link(f"CloudWatch, {publish.dashboard}", dashboard_link(publish.dashboard, publish.region))
    yield items.text(
        "introduction",
        f"# {_plain(asked.board.title)}\n"
        + sentences(_plain(asked.board.introduction), f"Alerts that fire, coverage, other clouds: {where}."),
    )
    yield items.parameters("parameters", list(_parameters(asked)))


def _plain(text: str) -> str:
    return items.braceless(plain(text))


def _parameters(asked: _Asked) -> Iterator[dict[str, Any]]:
    spans = [{"durationMs": minutes * 60_000} for minutes in _SPANS]
    yield items.parameter(
        "TimeRange", 4, "Time", isRequired=True, value=spans[1], typeSettings={"selectableValues": spans}
    )
    chosen = [f"/subscriptions/{each}" for each in asked.gather.subscriptions] or ["value::all"]
    every = {"additionalResourceOptions": ["value::all"], "includeAll": True, "showDefault": False}
    yield items.parameter(
        "Subscription", 6, isRequired=True, multiSelect=True, quote="'", delimiter=",", typeSettings=every, value=chosen
    )
    yield items.parameter("Location", 2, "Region", **items.several(queries.locations(), everything=queries.ANYWHERE))
    for kind in asked.gather.resources:
        name = PICKED[kind]
        yield items.parameter(name, 5, **items.several(queries.resources_of(kind), hidden=True))
    if asked.gather.workspaces:
        found = queries.workspaces(asked.gather.workspaces)
        yield items.parameter("Workspaces", 5, **items.several(found, hidden=True))


# --- sections ----------------------------------------------------------------------------------------------------


def _section(asked: _Asked, section: Section) -> Iterator[Item]:
    steps = list(_SECTIONS[section.name](asked, section))
    if steps:
        missing = lacking(asked.board, Cloud.AZURE) if section.name == "worst" else ""
        below = sentences(section.below, missing)
        yield items.text(f"section {section.name}", f"## {section.title}" + (f"\n{below}" if below else ""))
        yield from steps


def _now(asked: _Asked, section: Section) -> Iterator[Item]:  # noqa: ARG001 - as the other sections
    tiles = {
        "titleContent": {"columnMatch": "State", "formatter": 1},
        "leftContent": {"columnMatch": "Machines", "formatter": 12, "numberFormat": {"unit": 17, "options": {}}},
        "showBorder": True,
    }
    by_state = queries.counted_by_state(asked.catalog)
    yield items.query("machines", "Machines", by_state, "tiles", width="50", tileSettings=tiles)
    if asked.own_functions:
        late = 5.0 * max(1, asked.config.gather.every // 60)
        grid = {"formatters": [items.judged("Minutes", [(Severity.CRITICAL, Comparison.GREATER, late, "")])]}
        title = "Minutes since a run succeeded"
        yield items.query(
            "last", title, queries.last_runs(), "table", logs=asked.insights, width="50", gridSettings=grid
        )
    grid = {"formatters": [items.resource("Target")]}
    title = "Fired alerts of Azure Monitor itself"
    yield items.query("fired", title, queries.fired_alerts(), "table", gridSettings=grid)


def _places(asked: _Asked, section: Section) -> Iterator[Item]:  # noqa: ARG001
    columns = [items.column("Subscription", items.SUBSCRIPTION), items.column("Location", items.LOCATION)]
    heat = [
        items.column("Changing", items.HEATMAP, palette="orange"),
        items.column("Gone", items.HEATMAP, palette="red"),
    ]
    places = queries.counted_by_place(asked.catalog)
    grid = {"formatters": [*columns, *heat], "filter": True}
    yield items.query("places", "Machines by region and state", places, "table", width="60", gridSettings=grid)
    running = queries.running_by_place(asked.catalog)
    yield items.query("running", "Running machines by region", running, "barchart", width="40")


def _worst(asked: _Asked, section: Section) -> Iterator[Item]:  # noqa: ARG001
    yield from worst_steps(section)


def _history(asked: _Asked, section: Section) -> Iterator[Item]:  # noqa: ARG001
    yield from history_steps(section)


def _watcher(asked: _Asked, section: Section) -> Iterator[Item]:  # noqa: ARG001
    if asked.own_functions:
        for name, title, kql in (
            ("runs", "Runs, by how they ended", queries.runs()),
            ("lengths", "Length of a run: 99 of 100 are below (s)", queries.lengths()),
        ):
            yield items.query(name, title, kql, "timechart", logs=asked.insights, width="50")


_SECTIONS = {"now": _now, "places": _places, "worst": _worst, "history": _history, "watcher": _watcher}
