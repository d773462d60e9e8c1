"""`${key-vault:VAULT/NAME}` from Azure Key Vault, by REST through azure-core's pipeline and the credential that is here
anyway; Microsoft's own package for it costs an import and does no more for one GET.

`${own-cloud:NAME}` is a secret in the vault that the deployment names as the function's own. The newest version is
read, and refused where it is disabled.

Source: https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret (7.4), and for refusals
https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.rest import HttpRequest

from nephoscope.clouds.azure.errors import VENDOR_ERRORS, reason_of, retry_after, status_of
from nephoscope.clouds.azure.identity import open_credential
from nephoscope.clouds.azure.session import Sessions
from nephoscope.clouds.secrets import OWN, KeptSecrets, Refusal
from nephoscope.model.errors import Reason
from nephoscope.ports import Clock

VERSION = "7.4"
ACTION = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0

_OK, _UNAUTHORIZED = 200, 401
_NO_VAULT = "the own vault is not known: the deployment gives it as NEPHOSCOPE_VAULT"


class Deployed(Protocol):
    """What is needed of the deployment's settings: the own vault's name (empty = none), and other addresses."""

    @property
    def vault(self) -> str: ...
    @property
    def endpoints(self) -> Mapping[str, str] | None: ...


def open_secrets(settings: Deployed, clock: Clock) -> KeptSecrets:
    """For a process's life. No call is made yet."""
    sessions = Sessions(open_credential(), settings.endpoints or {})
    return KeptSecrets(AzureKeeper(sessions, settings.vault).ask, clock.monotonic)


class AzureKeeper:
    """Key vaults. Safe to use from several threads."""

    def __init__(self, sessions: Sessions, own: str) -> None:
        self._sessions = sessions
        self._own = own

    def ask(self, kind: str, name: str) -> str | Refusal:
        """The value of a secret's newest version."""
        if kind not in ("key-vault", OWN):
            return Refusal(Reason.SECRET_MISSING, "not a reference to a secret of Azure's")
        vault, _, secret = f"{self._own}/{name}".partition("/") if kind == OWN else name.partition("/")
        if not vault:
            return Refusal(Reason.SECRET_MISSING, _NO_VAULT)
        try:
            body = self._get(vault, secret)
        except VENDOR_ERRORS as error:
            return _refusal(error)
        return _value_of(body)

    def _get(self, vault: str, secret: str) -> bytes:
        request = HttpRequest("GET", f"/secrets/{secret}", params={"api-version": VERSION})
        response = self._sessions.vault(vault).send_request(
            request, stream=True, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
        )
        body = response.read()
        if response.status_code != _OK:
            raise HttpResponseError(response=response)
        return body


def _value_of(body: bytes) -> str | Refusal:
    try:
        value = json.loads(body)["value"]
    except (ValueError, KeyError, TypeError):
        value = None
    return value if isinstance(value, str) else Refusal(Reason.MALFORMED, "the answer holds no secret", passing=True)


def _refusal(error: Exception) -> Refusal:
    reason = reason_of(error)
    match reason:
        case Reason.NOT_FOUND:
            return Refusal(Reason.SECRET_MISSING, "there is no such secret")
        case Reason.REJECTED:
            return Refusal(Reason.SECRET_MISSING, "Key Vault does not take this name")
        case Reason.DENIED if _inner_code(error) == "SecretDisabled":
            return Refusal(Reason.SECRET_MISSING, "the newest version is disabled")
        case Reason.DENIED:
            return Refusal(reason, _why_denied(error))
        case Reason.THROTTLED:
            return Refusal(reason, retry_after=retry_after(error) or None)
    return Refusal(reason, passing=reason is Reason.UNAVAILABLE)


def _why_denied(error: Exception) -> str:
    if isinstance(error, ClientAuthenticationError):
        return "this process has no identity in Azure"
    if status_of(error) == _UNAUTHORIZED:
        return "the vault does not take this identity's token"
    if _inner_code(error) == "ForbiddenByFirewall":
        return "the vault's firewall lets nobody in from here"
    return f"{ACTION} is not granted (the role Key Vault Secrets User holds it)"


def _inner_code(error: Exception) -> str:
    said: Any = getattr(error, "error", None)
    inner: Any = getattr(said, "innererror", None) or {}
    return str(inner.get("code", "")) if isinstance(inner, Mapping) else ""
