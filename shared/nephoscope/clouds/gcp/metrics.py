"""Metrics by ListTimeSeries: one question for each metric and window, several at once. Everything that has no whole
answer becomes a Gap: it is unknown, never absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.batches import BatchRead
from nephoscope.clouds.gaps import Cause, plan_gaps
from nephoscope.clouds.gcp.answers import Answers
from nephoscope.clouds.gcp.calls import SERIES, Calls
from nephoscope.clouds.gcp.descriptors import Descriptors
from nephoscope.clouds.gcp.queries import Question, plan_questions, render_filter, render_request
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.series import Readings, Series, SeriesRequest

NOBODY_WRITES_IT = "Cannot find metric"
"""NOT_FOUND with these words: the project has no such metric, for nobody has written it yet (no agent, no bucket). That
is an answer: there is no point."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a question brought, and why that is not all."""

    question: Question
    series: tuple[Series, ...] = ()
    error: ReadError | None = None


class MetricRead:
    """One read of one scope's metrics."""

    def __init__(self, calls: Calls, catalog: Catalog, descriptors: Descriptors) -> None:
        self._calls = calls
        self._descriptors = descriptors
        self._page = catalog.limit("monitoring.time_series", "page")
        self._characters = catalog.limit("monitoring.time_series", "filter_characters")

    def read(self, requests: Sequence[SeriesRequest]) -> Readings:
        """Series in any order, each once, and the gaps. Raises nothing for a read that fails."""
        outcomes = BatchRead(self._ask, lambda question, error: Outcome(question, (), error)).read(
            plan_questions(requests)
        )
        series = tuple(series for outcome in outcomes for series in outcome.series)
        missed = [
            (request, Cause.of(outcome.error))
            for outcome in outcomes
            if outcome.error is not None
            for request in outcome.question.requests
        ]
        return Readings(series, tuple(plan_gaps(self._calls.scope, missed, requests)), self._calls.usage)

    def _ask(self, question: Question) -> tuple[Outcome | None, ReadError | None]:
        """One call with its pages."""
        answers = Answers(question)
        error = self._read_pages(question, answers)
        if error is not None and error.reason is Reason.NOT_FOUND and NOBODY_WRITES_IT in error.detail:
            error = None
        if error is not None and answers.empty:
            return None, error
        pace = self._descriptors.read(self._calls, question.source)
        return Outcome(question, answers.series(pace, complete=error is None), error), error

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
