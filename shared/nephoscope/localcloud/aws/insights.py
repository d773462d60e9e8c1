"""Metrics Insights: `SELECT MAX(CPUUtilization) FROM SCHEMA("AWS/EC2", InstanceId) GROUP BY InstanceId ...`.

AVG, COUNT, MAX, MIN and SUM over every metric that fits; at most 10,000 metrics are looked at and 500 courses given.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from nephoscope.localcloud.aws.call import AwsError
from nephoscope.localcloud.aws.course import Course
from nephoscope.localcloud.aws.scene import Scene
from nephoscope.localcloud.aws.streams import Stream, bucketed
from nephoscope.localcloud.aws.summary import Summary

LOOKED_AT = 10_000
GIVEN = 500
_NAME = r'(?:"[^"]+"|[\w./-]+)'
_QUERY = re.compile(
    rf"\s*SELECT\s+(?P<function>AVG|COUNT|MAX|MIN|SUM)\(\s*(?P<metric>{_NAME})\s*\)"
    rf"\s+FROM\s+(?:SCHEMA\(\s*(?P<schema>{_NAME}(?:\s*,\s*{_NAME})*)\s*\)|(?P<namespace>{_NAME}))"
    r"(?:\s+WHERE\s+(?P<where>.+?))??"
    rf"(?:\s+GROUP\s+BY\s+(?P<group>{_NAME}(?:\s*,\s*{_NAME})*))?"
    r"(?:\s+ORDER\s+BY\s+(?P<order>AVG|COUNT|MAX|MIN|SUM)\(\s*\)(?:\s+(?P<direction>ASC|DESC))?)?"
    r"(?:\s+LIMIT\s+(?P<limit>\d+))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(rf"\s*(?P<name>{_NAME})\s*(?P<sign>!?=)\s*'(?P<value>[^']*)'\s*")
_STATISTIC = {"AVG": "Average", "MAX": "Maximum", "MIN": "Minimum", "SUM": "Sum", "COUNT": "SampleCount"}


def run_insights(scene: Scene, text: str, period: int) -> list[Course]:
    """One course for each group, in the order that was asked. Each metric that was looked at is billed."""
    found = _QUERY.fullmatch(text)
    if not found:
        raise AwsError("ValidationError", f"Error in query: {text!r} is not understood")
    if period <= 0:
        raise AwsError("ValidationError", "A Metrics Insights query needs a Period.")
    groups = _plain(found["group"] or "")
    gathered = _gathered(scene, list(_matching(scene, found)), groups, period)
    function = found["function"].upper()
    label = " ".join([function, *_plain(found["metric"])])
    courses = [
        Course(" ".join(group) or label, period, _values(buckets, function)) for group, buckets in gathered.items()
    ]
    return _ordered(courses, found)[: min(int(found["limit"] or GIVEN), GIVEN)]


def _plain(names: str) -> tuple[str, ...]:
    return tuple(name.strip().strip('"') for name in names.split(",")) if names else ()


def _matching(scene: Scene, found: re.Match[str]) -> list[Stream]:
    namespace, *schema = _plain(found["schema"] or found["namespace"])
    (metric,) = _plain(found["metric"])
    tests = _conditions(found["where"])
    streams = [
        stream
        for stream in scene.world.named(scene.account, scene.region, namespace, metric)
        if (not found["schema"] or stream.key.schema == frozenset(schema)) and all(test(stream) for test in tests)
    ][:LOOKED_AT]
    scene.units += len(streams)
    return streams


def _conditions(where: str | None) -> list[Callable[[Stream], bool]]:
    tests = []
    for part in re.split(r"\s+AND\s+", where, flags=re.IGNORECASE) if where else ():
        found = _CONDITION.fullmatch(part)
        if not found:
            raise AwsError("ValidationError", f"Error in query: condition {part!r} is not understood")
        tests.append(_condition(found["name"].strip('"'), found["sign"], found["value"]))
    return tests


def _condition(name: str, sign: str, value: str) -> Callable[[Stream], bool]:
    def holds(stream: Stream) -> bool:
        given = dict(stream.key.dimensions).get(name)
        return given is not None and (given == value) == (sign == "=")

    return holds


def _gathered(
    scene: Scene, streams: list[Stream], groups: tuple[str, ...], period: int
) -> Mapping[tuple[str, ...], Mapping[int, Summary]]:
    """A machine without one of the dimensions belongs to no group."""
    gathered: dict[tuple[str, ...], dict[int, Summary]] = {}
    for stream in streams:
        dimensions = dict(stream.key.dimensions)
        if not all(name in dimensions for name in groups):
            continue
        group = gathered.setdefault(tuple(dimensions[name] for name in groups), {})
        for at, summary in bucketed(stream, period, scene.window).items():
            group.setdefault(at, Summary()).merge(summary)
    return {group: buckets for group, buckets in gathered.items() if buckets}


def _values(buckets: Mapping[int, Summary], function: str) -> dict[int, float]:
    statistic = _STATISTIC[function]
    return {at: value for at, summary in buckets.items() if (value := summary.statistic(statistic)) is not None}


def _ordered(courses: list[Course], found: re.Match[str]) -> list[Course]:
    if not found["order"]:
        return sorted(courses, key=lambda course: course.label)
    by = _BY[found["order"].upper()]
    descending = (found["direction"] or "ASC").upper() == "DESC"
    return sorted(courses, key=lambda course: by(list(course.points.values())), reverse=descending)


_BY: Mapping[str, Callable[[list[float]], float]] = {
    "AVG": lambda values: sum(values) / len(values),
    "COUNT": len,
    "MAX": max,
    "MIN": min,
    "SUM": sum,
}
