"""The dashboard writer over real HTTP: writes what differs, deletes what is ours and gone, says what is wrong."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError

from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import Ministack
from nephoscope.model.config import Config, Gather, PublishCloudWatch
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.publish import Dashboard
from nephoscope.model.time import Deadline
from nephoscope.sinks.dashboards import CloudWatchDashboards, open_dashboards

CONFIG = Config("acme", Gather(), PublishCloudWatch("eu-west-1", "acme"))


def board(name: str, words: str = "hello") -> Dashboard:
    widget = {"type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": {"markdown": words}}
    return Dashboard(name, {"widgets": [widget]})


def deadline(seconds: float = 20.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def names(aws: LocalAws | Ministack) -> set[str]:
    listed = aws.client("cloudwatch", "eu-west-1").list_dashboards()["DashboardEntries"]
    return {entry["DashboardName"] for entry in listed}


@pytest.fixture
def writer(fleet_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CloudWatchDashboards:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fleet_aws.url)
    return open_dashboards(CONFIG, None)


def calls(aws: LocalAws) -> list[str]:
    return [entry.action for entry in aws.ledger.entries()]


def test_a_dashboard_is_written_and_stands_there(fleet_aws: LocalAws, writer: CloudWatchDashboards) -> None:
    assert writer.write_dashboards([board("acme", "größer")], deadline()) == 1
    body = fleet_aws.client("cloudwatch", "eu-west-1").get_dashboard(DashboardName="acme")["DashboardBody"]
    assert json.loads(body) == board("acme", "größer").body


def test_only_what_differs_is_written(fleet_aws: LocalAws, writer: CloudWatchDashboards) -> None:
    writer.write_dashboards([board("acme"), board("acme-2")], deadline())
    cold = open_dashboards(CONFIG, None)
    assert cold.write_dashboards([board("acme"), board("acme-2")], deadline()) == 0
    assert cold.write_dashboards([board("acme"), board("acme-2", "new")], deadline()) == 1
    assert cold.write_dashboards([board("acme"), board("acme-2", "new")], deadline()) == 0


def test_a_warm_function_asks_nothing_while_nothing_changes(fleet_aws: LocalAws, writer: CloudWatchDashboards) -> None:
    writer.write_dashboards([board("acme")], deadline())
    before = calls(fleet_aws)
    assert writer.write_dashboards([board("acme")], deadline()) == 0
    assert calls(fleet_aws) == before


def test_parts_that_are_no_longer_needed_are_deleted_and_others_dashboards_are_not(
    fleet_aws: LocalAws, writer: CloudWatchDashboards
) -> None:
    client = fleet_aws.client("cloudwatch", "eu-west-1")
    for other in ("acme-web", "acme-2-old", "other"):
        client.put_dashboard(DashboardName=other, DashboardBody=json.dumps(board(other).body))
    writer.write_dashboards([board("acme"), board("acme-2"), board("acme-3")], deadline())
    assert writer.write_dashboards([board("acme")], deadline()) == 2
    assert names(fleet_aws) == {"acme", "acme-web", "acme-2-old", "other"}
    assert {call for call in calls(fleet_aws) if "Dashboard" in call} == {
        "cloudwatch:GetDashboard",
        "cloudwatch:PutDashboard",
        "cloudwatch:DeleteDashboards",
        "cloudwatch:ListDashboards",  # by this test
    }


def test_a_body_that_is_refused_is_an_error_with_its_place(writer: CloudWatchDashboards) -> None:
    bad = Dashboard(
        "acme", {"widgets": [{"type": "metric", "x": 30, "y": 0, "width": 6, "height": 6, "properties": {}}]}
    )
    with pytest.raises(DeliveryError, match="CloudWatch dashboard acme") as raised:
        writer.write_dashboards([bad], deadline())
    assert raised.value.reason is Reason.REJECTED
    assert "/widgets/0" in raised.value.detail


def test_a_warning_is_told_once_all_are_written(fleet_aws: LocalAws, writer: CloudWatchDashboards) -> None:
    odd = Dashboard("acme", board("acme").body | {"colour": "red"})
    with pytest.raises(DeliveryError, match="/colour") as raised:
        writer.write_dashboards([odd, board("acme-2")], deadline())
    assert not raised.value.retryable
    assert names(fleet_aws) == {"acme", "acme-2"}


def test_denied_is_said_and_the_next_try_writes(fleet_aws: LocalAws, writer: CloudWatchDashboards) -> None:
    fleet_aws.faults.add(Fault(Failing.DENY, "cloudwatch:PutDashboard"))
    with pytest.raises(DeliveryError) as raised:
        writer.write_dashboards([board("acme")], deadline())
    assert raised.value.reason is Reason.DENIED
    fleet_aws.faults.clear()
    assert writer.write_dashboards([board("acme")], deadline()) == 1


def test_out_of_time(writer: CloudWatchDashboards) -> None:
    with pytest.raises(DeliveryError) as raised:
        writer.write_dashboards([board("acme")], deadline(0))
    assert raised.value.reason is Reason.DEADLINE


def test_ministack_agrees(ministack: Ministack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second opinion on the calls and on the error for a dashboard that is not there."""
    for name, value in ministack.environment().items():
        monkeypatch.setenv(name, value)
    config = Config("acme", Gather(), PublishCloudWatch("eu-west-1", "sink-contract"))
    writer = open_dashboards(config, None)
    assert writer.write_dashboards([board("sink-contract"), board("sink-contract-2")], deadline()) == 2
    assert open_dashboards(config, None).write_dashboards([board("sink-contract")], deadline()) == 1
    client = ministack.client("cloudwatch", "eu-west-1")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        client.get_dashboard(DashboardName="sink-contract-2")
    client.delete_dashboards(DashboardNames=["sink-contract"])
