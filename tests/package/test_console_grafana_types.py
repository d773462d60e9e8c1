"""Grafana's dashboards against Grafana's own types (npm @grafana/schema), checked by the TypeScript compiler.

Each part of a dashboard becomes a constant of its own type: the head, each variable, each panel by its plugin, each
query by its data source. What is planted in a copy is found; so the types do look.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nephoscope.model.config import PublishElasticsearch
from nephoscope.pipeline.board import history_board
from nephoscope.pipeline.consoles.grafana import render_grafana
from nephoscope.pipeline.consoles.grafana_history import render_history
from nephoscope.pipeline.consoles.grafana_history_targets import Product
from tests.console_boards import CATALOG, everything, odd, ruleless, shown, written

ROOT = Path(__file__).resolve().parents[2]
COMPILER = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
TYPES = Path(__file__).with_name("grafana_types.ts")
AZURE, GOOGLE = "grafana-azure-monitor-datasource", "stackdriver"
PANELS = {"row": "Row", "stat": "Stat", "table": "Table", "text": "Text", "timeseries": "TimeSeries"}
QUERIES = {
    "cloudwatch": "CloudWatch",
    GOOGLE: "Google",
    AZURE: "Azure",
    Product.ELASTICSEARCH: "History",
    Product.OPENSEARCH: "OpenSearch",
}
HISTORY = PublishElasticsearch("http://localhost:9200")

pytestmark = pytest.mark.skipif(
    not COMPILER.exists() or not (ROOT / "node_modules" / "@grafana" / "schema").exists(),
    reason="TypeScript or Grafana's types are not installed: make test installs them (npm ci)",
)

Dashboard = dict[str, Any]
FLEETS = {
    "acme": written("acme"),
    "alone": written("alone"),
    "odd": odd(),
    "bare": ruleless(),
    "all": everything(),
}


def drawn(fleet: str) -> Dashboard:
    config = FLEETS[fleet]
    return render_grafana(shown(config), config)


def history(fleet: str, product: Product = Product.ELASTICSEARCH) -> Dashboard:
    return render_history(history_board(replace(FLEETS[fleet], history=HISTORY), CATALOG), product)


def constants(dashboard: Dashboard) -> Iterator[str]:
    """The parts as TypeScript. Raises KeyError for a panel or a data source whose types are not among those looked
    at."""
    parts: list[tuple[str, object]] = []
    head = {key: value for key, value in dashboard.items() if key not in ("panels", "templating")}
    parts.append(("Head", head))
    for variable in dashboard["templating"]["list"]:
        parts.append(("Variable", variable))
        if variable.get("datasource", {}).get("type") == AZURE and variable["type"] == "query":
            parts.append(("Azure", variable["query"]))  # of the others' variables there are no types
    for panel in dashboard["panels"]:
        parts.append((PANELS[panel["type"]], {key: value for key, value in panel.items() if key != "targets"}))
        parts += [(QUERIES[target["datasource"]["type"]], target) for target in panel.get("targets", [])]
    for type_, value in parts:
        yield f"({json.dumps(value)}) satisfies {type_};"


def panel_of(dashboard: Dashboard, kind: str) -> Any:
    return next(panel for panel in dashboard["panels"] if panel["type"] == kind)


def query_of(dashboard: Dashboard, source: str) -> Any:
    targets = (target for panel in dashboard["panels"] for target in panel.get("targets", []))
    return next(target for target in targets if target["datasource"]["type"] == source)


PLANTED: Mapping[str, Callable[[Dashboard], object]] = {
    "an unknown property of the dashboard": lambda d: d.update(titel="x"),
    "a schema version that is a text": lambda d: d.update(schemaVersion="41"),
    "a variable that asks Azure for what there is not": lambda d: next(
        v for v in d["templating"]["list"] if v["name"] == "azure_region"
    )["query"].update(queryType="Azure Locations"),
    "a kind of variable that there is not": lambda d: d["templating"]["list"][0].update(type="source"),
    "a variable without a name": lambda d: d["templating"]["list"][0].pop("name"),
    "a look that a stat does not have": lambda d: panel_of(d, "stat")["options"].update(colorMode="values"),
    "an option of another plugin": lambda d: panel_of(d, "stat")["options"].update(legend={}),
    "a legend without calcs": lambda d: panel_of(d, "timeseries")["options"]["legend"].pop("calcs"),
    "a style of lines that there is not": lambda d: panel_of(d, "timeseries")["fieldConfig"]["defaults"][
        "custom"
    ].update(drawStyle="curve"),
    "a threshold without a colour": lambda d: panel_of(d, "stat")["fieldConfig"]["defaults"]["thresholds"]["steps"][
        0
    ].pop("color"),
    "a place without a height": lambda d: panel_of(d, "timeseries")["gridPos"].pop("h"),
    "a row that is not said to be open": lambda d: panel_of(d, "row").pop("collapsed"),
    "a text in a language that there is not": lambda d: panel_of(d, "text")["options"].update(mode="rst"),
    "a CloudWatch query without a region": lambda d: query_of(d, "cloudwatch").pop("region"),
    "a period that is a number": lambda d: query_of(d, "cloudwatch").update(period=60),
    "an editor mode that there is not": lambda d: query_of(d, "cloudwatch").update(metricEditorMode=2),
    "a Google query of an unknown kind": lambda d: query_of(d, GOOGLE).update(queryType="mql"),
    "a PromQL query without a step": lambda d: query_of(d, GOOGLE)["promQLQuery"].pop("step"),
    "an Azure query of an unknown kind": lambda d: query_of(d, AZURE).update(queryType="Azure Metrics"),
    "an Azure resource with an unknown property": lambda d: query_of(d, AZURE)["azureMonitor"]["resources"][0].update(
        resourceUri="x"
    ),
}


PLANTED_IN_HISTORY: Mapping[str, Callable[[Dashboard], object]] = {
    "a metric that there is not": lambda d: query_of(d, Product.ELASTICSEARCH)["metrics"][0].update(type="mean"),
    "a bucket that there is not": lambda d: query_of(d, Product.ELASTICSEARCH)["bucketAggs"][0].update(type="term"),
    "a size that is a number": lambda d: query_of(d, Product.ELASTICSEARCH)["bucketAggs"][0]["settings"].update(size=9),
    "an order that there is not": lambda d: query_of(d, Product.ELASTICSEARCH)["bucketAggs"][0]["settings"].update(
        order="down"
    ),
    "a metric without an id": lambda d: query_of(d, Product.ELASTICSEARCH)["metrics"][0].pop("id"),
    "an unknown property of a query": lambda d: query_of(d, Product.ELASTICSEARCH).update(lucene="x"),
    "a table without a first frame": lambda d: panel_of(d, "table")["options"].pop("frameIndex"),
    "a table that is wrapped": lambda d: panel_of(d, "table")["options"].update(wrapped=True),
    "a kind of variable that there is not": lambda d: d["templating"]["list"][-1].update(type="filter"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """What the compiler says of each file, in one run."""
    place = tmp_path_factory.mktemp("grafana")
    (place / "node_modules").symlink_to(ROOT / "node_modules")
    shutil.copyfile(TYPES, place / "types.ts")
    imported = "Azure, CloudWatch, Google, Head, History, OpenSearch, Row, Stat, Table, Text, TimeSeries, Variable"
    head = f"import type {{ {imported} }} from './types';\n"
    dashboards = {fleet: drawn(fleet) for fleet in FLEETS}
    dashboards |= {f"{fleet}_history": history(fleet) for fleet in FLEETS}
    dashboards["acme_opensearch"] = history("acme", Product.OPENSEARCH)
    for number, spoil in enumerate(PLANTED.values()):
        dashboards[f"planted{number}"] = spoilt = copy.deepcopy(dashboards["acme"])
        spoil(spoilt)
    for number, spoil in enumerate(PLANTED_IN_HISTORY.values()):
        dashboards[f"kept{number}"] = spoilt = copy.deepcopy(dashboards["acme_history"])
        spoil(spoilt)
    for name, dashboard in dashboards.items():
        (place / f"{name}.ts").write_text(head + "\n".join(constants(dashboard)) + "\n", encoding="utf-8")
    return _compile(place)


def _compile(place: Path) -> Mapping[str, list[str]]:
    options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext"]
    files = sorted(path.name for path in place.glob("*.ts"))
    node = shutil.which("node") or str(Path(sys.executable).with_name("node"))
    command = [node, str(COMPILER), *options, "--moduleResolution", "bundler", *files]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    said: dict[str, list[str]] = defaultdict(list)
    for line in done.stdout.splitlines():
        if match := re.match(r"(\w+)\.ts\((\d+),\d+\): error (.*)", line):
            said[match[1]].append(f"{match[2]}: {match[3]}")
    assert not done.stdout or said, f"the compiler itself failed: {done.stdout}{done.stderr}"
    return said


@pytest.mark.parametrize("fleet", [*FLEETS, *(f"{fleet}_history" for fleet in FLEETS), "acme_opensearch"])
def test_grafanas_types_find_nothing_wrong(found: Mapping[str, list[str]], fleet: str) -> None:
    assert found.get(fleet, []) == []
    assert "types" not in found


@pytest.mark.parametrize("number", range(len(PLANTED)), ids=list(PLANTED))
def test_what_is_planted_is_found(found: Mapping[str, list[str]], number: int) -> None:
    assert len(found.get(f"planted{number}", [])) == 1


@pytest.mark.parametrize("number", range(len(PLANTED_IN_HISTORY)), ids=list(PLANTED_IN_HISTORY))
def test_what_is_planted_in_history_is_found(found: Mapping[str, list[str]], number: int) -> None:
    assert len(found.get(f"kept{number}", [])) == 1
