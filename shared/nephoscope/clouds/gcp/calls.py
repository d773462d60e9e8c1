"""One read's calls to Google: paced, timed, repeated where that helps, counted, and translated.

Nothing else in this room talks to the session. Each request is one try of ours, so that the pace holds for every one,
a wait never outlasts the deadline, and what is counted is what was sent. Calls are named by the IAM permission that
they need, which is also what a role's definition lists.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from google.api_core import exceptions as api
from google.cloud.monitoring_v3 import GetMetricDescriptorRequest, ListTimeSeriesRequest

from nephoscope.clouds.gcp.errors import VENDOR_ERRORS, gap_error, read_error
from nephoscope.clouds.gcp.session import Session
from nephoscope.clouds.limiter import Limiter
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Scope
from nephoscope.model.series import Usage
from nephoscope.model.time import Deadline

T = TypeVar("T")

INSTANCES = "compute.instances.list"
BUCKETS = "storage.buckets.list"
PROJECTS = "cloudasset.assets.searchAllResources"
SERIES = "monitoring.timeSeries.list"
DESCRIPTOR = "monitoring.metricDescriptors.get"

TRIES: Mapping[Reason, int] = {Reason.THROTTLED: 8, Reason.UNAVAILABLE: 3, Reason.TIMEOUT: 2}
"""How often a call is made in all before a failure of this reason stands. Others stand at once."""

READ_SECONDS = 20.0
"""No single call waits longer than this."""

_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0
_LEAST_TIME = 0.25
"""With less than these seconds left a call is not begun."""
_LEFT = "left for the next run"


class Door(Protocol):
    """What a read's calls need of the reader."""

    @property
    def session(self) -> Session: ...
    def limiter(self, project: str, action: str) -> Limiter: ...


class Calls:
    """One read of one scope. Safe to use from several threads."""

    def __init__(
        self, scope: Scope, door: Door, deadline: Deadline, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.scope = scope
        self._door = door
        self._deadline = deadline
        self._sleep = sleep
        self._calls: Counter[str] = Counter()
        self._units: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def usage(self) -> Usage:
        with self._lock:
            return Usage(dict(self._calls), dict(self._units))

    def pages(self, action: str, host: str, path: str, parameters: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        """Every page of a REST listing. Raises ReadError where one fails, is no object, or leads back to itself."""
        following = ""
        while True:
            asked = {**parameters, "pageToken": following} if following else parameters
            page = self._repeat(action, partial(self._door.session.get, host, path, asked))
            if not isinstance(page, dict):
                raise self.failure(action, Reason.MALFORMED, "the answer is no object")
            yield page
            before, following = following, page.get("nextPageToken") or ""
            if not following:
                return
            if following == before:
                raise self.failure(action, Reason.MALFORMED, "a page names itself as the next one")

    def time_series(self, request: ListTimeSeriesRequest) -> Iterator[Any]:
        """Every page of one question, as plain protobuf; its series are counted as what Google bills. Raises
        ReadError."""
        while True:
            page = self._repeat(SERIES, partial(self._door.session.list_time_series, request))
            self._count(self._units, SERIES, len(page.time_series))
            yield page
            if not page.next_page_token:
                return
            if page.next_page_token == request.page_token:
                raise self.failure(SERIES, Reason.MALFORMED, "a page names itself as the next one")
            request.page_token = page.next_page_token

    def descriptor(self, name: str) -> Any:
        """A google.api.MetricDescriptor by its full name. Raises ReadError."""
        request = GetMetricDescriptorRequest(name=name)
        return self._repeat(DESCRIPTOR, partial(self._door.session.get_metric_descriptor, request))

    def failure(self, action: str, reason: Reason, detail: str) -> ReadError:
        """An error of this scope that no exception of Google's stands behind."""
        return gap_error(self.scope, action, reason, detail)

    def count(self, usage: Usage) -> None:
        """What another read has used on this one's behalf."""
        with self._lock:
            self._calls.update(usage.calls)
            self._units.update(usage.units)

    def _repeat(self, action: str, send: Callable[[float], T]) -> T:
        for attempt in range(1, max(TRIES.values()) + 1):
            try:
                return self._try(action, send)
            except ReadError as failure:
                if attempt >= TRIES.get(failure.reason, 1) or not self._wait(attempt, failure):
                    raise
        raise AssertionError("the last try returns or raises")

    def _try(self, action: str, send: Callable[[float], T]) -> T:
        limiter = self._door.limiter(self.scope.account, action)
        if self._deadline.remaining < _LEAST_TIME or not limiter.acquire(self._deadline):
            raise self.failure(action, Reason.DEADLINE, _LEFT)
        self._count(self._calls, action, 1)
        try:
            answer = send(max(_LEAST_TIME, min(READ_SECONDS, self._deadline.remaining)))
        except VENDOR_ERRORS as error:
            raise self._translated(error, action, limiter) from error
        except ValueError as error:
            raise self.failure(action, Reason.MALFORMED, "the answer is no JSON") from error
        limiter.succeeded()
        return answer

    def _translated(self, error: Exception, action: str, limiter: Limiter) -> ReadError:
        failure = read_error(error, self.scope, action)
        if failure.reason is Reason.THROTTLED:
            limiter.throttled()
        if failure.reason is Reason.TIMEOUT and self._deadline.remaining < _LEAST_TIME:
            return self.failure(action, Reason.DEADLINE, _LEFT)
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


def retry_after(error: BaseException | None) -> float:
    """Seconds that a refusal itself asks to wait: REST's Retry-After, or gRPC's google.rpc.RetryInfo; 0 where it says
    nothing."""
    if not isinstance(error, api.GoogleAPICallError):
        return 0.0
    for detail in error.details:
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds) + float(delay.nanos) / 1e9
    headers = getattr(error.response, "headers", None)
    said = headers.get("Retry-After", "") if headers is not None else ""
    return float(said) if str(said).isdigit() else 0.0
