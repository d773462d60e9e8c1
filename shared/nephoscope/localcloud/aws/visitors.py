"""The functions of another cloud, let into a local AWS as a deployment lets them in: a role of their own that trusts
exactly one identity, and may write our metrics, touch its own partitions of the alert memory, and tell.

What infra/aws/federation.js puts into the template, put up by hand for what needs no template: the demonstration and
the tests of the packages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT
from nephoscope.localcloud.azure.local import OBJECT_ID, LocalAzure
from nephoscope.localcloud.gcp.local import LocalGcp

GOOGLE = "https://accounts.google.com"
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Visitor:
    """One cloud's way in. audience: whom its tokens are for. role: what it becomes, an ARN."""

    cloud: str
    audience: str
    role: str

    def trust(
        self, aws: LocalAws, issuer: str, jwks: Mapping[str, Any], claims: Mapping[str, str], audiences: Sequence[str]
    ) -> None:
        """Let in whoever brings a token of this issuer with exactly these claims. audiences: of the account's OIDC
        provider for the issuer; none for Google, which IAM knows by itself."""
        prefix = issuer.removeprefix("https://")
        provider = prefix if issuer == GOOGLE else f"arn:aws:iam::{HOME_ACCOUNT}:oidc-provider/{prefix}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{prefix}:{name}": value for name, value in claims.items()}},
        }
        aws.world.sessions.web.register_issuer(issuer, jwks, audiences)
        aws.world.sessions.web.trust(self.role, _document(statement))

    def trust_google(self, aws: LocalAws, google: LocalGcp, **claims: str) -> None:
        """Its service account, by all three keys. claims: in place of the right ones."""
        number = google.service_account["unique_id"]
        pinned = {"aud": number, "oaud": self.audience, "sub": number, **claims}
        self.trust(aws, GOOGLE, google.jwks(), pinned, [])

    def trust_azure(self, aws: LocalAws, azure: LocalAzure, **claims: str) -> None:
        """Its managed identity. claims: in place of the right ones."""
        pinned = {"aud": self.audience, "sub": OBJECT_ID, **claims}
        self.trust(aws, azure.issuer.url, azure.jwks(), pinned, [self.audience])

    def grant(self, aws: LocalAws, table: str, topic: str, *more: Document, namespace: str = "nephoscope") -> None:
        """The role's policy. more: further statements. Policies count only where the AWS enforces them."""
        own = [f"{self.cloud}#*", f"registry#{self.cloud}", f"heartbeat#{self.cloud}"]
        publish = {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": namespace}},
        }
        remember = {
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"],
            "Resource": f"arn:aws:dynamodb:{aws.region}:{HOME_ACCOUNT}:table/{table}",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": own}},
        }
        look = {
            **remember,
            "Action": "dynamodb:GetItem",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["heartbeat#*"]}},
        }
        tell = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
        aws.policies.attach(self.role, _document(publish, remember, look, tell, *more))

    def environment(self, aws: LocalAws, table: str, topic: str, account: str, token_file: str) -> dict[str, str]:
        """What infra/gcp and infra/azure give the functions, and this AWS in place of the real one; no key. account:
        the project or subscription that they run in."""
        own = {name: value for name, value in aws.environment().items() if not re.search("KEY|REGION", name)}
        return {
            **own,
            "AWS_REGION": aws.region,
            "AWS_ROLE_ARN": self.role,
            "AWS_WEB_IDENTITY_TOKEN_FILE": token_file,
            "NEPHOSCOPE_CLOUDS": self.cloud,
            "NEPHOSCOPE_TABLE": table,
            "NEPHOSCOPE_ACCOUNT": account,
            "NEPHOSCOPE_AUDIENCE": self.audience,
            "NEPHOSCOPE_STACK_AlertTopic": topic,
        }


def visitor(cloud: str, deployment: str, region: str) -> Visitor:
    """deployment: service and stage, which name role and audience alike."""
    audience = f"api://{deployment}" if cloud == "azure" else deployment
    return Visitor(cloud, audience, f"arn:aws:iam::{HOME_ACCOUNT}:role/{deployment}-{region}-{cloud}")


def _document(*statements: Document) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}
