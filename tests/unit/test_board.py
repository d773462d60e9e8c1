"""What a board shows, whoever draws it: the order of a person's questions, what each cloud has, thresholds in units.

Expected values are sums by hand over the vendors' documented units: EC2's CPUUtilization is in percent, Google's
instance/cpu/utilization a fraction, EC2's NetworkIn a total of its period.
"""

from __future__ import annotations

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, GatherAws, GatherAzure, GatherGcp, PublishCloudWatch
from nephoscope.model.metric import Unit
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Comparison, Observation, Rule, Selector, Severity, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.board import Board, Figure, Listing, Look, Measure, Panel, Split, Take, board_of
from nephoscope.pipeline.board.bounds import as_shown, as_vendor, label_of, title_of, vendor_upward

CATALOG = load_catalog()
BOTH = (Kind.INSTANCE, Kind.BUCKET)
HOT = Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9), severity=Severity.CRITICAL)
CREDITS = Rule("credits-low", Kind.INSTANCE, Threshold("cpu.credit.balance", Comparison.LESS, 20))
LARGE = Rule("bucket-large", Kind.BUCKET, Threshold("size", Comparison.GREATER, 5 * 1024**4), severity=Severity.INFO)
DISKS = Rule("disk-full", Kind.INSTANCE, Threshold("filesystem.utilization", Comparison.GREATER, 0.9))
JUMP = Rule("cpu-jumps", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.3, over=600))
SEEN = Rule("down", Kind.INSTANCE, Observation("state", ("stopped",)))
EVERYWHERE = Gather(
    60,
    GatherAws(("eu-west-1",), resources=BOTH),
    GatherGcp(("acme-web",), resources=BOTH),
    GatherAzure(("00000000-0000-0000-0000-000000000000",)),
)


def board(
    *rules: Rule, gather: Gather = EVERYWHERE, scopes: tuple[Scope, ...] = (), distributions: tuple[str, ...] = ()
) -> Board:
    publish = PublishCloudWatch("eu-west-1", "acme", distributions=distributions)
    return board_of(Config("acme", gather, publish, rules), CATALOG, scopes)


def panels(shown: Board, section: str) -> tuple[Panel, ...]:
    (found,) = [each for each in shown.sections if each.name == section]
    return found.panels


def titles(shown: Board, section: str) -> list[str]:
    return [panel.title for panel in panels(shown, section)]


def test_sections_stand_in_the_order_in_which_a_person_asks() -> None:
    assert [section.name for section in board(HOT).sections] == ["now", "places", "worst", "history", "watcher"]
    assert titles(board(HOT), "now")[:2] == ["Resources with fresh data", "Alerts firing"]


def test_a_board_names_the_clouds_that_runs_have_seen_or_those_that_are_configured() -> None:
    assert board(HOT).clouds == (Cloud.AWS, Cloud.GCP, Cloud.AZURE)
    assert board(HOT).introduction == "Watched by nephoscope in AWS, Google Cloud, Azure: 1 rule."
    seen = (Scope(Cloud.GCP, "acme-web", "europe-west1"), Scope(Cloud.GCP, "acme-web", "us-east1"))
    assert board(HOT, SEEN, scopes=seen).clouds == (Cloud.GCP,)
    counted = "Watched by nephoscope in Google Cloud: 1 account, 2 regions, 2 rules."
    assert board(HOT, SEEN, scopes=seen).introduction == counted


def test_every_cloud_that_keeps_a_metric_has_its_worst_machines() -> None:
    assert titles(board(HOT), "worst") == [
        "Worst machines",
        "CPU utilization: the 10 highest in AWS",
        "CPU utilization: the 10 highest in Google Cloud",
        "CPU utilization: the 10 highest in Azure",
    ]


def test_what_a_cloud_does_not_keep_is_left_out_and_said() -> None:
    shown = board(HOT, CREDITS, DISKS, LARGE)
    assert "CPU credit balance: the 10 lowest in Google Cloud" not in titles(shown, "worst")
    # Azure: disks are only in a Log Analytics workspace, and none is named; buckets are not gathered there
    assert shown.lacking == {
        Cloud.GCP: ("CPU credit balance",),
        Cloud.AZURE: ("Filesystem utilization", "Bucket size"),
    }


def test_a_workspace_leads_to_what_azure_keeps_in_logs() -> None:
    gather = Gather(60, azure=GatherAzure(("s",), workspaces=("w",)))
    assert "Filesystem utilization: the 10 highest in Azure" in titles(board(DISKS, gather=gather), "worst")


def test_smaller_is_worse_where_every_rule_says_so() -> None:
    (lowest,) = [p for p in panels(board(CREDITS, gather=Gather(60, GatherAws(("all",)))), "worst") if p.metric]
    assert lowest.title == "CPU credit balance: the 10 lowest in AWS"
    ask = lowest.asks[0]
    assert isinstance(ask, Measure)
    assert (ask.take, ask.split, ask.most, ask.upward) == (Take.LOWEST, Split.MACHINE, 10, False)


