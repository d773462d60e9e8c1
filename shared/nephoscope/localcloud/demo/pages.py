"""What the demonstration leaves to look at: the dashboard as CloudWatch holds it, drawn from its own answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nephoscope.localcloud.demo.stage import Stage
from nephoscope.model.publish import Dashboard
from nephoscope.model.time import iso
from nephoscope.views.dashboard_data import fetch_dashboard_data, widgets_of
from nephoscope.views.dashboard_page import draw


def read_dashboards(stage: Stage) -> list[Dashboard]:
    """The dashboards that stand in the local CloudWatch, by name."""
    client = stage.aws.client("cloudwatch")
    names = sorted(entry["DashboardName"] for entry in client.list_dashboards()["DashboardEntries"])
    bodies = [client.get_dashboard(DashboardName=name)["DashboardBody"] for name in names]
    return [Dashboard(name, json.loads(body)) for name, body in zip(names, bodies, strict=True)]


def draw_page(stage: Stage, dashboards: Sequence[Dashboard], start: int, end: int) -> str:
    """One self-contained HTML page of all dashboards between start and end (epoch seconds); the custom widgets are
    asked of the deployed function, as the console does."""
    data = fetch_dashboard_data(lambda region: stage.aws.client("cloudwatch", region), dashboards, start, end)
    custom = {
        (dashboard.name, place): _ask(stage, widget["properties"])
        for dashboard in dashboards
        for place, widget in enumerate(widgets_of(dashboard))
        if widget["type"] == "custom"
    }
    note = f"A simulated fleet on the local cloud, {iso(start)} to {iso(end)}."
    return draw(dashboards, data, custom, note)


def _ask(stage: Stage, properties: Mapping[str, Any]) -> str:
    event = {**properties.get("params", {}), "widgetContext": {"width": 1200, "theme": "light"}}
    return str(stage.invoke("widget", event))


def write_results(out: Path, summary: Mapping[str, Any], dashboards: Sequence[Dashboard], page: str) -> None:
    """summary.json, one JSON for each dashboard, dashboard.html."""
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    for dashboard in dashboards:
        body = json.dumps(dashboard.body, indent=2) + "\n"
        (out / f"dashboard-{dashboard.name}.json").write_text(body, encoding="utf-8")
    (out / "dashboard.html").write_text(page, encoding="utf-8")
