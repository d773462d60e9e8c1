"""The local Google's token exchange: what google-auth has signed is taken, and what was changed afterwards is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
import requests
from google.auth import aws
from google.auth.transport.requests import Request

from nephoscope.clouds.gcp.federation import federation_info
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.federation import Provider
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.model.config import GcpFederation

ROLE = "arn:aws:iam::111111111111:role/collect"
PROVIDER = Provider("projects/1/locations/global/workloadIdentityPools/pool/providers/prov", "111111111111")
ENTRY = GcpFederation(PROVIDER.name, names.account_email("acme-web"))

Form = dict[str, str]
Signed = dict[str, Any]


@pytest.fixture
def form(gcp: LocalGcp, fleet_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Form]:
    """What google-auth sends to the exchange."""
    gcp.federate(fleet_aws.url, PROVIDER)
    for name, value in fleet_aws.world.sessions.enter(ROLE, "session").items():
        monkeypatch.setenv(name, value)
    credentials: Any = aws.Credentials.from_info(federation_info(ENTRY))
    yield {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": f"//iam.googleapis.com/{PROVIDER.name}",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
        "subject_token": credentials.retrieve_subject_token(Request()),
    }


def exchange(gcp: LocalGcp, form: Form) -> requests.Response:
    return requests.post(f"{gcp.url}/v1/token", data=form, timeout=10)


def test_a_signed_question_is_worth_a_token(gcp: LocalGcp, form: Form) -> None:
    answer = exchange(gcp, form)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert body["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"


def test_that_token_is_good_for_the_service_account_alone(gcp: LocalGcp, form: Form) -> None:
    bearer = {"Authorization": f"Bearer {exchange(gcp, form).json()['access_token']}"}
    compute = f"{gcp.url}/compute/v1/projects/acme-web/zones"
    assert requests.get(compute, headers=bearer, timeout=10).status_code == 401
    url = f"{gcp.url}/v1/projects/-/serviceAccounts/{ENTRY.service_account}:generateAccessToken"
    wanted = {"scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": "600s"}
    account = requests.post(url, json=wanted, headers=bearer, timeout=10).json()
    bearer = {"Authorization": f"Bearer {account['accessToken']}"}
    assert requests.get(compute, headers=bearer, timeout=10).status_code == 200
    # and a service account's own token is none of a pool
    assert requests.post(url, json=wanted, headers=bearer, timeout=10).status_code == 403
    assert requests.post(url, json={"scope": []}, headers=bearer, timeout=10).status_code in (400, 403)


@pytest.mark.parametrize(
    ("change", "status"),
    [({"scope": []}, 400), ({"lifetime": "3601s"}, 400), ({"lifetime": "soon"}, 400), ({"lifetime": "1s"}, 200)],
)
def test_what_is_asked_of_the_service_account_is_checked(
    gcp: LocalGcp, form: Form, change: dict[str, Any], status: int
) -> None:
    bearer = {"Authorization": f"Bearer {exchange(gcp, form).json()['access_token']}"}
    url = f"{gcp.url}/v1/projects/-/serviceAccounts/{ENTRY.service_account}:generateAccessToken"
    answer = requests.post(url, json={"scope": ["a"], **change}, headers=bearer, timeout=10)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("grant_type", "client_credentials", "invalid_request"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:id_token", "invalid_request"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt", "invalid_request"),
        ("audience", "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool", "invalid_target"),
        ("audience", "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/other",
         "invalid_target"),
        ("subject_token", "", "invalid_grant"),
        ("subject_token", "eyJhbGciOi", "invalid_grant"),
        ("subject_token", "%7B%7D", "invalid_grant"),
    ],
)  # fmt: skip
def test_another_request_is_refused_as_rfc_8693_has_it(
    gcp: LocalGcp, form: Form, name: str, value: str, error: str
) -> None:
    answer = exchange(gcp, form | {name: value})
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def header(name: str, value: str | None) -> Callable[[Signed], None]:
    def change(signed: Signed) -> None:
        signed["headers"] = [each for each in signed["headers"] if each["key"] != name]
        if value is not None:
            signed["headers"].append({"key": name, "value": value})

    return change


def field(name: str, value: str) -> Callable[[Signed], None]:
    return lambda signed: signed.update({name: value})


STS = "https://sts.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    "change",
    [
        field("method", "GET"),
        field("url", f"{STS}?Action=GetSessionToken&Version=2011-06-15"),
        field("url", f"{STS}.evil.example?Action=GetCallerIdentity&Version=2011-06-15"),
        field("url", "http://sts.eu-central-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"),
        field("url", "https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"),
        header("host", "sts.eu-west-1.amazonaws.com"),
        header("x-amz-date", "20200101T000000Z"),
        header("x-amz-date", None),
        header("x-amz-security-token", "another"),
        header("x-goog-cloud-target-resource", None),
        header("x-goog-cloud-target-resource", "//iam.googleapis.com/projects/2/x"),
        header("Authorization", "AWS4-HMAC-SHA256 Credential=ASIA/1/2/3"),
    ],
)  # fmt: skip
def test_a_request_that_was_changed_after_it_was_signed_is_refused(
    gcp: LocalGcp, form: Form, change: Callable[[Signed], None]
) -> None:
    signed = json.loads(unquote(form["subject_token"]))
    change(signed)
    answer = exchange(gcp, form | {"subject_token": quote(json.dumps(signed))})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), answer.text


def test_the_untouched_request_passes_the_same_hands(gcp: LocalGcp, form: Form) -> None:
    """So that the refusals above are for their changes."""
    same = quote(json.dumps(json.loads(unquote(form["subject_token"]))))
    assert exchange(gcp, form | {"subject_token": same}).status_code == 200
