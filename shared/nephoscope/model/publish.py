"""What is published: one datum is one custom metric at one time, a value or a whole distribution."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Datum:
    """values with counts: a distribution; several workers' data for the same metric and time merge in CloudWatch.

    dimensions: sorted pairs. at: the period's start, epoch seconds UTC. unit: CloudWatch's word (Percent, Count, ...),
    and values are in that unit already. `len(values) == len(counts)`, never empty; no NaN, no infinity.
    """

    name: str
    dimensions: tuple[tuple[str, str], ...]
    at: int
    unit: str
    values: array[float]
    counts: array[float]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard by name; body is the documented JSON structure, not yet serialized."""

    name: str
    body: dict[str, object] = field(default_factory=dict)
