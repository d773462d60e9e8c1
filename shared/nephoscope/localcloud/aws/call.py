"""A call as the front understands it, an answer, and an error in AWS's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Protocol(StrEnum):
    JSON = "json"
    QUERY = "query"
    EC2 = "ec2"
    REST_XML = "rest-xml"
    REST_JSON = "rest-json"
    NONE = "none"  # nothing we can read: it is passed on as it came


@dataclass(frozen=True, slots=True)
class Request:
    """What came over the wire. headers: names in lower case. path: as sent. query: the raw string after `?`."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Caller:
    """principal: the access key, or the role's ARN where the key came from AssumeRole."""

    access_key: str
    account: str
    principal: str
    region: str


@dataclass(frozen=True, slots=True)
class Call:
    """service: IAM's prefix (ec2, cloudwatch, s3, tag, ...). operation: the API's word. params: as sent, nested."""

    service: str
    operation: str
    params: Mapping[str, Any]
    caller: Caller
    protocol: Protocol
    request: Request

    @property
    def action(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def account(self) -> str:
        return self.caller.account

    @property
    def region(self) -> str:
        return self.caller.region


@dataclass(frozen=True, slots=True)
class Answer:
    """units: what AWS would bill for, beside the request itself."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    units: int = 0


@dataclass(frozen=True, slots=True)
class Need:
    """One permission that a call needs. context: condition key -> values."""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class AwsError(Exception):
    """An error that AWS would give. code: without `Exception`, as the query protocol says it. kind: the JSON
    protocol's name where it differs. extra: further members of the error's shape."""

    def __init__(
        self, code: str, message: str, status: int = 400, *, kind: str = "", extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind or code
        self.message = message
        self.status = status
        self.extra = dict(extra or {})


def invalid_value(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message, kind="InvalidParameterValueException")


def missing(message: str) -> AwsError:
    return AwsError("MissingParameter", message, kind="MissingRequiredParameterException")


def combination(message: str) -> AwsError:
    return AwsError("InvalidParameterCombination", message, kind="InvalidParameterCombinationException")
