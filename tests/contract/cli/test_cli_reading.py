"""The command line against a local AWS: what is there is listed, what fails is said, and nothing else happens."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT

NOWHERE = "http://127.0.0.1:9"
REGIONS = ("eu-central-1", "eu-west-1")
KEYS = {
    "cloud_provider",
    "cloud_account_id",
    "cloud_region",
    "host_id",
    "name",
    "type",
    "state",
    "vendor_state",
    "tags",
    "zone",
    "launched_at",
}
"""Of every machine; observations of those that EC2 checks."""


def described(aws: LocalAws) -> dict[str, dict[str, Any]]:
    """What EC2 itself says, asked with a plain boto3 client."""
    pages = [aws.client("ec2", region).get_paginator("describe_instances").paginate() for region in REGIONS]
    return {
        instance["InstanceId"]: instance
        for page in pages
        for answer in page
        for reservation in answer["Reservations"]
        for instance in reservation["Instances"]
    }


def objects(text: str) -> list[dict[str, Any]]:
    return list(json.loads(text))


# --- list ---------------------------------------------------------------------------------------------------------


def test_list_gives_every_machine_with_the_documented_keys(shell: Any, aws: LocalAws) -> None:
    done = shell("list", "--json")
    truth = described(aws)
    found = {each["host_id"]: each for each in objects(done.stdout)}
    assert done.returncode == 0
    assert found.keys() == truth.keys()
    assert all(each.keys() - {"observations"} == KEYS for each in found.values())
    running = {key for key, each in truth.items() if each["State"]["Name"] == "running"}
    assert {key for key, each in found.items() if "check.system" in each.get("observations", {})} >= running
    assert {key: each["vendor_state"] for key, each in found.items()} == {
        key: each["State"]["Name"] for key, each in truth.items()
    }
    assert {key: each["tags"] for key, each in found.items()} == {
        key: {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])} for key, each in truth.items()
    }
    assert {each["cloud_account_id"] for each in found.values()} == {HOME_ACCOUNT}


def test_a_piped_table_has_whole_ids_and_no_colours(shell: Any, aws: LocalAws) -> None:
    done = shell("list", FORCE_COLOR="")
    title, *rows = done.stdout.splitlines()
    assert title.split()[0] == "ID"
    assert {row.split()[0] for row in rows} == described(aws).keys()
    assert "\x1b" not in done.stdout + done.stderr
    assert "…" not in done.stdout


def test_filters_choose_by_state_and_tag(shell: Any, aws: LocalAws) -> None:
    truth = {
        key
        for key, each in described(aws).items()
        if each["State"]["Name"] == "running" and {"Key": "env", "Value": "prod"} in each.get("Tags", [])
    }
    done = shell("list", "--json", "--state", "running", "--tag", "env=prod", "--tag", "role")
    assert truth
    assert {each["host_id"] for each in objects(done.stdout)} == truth


@pytest.mark.parametrize("width", [80, 200])
def test_on_a_terminal_every_line_fits(shell: Any, width: int) -> None:
    screen, code = on_a_terminal(shell, width, "list", NO_COLOR="1")
    lines = screen.replace("\r", "").split("\n")
    assert code == 0
    assert max(map(len, lines)) <= width
    assert "\x1b[3" not in screen
    assert ("TAGS" in screen, "REGION" in screen) == (width == 200, True)


def on_a_terminal(shell: Any, width: int, *arguments: str, **more: str) -> tuple[str, int]:
    """Everything that stdout shows on a pseudo-terminal, and the exit code; stderr goes into a pipe."""
    ours, theirs = pty.openpty()
    more |= {"TERM": "xterm", "COLUMNS": str(width)}
    process = shell.start(*arguments, more=more, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    return shown.decode(), process.wait(60)


def test_a_reader_that_goes_away_is_no_failure_to_complain_of(shell: Any) -> None:
    process = shell.start("list", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert "Traceback" not in said
    assert "Exception" not in said


def heed_ctrl_c() -> None:
    """As a terminal starts a program. A suite that runs in the background of a shell hands down that it is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_ctrl_c_stops_at_once_and_quietly(shell: Any, aws: LocalAws) -> None:
    aws.faults.add(Fault(Failing.SLOW, "ec2:DescribeInstances", seconds=5))
    process = shell.start("list", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=heed_ctrl_c)
    until = time.monotonic() + 20
    while not any(entry.action == "sts:GetCallerIdentity" for entry in aws.ledger.entries()):
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "\nnephoscope: stopped\n")
    assert time.monotonic() - began < 3


