"""Failures on purpose: of an action, in an account and region, for so many calls or for a window of time."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from nephoscope.localcloud.aws.call import Call


class Failing(StrEnum):
    THROTTLE = "throttle"
    DENY = "deny"
    SLOW = "slow"  # answers well, `seconds` later
    ERROR = "error"  # 500
    UNAVAILABLE = "unavailable"  # 503
    MALFORMED = "malformed"  # 200 with a body that breaks off
    CUT = "cut"  # the connection ends without an answer


@dataclass(frozen=True, slots=True)
class Fault:
    """action: `ec2:DescribeInstances`, with * and ?. calls: how many are hit, None = all. start, end: the front's
    now, half-open. skip: so many matching calls pass first (a later page)."""

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
    """Safe to change while calls come in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: list[tuple[Fault, list[int]]] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._counted.append((fault, [0]))

    def clear(self) -> None:
        with self._lock:
            self._counted.clear()

    def hit(self, call: Call, now: float) -> tuple[Fault, ...]:
        """The faults that this call meets; each counts it."""
        with self._lock:
            return tuple(fault for fault, seen in self._counted if _matches(fault, call, now) and _counts(fault, seen))


def _matches(fault: Fault, call: Call, now: float) -> bool:
    return (
        fnmatchcase(call.action, fault.action)
        and fault.account in ("", call.account)
        and fault.region in ("", call.region)
        and fault.start <= now < fault.end
    )


def _counts(fault: Fault, seen: list[int]) -> bool:
    seen[0] += 1
    return seen[0] > fault.skip and (fault.calls is None or seen[0] <= fault.skip + fault.calls)
