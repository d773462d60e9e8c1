"""History asked back of Elasticsearch: pages of the server's own aggregations, put together.

A shard that failed, or a search that ran out of its time, is an error: figures that lack a part look like others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from nephoscope.model.config import Config
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.history import HistoryKind
from nephoscope.model.question import Course, KeptMetric, Key, Question, Survey, Total
from nephoscope.model.time import Deadline
from nephoscope.pipeline.asking.answers import add_steps, labels_of, metrics_of, survey_of, totals_of
from nephoscope.pipeline.asking.bodies import (
    Body,
    metrics_body,
    page_of,
    slices_of,
    steps_body,
    survey_body,
    totals_body,
)
from nephoscope.pipeline.asking.fields import group_fields
from nephoscope.ports import SecretReader
from nephoscope.sinks.elasticsearch.client import Client
from nephoscope.sinks.elasticsearch.indices import alias_of

_WAITS = (0.5, 1.0, 2.0)
"""Seconds before a search that the server had no room for is asked again."""

_FILTER = "_scroll_id,timed_out,_shards.failed,_shards.failures.reason,aggregations,hits.hits"
_SCROLL = "2m"
DOCUMENTS = 5_000
"""In an answer, where documents themselves are read."""


class ElasticsearchAsking:
    """A HistoryReader. where: what our indices' names begin with."""

    def __init__(self, client: Client, where: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.client = client
        self._where = where
        self._sleep = sleep

    def close(self) -> None:
        """Let go of the connection; the next question opens another."""
        self.client.close()

    def read_survey(self, question: Question, deadline: Deadline) -> Survey:
        """Raises DeliveryError, also for a server that is not supported."""
        self.client.server(deadline)
        return survey_of(self.search(HistoryKind.METRICS, survey_body(question), deadline).get("aggregations", {}))

    def read_metrics(self, fleet: str, deadline: Deadline) -> tuple[KeptMetric, ...]:
        """All that are kept of the fleet, by name. Raises DeliveryError."""
        return metrics_of(self.search(HistoryKind.METRICS, metrics_body(fleet), deadline).get("aggregations", {}))

    def read_totals(self, question: Question, deadline: Deadline) -> tuple[Total, ...]:
        """Every group, in the order of its key. Raises DeliveryError."""
        width = len(group_fields(question.by))
        found: list[Total] = []
        after: Mapping[str, Any] | None = None
        while True:
            answer = self.search(HistoryKind.METRICS, totals_body(question, after), deadline)
            page, after = totals_of(answer.get("aggregations", {}), width, page_of(question))
            found += page
            if after is None:
                return tuple(found)

    def read_courses(
        self,
        question: Question,
        totals: Sequence[Total],
        deadline: Deadline,
        *,
        few: bool = False,
        stepped: Callable[[int, int], None] = lambda _at, _end: None,
    ) -> tuple[Course, ...]:
        """The course of each of these groups, in their order. few: they are not all that there are, and only they are
        asked for. stepped: told the data time up to which all is read, and its end. Raises DeliveryError."""
        width = len(group_fields(question.by))
        courses = [Course(label, total) for label, total in zip(labels_of(totals, question.by), totals, strict=True)]
        by_key = {course.total.key: course for course in courses}
        keys: tuple[Key, ...] = tuple(by_key) if few else ()
        for part in slices_of(question, len(totals)):
            after: Mapping[str, Any] | None = None
            while True:
                answer = self.search(HistoryKind.METRICS, steps_body(part, keys, after), deadline)
                after = add_steps(answer.get("aggregations", {}), width, by_key, page_of(question))
                if after is None:
                    break
            stepped(part.end, question.end)
        return tuple(courses)

    def read_pages(self, kind: HistoryKind, body: Body, deadline: Deadline) -> Iterator[list[dict[str, Any]]]:
        """Every document of the query, as it was when the first page was read, in pages. A scroll: the one way to all
        documents that both makers' servers know alike. Raises DeliveryError."""
        answer = self.search(kind, {"size": DOCUMENTS, **body}, deadline, scroll=_SCROLL)
        scroll = answer.get("_scroll_id", "")
        try:
            while hits := answer.get("hits", {}).get("hits", []):
                yield hits
                if len(hits) < body.get("size", DOCUMENTS):
                    break
                again = {"scroll": _SCROLL, "scroll_id": scroll}
                answer = self._checked("POST", "/_search/scroll", again, deadline, filter_path=_FILTER)
                scroll = answer.get("_scroll_id", scroll)
        finally:
            if scroll and deadline.remaining > 0:
                self._let_go(scroll, deadline)

    def _let_go(self, scroll: str, deadline: Deadline) -> None:
        """Where it may not, everything was read all the same: OpenSearch's own role of readers cannot end a scroll,
        which then ends by itself, two minutes later."""
        with suppress(DeliveryError):
            self.client.ask("DELETE", "/_search/scroll", {"scroll_id": [scroll]}, deadline=deadline)

    def search(self, kind: HistoryKind, body: Body, deadline: Deadline, **params: str) -> dict[str, Any]:
        """One search of all that is kept of a kind; where nothing is kept yet, an answer without anything. Raises
        DeliveryError."""
        path = f"/{alias_of(self._where, kind)}/_search"
        return self._checked(
            "POST",
            path,
            body,
            deadline,
            ignore_unavailable="true",
            allow_no_indices="true",
            allow_partial_search_results="false",
            filter_path=_FILTER,
            **params,
        )

    def _checked(self, method: str, path: str, body: Body, deadline: Deadline, **params: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._patiently(method, path, body, deadline, **params)
        failed = answer.get("_shards", {}).get("failed", 0)
        if failed or answer.get("timed_out"):
            causes = answer.get("_shards", {}).get("failures") or [{}]
            said = causes[0].get("reason", {}).get("reason", "")
            what = f"{failed} shards did not answer" if failed else "the search was cut short by its time"
            raise self.client.error(Reason.PARTIAL, f"{what}{f': {said}' if said else ''}")
        return answer

    def _patiently(self, method: str, path: str, body: Body, deadline: Deadline, **params: Any) -> Any:
        for wait in _WAITS:
            try:
                return self.client.ask(method, path, body, deadline=deadline, **params)
            except DeliveryError as error:
                if error.reason is not Reason.THROTTLED or deadline.remaining < 2 * wait:
                    raise
            self._sleep(wait)
        return self.client.ask(method, path, body, deadline=deadline, **params)


def open_asking(config: Config, secrets: SecretReader) -> ElasticsearchAsking:
    """For the configured server; no call is made and no secret read yet. Raises DeliveryError where there is none."""
    where = config.history
    if where is None:
        raise DeliveryError(destination="Elasticsearch", reason=Reason.NOT_FOUND, detail="publish has no elasticsearch")
    return ElasticsearchAsking(Client(where, secrets), where.index)
