"""A call as the local Google understands it, and an error in Google's words.

Sources: https://cloud.google.com/apis/design/errors (the statuses and what HTTP and gRPC make of them),
google/api/error_reason.proto (the reasons), https://cloud.google.com/storage/docs/json_api/v1/status-codes (the older
`errors` list that REST answers still carry).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_TYPE = "type.googleapis.com/google.rpc."


class Status(StrEnum):
    """The names are those of google.rpc.Code and of grpc.StatusCode."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    NOT_FOUND = "NOT_FOUND"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"


HTTP: Mapping[Status, int] = {
    Status.INVALID_ARGUMENT: 400,
    Status.FAILED_PRECONDITION: 400,
    Status.UNAUTHENTICATED: 401,
    Status.PERMISSION_DENIED: 403,
    Status.NOT_FOUND: 404,
    Status.RESOURCE_EXHAUSTED: 429,
    Status.UNIMPLEMENTED: 501,
    Status.INTERNAL: 500,
    Status.UNAVAILABLE: 503,
}
_OLD_REASONS: Mapping[Status, tuple[str, str]] = {
    Status.INVALID_ARGUMENT: ("global", "invalid"),
    Status.FAILED_PRECONDITION: ("global", "failedPrecondition"),
    Status.UNAUTHENTICATED: ("global", "authError"),
    Status.PERMISSION_DENIED: ("global", "forbidden"),
    Status.NOT_FOUND: ("global", "notFound"),
    Status.RESOURCE_EXHAUSTED: ("usageLimits", "rateLimitExceeded"),
    Status.UNIMPLEMENTED: ("global", "notImplemented"),
    Status.INTERNAL: ("global", "internalError"),
    Status.UNAVAILABLE: ("global", "backendError"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """action: the method's id in Google's discovery documents (`compute.instances.aggregatedList`). permission: the IAM
    permission that it takes; empty: none. project: or the folder or organization that is searched. token: the bearer
    token as it came, empty when there was none. regions: what it asks about, empty for the whole project; worked out
    only once the caller is known. within: what is asked for in the project, empty for the project as a whole."""

    action: str
    permission: str
    service: str
    project: str
    token: str
    regions: Callable[[], tuple[str, ...]] = tuple
    within: str = ""

    @property
    def resource(self) -> str:
        """`projects/acme-web`, `folders/123`, `projects/acme-web/secrets/chat/versions/latest`."""
        place = self.project if "/" in self.project else f"projects/{self.project}"
        return f"{place}/{self.within}" if self.within else place


@dataclass(frozen=True, slots=True)
class Answer:
    """Over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Info:
    """google.rpc.ErrorInfo. reason: from ErrorReason; empty where the service gives none."""

    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class GoogleError(Exception):
    """An error that Google would give. retry_after: seconds, where the answer says so."""

    def __init__(
        self, status: Status, message: str, info: Info | None = None, *, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.info = info
        self.retry_after = retry_after


class CutError(Exception):
    """The connection is to end without an answer."""


def invalid(message: str) -> GoogleError:
    return GoogleError(Status.INVALID_ARGUMENT, message)


def render_error(error: GoogleError, *, older: bool = True) -> Answer:
    """As the REST APIs do: the newer status and details, and in the older APIs the older list beside them."""
    domain, reason = _OLD_REASONS[error.status]
    if error.info and error.info.reason == "SERVICE_DISABLED":
        domain, reason = "usageLimits", "accessNotConfigured"
    body: dict[str, Any] = {
        "code": HTTP[error.status],
        "message": error.message,
        "status": error.status.value,
    }
    if older:
        body["errors"] = [{"message": error.message, "domain": domain, "reason": reason}]
    if error.info:
        body["details"] = [
            {
                "@type": f"{_TYPE}ErrorInfo",
                "reason": error.info.reason,
                "domain": "googleapis.com",
                "metadata": dict(error.info.metadata),
            }
        ]
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    if error.status is Status.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return Answer(HTTP[error.status], headers, json.dumps({"error": body}).encode())


def json_answer(content: Any) -> Answer:
    return Answer(200, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(content).encode())
