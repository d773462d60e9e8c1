"""The way into Azure for AWS's functions: no secret, but a token that AWS signs for the function's role.

azure-identity does it: it hands the token to Microsoft Entra ID as the assertion of an app registration (or of a
user-assigned identity) that has a federated credential for this issuer, subject and audience, and keeps what it gets
until minutes before its end. What is added here: threads ask one by one, no exchange outlasts a run, one that failed is
not tried by every thread again, and a refusal says what was refused.

Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceResponseError
from azure.identity import ClientAssertionCredential

from nephoscope.model.config import AzureFederation
from nephoscope.model.errors import ReadError
from nephoscope.ports import Clock, IdentityReader

AUDIENCE = "api://AzureADTokenExchange"
"""Whom AWS's tokens are for. Source: https://learn.microsoft.com/graph/api/resources/federatedidentitycredential"""

_REMEMBERED_SECONDS = 15.0
"""For so long an exchange that failed is not tried again: less than a period, so that each run tries it once."""

_SERVER_ERROR, _TOO_MANY = 500, 429
_SAID = re.compile(r"AADSTS[0-9]+: .*?(?= Trace ID: |$)")
"""A code and its sentence. Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes"""


def federated_credential(
    entry: AzureFederation, guest: IdentityReader, clock: Clock, endpoints: Mapping[str, str]
) -> FederatedCredential:
    """A credential for a process's life. No call is made yet. endpoints: `azure_login` in place of Entra's own."""
    inner = ClientAssertionCredential(
        entry.tenant,
        entry.client,
        lambda: guest.read_token(AUDIENCE).reveal(),
        authority=endpoints.get("azure_login") or None,
        connection_timeout=3,
        read_timeout=5,  # AWS's own scopes share the run
        retry_total=1,
    )
    return FederatedCredential(entry, inner, clock)


@dataclass(frozen=True, slots=True)
class _Refusal:
    error: AzureError | ReadError
    until: float


class FederatedCredential:
    """azure-core's TokenCredential. Safe to use from several threads."""

    def __init__(self, entry: AzureFederation, inner: TokenCredential, clock: Clock) -> None:
        self._entry = entry
        self._inner = inner
        self._clock = clock
        self._refusal: _Refusal | None = None
        self._lock = threading.Lock()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Raises AzureError that says what Entra refused; ReadError where AWS gives no token for it."""
        with self._lock:
            if self._refusal is not None and self._clock.monotonic() < self._refusal.until:
                raise self._refusal.error
            try:
                token = self._inner.get_token(*scopes, **options)
            except (AzureError, ReadError) as error:
                self._refusal = _Refusal(explained(error, self._entry), self._clock.monotonic() + _REMEMBERED_SECONDS)
                raise self._refusal.error from error
            self._refusal = None
            return token


def explained(error: AzureError | ReadError, entry: AzureFederation) -> AzureError | ReadError:
    """Entra's refusal in its own words, without its ids of the moment; what is none is Entra's own trouble."""
    status = int(getattr(error, "status_code", None) or 0)
    if not isinstance(error, ClientAuthenticationError) or status >= _SERVER_ERROR or status == _TOO_MANY:
        return error
    found = _SAID.search(" ".join(str(error.message).split()))
    if found is None:
        return ServiceResponseError("Entra's token endpoint does not answer as it should")
    return ClientAuthenticationError(f"no token for client {entry.client} in tenant {entry.tenant}: {found[0]}")
