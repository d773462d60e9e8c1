"""What ListTimeSeries answered, made into series: page by page, then judged once all pages are there.

A series may go on over a page's end, and one machine may have several series for one of ours (it was renamed within
the window): their points are put together. What is whole and has no point for a machine says *absent*; pages that
ended early, and execution errors, leave it *unknown*.
Source: https://docs.cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

from nephoscope.clouds.gcp.descriptors import Pace
from nephoscope.clouds.gcp.queries import Question, id_field
from nephoscope.model.series import Series, SeriesKey, SeriesRequest
from nephoscope.model.time import ceil_div

_INT64 = 2  # google.api.MetricDescriptor.ValueType

Points = dict[int, float]
Pairs = tuple[tuple[str, str], ...]


class Answers:
    """The points of one question, gathered page by page."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._wanted = frozenset(question.ids)
        self._points: dict[tuple[str, Pairs], Points] = {}
        self.errors: list[str] = []

    @property
    def empty(self) -> bool:
        return not self._points

    def take(self, page: Any) -> None:
        """Add a page: a ListTimeSeriesResponse, plain protobuf or the client's own. Raises ValueError for a series
        that does not say whose it is."""
        self.errors += [error.message or f"code {error.code}" for error in page.execution_errors]
        source, period = self._question.source, self._question.period
        group, label = _split(id_field(source))
        end_of = _end_in_protobuf if hasattr(page, "DESCRIPTOR") else _end_in_objects
        for series in page.time_series:
            resource = _labels(series, group).get(label)
            if not resource:
                raise ValueError("a series does not say whose it is")
            if resource not in self._wanted:
                continue
            key = (resource, _attributes(series, source.attributes))
            points = self._points.setdefault(key, {})
            if series.value_type == _INT64:
                points.update({end_of(point) - period: float(point.value.int64_value) for point in series.points})
            else:
                points.update({end_of(point) - period: point.value.double_value for point in series.points})

    def series(self, pace: Pace, *, complete: bool) -> tuple[Series, ...]:
        """Each series that was asked for, once. pace: what the metric's descriptor promises."""
        found = {(key.resource_id, key.attributes): key for key in self._keys()}
        requests = {request.resource_id: request for request in self._question.requests}
        return tuple(
            to_series(requests[resource], key, self._points.get((resource, attributes), {}), pace, complete=complete)
            for (resource, attributes), key in found.items()
        )

    def _keys(self) -> Iterator[SeriesKey]:
        for resource, attributes in self._points:
            yield SeriesKey(resource, self._question.metric, attributes)
        if not self._question.source.discover:
            for resource in self._question.ids:
                yield SeriesKey(resource, self._question.metric)


def to_series(request: SeriesRequest, key: SeriesKey, points: Points, pace: Pace, *, complete: bool) -> Series:
    """The points within the request's own window, in the catalog's unit. A number that is none is left out;
    what is missing then is unknown, not absent.

    Where the descriptor tells of a longer delay than the catalog's row, the newest periods are not settled yet: the
    window ends before them. Where it samples less often than the period, a period without a point is no news.
    """
    source, period = request.source, request.period
    scale = source.scale / (period if source.per_second else 1)
    late = max(0, ceil_div(pace.delay - source.delay_of(period), period)) * period
    end = max(request.start, request.end - late)
    times = sorted([at for at, value in points.items() if request.start <= at < end and math.isfinite(value)])
    return Series(
        key,
        period,
        request.start,
        end,
        complete and pace.period <= period and all(map(math.isfinite, points.values())),
        array("q", times),
        array("d", [points[at] * scale for at in times]),
    )


def _attributes(series: Any, names: Mapping[str, str]) -> Pairs:
    pairs = []
    for field, ours in names.items():
        group, label = _split(field)
        pairs.append((ours, _labels(series, group).get(label, "")))
    return tuple(sorted(pairs))


def _split(field: str) -> tuple[str, str]:
    """`metric.labels.device` -> `metric`, `device`."""
    group, _, label = field.split(".", 2)
    return group, label


def _labels(series: Any, group: str) -> Any:
    return series.metric.labels if group == "metric" else series.resource.labels


def _end_in_protobuf(point: Any) -> int:
    seconds: int = point.interval.end_time.seconds
    return seconds


def _end_in_objects(point: Any) -> int:
    """The client's own objects hold datetimes."""
    return int(point.interval.end_time.timestamp())
