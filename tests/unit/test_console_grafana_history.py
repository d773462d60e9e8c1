"""Grafana's dashboard of history and its data source: what no type says, and what needs no server. Its queries are run
in tests/contract/test_grafana_history.py.

Sources: Grafana, "Variable syntax", "Provision Grafana" (`$NAME`, `$$`), "Configure the Elasticsearch data source";
grafana-opensearch-datasource, docs/sources/configure.md.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from nephoscope.model.config import Config, PublishElasticsearch
from nephoscope.pipeline.board import history_board
from nephoscope.pipeline.consoles.grafana_history import history_uid, render_history
from nephoscope.pipeline.consoles.grafana_history_source import render_source
from nephoscope.pipeline.consoles.grafana_history_targets import Product, quoted
from tests.console_boards import CATALOG, FLEETS, ODD, everything, odd, ruleless, written

PLACE = PublishElasticsearch("https://search.acme.example:9200")
CONFIGS: dict[str, Config] = {
    name: replace(config, history=PLACE)
    for name, config in (
        ("acme", written("acme")),
        ("odd", odd()),
        ("bare", ruleless()),
        ("all", everything()),
    )
}
every_fleet = pytest.mark.parametrize("fleet", CONFIGS)
README = FLEETS.EXAMPLE.parent / "README.md"
EVERY_WAY: tuple[dict[str, Any], ...] = (
    {"url": "${ssm:/a}", "api_key": "${ssm:/b}"},
    {"user": "u", "password": "${ssm:/c}"},
)
PEM = "-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n"


def drawn(fleet: str, product: Product = Product.ELASTICSEARCH) -> dict[str, Any]:
    return render_history(history_board(CONFIGS[fleet], CATALOG), product)


def panels(fleet: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = drawn(fleet)["panels"]
    return found


def targets(fleet: str, product: Product = Product.ELASTICSEARCH) -> list[dict[str, Any]]:
    return [target for panel in drawn(fleet, product)["panels"] for target in panel.get("targets", [])]


def titles(fleet: str) -> list[str]:
    return [panel["title"] for panel in panels(fleet) if panel["title"]]


def panel_called(title: str, fleet: str = "acme") -> dict[str, Any]:
    (found,) = [panel for panel in panels(fleet) if panel["title"] == title]
    return found


def source(product: Product = Product.ELASTICSEARCH, **more: object) -> dict[str, Any]:
    (found,) = yaml.safe_load(render_source(replace(PLACE, **more), product))  # type: ignore[arg-type]
    return dict(found)


# --- the dashboard -----------------------------------------------------------------------------------------------


def test_each_metric_of_the_board_has_its_course_and_its_worst_machines() -> None:
    shown = titles("acme")
    assert shown[0] == "What was"
    for metric in ("CPU utilization", "Memory utilization", "Network receive"):
        assert f"{metric}: average, by region" in shown
        assert f"{metric}: 19 in 20 are below, by region" in shown
        assert f"{metric}: the 10 machines highest on average" in shown
    assert "CPU credit balance: the 10 machines lowest on average" in shown, "where every rule looks downward"
    assert "Bucket size: the 10 buckets highest on average" in shown


def test_what_is_gathered_for_history_alone_is_shown_and_without_metrics_states_and_alerts_are() -> None:
    wished = replace(CONFIGS["bare"], history=replace(PLACE, metrics=("network.transmit",)))
    drawn_ = render_history(history_board(wished, CATALOG))
    assert "network.transmit" in json.dumps(drawn_)
    assert [panel["title"] for panel in panels("bare") if panel["type"] == "row"][1:] == [
        "The life of machines",
        "What was told",
    ]


def test_where_nothing_is_kept_there_is_no_board_of_it() -> None:
    assert history_board(replace(CONFIGS["acme"], history=None), CATALOG).sections == ()


@every_fleet
def test_every_variable_that_is_used_is_declared_and_no_name_is_one(fleet: str) -> None:
    declared = {variable["name"] for variable in drawn(fleet)["templating"]["list"]}
    assert declared == {"history", "account", "region", "filter"}
    for target in targets(fleet):
        assert set(re.findall(r"\$\{?(\w+)", target["query"])) == {"account", "region"}
        assert target["datasource"]["uid"] == "${history}"
    text = json.dumps(panels(fleet), ensure_ascii=False)
    assert "[[" not in text
    assert set(re.findall(r"\$\{?([A-Za-z_]\w*)", text)) <= {"account", "region", "history"}


@every_fleet
def test_nothing_overlaps_and_ids_are_unique(fleet: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(fleet):
        x, y, width, height = (panel["gridPos"][key] for key in "xywh")
        cells = {(column, row) for column in range(x, x + width) for row in range(y, y + height)}
        assert x + width <= 24
        assert not cells & taken
        taken |= cells
    ids = [panel["id"] for panel in panels(fleet)]
    assert ids == list(range(1, len(ids) + 1))


def test_values_and_thresholds_are_shares_from_0_to_1_as_they_are_kept() -> None:
    for title in ("CPU utilization: average, by region", "CPU utilization: the 10 machines highest on average"):
        defaults = panel_called(title)["fieldConfig"]["defaults"]
        assert defaults["unit"] == "percentunit"
        steps = [(step["color"], step["value"]) for step in defaults["thresholds"]["steps"]]
        assert steps == [("green", None), ("orange", 0.75), ("red", 0.9)]
    bytes_ = panel_called("Network receive: average, by region")["fieldConfig"]["defaults"]
    assert (bytes_["unit"], bytes_["thresholds"]["steps"][1]["value"]) == ("binBps", 10 * 1024**2)


def test_a_line_has_no_gap_only_because_points_are_rarer_than_pixels() -> None:
    assert panel_called("CPU utilization: average, by region")["interval"] == "300s", "EC2's without detail"
    size = panel_called("Bucket size: average, by region")
    assert (size["interval"], size["timeFrom"]) == ("86400s", "14d")


def test_a_date_histogram_comes_last_and_what_is_ordered_by_is_there() -> None:
    for target in targets("all"):
        kinds = [bucket["type"] for bucket in target["bucketAggs"]]
        assert "date_histogram" not in kinds[:-1]
        ids = [each["id"] for each in (*target["metrics"], *target["bucketAggs"])]
        assert len(set(ids)) == len(ids)
        for bucket in target["bucketAggs"]:
            order = bucket["settings"].get("orderBy", "_count")
            assert order == "_count" or order.partition("[")[0] in {each["id"] for each in target["metrics"]}


def test_a_table_chooses_orders_and_names_columns_that_grafana_makes() -> None:
    table = panel_called("CPU utilization: the 10 machines highest on average")
    chosen, organized = table["transformations"]
    names = ["host.name", "Average", "p95.0 metric.value", "Max"]
    assert chosen["options"]["include"]["names"] == names == list(organized["options"]["renameByName"])
    assert list(organized["options"]["renameByName"].values()) == [
        "Machine",
        "Average",
        "19 in 20 are below",
        "Highest",
    ]


def test_a_uid_is_short_plain_and_not_the_other_dashboards() -> None:
    assert history_uid("acme") == "nephoscope-history-acme"
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", history_uid(ODD * 9))


@pytest.mark.parametrize(
    ("name", "term"),
    [
        ("acme", '"acme"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("$region", '"\\u0024region"'),
        ("[[region]]", '"\\[\\[region]]"'),
        ("a* OR b?", '"a* OR b?"'),
    ],
)
def test_a_name_is_one_quoted_term(name: str, term: str) -> None:
    assert quoted(name) == term


# --- the data source ---------------------------------------------------------------------------------------------


def test_the_data_source_is_where_the_configuration_says() -> None:
    found = source(index="acme-history")
    assert found["url"] == "https://search.acme.example:9200"
    assert found["type"] == "elasticsearch"
    assert found["jsonData"]["index"] == "acme-history-metrics,acme-history-states,acme-history-alerts"
    assert found["jsonData"]["timeField"] == "@timestamp"
    assert "secureJsonData" not in found
    (chosen,) = [v for v in drawn("acme")["templating"]["list"] if v["type"] == "datasource"]
    assert (chosen["current"]["value"], chosen["query"]) == (found["uid"], found["type"])


def test_no_secret_and_no_reference_of_ours_stands_in_it() -> None:
    key = source(api_key="${ssm:/nephoscope/elasticsearch}", url="${ssm:/nephoscope/where}")
    assert key["url"] == "$NEPHOSCOPE_GRAFANA_ELASTICSEARCH_URL"
    assert key["jsonData"]["httpHeaderName1"] == "Authorization"
    assert key["secureJsonData"] == {"httpHeaderValue1": "ApiKey $NEPHOSCOPE_GRAFANA_ELASTICSEARCH_API_KEY"}
    basic = source(user="writer", password="${env:PASSWORD}", ca=PEM)
    assert (basic["basicAuth"], basic["basicAuthUser"]) == (True, "$NEPHOSCOPE_GRAFANA_ELASTICSEARCH_USER")
    assert basic["secureJsonData"]["basicAuthPassword"] == "$NEPHOSCOPE_GRAFANA_ELASTICSEARCH_PASSWORD"
    assert (basic["jsonData"]["tlsAuthWithCACert"], basic["secureJsonData"]["tlsCACert"]) == (True, PEM)
    assert "ssm" not in json.dumps(key)
    assert "writer" not in json.dumps(basic), "who may write is not who looks"


def test_a_dollar_of_an_address_is_no_variable() -> None:
    assert source(url="https://search.example:9200/a$b")["url"] == "https://search.example:9200/a$$b"


def test_opensearch_has_its_plugin_and_the_words_that_it_wants() -> None:
    found = source(Product.OPENSEARCH)
    assert found["type"] == "grafana-opensearch-datasource"
    assert (found["jsonData"]["flavor"], found["jsonData"]["pplEnabled"]) == ("opensearch", False)
    assert found["jsonData"]["database"] == "nephoscope-metrics,nephoscope-states,nephoscope-alerts"
    asked = targets("acme", Product.OPENSEARCH)
    assert all((each["queryType"], each["luceneQueryType"]) == ("lucene", "Metric") for each in asked)
    same = [
        {k: v for k, v in each.items() if k not in ("queryType", "luceneQueryType", "datasource")} for each in asked
    ]
    assert same == [{k: v for k, v in each.items() if k != "datasource"} for each in targets("acme")]


def test_the_readme_names_every_variable_of_the_environment() -> None:
    readme = README.read_text(encoding="utf-8")
    texts = [render_source(replace(PLACE, **each), Product.ELASTICSEARCH) for each in EVERY_WAY]
    asked = {name for text in texts for name in re.findall(r"\$(NEPHOSCOPE_\w+)", text)}
    assert len(asked) == 4
    assert all(f"`{name}`" in readme for name in asked)
