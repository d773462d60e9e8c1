"""What the front passes on to ministack, and that the functions which ministack runs come back to the front."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.receivers import Receiver

HOME = "111111111111"
SOURCE = """
import boto3, json, os
def handler(event, context):
    seen = boto3.client("ec2").describe_instances()
    count = sum(len(row["Instances"]) for row in seen["Reservations"])
    table = boto3.client("dynamodb")
    key = event.get("key") or event["Records"][0]["body"]
    table.put_item(TableName=os.environ["TABLE"], Item={"pk": {"S": key}, "count": {"N": str(count)}})
    return count
"""


def _until(check: Callable[[], Any], seconds: float = 15.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := check()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def _table(aws: LocalAws) -> str:
    name = f"memory-{uuid4().hex[:8]}"
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def _function(aws: LocalAws, table: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", SOURCE)
    trust = {"Version": "2012-10-17", "Statement": []}
    role = aws.client("iam").create_role(RoleName=f"role-{table}", AssumeRolePolicyDocument=json.dumps(trust))
    answer = aws.client("lambda").create_function(
        FunctionName=f"run-{table}",
        Runtime="python3.11",
        Handler="main.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": packed.getvalue()},
        Timeout=30,
        Environment={"Variables": {"TABLE": table}},
    )
    return str(answer["FunctionArn"])


def _item(aws: LocalAws, table: str, key: str) -> Any:
    return aws.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": key}}, ConsistentRead=True).get("Item")


def test_functions_see_the_fleet_through_the_front_by_invoke_queue_and_schedule(local_aws: LocalAws) -> None:
    table = _table(local_aws)
    function = _function(local_aws, table)
    machines = len(local_aws.fleet.members(HOME, "eu-central-1"))
    answer = local_aws.client("lambda").invoke(FunctionName=function, Payload=b'{"key": "invoked"}')
    assert json.loads(answer["Payload"].read()) == machines

    sqs = local_aws.client("sqs")
    queue = sqs.create_queue(QueueName=f"scopes-{table}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    local_aws.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName=function, BatchSize=1)
    sqs.send_message(QueueUrl=queue, MessageBody="queued")
    soon = datetime.now(UTC) + timedelta(seconds=1)
    local_aws.client("scheduler").create_schedule(
        Name=f"once-{table}",
        ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": function, "RoleArn": f"arn:aws:iam::{HOME}:role/x", "Input": '{"key": "scheduled"}'},
    )
    for key in ("invoked", "queued", "scheduled"):
        item = _until(lambda key=key: _item(local_aws, table, key))
        assert item["count"] == {"N": str(machines)}, key

    written = [entry for entry in local_aws.ledger.entries("dynamodb:PutItem") if entry.principal == "lambda"]
    assert next(need.context for entry in written for need in entry.needs) == {"dynamodb:LeadingKeys": ("invoked",)}
    assert written[0].resource == f"arn:aws:dynamodb:eu-central-1:{HOME}:table/{table}"


def test_a_topic_reaches_an_http_receiver_after_the_handshake(local_aws: LocalAws) -> None:
    sns = local_aws.client("sns")
    topic = sns.create_topic(Name=f"alerts-{uuid4().hex[:8]}")["TopicArn"]
    with Receiver() as receiver:
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.sns_url("ops"))
        assert receiver.wait_until_confirmed("ops")
        attributes = {"notification_id": {"DataType": "String", "StringValue": "msg_1"}}
        for _ in range(2):
            sns.publish(TopicArn=topic, Subject="fired", Message='{"rule": "cpu"}', MessageAttributes=attributes)
        first, _ = receiver.wait_for("ops", 2)
        assert first.json() == {"rule": "cpu"}
        assert receiver.counts() == {"ops": {"received": 2, "distinct": 1, "refused": 0}}
    assert local_aws.ledger.entries("sns:Publish")[0].resource == topic


def test_large_and_small_objects_pass_untouched(local_aws: LocalAws) -> None:
    s3 = local_aws.client("s3")
    bucket = f"artifacts-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    body = bytes(range(256)) * 40_000  # 10 MB
    for key, content in (("deep/a name with spaces+plus.zip", body), ("empty", b"")):
        s3.put_object(Bucket=bucket, Key=key, Body=content)
        assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(content)
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == content
    parts = {row["Key"] for row in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert parts == {"deep/a name with spaces+plus.zip", "empty"}
    assert local_aws.ledger.calls("s3:PutObject") == 2


def test_a_transaction_needs_the_permission_of_each_part(local_aws: LocalAws) -> None:
    table = _table(local_aws)
    arn = f"arn:aws:dynamodb:eu-central-1:{HOME}:table/{table}"
    local_aws.client("dynamodb").transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": {"pk": {"S": "aws#1"}}}},
            {"Delete": {"TableName": table, "Key": {"pk": {"S": "aws#2"}}}},
        ]
    )
    (entry,) = local_aws.ledger.entries("dynamodb:TransactWriteItems")
    told = [(need.action, need.resource, need.context["dynamodb:LeadingKeys"]) for need in entry.needs]
    assert told == [("dynamodb:PutItem", arn, ("aws#1",)), ("dynamodb:DeleteItem", arn, ("aws#2",))]


def test_what_is_passed_on_is_guarded_by_the_policy_too(local_aws: LocalAws) -> None:
    table = _table(local_aws)
    statement = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": f"arn:aws:dynamodb:*:*:table/{table}"}
    local_aws.policies.attach(HOME, {"Statement": [statement]})
    local_aws.policies.enforce = True
    assert _item(local_aws, table, "x") is None
    with pytest.raises(ClientError, match="AccessDenied"):
        local_aws.client("dynamodb").put_item(TableName=table, Item={"pk": {"S": "x"}})
    assert local_aws.ledger.summary()["dynamodb:PutItem"]["denied"] == 1


def test_an_alarm_looks_at_what_was_put(local_aws: LocalAws) -> None:
    local_aws.set_time(None)
    cloudwatch = local_aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="heartbeat",
        Namespace="nephoscope",
        MetricName="nephoscope.heartbeat",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
    )
    cloudwatch.put_metric_data(Namespace="nephoscope", MetricData=[{"MetricName": "nephoscope.heartbeat", "Value": 3}])
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["heartbeat"])["MetricAlarms"]
    assert alarm["StateValue"] == "OK"


def test_a_reset_forgets_everything_and_keeps_the_address(local_aws: LocalAws) -> None:
    url = local_aws.url
    table = _table(local_aws)
    local_aws.client("cloudwatch").put_dashboard(DashboardName="d", DashboardBody='{"widgets": []}')
    local_aws.reset()
    assert (local_aws.url, local_aws.ledger.entries()) == (url, ())
    assert table not in local_aws.client("dynamodb").list_tables()["TableNames"]
    assert local_aws.client("cloudwatch").list_dashboards()["DashboardEntries"] == []


def test_without_ministack_the_front_says_what_it_lacks(fleet_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="501"):
        fleet_aws.client("dynamodb").list_tables()
