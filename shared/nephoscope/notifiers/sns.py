"""SNS topics: one Publish for each message; the topic's subscribers are SNS's own affair.

A FIFO topic drops copies by the notification's id for five minutes and keeps the order of each alert; a standard topic
carries the id as an attribute, by which a subscriber can do the same.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    ConnectTimeoutError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
)

from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.group import GroupMessage, Message
from nephoscope.model.time import Deadline
from nephoscope.notifiers.answers import meaning_of
from nephoscope.notifiers.formats.sns import Publication, render_sns
from nephoscope.notifiers.formats.sns_group import render_sns_group
from nephoscope.ports import Clock, SecretReader

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
LEAST_SECONDS = 1.0
"""What must be left of the deadline for a call to begin."""

_NO_RETRIES = {"total_max_attempts": 1}  # the outbox tries again, and counts

REASONS: Mapping[str, Reason] = {
    "AuthorizationError": Reason.DENIED,
    "AccessDenied": Reason.DENIED,
    "AccessDeniedException": Reason.DENIED,
    "InvalidSecurity": Reason.DENIED,
    "InvalidClientTokenId": Reason.DENIED,
    "UnrecognizedClientException": Reason.DENIED,
    "SignatureDoesNotMatch": Reason.DENIED,
    "ExpiredToken": Reason.DENIED,
    "KMSAccessDenied": Reason.DENIED,
    "KMSOptInRequired": Reason.DENIED,
    "KMSDisabled": Reason.DENIED,
    "KMSInvalidState": Reason.DENIED,
    "KMSNotFound": Reason.NOT_FOUND,
    "KMSThrottling": Reason.THROTTLED,
    "NotFound": Reason.NOT_FOUND,
    "InvalidParameter": Reason.REJECTED,
    "ParameterValueInvalid": Reason.REJECTED,
    "ValidationException": Reason.REJECTED,
    "ValidationError": Reason.REJECTED,
    "EndpointDisabled": Reason.REJECTED,
    "PlatformApplicationDisabled": Reason.REJECTED,
    "InternalError": Reason.UNAVAILABLE,
    "InternalFailure": Reason.UNAVAILABLE,
    "ServiceUnavailable": Reason.UNAVAILABLE,
    "Throttled": Reason.THROTTLED,
    "Throttling": Reason.THROTTLED,
    "ThrottlingException": Reason.THROTTLED,
    "RequestThrottled": Reason.THROTTLED,
    "TooManyRequestsException": Reason.THROTTLED,
    "RequestLimitExceeded": Reason.THROTTLED,
}
"""SNS's error codes (botocore's service model: the errors of Publish; SNS API reference, "Common errors")."""

_FAILURES: tuple[tuple[type[BotoCoreError], Reason, str], ...] = (
    (ConnectTimeoutError, Reason.TIMEOUT, "SNS did not answer in time"),
    (ReadTimeoutError, Reason.TIMEOUT, "SNS did not answer in time"),
    (ConnectionError, Reason.UNAVAILABLE, "SNS could not be reached"),
    (HTTPClientError, Reason.UNAVAILABLE, "SNS could not be reached"),
    (NoCredentialsError, Reason.DENIED, "no credentials"),
    (BotoCoreError, Reason.REJECTED, "the SDK refused the call"),
)
"""Where no answer came: the first row that fits decides."""

_PASSING = frozenset({"ExpiredToken"})  # new credentials come by themselves


def open_notifier(channel: Channel, secrets: SecretReader, clock: Clock) -> SnsTopic:  # noqa: ARG001 - one signature
    """No call is made and no reference resolved before the first `send`."""
    return SnsTopic(channel, secrets)


class SnsTopic:
    """One channel's topic. Safe to use from several threads."""

    def __init__(self, channel: Channel, secrets: SecretReader) -> None:
        self._channel = channel
        self._secrets = secrets
        self._clients: dict[str, SNSClient] = {}
        self._lock = threading.Lock()

    def send(self, message: Message, deadline: Deadline) -> None:
        topic = self._topic()
        client = self._client(topic.split(":")[3])
        if deadline.remaining < LEAST_SECONDS:
            raise self._error(Reason.DEADLINE, "no time left to send")
        try:
            client.publish(TopicArn=topic, **_arguments(_publication(message), fifo=topic.endswith(".fifo")))
        except ClientError as error:
            raise self._refused(error) from error
        except BotoCoreError as error:
            reason, detail = next((reason, detail) for kind, reason, detail in _FAILURES if isinstance(error, kind))
            raise self._error(reason, detail) from error

    def _topic(self) -> str:
        try:
            topic = self._secrets.read_secret(self._channel.sns).reveal().strip()
        except DeliveryError as error:
            raise self._error(error.reason, error.detail, retryable=error.retryable) from error
        parts = topic.split(":")
        if len(parts) != 6 or parts[0] != "arn" or parts[2] != "sns" or not parts[3]:
            raise self._error(Reason.MALFORMED, "not the ARN of a topic")
        return topic

    def _client(self, region: str) -> SNSClient:
        """In the topic's own region. A session of our own: boto3's default one may not be shared between threads."""
        with self._lock:
            if region not in self._clients:
                config = BotoConfig(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries=_NO_RETRIES,  # type: ignore[arg-type]
                )
                self._clients[region] = boto3.Session().client("sns", region_name=region, config=config)
            return self._clients[region]

    def _refused(self, error: ClientError) -> DeliveryError:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        reason = REASONS.get(code) or meaning_of(status).reason or Reason.MALFORMED
        retryable = reason.retryable or code in _PASSING
        return DeliveryError(
            destination=self._channel.name, reason=reason, detail=code, status=status or None, retryable=retryable
        )

    def _error(self, reason: Reason, detail: str, *, retryable: bool | None = None) -> DeliveryError:
        return DeliveryError(destination=self._channel.name, reason=reason, detail=detail, retryable=retryable)


def _publication(message: Message) -> Publication:
    return render_sns_group(message) if isinstance(message, GroupMessage) else render_sns(message)


def _arguments(publication: Publication, *, fifo: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "Subject": publication.subject,
        "Message": publication.message,
        "MessageStructure": "json",
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in publication.attributes.items()
        },
    }
    if fifo:
        arguments |= {
            "MessageGroupId": publication.group,
            "MessageDeduplicationId": publication.deduplication,
        }
    return arguments
