"""Each function runs under the very policies that its role has on the deployed stack, checked call by call.

Both ways: every call that a function makes is granted, and every grant is used by some call or stands in a table here
with its reason.
"""

from __future__ import annotations

import base64
import html
import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from infra.local.deploy import small_fleet
from nephoscope.app.outside import SystemClock
from nephoscope.localcloud.aws.call import Need
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.policy import permits, unused_grants
from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.receivers import Receiver, Reply
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import DAY, iso
from nephoscope.stores.dynamodb import DynamoTable
from nephoscope.stores.memory import Memory
from tests.alert_records import a_notification
from tests.package.conftest import ROOT, Deployed, make_project, records, stand_up

HOME, MEMBER = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{MEMBER}:role/nephoscope-reader"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

# As much as a configuration can ask for: two accounts, all regions, tagged buckets, both keepers of secrets.
RICH = f"""\
fleet: acme
gather:
  aws:
    regions: all
    accounts:
      - own
      - {{role: "{ROLE}", external_id: "${{ssm:/nephoscope/external-id}}"}}
    resources: [instance, bucket]
publish:
  cloudwatch: {{region: eu-central-1, dashboard: acme}}
tell:
  oncall: {{sns: "${{stack:AlertTopic}}"}}
  chat:
    webhook: "${{ssm:/nephoscope/chat}}"
    secret: "${{secretsmanager:nephoscope/signing#key}}"
    allow: [http, private]
rules:
  - name: check-failed
    on: instance
    when: check.instance is failed
  - name: cpu-hot
    on: instance
    when: cpu.utilization > 90 %
    for: 3 of 5 min
  - name: memory-high
    on: instance
    when: memory.utilization > 95 %
    for: 10 min
  - name: bucket-large
    on: bucket
    where: {{tags: {{team: "*"}}}}
    when: size > 5 TiB
"""

UNUSED: Mapping[tuple[str, str], str] = {
    # (function, action): why it stands there though no call of the SDK uses it here
    ("*", "logs:CreateLogStream"): "Lambda itself writes the log, under the function's role",
    ("*", "logs:PutLogEvents"): "Lambda itself writes the log, under the function's role",
    ("work", "sqs:ReceiveMessage"): "Lambda's poller takes the messages, under the function's role",
    ("work", "sqs:DeleteMessage"): "Lambda's poller deletes what is done, under the function's role",
    ("work", "sqs:GetQueueAttributes"): "Lambda's poller looks at the queue, under the function's role",
    ("collect", "sqs:SendMessage"): "to WorkQueue: with more scopes than here; to DeadLetters: Lambda's own doing",
    ("deliver", "sqs:SendMessage"): "to DeadLetters: Lambda puts lost events there, under the function's role",
    ("deliver", "dynamodb:GetItem"): "when the answer to a write was lost: did it happen?",
    ("collect", "cloudwatch:DeleteDashboards"): "when a dashboard that had to be split shrinks",
}

FUNCTIONS = ("collect", "deliver", "work", "widget")


def rich_fleet(now: int) -> Fleet:
    """In each scope one machine is ill already, and in one scope a second will be in a minute."""
    fleet = small_fleet(now, accounts=(HOME, MEMBER))
    well = [machine for machine in fleet.instances if not machine.parked]
    scopes = {(machine.account, machine.region): machine.id for machine in reversed(well)}
    second = next(machine.id for machine in well if machine.id not in scopes.values())
    ill = Incident(Happening.CHECK_FAILED, -600, DAY, tuple(scopes.values()), check="instance")
    return fleet.with_script([ill, Incident(Happening.CHECK_FAILED, 50, DAY, (second,), check="instance")])


def policies_of(aws: LocalAws, function: str) -> list[Mapping[str, Any]]:
    """What the role has on the deployed stack, as IAM gives it back."""
    iam = aws.client("iam")
    role = f"nephoscope-prod-eu-central-1-{function}"
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]


def member_policies() -> list[Mapping[str, Any]]:
    """Of the role in infra/aws/member-account.yaml, buckets included."""
    template = cfn_yaml.load(str(ROOT / "infra/aws/member-account.yaml"))
    resources = template["Resources"]
    buckets = resources["BucketPolicy"]["Properties"]["PolicyDocument"]
    return [*(each["PolicyDocument"] for each in resources["ReaderRole"]["Properties"]["Policies"]), buckets]


def give_secrets(aws: LocalAws, receiver: Receiver) -> None:
    key = "whsec_" + base64.b64encode(b"k" * 24).decode()
    receiver.expect_key("chat", key)
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/nephoscope/external-id", Value="local-external-id", Type="SecureString")
    ssm.put_parameter(Name="/nephoscope/chat", Value=receiver.webhook_url("chat"), Type="SecureString")
    aws.client("secretsmanager").create_secret(Name="nephoscope/signing", SecretString=json.dumps({"key": key}))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Iterator[Deployed]:
    """A stack with the rich configuration, on a local AWS that refuses what a function's own policies do not allow."""
    project = make_project(tmp_path_factory.mktemp("rich") / "nephoscope", RICH)
    with stand_up(project, tmp_path_factory.mktemp("task"), runtime, rich_fleet(int(time.time()))) as deployed:
        aws = deployed.aws
        give_secrets(aws, deployed.receiver)
        for function in FUNCTIONS:
            aws.policies.attach(function, *policies_of(aws, function))
        aws.policies.attach(HOME, EVERYTHING)
        aws.policies.attach(ROLE, *member_policies())
        aws.policies.enforce = True
        aws.ledger.clear()
        yield deployed


