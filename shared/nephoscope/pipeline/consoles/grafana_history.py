"""The board of what is kept as a Grafana dashboard of its own: it has one data source, other variables, and shows weeks
where the other shows hours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nephoscope.pipeline.board.parts import Board, Kept, Look, Panel, Section
from nephoscope.pipeline.consoles import grafana_panels as panels
from nephoscope.pipeline.consoles.grafana_history_targets import (
    SOURCE,
    SOURCE_NAME,
    SOURCE_UID,
    VARIABLES,
    Asking,
    Product,
    targets,
    values_of,
)
from nephoscope.pipeline.consoles.grafana_tables import table
from nephoscope.pipeline.consoles.grid import Tile, place
from nephoscope.pipeline.consoles.texts import plain

COLUMNS = 24
_SCHEMA_VERSION = 41
_UID = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_UID = 40
_ON_LOAD, _ON_TIME = 1, 2
_ALPHABETICAL = 1


def render_history(board: Board, product: Product = Product.ELASTICSEARCH) -> dict[str, object]:
    """board: `history_board`'s, with sections. The dashboard's JSON, as a file for provisioning or import."""
    asking = Asking(board.title, product)
    return {
        "uid": history_uid(board.title),
        "title": f"{board.title}: nephoscope history",
        "description": board.introduction,
        "tags": ["nephoscope"],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,
        "refresh": "",
        "schemaVersion": _SCHEMA_VERSION,
        "time": {"from": "now-7d", "to": "now"},
        "templating": {"list": _variables(asking)},
        "links": [],
        "panels": list(_panels(board, asking)),
    }


def history_uid(fleet: str) -> str:
    """At most 40 letters, digits, hyphens and underscores."""
    return _UID.sub("-", f"nephoscope-history-{fleet}")[:_LONGEST_UID]


def _variables(asking: Asking) -> list[dict[str, Any]]:
    """The data source, accounts and regions, and a filter on any field: tags are under `labels.`."""
    ours = {"selected": True, "text": SOURCE_NAME, "value": SOURCE_UID}
    source = {"type": "datasource", "name": SOURCE, "label": "History", "query": str(asking.product)}
    found: list[dict[str, Any]] = [
        {**source, "refresh": _ON_LOAD, "multi": False, "includeAll": False, "current": ours}
    ]
    for field, name in VARIABLES.items():
        shown = {"type": "query", "name": name, "label": name.capitalize(), "datasource": asking.datasource}
        chosen = {"multi": True, "includeAll": True, "allValue": "*"}
        current = {"selected": True, "text": ["All"], "value": ["$__all"]}
        query = values_of(asking.fleet, field)
        found.append(
            {**shown, "query": query, "refresh": _ON_TIME, "sort": _ALPHABETICAL, **chosen, "current": current}
        )
    return [*found, {"type": "adhoc", "name": "filter", "label": "Filter", "datasource": asking.datasource}]


def _panels(board: Board, asking: Asking) -> Iterator[dict[str, Any]]:
    """Rows in order, each above its panels; ids from 1."""
    tiles: list[Tile] = []
    for section in board.sections:
        row = {"type": "row", "title": section.title, "collapsed": False, "panels": []}
        tiles += [Tile(row, COLUMNS, 1), *_tiles(section, asking)]
    for number, placed in enumerate(place(tiles, COLUMNS), start=1):
        position = {"x": placed.x, "y": placed.y, "w": placed.tile.width, "h": placed.tile.height}
        yield {"id": number, **placed.tile.content, "gridPos": position}


def _tiles(section: Section, asking: Asking) -> Iterator[Tile]:
    if section.below:
        yield Tile(panels.text(plain(section.below).replace("$", "＄")), COLUMNS, 2)
    for panel in section.panels:
        yield _tile(panel, asking)


def _tile(panel: Panel, asking: Asking) -> Tile:
    """Three beside one another; what happened last has the whole width."""
    asked = targets(asking, panel)
    ask = panel.asks[0]
    if panel.look is Look.LIST:
        wide = isinstance(ask, Kept) and bool(ask.columns)
        return Tile(table(panel, asked), COLUMNS if wide else 8, 10 if wide else 8)
    drawn = panels.lines(panel, asked)
    if isinstance(ask, Kept) and not ask.exact:
        drawn["interval"] = f"{ask.step}s"
    return Tile(drawn, 8, 8)
