"""The dashboard's body against CloudWatch's documented structure and limits, checked by a reader of its own.

Source: AmazonCloudWatch API reference, "Dashboard Body Structure and Syntax"; user guide, "CloudWatch quotas",
"CloudWatch search expression syntax" and "Metrics Insights quotas".
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nephoscope.model.publish import Dashboard
from nephoscope.model.scope import Cloud, Scope

GOLDEN = Path(__file__).parents[1] / "golden" / "dashboard"


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FLEETS = _load(GOLDEN / "fleets.py")
RENDERED: dict[str, tuple[Dashboard, ...]] = FLEETS.fleets()
SCOPES = {"20": 1, "2000": 9, "20000": 60, "many": 400, "new": 0}
every_fleet = pytest.mark.parametrize("fleet", RENDERED)


def widgets(dashboard: Dashboard) -> list[dict[str, Any]]:
    found: Any = dashboard.body["widgets"]
    return list(found)


def all_widgets(fleet: str) -> list[dict[str, Any]]:
    return [widget for dashboard in RENDERED[fleet] for widget in widgets(dashboard)]


def expressions(widget: dict[str, Any]) -> list[str]:
    lines = widget["properties"].get("metrics", [])
    return [line[0]["expression"] for line in lines if isinstance(line[0], dict)]


def widget_called(fleet: str, title: str) -> dict[str, Any]:
    (found,) = [widget for widget in all_widgets(fleet) if widget["properties"].get("title") == title]
    return found


def retrieved(widget: dict[str, Any], fleet: str) -> int:
    """Metrics that CloudWatch retrieves for a widget: a search finds one of each scope it is narrowed to."""
    count = 0
    for line in widget["properties"]["metrics"]:
        expression = line[0].get("expression", "") if isinstance(line[0], dict) else ""
        if expression.startswith("SELECT"):
            limit = re.search(r"LIMIT (\d+)$", expression)
            count += int(limit[1]) if limit else 1
        for search in re.findall(r"SEARCH\('(.*?)',", expression):
            count += 20 if "cloud_account_id=" in search else SCOPES[fleet]
        count += not isinstance(line[0], dict)
    return count


# --- structure ---------------------------------------------------------------------------------------------------

METRIC_KEYS = {
    "accountId annotations end labels legend liveData metrics period region setPeriodToTimeRange",
    "singleValueFullPrecision sparkline stacked start stat table timezone title trend view yAxis",
}
ALLOWED = {
    "metric": set(" ".join(METRIC_KEYS).split()),
    "text": {"markdown", "background"},
    "custom": {"endpoint", "params", "title", "updateOn"},
}
OPTIONS = {"color", "expression", "id", "label", "period", "stat", "visible", "yAxis", "region", "accountId"}


@every_fleet
def test_every_widget_is_of_a_known_type_with_known_properties(fleet: str) -> None:
    for dashboard in RENDERED[fleet]:
        assert dashboard.body.keys() == {"widgets", "start", "periodOverride"}
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,255}", dashboard.name)
    for widget in all_widgets(fleet):
        assert widget.keys() == {"type", "x", "y", "width", "height", "properties"}
        assert widget["properties"].keys() <= ALLOWED[widget["type"]]
        assert widget["type"] != "text" or widget["properties"]["markdown"].strip()


@every_fleet
def test_metric_widgets_are_as_documented(fleet: str) -> None:
    for widget in all_widgets(fleet):
        if widget["type"] != "metric":
            continue
        properties = widget["properties"]
        assert properties["region"]
        assert properties["title"]
        assert properties["view"] in ("timeSeries", "singleValue")
        assert properties["period"] % 60 == 0
        assert re.fullmatch(r"-P(\d+D|T\d+H)", properties.get("start", "-PT3H"))
        assert properties["metrics"]
        ids: list[str] = []
        for line in properties["metrics"]:
            options = line[-1]
            assert options.keys() <= OPTIONS
            ids += [options["id"]] if "id" in options else []
            names = line[:-1]
            assert len(names) % 2 == 0
            assert names or "expression" in options
            assert all(isinstance(name, str) and name for name in names)
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[a-z][A-Za-z0-9_]*", own_id) for own_id in ids)
        for line in properties.get("annotations", {}).get("horizontal", []):
            assert isinstance(line["value"], float)
            assert re.fullmatch(r"#[0-9a-f]{6}", line["color"])
            assert line["label"]


@every_fleet
def test_custom_widgets_call_the_function_that_was_given(fleet: str) -> None:
    for widget in all_widgets(fleet):
        if widget["type"] == "custom":
            assert widget["properties"]["endpoint"] == FLEETS.WIDGET
            assert widget["properties"]["params"]["page"] in ("alerts", "worst", "states", "gaps")


@every_fleet
def test_nothing_overlaps_and_nothing_leaves_the_grid(fleet: str) -> None:
    for dashboard in RENDERED[fleet]:
        taken: set[tuple[int, int]] = set()
        for widget in widgets(dashboard):
            x, y, width, height = (widget[key] for key in ("x", "y", "width", "height"))
            assert 0 <= x < x + width <= 24
            assert 1 <= height <= 20
            cells = {(column, row) for column in range(x, x + width) for row in range(y, y + height)}
            assert not cells & taken
            taken |= cells


@every_fleet
def test_limits_hold_whatever_the_fleet(fleet: str) -> None:
    for dashboard in RENDERED[fleet]:
        assert len(widgets(dashboard)) <= 500
        counts = [retrieved(widget, fleet) for widget in widgets(dashboard) if widget["type"] == "metric"]
        assert max(counts, default=0) <= 500
        assert sum(counts) <= 2_500


@every_fleet
def test_expressions_stay_within_the_documented_limits(fleet: str) -> None:
    for widget in all_widgets(fleet):
        texts = expressions(widget)
        assert all(len(search) <= 1_024 for text in texts for search in re.findall(r"SEARCH\('(.*?)',", text))
        assert sum(text.startswith("SELECT") for text in texts) <= 1  # one Metrics Insights query a call


# --- what it shows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fleet", FLEETS.KEPT)
def test_it_is_what_was_looked_at(fleet: str) -> None:
    """Differs? `python tests/golden/dashboard/fleets.py`, and read the difference."""
    assert FLEETS.text_of(RENDERED[fleet]) == (GOLDEN / f"{fleet}.json").read_text(encoding="utf-8")


def test_it_begins_with_coverage_and_what_is_firing_and_ends_with_the_watcher() -> None:
    titles = [
        widget["properties"].get("title", widget["properties"].get("markdown", "")) for widget in all_widgets("20")
    ]
    assert titles[1:5] == ["Resources with fresh data (%)", "Alerts firing", "Machines", "Firing alerts"]
    first_of_the_end = next(place for place, title in enumerate(titles) if title.startswith("## nephoscope itself"))
    assert titles[first_of_the_end + 1 :] == [
        "Coverage over time (%)",
        "Heartbeats: scopes that ran",
        "Data behind the clock",
        "Length of a run",
        "Scopes that could not be run",
        "API calls",
        "Metrics that AWS charges for reading",
        "Notifications owed",
        "Oldest notification owed",
    ]


def test_counts_are_summed_over_the_scopes_maximum() -> None:
    assert expressions(widget_called("2000", "Machines by state"))[0] == (
        'SUM(SEARCH(\'{nephoscope,"cloud_account_id","cloud_provider","cloud_region",fleet} '
        'MetricName="instances.running" fleet="acme"\', \'Maximum\', 60))'
    )


def test_the_worst_come_from_awss_own_series() -> None:
    assert expressions(widget_called("20", "CPU utilization: the 10 highest in eu-west-1")) == [
        'SELECT AVG(CPUUtilization) FROM SCHEMA("AWS/EC2", InstanceId) GROUP BY InstanceId ORDER BY MAX() DESC LIMIT 10'
    ]
    for fleet in RENDERED:
        for widget in all_widgets(fleet):
            for line in widget["properties"].get("metrics", []):
                assert isinstance(line[0], dict) or line[0] == "nephoscope"


def test_linked_accounts_are_told_apart_and_only_a_monitoring_account_asks_for_them() -> None:
    title = "CPU utilization: the 10 highest in eu-west-1"
    assert "GROUP BY AWS.AccountId, InstanceId" in expressions(widget_called("2000", title))[0]
    for fleet in ("20", "20000", "many"):
        assert all("AWS.AccountId" not in text for widget in all_widgets(fleet) for text in expressions(widget))


def test_it_says_which_accounts_it_cannot_look_into() -> None:
    words = [widget["properties"].get("markdown", "") for widget in all_widgets("20000")]
    (said,) = [text for text in words if "OAM" in text]
    assert "222222222222, 333333333333" in said
    assert not any("OAM" in str(widget["properties"]) for fleet in ("20", "2000") for widget in all_widgets(fleet))


def test_it_says_that_awss_own_graphs_know_nothing_of_tags() -> None:
    assert any("tags select" in str(widget["properties"]) for widget in all_widgets("20000"))
    assert not any("tags select" in str(widget["properties"]) for widget in all_widgets("2000"))


def test_thresholds_stand_in_the_unit_of_the_graph() -> None:
    def line(title: str) -> tuple[float, str]:
        (only,) = widget_called("2000", title)["properties"]["annotations"]["horizontal"]
        return only["value"], only["label"]

    assert line("CPU utilization: the whole fleet") == (90.0, "cpu-hot (> 90 %)")
    assert line("CPU utilization: the 10 highest in eu-west-2") == (90.0, "cpu-hot (> 90 %)")
    assert line("Network receive in 5 min: the 10 highest in eu-west-2") == (
        10 * 1024**2 * 300,  # AWS gives the bytes of five minutes
        "network-busy (> 10 MiB/s)",
    )
    assert line("Bucket size: the 10 highest in eu-west-2") == (5 * 1024**4, "bucket-large (> 5 TiB)")


def test_only_needed_metrics_are_shown() -> None:
    assert not any("Memory" in str(widget["properties"].get("title")) for widget in all_widgets("20"))
    assert any("Memory" in str(widget["properties"].get("title")) for widget in all_widgets("2000"))


def test_a_large_fleet_splits_with_links_between_the_parts() -> None:
    names = [dashboard.name for dashboard in RENDERED["many"]]
    assert len(names) > 2
    assert names == ["acme", *(f"acme-{number}" for number in range(2, len(names) + 1))]
    for dashboard in RENDERED["many"]:
        links = widgets(dashboard)[0]["properties"]["markdown"]
        assert all((f"(#dashboards:name={name})" in links) == (name != dashboard.name) for name in names)


def test_a_fleet_that_nothing_has_been_seen_of_has_a_page_that_says_so() -> None:
    (page,) = RENDERED["new"]
    (only,) = widgets(page)
    assert "no cloud yet" in only["properties"]["markdown"]


def test_the_same_fleet_in_another_order_is_the_same_dashboard() -> None:
    scopes = [Scope(Cloud.AWS, account, region) for account in ("1", "2") for region in ("a", "b")]
    config, catalog = FLEETS._config(FLEETS.RULES, ()), FLEETS.load_catalog()
    forward = FLEETS.render_dashboards(config, scopes, catalog)
    assert FLEETS.render_dashboards(config, [*reversed(scopes), scopes[0]], catalog) == forward
    assert json.loads(json.dumps(forward[0].body)) == forward[0].body  # plain JSON, no tuple or enum in it


def test_without_a_widget_function_there_are_no_custom_widgets() -> None:
    config, catalog = FLEETS._config(FLEETS.RULES, ()), FLEETS.load_catalog()
    (page,) = FLEETS.render_dashboards(config, [Scope(Cloud.AWS, "1", "a")], catalog)
    assert {widget["type"] for widget in widgets(page)} == {"metric", "text"}
