"""CloudWatch's refusals in our words. Nothing of botocore leaves this room."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)

from nephoscope.model.errors import DeliveryError, Reason

VendorError = ClientError | BotoCoreError

REASONS: dict[str, Reason] = {
    "Throttling": Reason.THROTTLED,
    "ThrottlingException": Reason.THROTTLED,
    "ThrottledException": Reason.THROTTLED,
    "RequestLimitExceeded": Reason.THROTTLED,
    "TooManyRequestsException": Reason.THROTTLED,
    "AccessDenied": Reason.DENIED,
    "AccessDeniedException": Reason.DENIED,
    "UnauthorizedOperation": Reason.DENIED,
    "AuthFailure": Reason.DENIED,
    "InvalidClientTokenId": Reason.DENIED,
    "UnrecognizedClientException": Reason.DENIED,
    "ExpiredToken": Reason.DENIED,
    "ExpiredTokenException": Reason.DENIED,
    "SignatureDoesNotMatch": Reason.DENIED,
    "OptInRequired": Reason.DENIED,
    "ResourceNotFound": Reason.NOT_FOUND,
    "ResourceNotFoundException": Reason.NOT_FOUND,
    "DashboardNotFoundError": Reason.NOT_FOUND,
    "RequestEntityTooLarge": Reason.TOO_LARGE,
    "RequestEntityTooLargeException": Reason.TOO_LARGE,
    "413": Reason.TOO_LARGE,
    "InvalidParameterValue": Reason.REJECTED,
    "InvalidParameterValueException": Reason.REJECTED,
    "InvalidParameterCombination": Reason.REJECTED,
    "InvalidParameterCombinationException": Reason.REJECTED,
    "InvalidParameterInput": Reason.REJECTED,
    "MissingParameter": Reason.REJECTED,
    "MissingRequiredParameterException": Reason.REJECTED,
    "ValidationError": Reason.REJECTED,
    "ValidationException": Reason.REJECTED,
    "SerializationException": Reason.REJECTED,
    "ConflictException": Reason.UNAVAILABLE,
    "InternalServiceFault": Reason.UNAVAILABLE,
    "InternalServiceError": Reason.UNAVAILABLE,
    "InternalFailure": Reason.UNAVAILABLE,
    "ServiceUnavailable": Reason.UNAVAILABLE,
    "RequestTimeout": Reason.TIMEOUT,
    "RequestExpired": Reason.TIMEOUT,
}
"""CloudWatch's error codes, modelled (botocore's service model) and common ones (API reference, "Common errors")."""

_TOO_LARGE = 413
_SERVER_ERROR = 500


def reason_of(error: VendorError) -> Reason:
    """Why the call failed. A code without a row is judged by its HTTP status: 5xx is the service's fault."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status == _TOO_LARGE:
            return Reason.TOO_LARGE
        return REASONS.get(code, Reason.UNAVAILABLE if status >= _SERVER_ERROR else Reason.REJECTED)
    if isinstance(error, ReadTimeoutError):
        return Reason.TIMEOUT
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return Reason.DENIED
    if isinstance(error, HTTPClientError | ConnectionError):
        return Reason.UNAVAILABLE
    return Reason.REJECTED


def delivery_error(error: VendorError, destination: str) -> DeliveryError:
    """Ours for botocore's; the vendor's own message stands in detail (it names parameters, never credentials)."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        detail = error.response.get("Error", {}).get("Message", "") or str(error)
        return DeliveryError(destination=destination, reason=reason_of(error), detail=detail, status=status)
    return DeliveryError(destination=destination, reason=reason_of(error), detail=str(error))
