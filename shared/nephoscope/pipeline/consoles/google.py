"""The board as a dashboard of Google Cloud Monitoring: what its own metrics can say, and where the rest is.

Google's console cannot ask CloudWatch, where our own figures are. In their place stand what Google itself counts: the
machines that run (those that tell their uptime), its open incidents, the requests to our functions. What none of these
says (coverage, alerts, machines that are stopped) is a link away.

Source: Cloud Monitoring API v1, `projects.dashboards`; the grid has 12 columns, and a dashboard at most 100 widgets
(release notes of 2 May 2025).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nephoscope.model.config import Config
from nephoscope.model.metric import Unit
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.parts import Board, Measure, Panel, Section
from nephoscope.pipeline.consoles.google_queries import bound, legend_of, lengths, measured, running, runs
from nephoscope.pipeline.consoles.grid import Tile, place
from nephoscope.pipeline.consoles.texts import lacking, link, plain, sentences, threshold_label
from nephoscope.pipeline.links.aws import dashboard_link
from nephoscope.pipeline.units import SHOWN

COLUMNS = 12
WIDGETS = 100
DEPLOYMENT = "@NAME@"
"""Stands for the beginning of our functions' names until Terraform, which makes them, puts it there."""

Widget = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    board: Board
    config: Config
    deployment: str

    @property
    def projects(self) -> tuple[str, ...]:
        return self.config.gather.gcp.projects if self.config.gather.gcp else ()

    @property
    def own_functions(self) -> bool:
        return Cloud.GCP in self.config.gather.functions


def render_google(board: Board, config: Config, deployment: str = DEPLOYMENT) -> dict[str, object]:
    """The Dashboard resource, as `dashboards.create` takes it. deployment: service and stage, `nephoscope-prod`.

    Panels that would not fit are left out from the end, and the text says how many. Nothing stands in it with
    the value that it has anyway (a zero, an empty list): the service does not give such things back, and Terraform
    would find a difference each time.
    """
    asked = _Asked(board, config, deployment)
    tiles = list(_tiles(asked))
    left_out = max(0, len(tiles) + 1 - WIDGETS)
    shown = [_introduction(asked, left_out), *tiles[: WIDGETS - 1]]
    return {
        "displayName": f"{board.title}: nephoscope",
        "dashboardFilters": [
            {"labelKey": label, "filterType": "RESOURCE_LABEL", "stringValue": ""} for label in ("project_id", "zone")
        ],
        "mosaicLayout": {"columns": COLUMNS, "tiles": [_tile(each) for each in place(shown, COLUMNS)]},
        "labels": {"nephoscope": ""},
    }


def _tile(placed: Any) -> dict[str, object]:
    tile = placed.tile
    size = {"xPos": placed.x, "yPos": placed.y, "width": tile.width, "height": tile.height}
    return _present(size) | {"widget": tile.content}


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    """Without zeros."""
    return {name: value for name, value in fields.items() if value}


def _tiles(asked: _Asked) -> Iterator[Tile]:
    for section in asked.board.sections:
        tiles = list(_SECTIONS[section.name](asked, section))
        if tiles:
            yield _heading(section, lacking(asked.board, Cloud.GCP) if section.name == "worst" else "")
            yield from tiles


# --- sections ----------------------------------------------------------------------------------------------------


def _now(asked: _Asked, section: Section) -> Iterator[Tile]:  # noqa: ARG001 - as the other sections
    yield Tile(_number("Running machines", running(asked.projects), 300), 3, 3)
    if asked.own_functions:
        every = 5 * max(60, asked.config.gather.every)
        query = runs(f"{asked.deployment}-collect", every, good=True)
        none = {"label": "no run has succeeded", "value": 0.5, "color": "RED", "direction": "BELOW"}
        title = f"Runs that succeeded in {every // 60} min"
        yield Tile(_number(title, query, every, none), 3, 3)
    yield Tile({"title": "Open incidents of Cloud Monitoring itself", "incidentList": {}}, 6, 3)


