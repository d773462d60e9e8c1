"""A metric as the catalog describes it. Rows are in catalog/metrics.toml; this is only their shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud
from nephoscope.model.time import ceil_div, floor_to


class Shape(StrEnum):
    """OpenTelemetry's words: a level, a change over the period, a running total."""

    GAUGE = "gauge"
    DELTA = "delta"
    CUMULATIVE = "cumulative"


class Unit(StrEnum):
    """The units inside: UCUM, fractions and base units only. Percent appears where a person reads it."""

    FRACTION = "1"
    BYTES = "By"
    BYTES_PER_SECOND = "By/s"
    SECONDS = "s"
    OPERATIONS_PER_SECOND = "{operation}/s"
    OBJECTS = "{object}"
    CREDITS = "{credit}"
    COUNT = "{count}"


class NoData(StrEnum):
    """What it means that the provider answered completely and has no point."""

    SILENT = "silent"  # points come steadily: none is news
    ZERO = "zero"  # the provider leaves out zeros
    SPARSE = "sparse"  # points come only when something happens


@dataclass(frozen=True, slots=True)
class Source:
    """Where one cloud keeps a metric.

    value inside = vendor's value * scale, divided by the period's seconds where `per_second`; plus `offset`, which only
    Azure's rows have (it gives the free share of memory where we want the used one: 1 - x).
    dimensions: the vendor's dimension -> `{id}` (the resource's id) or a fixed value.
    discover: the other dimensions vary (agent's configuration, storage class): they are listed first and become
    attributes by `attributes` (vendor's dimension -> our attribute). leave_out: a listed series that has this value in
    this dimension is not read.
    period, fine_period: seconds between points, without and with detailed monitoring.
    delay, fine_delay: seconds after a period's end until its point is final, at either period.
    every: seconds between reads at the least; 0 where the period decides.
    query: where the metric is kept in logs: the query (KQL, Azure's) that gives `TimeGenerated`, `_ResourceId`, `value`
    and a column for each of `attributes`; `statistic` then makes one value of those of a period. namespace and
    vendor_name are the table, and what of it. Empty where a metrics service keeps it.
    """

    cloud: Cloud
    namespace: str
    vendor_name: str
    statistic: str
    vendor_unit: str
    scale: float
    period: int
    delay: int
    page: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    leave_out: Mapping[str, str] = field(default_factory=dict)
    discover: bool = False
    fine_period: int | None = None
    fine_delay: int | None = None
    per_second: bool = False
    every: int = 0
    no_data: NoData = NoData.SILENT
    offset: float = 0.0
    query: str = ""

    def period_of(self, *, fine: bool) -> int:
        return self.fine_period if fine and self.fine_period else self.period

    def delay_of(self, period: int) -> int:
        return self.fine_delay if self.fine_delay is not None and period == self.fine_period else self.delay

    def final_after(self, period: int) -> int:
        """Seconds after a period's *start* until its point is settled: the period and the publication delay."""
        return period + self.delay_of(period)

    def horizon(self, slot: int, period: int) -> int:
        """The newest boundary whose period is settled at `slot`; evaluation goes no further."""
        return floor_to(slot - self.delay_of(period), period)


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the vocabulary: a metric of one kind of resource, the same on every cloud that has a source."""

    name: str
    on: Kind
    shape: Shape
    unit: Unit
    description: str
    sources: Mapping[Cloud, Source] = field(default_factory=dict)

    def points(self, seconds: int, period: int) -> int:
        """How many datapoints a duration is for a series of this period; never fewer than one."""
        return max(1, ceil_div(seconds, period))
