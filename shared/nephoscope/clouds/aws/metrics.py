"""Metrics by GetMetricData. Everything that has no whole answer becomes a Gap: it is unknown, never absent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.aws.answers import READ, Answers, Failure, Outcome, merge_series
from nephoscope.clouds.aws.calls import Calls
from nephoscope.clouds.aws.discovery import Discovery, plan_queries
from nephoscope.clouds.aws.queries import Batch, Query, fixed_dimensions, plan_batches, render_request
from nephoscope.clouds.batches import BatchRead
from nephoscope.clouds.gaps import Cause, gap_of, plan_gaps
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.metric import Source
from nephoscope.model.series import Gap, Readings, Series, SeriesKey, SeriesRequest

SPLITTABLE = frozenset({Reason.TOO_LARGE, Reason.REJECTED})

_SERVICE, _OPERATION = "cloudwatch", "GetMetricData"


class MetricRead:
    """One read of one scope's metrics."""

    def __init__(self, calls: Calls, catalog: Catalog, discovery: Discovery) -> None:
        self._calls = calls
        self._discovery = discovery
        self._most = catalog.limit("cloudwatch.get_metric_data", "queries")
        self._points = catalog.limit("cloudwatch.get_metric_data", "points")
        self._batches = BatchRead(self._ask, _lost, Batch.halves, SPLITTABLE)

    def read(self, requests: Sequence[SeriesRequest]) -> Readings:
        """Series in any order, each once, and the gaps. Raises nothing for a read that fails."""
        queries, gaps = self._plan(requests)
        outcomes = self._read(queries)
        outcomes += self._read(_others(outcomes))
        failures = [failure for outcome in outcomes for failure in outcome.failures]
        gaps += plan_gaps(self._calls.scope, ((failure.query.request, failure.cause) for failure in failures), requests)
        return Readings(merged(outcomes), tuple(gaps), self._calls.usage)

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

    def _read(self, queries: Iterable[Query]) -> list[Outcome]:
        return self._batches.read(plan_batches(queries, self._most, self._points))

    def _ask(self, batch: Batch) -> tuple[Outcome | None, ReadError | None]:
        answers = Answers(batch)
        try:
            self._read_pages(batch, answers)
        except ReadError as error:
            return None if answers.empty else answers.outcome(error), error
        return answers.outcome(), None

    def _read_pages(self, batch: Batch, answers: Answers) -> None:
        parameters = render_request(batch)
        units = len(batch.queries)
        for page in self._calls.pages(_SERVICE, _OPERATION, parameters, "MetricDataResults", units=units):
            try:
                answers.take(page)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise self._calls.failure(READ, Reason.MALFORMED, "a result is not readable") from error


def _others(outcomes: Iterable[Outcome]) -> list[Query]:
    """Series that are listed in several ways and hold nothing under the first, to be read under the others too."""
    return [
        Query(query.request, dimensions, query.attributes)
        for outcome in outcomes
        for query, series in outcome.series
        if series.complete and not series.times
        for dimensions in query.others
    ]


def _discovered(requests: Iterable[SeriesRequest]) -> Mapping[str, tuple[Source, set[str]]]:
    """Metric -> its source and the resources it is asked for, of those metrics that must be listed first."""
    found: dict[str, tuple[Source, set[str]]] = {}
    for request in requests:
        if request.source.discover:
            found.setdefault(request.metric, (request.source, set()))[1].add(request.resource_id)
    return found


def merged(outcomes: Sequence[Outcome]) -> tuple[Series, ...]:
    """Each series once: listings of the same series together, incomplete where any of them failed."""
    found: dict[SeriesKey, Series] = {}
    for outcome in outcomes:
        for _, series in outcome.series:
            before = found.get(series.key)
            found[series.key] = series if before is None else merge_series(before, series)
    for outcome in outcomes:
        for failure in outcome.failures:
            series_or_none = found.get(failure.query.key)
            if series_or_none is not None:
                found[failure.query.key] = replace(series_or_none, complete=False)
    return tuple(found.values())


def _lost(batch: Batch, error: ReadError) -> Outcome:
    return Outcome(failures=tuple(Failure(query, Cause.of(error)) for query in batch.queries))
