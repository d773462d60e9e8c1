"""A metric's course: what an expression works with, and what a query gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Course:
    """points: time -> value, any order. period: seconds."""

    label: str
    period: int
    points: dict[int, float]
