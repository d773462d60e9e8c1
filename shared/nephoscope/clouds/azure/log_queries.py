"""What a Log Analytics workspace is asked, and in which queries: pure, so that the fewest can be counted in a test.

One query serves many machines and all of their metrics: each metric's own part (the catalog's row) is narrowed down to
the machines, made into one value a period on the server, and given its metric's name. Which workspace a machine's agent
writes to is nowhere listed, so every workspace is asked the same.

A member of a scale set may write under the set's own id, which is asked for with it.
Source: https://learn.microsoft.com/azure/azure-monitor/logs/api/request-format, https://learn.microsoft.com/kusto/query
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from nephoscope.clouds.azure.queries import near
from nephoscope.model.metric import Source
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import iso

_MEMBERS = "/virtualmachines/"
_SETS = "/virtualmachinescalesets/"


@dataclass(frozen=True)
class Question:
    """One query. requests: those it answers, all of this period and end; start: the earliest."""

    period: int
    start: int
    end: int
    requests: tuple[SeriesRequest, ...]

    @cached_property
    def resources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(request.resource_id for request in self.requests))

    @cached_property
    def metrics(self) -> Mapping[str, Source]:
        return {request.metric: request.source for request in self.requests}

    def halves(self) -> tuple[Question, Question]:
        """By resources."""
        first = frozenset(self.resources[: len(self.resources) // 2])
        return self._parted(lambda request: request.resource_id in first)

    def metric_halves(self) -> tuple[Question, Question]:
        first = frozenset(tuple(self.metrics)[: len(self.metrics) // 2])
        return self._parted(lambda request: request.metric in first)

    def _parted(self, belongs: Callable[[SeriesRequest], bool]) -> tuple[Question, Question]:
        one = tuple(request for request in self.requests if belongs(request))
        other = tuple(request for request in self.requests if not belongs(request))
        return replace(self, requests=one), replace(self, requests=other)


def plan_questions(requests: Iterable[SeriesRequest], resources: int, points: int) -> tuple[Question, ...]:
    """The questions to ask, those that reach back furthest first: what had to be left over comes before the rest.

    resources: the most in one. points: the most of resources times periods.
    """
    groups: dict[tuple[int, int], list[SeriesRequest]] = defaultdict(list)
    for request in requests:
        groups[request.period, request.end].append(request)
    questions = [
        Question(period, run[0].start, end, members)
        for (period, end), group in groups.items()
        for run in near(group, period)
        for members in _packed(run, min(resources, max(1, points * period // max(period, end - run[0].start))))
    ]
    return tuple(sorted(questions, key=lambda question: (question.start, question.period)))


def _packed(run: Sequence[SeriesRequest], most: int) -> Iterator[tuple[SeriesRequest, ...]]:
    """So many resources at once; those that are asked for the same metrics together."""
    asked: dict[str, dict[str, SeriesRequest]] = defaultdict(dict)
    for request in run:
        asked[request.resource_id][request.metric] = request
    alike = sorted(asked, key=lambda name: (sorted(asked[name]), name))
    for first in range(0, len(alike), most):
        yield tuple(asked[name][metric] for name in alike[first : first + most] for metric in sorted(asked[name]))


def set_of(resource_id: str) -> str:
    """The scale set that a machine is a member of; empty where it is none."""
    return resource_id.rpartition(_MEMBERS)[0] if _SETS in resource_id else ""


def render_body(question: Question) -> Mapping[str, str]:
    """The request's body. The time span narrows down every table of the query."""
    return {"query": render_query(question), "timespan": f"{iso(question.start)}/{iso(question.end)}"}


def render_query(question: Question) -> str:
    """KQL that gives the columns `metric`, `id`, `at` (the period's start), `value`, and the metrics' attributes."""
    sets = dict.fromkeys(filter(None, map(set_of, question.resources)))
    machines = json.dumps([*question.resources, *sets])
    parts = [_part(metric, source, question.period) for metric, source in question.metrics.items()]
    answer = parts[0] if len(parts) == 1 else "union\n" + ",\n".join(f"({part})" for part in parts)
    return f"let machines = dynamic({machines});\n{answer}"


def _part(metric: str, source: Source, period: int) -> str:
    keys = ", ".join([f"at = bin(TimeGenerated, {period}s)", "id = tolower(_ResourceId)", *source.attributes])
    return "\n".join(
        [
            source.query.strip(),
            "| where _ResourceId in~ (machines)",
            f"| summarize value = {source.statistic}(value) by {keys}",
            f"| extend metric = '{metric}'",
        ]
    )
