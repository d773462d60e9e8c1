"""The managed identity's endpoint by Microsoft's own client, and what its tokens say."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential

from nephoscope.localcloud.azure.identity import TokenService
from nephoscope.localcloud.azure.local import CLIENT_ID, OBJECT_ID, TENANT, LocalAzure

AUDIENCE = "api://nephoscope"


def _checked(azure: LocalAzure, token: str, audience: str) -> Any:
    """By PyJWT, which knows nothing of how it was made."""
    (key,) = azure.jwks()["keys"]
    issuer = f"https://sts.windows.net/{TENANT}/"
    return jwt.decode(token, jwt.PyJWK(key), algorithms=["RS256"], audience=audience, issuer=issuer)


def _ask(azure: LocalAzure, header: str | None = "", **params: str) -> requests.Response:
    environment = azure.environment()
    headers = {} if header is None else {"X-IDENTITY-HEADER": header or environment["IDENTITY_HEADER"]}
    query = {"api-version": "2019-08-01", "resource": AUDIENCE} | {
        name.replace("__", "-"): v for name, v in params.items()
    }
    return requests.get(environment["IDENTITY_ENDPOINT"], params=query, headers=headers, timeout=5)


def test_a_token_names_tenant_identity_and_audience(azure: LocalAzure, credential: ManagedIdentityCredential) -> None:
    token = credential.get_token(f"{AUDIENCE}/.default")
    claims = _checked(azure, token.token, AUDIENCE)
    assert (claims["sub"], claims["oid"], claims["appid"], claims["tid"]) == (OBJECT_ID, OBJECT_ID, CLIENT_ID, TENANT)
    assert claims["exp"] == pytest.approx(token.expires_on, abs=2)
    assert claims["exp"] - time.time() == pytest.approx(86_400, abs=10)
    assert jwt.get_unverified_header(token.token)["kid"] == azure.jwks()["keys"][0]["kid"]


def test_expires_on_is_a_text_of_epoch_seconds(azure: LocalAzure) -> None:
    answer = _ask(azure).json()
    assert answer["expires_on"] == str(_checked(azure, answer["access_token"], AUDIENCE)["exp"])
    assert (answer["resource"], answer["token_type"], answer["client_id"]) == (AUDIENCE, "Bearer", CLIENT_ID)


@pytest.mark.parametrize(
    ("header", "params", "status"),
    [
        (None, {}, 400),
        ("a-guess", {}, 401),
        ("", {"api__version": "2017-09-01"}, 400),
        ("", {"client_id": "00000000-0000-4000-8000-000000000000"}, 400),
        ("", {"client_id": CLIENT_ID, "principal_id": OBJECT_ID}, 400),
        ("", {"resource": "https://nowhere.example"}, 500),
        ("", {"client_id": CLIENT_ID}, 200),
        ("", {"object_id": OBJECT_ID}, 200),
    ],
)
def test_a_request_is_refused_as_the_platform_refuses_it(
    azure: LocalAzure, header: str | None, params: dict[str, str], status: int
) -> None:
    answer = _ask(azure, header, **params)
    assert answer.status_code == status
    assert ("access_token" in answer.json()) == (status == 200)
    if status != 200:
        assert answer.json()["statusCode"] == status


def test_microsofts_client_tells_which_identity_was_not_found(azure: LocalAzure) -> None:
    with (
        ManagedIdentityCredential(client_id="00000000-0000-4000-8000-000000000000", retry_total=0) as stranger,
        pytest.raises((CredentialUnavailableError, ClientAuthenticationError), match="No Managed Identity found"),
    ):
        stranger.get_token("https://management.azure.com/.default")


def test_only_registered_applications_are_known_where_they_are_listed(azure: LocalAzure) -> None:
    service = TokenService(azure.issuer, azure.identity, ("api://registered",))
    assert [service._is_known(name) for name in ("api://registered", AUDIENCE, "https://management.azure.com")] == [
        True,
        False,
        True,
    ]
