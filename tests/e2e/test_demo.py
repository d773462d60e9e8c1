"""The demonstration as a new user runs it, and its page in a real browser."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.e2e

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """(what it printed, summary.json, the folder)"""
    out = tmp_path_factory.mktemp("demo")
    script = Path(sys.executable).with_name("nephoscope")
    done = subprocess.run(
        [script, "demo", "--instances", "80", "--minutes", "45", "--seed", "1", "--with-history", "--out", out],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads((out / "summary.json").read_text()), out


def told(summary, cloud, rule):
    return Counter(
        (one["kind"], one["why"])
        for one in summary["transitions"]
        if one["rule"] == rule and one["scope"].startswith(f"{cloud}#")
    )


FIRED, RECOVERED = ("fired", "threshold_crossed"), ("resolved", "recovered")
BEGAN = ("fired", "state_held")


def test_every_incident_of_the_story_is_told_and_what_ended_is_told_too(demo):
    _, summary, _ = demo
    # two saturated machines recover, and one of them is saturated again at the end
    assert told(summary, "aws", "cpu-hot") == {FIRED: 3, RECOVERED: 2}
    assert told(summary, "aws", "down") == {BEGAN: 1, RECOVERED: 1}
    assert told(summary, "aws", "check-failed") == {BEGAN: 1, RECOVERED: 1}
    assert told(summary, "aws", "scope-blind") == {BEGAN: 1, RECOVERED: 1}
    assert told(summary, "gcp", "cpu-hot") == {FIRED: 1, RECOVERED: 1}
    assert told(summary, "gcp", "down") == {BEGAN: 1, RECOVERED: 1}
    assert told(summary, "gcp", "scope-blind") == {BEGAN: 1, RECOVERED: 1}
    assert told(summary, "azure", "cpu-hot") == {FIRED: 1}  # it lasts
    assert told(summary, "azure", "down") == {BEGAN: 1, RECOVERED: 1}


def test_a_machine_that_is_started_again_is_no_news(demo):
    """Nor are its points that are not there yet: nobody went silent but the two whose agents are gone."""
    _, summary, _ = demo
    silent = [one for one in summary["transitions"] if one["kind"] == "went_silent"]
    assert {(one["scope"].partition("#")[0], one["rule"]) for one in silent} == {("aws", "memory-high")}
    assert len(silent) == 2


def test_what_the_receivers_got_is_what_was_owed_once_each(demo):
    _, summary, _ = demo
    owed = Counter(channel for one in summary["transitions"] for channel in one["told"])
    got = summary["notifications"]
    assert {channel: row["received"] for channel, row in got.items()} == owed
    assert all(row["received"] == row["distinct"] for row in got.values())
    assert got["chat"]["signed"] is True


def test_calls_are_the_ledgers_and_the_denied_region_is_among_them(demo):
    _, summary, _ = demo
    parts = summary["clouds"]
    assert set(parts) == {"aws", "gcp", "azure"}
    assert {part["runs"] for part in parts.values()} == {46}
    actions = parts["aws"]["api"]["by_action"]
    assert actions["ec2:DescribeInstances"] == {"calls": 138, "denied": 7, "failed": 0, "units": 0}
    assert actions["s3:ListBuckets"]["calls"] == 3
    assert 0.8 < parts["aws"]["coverage"]["lowest"] < 1.0
    assert sum(part["instances"] for part in parts.values()) == summary["instances"]
    # once for the scopes and once for the run that finds its work done; the machines' states come with the listing
    assert parts["gcp"]["api"]["by_action"]["compute.instances.aggregatedList"]["calls"] == 47
    assert parts["azure"]["api"]["by_action"]["Microsoft.Insights/metrics/read"]["denied"] == 0


def test_the_other_clouds_functions_enter_aws_without_a_key_and_stay_within_their_role(demo):
    """One token for each function; what its role may not do would be denied, for this AWS enforces policies."""
    _, summary, _ = demo
    actions = summary["clouds"]["aws"]["api"]["by_action"]
    assert actions["sts:AssumeRoleWithWebIdentity"]["calls"] > 0
    denied = {action: row["denied"] for action, row in actions.items() if row["denied"]}
    assert denied == {"ec2:DescribeInstances": 7}  # the story's own


def test_the_terminal_shows_each_alert_as_it_happens(demo):
    printed, summary, _ = demo
    lines = re.findall(r"^\d\d:\d\d (?:aws|gcp|azure) +(?:fired|resolved|went_silent|back)", printed, re.MULTILINE)
    assert len(lines) == len(summary["transitions"])
    assert {"aws", "gcp", "azure"} <= {
        line.split()[1] for line in printed.splitlines() if re.match(r"\d\d:\d\d ", line)
    }
    assert "batch-prod-0000" in printed


def test_the_terminal_says_what_is_done_to_the_fleet_and_when_it_is_over(demo):
    printed, _, _ = demo
    assert re.search(r"^\d\d:\d\d aws   happens     out of CPU: batch-prod-0000", printed, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d aws   is over     us-east-1 can be read again$", printed, re.MULTILINE)
    assert len(re.findall(r"^\d\d:\d\d (?:aws|gcp|azure) +happens", printed, re.MULTILINE)) == 16


@pytest.fixture
def history(demo):
    """What was kept, by kind."""
    printed, summary, _ = demo
    if "history" not in summary:
        pytest.skip(re.search(r"No history is kept this time: .*", printed)[0])
    return summary["history"]


def test_history_has_what_was_read_seen_and_told(demo, history):
    """Each transition once, though every run is repeated; each machine's beginning; each point once, though windows
    overlap."""
    _, summary, _ = demo
    assert history["alerts"] == len(summary["transitions"])
    assert history["states"] >= summary["instances"]
    read = sum(part["points_read"] for part in summary["clouds"].values())
    assert summary["instances"] * 5 < history["metrics"] < read


def test_history_is_asked_by_the_commands_that_are_printed(demo, history):
    printed, _, out = demo
    assert f"{history['metrics']:,} points" in printed
    assert f"nephoscope --config {out}/nephoscope.yaml history cpu.utilization --avg --by region --hours 2" in printed
    assert re.search(r" states [a-z]+-[a-z]+-\d{4} --days 1$", printed, re.MULTILINE)
    assert "publish:\n  elasticsearch:" in (out / "nephoscope.yaml").read_text()


def test_a_picture_of_history_is_left(demo, history):
    printed, _, out = demo
    assert f"In {out / 'history.png'}: the average by region." in printed
    with Image.open(out / "history.png") as picture:
        assert picture.width >= 640
        assert len(picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).getcolors()) > 8


@pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
def test_pictures_are_left_of_the_dashboard_the_page_and_a_message(demo):
    """Each is as wide as it was asked for, and shows more than one colour."""
    printed, _, out = demo
    widths = {"dashboard.png": 1280, "page.png": 1280, "page-narrow.png": 420, "message.png": 640}
    for name, width in widths.items():
        with Image.open(out / name) as picture:
            assert picture.width == width
            assert len(picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).getcolors()) > 8, name
        assert name in printed
    assert (out / "page.log").read_text().strip() in ("", "Ctrl-C ends it")


def test_the_dashboard_stands_beside_it_as_json(demo):
    _, summary, out = demo
    (described,) = summary["dashboards"]
    body = json.loads((out / f"dashboard-{described['name']}.json").read_text())
    assert len(body["widgets"]) == described["widgets"] > 20


@pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
def test_the_page_draws_in_a_browser_and_asks_no_other_host(demo, tmp_path):
    _, _, out = demo
    page = out / "dashboard.html"
    assert not re.search(r"src=|<link|<base|@import|url\(", page.read_text())  # a link is followed by a person only
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    shown = subprocess.run(
        [CHROMIUM, *flags, f"--user-data-dir={tmp_path}", "--virtual-time-budget=2000", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "Firing alerts" in shown
    assert "cpu-hot" in shown
    assert "azure northeurope" in shown
    assert "gcp europe-west1" in shown
    assert shown.count("<svg") > 20
