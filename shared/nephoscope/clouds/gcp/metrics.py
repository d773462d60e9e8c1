"""Metrics by ListTimeSeries: one question for each metric and window, several at once. Everything that has no whole
answer becomes a Gap: it is unknown, never absent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.gcp.answers import Answers
from nephoscope.clouds.gcp.calls import SERIES, Calls
from nephoscope.clouds.gcp.descriptors import Descriptors
from nephoscope.clouds.gcp.queries import Question, plan_questions, render_filter, render_request
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Scope
from nephoscope.model.series import Gap, Readings, Series, SeriesRequest

NOBODY_WRITES_IT = "Cannot find metric"
"""NOT_FOUND with these words: the project has no such metric, for nobody has written it yet (no agent, no bucket). That
is an answer: there is no point."""

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that has no whole answer, and why."""

    question: Question
    error: ReadError


@dataclass(frozen=True, slots=True)
class Outcome:
    series: tuple[Series, ...] = ()
    failure: Failure | None = None


class MetricRead:
    """One read of one scope's metrics."""

    def __init__(self, calls: Calls, catalog: Catalog, descriptors: Descriptors) -> None:
        self._calls = calls
        self._descriptors = descriptors
        self._page = catalog.limit("monitoring.time_series", "page")
        self._characters = catalog.limit("monitoring.time_series", "filter_characters")
        self._denied: ReadError | None = None

    def read(self, requests: Sequence[SeriesRequest]) -> Readings:
        """Series in any order, each once, and the gaps. Raises nothing for a read that fails."""
        outcomes = self._ask(plan_questions(requests))
        failures = [outcome.failure for outcome in outcomes if outcome.failure is not None]
        series = tuple(series for outcome in outcomes for series in outcome.series)
        return Readings(series, tuple(plan_gaps(self._calls.scope, failures, requests)), self._calls.usage)

    def _ask(self, questions: Sequence[Question]) -> list[Outcome]:
        if len(questions) <= 1:
            return [self._answer(question) for question in questions]
        with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(questions))) as pool:
            return list(pool.map(self._answer, questions))

    def _answer(self, question: Question) -> Outcome:
        """One call with its pages. After a denial the others are not asked: they would be denied alike."""
        answers = Answers(question)
        error = self._denied or self._read_pages(question, answers)
        if error is not None and error.reason is Reason.DENIED:
            self._denied = error
        if error is not None and error.reason is Reason.NOT_FOUND and NOBODY_WRITES_IT in error.detail:
            error = None
        if error is not None and answers.empty:
            return Outcome(failure=Failure(question, error))
        pace = self._descriptors.read(self._calls, question.source)
        failure = Failure(question, error) if error is not None else None
        return Outcome(answers.series(pace, complete=error is None), failure)

    def _read_pages(self, question: Question, answers: Answers) -> ReadError | None:
        scope = self._calls.scope
        wanted = render_filter(question, scope.region, self._characters)
        try:
            for page in self._calls.time_series(render_request(question, scope.account, wanted, self._page)):
                answers.take(page)
        except ReadError as error:
            return error
        except (TypeError, ValueError, AttributeError):
            return self._calls.failure(SERIES, Reason.MALFORMED, "a series is not readable")
        if answers.errors:
            return self._calls.failure(SERIES, Reason.PARTIAL, "; ".join(dict.fromkeys(answers.errors)))
        return None


def plan_gaps(scope: Scope, failures: Iterable[Failure], requests: Iterable[SeriesRequest]) -> list[Gap]:
    """One gap for each cause, metrics that miss the same resources together. No resource is named where all are missed;
    then the metric is unread in the whole scope."""
    asked: dict[str, set[str]] = {}
    for request in requests:
        asked.setdefault(request.metric, set()).add(request.resource_id)
    grouped: dict[tuple[tuple[str, Reason, str], tuple[str, ...]], list[str]] = {}
    for (metric, cause), ids in _missed(failures).items():
        named = () if ids == asked[metric] else tuple(sorted(ids))
        grouped.setdefault((cause, named), []).append(metric)
    return [
        Gap(scope, operation, reason, detail, tuple(metrics), ids)
        for ((operation, reason, detail), ids), metrics in grouped.items()
    ]


def _missed(failures: Iterable[Failure]) -> Mapping[tuple[str, tuple[str, Reason, str]], set[str]]:
    missed: dict[tuple[str, tuple[str, Reason, str]], set[str]] = {}
    for failure in failures:
        cause = (failure.error.operation, failure.error.reason, failure.error.detail)
        missed.setdefault((failure.question.metric, cause), set()).update(failure.question.ids)
    return missed
