"""What is asked of history, and what comes back: questions, totals of groups, courses of groups in steps."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

Key = tuple[str | None, ...]
"""Of a group: its values, in the order of its fields; None where documents have none."""


@dataclass(frozen=True, slots=True)
class Where:
    """word: one of WHERE, tag:NAME or attribute:NAME. pattern: `*` stands for any part of it, and nothing else does."""

    word: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Statistic:
    """name: avg, max, min, sum, count, or percentile, which `share` (0 < share < 100) belongs to."""

    name: str
    share: float = 0.0

    def __str__(self) -> str:
        return f"p{self.share:g}" if self.name == "percentile" else self.name


@dataclass(frozen=True, slots=True)
class Question:
    """[begin, end): data time, epoch seconds. step: seconds; 0 = not chosen yet. A point is of the step in which its
    period begins; steps begin at multiples of their length since 1970, UTC."""

    fleet: str
    metric: str
    statistic: Statistic
    by: str
    where: tuple[Where, ...]
    begin: int
    end: int
    step: int = 0


@dataclass(frozen=True, slots=True)
class Survey:
    """points: how many there are. period: the longest of theirs, seconds. first, last: data time."""

    points: int
    period: int
    unit: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class KeptMetric:
    """A metric that is kept, from its first point to its last (data time)."""

    metric: str
    points: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Total:
    """A group over the whole time. value: of the statistic that was asked for; the others are of its points, in the
    metric's unit. last: data time of the newest point."""

    key: Key
    name: str
    points: int
    value: float
    average: float
    highest: float
    lowest: float
    last: int


@dataclass(frozen=True, slots=True)
class Course:
    """A group and its statistic in each step: times are the steps' beginnings, ascending, epoch seconds; a step without
    a point is not there. label: no other course of the answer has the same."""

    label: str
    total: Total
    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
