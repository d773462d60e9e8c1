"""Failures on purpose: of a method, in a project and region, for so many calls or for a window of time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class Failing(StrEnum):
    THROTTLE = "throttle"  # 429 with Retry-After, RESOURCE_EXHAUSTED
    DENY = "deny"  # the permission is missing
    DISABLED = "disabled"  # the API is not enabled in the project
    UNREACHABLE = "unreachable"  # a region's zones do not answer: a partial success, not an error
    NOT_FOUND = "not_found"
    SLOW = "slow"  # answers well, `seconds` later
    ERROR = "error"  # 500
    UNAVAILABLE = "unavailable"  # 503
    MALFORMED = "malformed"  # 200 with a body that breaks off (REST only)
    CORRUPT = "corrupt"  # 200 with a payload that its checksum does not fit (Secret Manager only)
    CUT = "cut"  # the connection ends without an answer (REST only)


@dataclass(frozen=True, slots=True)
class Fault:
    """action: `compute.instances.aggregatedList`, with * and ?. region: calls about that region alone, and for
    UNREACHABLE the region that does not answer; empty = all. calls: how many are hit, None = all. skip: so many
    matching calls pass first (a later page). start, end: the simulated now, half-open. seconds: of SLOW, and what
    Retry-After says of THROTTLE."""

    failing: Failing
    action: str = "*"
    project: str = ""
    region: str = ""
    calls: int | None = None
    skip: int = 0
    start: float = float("-inf")
    end: float = float("inf")
    seconds: float = 1.0


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

    def hit(self, action: str, project: str, regions: Sequence[str], now: float) -> tuple[Fault, ...]:
        """The faults that this call meets; each counts it."""
        with self._lock:
            return tuple(
                fault
                for fault, seen in self._counted
                if _matches(fault, action, project, regions, now) and _counts(fault, seen)
            )


def _matches(fault: Fault, action: str, project: str, regions: Sequence[str], now: float) -> bool:
    somewhere = fault.region in ("", *regions) or (fault.failing is Failing.UNREACHABLE and not regions)
    return (
        fnmatchcase(action, fault.action)
        and fault.project in ("", project)
        and somewhere
        and fault.start <= now < fault.end
    )


def _counts(fault: Fault, seen: list[int]) -> bool:
    seen[0] += 1
    return seen[0] > fault.skip and (fault.calls is None or seen[0] <= fault.skip + fault.calls)
