"""Who called what, and whether they might: the ledger, the policy check, accounts, and failures on purpose."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.parsers import ResponseParserError

from nephoscope.localcloud.aws.call import Need
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.policy import permits, unused_grants
from nephoscope.localcloud.incidents import Happening

NOON = 1_795_435_200
HOME, MEMBER = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{MEMBER}:role/nephoscope-reader"


def _once(aws: LocalAws, service: str, region: str = "eu-central-1") -> Any:
    """A client that does not try again."""
    import boto3

    config = Config(retries={"total_max_attempts": 1})
    return boto3.client(
        service,
        endpoint_url=aws.url,
        region_name=region,
        aws_access_key_id=HOME,
        aws_secret_access_key="x",
        config=config,
    )


def _metric_query(count: int) -> dict[str, Any]:
    metric = {"Namespace": "own", "MetricName": "m"}
    return {
        "MetricDataQueries": [
            {"Id": f"q{place}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}} for place in range(count)
        ],
        "StartTime": datetime.fromtimestamp(NOON - 60, UTC),
        "EndTime": datetime.fromtimestamp(NOON, UTC),
    }


# --- the ledger --------------------------------------------------------------------------------------------------


def test_every_call_stands_in_the_ledger_with_what_it_costs(fleet_aws: LocalAws) -> None:
    fleet_aws.client("cloudwatch", "eu-west-1").get_metric_data(**_metric_query(7))
    fleet_aws.client("ec2", account=MEMBER).describe_instances()
    first, second = fleet_aws.ledger.entries()
    assert (first.action, first.account, first.region, first.units) == (
        "cloudwatch:GetMetricData",
        HOME,
        "eu-west-1",
        7,
    )
    assert (second.action, second.account, second.units, second.status) == ("ec2:DescribeInstances", MEMBER, 0, 200)
    assert first.at == NOON
    assert fleet_aws.ledger.summary()["cloudwatch:GetMetricData"] == {"calls": 1, "denied": 0, "failed": 0, "units": 7}
    assert [row["action"] for row in json.loads(fleet_aws.ledger.to_json())] == [first.action, second.action]


def test_a_failed_call_is_counted_as_failed_and_a_denied_one_as_denied(fleet_aws: LocalAws) -> None:
    with pytest.raises(ClientError):
        fleet_aws.client("cloudwatch").get_dashboard(DashboardName="none")
    fleet_aws.faults.add(Fault(Failing.DENY, "ec2:*", calls=1))
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        fleet_aws.client("ec2").describe_regions()
    summary = fleet_aws.ledger.summary()
    assert summary["cloudwatch:GetDashboard"] == {"calls": 1, "denied": 0, "failed": 1, "units": 0}
    assert summary["ec2:DescribeRegions"] == {"calls": 1, "denied": 1, "failed": 0, "units": 0}


# --- policies ----------------------------------------------------------------------------------------------------

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["ec2:DescribeInstances", "ec2:DescribeRegions"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": "nephoscope"}},
        },
        {
            "Effect": "Allow",
            "Action": ["cloudwatch:PutDashboard", "cloudwatch:GetDashboard"],
            "Resource": f"arn:aws:cloudwatch::{HOME}:dashboard/nephoscope*",
        },
        {
            "Effect": "Allow",
            "Action": ["dynamodb:PutItem", "dynamodb:Query"],
            "Resource": f"arn:aws:dynamodb:*:{HOME}:table/memory",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["aws#*"]}},
        },
    ],
}


def test_least_privilege_is_shown_both_ways(fleet_aws: LocalAws) -> None:
    fleet_aws.policies.attach(HOME, POLICY)
    fleet_aws.policies.enforce = True
    cloudwatch = fleet_aws.client("cloudwatch")
    data = [{"MetricName": "m", "Value": 1}]
    fleet_aws.client("ec2").describe_instances()
    cloudwatch.put_metric_data(Namespace="nephoscope", MetricData=data)
    cloudwatch.put_dashboard(DashboardName="nephoscope-fleet", DashboardBody='{"widgets": []}')
    for refused in (
        lambda: cloudwatch.put_metric_data(Namespace="other", MetricData=data),
        lambda: cloudwatch.put_dashboard(DashboardName="other", DashboardBody='{"widgets": []}'),
        cloudwatch.list_dashboards,
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
    unused = unused_grants(POLICY, fleet_aws.ledger.needs(allowed_only=True))
    assert unused == (
        "ec2:DescribeRegions on *",
        f"cloudwatch:GetDashboard on arn:aws:cloudwatch::{HOME}:dashboard/nephoscope*",
        f"dynamodb:PutItem on arn:aws:dynamodb:*:{HOME}:table/memory",
        f"dynamodb:Query on arn:aws:dynamodb:*:{HOME}:table/memory",
    )


def test_a_principal_without_a_policy_may_do_nothing_once_it_is_enforced(fleet_aws: LocalAws) -> None:
    fleet_aws.client("ec2").describe_regions()
    fleet_aws.policies.enforce = True
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        fleet_aws.client("ec2").describe_regions()
    assert fleet_aws.client("sts").get_caller_identity()["Account"] == HOME  # IAM does not guard this one


DECISIONS = [
    ("dynamodb:PutItem", f"arn:aws:dynamodb:eu-central-1:{HOME}:table/memory", ("aws#1#eu",), True),
    ("dynamodb:PutItem", f"arn:aws:dynamodb:eu-central-1:{HOME}:table/memory", ("gcp#1#eu",), False),
    ("dynamodb:PutItem", f"arn:aws:dynamodb:eu-central-1:{HOME}:table/memory", ("aws#1#eu", "gcp#1#eu"), False),
    ("dynamodb:PutItem", f"arn:aws:dynamodb:eu-central-1:{HOME}:table/other", ("aws#1#eu",), False),
    ("dynamodb:Scan", f"arn:aws:dynamodb:eu-central-1:{HOME}:table/memory", ("aws#1#eu",), False),
]


@pytest.mark.parametrize(("action", "resource", "keys", "allowed"), DECISIONS)
def test_leading_keys_guard_the_partitions(action: str, resource: str, keys: tuple[str, ...], *, allowed: bool) -> None:
    need = Need(action, resource, {"dynamodb:LeadingKeys": keys})
    assert permits([POLICY], need) is allowed


def test_a_denial_outweighs_every_grant() -> None:
    deny = {"Statement": {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}}
    need = Need("ec2:DescribeInstances", "*")
    assert permits([POLICY], need)
    assert not permits([POLICY, deny], need)


def test_a_condition_that_nobody_knows_is_an_error_not_a_guess() -> None:
    odd = {
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"NumericLessThan": {"a": "1"}}}]
    }
    with pytest.raises(NotImplementedError, match="NumericLessThan"):
        permits([odd], Need("ec2:DescribeInstances", "*"))


# --- accounts ----------------------------------------------------------------------------------------------------


def test_an_assumed_role_sees_the_member_account(fleet_aws: LocalAws) -> None:
    import boto3

    sts = fleet_aws.client("sts")
    assumed = sts.assume_role(RoleArn=ROLE, RoleSessionName="nephoscope", ExternalId="local-external-id")
    keys = assumed["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "eu-central-1")
    member = session.client("sts", endpoint_url=fleet_aws.url).get_caller_identity()
    assert (member["Account"], member["Arn"]) == (
        MEMBER,
        f"arn:aws:sts::{MEMBER}:assumed-role/nephoscope-reader/nephoscope",
    )
    page = session.client("ec2", endpoint_url=fleet_aws.url).describe_instances()
    seen = {row["InstanceId"] for reservation in page["Reservations"] for row in reservation["Instances"]}
    assert seen == {machine.id for machine in fleet_aws.fleet.members(MEMBER, "eu-central-1")}
    assert fleet_aws.ledger.entries("ec2:DescribeInstances")[0].principal == ROLE
    assert keys["Expiration"].timestamp() == pytest.approx(time.time() + 3600, abs=30)


@pytest.mark.parametrize(
    "arguments",
    [
        {"RoleArn": ROLE, "ExternalId": "wrong"},
        {"RoleArn": ROLE},
        {"RoleArn": f"arn:aws:iam::{MEMBER}:role/other", "ExternalId": "local-external-id"},
    ],
)
def test_a_role_is_not_assumed_without_its_external_id(fleet_aws: LocalAws, arguments: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        fleet_aws.client("sts").assume_role(RoleSessionName="nephoscope", **arguments)
    assert not fleet_aws.ledger.entries()[0].allowed


def test_a_short_session_is_refused_as_sts_refuses_it(fleet_aws: LocalAws) -> None:
    client = fleet_aws.client("sts")
    with pytest.raises(Exception, match="900"):
        client.assume_role(
            RoleArn=ROLE, RoleSessionName="nephoscope", ExternalId="local-external-id", DurationSeconds=899
        )


# --- failures on purpose -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failing", "service", "call", "code"),
    [
        (Failing.THROTTLE, "ec2", "describe_instances", "RequestLimitExceeded"),
        (Failing.THROTTLE, "cloudwatch", "list_metrics", "Throttling"),
        (Failing.DENY, "ec2", "describe_instances", "UnauthorizedOperation"),
        (Failing.DENY, "cloudwatch", "list_metrics", "AccessDenied"),
        (Failing.ERROR, "cloudwatch", "list_metrics", "InternalFailure"),
        (Failing.UNAVAILABLE, "ec2", "describe_instances", "ServiceUnavailable"),
    ],
)
def test_a_fault_has_the_services_own_word(
    fleet_aws: LocalAws, failing: Failing, service: str, call: str, code: str
) -> None:
    fleet_aws.faults.add(Fault(failing, calls=1))
    client = _once(fleet_aws, service)
    with pytest.raises(ClientError) as caught:
        getattr(client, call)()
    assert caught.value.response["Error"]["Code"] == code
    getattr(client, call)()


def test_a_client_that_tries_again_gets_past_a_throttle(fleet_aws: LocalAws) -> None:
    fleet_aws.faults.add(Fault(Failing.THROTTLE, "ec2:DescribeInstances", calls=1))
    assert fleet_aws.client("ec2").describe_instances()["Reservations"]
    assert [entry.status for entry in fleet_aws.ledger.entries()] == [503, 200]


def test_a_later_page_can_fail_alone(fleet_aws: LocalAws) -> None:
    fleet_aws.faults.add(Fault(Failing.ERROR, "ec2:DescribeInstances", skip=1, calls=1))
    client = _once(fleet_aws, "ec2")
    page = client.describe_instances(MaxResults=5)
    with pytest.raises(ClientError, match="InternalFailure"):
        client.describe_instances(MaxResults=5, NextToken=page["NextToken"])


def test_a_fault_keeps_to_its_region_and_its_time(fleet_aws: LocalAws) -> None:
    fleet_aws.faults.add(Fault(Failing.DENY, region="us-east-1", start=NOON + 60, end=NOON + 120))
    outcome = []
    for at, region in ((59, "us-east-1"), (60, "us-east-1"), (60, "eu-west-1"), (120, "us-east-1")):
        fleet_aws.set_time(NOON + at)
        try:
            _once(fleet_aws, "ec2", region).describe_instances()
            outcome.append("well")
        except ClientError:
            outcome.append("denied")
    assert outcome == ["well", "denied", "well", "well"]


def test_a_broken_answer_and_a_cut_connection(fleet_aws: LocalAws) -> None:
    client = _once(fleet_aws, "ec2")
    fleet_aws.faults.add(Fault(Failing.MALFORMED, calls=1))
    with pytest.raises(ResponseParserError):
        client.describe_instances()
    fleet_aws.faults.clear()
    fleet_aws.faults.add(Fault(Failing.CUT, calls=1))
    with pytest.raises(ConnectionClosedError):
        client.describe_instances()


def test_a_slow_answer_is_the_same_answer(fleet_aws: LocalAws) -> None:
    quick = fleet_aws.client("ec2").describe_regions()["Regions"]
    fleet_aws.faults.add(Fault(Failing.SLOW, calls=1, seconds=0.2))
    began = time.monotonic()
    assert fleet_aws.client("ec2").describe_regions()["Regions"] == quick
    assert time.monotonic() - began >= 0.2


def test_the_script_blinds_and_throttles_a_region_for_its_time(fleet_aws: LocalAws) -> None:
    script = {incident.what: incident for incident in fleet_aws.fleet.script}
    blind, weak = script[Happening.REGION_DENIED], script[Happening.THROTTLED]
    fleet_aws.set_time(NOON + blind.start)
    for service, call in (("ec2", "describe_instances"), ("cloudwatch", "list_metrics")):
        with pytest.raises(ClientError, match="not authorized"):
            getattr(_once(fleet_aws, service, blind.region), call)()
    assert fleet_aws.client("ec2", blind.region, MEMBER).describe_instances()["Reservations"]
    fleet_aws.set_time(NOON + blind.end)
    assert _once(fleet_aws, "ec2", blind.region).describe_instances()["Reservations"]

    fleet_aws.set_time(NOON + weak.start)
    client, outcomes = _once(fleet_aws, "cloudwatch", weak.region), []
    for _ in range(4):
        try:
            client.list_metrics(Namespace="AWS/S3")
            outcomes.append("well")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    assert outcomes == ["well", "Throttling"] * 2
