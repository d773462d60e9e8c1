"""Each function runs under the very policies that its role has on the deployed stack, checked call by call.

Both ways: every call that a function makes is granted, and every grant is used by some call or stands in a table here
with its reason.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.local.deploy import small_fleet
from infra.local.stack import deploy
from nephoscope.localcloud.aws.call import Need
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.policy import permits, unused_grants
from nephoscope.localcloud.receivers import Receiver
from nephoscope.model.time import floor_to, iso
from tests.package.conftest import Deployed, make_project, needs_osls

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
    ("collect", "sqs:SendMessage"): "to DeadLetters: Lambda puts lost events there; to WorkQueue: with many scopes only",
    ("deliver", "sqs:SendMessage"): "to DeadLetters: Lambda puts lost events there, under the function's role",
    ("collect", "cloudwatch:DeleteDashboards"): "when a dashboard that had to be split shrinks",
    ("collect", "dynamodb:DeleteItem"): "when a delivery has ended or a snapshot is replaced",
    ("deliver", "ssm:GetParameter"): "when something is owed; the runs have delivered everything here",
    ("deliver", "secretsmanager:GetSecretValue"): "when something is owed; the runs have delivered everything here",
    ("deliver", "sns:Publish"): "when something is owed; the runs have delivered everything here",
}


def policies_of(aws: LocalAws, function: str) -> list[Mapping[str, Any]]:
    """What the role has on the deployed stack, as IAM gives it back."""
    iam = aws.client("iam")
    role = f"nephoscope-prod-eu-central-1-{function}"
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Iterator[Deployed]:
    """A stack with the rich configuration, on a local AWS that refuses what a function's own policies do not allow."""
    needs_osls()
    project = make_project(tmp_path_factory.mktemp("rich") / "nephoscope", RICH)
    fleet = small_fleet(int(time.time()), accounts=(HOME, MEMBER))
    with LocalAws(fleet) as aws, Receiver() as receiver:
        stack = deploy(aws, project / "nephoscope.yaml", project)
        task = unpack(project / "build" / "aws.zip", tmp_path_factory.mktemp("task"))
        silence(aws)
        give_secrets(aws, receiver)
        for function in ("collect", "deliver", "work", "widget"):
            aws.policies.attach(function, *policies_of(aws, function))
        aws.policies.attach(HOME, EVERYTHING)
        aws.policies.attach(ROLE, member_policy())
        aws.policies.enforce = True
        aws.ledger.clear()
        yield Deployed(aws, receiver, stack, task, runtime)
