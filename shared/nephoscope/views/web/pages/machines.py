"""The table of all machines. Its rows come by an address of their own (feed.py); the browser searches and sorts them
(assets/machines.js), so that a keystroke asks nobody."""

from __future__ import annotations

from typing import Any

import dash_ag_grid  # type: ignore[import-untyped]  # it has no stubs
from dash import dcc, html
from dash.development.base_component import Component

from nephoscope.pipeline.looking.table import MachineTable
from nephoscope.views.web.parts import Asked, aria

NONE = "No machine is as you ask."
FACETS = {"cloud": "Cloud", "account": "Account", "region": "Region", "state": "State", "type": "Type"}

COLUMNS: tuple[dict[str, Any], ...] = (
    {"field": "name", "headerName": "Name", "cellRenderer": "MachineName", "width": 260},
    {"field": "state", "headerName": "State", "cellRenderer": "MachineState", "width": 150},
    {"field": "alerts", "headerName": "Firing", "width": 90, "type": "rightAligned", "cellRenderer": "FiringCount"},
)
PLACES: tuple[dict[str, Any], ...] = (
    {"field": "type", "headerName": "Type", "width": 140},
    {"field": "cloud", "headerName": "Cloud", "width": 84},
    {"field": "region", "headerName": "Region", "width": 130},
    {"field": "zone", "headerName": "Zone", "width": 130},
    {"field": "account", "headerName": "Account", "width": 140, "cellClass": "foreign"},
    {"field": "tags", "headerName": "Tags", "width": 420, "cellClass": "foreign"},
)


def view(asked: Asked) -> Component:
    table = asked.seen.shown.table if asked.seen.shown else MachineTable()
    return html.Div([_controls(asked), html.P(id="matches", role="status", className="faint"), _grid(table)])


def _controls(asked: Asked) -> Component:
    words = dcc.Input(
        id="words", type="search", value=asked.query.get("q", ""), autoComplete="off", placeholder="web env=prod -test"
    )
    facets = [_choice(name, text, [html.Option("all", value="")]) for name, text in FACETS.items()]
    firing = _choice("firing", "Only", [html.Option("all", value=""), html.Option("firing", value="yes")])
    return html.Div(
        [html.Div([html.Label("Search", htmlFor="words"), words], className="grow"), *facets, firing],
        className="controls",
        role="search",
        **aria(label="Machines"),
    )


def _choice(name: str, text: str, options: list[Component]) -> Component:
    """The browser fills in what there is to choose from."""
    own_id = f"facet-{name}"
    return html.Div([html.Label(text, htmlFor=own_id), html.Select(options, id=own_id)])


def _grid(table: MachineTable) -> Component:
    """A column for each metric that there are values of now; where there are others later, the rows bring them."""
    values = [
        {
            "field": f"value:{metric.name}",
            "headerName": metric.name,
            "width": 165,
            "type": "rightAligned",
            "context": {"unit": metric.unit},
            "valueFormatter": {"function": "metricValue(params.value, params.colDef.context.unit)"},
        }
        for metric in table.metrics
    ]
    grid: Component = dash_ag_grid.AgGrid(
        id="machines",
        columnDefs=[*COLUMNS, *values, *PLACES],
        rowData=[],
        getRowId="params.data.key",
        defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True, "filter": False},
        dashGridOptions={
            "ensureDomOrder": True,
            "suppressFieldDotNotation": True,
            "animateRows": False,
            "rowBuffer": 4,
            "enableCellTextSelection": True,
            "rowHeight": 34,
            "headerHeight": 36,
            "localeText": {"noRowsToShow": NONE, "noMatchingRows": NONE},
        },
        className="ag-theme-quartz machines",
        style={"height": "calc(100vh - 250px)", "minHeight": "320px", "width": "100%"},
    )
    return grid
