"""Who is let in, how calls are refused on purpose, and what the ledger says of it."""

from __future__ import annotations

import base64
import json
import ssl
import time
import urllib.request
from typing import Any
from urllib.error import URLError

import jwt
import pytest
import requests
from azure.core.exceptions import ServiceResponseError
from cryptography.hazmat.primitives.asymmetric import rsa

from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.ledger import Entry
from nephoscope.localcloud.azure.local import OBJECT_ID, LocalAzure
from nephoscope.localcloud.incidents import Happening, Incident

WEB = "11111111-aaaa-4000-8000-000000000001"
DATA = "22222222-bbbb-4000-8000-000000000002"
MANAGEMENT = "https://management.azure.com"
SUBSCRIPTIONS = "/subscriptions?api-version=2022-12-01"
MACHINES = f"/subscriptions/{WEB}/providers/Microsoft.Compute/virtualMachines?api-version=2024-07-01"
READ_MACHINES = "Microsoft.Compute/virtualMachines/read"


def _get(azure: LocalAzure, token: str, path: str = SUBSCRIPTIONS) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(azure.url + path, headers=headers, timeout=5)


def _forged(azure: LocalAzure, how: str) -> str:
    token = azure.token(MANAGEMENT)
    head, _, signature = token.split(".")
    said = jwt.decode(token, options={"verify_signature": False})
    own_key = rsa.generate_private_key(65537, 2048)
    match how:
        case "another key":
            return jwt.encode(said, own_key, "RS256", jwt.get_unverified_header(token))
        case "no signature":
            return jwt.encode(said, None, "none")
        case "other claims":
            other = base64.urlsafe_b64encode(json.dumps(said | {"oid": "somebody"}).encode()).rstrip(b"=").decode()
            return f"{head}.{other}.{signature}"
        case "another tenant":
            return azure.token(MANAGEMENT, iss="https://sts.windows.net/another/")
    return "no token at all"


def test_a_good_token_is_let_in(azure: LocalAzure) -> None:
    assert _get(azure, azure.token(MANAGEMENT)).status_code == 200
    assert _get(azure, azure.token(MANAGEMENT + "/")).status_code == 200


@pytest.mark.parametrize("how", ["another key", "no signature", "other claims", "another tenant", "rubbish"])
def test_a_forged_token_is_refused(azure: LocalAzure, how: str) -> None:
    answer = _get(azure, _forged(azure, how))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_missing_an_expired_and_a_foreign_token_are_told_apart(azure: LocalAzure) -> None:
    tokens = {
        "AuthenticationFailed": "",
        "ExpiredAuthenticationToken": azure.token(MANAGEMENT, lifetime=-1),
        "InvalidAuthenticationTokenAudience": azure.token("https://metrics.monitor.azure.com"),
    }
    answers = {code: _get(azure, token) for code, token in tokens.items()}
    assert {code: answer.json()["error"]["code"] for code, answer in answers.items()} == {code: code for code in tokens}
    assert {answer.status_code for answer in answers.values()} == {401}
    assert not any(entry.allowed for entry in azure.ledger.entries())


