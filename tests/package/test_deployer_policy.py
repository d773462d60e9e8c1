"""infra/aws/deployer-policy.json lets its holder make, change and remove the stack, and names nothing else.

What CloudFormation calls on behalf of whoever deploys stands in the resource types' own schemas ("handlers"), which
come with cfn-lint; what the framework itself calls is a short list.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from nephoscope.localcloud.aws.call import Need
from nephoscope.localcloud.aws.policy import permits, unused_grants
from tests.package.conftest import ROOT

POLICY = json.loads((ROOT / "infra/aws/deployer-policy.json").read_text(encoding="utf-8"))
MOST = 6_144
"""Characters of a managed policy, blanks not counted. Source: IAM user guide, "IAM and AWS STS quotas"."""

OTHER_CLOUDS = {"AWS::IAM::OIDCProvider"}
"""In the stack where Azure's functions have a role."""

STAYS = {"dynamodb:DeleteTable"}
"""`osls remove` leaves the table."""

NOT_USED = {
    r"^(kinesis|kms|ec2|elasticfilesystem|s3files|s3tables|firehose):": "no stream, key, VPC, file system of ours",
    r"^s3:REST\.": "no action of IAM's",
    r"^dynamodb:(Import|DescribeImport|.*Kinesis|.*Replica|UpdateContributor|Put|DeleteResource)": "not configured",
    r"^dynamodb:(Scan|Query|UpdateItem|GetItem|DeleteItem|BatchWriteItem)$": "for replicas and imports",
    r"^logs:(Put|Delete)(DataProtection|Resource|Index|LogGroupDeletion|BearerToken)": "not configured",
    r"^logs:(CreateLogDelivery|.*KmsKey|CreateLogStream|PutLogEvents)": "not configured; for imports",
    r"^lambda:(.*CodeSigning|GetLayerVersion|.*Scaling|PublishVersion|PassCapacity|AssociateRuntime)": "not configured",
    r"^s3:(Put|Delete|Create|Update)(?!Bucket(PublicAccessBlock|Policy|Tagging|Versioning)?$|Encryption)": "not used",
    r"^s3:ListAllMyBuckets$": "listing is not needed",
    r"^iam:.*(User|Group)Policy$": "roles only",
    r"^iam:(Attach|Detach)RolePolicy$|PermissionsBoundary$": "inline policies, no boundary",
    r"^iam:CreateServiceLinkedRole$": "for replicas",
    r"^sns:(PutDataProtectionPolicy|Unsubscribe)$": "subscriptions are people's own",
}
"""What the schemas name for features that the template does not use."""

FRAMEWORK = {
    "cloudformation": (
        "CreateChangeSet CreateStack DeleteChangeSet DeleteStack DescribeChangeSet DescribeStackEvents "
        "DescribeStackResource DescribeStackResources DescribeStacks ExecuteChangeSet GetTemplate ListStackResources "
        "UpdateStack"
    ),
    "s3": "PutObject DeleteObject DeleteObjectVersion GetObject ListBucket ListBucketVersions GetBucketLocation",
    "lambda": "GetFunction",
}
"""What `osls` calls by itself for deploy, info and remove. Source: its own source, lib/plugins/aws."""

ANYWHERE = ("cloudformation:ListExports", "cloudformation:ValidateTemplate", "lambda:ListEventSourceMappings")

RESOURCES = {
    "cloudformation": "arn:aws:cloudformation:eu-west-1:111111111111:stack/nephoscope-prod/0a1b",
    "cloudwatch": "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:nephoscope-prod-NoHeartbeat-1A",
    "dynamodb": "arn:aws:dynamodb:eu-west-1:111111111111:table/nephoscope-prod-Table-1A",
    "lambda": "arn:aws:lambda:eu-west-1:111111111111:function:nephoscope-prod-collect",
    "logs": "arn:aws:logs:eu-west-1:111111111111:log-group:/aws/lambda/nephoscope-prod-collect",
    "s3": "arn:aws:s3:::nephoscope-prod-serverlessdeploymentbucket-1a",
    "scheduler": "arn:aws:scheduler:eu-west-1:111111111111:schedule/default/nephoscope-prod-Collect-1A",
    "sns": "arn:aws:sns:eu-west-1:111111111111:nephoscope-prod-AlertTopic-1A",
    "sqs": "arn:aws:sqs:eu-west-1:111111111111:nephoscope-prod-WorkQueue-1A",
}
ROLE = "arn:aws:iam::111111111111:role/nephoscope-prod-eu-west-1-collect"
PROVIDER = "arn:aws:iam::111111111111:oidc-provider/sts.windows.net/22222222-2222-2222-2222-222222222222/"


def handlers_of(kinds: set[str]) -> set[str]:
    """The actions of creating, reading, changing and removing."""
    return {
        action
        for kind in kinds
        for verb, handler in PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"].items()
        if verb != "list"
        for action in handler["permissions"]
    }


def need_of(action: str) -> Need:
    service = action.partition(":")[0]
    if service == "iam":
        context = {"iam:PassedToService": ("lambda.amazonaws.com",)} if action == "iam:PassRole" else {}
        return Need(action, PROVIDER if "OpenIDConnect" in action else ROLE, context)
    return Need(action, "*" if action in ANYWHERE else RESOURCES[service])


@pytest.fixture(scope="module")
def needs(template: dict[str, Any]) -> list[Need]:
    actions = handlers_of({each["Type"] for each in template["Resources"].values()} | OTHER_CLOUDS)
    named = {action for action in actions if not any(re.search(pattern, action) for pattern in NOT_USED)}
    own = {f"{service}:{name}" for service, names in FRAMEWORK.items() for name in names.split()}
    return [need_of(action) for action in sorted((named | own | set(ANYWHERE)) - STAYS)]


def test_it_allows_all_that_the_stack_asks_of_whoever_deploys(needs: list[Need]) -> None:
    assert [need.action for need in needs if not permits([POLICY], need)] == []
    assert len(needs) > 100


def test_it_allows_nothing_else(needs: list[Need]) -> None:
    assert unused_grants(POLICY, needs) == ()


@pytest.mark.parametrize(
    "need",
    [
        Need("dynamodb:DeleteTable", RESOURCES["dynamodb"]),
        Need("iam:CreateRole", "arn:aws:iam::111111111111:role/admin"),
        Need("lambda:UpdateFunctionCode", "arn:aws:lambda:eu-west-1:111111111111:function:shop"),
        Need("iam:PassRole", ROLE, {"iam:PassedToService": ("ec2.amazonaws.com",)}),
        Need("dynamodb:GetItem", RESOURCES["dynamodb"]),
    ],
    ids=lambda need: need.action,
)
def test_it_reaches_no_further_than_what_is_called_nephoscope(need: Need) -> None:
    assert not permits([POLICY], need)


def test_iam_takes_it_as_one_managed_policy() -> None:
    assert len(re.sub(r"\s", "", json.dumps(POLICY))) <= MOST
