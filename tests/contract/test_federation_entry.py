"""A function of another cloud enters AWS: boto3's own provider, the file that we keep, STS with real checks, and a role
that may touch its own partitions only."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from alert_records import VirtualClock
from nephoscope.app.entrance import enter
from nephoscope.app.federation import enter_aws
from nephoscope.app.outside import SystemClock
from nephoscope.app.settings import Settings
from nephoscope.clouds.aws.admission import open_admission
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.model.errors import ReadError, Reason
from nephoscope.ports import Put, Row
from nephoscope.stores import dynamodb
from signed_tokens import (
    AZURE_ROLE,
    AZURE_TRUST,
    ENTRA,
    GOOGLE,
    GOOGLE_ROLE,
    GOOGLE_TRUST,
    NUMBER,
    Identity,
    Signer,
    azure_claims,
    google_claims,
)

SIGNER = Signer()
TABLE = "nephoscope-federation"
REGION = "eu-central-1"
MAY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"],
            "Resource": f"arn:aws:dynamodb:{REGION}:111111111111:table/{TABLE}",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["gcp#*"]}},
        },
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": "nephoscope"}},
        },
    ],
}


def federate(aws: LocalAws) -> None:
    web = aws.world.sessions.web
    web.register_issuer(GOOGLE, SIGNER.jwks())
    web.register_issuer(ENTRA, SIGNER.jwks(), ["api://nephoscope-prod"])
    web.trust(GOOGLE_ROLE, GOOGLE_TRUST)
    web.trust(AZURE_ROLE, AZURE_TRUST)


@pytest.fixture
def token_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a function that has no key: a role and a file."""
    file = tmp_path / "token"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ROLE_ARN", GOOGLE_ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "nephoscope")
    return file


def admitted(token: str, file: Path, role: str = GOOGLE_ROLE) -> bool:
    return enter_aws(Identity(token), "nephoscope-prod", file, SystemClock(), open_admission(role, REGION))


def good() -> str:
    return SIGNER.sign(google_claims(time.time()))


def test_every_call_is_the_roles_who_may_touch_its_own_partitions_only(local_aws: LocalAws, token_file: Path) -> None:
    owner = local_aws.client("dynamodb")
    dynamodb.create_table(owner, TABLE)
    federate(local_aws)
    local_aws.policies.attach(GOOGLE_ROLE, MAY)
    local_aws.policies.enforce = True
    local_aws.ledger.clear()
    admitted(good(), token_file)

    table = dynamodb.open_table(TABLE)
    own, foreign = "gcp#acme-web#europe-west1", "aws#111111111111#eu-west-1"
    assert table.transact([Put(Row(own, "progress", 1, {"slot": 60}), 0)]) == "done"
    assert table.get(own, "progress").data == {"slot": 60}
    with pytest.raises(Exception, match="denied"):
        table.get(foreign, "progress")
    with pytest.raises(Exception, match="denied"):
        table.transact([Put(Row(foreign, "progress", 1, {}), 0)])
    assert {entry.principal for entry in local_aws.ledger.entries() if entry.action != ASSUME} == {GOOGLE_ROLE}
    owner.close()


ASSUME = "sts:AssumeRoleWithWebIdentity"


def test_the_renewed_token_is_read_by_the_next_credentials(fleet_aws: LocalAws, token_file: Path) -> None:
    federate(fleet_aws)
    clock = VirtualClock()
    clock.now = time.time()
    first, second = good(), SIGNER.sign(google_claims(time.time(), jti="second"))
    identity = Identity(first, second)
    enter_aws(identity, "nephoscope-prod", token_file, clock)
    assert publish() is None
    clock.now += 3_100
    assert enter_aws(identity, "nephoscope-prod", token_file, clock) is True
    assert token_file.read_text() == second
    assert publish() is None
    assert fleet_aws.ledger.calls(ASSUME) == 2