def test_the_metrics_want_a_token_of_their_own(azure: LocalAzure) -> None:
    url = f"{azure.metrics_endpoint('westeurope')}/subscriptions/{WEB}/metrics:getBatch?api-version=2024-02-01"
    headers = {"Authorization": f"Bearer {azure.token(MANAGEMENT)}"}
    answer = requests.post(url, json={"resourceids": []}, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationTokenAudience")


def test_the_api_version_is_required(azure: LocalAzure) -> None:
    token = azure.token(MANAGEMENT)
    assert _get(azure, token, "/subscriptions").json()["error"]["code"] == "MissingApiVersionParameter"
    assert _get(azure, token, "/subscriptions?api-version=1").json()["error"]["code"] == "InvalidApiVersionParameter"


def test_a_client_that_does_not_know_the_authority_is_not_served(azure: LocalAzure) -> None:
    with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(azure.url, context=ssl.create_default_context(), timeout=5)  # noqa: S310 - our own https
    assert _get(azure, azure.token(MANAGEMENT)).status_code == 200


# --- permissions ---------------------------------------------------------------------------------------------------


def test_a_subscription_without_a_role_is_not_listed_and_refused(azure: LocalAzure, management: Any) -> None:
    azure.deny(WEB)
    listed = management.send(SUBSCRIPTIONS).json()["value"]
    assert [row["subscriptionId"] for row in listed] == [DATA]
    answer = management.send(MACHINES)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AuthorizationFailed")
    assert f"'{OBJECT_ID}' does not have authorization to perform action '{READ_MACHINES}'" in answer.text()


def test_a_subscription_that_is_not_there_is_not_found(management: Any) -> None:
    answer = management.send(MACHINES.replace(WEB, "33333333-0000-4000-8000-000000000003"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SubscriptionNotFound")


def test_a_blind_region_refuses_its_own_listing_and_no_other(azure: LocalAzure, management: Any) -> None:
    blind = Incident(Happening.REGION_DENIED, 0, 600, account=WEB, region="eastus")
    azure.reset(azure.fleet.with_script([blind]))
    azure.set_time(azure.fleet.start + 60)
    place = f"/subscriptions/{WEB}/providers/Microsoft.Compute/locations/{{}}/virtualMachines?api-version=2024-07-01"
    assert [management.send(place.format(name)).status_code for name in ("eastus", "westeurope")] == [403, 200]
    assert management.send(MACHINES).status_code == 200


# --- faults --------------------------------------------------------------------------------------------------------


def test_azures_own_client_waits_as_long_as_it_is_told(azure: LocalAzure, patient: Any) -> None:
    azure.faults.add(Fault(Failing.THROTTLE, READ_MACHINES, calls=1, seconds=1))
    began = time.monotonic()
    assert patient.send(MACHINES).status_code == 200
    assert time.monotonic() - began >= 1
    assert [entry.status for entry in azure.ledger.entries(READ_MACHINES)] == [429, 200]


@pytest.mark.parametrize(
    ("failing", "status", "code"),
    [
        (Failing.THROTTLE, 429, "TooManyRequests"),
        (Failing.DENY, 403, "AuthorizationFailed"),
        (Failing.ERROR, 500, "InternalServerError"),
        (Failing.UNAVAILABLE, 503, "ServiceUnavailable"),
    ],
)
def test_a_fault_answers_in_azures_words(
    azure: LocalAzure, management: Any, failing: Failing, status: int, code: str
) -> None:
    azure.faults.add(Fault(failing, READ_MACHINES, account=WEB, skip=1, calls=1))
    answers = [management.send(MACHINES) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, status, 200]
    assert answers[1].json()["error"]["code"] == code


def test_resource_graph_tells_the_wait_in_its_own_header_too(azure: LocalAzure, management: Any) -> None:
    azure.faults.add(Fault(Failing.THROTTLE, "Microsoft.ResourceGraph/*", seconds=5))
    path = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
    answer = management.send(path, {"query": "resources"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "RateLimiting")
    assert (answer.headers["Retry-After"], answer.headers["x-ms-user-quota-resets-after"]) == ("5", "00:00:05")


def test_a_connection_can_be_cut_and_a_body_can_break_off(azure: LocalAzure, management: Any) -> None:
    azure.faults.add(Fault(Failing.CUT, READ_MACHINES, calls=1))
    with pytest.raises(ServiceResponseError):
        management.send(MACHINES)
    azure.faults.add(Fault(Failing.MALFORMED, READ_MACHINES, calls=1))
    with pytest.raises(json.JSONDecodeError):
        json.loads(management.send(MACHINES).text())
    assert management.send(MACHINES).json()["value"]


# --- the ledger ----------------------------------------------------------------------------------------------------


def test_the_ledger_names_permission_scope_and_caller(azure: LocalAzure, management: Any) -> None:
    management.send(MACHINES)
    azure.deny(WEB)
    management.send(MACHINES)
    served, refused = azure.ledger.entries(READ_MACHINES)
    assert isinstance(served, Entry)
    assert (served.principal, served.resource, served.account) == (OBJECT_ID, f"/subscriptions/{WEB}", WEB)
    assert [(entry.status, entry.allowed) for entry in (served, refused)] == [(200, True), (403, False)]
    assert [(need.action, need.resource) for need in azure.ledger.needs()] == [(READ_MACHINES, f"/subscriptions/{WEB}")]
    azure.reset()
    assert azure.ledger.entries() == ()
    assert management.send(MACHINES).status_code == 200