# --- metrics ------------------------------------------------------------------------------------------------------


def test_metrics_are_the_newest_settled_values_in_the_catalogs_unit(shell: Any, aws: LocalAws) -> None:
    aws.set_time(None)
    done = shell("metrics", "--json", "--metric", "cpu.utilization")
    values = objects(done.stdout)
    assert done.returncode == 0
    assert values
    assert {(each["metric"], each["unit"]) for each in values} == {("cpu.utilization", "1")}
    one = values[0]
    assert one.keys() >= {"cloud_provider", "host_id", "name", "type", "state", "tags", "value", "at", "attributes"}
    assert one["value"] * 100 == pytest.approx(statistic(aws, one), rel=1e-9)


def statistic(aws: LocalAws, value: dict[str, Any]) -> float:
    """The same point from a plain boto3 client, in percent."""
    at = datetime.fromisoformat(value["at"]).astimezone(UTC)
    for period in (60, 300):
        metric = {
            "Namespace": "AWS/EC2",
            "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "InstanceId", "Value": value["host_id"]}],
        }
        answer = aws.client("cloudwatch", value["cloud_region"]).get_metric_data(
            MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": period, "Stat": "Average"}}],
            StartTime=at,
            EndTime=datetime.fromtimestamp(at.timestamp() + period, UTC),
        )
        results = answer["MetricDataResults"][0]
        if results["Values"]:
            return float(results["Values"][0])
    raise AssertionError("CloudWatch has no such point")


def test_the_catalog_needs_neither_a_cloud_nor_a_configuration(shell: Any) -> None:
    (shell.folder / "nephoscope.yaml").unlink()
    done = shell("metrics", "--catalog", "--json", AWS_ENDPOINT_URL=NOWHERE)
    rows = {each["metric"]: each for each in objects(done.stdout)}
    assert done.returncode == 0
    assert rows["cpu.utilization"]["clouds"]["aws"]["name"] == "AWS/EC2 CPUUtilization"
    assert (rows["size"]["on"], rows["size"]["unit"]) == ("bucket", "By")


# --- what could not be read: 1, and the rest is shown -----------------------------------------------------------------


def test_an_unreachable_endpoint_is_named(shell: Any) -> None:
    done = shell("list", AWS_ENDPOINT_URL=NOWHERE)
    assert done.returncode == 1
    assert "sts:GetCallerIdentity: unavailable" in done.stderr
    assert "AWS_ENDPOINT_URL" in done.stderr


def test_without_credentials_it_says_how_to_get_some(shell: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del shell.environment[name]
    done = shell("list")
    assert done.returncode == 1
    assert "aws configure" in done.stderr


def test_a_region_that_is_denied_costs_only_itself(shell: Any, aws: LocalAws) -> None:
    aws.faults.add(Fault(Failing.DENY, "ec2:DescribeInstances", region="eu-west-1"))
    done = shell("list", "--json")
    assert done.returncode == 1
    assert {each["cloud_region"] for each in objects(done.stdout)} == {"eu-central-1"}
    assert f"aws {HOME_ACCOUNT} eu-west-1: ec2:DescribeInstances: denied" in done.stderr
    assert "nephoscope doctor" in done.stderr


def test_a_fleet_whose_every_read_fails_is_not_an_empty_fleet(shell: Any, aws: LocalAws) -> None:
    aws.faults.add(Fault(Failing.DENY, "ec2:*"))
    aws.faults.add(Fault(Failing.DENY, "cloudwatch:GetMetricData"))
    done = shell("metrics", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "2 reads failed" in done.stderr


def test_an_empty_fleet_is_well(shell: Any) -> None:
    shell.write("fleet: acme\ngather: {aws: {regions: [af-south-1]}}\n")
    done = shell("list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing in 1 scope" in done.stderr