def publish() -> Any:
    """What AWS said to one datum: None where it took it."""
    client = boto3.Session().client("cloudwatch")
    try:
        client.put_metric_data(Namespace="nephoscope", MetricData=[{"MetricName": "nephoscope.heartbeat", "Value": 1}])
    except (ClientError, BotoCoreError) as error:
        return error
    finally:
        client.close()
    return None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"aud": "other"}, r"AccessDenied: .*-gcp does not trust this token, which says .*google.com:oaud=other"),
        ({"azp": "999"}, r"AccessDenied: .*accounts.google.com:aud=999, .*:oaud=nephoscope-prod, .*:sub=" + NUMBER),
        ({"sub": "999"}, r"AccessDenied: .*accounts.google.com:sub=999; one differs from the role's trust policy"),
        ({"iss": "https://x.example"}, r"InvalidIdentityToken: no IAM OIDC provider for iss=https://x.example"),
        ({"sub": None}, r"InvalidIdentityToken: sub is not among its claims"),
    ],
)  # fmt: skip
def test_a_refused_token_names_the_claim(fleet_aws: LocalAws, token_file: Path, changes: Any, said: str) -> None:
    federate(fleet_aws)
    token = SIGNER.sign(google_claims(time.time(), **changes))
    with pytest.raises(ReadError, match=said) as caught:
        admitted(token, token_file)
    error = caught.value
    assert (error.cloud, error.account, error.region, error.operation) == ("aws", "111111111111", REGION, ASSUME)
    assert error.reason is Reason.DENIED
    assert token.rpartition(".")[2] not in str(error)
    # and no room goes on with it
    assert publish() is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"aud": "api://other"}, rf"aud=api://other is no audience of the IAM OIDC provider for {re.escape(ENTRA)}"),
        ({"iss": ENTRA[:-1]}, r"no IAM OIDC provider for iss=.*\(a trailing slash counts\)"),
        ({"sub": "x"}, r"sts.windows.net/.*/:aud=api://nephoscope-prod, sts.windows.net/.*/:sub=x; one differs"),
    ],
)
def test_so_does_azures(fleet_aws: LocalAws, token_file: Path, changes: Any, said: str) -> None:
    federate(fleet_aws)
    with pytest.raises(ReadError, match=said):
        admitted(SIGNER.sign(azure_claims(time.time(), **changes)), token_file, AZURE_ROLE)


def test_a_forged_token_and_one_from_a_slow_clock_say_what_is_wrong(fleet_aws: LocalAws, token_file: Path) -> None:
    federate(fleet_aws)
    with pytest.raises(ReadError, match=r"its signature is not of iss=https://accounts.google.com"):
        admitted(Signer().sign(google_claims(time.time())), token_file)
    slow = VirtualClock()
    slow.now = time.time() - 7_200
    old = Identity(SIGNER.sign(google_claims(slow.now)))
    with pytest.raises(ReadError, match=r"ExpiredTokenException: exp=\d+ has passed; is this machine's clock right"):
        enter_aws(old, "nephoscope-prod", token_file, slow, open_admission(GOOGLE_ROLE, REGION))


def test_an_aws_that_does_not_answer_is_unavailable_and_nobody_is_blamed(token_file: Path) -> None:
    with pytest.raises(ReadError) as caught:  # the fixture's endpoint is the discard port
        admitted(good(), token_file)
    assert caught.value.reason is Reason.UNAVAILABLE
    assert caught.value.retryable


def test_without_an_audience_nobody_is_asked(tmp_path: Path) -> None:
    enter(Settings(clouds=("gcp",), aws_token_file=str(tmp_path / "token")), SystemClock())
    assert not (tmp_path / "token").exists()


def test_the_deployments_variables_are_what_the_entrance_reads(token_file: Path) -> None:
    given = {**os.environ, "NEPHOSCOPE_AUDIENCE": "nephoscope-prod", "NEPHOSCOPE_CLOUDS": "gcp"}
    settings = Settings.from_environment(given)
    assert settings.aws_audience == "nephoscope-prod"
    assert (settings.aws_role, settings.aws_token_file) == (GOOGLE_ROLE, str(token_file))
    assert settings.writes_dashboard is False
    assert Settings(clouds=("aws",)).writes_dashboard is Settings().writes_dashboard is True
