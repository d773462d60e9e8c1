"""Tokens of the function's own identity: asked for once, renewed in time, refused in our words."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.identity import CredentialUnavailableError, DefaultAzureCredential, ManagedIdentityCredential

from nephoscope.clouds.azure.identity import ManagedIdentity, open_credential
from nephoscope.model.errors import ReadError, Reason


class Credential:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked += scopes
        return AccessToken(f"token {len(self.asked)}", 1_000)


class NoIdentity:
    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        raise CredentialUnavailableError("no identity is assigned")


def test_a_token_is_kept_until_shortly_before_it_expires() -> None:
    now = [0.0]
    credential = Credential()
    identity = ManagedIdentity(credential, wall=lambda: now[0])
    tokens = []
    for now[0] in (0.0, 699.0, 700.0):
        tokens.append(identity.read_token("api://nephoscope").reveal())
    assert tokens == ["token 1", "token 1", "token 2"]
    assert credential.asked == ["api://nephoscope/.default"] * 2


def test_each_audience_has_its_own_token() -> None:
    identity = ManagedIdentity(Credential(), wall=lambda: 0.0)
    assert identity.read_token("api://one") != identity.read_token("api://two")


def test_no_identity_is_a_refusal_in_our_words() -> None:
    with pytest.raises(ReadError) as raised:
        ManagedIdentity(NoIdentity(), "sub-ops").read_token("api://nephoscope")
    assert (raised.value.reason, raised.value.detail) == (Reason.DENIED, "no identity is assigned")
    assert (raised.value.cloud, raised.value.account) == ("azure", "sub-ops")


@pytest.mark.parametrize(
    ("environment", "kind"),
    [({"IDENTITY_ENDPOINT": "http://127.0.0.1:1/msi/token", "IDENTITY_HEADER": "x"}, ManagedIdentityCredential),
     ({}, DefaultAzureCredential)],
)  # fmt: skip
def test_a_function_is_its_managed_identity_and_a_person_is_signed_in(
    environment: dict[str, str], kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "AZURE_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    opened: Any = open_credential()
    assert isinstance(opened._credential, kind)
