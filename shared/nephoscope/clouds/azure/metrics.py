"""Metrics by the metrics batch: in the fewest calls, and so that one bad resource costs only itself.

A call that is refused for one bad member is made again in halves, until the bad one stands alone. Everything that has
no whole answer becomes a Gap: it is unknown, never absent.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from operator import add
from typing import NamedTuple

from azure.core.rest import HttpRequest

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.azure.answers import ACTION, Failure, Outcome, parse_answer
from nephoscope.clouds.azure.calls import Calls
from nephoscope.clouds.azure.queries import Batch, plan_batches, render_body, render_parameters
from nephoscope.clouds.azure.session import Client
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Scope
from nephoscope.model.series import Gap, Readings, SeriesRequest

LIMIT = "azure_monitor.metrics_batch"
SPLITTABLE = frozenset({Reason.TOO_LARGE, Reason.REJECTED, Reason.NOT_FOUND})
MOST_SPLITS = 64
"""Splits in one read. One bad resource in 50 takes six; where hundreds are bad, something else is wrong."""

_AT_ONCE = 4


class MetricRead:
    """One read of one scope's metrics. client: that of the scope's location."""

    def __init__(self, calls: Calls, client: Client, catalog: Catalog, wall: Callable[[], float]) -> None:
        self._calls = calls
        self._client = client
        self._resources = catalog.limit(LIMIT, "resources")
        self._metrics = catalog.limit(LIMIT, "metrics")
        self._wall = wall
        self._splits = MOST_SPLITS
        self._denied: ReadError | None = None
        self._lock = threading.Lock()

    def read(self, requests: Sequence[SeriesRequest]) -> Readings:
        """Series in any order, each once, and the gaps. Raises nothing for a read that fails."""
        outcome = self._ask(plan_batches(requests, self._resources, self._metrics))
        gaps = plan_gaps(self._calls.scope, outcome.failures, requests)
        return Readings(outcome.series, tuple(gaps), self._calls.usage)

    def _ask(self, batches: Sequence[Batch]) -> Outcome:
        if len(batches) <= 1:
            return reduce(add, map(self._read_batch, batches), Outcome())
        with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(batches))) as pool:
            return reduce(add, pool.map(self._read_batch, batches), Outcome())

    def _read_batch(self, batch: Batch) -> Outcome:
        """One call; in halves where it is refused and a half may not be."""
        if self._denied is not None:
            return _failed(batch, self._denied)
        try:
            return self._read_answer(batch)
        except ReadError as error:
            if error.reason is Reason.DENIED:
                self._denied = error
            if error.reason in SPLITTABLE and batch.divisible and self._may_split():
                first, second = batch.halves()
                return self._read_batch(first) + self._read_batch(second)
            return _failed(batch, error)

    def _read_answer(self, batch: Batch) -> Outcome:
        answer = self._calls.call(ACTION, self._client, partial(_request, self._calls.scope, batch), units=1)
        try:
            return parse_answer(answer, batch, self._wall())
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._calls.failure(ACTION, Reason.MALFORMED, "a result is not readable") from error

    def _may_split(self) -> bool:
        with self._lock:
            self._splits -= 1
            return self._splits >= 0


def _request(scope: Scope, batch: Batch) -> HttpRequest:
    return HttpRequest(
        "POST",
        f"/subscriptions/{scope.account}/metrics:getBatch",
        params=dict(render_parameters(batch)),
        json=render_body(batch),
    )


def _failed(batch: Batch, error: ReadError) -> Outcome:
    return Outcome(failures=tuple(Failure.of(request, error) for request in batch.requests))


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
        missed[failure.request.metric, cause].add(failure.request.resource_id)
    grouped: dict[tuple[_Cause, tuple[str, ...]], list[str]] = defaultdict(list)
    for (metric, cause), ids in missed.items():
        grouped[cause, () if ids == asked[metric] else tuple(sorted(ids))].append(metric)
    return grouped
