"""What Monitoring is asked, and in which calls: pure, so that the fewest calls can be counted in a test.

Reads are billed by the series that come back, not by point nor by call. So a question names the machines where their
ids fit into one filter, and otherwise the region: then all its machines come in one call, 100,000 points a page.
Requests that lie close together in time share a question, though their windows begin apart; what lies before a
request's own window is cut off again.

Time. Google's points stand at the *end* of their period, and an interval is (start, end]; alignment counts periods
back from the interval's end. Ours stand at the start, in [start, end). So the same two numbers are asked, and the
point at T is the period that began at T - period.
Source: https://docs.cloud.google.com/monitoring/api/ref_v3/rpc/google.monitoring.v3 (TimeInterval, Aggregation)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from google.cloud.monitoring_v3 import Aggregation, ListTimeSeriesRequest, TimeInterval

from nephoscope.model.metric import Source
from nephoscope.model.series import SeriesRequest

FURTHER_PERIODS = 60
"""So many periods more than it asked for a request may get, so that it can share a question."""

REGION_FILTERS: Mapping[str, str] = {
    "gce_instance": 'resource.labels.zone = starts_with("{region}-")',
    "gcs_bucket": 'resource.labels.location = "{region}"',
}
"""Monitored resource -> how its filter names a region."""

_NO_REDUCER = "REDUCE_NONE"


@dataclass(frozen=True, slots=True)
class Question:
    """One ListTimeSeries (and its pages). Its half-open window [start, end) holds each request's own."""

    metric: str
    source: Source
    period: int
    start: int
    end: int
    requests: tuple[SeriesRequest, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(request.resource_id for request in self.requests))


def metric_type(source: Source) -> str:
    """`compute.googleapis.com/instance/cpu/utilization`."""
    return f"{source.namespace}/{source.vendor_name}"


def id_field(source: Source) -> str:
    """The label that holds the resource's id: `resource.labels.instance_id`."""
    return next(name for name, value in source.dimensions.items() if value == "{id}")


def plan_questions(requests: Iterable[SeriesRequest]) -> tuple[Question, ...]:
    """The questions to ask, those that reach back furthest first: what was left over comes before the rest."""
    groups: dict[tuple[str, int, int], list[SeriesRequest]] = defaultdict(list)
    for request in requests:
        groups[request.metric, request.period, request.end].append(request)
    questions = [
        Question(metric, members[0].source, period, members[0].start, end, tuple(members))
        for (metric, period, end), group in groups.items()
        for members in _near(sorted(group, key=lambda request: request.start), period)
    ]
    return tuple(sorted(questions, key=lambda question: (question.start, question.metric)))


def _near(requests: Sequence[SeriesRequest], period: int) -> Iterator[Sequence[SeriesRequest]]:
    """Runs of requests, sorted by start, that may share a question."""
    first = 0
    for place, request in enumerate(requests):
        if request.start - requests[first].start > FURTHER_PERIODS * period:
            yield requests[first:place]
            first = place
    yield requests[first:]


def render_filter(question: Question, region: str, characters: int) -> str:
    """The filter by metric, by the row's fixed labels, and by machines or region. characters: its length at most."""
    source = question.source
    terms = [f'metric.type = "{metric_type(source)}"']
    terms += [f'{name} = "{value}"' for name, value in source.dimensions.items() if value != "{id}"]
    named = [*terms, f"{id_field(source)} = one_of({', '.join(map(_quoted, question.ids))})"]
    if len(" AND ".join(named)) <= characters:
        return " AND ".join(named)
    return " AND ".join([*terms, REGION_FILTERS[source.dimensions["resource.type"]].format(region=region)])


def render_request(question: Question, project: str, wanted: str, page: int) -> ListTimeSeriesRequest:
    """ListTimeSeries' request; wanted: the filter. page: points a page."""
    source = question.source
    aligner, _, reducer = source.statistic.partition(" ")
    aggregation = Aggregation(
        alignment_period={"seconds": question.period},
        per_series_aligner=aligner,
        cross_series_reducer=reducer or _NO_REDUCER,
        group_by_fields=[id_field(source), *source.attributes] if reducer else [],
    )
    return ListTimeSeriesRequest(
        name=f"projects/{project}",
        filter=wanted,
        interval=TimeInterval(start_time={"seconds": question.start}, end_time={"seconds": question.end}),
        aggregation=aggregation,
        view=ListTimeSeriesRequest.TimeSeriesView.FULL,
        page_size=page,
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
