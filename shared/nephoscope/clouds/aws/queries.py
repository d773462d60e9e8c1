"""What GetMetricData is asked, and in which calls: pure, so that the fewest calls can be counted in a test.

Requests of one period and one end share calls, though their windows begin apart: a call is billed by the series it
names, however many points come, and what lies before a request's own window is cut off again. Only series that are far
behind the others go apart, so that a call does not bring hours of points that nobody asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nephoscope.model.series import SeriesKey, SeriesRequest

Dimensions = tuple[tuple[str, str], ...]

FURTHER_PERIODS = 60
"""So many periods more than it asked for a request may get, so that it can share a call."""


@dataclass(frozen=True, slots=True)
class Query:
    """One series of a call. others: further dimensions under which the same series is listed, for when these hold
    nothing (an agent that was reconfigured, a machine that was resized)."""

    request: SeriesRequest
    dimensions: Dimensions
    attributes: Dimensions = ()
    others: tuple[Dimensions, ...] = ()

    @property
    def key(self) -> SeriesKey:
        return SeriesKey(self.request.resource_id, self.request.metric, self.attributes)


@dataclass(frozen=True, slots=True)
class Batch:
    """One call (and its pages): the half-open window [start, end) holds each query's own."""

    period: int
    start: int
    end: int
    queries: tuple[Query, ...]

    def halves(self) -> tuple[Batch, ...]:
        """Two; none where there is one query only."""
        middle = len(self.queries) // 2
        parts = (self.queries[:middle], self.queries[middle:]) if middle else ()
        return tuple(Batch(self.period, self.start, self.end, part) for part in parts)


def fixed_dimensions(request: SeriesRequest) -> Dimensions:
    """The dimensions that a row gives outright: `{id}` is the resource's."""
    return tuple(
        (name, value.replace("{id}", request.resource_id)) for name, value in request.source.dimensions.items()
    )


def plan_batches(queries: Iterable[Query], most: int, points: int) -> tuple[Batch, ...]:
    """The calls in which to ask, those that reach back furthest first: what had to be left over comes before the rest.

    most: queries a call. points: points a call may bring before AWS cuts the answer into pages.
    """
    groups: dict[tuple[int, int], list[Query]] = defaultdict(list)
    for query in queries:
        groups[query.request.period, query.request.end].append(query)
    batches = [
        Batch(period, members[0].request.start, end, tuple(members))
        for (period, end), group in groups.items()
        for members in _shared(sorted(group, key=lambda query: query.request.start), period, end, most, points)
    ]
    return tuple(sorted(batches, key=lambda batch: (batch.start, batch.period)))


def _shared(queries: Sequence[Query], period: int, end: int, most: int, points: int) -> Iterable[Sequence[Query]]:
    """Runs of queries, sorted by start, that may share a call."""
    first = 0
    for place, query in enumerate(queries):
        start = queries[first].request.start
        fits = min(most, max(1, points // max(1, (end - start) // period)))
        if place - first >= fits or query.request.start - start > FURTHER_PERIODS * period:
            yield queries[first:place]
            first = place
    if first < len(queries):
        yield queries[first:]


def render_request(batch: Batch) -> Mapping[str, Any]:
    """GetMetricData's parameters. Query number n is `q<n>`."""
    return {
        "MetricDataQueries": [_render_query(number, query) for number, query in enumerate(batch.queries)],
        "StartTime": datetime.fromtimestamp(batch.start, UTC),
        "EndTime": datetime.fromtimestamp(batch.end, UTC),
        "ScanBy": "TimestampAscending",
    }


def _render_query(number: int, query: Query) -> Mapping[str, Any]:
    source = query.request.source
    return {
        "Id": f"q{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": source.namespace,
                "MetricName": source.vendor_name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions],
            },
            "Period": query.request.period,
            "Stat": source.statistic,
        },
    }
