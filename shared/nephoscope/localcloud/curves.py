"""How a machine's load runs through the day: pure functions of a machine's own number, its role and the time.

Every measure follows from the share of the processors in use, so that one machine tells one story whichever vendor's
words and units it is told in. Units are base units: fractions, bytes a second, operations a second. Without an
incident the processors stay under `CALM_CEILING`: what fires in a demonstration was put there by the script.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

CALM_CEILING = 0.85
_DAY = 86_400
_HOUR = 3600
_MASK = (1 << 64) - 1


class Measure(StrEnum):
    """What can be measured of a simulated machine."""

    CPU = "cpu"
    CREDITS = "credits"
    RECEIVED = "network.received"  # bytes a second
    SENT = "network.sent"
    READ_BYTES = "disk.read_bytes"
    WRITTEN_BYTES = "disk.written_bytes"
    READS = "disk.reads"  # operations a second
    WRITES = "disk.writes"
    MEMORY = "memory"  # fraction in use, seen from inside the guest
    FILESYSTEM = "filesystem"  # fraction in use, seen from inside the guest
    CHECK_SYSTEM = "check.system"  # 0 passed, 1 failed
    CHECK_INSTANCE = "check.instance"
    CHECK_DISK = "check.disk"


IN_GUEST = frozenset({Measure.MEMORY, Measure.FILESYSTEM})
"""Only an agent inside the machine sees these."""

CHECKS = frozenset({Measure.CHECK_SYSTEM, Measure.CHECK_INSTANCE, Measure.CHECK_DISK})


@dataclass(frozen=True, slots=True)
class Shape:
    """A role's day. base and swing: processor share at night and added at the peak. burst: added during the first
    minutes of each hour. memory, filesystem: where they stand. chatter: bytes a second at full load."""

    base: float
    swing: float
    peak_hour: float
    burst: float
    memory: float
    filesystem: float
    chatter: float


ROLES: Mapping[str, Shape] = {
    "web": Shape(0.10, 0.35, 14.0, 0.0, 0.45, 0.35, 30e6),
    "api": Shape(0.12, 0.30, 15.0, 0.0, 0.50, 0.30, 20e6),
    "database": Shape(0.25, 0.15, 13.0, 0.0, 0.65, 0.55, 12e6),
    "cache": Shape(0.06, 0.08, 14.0, 0.0, 0.60, 0.20, 40e6),
    "batch": Shape(0.04, 0.02, 2.0, 0.60, 0.30, 0.50, 8e6),
    "build": Shape(0.03, 0.25, 11.0, 0.25, 0.40, 0.60, 6e6),
    "bastion": Shape(0.01, 0.02, 10.0, 0.0, 0.20, 0.15, 0.4e6),
}
OTHER = Shape(0.05, 0.05, 12.0, 0.0, 0.35, 0.40, 2e6)


def noise(number: int, step: int) -> float:
    """Between 0 and 1, the same for the same pair on every machine. Source: the finalizer of SplitMix64."""
    mixed = (number + step * 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return float((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)


def cpu(number: int, shape: Shape, at: int) -> float:
    """Fraction of the processors in use in the minute that starts at `at`; never above CALM_CEILING."""
    hour = at % _DAY / _HOUR
    daylight = 0.5 + 0.5 * math.cos((hour - shape.peak_hour) * math.tau / 24)
    weekend = 0.6 if (at // _DAY + 3) % 7 >= 5 else 1.0  # the epoch was a Thursday
    busy_minutes = 8 + 8 * noise(number, 1)
    burst = shape.burst if at % _HOUR < busy_minutes * 60 else 0.0
    wobble = 0.06 * (noise(number, at // 60) - 0.5)
    own = 0.7 + 0.6 * noise(number, 2)
    return min(CALM_CEILING, max(0.004, own * (shape.base + shape.swing * daylight * weekend + burst) + wobble))


def derived(measure: Measure, number: int, shape: Shape, at: int, load: float) -> float:
    """Any other measure of a machine whose processor share is `load` in that minute."""
    return _DERIVED[measure](number, shape, at, load)


def _memory(number: int, shape: Shape, at: int, load: float) -> float:
    drift = 0.08 * (noise(number, 7_000_000 + at // _HOUR) - 0.5)
    return min(0.88, max(0.05, shape.memory + 0.15 * load + drift))


def _filesystem(number: int, shape: Shape, at: int, _load: float) -> float:
    """Fills through the week and is cleaned on Monday."""
    week = (at - 4 * _DAY) % (7 * _DAY) / (7 * _DAY)
    return min(0.84, shape.filesystem + 0.1 * noise(number, 5) + 0.08 * week)


def _credits(_number: int, _shape: Shape, _at: int, load: float) -> float:
    return 576 * (1 - load)


def _chatter(share: float, salt: int) -> Callable[[int, Shape, int, float], float]:
    def rate(number: int, shape: Shape, at: int, load: float) -> float:
        return shape.chatter * share * load * (0.8 + 0.4 * noise(number, salt + at // 60))

    return rate


def _operations(scale: float, salt: int) -> Callable[[int, Shape, int, float], float]:
    def rate(number: int, _shape: Shape, at: int, load: float) -> float:
        return scale * load * (0.5 + noise(number, salt + at // 60))

    return rate


def _passed(_number: int, _shape: Shape, _at: int, _load: float) -> float:
    return 0.0


_DERIVED: Mapping[Measure, Callable[[int, Shape, int, float], float]] = {
    Measure.CREDITS: _credits,
    Measure.RECEIVED: _chatter(1.0, 1_000_000),
    Measure.SENT: _chatter(1.6, 2_000_000),
    Measure.READ_BYTES: _chatter(0.2, 3_000_000),
    Measure.WRITTEN_BYTES: _chatter(0.3, 4_000_000),
    Measure.READS: _operations(120, 5_000_000),
    Measure.WRITES: _operations(200, 6_000_000),
    Measure.MEMORY: _memory,
    Measure.FILESYSTEM: _filesystem,
    **dict.fromkeys(CHECKS, _passed),
}
