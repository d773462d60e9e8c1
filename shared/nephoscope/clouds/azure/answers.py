"""What the metrics batch answered, made into series.

Whole is only what the answer holds in so many words: an entry for the resource and the metric, without an error. An
entry that is missing, or an answer that was cut off at `top`, leaves the points *unknown*; an entry without a point
says *absent*.

The newest points may stand there as 0 before they are measured. Requests end where points are settled; should one
reach further, zeros at its end that are not yet final are left out, and the series is not whole.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nephoscope.clouds.azure.queries import Batch
from nephoscope.clouds.gaps import Cause
from nephoscope.model.errors import Reason
from nephoscope.model.series import Series, SeriesKey, SeriesRequest

ACTION = "Microsoft.Insights/metrics/read"

ERROR_CODES: Mapping[str, Reason] = {
    "forbidden": Reason.DENIED,
    "authorizationfailed": Reason.DENIED,
    "unauthorized": Reason.DENIED,
    "resourcenotfound": Reason.NOT_FOUND,
    "notfound": Reason.NOT_FOUND,
    "throttled": Reason.THROTTLED,
    "toomanyrequests": Reason.THROTTLED,
    "timeout": Reason.TIMEOUT,
    "internalservererror": Reason.UNAVAILABLE,
    "serviceunavailable": Reason.UNAVAILABLE,
    "badrequest": Reason.REJECTED,
    "invalidseries": Reason.REJECTED,
}
"""A metric's errorCode, without regard to case -> why it has no whole answer. `Success` is none; a word without a row
is PARTIAL."""

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that has no whole answer, and why."""

    request: SeriesRequest
    cause: Cause


@dataclass(frozen=True, slots=True)
class Outcome:
    """What asking brought: series (those of failures too, where points came), and failures."""

    series: tuple[Series, ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(slots=True)
class _Moments:
    """Epoch seconds of a time as Azure writes it; the same few stand in every series of an answer."""

    known: dict[str, int] = field(default_factory=dict)

    def of(self, text: str) -> int:
        if text not in self.known:
            self.known[text] = int(datetime.fromisoformat(text).timestamp())
        return self.known[text]


def parse_answer(answer: Mapping[str, Any], batch: Batch, now: float) -> Outcome:
    """Series of all requests that have an entry, and why the others have none. now: the clock's time of the answer, by
    which points are final or not. Raises KeyError, TypeError, ValueError, AttributeError where it is not what it
    should be."""
    entries = dict(_entries(answer))
    count = sum(len(entry["timeseries"]) for entry in entries.values())
    moments = _Moments()
    series: list[Series] = []
    failures: list[Failure] = []
    for request in batch.requests:
        entry = entries.get((request.resource_id, request.source.vendor_name.lower()))
        cause = _cause(entry, cut_off=count >= batch.top)
        if cause is not None:
            failures.append(Failure(request, cause))
        if entry is not None:
            series.append(to_series(request, entry, now, moments.of, whole=cause is None))
    return Outcome(tuple(series), tuple(failures))


def _entries(answer: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Entry]]:
    """(resource's id, vendor's name), both in lower case -> the entry of a metric."""
    for resource in answer["values"]:
        name = resource["resourceid"].lower()
        for entry in resource["value"]:
            yield (name, entry["name"]["value"].lower()), entry


def _cause(entry: Entry | None, *, cut_off: bool) -> Cause | None:
    if entry is None:
        return Cause(ACTION, Reason.PARTIAL, "no result came")
    code = str(entry.get("errorCode") or "Success")
    if code != "Success":
        text = f"{code}: {entry.get('errorMessage') or ''}".strip(": ")
        return Cause(ACTION, ERROR_CODES.get(code.lower(), Reason.PARTIAL), text)
    if len(entry["timeseries"]) > 1:
        return Cause(ACTION, Reason.MALFORMED, "several series came for one metric")
    if cut_off and not entry["timeseries"]:
        return Cause(ACTION, Reason.PARTIAL, "the answer was cut off")
    return None


def to_series(request: SeriesRequest, entry: Entry, now: float, moment_of: Any, *, whole: bool) -> Series:
    """The points within the request's own window, in the catalog's unit, times ascending and unique (the last value of
    a time wins). A number that is none is left out, and so are zeros at the end that are not final; what is missing
    then is unknown, not absent."""
    points = _points(request, entry, moment_of)
    strange = [time for time, value in points.items() if not math.isfinite(value)]
    for time in strange:
        del points[time]
    unsettled = _unsettled(request, points, now)
    for time in unsettled:
        del points[time]
    source = request.source
    scale = source.scale / (request.period if source.per_second else 1)
    times = sorted(points)
    return Series(
        SeriesKey(request.resource_id, request.metric),
        request.period,
        request.start,
        request.end,
        whole and not unsettled and not strange,
        array("q", times),
        array("d", [source.offset + points[time] * scale for time in times]),
    )


def _points(request: SeriesRequest, entry: Entry, moment_of: Any) -> dict[int, float]:
    field_name = request.source.statistic.lower()
    points: dict[int, float] = {}
    for series in entry["timeseries"][:1]:
        for point in series.get("data") or ():
            value, time = point.get(field_name), moment_of(point["timeStamp"])
            if value is not None and request.start <= time < request.end:
                points[time] = value
    return points


def _unsettled(request: SeriesRequest, points: Mapping[int, float], now: float) -> list[int]:
    """The zeros at the end, as far as they are not final yet."""
    found: list[int] = []
    for time in sorted(points, reverse=True):
        if points[time] or time + request.source.final_after(request.period) <= now:
            break
        found.append(time)
    return found
