"""Who we are in Azure: the function's managed identity, or whom a person's machine is signed in as.

A function has its identity's address in the environment. AZURE_CLIENT_ID names a user-assigned one; without it the
function's own is meant. Elsewhere azure-identity's default chain applies (workload identity federation, `az login`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from azure.core.credentials import AccessToken, TokenCredential
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

from nephoscope.clouds.azure.errors import VENDOR_ERRORS, read_error
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret
from nephoscope.ports import IdentityReader

TOKEN = "managed identity: token"  # noqa: S105 - an operation's name

_MANAGED = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")
_NEAR_EXPIRY = 300.0  # seconds


def open_credential() -> TokenCredential:
    """What every client here signs in with. No call is made yet."""
    if any(os.environ.get(name) for name in _MANAGED):
        client_id = os.environ.get("AZURE_CLIENT_ID") or None
        return _OneByOne(
            ManagedIdentityCredential(client_id=client_id, connection_timeout=5, read_timeout=10, retry_total=2)
        )
    return _OneByOne(DefaultAzureCredential())


class _OneByOne:
    """Threads that want the same token at once ask for it once: the others find it kept by azure-identity. The identity
    endpoint throttles those who ask too much."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential
        self._lock = threading.Lock()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        with self._lock:
            return self._credential.get_token(*scopes, **options)


class Deployed(Protocol):
    """What is needed of the deployment's settings: the subscription that the function runs in (empty = not known)."""

    @property
    def account(self) -> str: ...


def open_identity(settings: Deployed) -> IdentityReader:
    """The function's own identity towards others: AWS lets it in by such a token."""
    return ManagedIdentity(open_credential(), settings.account)


class ManagedIdentity:
    """ports.IdentityReader. Tokens are kept until shortly before they expire. Safe to use from several threads."""

    def __init__(
        self, credential: TokenCredential, subscription: str = "", wall: Callable[[], float] = time.time
    ) -> None:
        self._credential = credential
        self._scope = Scope(Cloud.AZURE, subscription, "")
        self._wall = wall
        self._kept: dict[str, AccessToken] = {}
        self._lock = threading.Lock()

    def read_token(self, audience: str) -> Secret:
        """A token whose `aud` is this (`api://...`). Raises ReadError."""
        with self._lock:
            kept = self._kept.get(audience)
            if kept is None or kept.expires_on - _NEAR_EXPIRY <= self._wall():
                kept = self._kept[audience] = self._ask(audience)
            return Secret(kept.token)

    def _ask(self, audience: str) -> AccessToken:
        try:
            return self._credential.get_token(f"{audience}/.default")
        except VENDOR_ERRORS as error:
            raise read_error(error, self._scope, TOKEN) from error
