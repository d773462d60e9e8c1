"""When an undelivered message is tried again, and when it is given up. Pure: now and chance are arguments.

Full jitter: the wait is drawn from the whole of [0, ceiling], so that a thousand messages that failed together do not
come back together. Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nephoscope.model.alert import OutboxItem, Owed

FURTHEST = 7_200
"""Seconds: no wait that we set is longer. A time beyond it was written by a clock that was wrong, and binds nobody."""


@dataclass(frozen=True, slots=True)
class Pace:
    """floor: the least wait. ceiling of try n: floor + first * 2^(n-1), at most `longest`. Seconds."""

    floor: float
    first: float
    longest: float


SOON = Pace(floor=0.0, first=15.0, longest=540.0)
"""The receiver may be well again at any moment. Nothing waits for longer than nine minutes: with the sweep that then
follows, what is owed arrives within ten minutes of its recovery."""
SLOWLY = Pace(floor=120.0, first=300.0, longest=3_600.0)
"""A person has to put something right first: a key, an address, a permission."""


def full_jitter(pace: Pace, attempts: int, chance: float) -> float:
    """Seconds to wait after the `attempts`-th failure (>= 1); chance in [0, 1)."""
    doublings = min(max(attempts, 1) - 1, 30)
    ceiling = min(pace.longest, pace.floor + math.ldexp(pace.first, doublings))
    return pace.floor + (ceiling - pace.floor) * chance


def next_try(now: float, attempts: int, *, retryable: bool, retry_after: float | None, chance: float) -> float:
    """Epoch seconds (clock). Never before the receiver said, where it said something."""
    wait = full_jitter(SOON if retryable else SLOWLY, attempts, chance)
    return now + min(max(wait, retry_after or 0.0), FURTHEST)


def is_due(item: OutboxItem, now: float) -> bool:
    """Whether anyone may take it now: it waits for nothing, or the run that took it has not come back in time."""
    match item.status:
        case Owed.READY:
            return not now < item.next_at <= now + FURTHEST
        case Owed.LEASED:
            return not now < item.lease_until <= now + FURTHEST
        case _:
            return False


def is_too_old(item: OutboxItem, now: float, max_age: float) -> bool:
    return now - item.created_at >= max_age


def chains(items: tuple[OutboxItem, ...]) -> tuple[tuple[OutboxItem, ...], ...]:
    """What is owed, apart for each alert and channel and there in order of seq: only the head of a chain may be sent.
    The chains in order of their heads' age."""
    found: dict[tuple[str, str], list[OutboxItem]] = {}
    for item in sorted(items, key=lambda item: item.notification.seq):
        if item.status is not Owed.DEAD:
            found.setdefault((item.notification.alert_key, item.notification.channel), []).append(item)
    return tuple(sorted(map(tuple, found.values()), key=_age))


def _age(chain: tuple[OutboxItem, ...]) -> tuple[float, str]:
    return chain[0].created_at, chain[0].notification.id
