"""What a Log Analytics workspace is asked, and in which queries: pure, so that the fewest can be counted in a test.

One query serves many machines: the catalog's row says which rows of which table, they are narrowed down to the machines
and made into one value a period on the server. Which workspace a machine's agent writes to is nowhere listed, so every
workspace is asked the same.
Source: https://learn.microsoft.com/azure/azure-monitor/logs/api/request-format, https://learn.microsoft.com/kusto/query
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from nephoscope.clouds.azure.queries import near
from nephoscope.model.metric import Source
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import iso


@dataclass(frozen=True, slots=True)
class Question:
    """One query: one metric at one period and end, of many machines; start: the earliest of theirs."""

    source: Source
    period: int
    start: int
    end: int
    requests: tuple[SeriesRequest, ...]

    def halves(self) -> tuple[Question, ...]:
        """Two in its place; none where it cannot be divided."""
        middle = len(self.requests) // 2
        if not middle:
            return ()
        return replace(self, requests=self.requests[:middle]), replace(self, requests=self.requests[middle:])


def plan_questions(requests: Iterable[SeriesRequest], resources: int, points: int) -> tuple[Question, ...]:
    """Those that reach back furthest first: what had to be left over comes before the rest.

    resources: the most in one. points: the most of resources times periods.
    """
    groups: dict[tuple[str, int, int], list[SeriesRequest]] = defaultdict(list)
    for request in requests:
        groups[request.metric, request.period, request.end].append(request)
    questions = []
    for (_, period, end), group in groups.items():
        for run in near(group, period):
            start = run[0].start
            most = max(1, min(resources, points * period // max(period, end - start)))
            for first in range(0, len(run), most):
                members = tuple(run[first : first + most])
                questions.append(Question(members[0].source, period, start, end, members))
    return tuple(sorted(questions, key=lambda question: (question.start, question.period)))


def render_body(question: Question) -> Mapping[str, str]:
    """The request's body. The time span narrows down every table of the query."""
    return {"query": render_query(question), "timespan": f"{iso(question.start)}/{iso(question.end)}"}


def render_query(question: Question) -> str:
    """KQL that gives the columns `at` (the period's start), `id`, `value`, and the metric's attributes."""
    source = question.source
    machines = ", ".join(json.dumps(request.resource_id) for request in question.requests)
    keys = ", ".join([f"at = bin(TimeGenerated, {question.period}s)", "id = tolower(_ResourceId)", *source.attributes])
    return "\n".join(
        [
            source.query.strip(),
            f"| where _ResourceId in~ ({machines})",
            f"| summarize value = {source.statistic}(value) by {keys}",
        ]
    )
