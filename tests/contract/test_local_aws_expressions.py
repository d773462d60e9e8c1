"""SEARCH, Metrics Insights and metric math of the local AWS, against figures worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import Power

NOON = 1_795_435_200
HOME = "111111111111"


_Courses = dict[str, dict[int, float]]


@pytest.fixture
def cloudwatch(fleet_aws: LocalAws) -> Any:
    """Requests of three machines in two zones: a 1 2 3, b 10 - 30, c 100 (and at the same times nothing else)."""
    client = fleet_aws.client("cloudwatch")
    rows = {("a", "north"): {0: 1, 60: 2, 120: 3}, ("b", "south"): {0: 10, 120: 30}, ("c", "south"): {0: 100}}
    data = [
        {
            "MetricName": "requests",
            "Timestamp": datetime.fromtimestamp(NOON + at, UTC),
            "Value": value,
            "Dimensions": [{"Name": "Machine", "Value": machine}, {"Name": "Zone", "Value": zone}],
        }
        for (machine, zone), points in rows.items()
        for at, value in points.items()
    ]
    client.put_metric_data(Namespace="own/shop", MetricData=data)
    return client


def _courses(client: Any, expression: str, *more: dict[str, Any], period: int | None = 60) -> _Courses:
    query = {"Id": "e", "Expression": expression} | ({"Period": period} if period else {})
    results = client.get_metric_data(
        MetricDataQueries=[query, *more],
        StartTime=datetime.fromtimestamp(NOON, UTC),
        EndTime=datetime.fromtimestamp(NOON + 180, UTC),
    )["MetricDataResults"]
    assert all(row["Id"] == "e" for row in results)
    return {
        row["Label"]: {
            int(at.timestamp()) - NOON: value for at, value in zip(row["Timestamps"], row["Values"], strict=True)
        }
        for row in results
    }


def _metric(name: str, machine: str, zone: str) -> dict[str, Any]:
    dimensions = [{"Name": "Machine", "Value": machine}, {"Name": "Zone", "Value": zone}]
    metric = {"Namespace": "own/shop", "MetricName": "requests", "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False}


METRICS = (_metric("ma", "a", "north"), _metric("mb", "b", "south"), _metric("mc", "c", "south"))

MATH = [
    ("ma + mb", {0: 11, 120: 33}),
    ("mb - ma", {0: 9, 120: 27}),
    ("ma * 2 + 1", {0: 3, 60: 5, 120: 7}),
    ("100 * ma / (ma + mb)", {0: pytest.approx(9.0909, abs=1e-4), 120: pytest.approx(9.0909, abs=1e-4)}),
    ("2 ^ ma", {0: 2, 60: 4, 120: 8}),
    ("-ma", {0: -1, 60: -2, 120: -3}),
    ("ma > 1", {0: 0, 60: 1, 120: 1}),
    ("ma > 1 AND ma < 3", {0: 0, 60: 1, 120: 0}),
    ("SUM(METRICS())", {0: 111, 60: 2, 120: 33}),
    ("MAX([ma, mb])", {0: 10, 60: 2, 120: 30}),
    ("MIN(METRICS('m'))", {0: 1, 60: 2, 120: 3}),
    ("AVG(METRICS())", {0: 37, 60: 2, 120: 16.5}),
    ("FILL(mb, 0)", {0: 10, 60: 0, 120: 30}),
    ("FILL(mb, REPEAT)", {0: 10, 60: 10, 120: 30}),
    ("FILL(mb, LINEAR)", {0: 10, 60: 20, 120: 30}),
    ("ma / MAX(ma)", {0: pytest.approx(1 / 3), 60: pytest.approx(2 / 3), 120: 1}),
    ("IF(ma > 1, ma, 0)", {0: 0, 60: 2, 120: 3}),
    ("ABS(0 - ma)", {0: 1, 60: 2, 120: 3}),
    ("TIME_SERIES(7)", {0: 7, 60: 7, 120: 7}),
    ("ma / 0", {}),
]


@pytest.mark.parametrize(("expression", "expected"), MATH)
def test_metric_math(cloudwatch: Any, expression: str, expected: dict[int, float]) -> None:
    (course,) = _courses(cloudwatch, expression, *METRICS).values()
    assert course == expected


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("ma +", "its end"),
        ("ma + nobody", "nobody"),
        ("MEDIAN(ma)", "MEDIAN"),
        ("1 + 1", "time series"),
        ("SUM(ma", "its end"),
        ("ma ; mb", "unexpected"),
        ("SELECT MEDIAN(x) FROM y", "not understood"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_reason(cloudwatch: Any, expression: str, word: str) -> None:
    with pytest.raises(ClientError, match=word) as caught:
        _courses(cloudwatch, expression, *METRICS)
    assert caught.value.response["Error"]["Code"] == "ValidationError"


SCHEMA = "{own/shop,Machine,Zone}"
SEARCHES = [
    (f'{SCHEMA} MetricName="requests"', "abc"),
    (f'{SCHEMA} MetricName="requests" Zone="south"', "bc"),
    (f"{SCHEMA} requests (north OR Machine=c)", "ac"),
    (f"{SCHEMA} requests NOT north", "bc"),
    (f'{SCHEMA} Machine=("a" OR "b")', "ab"),
    (f"{SCHEMA} SOU", "bc"),
    (f'{SCHEMA} Zone="sou"', ""),
    ('{own/shop,Machine} MetricName="requests"', ""),
    ('{own/other,Machine,Zone} MetricName="requests"', ""),
    ('Namespace="own/shop" MetricName="requests" Machine="a"', "a"),
]


@pytest.mark.parametrize(("text", "machines"), SEARCHES)
def test_search_finds_by_schema_and_words(cloudwatch: Any, text: str, machines: str) -> None:
    labels = list(_courses(cloudwatch, f"SEARCH('{text}', 'Sum', 60)"))
    assert [label.split()[0] for label in labels] == list(machines)


def test_a_search_can_be_summed_sorted_and_cut(cloudwatch: Any) -> None:
    search = f"SEARCH('{SCHEMA} MetricName=\"requests\"', 'Sum', 60)"
    (total,) = _courses(cloudwatch, f"SUM({search})").values()
    assert total == {0: 111, 60: 2, 120: 33}
    assert list(_courses(cloudwatch, f"SORT({search}, MAX, DESC, 2)")) == ["c south requests", "b south requests"]


def test_search_over_the_fleet_finds_every_machine_that_reports(fleet_aws: LocalAws) -> None:
    client = fleet_aws.client("cloudwatch", "eu-west-1")
    search = "SEARCH('{AWS/EC2,InstanceId} MetricName=\"CPUUtilization\"', 'Average', 300)"
    results = client.get_metric_data(
        MetricDataQueries=[{"Id": "e", "Expression": search}],
        StartTime=datetime.fromtimestamp(NOON - 1800, UTC),
        EndTime=datetime.fromtimestamp(NOON - 600, UTC),
    )["MetricDataResults"]
    running = {
        sighting.instance.id
        for sighting in fleet_aws.fleet.instances_at(NOON, HOME, "eu-west-1")
        if sighting.power is Power.RUNNING
    }
    assert {row["Label"].split()[0] for row in results} == running
    assert {len(row["Values"]) for row in results} == {4}
    (entry,) = fleet_aws.ledger.entries("cloudwatch:GetMetricData")
    assert entry.units == len(running)


INSIGHTS = [
    ('SELECT SUM(requests) FROM SCHEMA("own/shop", Machine, Zone)', {"SUM requests": {0: 111, 60: 2, 120: 33}}),
    (
        'SELECT MAX(requests) FROM "own/shop" GROUP BY Zone',
        {"north": {0: 1, 60: 2, 120: 3}, "south": {0: 100, 120: 30}},
    ),
    ("SELECT AVG(requests) FROM \"own/shop\" WHERE Zone = 'south'", {"AVG requests": {0: 55, 120: 30}}),
    ("SELECT COUNT(requests) FROM \"own/shop\" WHERE Zone != 'south'", {"COUNT requests": {0: 1, 60: 1, 120: 1}}),
    ('SELECT MIN(requests) FROM SCHEMA("own/shop", Machine)', {}),
    (
        'SELECT MAX(requests) FROM SCHEMA("own/shop", Machine, Zone) GROUP BY Machine ORDER BY MAX() DESC LIMIT 2',
        {"c": {0: 100}, "b": {0: 10, 120: 30}},
    ),
]


@pytest.mark.parametrize(("query", "expected"), INSIGHTS)
def test_metrics_insights(cloudwatch: Any, query: str, expected: dict[str, dict[int, float]]) -> None:
    found = _courses(cloudwatch, query)
    assert found == expected
    assert list(found) == list(expected)


def test_a_query_needs_a_period(cloudwatch: Any) -> None:
    with pytest.raises(ClientError, match="Period"):
        _courses(cloudwatch, 'SELECT MIN(requests) FROM "own/shop"', period=None)
