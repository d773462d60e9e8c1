"""`nephoscope doctor` names what is missing so that adding exactly that makes everything work."""

from __future__ import annotations

import json
from typing import Any

from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT
from nephoscope.localcloud.aws.policy import unused_grants

EVERYTHING = """\
fleet: acme
gather: {aws: {regions: all, resources: [instance, bucket], where: {tags: {env: [prod]}}}}
publish: {cloudwatch: {region: eu-central-1, dashboard: acme}}
rules:
  - {name: hot, on: instance, when: cpu.utilization > 90 %}
  - {name: full, on: instance, when: memory.utilization > 90 %}
"""
CANARY = "hunter2-canary"


def policies(text: str) -> dict[str, Any]:
    """Owner -> policy, as doctor prints them behind its table."""
    found = {}
    for part in text.split("\nAdd to ")[1:]:
        owner, _, policy = part.partition(":\n")
        found[owner] = json.loads(policy)
    return found


def test_where_everything_is_granted_nothing_is_missing(shell: Any, aws: LocalAws) -> None:
    done = shell("doctor", "--json")
    assert done.returncode == 0
    checks = json.loads(done.stdout)
    tried = {check["check"] for check in checks if check["verdict"] == "well"}
    assert tried == {
        "sts:GetCallerIdentity",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "cloudwatch:GetMetricData",
        "cloudwatch:GetDashboard",
    }
    for action in ("ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "cloudwatch:GetMetricData"):
        assert [aws.ledger.calls(action)] == [2], action
    assert aws.ledger.calls("cloudwatch:PutMetricData") == 0


def test_adding_what_doctor_names_is_enough_and_not_too_much(shell: Any, aws: LocalAws) -> None:
    shell.write(EVERYTHING)
    aws.set_time(None)  # a heartbeat is of now
    aws.policies.enforce = True
    granted: list[dict[str, Any]] = []
    for _ in range(3):  # regions first: without them nobody knows where else to look
        done = shell("doctor", "--write")
        if done.returncode == 0:
            break
        assert "Add the statements above" in done.stderr
        named = policies(done.stdout)
        assert named.keys() <= {f"the role in account {HOME_ACCOUNT}", "the role of the functions"}
        granted += named.values()
        aws.policies.attach(HOME_ACCOUNT, *named.values())
    assert done.returncode == 0
    assert {action for policy in granted for each in policy["Statement"] for action in each["Action"]} == {
        "ec2:DescribeRegions",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "s3:ListAllMyBuckets",
        "tag:GetResources",
        "cloudwatch:GetMetricData",
        "cloudwatch:ListMetrics",
        "cloudwatch:GetDashboard",
        "cloudwatch:PutMetricData",
    }
    used = aws.ledger.needs(allowed_only=True)
    assert [unused_grants(policy, used) for policy in granted] == [()] * len(granted)


def test_one_denied_action_is_named_with_its_region_and_statement(shell: Any, aws: LocalAws) -> None:
    aws.faults.add(Fault(Failing.DENY, "ec2:DescribeInstanceStatus", region="eu-west-1"))
    done = shell("doctor")
    assert done.returncode == 1
    assert f"ec2:DescribeInstanceStatus: aws {HOME_ACCOUNT} eu-west-1: denied" in done.stderr
    assert policies(done.stdout) == {
        f"the role in account {HOME_ACCOUNT}": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["ec2:DescribeInstanceStatus"], "Resource": "*"}],
        }
    }


def test_a_service_that_is_down_is_no_missing_permission(shell: Any, aws: LocalAws) -> None:
    aws.faults.add(Fault(Failing.ERROR, "cloudwatch:GetDashboard"))
    done = shell("doctor")
    assert done.returncode == 1
    assert "cloudwatch:GetDashboard" in done.stderr
    assert "unavailable" in done.stderr
    assert policies(done.stdout) == {}


def test_a_member_account_that_cannot_be_entered_names_the_role(shell: Any, aws: LocalAws) -> None:
    role = "arn:aws:iam::222222222222:role/nephoscope-reader"
    shell.write(f'fleet: acme\ngather: {{aws: {{regions: [eu-west-1], accounts: [{{role: "{role}"}}]}}}}\n')
    aws.faults.add(Fault(Failing.DENY, "sts:AssumeRole"))
    done = shell("doctor")
    assert done.returncode == 1
    assert "sts:AssumeRole" in done.stderr
    assert {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": role} in policies(done.stdout)[
        "the role of the functions"
    ]["Statement"]


def test_channels_are_looked_at_without_telling_their_secrets(shell: Any, aws: LocalAws) -> None:
    shell.write(
        "fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\n"
        "tell:\n"
        '  inside: {webhook: "${env:INSIDE}"}\n'
        '  missing: {webhook: "${env:NOT_SET}"}\n'
        '  allowed: {webhook: "${env:ALLOWED}", allow: [http, private]}\n'
        '  oncall: {sns: "${stack:AlertTopic}"}\n'
    )
    done = shell(
        "doctor",
        INSIDE=f"https://127.0.0.1/{CANARY}",
        ALLOWED=f"http://127.0.0.1:9/{CANARY}",
    )
    assert done.returncode == 1
    assert "webhook: channel inside: address_refused: the name leads to a loopback address" in done.stderr
    assert "secret: ${env:NOT_SET} for channel missing: secret_missing" in done.stderr
    assert "2 of" in done.stderr
    assert CANARY not in done.stdout + done.stderr


def test_without_valid_credentials_nothing_else_is_asked(shell: Any, aws: LocalAws) -> None:
    aws.faults.add(Fault(Failing.DENY, "sts:GetCallerIdentity"))
    done = shell("doctor")
    assert done.returncode == 1
    assert "aws configure" in done.stderr
    assert {entry.action for entry in aws.ledger.entries()} == {"sts:GetCallerIdentity"}
