"""A metric's course: what an expression works with, and what a query gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Course:
    """points: time -> value, any order. period: seconds. dimensions: of the one metric that it is of, for labels."""

    label: str
    period: int
    points: dict[int, float]
    dimensions: Mapping[str, str] = field(default_factory=dict)
