"""What only the agents inside the machines know, out of Log Analytics workspaces.

A row that is not there may be in another workspace, or on its way: a machine is *absent* only where every workspace has
answered in whole. What failed of one leaves unknown what no other had.
Source: https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format (an answer may hold rows and an `error`
beside them: it is partial).
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from azure.core.rest import HttpRequest

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.azure.answers import Failure, Outcome
from nephoscope.clouds.azure.calls import Calls
from nephoscope.clouds.azure.log_queries import Question, plan_questions, render_body
from nephoscope.clouds.azure.session import Client
from nephoscope.clouds.batches import BatchRead
from nephoscope.clouds.gaps import Cause, plan_gaps
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.series import Readings, Series, SeriesKey, SeriesRequest

ACTION = "Microsoft.OperationalInsights/workspaces/query/read"
LIMIT = "log_analytics.query"
SPLITTABLE = frozenset({Reason.TOO_LARGE, Reason.REJECTED})

Attributes = tuple[tuple[str, str], ...]
Points = dict[int, float]
Found = dict[tuple[str, Attributes], Points]
"""(resource's id in lower case, attributes) -> value by time."""


class LogRead:
    """One read of one scope's logs. client: of the query service. workspaces: their ids."""

    def __init__(self, calls: Calls, client: Client, workspaces: Sequence[str], catalog: Catalog) -> None:
        self._calls = calls
        self._client = client
        self._workspaces = workspaces
        self._resources = catalog.limit(LIMIT, "resources")
        self._points = catalog.limit(LIMIT, "points")

    def read(self, requests: Sequence[SeriesRequest]) -> Readings:
        """Series in any order, each once, and the gaps. Raises nothing for a read that fails."""
        questions = BatchRead(self._ask, _lost, Question.halves, SPLITTABLE)
        outcomes = questions.read(plan_questions(requests, self._resources, self._points))
        series = tuple(series for outcome in outcomes for series in outcome.series)
        missed = [(failure.request, failure.cause) for outcome in outcomes for failure in outcome.failures]
        return Readings(series, tuple(plan_gaps(self._calls.scope, missed, requests)), self._calls.usage)

    def _ask(self, question: Question) -> tuple[Outcome | None, ReadError | None]:
        """Of every workspace. Nothing came only where none has answered."""
        found: Found = defaultdict(dict)
        failures: list[ReadError] = []
        answered = False
        for workspace in self._workspaces:
            try:
                answer = self._calls.call(ACTION, self._client, partial(_request, workspace, question))
                for key, at, value in _rows(answer, question):
                    found[key][at] = value
                answered = True
                if problem := answer.get("error"):
                    failures.append(self._calls.failure(ACTION, Reason.PARTIAL, _said(problem)))
            except ReadError as error:
                failures.append(error)
            except (KeyError, TypeError, ValueError, AttributeError):
                failures.append(self._calls.failure(ACTION, Reason.MALFORMED, "a result is not readable"))
        if not answered and failures:
            return None, failures[0]
        return _outcome(question, found, failures), None


def _request(workspace: str, question: Question) -> HttpRequest:
    return HttpRequest("POST", f"/workspaces/{workspace}/query", json=render_body(question))


def _rows(answer: Mapping[str, Any], question: Question) -> Iterator[tuple[tuple[str, Attributes], int, float]]:
    """Raises KeyError, TypeError, ValueError, AttributeError where the answer is not what it should be. A table without
    rows may have no columns."""
    names = question.source.attributes
    for table in answer["tables"]:
        places = {column["name"]: place for place, column in enumerate(table["columns"])}
        for row in table["rows"]:
            value = row[places["value"]]
            if isinstance(value, int | float) and math.isfinite(value):
                attributes = tuple(sorted((ours, str(row[places[theirs]])) for theirs, ours in names.items()))
                at = int(datetime.fromisoformat(row[places["at"]]).timestamp())
                yield (str(row[places["id"]]).lower(), attributes), at, float(value)


def _outcome(question: Question, found: Found, failures: Sequence[ReadError]) -> Outcome:
    by_resource: dict[str, list[tuple[Attributes, Points]]] = defaultdict(list)
    for (resource, attributes), points in found.items():
        by_resource[resource].append((attributes, points))
    series: list[Series] = []
    missed: list[Failure] = []
    for request in question.requests:
        theirs = by_resource.get(request.resource_id.lower(), [])
        if failures and not theirs:
            missed.append(Failure(request, Cause.of(failures[0])))
        elif not theirs and not request.source.discover:
            theirs = [((), {})]
        partial_read = any(failure.reason is Reason.PARTIAL for failure in failures)
        series += _series(request, theirs, whole=not partial_read)
    return Outcome(tuple(series), tuple(missed))


def _series(request: SeriesRequest, found: Iterable[tuple[Attributes, Points]], *, whole: bool) -> Iterator[Series]:
    source = request.source
    scale = source.scale / (request.period if source.per_second else 1)
    for attributes, points in found:
        times = sorted(at for at in points if request.start <= at < request.end)
        yield Series(
            SeriesKey(request.resource_id, request.metric, attributes),
            request.period,
            request.start,
            request.end,
            whole,
            array("q", times),
            array("d", [source.offset + points[at] * scale for at in times]),
        )


def _said(problem: Any) -> str:
    code = problem.get("code") if isinstance(problem, Mapping) else None
    return f"the answer is partial: {code or 'no reason given'}"


def _lost(question: Question, error: ReadError) -> Outcome:
    return Outcome(failures=tuple(Failure(request, Cause.of(error)) for request in question.requests))
