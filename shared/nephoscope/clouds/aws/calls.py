"""One scope's calls to AWS within one read: paced, timed, repeated where that helps, counted, and translated.

Nothing else in this room talks to a client. botocore makes one try for each of our calls: so the pace holds for every
request, a wait never outlasts the deadline, and what is counted is what was sent.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from botocore import xform_name
from botocore.exceptions import ClientError

from nephoscope.clouds.aws.errors import VENDOR_ERRORS, gap_error, read_error
from nephoscope.clouds.limiter import Limiter
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Scope
from nephoscope.model.series import Usage
from nephoscope.model.time import Deadline

Answer = Mapping[str, Any]

ACTIONS: Mapping[tuple[str, str], str] = {
    ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
    ("resourcegroupstaggingapi", "GetResources"): "tag:GetResources",
}
"""Where IAM's word for an operation is not `service:Operation`."""

TRIES: Mapping[Reason, int] = {Reason.THROTTLED: 8, Reason.UNAVAILABLE: 3, Reason.TIMEOUT: 2}
"""How often a call is made in all before a failure of this reason stands. Others stand at once."""

_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0
_LEAST_TIME = 0.25
"""With less than these seconds left a call is not begun."""
_LEFT = "left for the next run"


class Door(Protocol):
    """What a scope's calls need of the reader: a client for a service, and the pace of an action there."""

    def client(self, service: str) -> Any: ...
    def limiter(self, service: str, operation: str) -> Limiter: ...
    def limit_this_call(self, seconds: float) -> None: ...


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

    def call(self, service: str, operation: str, parameters: Mapping[str, Any], units: int = 0) -> Answer:
        """One answer. units: what AWS bills for it, counted when it comes. Raises ReadError."""
        action = action_of(service, operation)
        if self._deadline.remaining < _LEAST_TIME:
            raise self.failure(service, operation, Reason.DEADLINE, _LEFT)
        send = getattr(self._door.client(service), xform_name(operation))
        for attempt in range(1, max(TRIES.values()) + 1):
            try:
                answer = self._try(service, operation, lambda: send(**parameters))
            except ReadError as failure:
                if attempt >= TRIES.get(failure.reason, 1) or not self._wait(attempt, failure):
                    raise
            else:
                self._count(self._units, action, units)
                return answer
        raise AssertionError("the last try returns or raises")

    def pages(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        expected: str,
        token: tuple[str, str] = ("NextToken", "NextToken"),
        units: int = 0,
    ) -> Iterator[Answer]:
        """Every page, each with the list `expected`. token: its name in the request and in the answer.

        Raises ReadError where a page fails, is not what was asked for, or leads back to itself.
        """
        asks, tells = token
        following = ""
        while True:
            page = self.call(
                service, operation, {**parameters, asks: following} if following else parameters, units=units
            )
            if not isinstance(page.get(expected), list):
                raise self.failure(service, operation, Reason.MALFORMED, f"the answer holds no {expected}")
            yield page
            before, following = following, page.get(tells) or ""
            if not following:
                return
            if following == before:
                raise self.failure(service, operation, Reason.MALFORMED, "a page names itself as the next one")

    def failure(self, service: str, operation: str, reason: Reason, detail: str) -> ReadError:
        """An error of this scope that no exception of botocore's stands behind."""
        return gap_error(self.scope, action_of(service, operation), reason, detail)

    def _try(self, service: str, operation: str, send: Callable[[], Answer]) -> Answer:
        limiter = self._door.limiter(service, operation)
        if self._deadline.remaining < _LEAST_TIME or not limiter.acquire(self._deadline):
            raise self.failure(service, operation, Reason.DEADLINE, _LEFT)
        self._door.limit_this_call(max(self._deadline.remaining, _LEAST_TIME))
        action = action_of(service, operation)
        self._count(self._calls, action, 1)
        try:
            answer = send()
        except VENDOR_ERRORS as error:
            raise self._translated(error, action, limiter) from error
        limiter.succeeded()
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
        wait = max(random.uniform(0, longest), _retry_after(failure))  # noqa: S311 - spreads load, guards nothing
        if wait + _LEAST_TIME >= self._deadline.remaining:
            return False
        self._sleep(wait)
        return True

    def _count(self, counter: Counter[str], action: str, number: int) -> None:
        if number:
            with self._lock:
                counter[action] += number


def action_of(service: str, operation: str) -> str:
    """IAM's word for a call: `ec2:DescribeInstances`."""
    return ACTIONS.get((service, operation), f"{service}:{operation}")


def _retry_after(failure: ReadError) -> float:
    """Seconds that the answer itself asks to wait; 0 where it says nothing."""
    cause = failure.__cause__
    if not isinstance(cause, ClientError):
        return 0.0
    said = cause.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "")
    return float(said) if said.isdigit() else 0.0
