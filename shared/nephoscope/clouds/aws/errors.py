"""botocore's exceptions in our words. Nothing of botocore leaves this room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    EndpointProviderError,
    HTTPClientError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError

from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Scope
from nephoscope.model.series import Gap

VENDOR_ERRORS = (BotoCoreError, ClientError, ResponseParserError)
"""Everything that a call by botocore raises. ResponseParserError has another root than the rest."""

_DETAIL_LENGTH = 300

CODES: Mapping[str, Reason] = {
    "Throttling": Reason.THROTTLED,
    "ThrottlingException": Reason.THROTTLED,
    "ThrottledException": Reason.THROTTLED,
    "RequestThrottled": Reason.THROTTLED,
    "RequestThrottledException": Reason.THROTTLED,
    "RequestLimitExceeded": Reason.THROTTLED,
    "TooManyRequestsException": Reason.THROTTLED,
    "BandwidthLimitExceeded": Reason.THROTTLED,
    "LimitExceededException": Reason.THROTTLED,
    "PriorRequestNotComplete": Reason.THROTTLED,
    "SlowDown": Reason.THROTTLED,
    "EC2ThrottledException": Reason.THROTTLED,
    "429": Reason.THROTTLED,
    "AccessDenied": Reason.DENIED,
    "AccessDeniedException": Reason.DENIED,
    "UnauthorizedOperation": Reason.DENIED,
    "UnauthorizedAccess": Reason.DENIED,
    "AuthFailure": Reason.DENIED,
    "Blocked": Reason.DENIED,
    "OptInRequired": Reason.DENIED,
    "InvalidClientTokenId": Reason.DENIED,
    "InvalidAccessKeyId": Reason.DENIED,
    "UnrecognizedClientException": Reason.DENIED,
    "IncompleteSignature": Reason.DENIED,
    "InvalidSignatureException": Reason.DENIED,
    "SignatureDoesNotMatch": Reason.DENIED,
    "MissingAuthenticationToken": Reason.DENIED,
    "MissingAuthenticationTokenException": Reason.DENIED,
    "NotAuthorized": Reason.DENIED,
    "ExpiredToken": Reason.DENIED,
    "ExpiredTokenException": Reason.DENIED,
    "RegionDisabledException": Reason.DENIED,
    "RequestExpired": Reason.DENIED,  # the machine's clock is wrong: the signature looks old
    "RequestTimeTooSkewed": Reason.DENIED,  # the same, as S3 says it
    "403": Reason.DENIED,
    "ResourceNotFound": Reason.NOT_FOUND,
    "ResourceNotFoundException": Reason.NOT_FOUND,
    "InvalidInstanceID.NotFound": Reason.NOT_FOUND,
    "NoSuchBucket": Reason.NOT_FOUND,
    "404": Reason.NOT_FOUND,
    "InternalError": Reason.UNAVAILABLE,
    "InternalFailure": Reason.UNAVAILABLE,
    "InternalServiceError": Reason.UNAVAILABLE,
    "InternalServiceFault": Reason.UNAVAILABLE,
    "InternalServiceException": Reason.UNAVAILABLE,
    "ServiceUnavailable": Reason.UNAVAILABLE,
    "ServiceUnavailableException": Reason.UNAVAILABLE,
    "Unavailable": Reason.UNAVAILABLE,
    "RequestTimeout": Reason.TIMEOUT,
    "RequestTimeoutException": Reason.TIMEOUT,
    "RequestEntityTooLarge": Reason.TOO_LARGE,
    "RequestEntityTooLargeException": Reason.TOO_LARGE,
    "413": Reason.TOO_LARGE,
    "InvalidParameter": Reason.REJECTED,
    "InvalidParameterValue": Reason.REJECTED,
    "InvalidParameterValueException": Reason.REJECTED,
    "InvalidParameterCombination": Reason.REJECTED,
    "InvalidParameterCombinationException": Reason.REJECTED,
    "InvalidParameterException": Reason.REJECTED,
    "MissingParameter": Reason.REJECTED,
    "MissingRequiredParameterException": Reason.REJECTED,
    "ValidationError": Reason.REJECTED,
    "ValidationException": Reason.REJECTED,
    "SerializationException": Reason.REJECTED,
    "InvalidNextToken": Reason.REJECTED,
    "PaginationTokenExpiredException": Reason.REJECTED,
    "InvalidAction": Reason.REJECTED,
    "UnknownOperationException": Reason.REJECTED,
}
"""Error codes of EC2, CloudWatch, S3, STS and tagging: modelled (botocore's service models), and the common ones of
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
and https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html"""

EXCEPTIONS: Sequence[tuple[type[Exception], Reason]] = (
    (ReadTimeoutError, Reason.TIMEOUT),
    (ConnectTimeoutError, Reason.TIMEOUT),
    (EndpointConnectionError, Reason.UNAVAILABLE),
    (ConnectionClosedError, Reason.UNAVAILABLE),
    (ProxyConnectionError, Reason.UNAVAILABLE),
    (SSLError, Reason.UNAVAILABLE),
    (HTTPClientError, Reason.UNAVAILABLE),
    (NoCredentialsError, Reason.DENIED),
    (PartialCredentialsError, Reason.DENIED),
    (CredentialRetrievalError, Reason.DENIED),
    (TokenRetrievalError, Reason.DENIED),
    (UnauthorizedSSOTokenError, Reason.DENIED),
    (NoRegionError, Reason.REJECTED),
    (InvalidRegionError, Reason.REJECTED),
    (EndpointProviderError, Reason.REJECTED),
    (ResponseParserError, Reason.MALFORMED),
)
"""What botocore raises by itself; the first row that fits. What no row has is REJECTED: our own call was wrong."""

_STATUSES: Mapping[int, Reason] = {
    403: Reason.DENIED,
    404: Reason.NOT_FOUND,
    408: Reason.TIMEOUT,
    413: Reason.TOO_LARGE,
    429: Reason.THROTTLED,
}
_SERVER_ERROR = 500


def reason_of(error: Exception) -> Reason:
    """Why the call failed. 413 and 429 speak by their HTTP status whatever the code; so does a code without a row."""
    if isinstance(error, ClientError):
        status = status_of(error)
        if status in (413, 429):
            return _STATUSES[status]
        otherwise = Reason.UNAVAILABLE if status >= _SERVER_ERROR else _STATUSES.get(status, Reason.REJECTED)
        return CODES.get(error.response.get("Error", {}).get("Code", ""), otherwise)
    return next((reason for kind, reason in EXCEPTIONS if isinstance(error, kind)), Reason.REJECTED)


def status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def read_error(error: Exception, scope: Scope, operation: str) -> ReadError:
    """Ours for botocore's. detail: the vendor's code and message, on one line; it names actions and parameters, never
    credentials."""
    return gap_error(scope, operation, reason_of(error), _detail(error))


def gap_error(scope: Scope, operation: str, reason: Reason, detail: str = "") -> ReadError:
    return ReadError(
        cloud=scope.cloud,
        account=scope.account,
        region=scope.region,
        operation=operation,
        reason=reason,
        detail=detail,
    )


def gap_of(error: ReadError, scope: Scope, affected: Sequence[str] = (), ids: Sequence[str] = ()) -> Gap:
    """The failure as a fact. affected, ids: what it leaves unknown (model.series.Gap)."""
    return Gap(scope, error.operation, error.reason, error.detail, tuple(affected), tuple(ids))


def _detail(error: Exception) -> str:
    if isinstance(error, ClientError):
        said = error.response.get("Error", {})
        text = f"{said.get('Code', '')}: {said.get('Message', '')}".strip(": ")
    elif isinstance(error, ResponseParserError):
        text = "the answer is not what it should be"  # botocore's own text holds the whole answer
    else:
        text = str(error)
    return " ".join(text.split())[:_DETAIL_LENGTH]
