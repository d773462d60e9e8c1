"""A period's values, summed up as CloudWatch keeps them: what merges without loss, and what cannot be known of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from nephoscope.localcloud.aws.call import AwsError

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{0,10})?|100)")


@dataclass(slots=True)
class Summary:
    """weights: value -> how often; None once a statistic set came in, for then only its ends are known."""

    count: float = 0.0
    total: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")
    weights: dict[float, float] | None = field(default_factory=dict)

    @classmethod
    def of(cls, values: Iterable[float]) -> Summary:
        summary = cls()
        for value in values:
            summary.add(value, 1.0)
        return summary

    def add(self, value: float, times: float) -> None:
        self.count += times
        self.total += value * times
        self.least = min(self.least, value)
        self.most = max(self.most, value)
        if self.weights is not None:
            self.weights[value] = self.weights.get(value, 0.0) + times

    def add_set(self, count: float, total: float, least: float, most: float) -> None:
        """A statistic set. Source: percentiles are there only where its count is 1 or its ends are equal,
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Percentiles"""
        if count == 1 or least == most:
            self.add(least, count)
            return
        self.merge(Summary(count, total, least, most, None))

    def merge(self, other: Summary) -> None:
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        if self.weights is None or other.weights is None:
            self.weights = None
            return
        for value, times in other.weights.items():
            self.weights[value] = self.weights.get(value, 0.0) + times

    def statistic(self, name: str) -> float | None:
        """None for a percentile that cannot be known. Raises AwsError for a statistic that we do not have."""
        if name in _PLAIN:
            return _PLAIN[name](self)
        return self._percentile(parse_percentile(name))

    def _percentile(self, share: float) -> float | None:
        """The smallest value at or under which `share` of the samples lie (nearest rank)."""
        if self.weights is None:
            return None
        reached = 0.0
        for value in sorted(self.weights):
            reached += self.weights[value]
            if reached >= share * self.count - 1e-9:
                return value
        return self.most


def parse_percentile(name: str) -> float:
    """0 to 1 for p0 to p100. Raises AwsError."""
    found = _PERCENTILE.fullmatch(name)
    if not found:
        raise AwsError("ValidationError", f"The value {name} for parameter Stat is not supported.")
    return float(found[1]) / 100


_PLAIN: Mapping[str, Callable[[Summary], float]] = {
    "Average": lambda summary: summary.total / summary.count,
    "Sum": lambda summary: summary.total,
    "Minimum": lambda summary: summary.least,
    "Maximum": lambda summary: summary.most,
    "SampleCount": lambda summary: summary.count,
}


def check_statistic(name: str) -> None:
    """Raises AwsError for a statistic that we do not have."""
    if name not in _PLAIN:
        parse_percentile(name)
