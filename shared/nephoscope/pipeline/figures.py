"""The figure of a group, as far as it is known: between which bounds it must lie, whatever the unknown members say.

A machine that could not be read must neither raise nor clear an alert of its group. But one in five thousand need not
blind us either: where every value that it could have leads to the same answer, that is the answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nephoscope.model.metric import Unit
from nephoscope.model.partial import Partial
from nephoscope.model.rule import Aggregate, Numeric
from nephoscope.pipeline.judge import UNKNOWN, Sample

_MOST = {Unit.FRACTION: 1.0}
"""What a value of this unit is at most; of the others nobody knows. None is less than 0."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The figure lies in [low, high]; both are the same where everything is known."""

    low: float
    high: float


def bounds_of(figure: Aggregate, partial: Partial, unit: str) -> Bounds | None:
    """None: there is no member with a value, and none that could have one. unit: of the metric, catalog's."""
    if figure.function == "count":
        matches = float(partial.matches)
        return Bounds(matches, matches + partial.unknown if partial.whole else math.inf)
    if not partial.known and not partial.unknown and partial.whole:
        return None
    return _over_values(figure.function, partial, _MOST.get(Unit(unit), math.inf))


def _over_values(function: str, partial: Partial, most: float) -> Bounds:
    certain = partial.whole and not partial.unknown
    low = 0.0 if partial.least is None else partial.least
    high = most if partial.most is None else partial.most
    match function:
        case "max":
            return Bounds(partial.most if partial.most is not None else 0.0, high if certain else most)
        case "min":
            return Bounds(low if certain else 0.0, partial.least if partial.least is not None else most)
        case "sum":
            return Bounds(partial.total, _plus(partial, most))
        case "avg":
            return _average(partial, most)
    return _percentile(int(function[1:]), partial, most)


def _plus(partial: Partial, most: float) -> float:
    if not partial.whole:
        return math.inf
    return partial.total + (partial.unknown * most if partial.unknown else 0.0)


def _average(partial: Partial, most: float) -> Bounds:
    if not partial.whole:
        return Bounds(0.0, most)
    members = partial.known + partial.unknown
    return Bounds(partial.total / members, _plus(partial, most) / members)


def _percentile(share: int, partial: Partial, most: float) -> Bounds:
    """The smallest value that at least so many of a hundred members do not exceed (nearest rank)."""
    if not partial.whole:
        return Bounds(0.0, most)
    rank = max(1.0, math.ceil((partial.known + partial.unknown) * share / 100))
    pairs = sorted(zip(partial.values, partial.counts, strict=True))
    return Bounds(
        _at_rank([(0.0, float(partial.unknown)), *pairs], rank),
        _at_rank([*pairs, (most, float(partial.unknown))], rank),
    )


def _at_rank(pairs: list[tuple[float, float]], rank: float) -> float:
    reached = 0.0
    for value, count in pairs:
        reached += count
        if reached >= rank - 1e-9:
            return value
    return pairs[-1][0]


def sample_of(condition: Numeric, bounds: Bounds | None) -> Sample:
    """A value where it is known or both bounds say the same of the condition; then the bound nearer to its threshold.
    None: nothing there; UNKNOWN: nobody can say."""
    if bounds is None or bounds.low == bounds.high:
        return None if bounds is None else bounds.low
    holds = condition.comparison.holds
    low, high = holds(bounds.low, condition.value), holds(bounds.high, condition.value)
    if low is not high:
        return UNKNOWN
    nearer = bounds.low if bounds.low >= condition.value else bounds.high
    return nearer if math.isfinite(nearer) else UNKNOWN
