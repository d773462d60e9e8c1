"""Metrics by the metrics batch. Everything that has no whole answer becomes a Gap: it is unknown, never absent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from azure.core.rest import HttpRequest

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.azure.answers import ACTION, Failure, Outcome, parse_answer
from nephoscope.clouds.azure.calls import Calls
from nephoscope.clouds.azure.queries import Batch, plan_batches, render_body, render_parameters
from nephoscope.clouds.azure.session import Client
from nephoscope.clouds.batches import BatchRead
from nephoscope.clouds.gaps import Cause, plan_gaps
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Scope
from nephoscope.model.series import Readings, SeriesRequest

LIMIT = "azure_monitor.metrics_batch"
SPLITTABLE = frozenset({Reason.TOO_LARGE, Reason.REJECTED, Reason.NOT_FOUND})


class MetricRead:
    """One read of one scope's metrics. client: that of the scope's location."""

    def __init__(self, calls: Calls, client: Client, catalog: Catalog, wall: Callable[[], float]) -> None:
        self._calls = calls
        self._client = client
        self._resources = catalog.limit(LIMIT, "resources")
        self._metrics = catalog.limit(LIMIT, "metrics")
        self._wall = wall

    def read(self, requests: Sequence[SeriesRequest]) -> Readings:
        """Series in any order, each once, and the gaps. Raises nothing for a read that fails."""
        batches = BatchRead(self._ask, _lost, Batch.halves, SPLITTABLE)
        outcomes = batches.read(plan_batches(requests, self._resources, self._metrics))
        series = tuple(series for outcome in outcomes for series in outcome.series)
        missed = [(failure.request, failure.cause) for outcome in outcomes for failure in outcome.failures]
        return Readings(series, tuple(plan_gaps(self._calls.scope, missed, requests)), self._calls.usage)

    def _ask(self, batch: Batch) -> tuple[Outcome | None, ReadError | None]:
        try:
            answer = self._calls.call(ACTION, self._client, partial(_request, self._calls.scope, batch), units=1)
            return parse_answer(answer, batch, self._wall()), None
        except ReadError as error:
            return None, error
        except (KeyError, TypeError, ValueError, AttributeError):
            return None, self._calls.failure(ACTION, Reason.MALFORMED, "a result is not readable")


def _request(scope: Scope, batch: Batch) -> HttpRequest:
    return HttpRequest(
        "POST",
        f"/subscriptions/{scope.account}/metrics:getBatch",
        params=dict(render_parameters(batch)),
        json=render_body(batch),
    )


def _lost(batch: Batch, error: ReadError) -> Outcome:
    return Outcome(failures=tuple(Failure(request, Cause.of(error)) for request in batch.requests))
