"""azure-core's and azure-identity's exceptions in our words. Nothing of theirs leaves this room."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.identity import CredentialUnavailableError

from nephoscope.clouds.gaps import gap_error
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Scope

VENDOR_ERRORS = (AzureError,)
"""Everything that a client of Microsoft's raises on purpose."""

_DETAIL_LENGTH = 300
_CLOCK = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})")

CODES: Mapping[str, Reason] = {
    "RateLimiting": Reason.THROTTLED,
    "TooManyRequests": Reason.THROTTLED,
    "RequestThrottled": Reason.THROTTLED,
    "ResourceRequestsThrottled": Reason.THROTTLED,
    "SubscriptionRequestsThrottled": Reason.THROTTLED,
    "TenantRequestsThrottled": Reason.THROTTLED,
    "NoValidSubscriptionsInQueryRequest": Reason.DENIED,  # with 400: none of the subscriptions may be read
    "AuthorizationFailed": Reason.DENIED,
    "LinkedAuthorizationFailed": Reason.DENIED,
    "AuthenticationFailed": Reason.DENIED,
    "InvalidAuthenticationToken": Reason.DENIED,
    "InvalidAuthenticationTokenAudience": Reason.DENIED,
    "InvalidAuthenticationTokenTenant": Reason.DENIED,
    "ExpiredAuthenticationToken": Reason.DENIED,
    "AccessDenied": Reason.DENIED,
    "Forbidden": Reason.DENIED,
    "ReadOnlyDisabledSubscription": Reason.DENIED,
    "ResourceNotFound": Reason.NOT_FOUND,
    "ResourceGroupNotFound": Reason.NOT_FOUND,
    "SubscriptionNotFound": Reason.NOT_FOUND,
    "NotFound": Reason.NOT_FOUND,
    "ResponsePayloadTooLarge": Reason.TOO_LARGE,  # with 400: more than 16 MB would have come
    "RequestTimeout": Reason.TIMEOUT,
    "GatewayTimeout": Reason.TIMEOUT,
    "ServerTimeout": Reason.TIMEOUT,
    "InternalServerError": Reason.UNAVAILABLE,
    "ServerBusy": Reason.UNAVAILABLE,
    "ServiceUnavailable": Reason.UNAVAILABLE,
}
"""Error codes of Resource Manager, Resource Graph and Azure Monitor. A code without a row speaks by its HTTP status.
Source: https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
and https://learn.microsoft.com/azure/governance/resource-graph/troubleshoot/general"""

EXCEPTIONS: Sequence[tuple[type[Exception], Reason]] = (
    (ServiceRequestTimeoutError, Reason.TIMEOUT),
    (ServiceResponseTimeoutError, Reason.TIMEOUT),
    (ServiceRequestError, Reason.UNAVAILABLE),
    (ServiceResponseError, Reason.UNAVAILABLE),
    (IncompleteReadError, Reason.UNAVAILABLE),
    (CredentialUnavailableError, Reason.DENIED),
    (ClientAuthenticationError, Reason.DENIED),
    (DecodeError, Reason.MALFORMED),
)
"""What the clients raise where no answer of the service stands behind it; the first row that fits. What no row has is
REJECTED: our own call was wrong."""

_STATUSES: Mapping[int, Reason] = {
    401: Reason.DENIED,
    403: Reason.DENIED,
    404: Reason.NOT_FOUND,
    408: Reason.TIMEOUT,
    413: Reason.TOO_LARGE,
    429: Reason.THROTTLED,
    504: Reason.TIMEOUT,
}
_SERVER_ERROR = 500


def reason_of(error: Exception) -> Reason:
    """Why the call failed. 413 and 429 speak by their HTTP status whatever the code; so does a code without a row."""
    status = status_of(error)
    if status in (413, 429):
        return _STATUSES[status]
    for code, _ in _said(error):
        if code in CODES:
            return CODES[code]
    if status >= _SERVER_ERROR or status in _STATUSES:
        return _STATUSES.get(status, Reason.UNAVAILABLE)
    return next((reason for kind, reason in EXCEPTIONS if isinstance(error, kind)), Reason.REJECTED)


def status_of(error: Exception) -> int:
    """The HTTP status of the answer; 0 where there was none."""
    return int(getattr(error, "status_code", None) or 0)


def retry_after(error: BaseException | None) -> float:
    """Seconds that the answer itself asks to wait; 0 where it says nothing. Resource Graph tells them as a time of day
    in a header of its own.
    Source: https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests"""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    said = str(headers.get("Retry-After", ""))
    if said.isdigit():
        return float(said)
    match = _CLOCK.fullmatch(str(headers.get("x-ms-user-quota-resets-after", "")))
    hours, minutes, seconds = map(int, match.groups()) if match else (0, 0, 0)
    return float(3600 * hours + 60 * minutes + seconds)


def read_error(error: Exception, scope: Scope, operation: str) -> ReadError:
    """Ours for theirs. detail: the vendor's code and message, on one line; it names actions and resources, never a
    token."""
    return gap_error(scope, operation, reason_of(error), _detail(error))


def _said(error: Exception) -> Iterator[tuple[str, str]]:
    """Code and message of an answer: those of its details first, which are the more exact ones."""
    said: Any = getattr(error, "error", None) if isinstance(error, HttpResponseError) else None
    for part in [*(getattr(said, "details", None) or ()), said]:
        if part is not None:
            yield str(getattr(part, "code", None) or ""), str(getattr(part, "message", None) or "")


def _detail(error: Exception) -> str:
    words = next((f"{code}: {message}".strip(": ") for code, message in _said(error)), "")
    if not words and isinstance(error, HttpResponseError) and error.response is not None:
        words = f"HTTP {status_of(error)}"  # azure-core's own text holds the whole answer
    return " ".join((words or str(error)).split())[:_DETAIL_LENGTH]
