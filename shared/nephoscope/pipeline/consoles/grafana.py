"""The board as a Grafana dashboard: one for all clouds, a row for each section, a data source for each cloud.

What the alert memory knows (lists of alerts, of blind scopes) none of these data sources can ask; a link leads to where
it is shown. A cloud that is not gathered has no data source, no variables and no panels here. What is kept has a
dashboard of its own (grafana_history.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nephoscope.model.config import Config
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.parts import Board, Figure, Listing, Look, Measure, Panel, Section
from nephoscope.pipeline.consoles import grafana_panels as panels
from nephoscope.pipeline.consoles.grafana_history import history_uid
from nephoscope.pipeline.consoles.grafana_targets import figures, measured
from nephoscope.pipeline.consoles.grafana_thresholds import step
from nephoscope.pipeline.consoles.grafana_variables import variables
from nephoscope.pipeline.consoles.grid import Tile, place
from nephoscope.pipeline.consoles.texts import lacking, link, plain, sentences
from nephoscope.pipeline.links.aws import dashboard_link

COLUMNS = 24
SCHEMA_VERSION = 41
"""Of the dashboard's JSON; a newer Grafana brings it up to its own."""

_UID = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_UID = 40


@dataclass(frozen=True, slots=True)
class _Asked:
    board: Board
    config: Config

    @property
    def period(self) -> int:
        return max(60, self.config.gather.every)


def render_grafana(board: Board, config: Config) -> dict[str, object]:
    """The dashboard's JSON, as a file for provisioning or import."""
    asked = _Asked(board, config)
    return {
        "uid": uid_of(board.title),
        "title": f"{board.title}: nephoscope",
        "description": board.introduction,
        "tags": ["nephoscope"],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "schemaVersion": SCHEMA_VERSION,
        "time": {"from": "now-3h", "to": "now"},
        "timepicker": {"nowDelay": "2m"},  # the newest minute is not yet everyone's
        "templating": {"list": variables(board, config)},
        "links": [*_links(config), *_history_link(board.title, config)],
        "panels": list(_panels(asked)),
    }


def uid_of(fleet: str) -> str:
    """At most 40 letters, digits, hyphens and underscores."""
    return _UID.sub("-", f"nephoscope-{fleet}")[:_LONGEST_UID]


def _links(config: Config) -> list[dict[str, object]]:
    publish = config.publish
    url = dashboard_link(publish.dashboard, publish.region)
    shown = {"title": "CloudWatch: alerts that fire", "type": "link", "url": url, "icon": "external link"}
    options = {"targetBlank": True, "includeVars": False, "keepTime": False, "asDropdown": False, "tags": []}
    return [{**shown, **options, "tooltip": "Lists of alerts and of what cannot be seen"}] if url else []


def _history_link(fleet: str, config: Config) -> list[dict[str, object]]:
    if config.history is None:
        return []
    shown = {"title": "History", "type": "link", "url": f"/d/{history_uid(fleet)}", "icon": "dashboard"}
    options = {"targetBlank": False, "includeVars": False, "keepTime": False, "asDropdown": False, "tags": []}
    return [{**shown, **options, "tooltip": "What was: points, states and alerts that are kept"}]


# --- rows --------------------------------------------------------------------------------------------------------


def _panels(asked: _Asked) -> Iterator[dict[str, Any]]:
    """Rows in order, each above its panels; ids from 1."""
    tiles = [Tile(_introduction(asked), COLUMNS, 2)]
    for section in asked.board.sections:
        own = list(_tiles(asked, section))
        if own:
            row = {"type": "row", "title": section.title, "collapsed": False, "panels": []}
            tiles += [Tile(row, COLUMNS, 1), *_below(asked, section), *own]
    for number, placed in enumerate(place(tiles, COLUMNS), start=1):
        position = {"x": placed.x, "y": placed.y, "w": placed.tile.width, "h": placed.tile.height}
        yield {"id": number, **placed.tile.content, "gridPos": position}


def _introduction(asked: _Asked) -> dict[str, Any]:
    publish = asked.config.publish
    where = link(f"CloudWatch, {publish.dashboard}", dashboard_link(publish.dashboard, publish.region))
    return panels.text(sentences(_plain(asked.board.introduction), f"Lists of alerts: {where}."))


def _below(asked: _Asked, section: Section) -> Iterator[Tile]:
    missing = [lacking(asked.board, cloud) for cloud in asked.board.clouds] if section.name == "worst" else []
    if below := sentences(section.below, *missing):
        yield Tile(panels.text(_plain(below)), COLUMNS, 2)


def _tiles(asked: _Asked, section: Section) -> Iterator[Tile]:
    for panel in section.panels:
        if isinstance(panel.asks[0], Listing):
            continue
        yield _number(asked, panel) if panel.look is Look.NUMBER else _lines(asked, panel, section)


def _number(asked: _Asked, panel: Panel) -> Tile:
    """Of coverage anything below all is worth a look; of alerts anything above none."""
    targets = _targets(asked, panel)
    name = panel.asks[0].name if isinstance(panel.asks[0], Figure) else ""
    good, bad = step("green"), step("red")
    steps = {
        "nephoscope.coverage": [bad, step("orange", 90), step("green", 100)],
        "nephoscope.alerts_firing": [good, step("red", 1)],
    }
    wide = len(panel.asks) > 1
    return Tile(panels.number(panel, targets, steps.get(name, [good])), 12 if wide else 6, 5)


def _lines(asked: _Asked, panel: Panel, section: Section) -> Tile:
    shown = panels.lines(panel, _targets(asked, panel))
    if panel.cloud is Cloud.AWS:
        shown |= {"repeat": "aws_region", "repeatDirection": "h", "maxPerRow": 2}
        return Tile(shown, COLUMNS, 8)
    small = section.name == "watcher"
    return Tile(shown, 8 if small else 12, 6 if small else 8)


def _targets(asked: _Asked, panel: Panel) -> list[dict[str, Any]]:
    ask = panel.asks[0]
    if isinstance(ask, Measure):
        return measured(ask)
    wanted = tuple(each for each in panel.asks if isinstance(each, Figure))
    return figures(asked.config, asked.board.clouds, wanted, asked.period)


def _plain(text: str) -> str:
    """What a person named is no variable of Grafana's."""
    return plain(text).replace("$", "＄")
