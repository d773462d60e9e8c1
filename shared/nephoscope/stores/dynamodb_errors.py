"""What a failed call to DynamoDB means: was nothing written, is it worth another try, or may it have happened?

The third is the one that matters. A lost answer (a timeout after the request went out, a cut connection, HTTP 500) says
nothing about the write; the caller has to look.
Source: Amazon DynamoDB developer guide, "Error handling with DynamoDB" and "Managing complex workflows with
transactions"; errors of PutItem and TransactWriteItems in botocore's service model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
)

from nephoscope.model.errors import Reason


class Meaning(Enum):
    CONFLICT = auto()  # a condition did not hold: nothing was written
    AGAIN = auto()  # nothing was written, and the same may succeed in a moment
    UNSURE = auto()  # it may have been written
    NEVER = auto()  # nothing was written, and the same would fail again


@dataclass(frozen=True, slots=True)
class Failure:
    meaning: Meaning
    reason: Reason
    detail: str = ""


_C, _A, _U, _N = Meaning.CONFLICT, Meaning.AGAIN, Meaning.UNSURE, Meaning.NEVER

BY_CODE: Mapping[str, tuple[Meaning, Reason]] = {
    "ConditionalCheckFailedException": (_C, Reason.REJECTED),
    "TransactionConflictException": (_A, Reason.UNAVAILABLE),
    "ReplicatedWriteConflictException": (_A, Reason.UNAVAILABLE),
    "ProvisionedThroughputExceededException": (_A, Reason.THROTTLED),
    "RequestLimitExceeded": (_A, Reason.THROTTLED),
    "ThrottlingException": (_A, Reason.THROTTLED),
    "LimitExceededException": (_A, Reason.THROTTLED),
    "TransactionInProgressException": (_U, Reason.UNAVAILABLE),
    "InternalServerError": (_U, Reason.UNAVAILABLE),
    "InternalFailure": (_U, Reason.UNAVAILABLE),
    "ServiceUnavailable": (_U, Reason.UNAVAILABLE),
    "ResourceNotFoundException": (_N, Reason.NOT_FOUND),
    "AccessDeniedException": (_N, Reason.DENIED),
    "UnrecognizedClientException": (_N, Reason.DENIED),
    "InvalidSignatureException": (_N, Reason.DENIED),
    "IncompleteSignatureException": (_N, Reason.DENIED),
    "MissingAuthenticationTokenException": (_N, Reason.DENIED),
    "ExpiredTokenException": (_N, Reason.DENIED),
    "ItemCollectionSizeLimitExceededException": (_N, Reason.TOO_LARGE),
    "IdempotentParameterMismatchException": (_N, Reason.REJECTED),
    "ValidationException": (_N, Reason.REJECTED),
}

BY_CANCELLATION: Mapping[str, tuple[Meaning, Reason]] = {
    "ConditionalCheckFailed": (_C, Reason.REJECTED),
    "TransactionConflict": (_A, Reason.UNAVAILABLE),
    "ProvisionedThroughputExceeded": (_A, Reason.THROTTLED),
    "ThrottlingError": (_A, Reason.THROTTLED),
    "ItemCollectionSizeLimitExceeded": (_N, Reason.TOO_LARGE),
    "ValidationError": (_N, Reason.REJECTED),
}
"""TransactionCanceledException gives a reason for each write, "None" for the innocent. Nothing was written."""


def judge(error: ClientError | BotoCoreError) -> Failure:
    """For any failure of a call: what it says about the write."""
    if isinstance(error, ClientError):
        return _refused(error)
    name = type(error).__name__
    if isinstance(error, ConnectTimeoutError | EndpointConnectionError):  # nothing was sent
        return Failure(_A, Reason.UNAVAILABLE, name)
    if isinstance(error, ReadTimeoutError):
        return Failure(_U, Reason.TIMEOUT, name)
    if isinstance(error, HTTPClientError):
        return Failure(_U, Reason.UNAVAILABLE, name)
    if isinstance(error, NoCredentialsError):
        return Failure(_N, Reason.DENIED, "no credentials")
    return Failure(_N, Reason.REJECTED, name)


def _refused(error: ClientError) -> Failure:
    code = error.response.get("Error", {}).get("Code", "")
    if code == "TransactionCanceledException":
        return _cancelled(error)
    if code in BY_CODE:
        return Failure(*BY_CODE[code], code)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if 400 <= status < 500:
        return Failure(_N, Reason.REJECTED, code)
    return Failure(_U, Reason.UNAVAILABLE, code)


def _cancelled(error: ClientError) -> Failure:
    """Reasons may be mixed. One condition that failed decides: the same transaction could not succeed any more,
    whatever the others say. Then what may pass, before what will not."""
    codes = [str(each.get("Code")) for each in error.response.get("CancellationReasons", ())]
    known = {BY_CANCELLATION[code] for code in codes if code in BY_CANCELLATION}
    detail = ", ".join(sorted({code for code in codes if code != "None"}))
    for meaning in (_C, _N, _A):
        for row in known:
            if row[0] is meaning:
                return Failure(*row, detail)
    return Failure(_N, Reason.MALFORMED, detail or "cancelled without a reason")
