"""Metrics by GetMetricData: in the fewest calls, and so that one bad series costs only itself.

A call that is refused for its size or for one bad member is made again in halves, until the bad one stands alone.
Everything that has no whole answer becomes a Gap: it is unknown, never absent.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import reduce
from operator import add
from typing import NamedTuple

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.aws.answers import Answers, Failure, Outcome, merge_series
from nephoscope.clouds.aws.calls import Calls
from nephoscope.clouds.aws.discovery import Discovery, plan_queries
from nephoscope.clouds.aws.errors import gap_of
from nephoscope.clouds.aws.queries import Batch, Query, fixed_dimensions, plan_batches, render_request
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.metric import Source
from nephoscope.model.scope import Scope
from nephoscope.model.series import Gap, Readings, Series, SeriesKey, SeriesRequest

SPLITTABLE = frozenset({Reason.TOO_LARGE, Reason.REJECTED})
MOST_SPLITS = 64
"""Splits in one read. One bad series in 500 takes nine; where hundreds are bad, something else is wrong."""

_AT_ONCE = 4
_SERVICE, _OPERATION = "cloudwatch", "GetMetricData"


class MetricRead:
    """One read of one scope's metrics."""

    def __init__(self, calls: Calls, catalog: Catalog, discovery: Discovery) -> None:
        self._calls = calls
        self._discovery = discovery
        self._most = catalog.limit("cloudwatch.get_metric_data", "queries")
        self._points = catalog.limit("cloudwatch.get_metric_data", "points")
        self._splits = MOST_SPLITS
        self._denied: ReadError | None = None
        self._lock = threading.Lock()

    def read(self, requests: Sequence[SeriesRequest]) -> Readings:
        """Series in any order, each once, and the gaps. Raises nothing for a read that fails."""
        queries, gaps = self._plan(requests)
        outcome = self._fill_silent(self._ask(queries))
        gaps += plan_gaps(self._calls.scope, outcome.failures, requests)
        return Readings(merged(outcome), tuple(gaps), self._calls.usage)

    def _plan(self, requests: Sequence[SeriesRequest]) -> tuple[list[Query], list[Gap]]:
        """What to ask; and a gap for each discovered metric whose listing is not whole."""
        listings = {}
        gaps: list[Gap] = []
        for metric, (source, ids) in _discovered(requests).items():
            listing = self._discovery.read_listing(self._calls, source, frozenset(ids))
            listings[metric] = listing
            if listing.error is not None:
                gaps.append(gap_of(listing.error, self._calls.scope, (metric,)))
        queries: list[Query] = []
        for request in requests:
            if request.metric in listings:
                queries += plan_queries(request, listings[request.metric])
            else:
                queries.append(Query(request, fixed_dimensions(request)))
        return queries, gaps

    def _ask(self, queries: Iterable[Query]) -> Outcome:
        batches = plan_batches(queries, self._most, self._points)
        if len(batches) <= 1:
            return reduce(add, map(self._read_batch, batches), Outcome())
        with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(batches))) as pool:
            return reduce(add, pool.map(self._read_batch, batches), Outcome())

    def _fill_silent(self, outcome: Outcome) -> Outcome:
        """Series that are listed in several ways and hold nothing under the first, read under the others too."""
        further = [
            Query(query.request, dimensions, query.attributes)
            for query, series in outcome.series
            if series.complete and not series.times
            for dimensions in query.others
        ]
        return outcome + self._ask(further)

    def _read_batch(self, batch: Batch) -> Outcome:
        """One call with its pages; in halves where it is refused and a half may not be."""
        if self._denied is not None:
            return _failed(batch, self._denied)
        answers = Answers(batch)
        try:
            self._read_pages(batch, answers)
        except ReadError as error:
            if error.reason is Reason.DENIED:
                self._denied = error
            if not answers.empty:
                return answers.outcome(error)
            if error.reason in SPLITTABLE and len(batch.queries) > 1 and self._may_split():
                first, second = batch.halves()
                return self._read_batch(first) + self._read_batch(second)
            return _failed(batch, error)
        return answers.outcome()

    def _read_pages(self, batch: Batch, answers: Answers) -> None:
        parameters = render_request(batch)
        units = len(batch.queries)
        for page in self._calls.pages(_SERVICE, _OPERATION, parameters, "MetricDataResults", units=units):
            try:
                answers.take(page)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise self._calls.failure(_SERVICE, _OPERATION, Reason.MALFORMED, "a result is not readable") from error

    def _may_split(self) -> bool:
        with self._lock:
            self._splits -= 1
            return self._splits >= 0


def _discovered(requests: Iterable[SeriesRequest]) -> Mapping[str, tuple[Source, set[str]]]:
    """Metric -> its source and the resources it is asked for, of those metrics that must be listed first."""
    found: dict[str, tuple[Source, set[str]]] = {}
    for request in requests:
        if request.source.discover:
            found.setdefault(request.metric, (request.source, set()))[1].add(request.resource_id)
    return found


def merged(outcome: Outcome) -> tuple[Series, ...]:
    """Each series once: listings of the same series together, incomplete where any of them failed."""
    found: dict[SeriesKey, Series] = {}
    for _, series in outcome.series:
        before = found.get(series.key)
        found[series.key] = series if before is None else merge_series(before, series)
    for failure in outcome.failures:
        series_or_none = found.get(failure.query.key)
        if series_or_none is not None:
            found[failure.query.key] = replace(series_or_none, complete=False)
    return tuple(found.values())


def _failed(batch: Batch, error: ReadError) -> Outcome:
    return Outcome(failures=tuple(Failure.of(query, error) for query in batch.queries))


def plan_gaps(scope: Scope, failures: Sequence[Failure], requests: Iterable[SeriesRequest]) -> list[Gap]:
    """One gap for each cause, metrics that miss the same resources together. No resource is named where all are missed;
    then the metric is unread in the whole scope."""
    asked: dict[str, set[str]] = defaultdict(set)
    for request in requests:
        asked[request.metric].add(request.resource_id)
    return [
        Gap(scope, cause.operation, cause.reason, cause.detail, tuple(metrics), ids)
        for (cause, ids), metrics in _grouped(failures, asked).items()
    ]


class _Cause(NamedTuple):
    operation: str
    reason: Reason
    detail: str


def _grouped(
    failures: Sequence[Failure], asked: Mapping[str, set[str]]
) -> Mapping[tuple[_Cause, tuple[str, ...]], list[str]]:
    """Cause and resources -> metrics."""
    missed: dict[tuple[str, _Cause], set[str]] = defaultdict(set)
    for failure in failures:
        cause = _Cause(failure.operation, failure.reason, failure.detail)
        missed[failure.query.request.metric, cause].add(failure.query.request.resource_id)
    grouped: dict[tuple[_Cause, tuple[str, ...]], list[str]] = defaultdict(list)
    for (metric, cause), ids in missed.items():
        grouped[cause, () if ids == asked[metric] else tuple(sorted(ids))].append(metric)
    return grouped
