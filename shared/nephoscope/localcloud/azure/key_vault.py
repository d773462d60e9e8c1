"""Key Vault's data plane: GET /secrets/{name}/{version}, over what a test has put there. The first part of the path
stands for the vault's own host, `https://VAULT.vault.azure.net`.

It has words of its own for everything: a challenge that names the authority and the audience, an audience that must not
end in a slash, errors with an inner code.

Sources: https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret (7.4),
https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses (the challenge),
https://learn.microsoft.com/azure/key-vault/general/rest-error-codes; the words of refusals from the issues of clients:
Azure/azure-sdk-for-python 24557 and 27266 (no token, an expired one), 12 of the terraform-provider-azurerm kind for
ForbiddenByRbac, Azure/azure-sdk-for-js 24756 and 25489 (disabled, not found), vcsjones/AzureSignTool 219 (throttled).
That a missing api-version is a BadParameter is from memory.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nephoscope.localcloud.aws.call import Answer
from nephoscope.localcloud.azure.call import AUDIENCES, AzureError, Call, Plane, json_answer
from nephoscope.localcloud.azure.tokens import ForgedError, Issuer

GET_SECRET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"  # noqa: S105 - a permission's name
RESOURCE = "https://vault.azure.net"


@dataclass(frozen=True, slots=True)
class Version:
    """created: epoch seconds, on the wall."""

    value: str
    enabled: bool = True
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))


Secrets = Mapping[tuple[str, str], tuple[Version, ...]]
"""By vault and name, both in small letters: the versions, the newest last."""


def admit(issuer: Issuer, token: str) -> str:
    """The caller's object id. Raises AzureError (401) with the challenge."""
    if not token:
        raise _unauthorized(issuer, "AKV10000: Request is missing a Bearer or PoP token.")
    try:
        claims = issuer.claims(token)
    except ForgedError as error:
        text = "AKV10046: Unable to resolve the key used for signature validation."
        raise _unauthorized(issuer, text) from error
    if claims["exp"] <= time.time():
        raise _unauthorized(issuer, "[TokenExpired] Error validating token: 'S2S12086'.")
    if claims["aud"] not in AUDIENCES[Plane.VAULT]:
        text = f"AKV10022: Invalid audience. Expected {RESOURCE}, found: {claims['aud']}."
        raise _unauthorized(issuer, text)
    return str(claims["oid"])


def check_version(version: str) -> None:
    """Raises AzureError. A version of this plane is a number (7.4), since 2025 a date."""
    if not version:
        raise AzureError(400, "BadParameter", "api-version must be specified")


def get_secret(secrets: Secrets, call: Call) -> Answer:
    """Raises AzureError."""
    vault, name = call.path["vault"].lower(), call.path["secret"]
    versions = secrets.get((vault, name.lower()), ())
    wanted = call.path.get("version", "")
    found = next((each for each in reversed(versions) if wanted in ("", each.id)), None)
    if found is None:
        raise AzureError(
            404,
            "SecretNotFound",
            f"A secret with (name/id) {'/'.join(filter(None, (name, wanted)))} was not found in this key vault. If you "
            "recently deleted this secret you may be able to recover it using the correct recovery command. For help "
            "resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
        )
    if not found.enabled:
        text = "Operation get is not allowed on a disabled secret."
        raise AzureError(403, "Forbidden", text, inner={"code": "SecretDisabled"})
    return json_answer(_bundle(vault, name, found))


def denied(call: Call) -> AzureError:
    vault = call.path["vault"]
    where = f"providers/microsoft.keyvault/vaults/{vault}/secrets/{call.path['secret']}"
    text = (
        "Caller is not authorized to perform action on resource.\r\n"
        "If role assignments, deny assignments or role definitions were changed recently, please observe propagation "
        f"time.\r\nCaller: appid=***;oid={call.principal};iss=***\r\nAction: '{GET_SECRET}'\r\n"
        f"Resource: '/subscriptions/***/resourcegroups/***/{where}'\r\nAssignment: (not found)\r\n"
        f"DenyAssignmentId: null\r\nDecisionReason: null \r\nVault: {vault};location=westeurope\r\n"
    )
    return AzureError(403, "Forbidden", text, inner={"code": "ForbiddenByRbac"})


def throttled(seconds: int) -> AzureError:
    text = "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"
    return AzureError(429, "Throttled", text, headers={"Retry-After": str(seconds)})


def _bundle(vault: str, name: str, version: Version) -> Mapping[str, Any]:
    return {
        "value": version.value,
        "id": f"https://{vault}.vault.azure.net/secrets/{name}/{version.id}",
        "attributes": {
            "enabled": True,
            "created": version.created,
            "updated": version.created,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        },
        "tags": {},
    }


def _unauthorized(issuer: Issuer, message: str) -> AzureError:
    where = f"https://login.windows.net/{issuer.tenant}"
    challenge = f'Bearer authorization="{where}", resource="{RESOURCE}"'
    return AzureError(401, "Unauthorized", message, headers={"WWW-Authenticate": challenge})
