"""AWS's own tokens for others: by boto3, checked by a JWT library against the published keys; and our reader of
them."""

from __future__ import annotations

import os
import time
from typing import Any

import boto3
import jwt
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.clouds.aws.identity import LIFETIME
from nephoscope.localcloud.aws import outbound
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.model.errors import ReadError, Reason

ACCOUNT = "111111111111"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/nephoscope-prod-eu-central-1-collect"
AUDIENCE = "api://AzureADTokenExchange"
ACTION = "sts:GetWebIdentityToken"


@pytest.fixture
def aws(fleet_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """A process with the keys of a Lambda's role."""
    for name, value in fleet_aws.world.sessions.enter(ROLE, "nephoscope-prod-collect").items():
        monkeypatch.setenv(name, value)
    return fleet_aws


def claims(token: str, audience: str = AUDIENCE) -> Any:
    """What it says, once signature, end and audience were checked."""
    keys = jwt.PyJWKSet.from_dict(outbound.jwks())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, ["RS256", "ES384"], audience=audience, issuer=outbound.issuer_of(ACCOUNT))


def read_token() -> str:
    token: str = wire("identity", "aws")(Settings.from_environment(os.environ)).read_token(AUDIENCE).reveal()
    return token


def test_our_token_is_the_roles_for_this_audience_and_for_five_minutes(aws: LocalAws) -> None:
    said = claims(read_token())
    assert (said["sub"], said["aud"]) == (ROLE, AUDIENCE)
    assert said["exp"] - said["iat"] == LIFETIME == 300
    assert said["https://sts.amazonaws.com/"]["aws_account"] == ACCOUNT
    assert [(each.action, each.principal) for each in aws.ledger.entries()] == [(ACTION, ROLE)]


@pytest.mark.parametrize("algorithm", ["RS256", "ES384"])
def test_both_algorithms_can_be_checked_by_anyone(aws: LocalAws, algorithm: Any) -> None:
    sts = boto3.Session().client("sts")
    token = sts.get_web_identity_token(Audience=[AUDIENCE, "x"], SigningAlgorithm=algorithm, DurationSeconds=60)
    said = claims(token["WebIdentityToken"], "x")
    assert said["aud"] == [AUDIENCE, "x"]
    assert token["Expiration"].timestamp() == said["exp"] == pytest.approx(time.time() + 60, abs=5)
    sts.close()


@pytest.mark.parametrize(
    "asked",
    [{"DurationSeconds": 59}, {"DurationSeconds": 3601}, {"SigningAlgorithm": "HS256"}, {"Audience": ["a"] * 11}],
)
def test_what_aws_does_not_give_is_refused(aws: LocalAws, asked: dict[str, Any]) -> None:
    sts = boto3.Session().client("sts", config=Config(parameter_validation=False))
    with pytest.raises(ClientError, match="ValidationError"):
        sts.get_web_identity_token(**{"Audience": [AUDIENCE], "SigningAlgorithm": "RS256", **asked})
    sts.close()


def test_an_account_that_lets_nobody_out_says_how_to_switch_it_on(aws: LocalAws) -> None:
    aws.world.sessions.outbound.disabled.add(ACCOUNT)
    with pytest.raises(ReadError) as caught:
        read_token()
    error = caught.value
    assert (error.cloud, error.operation, error.reason) == ("aws", ACTION, Reason.DENIED)
    assert error.detail == (
        "outbound identity federation is off in this account: aws iam enable-outbound-web-identity-federation"
    )


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({"ForAllValues:StringEquals": {"sts:IdentityTokenAudience": [AUDIENCE]}}, True),
        ({"ForAllValues:StringEquals": {"sts:IdentityTokenAudience": ["https://elsewhere.example"]}}, False),
        ({"NumericLessThanEquals": {"sts:DurationSeconds": "300"}}, True),
        ({"NumericLessThanEquals": {"sts:DurationSeconds": "299"}}, False),
        ({"StringEquals": {"sts:SigningAlgorithm": "ES384"}}, False),
    ],
)
def test_a_policy_may_say_for_whom_and_for_how_long(aws: LocalAws, statement: Any, allowed: bool) -> None:
    policy = {"Effect": "Allow", "Action": ACTION, "Resource": "*", "Condition": statement}
    aws.policies.attach(ROLE, {"Version": "2012-10-17", "Statement": [policy]})
    aws.policies.enforce = True
    if allowed:
        assert claims(read_token())["sub"] == ROLE
        return
    with pytest.raises(ReadError) as caught:
        read_token()
    assert caught.value.reason is Reason.DENIED
    assert f"not authorized to perform: {ACTION}" in caught.value.detail


def test_a_service_that_is_away_is_no_refusal(aws: LocalAws) -> None:
    aws.faults.add(Fault(Failing.UNAVAILABLE, ACTION))
    with pytest.raises(ReadError) as caught:
        read_token()
    assert caught.value.reason is Reason.UNAVAILABLE


def test_a_runtime_whose_boto3_is_too_old_is_told(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda brings its own."""

    class Older:
        def client(self, *_: object, **__: object) -> object:
            return object()

    monkeypatch.setattr(boto3, "Session", Older)
    with pytest.raises(ReadError, match=rf"boto3 {boto3.__version__} of this runtime does not know it yet") as caught:
        read_token()
    assert caught.value.reason is Reason.REJECTED


def test_another_secret_signs_for_nobody(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "stolen")
    with pytest.raises(ReadError, match="SignatureDoesNotMatch"):
        read_token()
