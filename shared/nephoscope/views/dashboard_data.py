"""The series behind a dashboard, asked for as the console does: a widget's metrics become GetMetricData queries.

Source: AmazonCloudWatch API reference, "Dashboard Body Structure and Syntax" (metrics array, `.` and `...`) and
GetMetricData (one Metrics Insights query a call).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from nephoscope.model.publish import Dashboard
from nephoscope.model.time import DAY, HOUR, MINUTE, floor_to
from nephoscope.pipeline.dashboard.variables import settle

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

WidgetKey = tuple[str, int]
"""A dashboard's name and the widget's place in its list."""

_DURATION = re.compile(r"-P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_AUTOMATIC = "q"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line. times: epoch seconds, ascending. color: empty where the widget names none. period: seconds."""

    label: str
    times: tuple[int, ...]
    values: tuple[float, ...]
    color: str = ""
    period: int = 300


@dataclass(frozen=True, slots=True)
class WidgetData:
    """What a metric widget shows. problem: why something is missing, in words; empty where nothing is."""

    series: tuple[Drawn, ...] = ()
    problem: str = ""


def fetch_dashboard_data(
    client_for: Callable[[str], CloudWatchClient], dashboards: Sequence[Dashboard], start: int, end: int
) -> Mapping[WidgetKey, WidgetData]:
    """The data of every metric widget between start and end (epoch seconds), with the dashboard's variables as they are
    when it is opened. A widget that CloudWatch refuses is returned with the reason; the others are not held up.
    client_for: region -> client."""
    return {
        (dashboard.name, index): _fetch(client_for, widget["properties"], start, end)
        for dashboard in dashboards
        for index, widget in enumerate(widgets_of(dashboard))
        if widget["type"] == "metric"
    }


def widgets_of(dashboard: Dashboard) -> list[dict[str, Any]]:
    """The widgets of a body, in its order, with the values of its variables in their places."""
    widgets: Any = settle(dashboard.body).get("widgets", [])
    return list(widgets)


def expand(metrics: Sequence[Sequence[Any]]) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Each item as (names, options), abbreviations written out: `.` is the item above's word at the same place, `...`
    all that is needed to be as long as the item above. An expression has no names."""
    above: list[str] = []
    for item in metrics:
        options = dict(item[-1]) if item and isinstance(item[-1], Mapping) else {}
        words = [str(word) for word in item if not isinstance(word, Mapping)]
        if words and words[0] == "...":
            words = above[: len(above) - len(words) + 1] + words[1:]
        names = [above[place] if word == "." else word for place, word in enumerate(words)]
        above = names or above
        yield names, options


def queries_of(properties: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """MetricDataQueries by region, as GetMetricData takes them."""
    queries: dict[str, list[dict[str, Any]]] = {}
    for number, (names, options) in enumerate(expand(properties["metrics"])):
        region = options.get("region", properties["region"])
        queries.setdefault(region, []).append(_query(f"{_AUTOMATIC}{number}", names, options, properties))
    return queries


def _query(own_id: str, names: list[str], options: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    period = options.get("period", properties.get("period", 300))
    query: dict[str, Any] = {"Id": options.get("id", own_id), "ReturnData": options.get("visible", True)}
    if options.get("label"):
        query["Label"] = options["label"]
    if account := options.get("accountId", properties.get("accountId")):
        query["AccountId"] = account
    if not names:
        return query | {"Expression": options["expression"], "Period": period}
    pairs = zip(names[2::2], names[3::2], strict=True)
    metric = {
        "Namespace": names[0],
        "MetricName": names[1],
        "Dimensions": [{"Name": key, "Value": value} for key, value in pairs],
    }
    statistic = options.get("stat", properties.get("stat", "Average"))
    return query | {"MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}


def _fetch(
    client_for: Callable[[str], CloudWatchClient], properties: Mapping[str, Any], start: int, end: int
) -> WidgetData:
    start = min(start, end - _span(properties.get("start", "")))
    series: list[Drawn] = []
    for region, queries in queries_of(properties).items():
        try:
            series += _read(client_for(region), queries, properties, start, end)
        except (ClientError, BotoCoreError) as error:
            return WidgetData(tuple(series), str(error))
    return WidgetData(tuple(series))


def _read(
    client: CloudWatchClient, queries: list[dict[str, Any]], properties: Mapping[str, Any], start: int, end: int
) -> list[Drawn]:
    """All pages of one call, a line for each (query, label); a search gives several labels for one query."""
    period = properties.get("period", 300)
    points: dict[tuple[str, str], dict[int, float]] = {}
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries,  # type: ignore[arg-type]  # the shape is the body's, checked by CloudWatch
        StartTime=datetime.fromtimestamp(floor_to(start, period), UTC),
        EndTime=datetime.fromtimestamp(floor_to(end, period), UTC),
        ScanBy="TimestampAscending",
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            line = points.setdefault((result["Id"], result.get("Label", "")), {})
            times = (int(at.timestamp()) for at in result["Timestamps"])
            line.update(zip(times, result["Values"], strict=True))
    colors = {options.get("id", f"{_AUTOMATIC}{n}"): options.get("color", "") for n, options in _options(properties)}
    return [_drawn(label, line, colors.get(own_id, ""), period) for (own_id, label), line in points.items()]


def _drawn(label: str, points: Mapping[int, float], color: str, period: int) -> Drawn:
    times = tuple(sorted(points))
    return Drawn(label, times, tuple(points[at] for at in times), color, period)


def _options(properties: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    return ((number, options) for number, (_, options) in enumerate(expand(properties["metrics"])))


def _span(start: str) -> int:
    """Seconds of a relative start (`-P14D`, `-PT3H`); 0 where there is none."""
    match = _DURATION.fullmatch(start)
    if match is None:
        return 0
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return days * DAY + hours * HOUR + minutes * MINUTE
