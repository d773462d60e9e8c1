"""The roles by which the functions of Google Cloud and Azure enter AWS: whom each trusts, and what each may do."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nephoscope.localcloud.aws.call import Need
from nephoscope.localcloud.aws.policy import permits
from nephoscope.model.beat import watch_scope
from nephoscope.model.scope import Cloud, Scope
from nephoscope.stores import keys

ROOT = Path(__file__).resolve().parents[2]
TENANT = "33333333-4444-5555-6666-777777777777"
IDENTITIES = {
    "gcp": {"unique_id": "104567890123456789012", "audience": "nephoscope-prod", "reader": "r@acme.example"},
    "azure": {"tenant_id": TENANT, "principal_id": "object-id", "audience": f"api://{TENANT}/nephoscope-prod"},
}
FACTS: Mapping[str, Any] = {
    "clouds": ["aws", "gcp", "azure"],
    "region": "eu-west-1",
    "namespace": "nephoscope",
    "stack": ["AlertTopic"],
    "topics": ["arn:aws:sns:us-east-1:333333333333:others"],
    "channel_secrets": {"ssm": ["/nephoscope/hook"], "secretsmanager": ["nephoscope/slack"]},
}
TABLE = "arn:aws:dynamodb:eu-west-1:111111111111:table/nephoscope-prod"


def node(program: str, *arguments: Any) -> Any:
    """What a function of the plugin's gives back. program: an expression over `given`, the arguments."""
    own = Path(sys.executable).with_name("node")
    command = str(own) if own.exists() else shutil.which("node")
    if command is None:
        pytest.skip("node is not installed: make test installs it")
    text = f"const given = JSON.parse(process.argv[1]); console.log(JSON.stringify({program}))"
    done = subprocess.run(
        [command, "-e", text, json.dumps(arguments)],
        cwd=ROOT / "infra/aws",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def federation(identities: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    made: dict[str, Any] = node(
        "require('./federation').federation(...given)", {**FACTS, **facts}, identities, "nephoscope-prod"
    )
    return made


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return federation(IDENTITIES)


def trust(made: Mapping[str, Any], role: str) -> dict[str, Any]:
    (statement,) = made["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRoleWithWebIdentity")
    trusted: dict[str, Any] = statement
    return trusted


def policy(made: Mapping[str, Any], role: str) -> dict[str, Any]:
    """The role's only policy, with CloudFormation's references resolved as they would be."""
    (only,) = made["Resources"][role]["Properties"]["Policies"]
    text = json.dumps(only["PolicyDocument"])
    for reference, value in {
        '{"Fn::GetAtt": ["Table", "Arn"]}': TABLE,
        '{"Ref": "AlertTopic"}': "arn:aws:sns:eu-west-1:111111111111:alerts",
    }.items():
        text = text.replace(reference, json.dumps(value))
    document: dict[str, Any] = json.loads(text)
    return document


def test_every_claim_of_googles_token_is_pinned(made: Mapping[str, Any]) -> None:
    statement = trust(made, "GcpRole")
    assert statement["Principal"] == {"Federated": "accounts.google.com"}
    assert statement["Condition"] == {
        "StringEquals": {
            "accounts.google.com:aud": "104567890123456789012",
            "accounts.google.com:oaud": "nephoscope-prod",
            "accounts.google.com:sub": "104567890123456789012",
        }
    }


def test_every_claim_of_azures_token_is_pinned_and_the_slash_is_kept(made: Mapping[str, Any]) -> None:
    statement = trust(made, "AzureRole")
    assert statement["Principal"] == {"Federated": {"Ref": "AzureTenant"}}
    assert statement["Condition"] == {
        "StringEquals": {
            f"sts.windows.net/{TENANT}/:aud": f"api://{TENANT}/nephoscope-prod",
            f"sts.windows.net/{TENANT}/:sub": "object-id",
        }
    }
    assert made["Resources"]["AzureTenant"] == {
        "Type": "AWS::IAM::OIDCProvider",
        "Properties": {
            "Url": f"https://sts.windows.net/{TENANT}/",
            "ClientIdList": [f"api://{TENANT}/nephoscope-prod"],
        },
    }


def test_the_roles_names_are_known_before_they_are_made(made: Mapping[str, Any]) -> None:
    names = {role: made["Resources"][role]["Properties"]["RoleName"] for role in ("GcpRole", "AzureRole")}
    assert names == {"GcpRole": "nephoscope-prod-eu-west-1-gcp", "AzureRole": "nephoscope-prod-eu-west-1-azure"}
    assert made["Outputs"]["GcpRoleArn"]["Value"] == {"Fn::GetAtt": ["GcpRole", "Arn"]}


def test_an_identity_that_is_not_there_gets_no_role() -> None:
    assert set(federation({"gcp": IDENTITIES["gcp"]})["Resources"]) == {"GcpRole"}
    assert federation({}) == {"Resources": {}, "Outputs": {}}
    assert federation(IDENTITIES, clouds=["aws"]) == {"Resources": {}, "Outputs": {}}


def test_a_claim_without_a_value_is_refused_not_left_open() -> None:
    with pytest.raises(AssertionError, match=r"nothing for accounts\.google\.com:aud"):
        federation({"gcp": {**IDENTITIES["gcp"], "unique_id": ""}})


WEB, SUB = Scope(Cloud.GCP, "acme-web", "europe-west1"), Scope(Cloud.AZURE, "sub-1", "westeurope")
AWS = Scope(Cloud.AWS, "111111111111", "eu-west-1")


@pytest.mark.parametrize("action", ["GetItem", "Query", "PutItem", "DeleteItem"])
@pytest.mark.parametrize(
    ("role", "own", "others"),
    [
        ("GcpRole", [WEB.key, keys.registry(Cloud.GCP), keys.heartbeat(Cloud.GCP), watch_scope(Cloud.GCP).key],
         [SUB.key, AWS.key, keys.registry(Cloud.AZURE), keys.registry(Cloud.AWS), "global"]),
        ("AzureRole", [SUB.key, keys.registry(Cloud.AZURE), keys.heartbeat(Cloud.AZURE), watch_scope(Cloud.AZURE).key],
         [WEB.key, AWS.key, keys.registry(Cloud.GCP), keys.registry(Cloud.AWS), "global"]),
    ],
)  # fmt: skip
def test_each_remembers_what_is_its_own_and_nothing_else(
    made: Mapping[str, Any], role: str, own: list[str], others: list[str], action: str
) -> None:
    def may(*partitions: str) -> bool:
        need = Need(f"dynamodb:{action}", TABLE, {"dynamodb:LeadingKeys": partitions})
        return permits([policy(made, role)], need)

    assert all(may(key) for key in own)
    assert not any(may(key) for key in others)
    assert not may(own[0], others[0])  # a transaction that reaches over


@pytest.mark.parametrize(
    ("role", "other"), [("GcpRole", Cloud.AZURE), ("GcpRole", Cloud.AWS), ("AzureRole", Cloud.GCP)]
)
def test_of_the_others_each_may_read_the_sign_of_life_and_leave_none(
    made: Mapping[str, Any], role: str, other: Cloud
) -> None:
    def may(action: str, partition: str) -> bool:
        need = Need(f"dynamodb:{action}", TABLE, {"dynamodb:LeadingKeys": (partition,)})
        return permits([policy(made, role)], need)

    assert may("GetItem", keys.heartbeat(other))
    assert not any(may(action, keys.heartbeat(other)) for action in ("Query", "PutItem", "DeleteItem"))
    assert not may("GetItem", watch_scope(other).key)


def test_each_may_do_that_and_no_more(made: Mapping[str, Any]) -> None:
    for role in ("GcpRole", "AzureRole"):
        statements = policy(made, role)["Statement"]
        granted = {
            action
            for each in statements
            for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
        }
        assert granted == {
            "cloudwatch:PutMetricData",
            "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem",
            "sns:Publish", "ssm:GetParameter", "secretsmanager:GetSecretValue",
        }  # fmt: skip
        (anywhere,) = [each for each in statements if each["Resource"] == "*"]
        assert anywhere["Action"] == "cloudwatch:PutMetricData"
        assert anywhere["Condition"] == {"StringEquals": {"cloudwatch:namespace": "nephoscope"}}


def test_what_no_channel_needs_is_not_granted() -> None:
    bare = federation(IDENTITIES, stack=[], topics=[], channel_secrets={"ssm": [], "secretsmanager": []})
    actions = [str(each["Action"]) for each in policy(bare, "GcpRole")["Statement"]]
    assert not any("sns" in action or "ssm" in action or "secrets" in action for action in actions)


def test_cfn_lint_finds_nothing(made: Mapping[str, Any], tmp_path: Path) -> None:
    table = {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        },
    }
    resources = {**made["Resources"], "Table": table, "AlertTopic": {"Type": "AWS::SNS::Topic"}}
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources, "Outputs": made["Outputs"]}
    (tmp_path / "t.json").write_text(json.dumps(template), encoding="utf-8")
    done = subprocess.run(["cfn-lint", str(tmp_path / "t.json")], capture_output=True, text=True, check=False)
    assert done.stdout == ""
