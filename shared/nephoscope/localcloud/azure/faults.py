"""Failures on purpose, by the same words as on the local AWS: of an action, in a subscription and region.

THROTTLE answers 429 with `Retry-After`, the fault's seconds (at least 1). UNAVAILABLE is 503, ERROR 500, DENY 403.
"""

from __future__ import annotations

import threading
from fnmatch import fnmatchcase

from nephoscope.localcloud.aws.faults import Fault
from nephoscope.localcloud.azure.call import Call


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
