"""One read's calls to a provider: paced, timed, repeated where that helps, counted, and translated.

A vendor's client makes one try for each of ours: so the pace holds for every request, a wait never outlasts the
deadline, and what is counted is what was sent. A room adds how its requests are sent, and what its vendor's failures
mean (Border); nothing here knows an SDK.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from nephoscope.clouds.gaps import gap_error
from nephoscope.clouds.limiter import Limiter
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Scope
from nephoscope.model.series import Usage
from nephoscope.model.time import Deadline

T = TypeVar("T")

TRIES: Mapping[Reason, int] = {Reason.THROTTLED: 8, Reason.UNAVAILABLE: 3, Reason.TIMEOUT: 2}
"""How often a call is made in all before a failure of this reason stands. Others stand at once."""

LEAST_TIME = 0.25
"""With less than these seconds left a call is not begun."""

_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0
_LEFT = "left for the next run"


@dataclass(frozen=True, slots=True)
class Border:
    """What a room knows of its vendor's failures.

    errors: everything that a call raises on purpose. read_error: ours for one of these, of a scope and an action.
    retry_after: seconds that the failure itself asks to wait; 0 where it says nothing.
    """

    errors: tuple[type[Exception], ...]
    read_error: Callable[[Exception, Scope, str], ReadError]
    retry_after: Callable[[BaseException | None], float]


class PacedCalls:
    """The calls of one read of one scope. Actions are named by the permission that they need.

    limiter_for: the pace of an action there. Safe to use from several threads.
    """

    def __init__(
        self,
        scope: Scope,
        border: Border,
        limiter_for: Callable[[str], Limiter],
        deadline: Deadline,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.scope = scope
        self._border = border
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

    def charge(self, action: str, units: int) -> None:
        """What the vendor bills for."""
        if units:
            self.count(Usage(units={action: units}))

    def count(self, usage: Usage) -> None:
        """What another read has used on this one's behalf."""
        with self._lock:
            self._calls.update(usage.calls)
            self._units.update(usage.units)

    def failure(self, action: str, reason: Reason, detail: str) -> ReadError:
        """An error of this scope that no exception of a client's stands behind."""
        return gap_error(self.scope, action, reason, detail)

    def check_time(self, action: str) -> None:
        """Raises ReadError where nothing should be begun any more."""
        if self._deadline.remaining < LEAST_TIME:
            raise self.failure(action, Reason.DEADLINE, _LEFT)

    def perform(self, action: str, send: Callable[[float], T], units: int = 0) -> T:
        """One answer. send: makes one try, within so many seconds. units: what the vendor bills for it, counted when it
        comes. Raises ReadError."""
        for attempt in range(1, max(TRIES.values()) + 1):
            try:
                answer = self._try(action, send)
            except ReadError as failure:
                if attempt >= TRIES.get(failure.reason, 1) or not self._wait(attempt, failure):
                    raise
            else:
                self.charge(action, units)
                return answer
        raise AssertionError("the last try returns or raises")

    def follow(self, action: str, read: Callable[[str], T], next_of: Callable[[T], str | None]) -> Iterator[T]:
        """Every page. read: the page that a token leads to; empty: the first. next_of: a page's own token for the one
        after it; empty or None: there is none. Raises ReadError where a page leads back to itself."""
        following = ""
        while True:
            page = read(following)
            yield page
            before, following = following, next_of(page) or ""
            if not following:
                return
            if following == before:
                raise self.failure(action, Reason.MALFORMED, "a page names itself as the next one")

    def _try(self, action: str, send: Callable[[float], T]) -> T:
        limiter = self._limiter_for(action)
        self.check_time(action)
        if not limiter.acquire(self._deadline):
            raise self.failure(action, Reason.DEADLINE, _LEFT)
        self.count(Usage(calls={action: 1}))
        try:
            answer = send(max(LEAST_TIME, self._deadline.remaining))
        except self._border.errors as error:
            raise self._translated(error, action, limiter) from error
        limiter.succeeded()
        return answer

    def _translated(self, error: Exception, action: str, limiter: Limiter) -> ReadError:
        failure = self._border.read_error(error, self.scope, action)
        if failure.reason is Reason.THROTTLED:
            limiter.throttled()
        if failure.reason is Reason.TIMEOUT and self._deadline.remaining < LEAST_TIME:
            return self.failure(action, Reason.DEADLINE, _LEFT)
        return failure

    def _wait(self, attempt: int, failure: ReadError) -> bool:
        """Before the next try. False where it would come after the deadline: then the failure stands."""
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)
        wait = max(random.uniform(0, longest), self._border.retry_after(failure.__cause__))  # noqa: S311 - spreads load, guards nothing
        if wait + LEAST_TIME >= self._deadline.remaining:
            return False
        self._sleep(wait)
        return True
