"""What counts as bad: one dialect for three clouds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nephoscope.model.resource import Kind, Resource
from nephoscope.model.time import ceil_div


class Comparison(StrEnum):
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="

    def holds(self, value: float, threshold: float) -> bool:
        match self:
            case Comparison.GREATER:
                return value > threshold
            case Comparison.GREATER_OR_EQUAL:
                return value >= threshold
            case Comparison.LESS:
                return value < threshold
            case Comparison.LESS_OR_EQUAL:
                return value <= threshold

    @property
    def upward(self) -> bool:
        """Whether larger values are worse."""
        return self in (Comparison.GREATER, Comparison.GREATER_OR_EQUAL)


class MissingData(StrEnum):
    """CloudWatch's four treatments of absent points, in its own words."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A condition on a metric: its value, in the catalog's unit, stands in this relation to the threshold.

    over: seconds; then it is the change that is compared, the value less the one so long before. 0 = the value itself.
    """

    metric: str
    comparison: Comparison
    value: float
    over: int = 0

    def lag(self, period: int) -> int:
        """`over` in points of a period."""
        return ceil_div(self.over, period)


@dataclass(frozen=True, slots=True)
class Observation:
    """A condition on what is seen rather than measured: `state is stopped`, `check.system is failed`."""

    attribute: str
    words: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A condition on a group of resources: on a figure over a metric of theirs (`avg`, `min`, `max`, `sum`, `p95`), or
    on how many of them fulfil a condition (`count`).

    function: one of these words. metric: what the figure is over; empty for `count`. counted: what makes a resource
    count; None for the others. value: in the metric's unit; for `count` a number.
    """

    function: str
    comparison: Comparison
    value: float
    metric: str = ""
    counted: Threshold | Observation | None = None

    @property
    def reads(self) -> str:
        """The metric that must be read; empty where resources are counted by what is seen of them."""
        return self.counted.metric if isinstance(self.counted, Threshold) else self.metric

    @property
    def seen(self) -> bool:
        return isinstance(self.counted, Observation)


Condition = Threshold | Observation | Aggregate
Numeric = Threshold | Aggregate
"""Conditions with a number on either side."""


@dataclass(frozen=True, slots=True)
class Window:
    """`for: 3 of 5 min` is hold 180, span 300; `for: 10 min` is 600, 600; nothing said is 0, 0 (one point).

    In points of a period: N = ceil(span / period), M in proportion, so that one rule serves one-minute and
    five-minute series. Durations are data time.
    """

    hold: int = 0
    span: int = 0

    def points(self, period: int) -> tuple[int, int]:
        """(M, N) for a series of this period; 1 <= M <= N."""
        n = max(1, ceil_div(self.span, period))
        m = max(1, ceil_div(n * self.hold, self.span)) if self.span else 1
        return min(m, n), n


@dataclass(frozen=True, slots=True)
class Selector:
    """Which resources: every tag of `tags` has one of its values (`*`: any), none of `except_tags` matches."""

    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    except_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def matches(self, resource: Resource) -> bool:
        return all(_has(resource.tags, key, values) for key, values in self.tags.items()) and not any(
            _has(resource.tags, key, values) for key, values in self.except_tags.items()
        )


def _has(tags: Mapping[str, str], key: str, values: tuple[str, ...]) -> bool:
    return key in tags and ("*" in values or tags[key] in values)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it is understood, defaults filled in. Names are unique in a configuration.

    by: the labels (`cloud_region`, `tag:role`) that make the groups of an Aggregate; none = one group of all.
    tell_default: no channel was named; routes say who is told, or every channel that is no fallback.
    clear: None = the condition no longer holds for the same window. tell_missing: NODATA is sent, not only shown.
    keep_firing: seconds (data time) for which an alert stays open after its condition last held.
    origin: `user`, `starter` (applies because nothing was written) or `built-in` (watches nephoscope itself).
    """

    name: str
    on: Kind
    when: Condition
    window: Window = Window()
    clear: Condition | None = None
    clear_window: Window = Window()
    missing: MissingData = MissingData.IGNORE
    tell_missing: bool = False
    severity: Severity = Severity.WARNING
    tell: tuple[str, ...] = ()
    tell_default: bool = False
    where: Selector = Selector()
    labels: Mapping[str, str] = field(default_factory=dict)
    runbook: str = ""
    summary: str = ""
    origin: str = "user"
    keep_firing: int = 0
    by: tuple[str, ...] = ()

    @property
    def derived(self) -> bool:
        """Whether what it says of any moment can be read off the points that are read anyway."""
        return isinstance(self.when, Threshold) or (isinstance(self.when, Aggregate) and not self.when.seen)