def _places(asked: _Asked, section: Section) -> Iterator[Tile]:  # noqa: ARG001
    for title, label in (("Running machines by zone", "zone"), ("Running machines by project", "project_id")):
        query = running(asked.projects, label)
        yield Tile(_chart(title, query, 300, f"${{resource.labels.{label}}}", "STACKED_AREA", "machines"), 6, 4)


def _metrics(asked: _Asked, section: Section) -> Iterator[Tile]:
    for panel in section.panels:
        ask = panel.asks[0]
        if isinstance(ask, Measure) and ask.cloud is Cloud.GCP:
            yield Tile(_measured(asked, panel, ask), 6, 4)


def _watcher(asked: _Asked, section: Section) -> Iterator[Tile]:  # noqa: ARG001
    if not asked.own_functions:
        return
    every = max(60, asked.config.gather.every)
    named, answer = "resource.labels.service_name", "metric.labels.response_code_class"
    legend = f"${{{named}}} ${{{answer}}}"
    by_answer = runs(asked.deployment, every, named, answer)
    yield Tile(_chart("Runs, by answer", by_answer, every, legend, "STACKED_BAR", "runs"), 6, 4)
    length = lengths(asked.deployment, every)
    yield Tile(_chart("Length of a run: 99 of 100 are below", length, every, f"${{{named}}}", "LINE", "ms"), 6, 4)


_SECTIONS = {"now": _now, "places": _places, "worst": _metrics, "history": _metrics, "watcher": _watcher}


# --- widgets -----------------------------------------------------------------------------------------------------


def _introduction(asked: _Asked, left_out: int) -> Tile:
    publish = asked.config.publish
    where = link(f"CloudWatch, {publish.dashboard}", dashboard_link(publish.dashboard, publish.region))
    watched = f"Watched here: {', '.join(map(plain, asked.projects))}." if asked.projects else ""
    said = sentences(
        plain(asked.board.introduction),
        watched,
        "Of other projects this shows only what the metrics scope of the project that holds it has.",
        f"Alerts, coverage and machines that are stopped: {where}.",
        f"{left_out} graphs did not fit." if left_out else "",
    )
    style = {"fontSize": "FS_MEDIUM", "padding": "P_SMALL"}
    return Tile({"text": {"content": said, "format": "MARKDOWN", "style": style}}, COLUMNS, 2)


def _heading(section: Section, more: str) -> Tile:
    subtitle = sentences(section.below, more)
    return Tile({"title": section.title, "sectionHeader": {"subtitle": subtitle} if subtitle else {}}, COLUMNS, 1)


def _measured(asked: _Asked, panel: Panel, ask: Measure) -> Widget:
    source = ask.metric.sources[Cloud.GCP]
    axis = "" if panel.unit is Unit.FRACTION else SHOWN[panel.unit].label
    widget = _chart(panel.title, measured(ask, asked.projects), source.period, legend_of(ask), "LINE", axis)
    thresholds = [
        _present({"label": threshold_label(panel, limit), "value": bound(limit, source), "targetAxis": "Y1"})
        for limit in panel.limits
    ]
    return widget if not thresholds else widget | {"xyChart": widget["xyChart"] | {"thresholds": thresholds}}


def _chart(title: str, query: dict[str, Any], period: int, legend: str, plot: str, axis: str) -> Widget:
    data = {
        "timeSeriesQuery": {"timeSeriesFilter": query},
        "plotType": plot,
        "legendTemplate": legend,
        "minAlignmentPeriod": f"{period}s",
        "targetAxis": "Y1",
    }
    y_axis = ({"label": axis} if axis else {}) | {"scale": "LINEAR"}
    return {"title": title, "xyChart": {"dataSets": [data], "yAxis": y_axis, "chartOptions": {"mode": "COLOR"}}}


def _number(title: str, query: dict[str, Any], period: int, *thresholds: dict[str, object]) -> Widget:
    spark = {"sparkChartType": "SPARK_LINE", "minAlignmentPeriod": f"{period}s"}
    card = {"timeSeriesQuery": {"timeSeriesFilter": query}, "sparkChartView": spark}
    return {"title": title, "scorecard": card | ({"thresholds": list(thresholds)} if thresholds else {})}
