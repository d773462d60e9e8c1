"""What GetMetricData answered, made into series: page by page, then judged once all pages are there.

A result is whole only where AWS says Complete and has nothing to remark. PartialData with nothing more to come, a
message, or no result at all leave the missing points *unknown*; only a whole result without a point says *absent*.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataResult.html
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from nephoscope.clouds.aws.queries import Batch, Query
from nephoscope.clouds.gaps import Cause
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.series import Series

READ = "cloudwatch:GetMetricData"

STATUSES: Mapping[str, Reason | None] = {
    "Complete": None,
    "PartialData": Reason.PARTIAL,
    "InternalError": Reason.UNAVAILABLE,
    "Forbidden": Reason.DENIED,
}
"""StatusCode -> why the result is not whole; None where it is. A word without a row is PARTIAL."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A query that has no whole answer, and why."""

    query: Query
    cause: Cause


@dataclass(frozen=True, slots=True)
class Outcome:
    """What asking brought: series (those of failures too, where points came), and failures."""

    series: tuple[tuple[Query, Series], ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(slots=True)
class Result:
    """One query's points over the pages so far; times in epoch seconds."""

    status: str = ""
    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    messages: list[str] = field(default_factory=list)

    def add(self, other: Result) -> None:
        """The same query's part of a later page, whose status is the newer word."""
        self.status = other.status or self.status
        self.times += other.times
        self.values += other.values
        self.messages += other.messages


def parse_result(item: Mapping[str, Any]) -> Result:
    """A MetricDataResult as botocore gives it, or as it came in JSON. Raises KeyError, TypeError, ValueError."""
    times, values = item.get("Timestamps") or (), item.get("Values") or ()
    if len(times) != len(values):
        raise ValueError("times and values differ in number")
    seconds = times if not times or isinstance(times[0], int | float) else map(datetime.timestamp, times)
    return Result(
        item.get("StatusCode") or "Complete",
        array("q", map(int, seconds)),
        array("d", values),
        _texts(item.get("Messages")),
    )


class Answers:
    """The results of one batch, gathered page by page."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._results: dict[str, Result] = {}
        self._messages: list[str] = []

    @property
    def empty(self) -> bool:
        return not self._results

    def take(self, page: Mapping[str, Any]) -> None:
        """Add a page, whole or not at all. Raises KeyError, TypeError, ValueError, AttributeError where it is not what
        it should be."""
        parsed = [(item["Id"], parse_result(item)) for item in page["MetricDataResults"]]
        self._messages += _texts(page.get("Messages"))
        for name, result in parsed:
            self._results.setdefault(name, Result()).add(result)

    def outcome(self, cut_off: ReadError | None = None) -> Outcome:
        """cut_off: why the pages ended before the last one; None where they did not."""
        series: list[tuple[Query, Series]] = []
        failures: list[Failure] = []
        for number, query in enumerate(self._batch.queries):
            result = self._results.get(f"q{number}")
            cause = self._cause(result, cut_off)
            if cause is not None:
                failures.append(Failure(query, cause))
            series.append((query, to_series(query, result or Result(), complete=cause is None)))
        return Outcome(tuple(series), tuple(failures))

    def _cause(self, result: Result | None, cut_off: ReadError | None) -> Cause | None:
        if result is None or result.status == "PartialData":
            if cut_off is not None:
                return Cause.of(cut_off)
            return Cause(READ, Reason.PARTIAL, "no result came" if result is None else "the result is partial")
        reason = STATUSES.get(result.status, Reason.PARTIAL)
        if reason is not None:
            return Cause(READ, reason, "; ".join([result.status, *result.messages]))
        if remarks := result.messages + self._messages:
            return Cause(READ, Reason.PARTIAL, "; ".join(remarks))
        return None


def to_series(query: Query, result: Result, *, complete: bool) -> Series:
    """The points within the request's own window, in the catalog's unit, times ascending and unique (the last value of
    a time wins). A number that is none is left out; what is missing then is unknown, not absent."""
    request = query.request
    scale = request.source.scale / (request.period if request.source.per_second else 1)
    times, values = _ordered(result.times, result.values)
    first, last = bisect_left(times, request.start), bisect_left(times, request.end)
    return Series(
        query.key,
        request.period,
        request.start,
        request.end,
        complete and all(map(math.isfinite, result.values)),
        array("q", times[first:last]),
        array("d", [value * scale for value in values[first:last]]),
    )


def merge_series(one: Series, other: Series) -> Series:
    """The points of both, for two listings of the same series. Complete only where both are."""
    points = dict(zip(one.times, one.values, strict=True)) | dict(zip(other.times, other.values, strict=True))
    times = sorted(points)
    return replace(
        one,
        complete=one.complete and other.complete,
        times=array("q", times),
        values=array("d", [points[time] for time in times]),
    )


def _ordered(times: Sequence[int], values: Sequence[float]) -> tuple[Sequence[int], Sequence[float]]:
    """As they came where they came in order, which is nearly always."""
    in_order = list(times) == sorted(set(times))
    if in_order and all(map(math.isfinite, values)):
        return times, values
    points = {time: value for time, value in zip(times, values, strict=True) if math.isfinite(value)}
    ordered = sorted(points)
    return ordered, [points[time] for time in ordered]


def _texts(messages: Iterable[Mapping[str, Any]] | None) -> list[str]:
    return [f"{message.get('Code', '')}: {message.get('Value', '')}".strip(": ") for message in messages or ()]
