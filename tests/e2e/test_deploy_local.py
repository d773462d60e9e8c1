"""`make deploy-local` as a test: osls brings the stack up on a local AWS; from then on nothing is called by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.deploy import CONFIG, arrived, drawn, patiently, published, small_fleet, stand_up
from infra.local.stack import Stack, run_framework
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.receivers import Receiver
from tests.package.conftest import make_project, needs_osls

pytestmark = pytest.mark.e2e

PATIENCE = 150
"""Seconds: the schedule fires a minute after it was made, looked at each ten seconds; a second run follows."""


@dataclass(frozen=True, slots=True)
class Standing:
    """again: what the framework said when it was asked to deploy the same once more."""

    aws: LocalAws
    receiver: Receiver
    stack: Stack
    again: str


@pytest.fixture(scope="module")
def standing(project: Path) -> Iterator[Standing]:
    """Deployed, subscribed, and waited for until the schedule's first run has told its alert."""
    with LocalAws(small_fleet(int(time.time()))) as aws, Receiver() as receiver:
        stack = stand_up(aws, receiver, CONFIG, project)
        again = run_framework(("deploy",), CONFIG, aws.environment(), project)
        assert patiently(lambda: arrived(receiver), time.monotonic() + PATIENCE), aws.ledger.summary()
        yield Standing(aws, receiver, stack, again)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of its own, so that nobody's build folder is written to."""
    needs_osls()
    return make_project(tmp_path_factory.mktemp("deployed") / "nephoscope")


def alerts(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in receiver.received("oncall") if each.id.startswith("msg_")]


def test_the_alert_of_the_ill_machine_reaches_its_receiver_once(standing: Standing) -> None:
    (ill,) = standing.aws.fleet.script[0].instances
    assert standing.receiver.confirmed("oncall")
    (alert,) = [each for each in alerts(standing.receiver) if "check-failed" in each["Subject"]]
    assert ill in alert["Message"]
    assert alert["TopicArn"] == standing.stack.outputs["AlertTopicArn"]


def test_the_schedule_runs_by_itself_and_metrics_and_dashboard_appear(standing: Standing) -> None:
    names = patiently(lambda: published(standing.aws), time.monotonic() + 20).split(", ")
    assert {"nephoscope.heartbeat", "nephoscope.coverage", "instances.running", "instances.stopped"} <= set(names)
    assert drawn(standing.aws).startswith("local with ")


def test_no_call_of_the_functions_failed(standing: Standing) -> None:
    """404 is how GetDashboard says that there is none yet."""
    failed = {
        (entry.action, entry.status)
        for entry in standing.aws.ledger.entries()
        if entry.principal == "lambda" and entry.status >= 400
    }
    assert failed <= {("cloudwatch:GetDashboard", 404), ("cloudwatch:GetDashboard", 400)}


def test_no_event_was_lost(standing: Standing) -> None:
    sqs = standing.aws.client("sqs")
    waiting = sqs.receive_message(QueueUrl=standing.stack.resources["DeadLetters"], MessageAttributeNames=["All"])
    assert waiting.get("Messages", []) == []


def test_an_unchanged_package_is_not_deployed_again(standing: Standing) -> None:
    assert "No changes to deploy" in standing.again


def test_the_alert_memory_outlives_the_stack(standing: Standing, project: Path) -> None:
    """The last test here: it takes the stack down."""
    run_framework(("remove",), CONFIG, standing.aws.environment(), project)
    assert standing.aws.client("lambda").list_functions()["Functions"] == []
    table = standing.stack.resources["Table"]
    assert standing.aws.client("dynamodb").describe_table(TableName=table)["Table"]["ItemCount"] > 0
