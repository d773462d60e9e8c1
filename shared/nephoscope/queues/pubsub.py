"""Fan-out over Google Pub/Sub: one message a scope, published by its REST API.

The client library is left out: it costs a second of import and a thread pool for what is one POST.
Source: https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish (1,000 messages and 10 MB a
request).
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import google.auth
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import RequestException, Timeout

from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.scope import Scope
from nephoscope.queues.message import render_message

BATCH = 1000
TIMEOUT = (2.0, 5.0)
"""Seconds to connect, and between bytes."""
OWN = "https://pubsub.googleapis.com"
_SCOPES = ("https://www.googleapis.com/auth/pubsub",)
_REASONS: Mapping[int, Reason] = {
    401: Reason.DENIED,
    403: Reason.DENIED,
    404: Reason.NOT_FOUND,
    429: Reason.THROTTLED,
}


def open_queue(topic: str, endpoint: str = "") -> PubsubQueue:
    """topic: `projects/P/topics/T`. endpoint: in place of Google's own. No call is made yet."""
    return PubsubQueue(topic, endpoint or OWN)


class PubsubQueue:
    """ports.ScopeQueue on Pub/Sub."""

    def __init__(self, topic: str, endpoint: str, session: AuthorizedSession | None = None) -> None:
        self._url = f"{endpoint.rstrip('/')}/v1/{topic}:publish"
        self._session = session

    def send_scopes(self, scopes: Collection[Scope], slot: int) -> None:
        """Raises DeliveryError at the first request that was not taken; those before it were sent."""
        ordered = sorted(scopes)
        for start in range(0, len(ordered), BATCH):
            self._publish([render_message(scope, slot) for scope in ordered[start : start + BATCH]])

    def _publish(self, messages: Sequence[str]) -> None:
        """One try: where the queue does not take them, the run does the work itself."""
        body = {"messages": [{"data": base64.b64encode(text.encode()).decode()} for text in messages]}
        try:
            answer = self._opened().post(self._url, json=body, timeout=TIMEOUT)
        except (GoogleAuthError, RequestException) as error:
            raise _error(_reason_of(error), type(error).__name__) from error
        if answer.status_code != 200:
            otherwise = Reason.UNAVAILABLE if answer.status_code >= 500 else Reason.REJECTED
            raise _error(_REASONS.get(answer.status_code, otherwise), f"HTTP {answer.status_code}")

    def _opened(self) -> AuthorizedSession:
        if self._session is None:
            opened: Any = AuthorizedSession  # google-auth gives no types
            self._session = opened(google.auth.default(scopes=_SCOPES)[0])
        return self._session


def _reason_of(error: Exception) -> Reason:
    if isinstance(error, Timeout):
        return Reason.TIMEOUT
    return Reason.UNAVAILABLE if isinstance(error, NoConnection) else Reason.DENIED


def _error(reason: Reason, detail: str) -> DeliveryError:
    return DeliveryError(destination="the queue", reason=reason, detail=detail)
