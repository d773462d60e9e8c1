"""ListTimeSeries over the fleet: the request checked, the series chosen, aligned, cut into pages and rendered.

A page holds at most page_size *points* (series in the HEADERS view), so that a series may go on on the next page. Its
points come newest first. What could not be read is told in `execution_errors` beside what could.
Sources: google/monitoring/v3/metric_service.proto (ListTimeSeriesRequest and its response),
https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from google.cloud.monitoring_v3.types import Aggregation, ListTimeSeriesRequest, metric_service

from nephoscope.localcloud.curves import noise
from nephoscope.localcloud.gcp.alignment import Course, align, find_aligner, reduce
from nephoscope.localcloud.gcp.call import GoogleError, Status, invalid
from nephoscope.localcloud.gcp.gate import Admitted
from nephoscope.localcloud.gcp.metric_filter import Filter, parse_filter
from nephoscope.localcloud.gcp.metric_rows import RESOURCE_LABELS, ROWS, BucketRow, Kind, Row
from nephoscope.localcloud.gcp.series import Series
from nephoscope.localcloud.gcp.world import World
from nephoscope.localcloud.incidents import Happening

PAGE = 100_000
Response: Any = metric_service.ListTimeSeriesResponse.pb()
_HEADERS = ListTimeSeriesRequest.TimeSeriesView.HEADERS
_UNAVAILABLE = 14
_KINDS = {Kind.GAUGE: 1, Kind.DELTA: 2, Kind.CUMULATIVE: 3}
_INT64, _DOUBLE = 2, 3


@dataclass(frozen=True, slots=True)
class Question:
    """after, until: seconds; the interval is open at its start and closed at its end."""

    row: Row | BucketRow
    chosen: tuple[Series, ...]
    after: int
    until: int


def read_question(world: World, project: str, request: Any) -> Question:
    """request: the raw message. Raises GoogleError."""
    wanted = parse_filter(request.filter)
    row = _row(wanted, request.filter)
    until = _seconds(request.interval.end_time)
    after = _seconds(request.interval.start_time) if request.interval.HasField("start_time") else until
    if not request.interval.HasField("end_time"):
        raise invalid("Field interval.endTime had an invalid value: The end time is required.")
    if after >= until:
        raise invalid("Field interval.startTime had an invalid value: The start time must be before the end time.")
    if request.order_by:
        raise invalid("Field orderBy had an invalid value: Unsupported.")
    if request.HasField("secondary_aggregation"):
        raise GoogleError(Status.UNIMPLEMENTED, "secondary_aggregation is not known here")
    chosen = tuple(series for series in world.series(project, row.type) if wanted.matches(series.facts()))
    return Question(row, chosen, after, until)


def regions_of(world: World, project: str, question: Question) -> tuple[str, ...]:
    """The regions that a question is about; empty where it leaves none of the project's out."""
    every = {series.region for series in world.series(project, question.row.type)}
    asked = {series.region for series in question.chosen}
    return () if asked == every else tuple(sorted(asked))


def _row(wanted: Filter, text: str) -> Row | BucketRow:
    if not wanted.metric_type:
        raise invalid(
            f'Field filter had an invalid value of "{text}": must specify a restriction on "metric.type" in the '
            'filter; see "https://cloud.google.com/monitoring/api/resources" for a list of available metric types.'
        )
    row = ROWS.get(wanted.metric_type)
    if row is None:
        raise GoogleError(
            Status.NOT_FOUND,
            f'Cannot find metric(s) that match type = "{wanted.metric_type}". If a metric was created recently, it '
            "could take up to 10 minutes to become available. Please try again soon.",
        )
    known = {f"resource.labels.{key}" for key in RESOURCE_LABELS[row.resource]}
    known |= {f"metric.labels.{key}" for key in row.labels}
    if odd := [name for name in sorted(wanted.names) if ".labels." in name and name not in known]:
        raise invalid(
            f'Field filter had an invalid value of "{text}": The supplied filter does not specify a valid '
            f"combination of metric and monitored resource descriptors ({', '.join(odd)}). The query will not return "
            "any time series."
        )
    return row


def _seconds(moment: Any) -> int:
    return int(moment.seconds)


def list_time_series(world: World, question: Question, request: Any, admitted: Admitted) -> tuple[Any, int]:
    """The answer, and how many series it returns (which is what Google bills). Raises GoogleError."""
    offset, now = _read_token(request, world.now)
    response = Response()
    bright = [series for series in question.chosen if series.region not in admitted.dark]
    blind = sorted({series.region for series in question.chosen} & admitted.dark)
    for region in blind:
        response.execution_errors.add(code=_UNAVAILABLE, message=f"Time series in {region} could not be read.")
    courses = [_course(world, question, series, now, response) for series in bright]
    courses = [course for course in _aggregated(courses, question, request.aggregation) if course.samples]
    response.unit = question.row.unit
    following = _fill(response, question.row.type, question.row.resource, courses, request, offset)
    if following:
        response.next_page_token = _write_token(request, following, now)
    return response, len(response.time_series)


