"""The local STS lets in who AWS would: a real token against a role's trust, and each claim that is wrong refused."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from nephoscope.localcloud.aws.local import LocalAws
from signed_tokens import (
    AZURE_ROLE,
    AZURE_TRUST,
    ENTRA,
    GOOGLE,
    GOOGLE_ROLE,
    GOOGLE_TRUST,
    HOME,
    NUMBER,
    OBJECT,
    TENANT,
    Signer,
    azure_claims,
    google_claims,
    trust,
)

SIGNER = Signer()
FORGER = Signer()


@pytest.fixture
def aws(fleet_aws: LocalAws) -> LocalAws:
    web = fleet_aws.world.sessions.web
    web.register_issuer(GOOGLE, SIGNER.jwks())
    web.register_issuer(ENTRA, SIGNER.jwks(), ["api://nephoscope-prod"])
    web.trust(GOOGLE_ROLE, GOOGLE_TRUST)
    web.trust(AZURE_ROLE, AZURE_TRUST)
    return fleet_aws


def assume(aws: LocalAws, role: str, token: str) -> Any:
    client = boto3.client(
        "sts",
        endpoint_url=aws.url,
        region_name="eu-central-1",
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )
    try:
        return client.assume_role_with_web_identity(RoleArn=role, RoleSessionName="test", WebIdentityToken=token)
    finally:
        client.close()


@pytest.mark.parametrize(
    ("role", "claims", "subject", "provider"),
    [
        (GOOGLE_ROLE, google_claims, NUMBER, "accounts.google.com"),
        (AZURE_ROLE, azure_claims, OBJECT, f"arn:aws:iam::{HOME}:oidc-provider/sts.windows.net/{TENANT}/"),
    ],
)
def test_a_good_token_gives_credentials_that_are_the_roles(aws, role, claims, subject, provider) -> None:
    answer = assume(aws, role, SIGNER.sign(claims(time.time())))
    assert (answer["SubjectFromWebIdentityToken"], answer["Provider"]) == (subject, provider)
    given = answer["Credentials"]
    assert 3500 < given["Expiration"].timestamp() - time.time() <= 3600

    client = boto3.client(
        "sts",
        endpoint_url=aws.url,
        region_name="eu-central-1",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    name = role.rpartition("/")[2]
    assert client.get_caller_identity()["Arn"] == f"arn:aws:sts::{HOME}:assumed-role/{name}/test"
    client.close()
    (entry,) = aws.ledger.entries("sts:GetCallerIdentity")
    assert (entry.principal, entry.account) == (role, HOME)


DENIED, INVALID, EXPIRED = "AccessDenied", "InvalidIdentityToken", "ExpiredTokenException"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "someone-else"}, DENIED),  # oaud
        ({"azp": "999"}, DENIED),  # aud: given to another service account
        ({"azp": "nephoscope-prod"}, DENIED),  # the audience where the number belongs
        ({"sub": "999"}, DENIED),
        ({"iss": "https://accounts.example.com"}, INVALID),
        ({"iss": "https://accounts.google.com/"}, INVALID),  # a slash too many is another issuer
        ({"iss": "accounts.google.com"}, INVALID),
        ({"exp": 1_700_000_000}, EXPIRED),
        ({"exp": None}, INVALID),
        ({"sub": None}, INVALID),
        ({"aud": 5}, INVALID),
    ],
)
def test_each_wrong_claim_of_google_is_refused(aws, changes, code) -> None:
    with pytest.raises(ClientError) as caught:
        assume(aws, GOOGLE_ROLE, SIGNER.sign(google_claims(time.time(), **changes)))
    assert caught.value.response["Error"]["Code"] == code
    (entry,) = aws.ledger.entries("sts:AssumeRoleWithWebIdentity")
    assert entry.status == (403 if code == DENIED else 400)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"aud": "api://other"}, INVALID, "Incorrect token audience"),
        ({"sub": "00000000-0000-4000-8000-000000000000"}, DENIED, "Not authorized to perform sts:Assume"),
        # without the trailing slash it is not the provider that the account knows
        ({"iss": ENTRA.rstrip("/")}, INVALID, f"No OpenIDConnect provider found in your account for {ENTRA[:-1]}"),
        ({"iss": ENTRA.replace(TENANT, "other-tenant")}, INVALID, "No OpenIDConnect provider found"),
        ({"exp": 1_700_000_000}, EXPIRED, "must be before the expiration date/time 1700000000"),
    ],
)
def test_each_wrong_claim_of_azure_is_refused(aws, changes, code, said) -> None:
    with pytest.raises(ClientError, match=said) as caught:
        assume(aws, AZURE_ROLE, SIGNER.sign(azure_claims(time.time(), **changes)))
    assert caught.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    "token",
    [
        FORGER.sign(google_claims(time.time())),  # the right key id, another's key
        SIGNER.sign(google_claims(time.time()), kid="unknown"),
        SIGNER.sign(google_claims(time.time()), alg="none"),
        SIGNER.sign(google_claims(time.time()), alg="HS256"),
        SIGNER.sign(google_claims(time.time())).rpartition(".")[0] + ".",
        SIGNER.sign(google_claims(time.time())).rpartition(".")[0] + ".AAAA",
        "ya29.an-access-token",
        "not a token",
        "a.b.c",
        "W10.W10.W10",
    ],
)
def test_what_google_did_not_sign_is_refused(aws, token) -> None:
    with pytest.raises(ClientError) as caught:
        assume(aws, GOOGLE_ROLE, token)
    assert caught.value.response["Error"]["Code"] == INVALID


def test_claims_that_were_changed_after_signing_are_refused(aws) -> None:
    head, _, signature = SIGNER.sign(google_claims(time.time(), sub="999")).split(".")
    body = SIGNER.sign(google_claims(time.time())).split(".")[1]
    with pytest.raises(ClientError, match="signature"):
        assume(aws, GOOGLE_ROLE, f"{head}.{body}.{signature}")


def test_a_key_that_was_rotated_in_is_accepted_and_one_rotated_out_is_not(aws) -> None:
    new = Signer("key-2")
    aws.world.sessions.web.register_issuer(GOOGLE, new.jwks())
    assert assume(aws, GOOGLE_ROLE, new.sign(google_claims(time.time())))["Credentials"]
    with pytest.raises(ClientError):
        assume(aws, GOOGLE_ROLE, SIGNER.sign(google_claims(time.time())))


@pytest.mark.parametrize(
    ("role", "document"),
    [
        ("arn:aws:iam::111111111111:role/nobody-made-this", None),
        # Azure's role is not for Google's tokens, and a role that trusts a service trusts no token
        (AZURE_ROLE, None),
        (GOOGLE_ROLE, {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                                      "Action": "sts:AssumeRole"}]}),
        (GOOGLE_ROLE, trust("arn:aws:iam::111111111111:oidc-provider/accounts.google.com")),
    ],
)  # fmt: skip
def test_a_role_that_does_not_trust_google_is_not_given(aws, role, document) -> None:
    if document:
        aws.world.sessions.web.trust(role, document)
    with pytest.raises(ClientError) as caught:
        assume(aws, role, SIGNER.sign(google_claims(time.time())))
    assert caught.value.response["Error"]["Code"] == DENIED
