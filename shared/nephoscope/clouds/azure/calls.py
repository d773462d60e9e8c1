"""One read's calls to Azure: paced, timed, repeated where that helps, counted, and translated.

Nothing else in this room sends a request. A client makes one try for each of our calls: so what is counted is what was
sent. Actions are named by the permission that they need (`Microsoft.Insights/metrics/read`).
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest

from nephoscope.clouds.azure.errors import VENDOR_ERRORS, gap_error, read_error, retry_after
from nephoscope.clouds.azure.session import Client
from nephoscope.clouds.limiter import Limiter
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Scope
from nephoscope.model.series import Usage
from nephoscope.model.time import Deadline

TRIES: Mapping[Reason, int] = {Reason.THROTTLED: 8, Reason.UNAVAILABLE: 3, Reason.TIMEOUT: 2}
"""How often a call is made in all before a failure of this reason stands. Others stand at once."""

_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0
_LEAST_TIME = 0.25
"""With less than these seconds left a call is not begun."""
_CONNECTING = 5.0
_OK = 200
_LEFT = "left for the next run"


class Calls:
    """One read of one place. limiter_for: the pace of an action there. Safe to use from several threads."""

    def __init__(
        self,
        scope: Scope,
        limiter_for: Callable[[str], Limiter],
        deadline: Deadline,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.scope = scope
        self._limiter_for = limiter_for
        self._deadline = deadline
        self._sleep = sleep
        self._calls: Counter[str] = Counter()
        self._units: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def usage(self) -> Usage:
        with self._lock:
            return Usage(dict(self._calls), dict(self._units))

    def call(
        self, action: str, client: Client, request: Callable[[], HttpRequest], units: int = 0
    ) -> Mapping[str, Any]:
        """One answer's JSON object. units: what Azure bills for it, counted when it comes. Raises ReadError."""
        for attempt in range(1, max(TRIES.values()) + 1):
            try:
                answer = self._try(action, client, request())
            except ReadError as failure:
                if attempt >= TRIES.get(failure.reason, 1) or not self._wait(attempt, failure):
                    raise
            else:
                self._count(self._units, action, units)
                return answer
        raise AssertionError("the last try returns or raises")

    def failure(self, action: str, reason: Reason, detail: str) -> ReadError:
        """An error of this place that no exception of a client's stands behind."""
        return gap_error(self.scope, action, reason, detail)

    def _try(self, action: str, client: Client, request: HttpRequest) -> Mapping[str, Any]:
        limiter = self._limiter_for(action)
        if self._deadline.remaining < _LEAST_TIME or not limiter.acquire(self._deadline):
            raise self.failure(action, Reason.DEADLINE, _LEFT)
        self._count(self._calls, action, 1)
        try:
            body = self._send(client, request)
        except VENDOR_ERRORS as error:
            raise self._translated(error, action, limiter) from error
        limiter.succeeded()
        return self._parsed(action, body)

    def _send(self, client: Client, request: HttpRequest) -> bytes:
        left = max(self._deadline.remaining, _LEAST_TIME)
        response = client.send_request(
            request, stream=True, connection_timeout=min(_CONNECTING, left), read_timeout=left
        )
        body = response.read()
        if response.status_code != _OK:
            raise HttpResponseError(response=response)
        return body

    def _parsed(self, action: str, body: bytes) -> Mapping[str, Any]:
        try:
            answer = json.loads(body)
            if isinstance(answer, str):  # the metrics service is known to wrap its answer in a string now and then
                answer = json.loads(answer)
        except ValueError as error:
            raise self.failure(action, Reason.MALFORMED, "the answer is no JSON") from error
        if not isinstance(answer, dict):
            raise self.failure(action, Reason.MALFORMED, "the answer is not what it should be")
        return answer

    def _translated(self, error: Exception, action: str, limiter: Limiter) -> ReadError:
        failure = read_error(error, self.scope, action)
        if failure.reason is Reason.THROTTLED:
            limiter.throttled()
        if failure.reason is Reason.TIMEOUT and self._deadline.remaining < _LEAST_TIME:
            return gap_error(self.scope, action, Reason.DEADLINE, _LEFT)
        return failure

    def _wait(self, attempt: int, failure: ReadError) -> bool:
        """Before the next try. False where it would come after the deadline: then the failure stands."""
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)
        wait = max(random.uniform(0, longest), retry_after(failure.__cause__))  # noqa: S311 - spreads load, guards nothing
        if wait + _LEAST_TIME >= self._deadline.remaining:
            return False
        self._sleep(wait)
        return True

    def _count(self, counter: Counter[str], action: str, number: int) -> None:
        if number:
            with self._lock:
                counter[action] += number
