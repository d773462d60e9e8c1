"""What PutMetricData refuses: each documented limit, at it and just past it. A refused request leaves nothing."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from nephoscope.localcloud.aws.local import LocalAws

NOON = 1_795_435_200
DAY = 86_400


@pytest.fixture
def cloudwatch(fleet_aws: LocalAws) -> Any:
    return fleet_aws.client("cloudwatch")


def _put(client: Any, *data: dict[str, Any], namespace: str = "own") -> None:
    client.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "m", "Value": 1} | row for row in data])


def _dimensions(count: int) -> dict[str, Any]:
    return {"Dimensions": [{"Name": f"d{place}", "Value": "v"} for place in range(count)]}


def _values(count: int) -> dict[str, Any]:
    return {"Value": None, "Values": [float(place) for place in range(count)]}


def _at(seconds: int) -> dict[str, Any]:
    return {"Timestamp": datetime.fromtimestamp(NOON + seconds, UTC)}


def _clean(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in ({"MetricName": "m", "Value": 1} | row).items() if value is not None}


AT_THE_LIMIT = {
    "30 dimensions": _dimensions(30),
    "150 values": _values(150),
    "two weeks ago": _at(-14 * DAY),
    "two hours ahead": _at(7200),
    "a high resolution": {"StorageResolution": 1},
    "a unit": {"Unit": "Kilobytes/Second"},
    "a count of zero beside others": {"Value": None, "Values": [1.0, 2.0], "Counts": [0.0, 3.0]},
}
PAST_IT = {
    "31 dimensions": (_dimensions(31), "Dimensions"),
    "151 values": (_values(151), "Values"),
    "more than two weeks ago": (_at(-14 * DAY - 1), "two weeks"),
    "more than two hours ahead": (_at(7201), "two hours"),
    "not a number": ({"Value": float("nan")}, "invalid"),
    "infinity": ({"Value": float("inf")}, "invalid"),
    "not a number among others": ({"Value": None, "Values": [1.0, float("nan")]}, "invalid"),
    "beyond 2^360": ({"Value": 2.0**361}, "invalid"),
    "a unit of our own": ({"Unit": "Furlongs"}, "Unit"),
    "counts that do not fit": ({"Value": None, "Values": [1.0, 2.0], "Counts": [1.0]}, "same size"),
    "a count below zero": ({"Value": None, "Values": [1.0], "Counts": [-1.0]}, "Counts"),
    "two kinds of value": ({"Values": [1.0]}, "mutually exclusive"),
    "no value": ({"Value": None}, "required"),
    "an empty dimension": ({"Dimensions": [{"Name": "d", "Value": " "}]}, "empty"),
    "a dimension beyond ASCII": ({"Dimensions": [{"Name": "d", "Value": "grün"}]}, "ASCII"),
    "one dimension twice": ({"Dimensions": [{"Name": "d", "Value": "1"}, {"Name": "d", "Value": "2"}]}, "twice"),
    "a resolution of 30 s": ({"StorageResolution": 30}, "StorageResolution"),
}


@pytest.mark.parametrize("what", AT_THE_LIMIT)
def test_at_the_limit_it_is_taken(cloudwatch: Any, what: str) -> None:
    cloudwatch.put_metric_data(Namespace="own", MetricData=[_clean(AT_THE_LIMIT[what])])
    assert len(cloudwatch.list_metrics(Namespace="own")["Metrics"]) == 1


@pytest.mark.parametrize("what", PAST_IT)
def test_past_the_limit_the_whole_request_is_refused(cloudwatch: Any, what: str) -> None:
    row, word = PAST_IT[what]
    with pytest.raises(ClientError, match=word) as caught:
        cloudwatch.put_metric_data(Namespace="own", MetricData=[_clean({}), _clean(row)])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert cloudwatch.list_metrics(Namespace="own")["Metrics"] == []


def test_the_refusals_are_the_exceptions_of_the_clients_own_model(cloudwatch: Any) -> None:
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException):
        _put(cloudwatch, {"Value": float("nan")})
    with pytest.raises(cloudwatch.exceptions.InvalidParameterCombinationException):
        _put(cloudwatch, {"Values": [1.0]})


def test_a_thousand_metrics_are_taken_and_one_more_is_not(cloudwatch: Any) -> None:
    rows = [{"MetricName": f"m{place}"} for place in range(1001)]
    _put(cloudwatch, *rows[:1000])
    with pytest.raises(ClientError, match="1000"):
        _put(cloudwatch, *rows)


@pytest.mark.parametrize("namespace", ["AWS/EC2", ":colon", "with space"])
def test_a_namespace_that_is_not_ours_to_take_is_refused(cloudwatch: Any, namespace: str) -> None:
    with pytest.raises(ClientError, match="Namespace"):
        _put(cloudwatch, {}, namespace=namespace)


def test_a_body_over_one_megabyte_is_too_large(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    cloudwatch.meta.config.disable_request_compression = True
    rows = [{"MetricName": f"{place:03d}" + "m" * 240, **_dimensions(30)} for place in range(900)]
    with pytest.raises(ClientError) as caught:
        _put(cloudwatch, *rows)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_large_bodies_arrive_zipped_and_are_read(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    sent: list[Any] = []
    cloudwatch.meta.events.register("before-send.cloudwatch.PutMetricData", lambda request, **_: sent.append(request))
    _put(cloudwatch, *[{"MetricName": f"m{place}", **_dimensions(5)} for place in range(400)])
    (request,) = sent
    assert request.headers["Content-Encoding"] in ("gzip", b"gzip")
    assert len(gzip.decompress(request.body)) > 10 * len(request.body)
    listed = [page["Metrics"] for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="own")]
    assert sum(map(len, listed)) == 400


def test_without_a_time_a_datum_is_of_now(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    fleet_aws.set_time(NOON + 90)
    _put(cloudwatch, {})
    query = {"MetricStat": {"Metric": {"Namespace": "own", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}, "Id": "q"}
    (result,) = cloudwatch.get_metric_data(
        MetricDataQueries=[query],
        StartTime=datetime.fromtimestamp(NOON, UTC),
        EndTime=datetime.fromtimestamp(NOON + 300, UTC),
    )["MetricDataResults"]
    assert [at.timestamp() for at in result["Timestamps"]] == [NOON + 60]