def test_a_threshold_stands_where_a_value_is_compared_and_not_where_its_change_is() -> None:
    worst = panels(board(HOT, JUMP), "worst")[1]
    assert [(limit.rule, limit.value, limit.severity) for limit in worst.limits] == [
        ("cpu-hot", 0.9, Severity.CRITICAL)
    ]
    assert label_of(worst.limits[0], worst.unit) == "cpu-hot (> 90 %)"


def test_a_sum_over_all_buckets_has_no_threshold_of_one() -> None:
    courses = [p for p in panels(board(LARGE), "history") if p.cloud is Cloud.AWS]
    assert [(p.title, p.limits) for p in courses] == [("Bucket size: sum over all in AWS", ())]


def test_what_comes_once_a_day_shows_two_weeks() -> None:
    spans = {p.title: p.span for p in panels(board(HOT, LARGE), "worst")}
    assert spans["Bucket size: the 10 highest in AWS"] == 14 * 86_400
    assert spans["Bucket size: the 10 highest in Google Cloud"] == 0  # told again every five minutes
    assert spans["CPU utilization: the 10 highest in AWS"] == 0


def test_the_whole_fleet_is_drawn_from_the_distributions_that_we_publish() -> None:
    whole = panels(board(HOT, distributions=("cpu.utilization",)), "history")[0]
    assert whole.title == "CPU utilization: the whole fleet"
    assert [(f.take, f.join) for f in whole.asks if isinstance(f, Figure)] == [
        (Take.HIGHEST, Take.HIGHEST),
        (Take.P90, Take.HIGHEST),
        (Take.AVERAGE, Take.AVERAGE),
    ]
    only_aws = Gather(60, GatherAws(("all",)))  # publishes distributions of what is listed, and memory is not
    memory = Rule("memory", Kind.INSTANCE, Threshold("memory.utilization", Comparison.GREATER, 0.9))
    assert titles(board(memory, gather=only_aws), "history") == ["Memory utilization: average over all in AWS"]


def test_without_rules_the_board_still_says_whether_all_is_well() -> None:
    shown = board()
    assert titles(shown, "worst")[0] == "Worst machines"
    assert len(panels(shown, "watcher")) == 9
    assert all(not panel.limits for section in shown.sections for panel in section.panels)


def test_nothing_gathered_and_nothing_seen_is_no_cloud_yet() -> None:
    assert board(gather=Gather(60)).introduction == "Watched by nephoscope in no cloud yet: 0 rules."


def test_that_tags_select_is_said_where_machines_are_counted() -> None:
    tagged = Gather(60, GatherAws(("all",), where=Selector({"env": ("prod",)})))
    (places,) = [s for s in board(HOT, gather=tagged).sections if s.name == "places"]
    assert "that the configuration's tags select" in places.below


def test_every_panel_asks_for_one_kind_of_thing() -> None:
    for section in board(HOT, CREDITS, LARGE, DISKS).sections:
        for panel in section.panels:
            assert len({type(ask) for ask in panel.asks}) == 1
            assert (panel.look is Look.LIST) == isinstance(panel.asks[0], Listing)


@pytest.mark.parametrize(
    ("metric", "cloud", "ours", "vendor"),
    [
        ("cpu.utilization", Cloud.AWS, 0.9, 90.0),  # CPUUtilization: Percent
        ("cpu.utilization", Cloud.GCP, 0.9, 0.9),  # instance/cpu/utilization: a fraction
        ("network.receive", Cloud.AWS, 1024.0, 307_200.0),  # bytes of five minutes: 1,024 * 300
        ("network.receive", Cloud.AZURE, 1024.0, 61_440.0),  # of one minute
        ("memory.utilization", Cloud.AZURE, 0.95, 5.0),  # what is free, in percent
        ("disk.read.operations", Cloud.AZURE, 500.0, 500.0),  # CountPerSecond
    ],
)
def test_thresholds_in_the_vendors_unit(metric: str, cloud: Cloud, ours: float, vendor: float) -> None:
    assert as_vendor(ours, CATALOG.metrics[metric].sources[cloud]) == vendor


def test_of_free_memory_the_smallest_is_the_worst() -> None:
    sources = CATALOG.metrics["memory.utilization"].sources
    assert vendor_upward(sources[Cloud.AWS], upward=True)
    assert not vendor_upward(sources[Cloud.AZURE], upward=True)


def test_a_published_share_is_in_percent() -> None:
    assert as_shown(0.29, Unit.FRACTION) == 29.0  # and not 28.999999999999996
    assert as_shown(20, Unit.CREDITS) == 20.0


def test_titles_are_a_persons_words() -> None:
    named = {name: title_of(metric) for name, metric in CATALOG.metrics.items()}
    assert named["cpu.credit.balance"] == "CPU credit balance"
    assert named["size"] == "Bucket size"
    assert named["instance_store.read"] == "Instance store read"
