"""The managed identity endpoint of App Service and Azure Functions, over plain http on this machine as there.

One identity: it is found without an id (as the app's own) and by its client id, object id or resource id; any other
id is refused. Source: "REST endpoint reference" in https://learn.microsoft.com/azure/app-service/overview-managed-identity;
what a refusal looks like is from the issues of clients (`statusCode`, `message`, `correlationId`). That a missing
header is 400 and a wrong one 401 is from memory.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl

from nephoscope.localcloud.aws.call import Answer, Request
from nephoscope.localcloud.azure.call import AUDIENCES, json_answer
from nephoscope.localcloud.azure.tokens import Issuer

PATH = "/msi/token"
API_VERSION = "2019-08-01"
_ID_PARAMETERS = ("client_id", "principal_id", "object_id", "mi_res_id")


@dataclass(frozen=True, slots=True)
class Identity:
    """header: what IDENTITY_HEADER holds, so that a forged request from outside the app gets no token."""

    client_id: str
    object_id: str
    resource_id: str
    header: str

    def known_by(self, parameter: str) -> str:
        names = {"client_id": self.client_id, "mi_res_id": self.resource_id}
        return names.get(parameter, self.object_id)


class RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class TokenService:
    """applications: the app registrations (`api://...`) that the tenant knows beside Azure's own; None = any."""

    def __init__(self, issuer: Issuer, identity: Identity, applications: Collection[str] | None = None) -> None:
        self._issuer = issuer
        self._identity = identity
        self._applications = applications
        self.lifetime = 86_400

    def answer(self, request: Request) -> Answer:
        try:
            return self._token(request)
        except RefusedError as error:
            body = {"statusCode": error.status, "message": str(error), "correlationId": str(uuid.uuid4())}
            return json_answer(body, error.status)

    def _token(self, request: Request) -> Answer:
        asked = {name.lower(): value for name, value in parse_qsl(request.query)}
        self._check_caller(request)
        if asked.get("api-version") != API_VERSION:
            raise RefusedError(400, "The api-version is missing or not supported.")
        self._check_identity(asked)
        resource = asked.get("resource", "")
        if not self._is_known(resource):
            # The resource principal is not in the tenant: the platform answers 500, without saying more.
            raise RefusedError(500, "An unexpected error occured while fetching the AAD Token.")
        token = self._issuer.issue(resource, self._identity.object_id, self._identity.client_id, lifetime=self.lifetime)
        claims = self._issuer.claims(token)
        return json_answer(
            {
                "access_token": token,
                "expires_on": str(claims["exp"]),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": self._identity.client_id,
            }
        )

    def _check_caller(self, request: Request) -> None:
        if request.method != "GET" or request.path.rstrip("/").lower() != PATH:
            raise RefusedError(404, "Not found.")
        header = request.headers.get("x-identity-header")
        if header is None:
            raise RefusedError(400, "The X-IDENTITY-HEADER is missing.")
        if not hmac.compare_digest(header, self._identity.header):
            raise RefusedError(401, "The X-IDENTITY-HEADER is not the expected one.")

    def _check_identity(self, asked: dict[str, str]) -> None:
        named = [parameter for parameter in _ID_PARAMETERS if parameter in asked]
        if len(named) > 1:
            raise RefusedError(400, "Only one of client_id, principal_id, object_id and mi_res_id may be given.")
        for parameter in named:
            if asked[parameter].lower() != self._identity.known_by(parameter).lower():
                raise RefusedError(400, "No Managed Identity found for specified ClientId/ResourceId/PrincipalId.")

    def _is_known(self, resource: str) -> bool:
        if any(resource.rstrip("/") in audiences for audiences in AUDIENCES.values()):
            return True
        if self._applications is None:
            return resource.startswith("api://")
        return resource in self._applications