def _course(world: World, question: Question, series: Series, now: float, response: Any) -> Course:
    """With some samples before the interval, for what was counted across its start."""
    counter = series.row.kind is not Kind.GAUGE
    after = question.after - (2 * series.row.sample if counter else 0)
    samples = series.samples(after, question.until, now)
    for incident in world.incidents(Happening.PARTIAL_DATA, series.project, [series.region]):
        name = crc32(json.dumps([series.row.type, *series.resource.values(), *series.metric.values()]).encode())
        if noise(name, int(world.now) // 60) < incident.share:
            samples = samples[: len(samples) // 2]
            message = f"Some points in {series.region} could not be read."
            if all(error.message != message for error in response.execution_errors):
                response.execution_errors.add(code=_UNAVAILABLE, message=message)
    return Course(series.metric, series.resource, series.row.kind, series.row.whole, samples)


def _aggregated(courses: Sequence[Course], question: Question, asked: Any) -> list[Course]:
    name = Aggregation.Aligner(asked.per_series_aligner).name
    reducer = Aggregation.Reducer(asked.cross_series_reducer).name
    if name == "ALIGN_NONE":
        if reducer != "REDUCE_NONE":
            raise invalid(
                "Field aggregation.perSeriesAligner had an invalid value of ALIGN_NONE: An aligner must be specified "
                "where time series are reduced."
            )
        return [_within(course, question) for course in courses]
    period = int(asked.alignment_period.seconds)
    aligner = find_aligner(name, period, question.row.kind, whole=question.row.whole)
    rate = name == "ALIGN_RATE"
    aligned = [align(course, aligner, period, question.after, question.until, rate=rate) for course in courses]
    return aligned if reducer == "REDUCE_NONE" else reduce(aligned, reducer, list(asked.group_by_fields))


def _within(course: Course, question: Question) -> Course:
    samples = [row for row in course.samples if row.end > question.after]
    return Course(course.metric, course.resource, course.kind, course.whole, samples)


def _fill(response: Any, kind: str, resource: str, courses: Sequence[Course], request: Any, offset: int) -> int:
    """One page from `offset` on; where the next one begins, 0 where there is none."""
    headers = request.view == _HEADERS
    budget = request.page_size if 0 < request.page_size <= PAGE else PAGE
    place = 0
    for course in courses:
        size = 1 if headers else len(course.samples)
        first = max(offset - place, 0)
        if first < size:
            if not budget:
                return place + first
            taken = min(size - first, budget)
            _render(response.time_series.add(), kind, resource, course, None if headers else (first, taken))
            budget -= taken
            if first + taken < size:
                return place + first + taken
        place += size
    return 0


def _render(target: Any, kind: str, resource: str, course: Course, part: tuple[int, int] | None) -> None:
    target.metric.type = kind
    target.metric.labels.update(course.metric)
    target.resource.type = resource
    target.resource.labels.update(course.resource)
    target.metric_kind = _KINDS[course.kind]
    target.value_type = _INT64 if course.whole else _DOUBLE
    if part is None:
        return
    first, taken = part
    for row in course.samples[::-1][first : first + taken]:
        point = target.points.add()
        point.interval.start_time.seconds = row.start
        point.interval.end_time.seconds = row.end
        if course.whole:
            point.value.int64_value = int(row.value)
        else:
            point.value.double_value = row.value


def _write_token(request: Any, offset: int, now: float) -> str:
    return base64.urlsafe_b64encode(json.dumps([offset, now, _digest(request)]).encode()).decode()


def _read_token(request: Any, now: float) -> tuple[int, float]:
    """Where to go on, and the moment that the first page saw: the pages of one answer fit together."""
    if not request.page_token:
        return 0, now
    try:
        offset, then, digest = json.loads(base64.urlsafe_b64decode(request.page_token))
    except ValueError as error:
        raise invalid("Field pageToken had an invalid value: The page token is not valid.") from error
    if digest != _digest(request):
        raise invalid("Field pageToken had an invalid value: The page token is of another request.")
    return int(offset), float(then)


def _digest(request: Any) -> int:
    same = type(request)()
    same.CopyFrom(request)
    same.page_token = ""
    return crc32(same.SerializeToString(deterministic=True))
