"""GetMetricData: queries over the fleet's metrics and those that were put, with what AWS refuses and how it pages.

Points come at most 100,800 (or MaxDatapoints) a page, queries in their order; a result that does not fit is
PartialData on this page and goes on on the next. One unit is billed for each metric, however many points it has.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from nephoscope.localcloud.aws.call import Answer, AwsError, Call
from nephoscope.localcloud.aws.course import Course
from nephoscope.localcloud.aws.expressions import evaluate
from nephoscope.localcloud.aws.protocol import parse_time, render_answer
from nephoscope.localcloud.aws.scene import Scene
from nephoscope.localcloud.aws.streams import MetricKey, Window, bucketed
from nephoscope.localcloud.aws.summary import check_statistic
from nephoscope.localcloud.aws.world import World
from nephoscope.localcloud.curves import noise
from nephoscope.localcloud.incidents import Happening

QUERIES = 500
POINTS = 100_800
REQUEST_BYTES = 614_400
_ID = re.compile(r"[a-z][a-zA-Z0-9_]{0,254}")


@dataclass(slots=True)
class _Result:
    """One line of the answer. points: (time, value) in the order that was asked."""

    id: str
    label: str
    points: list[tuple[int, float]]
    status: str = "Complete"
    messages: list[Mapping[str, str]] = field(default_factory=list)


def get_metric_data(world: World, call: Call) -> Answer:
    """Raises AwsError."""
    if len(call.request.body) > REQUEST_BYTES:
        text = f"Request size {len(call.request.body)} exceeded {REQUEST_BYTES} bytes"
        raise AwsError("RequestEntityTooLarge", text, 413)
    queries = _checked(call.params)
    window = _window(call.params, world.now)
    scene = _Scene(world, call, window, {query["Id"]: query for query in queries})
    results = [result for query in queries for result in _results(scene, query)]
    if call.params.get("ScanBy", "TimestampDescending") == "TimestampDescending":
        for result in results:
            result.points.reverse()
    page, token = _page(results, call.params)
    answer: dict[str, Any] = {"MetricDataResults": [_rendered(result) for result in page], "Messages": []}
    if token:
        answer["NextToken"] = token
    return replace(render_answer(call, answer), units=scene.units)


def _checked(params: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    queries: Sequence[Mapping[str, Any]] = params.get("MetricDataQueries", [])
    for name in ("MetricDataQueries", "StartTime", "EndTime"):
        if not params.get(name):
            raise AwsError("ValidationError", f"The parameter {name} is required.")
    if len(queries) > QUERIES:
        raise AwsError(
            "ValidationError", f"The collection MetricDataQueries must not have a size greater than {QUERIES}."
        )
    ids = [str(query.get("Id", "")) for query in queries]
    for name in ids:
        if not _ID.fullmatch(name):
            raise AwsError("ValidationError", f"The value {name} for parameter MetricDataQueries.Id is invalid.")
    if len(set(ids)) < len(ids):
        raise AwsError("ValidationError", "The values for parameter id in MetricDataQueries are not unique.")
    for query in queries:
        _check_query(query)
    return queries


def _check_query(query: Mapping[str, Any]) -> None:
    name = query["Id"]
    if ("MetricStat" in query) == ("Expression" in query):
        raise AwsError("ValidationError", f"Exactly one of MetricStat and Expression must be given for {name}.")
    if "MetricStat" in query:
        stat = query["MetricStat"]
        check_statistic(str(stat.get("Stat", "")))
        _check_period(int(stat.get("Period", 0)))
        if not stat.get("Metric", {}).get("MetricName"):
            raise AwsError("ValidationError", f"MetricStat.Metric.MetricName is required for {name}.")


def _check_period(period: int) -> None:
    if period not in (1, 5, 10, 20, 30) and (period <= 0 or period % 60):
        text = f"The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60, not {period}."
        raise AwsError("ValidationError", text)


def _window(params: Mapping[str, Any], now: float) -> Window:
    start, end = parse_time(params["StartTime"]), parse_time(params["EndTime"])
    if start >= end:
        raise AwsError("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
    return Window(int(start), int(end), now)


class _Scene(Scene):
    """What the queries of one request see, and how many metrics they have read: that is what AWS bills."""

    def __init__(self, world: World, call: Call, window: Window, queries: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(world, call.account, call.region, window)
        self.queries = queries
        self._done: dict[str, list[Course]] = {}

    def query(self, name: str) -> list[Course]:
        """The courses of another query of the request. Raises AwsError for one that is not there, or a circle."""
        if name not in self._done:
            if name not in self.queries:
                raise AwsError("ValidationError", f"Error in expression: undefined variable {name}")
            self._done[name] = []
            self._done[name] = self._read(self.queries[name])
        return self._done[name]

    def metric_ids(self) -> Sequence[str]:
        return [name for name, query in self.queries.items() if "MetricStat" in query]

    def _read(self, query: Mapping[str, Any]) -> list[Course]:
        if "Expression" in query:
            return evaluate(self, str(query["Expression"]), int(query.get("Period", 0)))
        stat, metric = query["MetricStat"], query["MetricStat"]["Metric"]
        pairs = sorted((pair["Name"], pair["Value"]) for pair in metric.get("Dimensions", []))
        key = MetricKey(str(metric.get("Namespace", "")), metric["MetricName"], tuple(pairs))
        self.units += 1
        return [self.course(key, stat["Stat"], int(stat["Period"]))]

    def course(self, key: MetricKey, statistic: str, period: int) -> Course:
        """A metric that nobody has seen is no error: it has no points."""
        stream = self.world.find(self.account, self.region, key)
        if stream is None:
            return Course(key.name, period, {})
        values = {
            at: value
            for at, summary in bucketed(stream, period, self.window).items()
            if (value := summary.statistic(statistic)) is not None
        }
        return Course(key.name, period, values, dict(key.dimensions))


_PLACEHOLDER = re.compile(r"\$\{(?:LABEL|PROP\('Dim\.([^']+)'\))\}")


def _labelled(query: Mapping[str, Any], course: Course, courses: int) -> str:
    """A label with placeholders names each line of a search; a plain one only a line that is alone.
    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/graph-dynamic-labels.html"""
    asked = str(query.get("Label") or "")
    own = course.label or str(query["Id"])
    if _PLACEHOLDER.search(asked):
        return _PLACEHOLDER.sub(lambda found: course.dimensions.get(found[1], "") if found[1] else own, asked)
    return asked if asked and courses == 1 else own


def _results(scene: _Scene, query: Mapping[str, Any]) -> Iterator[_Result]:
    """A line for each course of the query; nothing for one that only serves others."""
    courses = scene.query(query["Id"])
    if str(query.get("ReturnData", True)).lower() == "false":
        return
    for course in courses:
        result = _Result(query["Id"], _labelled(query, course, len(courses)), sorted(course.points.items()))
        if "MetricStat" in query:
            _cut(scene, query, result)
        yield result


def _cut(scene: _Scene, query: Mapping[str, Any], result: _Result) -> None:
    """Where the script says so, the newer half of a series is missing, and the answer says that it is."""
    for incident in scene.world.fleet.incidents(Happening.PARTIAL_DATA, scene.account, scene.region, scene.window.now):
        name = json.dumps(query["MetricStat"]["Metric"], sort_keys=True)
        if noise(crc32(name.encode()), int(scene.window.now) // 60) < incident.share:
            result.points = result.points[: len(result.points) // 2]
            result.status = "PartialData"
            result.messages = [{"Code": "PartialData", "Value": "Some of the data could not be read."}]


def _page(results: Sequence[_Result], params: Mapping[str, Any]) -> tuple[list[_Result], str]:
    budget = min(int(params.get("MaxDatapoints", POINTS)), POINTS)
    place, offset = _read_token(params.get("NextToken", ""))
    page: list[_Result] = []
    while place < len(results) and budget > 0:
        result = results[place]
        taken = result.points[offset : offset + budget]
        budget -= len(taken)
        whole = offset + len(taken) == len(result.points)
        page.append(replace(result, points=taken, status=result.status if whole else "PartialData"))
        place, offset = (place + 1, 0) if whole else (place, offset + len(taken))
    return page, _write_token(place, offset) if place < len(results) else ""


def _write_token(place: int, offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([place, offset]).encode()).decode()


def _read_token(token: str) -> tuple[int, int]:
    if not token:
        return 0, 0
    try:
        place, offset = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise AwsError("InvalidNextToken", "The token is not valid.") from error
    return place, offset


def _rendered(result: _Result) -> Mapping[str, Any]:
    line: dict[str, Any] = {
        "Id": result.id,
        "Label": result.label,
        "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in result.points],
        "Values": [value for _, value in result.points],
        "StatusCode": result.status,
    }
    return line | {"Messages": result.messages} if result.messages else line
