"""Failures on purpose: of an action, in an account and region, for so many calls or for a window of time.

Each local cloud says them in its vendor's words: a throttle is 429 with Retry-After on Google and Azure, 400 or 503 on
AWS.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class Failing(StrEnum):
    THROTTLE = "throttle"
    DENY = "deny"  # the permission is missing
    SLOW = "slow"  # answers well, `seconds` later
    ERROR = "error"  # 500
    UNAVAILABLE = "unavailable"  # 503
    MALFORMED = "malformed"  # 200 with a body that breaks off
    CUT = "cut"  # the connection ends without an answer
    DISABLED = "disabled"  # the API is not enabled in the project
    UNREACHABLE = "unreachable"  # a region's zones do not answer: a partial success, not an error
    NOT_FOUND = "not_found"


GOOGLES_OWN = frozenset({Failing.DISABLED, Failing.UNREACHABLE, Failing.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Fault:
    """action: `ec2:DescribeInstances`, `compute.instances.aggregatedList`, with * and ?. account: a project, a
    subscription. region: calls about that region alone, and for UNREACHABLE the region that does not answer; empty =
    all. calls: how many are hit, None = all. skip: so many matching calls pass first (a later page). start, end: the
    simulated now, half-open. seconds: of SLOW, and what Retry-After says of THROTTLE (at least 1)."""

    failing: Failing
    action: str = "*"
    account: str = ""
    region: str = ""
    calls: int | None = None
    skip: int = 0
    start: float = float("-inf")
    end: float = float("inf")
    seconds: float = 0.0


class Faults:
    """Those of one local cloud. Safe to change while calls come in.

    unknown: ways to fail that its vendor does not have.
    """

    def __init__(self, unknown: frozenset[Failing] = frozenset()) -> None:
        self._unknown = unknown
        self._lock = threading.Lock()
        self._counted: list[tuple[Fault, list[int]]] = []

    def add(self, fault: Fault) -> None:
        """Raises ValueError for a way to fail that this cloud does not have."""
        if fault.failing in self._unknown:
            raise ValueError(f"this cloud does not fail like that: {fault.failing}")
        with self._lock:
            self._counted.append((fault, [0]))

    def clear(self) -> None:
        with self._lock:
            self._counted.clear()

    def hit(self, action: str, account: str, regions: Sequence[str], now: float) -> tuple[Fault, ...]:
        """The faults that this call meets; each counts it. regions: what the call is about, empty for all of them."""
        with self._lock:
            return tuple(
                fault
                for fault, seen in self._counted
                if _matches(fault, action, account, regions, now) and _counts(fault, seen)
            )


def _matches(fault: Fault, action: str, account: str, regions: Sequence[str], now: float) -> bool:
    somewhere = fault.region in ("", *regions) or (fault.failing is Failing.UNREACHABLE and not regions)
    return (
        fnmatchcase(action, fault.action)
        and fault.account in ("", account)
        and somewhere
        and fault.start <= now < fault.end
    )


def _counts(fault: Fault, seen: list[int]) -> bool:
    seen[0] += 1
    return seen[0] > fault.skip and (fault.calls is None or seen[0] <= fault.skip + fault.calls)
