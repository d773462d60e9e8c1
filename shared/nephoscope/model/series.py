"""Readings as arrays: twenty thousand machines are a few megabytes, not a million objects."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from nephoscope.model.errors import Reason
from nephoscope.model.metric import Source
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Scope


class SeriesKey(NamedTuple):
    """What a series is of, within its scope. attributes: sorted pairs (device, storage class), mostly empty."""

    resource_id: str
    metric: str
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """Read one metric of one resource for the half-open window [start, end), aligned to `period`; epoch seconds."""

    resource_id: str
    metric: str
    source: Source
    period: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one series in the catalog's unit; times are the periods' starts (epoch seconds), ascending, unique.

    [start, end) is the window that was asked. complete: the provider answered everything, so a period of the window
    without a point is *absent*; otherwise it is *unknown*, and so is everything outside the window.
    """

    key: SeriesKey
    period: int
    start: int
    end: int
    complete: bool = True
    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))


@dataclass(frozen=True, slots=True)
class Gap:
    """A read that failed, as a fact. It reaches evaluation: what it covers is unknown, never absent.

    affected: what is missing, as words of ours: resource kinds (`instance`) or metric names; empty = all of the scope.
    resource_ids: the resources concerned; empty = all.
    """

    scope: Scope
    operation: str
    reason: Reason
    detail: str = ""
    affected: tuple[str, ...] = ()
    resource_ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = f" [{', '.join(self.affected)}]" if self.affected else ""
        return f"{self.scope}: {self.operation}: {self.reason}{what}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a read cost. calls: action (`cloudwatch:GetMetricData`) -> requests made, retries included; units: action ->
    what its provider bills (metrics requested, requests)."""

    calls: Mapping[str, int] = field(default_factory=dict)
    units: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Usage) -> Usage:
        return Usage(_sum(self.calls, other.calls), _sum(self.units, other.units))


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> Mapping[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a scope holds. complete: the kinds whose listing is known to be whole; only those may miss a resource."""

    resources: tuple[Resource, ...] = ()
    gaps: tuple[Gap, ...] = ()
    complete: frozenset[Kind] = frozenset()
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Readings:
    """What a metric read brought: series in the catalog's unit, and what it could not bring."""

    series: tuple[Series, ...] = ()
    gaps: tuple[Gap, ...] = ()
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a scope's run knows, as of its slot. The only input of the decisions besides memory and config."""

    scope: Scope
    slot: int
    inventory: Inventory = Inventory()
    readings: Readings = Readings()

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return self.inventory.gaps + self.readings.gaps

    @property
    def usage(self) -> Usage:
        return self.inventory.usage + self.readings.usage
