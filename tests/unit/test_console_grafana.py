"""Grafana's dashboard against what its documents say that no type can: variables, references between queries, places,
thresholds, units; and what it is provisioned with.

Sources: Grafana, "Variable syntax", "CloudWatch query editor" (ids, metric math), "Provision Grafana", "Dashboard JSON
model" (24 columns; a uid has at most 40 characters); Google, "Mapping Cloud Monitoring metrics to PromQL", with its
table of names; AWS, "Metric math" (ids begin with a small letter).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from nephoscope.model.config import Config
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.parts import Figure, Split, Take
from nephoscope.pipeline.consoles.grafana import render_grafana, uid_of
from nephoscope.pipeline.consoles.grafana_provisioning import DASHBOARDS, render_datasources, render_provider
from nephoscope.pipeline.consoles.grafana_targets import figures, prometheus_name
from tests.console_boards import CATALOG, FLEETS, ODD, everything, kept, odd, ruleless, shown, written

CONFIGS: dict[str, Config] = {
    "acme": written("acme"),
    "alone": written("alone"),
    "odd": odd(),
    "bare": ruleless(),
    "all": everything(),
}
every_fleet = pytest.mark.parametrize("fleet", CONFIGS)
BUILT_IN = {"__field", "__all"}


@functools.cache
def drawn(fleet: str) -> dict[str, Any]:
    config = CONFIGS[fleet]
    return render_grafana(shown(config), config)


def panels(fleet: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = drawn(fleet)["panels"]
    return found


def panel_called(title: str, fleet: str = "acme") -> dict[str, Any]:
    (found,) = [panel for panel in panels(fleet) if panel.get("title") == title]
    return found


def targets(fleet: str) -> list[dict[str, Any]]:
    return [target for panel in panels(fleet) for target in panel.get("targets", [])]


# --- variables ---------------------------------------------------------------------------------------------------


def used(value: object) -> Iterator[str]:
    """Names of variables, as Grafana finds them: `$name`, `${name}`, `${name.field}`, `${name:format}`. A dynamic label
    of CloudWatch, `${PROP('Dim.x')}`, is none of these."""
    if isinstance(value, dict):
        for each in value.values():
            yield from used(each)
    elif isinstance(value, list):
        for each in value:
            yield from used(each)
    elif isinstance(value, str):
        for match in re.finditer(r"\$(\w+)|\$\{(\w+)(?:\.[^:}]+)?(?::[^}]+)?\}", value):
            yield match[1] or match[2]


@pytest.mark.parametrize(
    "fleet", sorted(CONFIGS.keys() - {"odd"})
)  # no fleet can be called so: it stands in queries, too
def test_every_variable_that_is_used_is_declared_before_it_is(fleet: str) -> None:
    declared: set[str] = set()
    for variable in drawn(fleet)["templating"]["list"]:
        assert set(used({**variable, "current": None})) - BUILT_IN <= declared
        assert variable["name"] not in declared
        declared.add(variable["name"])
    assert set(used(drawn(fleet)["panels"])) - BUILT_IN <= declared


@every_fleet
def test_no_name_of_a_persons_is_taken_for_a_variable(fleet: str) -> None:
    texts = [panel.get("description", "") + json.dumps(panel.get("options", {})) for panel in panels(fleet)]
    assert all("$region" not in text for text in texts)


def test_a_cloud_that_is_not_gathered_has_no_data_source_and_no_panel() -> None:
    names = {variable["name"] for variable in drawn("alone")["templating"]["list"]}
    assert names >= {"aws", "azure", "account", "region", "subscription", "azure_region", "machine", "storage_account"}
    assert not names & {"gcp", "project", "zone", "aws_region", "workspace"}
    assert {target["datasource"]["uid"] for target in targets("alone")} == {"${aws}", "${azure}"}
    assert {target["datasource"]["uid"] for target in targets("acme")} == {"${aws}", "${gcp}", "${azure}"}


# --- queries -----------------------------------------------------------------------------------------------------


@every_fleet
def test_queries_of_a_panel_are_told_apart_and_refer_to_one_another(fleet: str) -> None:
    for panel in panels(fleet):
        asked = panel.get("targets", [])
        assert len({target["refId"] for target in asked}) == len(asked)
        ids = [target["id"] for target in asked if target.get("id")]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[a-z][A-Za-z0-9_]*", own) for own in ids)
        formulas = [target["expression"] for target in asked if target.get("expression")]
        referred = {name for formula in formulas for name in re.findall(r"\b[a-z]\w*", formula)}
        hidden = {target["id"] for target in asked if target.get("hide")}
        assert referred == hidden, "what is hidden is there to be summed, and what is summed is there"


@every_fleet
def test_each_panel_asks_one_data_source(fleet: str) -> None:
    for panel in panels(fleet):
        for target in panel.get("targets", []):
            assert target["datasource"] == panel["datasource"]


def test_our_figures_are_asked_by_the_dimensions_that_we_publish() -> None:
    scope, cloud = {"cloud_account_id", "cloud_provider", "cloud_region", "fleet"}, {"cloud_provider", "fleet"}
    for target in targets("acme"):
        if target.get("namespace") == "nephoscope" and "metricName" in target:
            own = target["metricName"].startswith("nephoscope.")
            assert set(target["dimensions"]) == (cloud if own else scope)
            assert target["matchExact"] is True


def test_what_all_scopes_of_a_cloud_write_into_one_series_is_summed_over_one_period() -> None:
    (aws, gcp, azure) = panel_called("Alerts firing")["targets"]
    assert [(each["statistic"], each["period"], each["label"]) for each in (aws, gcp, azure)] == [
        ("Sum", "60", "AWS"),
        ("Sum", "60", "Google Cloud"),
        ("Sum", "60", "Azure"),
    ]
    assert [each["statistic"] for each in panel_called("Resources with fresh data")["targets"]] == ["Average"] * 3


def test_the_average_of_a_fleet_is_the_sum_over_the_number_of_its_samples() -> None:
    mean = Figure("cpu.utilization", Take.AVERAGE, join=Take.AVERAGE, label="average")
    total, samples, joined = figures(CONFIGS["acme"], (Cloud.AWS,), (mean,), 60)
    assert (total["statistic"], samples["statistic"]) == ("Sum", "SampleCount")
    assert joined["expression"] == f"SUM({total['id']})/SUM({samples['id']})"


def test_of_a_figure_by_scope_each_line_says_which() -> None:
    (target,) = panel_called("Running machines by region")["targets"]
    assert target["label"].startswith("${PROP('Dim.cloud_provider')}")
    assert target["dimensions"]["cloud_region"] == "$region"


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        # Google's table, and its two rules for the others
        ("cpu.utilization", "compute_googleapis_com:instance_cpu_utilization"),
        ("memory.utilization", "agent_googleapis_com:memory_percent_used"),
        ("size", "storage_googleapis_com:storage_total_bytes"),
    ],
)
def test_googles_metrics_have_googles_promql_names(metric: str, name: str) -> None:
    assert prometheus_name(CATALOG.metrics[metric].sources[Cloud.GCP]) == name


def promql_of(title: str) -> str:
    (target,) = panel_called(title)["targets"]
    text: str = target["promQLQuery"]["expr"]
    return text


def test_google_is_asked_for_the_worst_machines_and_for_rates_of_what_changes() -> None:
    assert promql_of("CPU utilization: the 10 highest in Google Cloud") == (
        "topk(10, avg by (project_id, zone, instance_id, instance_name) "
        '(compute_googleapis_com:instance_cpu_utilization{monitored_resource="gce_instance",zone=~"${zone:regex}"}))'
    )
    assert promql_of("Network receive: the 10 highest in Google Cloud") == (
        "topk(10, sum by (project_id, zone, instance_id, instance_name) "
        '(rate(compute_googleapis_com:instance_network_received_bytes_count{monitored_resource="gce_instance",'
        'zone=~"${zone:regex}"}[300s])))'
    )
    assert 'state="used"' in promql_of("Memory utilization: the 10 highest in Google Cloud")


def test_a_promql_query_has_the_empty_list_beside_it_that_keeps_grafana_from_making_it_over() -> None:
    asked = [target for target in targets("acme") if target.get("queryType") == "promQL"]
    assert asked
    assert all(target["timeSeriesList"]["filters"] == [] for target in asked)


def test_azure_is_asked_by_the_minute_for_what_it_has_as_totals() -> None:
    (target,) = panel_called("Network receive in 1 min: highest first, in Azure")["targets"]
    asked = target["azureMonitor"]
    assert (asked["metricName"], asked["aggregation"], asked["timeGrain"]) == ("Network In Total", "Total", "PT1M")
    (level,) = panel_called("CPU utilization: highest first, in Azure")["targets"]
    assert level["azureMonitor"]["timeGrain"] == "auto"


# --- thresholds, units -------------------------------------------------------------------------------------------


def steps(title: str) -> list[tuple[str, float | None]]:
    found = panel_called(title)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [(step["color"], step["value"]) for step in found]


def test_thresholds_stand_in_the_unit_of_what_is_drawn() -> None:
    aws, google = (
        "CPU utilization: the 10 highest in AWS, $aws_region",
        "CPU utilization: the 10 highest in Google Cloud",
    )
    assert steps(aws) == [("green", None), ("orange", 75.0), ("red", 90.0)]
    assert steps(google) == [("green", None), ("orange", 0.75), ("red", 0.9)]
    units = [panel_called(title)["fieldConfig"]["defaults"]["unit"] for title in (aws, google)]
    assert units == ["percent", "percentunit"]
    # 10 MiB a second: in five minutes of EC2's, in Google's rate
    assert steps("Network receive in 5 min: the 10 highest in AWS, $aws_region")[1] == ("orange", 3_145_728_000.0)
    assert steps("Network receive: the 10 highest in Google Cloud")[1] == ("orange", 10_485_760.0)


def test_where_less_is_worse_the_colours_turn() -> None:
    assert steps("CPU credit balance: the 10 lowest in AWS, $aws_region") == [("orange", None), ("green", 20.0)]
    free = "Memory utilization (Available Memory Percentage): lowest first, in Azure"
    assert steps(free) == [("orange", None), ("green", 5.0)]
    legend = panel_called(free)["options"]["legend"]
    assert (legend["sortBy"], legend["sortDesc"]) == ("Min", False)


@every_fleet
def test_steps_rise_from_the_bottom(fleet: str) -> None:
    for panel in panels(fleet):
        found = panel.get("fieldConfig", {}).get("defaults", {}).get("thresholds", {}).get("steps", [])
        values = [step["value"] for step in found]
        assert not values or values[0] is None
        assert values[1:] == sorted(values[1:])


def test_rules_on_both_sides_leave_the_middle_green() -> None:
    (odd_rules,) = [p for p in panels("odd") if p["title"] == "CPU utilization: the 10 highest in Google Cloud"]
    found = odd_rules["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["color"], step["value"]) for step in found] == [("orange", None), ("green", 0.01), ("red", 0.9)]


def test_what_comes_once_a_day_shows_two_weeks() -> None:
    assert panel_called("Bucket size: the 10 highest in AWS, $aws_region")["timeFrom"] == "14d"
    assert "timeFrom" not in panel_called("CPU utilization: the whole fleet")


def test_a_line_leads_to_its_machine() -> None:
    aws = panel_called("CPU utilization: the 10 highest in AWS, $aws_region")["fieldConfig"]["defaults"]["links"]
    assert aws[0]["url"].endswith("#InstanceDetails:instanceId=${__field.labels.InstanceId}")
    (target,) = panel_called("CPU utilization: the 10 highest in AWS, $aws_region")["targets"]
    assert "GROUP BY InstanceId " in target["sqlExpression"], "so that the label is there"
    google = panel_called("CPU utilization: the 10 highest in Google Cloud")["fieldConfig"]["defaults"]["links"]
    labels = set(re.findall(r"__field\.labels\.(\w+)", google[0]["url"]))
    assert labels == {"zone", "instance_id", "project_id"}
    (groups,) = re.findall(r"by \(([^)]*)\)", promql_of("CPU utilization: the 10 highest in Google Cloud"))
    assert labels <= set(groups.split(", "))


# --- places, names -----------------------------------------------------------------------------------------------


@every_fleet
def test_nothing_overlaps_and_ids_are_unique(fleet: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(fleet):
        x, y, width, height = (panel["gridPos"][key] for key in "xywh")
        cells = {(column, row) for column in range(x, x + width) for row in range(y, y + height)}
        assert cells
        assert x + width <= 24
        assert not cells & taken
        taken |= cells
    ids = [panel["id"] for panel in panels(fleet)]
    assert len(set(ids)) == len(ids)


def test_lists_that_no_data_source_knows_are_a_link_away() -> None:
    assert not any(panel.get("title") in ("Firing alerts", "Where we are blind") for panel in panels("acme"))
    (link,) = drawn("alone")["links"]
    assert link["url"].endswith("#dashboards:name=alone")


def test_what_is_kept_is_a_link_away() -> None:
    assert [link["url"] for link in drawn("acme")["links"]][1:] == ["/d/nephoscope-history-acme"]


def test_a_uid_is_short_and_plain() -> None:
    assert uid_of("acme") == "nephoscope-acme"
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", uid_of(ODD * 9))


def test_without_rules_it_still_says_whether_all_is_well() -> None:
    assert [panel["title"] for panel in panels("bare") if panel["type"] == "row"] == [
        "Is all well",
        "By cloud and region",
        "nephoscope itself",
    ]


# --- provisioning ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fleet", ["acme", "alone", "bare"])
def test_data_sources_hold_no_secret_and_are_those_that_the_dashboard_asks(fleet: str) -> None:
    config = CONFIGS[fleet]
    provisioned = yaml.safe_load(render_datasources(shown(config), config))
    assert provisioned["apiVersion"] == 1
    found = {each["uid"]: each for each in provisioned["datasources"]}
    found.pop("nephoscope-history", None)  # test_console_grafana_history.py
    assert all(each.keys() == {"name", "uid", "type", "access", "jsonData"} for each in found.values())
    chosen = {
        v["current"]["value"]: v["query"] for v in drawn(fleet)["templating"]["list"] if v["type"] == "datasource"
    }
    assert {uid: each["type"] for uid, each in found.items()} == chosen
    assert found["nephoscope-aws"]["jsonData"]["defaultRegion"] == "eu-west-1"


def test_the_dashboards_file_lies_where_the_provider_looks() -> None:
    (provider,) = yaml.safe_load(render_provider())["providers"]
    assert provider["options"]["path"] == DASHBOARDS
    assert provider["type"] == "file"


def test_the_readme_names_every_variable_that_grafana_must_be_given() -> None:
    readme = (FLEETS.EXAMPLE.parent / "README.md").read_text(encoding="utf-8")
    asked = set(re.findall(r"\$(NEPHOSCOPE_\w+)", render_datasources(shown(CONFIGS["acme"]), CONFIGS["acme"])))
    assert len(asked) == 4
    assert all(f"`{name}`" in readme for name in asked)


def test_the_example_is_what_would_be_written() -> None:
    for path, text in kept().items():
        if path.is_relative_to(FLEETS.EXAMPLE):
            assert path.read_text(encoding="utf-8") == text, path
    there = {path for path in FLEETS.EXAMPLE.rglob("*") if path.is_file()}
    assert there == {path for path in kept() if path.is_relative_to(FLEETS.EXAMPLE)}


@pytest.mark.parametrize(
    ("join", "formula"), [(Take.SUM, "SUM("), (Take.HIGHEST, "MAX("), (Take.LOWEST, "MIN("), (Take.AVERAGE, "SUM(")]
)
def test_every_way_to_join_scopes_has_its_formula(join: Take, formula: str) -> None:
    for take in Take:
        *_, joined = figures(CONFIGS["acme"], (Cloud.AWS,), (Figure("cpu.utilization", take, Split.NONE, join),), 60)
        assert joined["expression"].startswith(formula)
