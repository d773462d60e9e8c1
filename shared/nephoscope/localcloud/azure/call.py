"""A call as the front understands it, and an error in Azure's words."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nephoscope.localcloud.aws.call import Answer, Request


class Plane(StrEnum):
    """Who answers. Each wants tokens of its own audience and says its errors in its own way."""

    MANAGEMENT = "management"
    METRICS = "metrics"
    LOGS = "logs"
    VAULT = "vault"


AUDIENCES: Mapping[Plane, frozenset[str]] = {
    Plane.MANAGEMENT: frozenset({"https://management.azure.com", "https://management.core.windows.net"}),
    Plane.METRICS: frozenset({"https://metrics.monitor.azure.com"}),
    Plane.LOGS: frozenset({"https://api.loganalytics.io", "https://api.loganalytics.azure.com"}),
    Plane.VAULT: frozenset({"https://vault.azure.net", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"}),
}
"""Without the trailing slash, which may be there, but for Key Vault. Source: the default audiences of
azure-monitor-querymetrics, azure-monitor-query and azure-mgmt-core; key_vault.py."""


@dataclass(frozen=True, slots=True)
class Call:
    """action: the permission that it takes (`Microsoft.Compute/virtualMachines/read`). subscription, region: empty
    where the call has none. params: the query's, names in lower case. path: what the route found in the path.
    principal: the object id of the caller's identity."""

    plane: Plane
    action: str
    subscription: str
    region: str
    params: Mapping[str, str]
    path: Mapping[str, str]
    principal: str
    request: Request
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def account(self) -> str:
        return self.subscription

    @property
    def scope(self) -> str:
        return f"/subscriptions/{self.subscription}" if self.subscription else "/"

    def here(self, path: str) -> str:
        """An absolute address on the host that was called: next links are followed verbatim."""
        return f"https://{self.request.headers.get('host', '127.0.0.1')}{path}"


class AzureError(Exception):
    """An error that Azure would give. details: further lines of the body's error. headers: beside the body."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: tuple[Mapping[str, Any], ...] = (),
        headers: Mapping[str, str] | None = None,
        inner: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = dict(headers or {})
        self.inner = inner


def bad_request(message: str) -> AzureError:
    return AzureError(400, "BadRequest", message)


def json_answer(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None, units: int = 0
) -> Answer:
    own = {"Content-Type": "application/json; charset=utf-8", "x-ms-request-id": str(uuid.uuid4())}
    return Answer(status, own | dict(headers or {}), json.dumps(body, separators=(",", ":")).encode(), units)


def render_error(error: AzureError) -> Answer:
    """`{"error": {...}}`. Source: the error responses of Azure Resource Manager,
    https://learn.microsoft.com/rest/api/azure/#http-response"""
    inside: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details:
        inside["details"] = list(error.details)
    if error.inner:
        inside["innererror"] = dict(error.inner)
    return json_answer({"error": inside}, error.status, error.headers)
