"""Many samples in at most 150 values with counts, so that percentiles over them still tell the truth.

CloudWatch takes a distribution as distinct values and how often each occurred, 150 of them at the most. Up to that
many distinct values go as they are. Beyond it, neighbours share a bucket and the bucket's mean stands for them:

- the smallest and the largest value stay exact, so Minimum and Maximum are true;
- a bucket's mean is weighted, so Sum and Average are true (but for rounding);
- a percentile lies within the *spread* of the true one: a share of its value, or of a thousandth of the largest value
  where it is smaller than that. The spread is the smallest that fits: below 6 % where no value is negative (it takes
  17 buckets to reach a thousandth of the largest value and 119 from there, 136 of the 148 between the ends), below
  13 % where signs mix. Two thousand machines between 1 and 100 % stay within 4 %.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

MAX_VALUES = 150
SPREAD = 0.06
"""The bound on a percentile's error where no value is negative, relative to the value."""
SPREAD_MIXED = 0.13
"""The same where there are values on both sides of zero."""
FLOOR = 1e-3
"""Values below this share of the largest are told apart no finer than values at it."""

_STEPS = 12  # halvings of the spread: the answer is within 0.003 % of the best


def pack(samples: Iterable[tuple[float, float]], limit: int = MAX_VALUES) -> tuple[array[float], array[float]]:
    """Distinct values, ascending, and their counts; at most `limit` (at least 3) of each, as few samples lost as none.

    samples: (value, weight) pairs, any order, finite; weights greater than zero. May be empty.
    """
    weights: dict[float, float] = {}
    for value, weight in samples:
        weights[value] = weights.get(value, 0.0) + weight
    values = sorted(weights)
    counts = [weights[value] for value in values]
    if len(values) <= limit:
        return array("d", values), array("d", counts)
    return _squeeze(values, counts, limit)


def _squeeze(values: Sequence[float], counts: Sequence[float], limit: int) -> tuple[array[float], array[float]]:
    """Both ends as they are, the rest in the fewest buckets of the smallest spread that fits."""
    inner = values[1:-1]
    floor = FLOOR * max(abs(values[0]), abs(values[-1]))
    cuts = _narrowest(inner, floor, limit - 2)
    mass = [0.0, *accumulate(counts[1:-1])]
    moment = [0.0, *accumulate(value * count for value, count in zip(inner, counts[1:-1], strict=True))]
    squeezed, total = array("d", [values[0]]), array("d", [counts[0]])
    for start, end in zip([0, *cuts], cuts, strict=False):
        count = mass[end] - mass[start]
        mean = (moment[end] - moment[start]) / count
        squeezed.append(min(max(mean, inner[start]), inner[end - 1]))  # rounding must not leave the bucket
        total.append(count)
    squeezed.append(values[-1])
    total.append(counts[-1])
    return squeezed, total


def _narrowest(values: Sequence[float], floor: float, limit: int) -> list[int]:
    """Bucket ends of the smallest spread that needs at most `limit` buckets, found by halving."""
    low, high = 0.0, SPREAD if values[0] >= 0 or values[-1] <= 0 else SPREAD_MIXED
    best = _cuts(values, high, floor, limit)
    while best is None:  # only where the limit is far below CloudWatch's 150
        low, high = high, high * 2
        best = _cuts(values, high, floor, limit)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        cuts = _cuts(values, middle, floor, limit)
        if cuts is None:
            low = middle
        else:
            high, best = middle, cuts
    return best


def _cuts(values: Sequence[float], spread: float, floor: float, limit: int) -> list[int] | None:
    """Ends of the buckets when each begins at the first value that is not yet in one; None when they are too many."""
    cuts: list[int] = []
    start = 0
    while start < len(values):
        if len(cuts) == limit:
            return None
        start = bisect_right(values, _reach(values[start], spread, floor), lo=start + 1)
        cuts.append(start)
    return cuts


def _reach(value: float, spread: float, floor: float) -> float:
    """The largest value that may share a bucket with this one: within the spread of the one closer to zero."""
    if value >= -floor:
        return value + spread * max(value, floor)
    return min(value / (1 + spread), 0.0)