@pytest.fixture(scope="module")
def lived(guarded: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """Two minutes in which every function does all that it ever does: two scopes fanned out, all by one, something
    left over for the sweeper, which a receiver does not take at first, and a page."""
    aws, log, start = guarded.aws, tmp_path_factory.mktemp("log"), guarded.aws.fleet.start
    aws.set_time(start)
    with guarded.function("work", log) as work:
        bodies = [json.dumps({"scope": f"aws#{owner}#eu-central-1", "slot": start}) for owner in (HOME, MEMBER)]
        worked = work.invoke(records(*bodies))
    assert worked.answer == {"batchItemFailures": []}, worked.log

    aws.set_time(start + 60)
    with guarded.function("collect", log) as collect:
        collected = collect.invoke({"scheduled_time": iso(start + 60)})
    assert collected.error is None, collected.log
    assert set(collected.answer["scopes"].values()) == {"done"}
    assert (collected.answer["gaps"], collected.answer["errors"]) == ([], [])

    owe_something(guarded)
    guarded.receiver.script("chat", [Reply(503)])
    with guarded.function("deliver", log) as deliver:
        swept = deliver.invoke({})
    assert [swept.answer[what] for what in ("sent", "retried", "owed", "errors")] == [1, 1, 1, []], swept.log
    with guarded.function("widget", log) as widget:
        assert widget.invoke({}).error is None
        acknowledge_one(widget)
    return guarded


def acknowledge_one(widget: Any) -> None:
    """By the button of the first alert that the page shows."""
    button = re.search(r'<cwdb-action [^>]*endpoint="arn:[^"]+">(.*?)</cwdb-action>', widget.invoke({}).answer)
    assert button
    done = widget.invoke(json.loads(html.unescape(button[1])))
    assert done.error is None, done.log
    assert "is acknowledged: no repeats" in done.answer


def owe_something(deployed: Deployed) -> None:
    """What a run that was cut off after its commit leaves behind: a notification for each channel."""
    table = DynamoTable(deployed.stack.resources["Table"], deployed.aws.client("dynamodb"))
    memory = Memory(table, SystemClock())
    for channel in ("oncall", "chat"):
        assert memory.enqueue(Scope(Cloud.AWS, HOME, "eu-central-1"), a_notification(channel=channel))


def needs_of(deployed: Deployed, principal: str) -> list[Need]:
    return [need for entry in deployed.aws.ledger.entries() if entry.principal == principal for need in entry.needs]


@pytest.mark.parametrize("principal", [*FUNCTIONS, ROLE])
def test_everything_that_is_called_is_granted(lived: Deployed, principal: str) -> None:
    mine = [entry for entry in lived.aws.ledger.entries() if entry.principal == principal]
    assert mine
    assert [entry.action for entry in mine if not entry.allowed] == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_that_is_granted_goes_unused_without_a_reason(lived: Deployed, function: str) -> None:
    needs = needs_of(lived, function)
    unused = {
        grant.partition(" ")[0] for policy in policies_of(lived.aws, function) for grant in unused_grants(policy, needs)
    }
    reasoned = {action for who, action in UNUSED if who in ("*", function)}
    assert unused == reasoned


def test_nothing_that_a_member_grants_goes_unused(lived: Deployed) -> None:
    """The regions of all accounts are read where `regions: all` says so; buckets and tags where they are asked for."""
    needs = needs_of(lived, ROLE)
    assert [grant for policy in member_policies() for grant in unused_grants(policy, needs)] == []


@pytest.mark.parametrize(
    ("function", "need"),
    [
        ("collect", Need("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": ("AWS/EC2",)})),
        ("collect", Need("cloudwatch:PutDashboard", f"arn:aws:cloudwatch::{HOME}:dashboard/somebody-elses")),
        ("collect", Need("dynamodb:PutItem", f"arn:aws:dynamodb:eu-central-1:{HOME}:table/somebody-elses")),
        ("collect", Need("sts:AssumeRole", f"arn:aws:iam::{MEMBER}:role/admin")),
        ("collect", Need("dynamodb:Scan", "*")),
        ("deliver", Need("sns:Publish", f"arn:aws:sns:eu-central-1:{HOME}:somebody-elses")),
        (
            "deliver",
            Need("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:eu-central-1:{HOME}:secret:db-AbCdEf"),
        ),
        ("deliver", Need("ssm:GetParameter", f"arn:aws:ssm:eu-central-1:{HOME}:parameter/nephoscope/other")),
        ("widget", Need("dynamodb:PutItem", "*")),
    ],
)
def test_what_belongs_to_others_is_refused(guarded: Deployed, function: str, need: Need) -> None:
    assert not permits(policies_of(guarded.aws, function), need)


def test_the_widget_acknowledges_and_writes_nothing_else(guarded: Deployed) -> None:
    """Silences and channels stand in the registry."""
    table = f"arn:aws:dynamodb:eu-central-1:{HOME}:table/{guarded.stack.resources['Table']}"
    policies = policies_of(guarded.aws, "widget")

    def may(action: str, partition: str) -> bool:
        return permits(policies, Need(action, table, {"dynamodb:LeadingKeys": (partition,)}))

    assert may("dynamodb:PutItem", f"aws#{HOME}#eu-central-1")
    assert not may("dynamodb:PutItem", "registry#aws")
    assert not may("dynamodb:DeleteItem", f"aws#{HOME}#eu-central-1")


def test_the_check_is_real(lived: Deployed, tmp_path: Path) -> None:
    """A function under a role that may do nothing is refused at its first call."""
    with lived.function("widget", tmp_path, AWS_ACCESS_KEY_ID="nobody") as widget:
        outcome = widget.invoke({})
    assert outcome.error is not None
    assert "AccessDenied" in outcome.error["errorMessage"]
