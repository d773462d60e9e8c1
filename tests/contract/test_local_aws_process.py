"""`python -m nephoscope.localcloud` as a person or a Makefile runs it, and ministack's end with its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import boto3
import pytest

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import free_port

NOON = 1_795_435_200


@contextmanager
def _running(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The process, and what it told us to export."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nephoscope.localcloud", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        lines = [process.stdout.readline() for _ in range(8)]
        pairs = (line.removeprefix("export ").strip().partition("=") for line in lines)
        yield process, {name: value for name, _, value in pairs}
    finally:
        process.kill()
        process.communicate()


def _children(parent: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def _gone(process: int, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while Path(f"/proc/{process}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    return not Path(f"/proc/{process}").exists()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop_and_leaves_nothing_behind(tmp_path: Path, ending: signal.Signals) -> None:
    port, ledger = free_port(), tmp_path / "ledger.json"
    with _running("--port", str(port), "--instances", "9", "--quiet", "--ledger", str(ledger)) as (process, exported):
        assert exported["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{port}"
        (child,) = _children(process.pid)
        session = boto3.Session(exported["AWS_ACCESS_KEY_ID"], "x", region_name=exported["AWS_REGION"])
        found = session.client("ec2", endpoint_url=exported["AWS_ENDPOINT_URL"]).describe_instances()
        assert sum(len(row["Instances"]) for row in found["Reservations"]) == 3
        session.client("sqs", endpoint_url=exported["AWS_ENDPOINT_URL"]).create_queue(QueueName="q")
        process.send_signal(ending)
        assert process.wait(10) == 0
        assert _gone(child)
    assert [row["action"] for row in json.loads(ledger.read_text())] == ["ec2:DescribeInstances", "sqs:CreateQueue"]


def test_ministack_ends_even_when_its_parent_is_killed() -> None:
    with _running("--instances", "3") as (process, _):
        (child,) = _children(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        assert _gone(child)


def test_a_port_that_is_taken_is_said_in_one_line(fleet_aws: LocalAws) -> None:
    port = fleet_aws.url.rpartition(":")[2]
    ended = subprocess.run(
        [sys.executable, "-m", "nephoscope.localcloud", "--port", port],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("the local AWS did not start: ")
    assert ended.stderr.count("\n") == 1


# --- older clients -----------------------------------------------------------------------------------------------


def _form(aws: LocalAws, body: str) -> ElementTree.Element:
    """What a client of the query protocol gets, signed by no one in particular."""
    scope = "Credential=111111111111/20261123/eu-central-1/monitoring/aws4_request"
    request = urllib.request.Request(  # noqa: S310 - loopback
        aws.url, body.encode(), {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
            text = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
    root = ElementTree.fromstring(text)  # noqa: S314 - our own front's answer
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def test_cloudwatch_is_spoken_as_forms_and_xml_too(fleet_aws: LocalAws) -> None:
    datum = "MetricData.member.1.MetricName=m&MetricData.member.1.Value=4&MetricData.member.1.Timestamp="
    _form(fleet_aws, f"Action=PutMetricData&Namespace=own&{datum}2026-11-23T12:00:00Z")
    stat = "MetricDataQueries.member.1.MetricStat"
    answer = _form(
        fleet_aws,
        "Action=GetMetricData&StartTime=2026-11-23T12:00:00Z&EndTime=2026-11-23T12:01:00Z"
        f"&MetricDataQueries.member.1.Id=q&{stat}.Period=60&{stat}.Stat=Sum"
        f"&{stat}.Metric.Namespace=own&{stat}.Metric.MetricName=m",
    )
    assert answer.findtext("GetMetricDataResult/MetricDataResults/member/Values/member") == "4.0"
    times = answer.findtext("GetMetricDataResult/MetricDataResults/member/Timestamps/member")
    assert times == "2026-11-23T12:00:00.000Z"
    refused = _form(fleet_aws, "Action=PutMetricData&Namespace=AWS/EC2&MetricData.member.1.MetricName=m")
    assert refused.findtext("Error/Code") == "InvalidParameterValue"
