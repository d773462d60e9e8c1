"""Fan-out over SQS: one message a scope, so that many scopes become many functions.

A message may arrive twice (standard queues deliver at least once); what a scope's run decides follows the slot, so the
second does nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError

from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.scope import Scope
from nephoscope.queues.message import render_message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH = 10
"""Entries of SendMessageBatch at most. Source: Amazon SQS API reference, SendMessageBatch."""
PAUSES = (0.2, 0.6)
"""Seconds before each further try of the messages that SQS did not take."""

_THROTTLED = frozenset({"RequestThrottled", "KmsThrottled", "ThrottlingException", "Throttling"})
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "InvalidSecurity", "KmsAccessDenied", "InvalidClientTokenId"}
)
_NOT_FOUND = frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})


def open_queue(url: str, client: SQSClient | None = None) -> SqsQueue:
    """The queue at this URL. No call is made yet."""
    return SqsQueue(url, client or _open_client())


class SqsQueue:
    """ports.ScopeQueue on SQS."""

    def __init__(self, url: str, client: SQSClient, sleep: Callable[[float], None] = time.sleep) -> None:
        self._url = url
        self._client = client
        self._sleep = sleep

    def send_scopes(self, scopes: Collection[Scope], slot: int) -> None:
        """Raises DeliveryError that says how many were not taken; all the others were sent."""
        left: list[tuple[Scope, DeliveryError]] = []
        for batch in _batches(sorted(scopes)):
            left += self._send(batch, slot)
        if left:
            first = left[0][1]
            detail = f"{len(left)} of {len(scopes)} scopes were not taken: {first.detail}"
            raise DeliveryError(destination="the queue", reason=first.reason, detail=detail)

    def _send(self, scopes: Sequence[Scope], slot: int) -> list[tuple[Scope, DeliveryError]]:
        """Those that were not taken after all tries, each with its reason."""
        failed = self._try(scopes, slot)
        for pause in PAUSES:
            again = [scope for scope, error in failed if error.retryable]
            if not again:
                break
            self._sleep(pause)
            failed = [each for each in failed if not each[1].retryable] + self._try(again, slot)
        return failed

    def _try(self, scopes: Sequence[Scope], slot: int) -> list[tuple[Scope, DeliveryError]]:
        entries: Any = [{"Id": str(n), "MessageBody": render_message(scope, slot)} for n, scope in enumerate(scopes)]
        try:
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except (ClientError, BotoCoreError) as error:
            return [(scope, _judge(error)) for scope in scopes]
        failed = answer.get("Failed", [])
        return [(scopes[int(each["Id"])], _entry_error(each["Code"], each["SenderFault"])) for each in failed]


def _open_client() -> SQSClient:
    config = BotoConfig(connect_timeout=2.0, read_timeout=5.0, retries={"mode": "standard", "total_max_attempts": 3})
    return boto3.Session().client("sqs", config=config)


def _batches(scopes: Sequence[Scope]) -> Iterator[Sequence[Scope]]:
    for start in range(0, len(scopes), BATCH):
        yield scopes[start : start + BATCH]


def _judge(error: ClientError | BotoCoreError) -> DeliveryError:
    if isinstance(error, BotoCoreError):
        return _error(Reason.UNAVAILABLE, type(error).__name__)
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return _entry_error(code, sender_fault=400 <= status < 500)


def _entry_error(code: str, sender_fault: bool) -> DeliveryError:
    if code in _THROTTLED:
        return _error(Reason.THROTTLED, code)
    if code in _DENIED:
        return _error(Reason.DENIED, code)
    if code in _NOT_FOUND:
        return _error(Reason.NOT_FOUND, code)
    return _error(Reason.REJECTED if sender_fault else Reason.UNAVAILABLE, code)


def _error(reason: Reason, detail: str) -> DeliveryError:
    return DeliveryError(destination="the queue", reason=reason, detail=detail)
