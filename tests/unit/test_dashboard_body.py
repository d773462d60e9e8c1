"""What the dashboard shows, in which order, and how it asks for it. That it is as CloudWatch documents is told by
tests/golden/test_dashboard_bodies.py."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from nephoscope.model.publish import Dashboard
from nephoscope.model.scope import Cloud, Scope

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from dashboard_fleets import FLEETS

ROOT = Path(__file__).parents[2]


RENDERED: dict[str, tuple[Dashboard, ...]] = FLEETS.fleets()


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


def titles(fleet: str) -> list[str]:
    """Titles of widgets, texts, and of a custom widget without one its page."""
    shown = [widget["properties"] for widget in all_widgets(fleet)]
    return [one.get("title") or one.get("markdown") or one["params"]["page"] for one in shown]


# --- what it shows -----------------------------------------------------------------------------------------------


def test_the_first_screen_answers_whether_all_is_well() -> None:
    assert titles("clouds")[1:8] == [
        "answer",
        "Resources with fresh data (%)",
        "Alerts firing",
        "Machines",
        "Firing alerts",
        "Where we are blind",
        "Alarms that watch nephoscope",
    ]
    first = widgets(RENDERED["clouds"][0])[:8]
    assert max(widget["y"] + widget["height"] for widget in first) <= 14  # units of about 50 pixels


def test_then_by_cloud_and_region_then_the_worst_then_history_then_the_watcher() -> None:
    sections = [title.split("\n")[0] for title in titles("clouds") if title.startswith("## ")]
    assert sections == [
        "## By cloud and region",
        "## Which fare worst",
        "## How it came to this",
        "## nephoscope itself",
    ]
    assert titles("clouds")[-9:] == [
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


def test_the_first_part_of_a_large_fleet_answers_alone() -> None:
    shown = [one["properties"] for one in widgets(RENDERED["many"][0])[:8]]
    assert [one.get("title") or one.get("markdown", "answer") for one in shown][1:] == [
        "answer",
        "Resources with fresh data (%)",
        "Alerts firing",
        "Machines",
        "Firing alerts",
        "Where we are blind",
        "Alarms that watch nephoscope",
    ]
    assert [line[0]["label"] for line in shown[4]["metrics"]] == ["running"]  # 400 scopes: one search, not four


def test_on_a_narrow_screen_the_order_of_the_list_is_the_order_of_reading() -> None:
    """CloudWatch puts the widgets below each other by where they stand: row by row, from the left."""
    for rendered in RENDERED.values():
        for dashboard in rendered:
            rows = [(widget["y"], widget["x"]) for widget in widgets(dashboard)]
            assert rows == sorted(rows)


def test_counts_are_summed_over_the_scopes_maximum_and_a_scope_that_was_not_read_is_not_empty() -> None:
    assert expressions(widget_called("20", "Machines by state"))[0] == (
        'SUM(FILL(SEARCH(\'{nephoscope,"cloud_account_id","cloud_provider","cloud_region",fleet} '
        'MetricName="instances.running" fleet="acme"\', \'Maximum\', 60), REPEAT))'
    )


def test_the_worst_come_from_awss_own_series() -> None:
    assert expressions(widget_called("20", "CPU utilization: the 10 highest in eu-west-1")) == [
        'SELECT AVG(CPUUtilization) FROM SCHEMA("AWS/EC2", InstanceId) GROUP BY InstanceId ORDER BY MAX() DESC LIMIT 10'
    ]
    for fleet in RENDERED:
        for widget in all_widgets(fleet):
            for line in widget["properties"].get("metrics", []):
                assert isinstance(line[0], dict) or line[0] == "nephoscope"


def test_where_other_clouds_machines_are_is_said_for_cloudwatch_cannot_ask_for_their_series() -> None:
    (said,) = [title for title in titles("clouds") if title.startswith("## Which fare worst")]
    assert "Machines of Azure and Google Cloud stand in the table" in said
    (alone,) = [title for title in titles("2000") if title.startswith("## Which fare worst")]
    assert alone == "## Which fare worst"


def test_a_distribution_that_aws_has_not_is_not_called_the_whole_fleets() -> None:
    """On AWS cpu.utilization alone is published, unless the configuration says more; of the others all are."""
    assert widget_called("clouds", "Memory utilization: Azure and Google Cloud")
    assert not any(title == "Memory utilization: the whole fleet" for title in titles("clouds"))
    assert widget_called("2000", "CPU utilization: the whole fleet")


def test_linked_accounts_are_told_apart_and_only_a_monitoring_account_asks_for_them() -> None:
    title = "CPU utilization: the 10 highest in eu-west-1"
    assert "GROUP BY AWS.AccountId, InstanceId" in expressions(widget_called("2000", title))[0]
    for fleet in ("20", "20000", "many"):
        assert all("AWS.AccountId" not in text for widget in all_widgets(fleet) for text in expressions(widget))


def test_it_says_which_accounts_it_cannot_look_into() -> None:
    (said,) = [title for title in titles("20000") if "OAM" in title]
    assert "222222222222, 333333333333" in said
    assert not any("OAM" in title for fleet in ("20", "2000") for title in titles(fleet))


def test_it_says_that_awss_own_graphs_know_nothing_of_tags() -> None:
    assert any("tags select" in title for title in titles("20000"))
    assert not any("tags select" in title for title in titles("2000"))


def test_thresholds_stand_in_the_unit_of_the_graph_with_shade_on_the_bad_side() -> None:
    def line(title: str) -> tuple[float, str, str]:
        (only,) = widget_called("2000", title)["properties"]["annotations"]["horizontal"]
        return only["value"], only["label"], only["fill"]

    assert line("CPU utilization: the whole fleet") == (90.0, "cpu-hot (> 90 %)", "above")
    assert line("CPU utilization: the 10 highest in eu-west-2") == (90.0, "cpu-hot (> 90 %)", "above")
    assert line("Network receive in 5 min: the 10 highest in eu-west-2") == (
        10 * 1024**2 * 300,  # AWS gives the bytes of five minutes
        "network-busy (> 10 MiB/s)",
        "above",
    )
    assert line("Bucket size: the 10 highest in eu-west-2") == (5 * 1024**4, "bucket-large (> 5 TiB)", "above")


def test_where_less_is_worse_the_shade_lies_below() -> None:
    catalog = FLEETS.load_catalog()
    (name,) = [name for name in catalog.metrics if "credit" in name and "balance" in name]
    less = FLEETS.Threshold(name, FLEETS.Comparison.LESS, 20.0)
    rule = FLEETS.Rule("credits-low", FLEETS.Kind.INSTANCE, less)
    (page,) = FLEETS.render_dashboards(FLEETS._config((rule,), ()), FLEETS._scopes(1, 1), catalog)
    found = [widget["properties"] for widget in widgets(page) if "lowest" in widget["properties"].get("title", "")]
    assert [one["annotations"]["horizontal"][0]["fill"] for one in found] == ["below"]
    assert "ORDER BY MIN() ASC" in str(found[0]["metrics"])


def test_only_needed_metrics_are_shown() -> None:
    assert not any("Memory" in title for title in titles("20"))
    assert any("Memory" in title for title in titles("2000"))


def test_a_fleet_that_nothing_has_been_seen_of_has_a_page_that_says_so() -> None:
    assert titles("new") == [
        "# acme\nWatched by nephoscope in AWS: 1 rule.",
        "**Nothing has been read yet.** The first run that finds something writes this dashboard anew.",
        "Alarms that watch nephoscope",
    ]


def test_the_same_fleet_in_another_order_is_the_same_dashboard() -> None:
    scopes = [Scope(Cloud.AWS, account, region) for account in ("1", "2") for region in ("a", "b")]
    config, catalog = FLEETS._config(FLEETS.RULES, ()), FLEETS.load_catalog()
    forward = FLEETS.render_dashboards(config, scopes, catalog)
    assert FLEETS.render_dashboards(config, [*reversed(scopes), scopes[0]], catalog) == forward
    assert json.loads(json.dumps(forward[0].body)) == forward[0].body  # plain JSON, no tuple or enum in it


def test_without_a_widget_function_and_without_alarms_there_is_neither() -> None:
    config, catalog = FLEETS._config(FLEETS.RULES, ()), FLEETS.load_catalog()
    (page,) = FLEETS.render_dashboards(config, [Scope(Cloud.AWS, "1", "a")], catalog)
    assert {widget["type"] for widget in widgets(page)} == {"metric", "text"}


# --- parts -------------------------------------------------------------------------------------------------------


def test_a_large_fleet_splits_with_links_that_say_what_each_part_holds() -> None:
    names = [dashboard.name for dashboard in RENDERED["many"]]
    assert len(names) > 2
    assert names == ["acme", *(f"acme-{number}" for number in range(2, len(names) + 1))]
    for number, dashboard in enumerate(RENDERED["many"], start=1):
        (links,) = [
            text for one in widgets(dashboard) if "Parts of this" in (text := one["properties"].get("markdown", ""))
        ]
        assert all((f"(#dashboards:name={name})" in links) == (name != dashboard.name) for name in names)
        assert "1: Is all well" in links
        assert f"**{number}: " in links
    assert "nephoscope itself" in links


def test_a_later_part_says_at_the_top_what_it_is() -> None:
    first, second = (one["properties"]["markdown"] for one in widgets(RENDERED["many"][1])[:2])
    assert first.startswith("# acme, part 2 of ")
    assert re.fullmatch(r"## .+, continued", second)


def test_no_part_ends_with_a_title() -> None:
    for dashboard in RENDERED["many"]:
        assert widgets(dashboard)[-1]["type"] != "text"


# --- variables ---------------------------------------------------------------------------------------------------


def variable(fleet: str, label: str) -> dict[str, Any]:
    variables: Any = RENDERED[fleet][0].body.get("variables", [])
    (found,) = [one for one in variables if one["label"] == label]
    return dict(found)


def test_account_and_region_can_be_chosen_and_all_are_at_first() -> None:
    account, region = variable("clouds", "Account"), variable("clouds", "Region")
    assert [one["label"] for one in account["values"]] == [
        "all 3 accounts",
        "111111111111 (AWS)",
        "5ca1ab1e-0000-4000-8000-000000000001 (Azure)",
        "acme-web (Google Cloud)",
    ]
    assert region["values"][1] == {"value": "eu-west-1", "label": "eu-west-1 (AWS)"}
    assert account["defaultValue"] == region["defaultValue"] == "acme"


def test_with_one_account_and_one_region_there_is_nothing_to_choose() -> None:
    assert "variables" not in RENDERED["20"][0].body


def test_what_was_chosen_narrows_what_is_below_the_answer_and_never_the_answer() -> None:
    patterns = ("ANY_ACCOUNT", "ANY_REGION")
    shown = all_widgets("clouds")
    answers = [one for one in shown if one["y"] < 14]
    assert not [one for one in answers if any(pattern in json.dumps(one) for pattern in patterns)]
    for title in ("Machines by state", "CPU utilization: Azure and Google Cloud", "Worst machines"):
        assert all(pattern in json.dumps(widget_called("clouds", title)) for pattern in patterns)


def test_a_graph_of_one_account_is_not_emptied_by_the_choice_of_another() -> None:
    own = [one for one in all_widgets("many") if "of AWS 222222222222" in one["properties"].get("title", "")]
    assert own
    for widget in own:
        assert "ANY_ACCOUNT" not in json.dumps(widget)
        assert "ANY_REGION" in json.dumps(widget)


# --- alarms ------------------------------------------------------------------------------------------------------


def test_the_alarms_that_the_deployment_made_are_shown_the_wrong_ones_first() -> None:
    shown = widget_called("2000", "Alarms that watch nephoscope")
    assert shown["type"] == "alarm"
    assert shown["properties"]["alarms"] == FLEETS.ALARMS
    assert shown["properties"]["sortBy"] == "stateUpdatedTimestamp"
    assert not [one for one in all_widgets("20") if one["type"] == "alarm"]


@pytest.mark.parametrize(
    ("title", "alarm"),
    [("Oldest notification owed", "OwedTooLong"), ("Scopes that could not be run", "ScopesFail")],
)
def test_a_graph_of_ours_shows_where_the_alarm_on_it_goes_off(title: str, alarm: str) -> None:
    declared = yaml.safe_load(re.sub(r"!\w+ ", "", (ROOT / "infra/aws/alarms.yml").read_text(encoding="utf-8")))
    threshold = declared["Resources"][alarm]["Properties"]["Threshold"]
    (line,) = widget_called("2000", title)["properties"]["annotations"]["horizontal"]
    assert line["value"] == threshold
    assert alarm in line["label"]
    assert "annotations" not in widget_called("20", title)["properties"]
