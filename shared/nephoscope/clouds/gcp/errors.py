"""Google's exceptions in our words. Nothing of google.api_core, google.auth, grpc or requests leaves this room.

A refusal has up to three words for itself: a reason (google.rpc.ErrorInfo, or REST's older `errors[].reason`), and the
status. The reason is the more telling one: Compute says 403 where it means "too many", and Monitoring says
PERMISSION_DENIED where an API is not switched on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from nephoscope.clouds.gaps import gap_error
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Scope

VENDOR_ERRORS = (api.GoogleAPIError, auth.GoogleAuthError, requests.RequestException)
"""Everything that a call to Google raises, once gRPC's own error is made one of google.api_core's."""

_DETAIL_LENGTH = 300

REASONS: Mapping[str, Reason] = {
    "SERVICE_DISABLED": Reason.DENIED,
    "accessNotConfigured": Reason.DENIED,
    "BILLING_DISABLED": Reason.DENIED,
    "CONSUMER_INVALID": Reason.DENIED,
    "CONSUMER_SUSPENDED": Reason.DENIED,
    "USER_PROJECT_DENIED": Reason.DENIED,
    "IAM_PERMISSION_DENIED": Reason.DENIED,
    "ACCESS_TOKEN_EXPIRED": Reason.DENIED,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Reason.DENIED,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": Reason.DENIED,
    "ACCOUNT_STATE_INVALID": Reason.DENIED,
    "CREDENTIALS_MISSING": Reason.DENIED,
    "SECURITY_POLICY_VIOLATED": Reason.DENIED,
    "LOCATION_POLICY_VIOLATED": Reason.DENIED,
    "authError": Reason.DENIED,
    "required": Reason.DENIED,
    "forbidden": Reason.DENIED,
    "insufficientPermissions": Reason.DENIED,
    "RATE_LIMIT_EXCEEDED": Reason.THROTTLED,
    "RESOURCE_QUOTA_EXCEEDED": Reason.THROTTLED,
    "rateLimitExceeded": Reason.THROTTLED,
    "userRateLimitExceeded": Reason.THROTTLED,
    "concurrentLimitExceeded": Reason.THROTTLED,
    "quotaExceeded": Reason.THROTTLED,
    "notFound": Reason.NOT_FOUND,
    "backendError": Reason.UNAVAILABLE,
    "internalError": Reason.UNAVAILABLE,
    "invalid": Reason.REJECTED,
    "invalidParameter": Reason.REJECTED,
}
"""Reason words -> ours. Sources: google.api.ErrorReason (google/api/error_reason.proto), and the reasons of the REST
APIs' older error format (https://docs.cloud.google.com/storage/docs/json_api/v1/status-codes)."""

STATUSES: Mapping[int, Reason] = {
    400: Reason.REJECTED,
    401: Reason.DENIED,
    403: Reason.DENIED,
    404: Reason.NOT_FOUND,
    408: Reason.TIMEOUT,
    409: Reason.UNAVAILABLE,
    413: Reason.TOO_LARGE,
    416: Reason.REJECTED,
    429: Reason.THROTTLED,
    499: Reason.UNAVAILABLE,
    500: Reason.UNAVAILABLE,
    501: Reason.REJECTED,
    502: Reason.UNAVAILABLE,
    503: Reason.UNAVAILABLE,
    504: Reason.TIMEOUT,
}
"""HTTP status, or the one that google.api_core gives to a gRPC status -> ours. 409 is ABORTED: to be tried again; 499
CANCELLED: the connection went away under the call. Source: google/rpc/code.proto."""

EXCEPTIONS: Sequence[tuple[type[Exception], Reason]] = (
    (auth.TimeoutError, Reason.TIMEOUT),
    (auth.TransportError, Reason.UNAVAILABLE),
    (auth.GoogleAuthError, Reason.DENIED),
    (requests.Timeout, Reason.TIMEOUT),
    (requests.exceptions.InvalidURL, Reason.REJECTED),
    (requests.exceptions.MissingSchema, Reason.REJECTED),
    (requests.exceptions.InvalidSchema, Reason.REJECTED),
    (requests.exceptions.TooManyRedirects, Reason.REDIRECTED),
    (requests.exceptions.ContentDecodingError, Reason.MALFORMED),
    (requests.exceptions.InvalidJSONError, Reason.MALFORMED),
    (requests.RequestException, Reason.UNAVAILABLE),
    (api.RetryError, Reason.TIMEOUT),
)
"""What the libraries raise by themselves; the first row that fits."""

_SERVER_ERROR = 500


def reason_of(error: Exception) -> Reason:
    """Why the call failed. What no row has is REJECTED: our own call was wrong."""
    if isinstance(error, api.GoogleAPICallError):
        return _refusal(error)
    if isinstance(error, auth.RefreshError):
        status = status_of_refresh(error)
        return Reason.UNAVAILABLE if error.retryable or status is None or status >= _SERVER_ERROR else Reason.DENIED
    return next((reason for kind, reason in EXCEPTIONS if isinstance(error, kind)), Reason.REJECTED)


def _refusal(error: api.GoogleAPICallError) -> Reason:
    known = (REASONS[word] for word in words_of(error) if word in REASONS)
    code = int(error.code or 0)
    theirs = code >= _SERVER_ERROR or isinstance(error, api.ServerError)  # UNKNOWN and DATA_LOSS have no code
    otherwise = Reason.UNAVAILABLE if theirs else Reason.REJECTED
    return next(known, STATUSES.get(code, otherwise))


def words_of(error: api.GoogleAPICallError) -> Iterator[str]:
    """The reason words of a refusal, the most telling first."""
    if error.reason:
        yield error.reason
    for item in error.errors:
        if isinstance(item, Mapping) and isinstance(item.get("reason"), str):
            yield item["reason"]


def status_of_refresh(error: auth.RefreshError) -> int | None:
    """The HTTP status with which a token was refused; None where nobody answered."""
    for part in error.args:
        if isinstance(part, auth.TransportError) and len(part.args) > 1:
            return int(part.args[1].status)
        if isinstance(part, Mapping) and "error" in part:  # OAuth's own answer, RFC 6749 section 5.2
            return 400
    return None


def read_error(error: Exception, scope: Scope, operation: str) -> ReadError:
    """Ours for Google's. detail: what it said, on one line; never a token."""
    return gap_error(scope, operation, reason_of(error), _detail(error, scope))


def _detail(error: Exception, scope: Scope) -> str:
    if isinstance(error, api.GoogleAPICallError):
        if {"SERVICE_DISABLED", "accessNotConfigured"}.intersection(words_of(error)):
            return _switched_off(error, scope)
        text = f"{next(words_of(error), '')}: {error.message}".strip(": ")
    elif isinstance(error, auth.RefreshError):
        text = f"no token: {next(iter(error.args), '')}"
    else:
        text = str(error)
    return " ".join(text.split())[:_DETAIL_LENGTH]


def _switched_off(error: api.GoogleAPICallError, scope: Scope) -> str:
    """What to do, in place of Google's paragraph."""
    service = (error.metadata or {}).get("service", "")
    if not service:
        return " ".join(f"an API is not enabled: {error.message}".split())[:_DETAIL_LENGTH]
    return f"{service} is not enabled: gcloud services enable {service} --project {scope.account}"
