"""CloudWatch's reads: statistics against figures worked out by hand, delays, pages, limits, and what goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Power, simulate
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance

NOON = 1_795_435_200
HOME = "111111111111"


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _stat(
    name: str, namespace: str, statistic: str, period: int, query: str = "q", **dimensions: str
) -> dict[str, Any]:
    pairs = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": pairs}
    return {"Id": query, "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}


def _read(client: Any, queries: Sequence[dict[str, Any]], start: int, end: int, **more: Any) -> Any:
    return client.get_metric_data(
        MetricDataQueries=queries, StartTime=_time(start), EndTime=_time(end), ScanBy="TimestampAscending", **more
    )


def _points(result: dict[str, Any]) -> dict[int, float]:
    times = [int(moment.timestamp()) for moment in result["Timestamps"]]
    return dict(zip(times, result["Values"], strict=True))


@pytest.fixture
def cloudwatch(fleet_aws: LocalAws) -> Any:
    return fleet_aws.client("cloudwatch")


def _machine(aws: LocalAws, *, fine: bool, region: str = "eu-central-1") -> Instance:
    return next(
        sighting.instance
        for sighting in aws.fleet.instances_at(NOON, HOME, region)
        if sighting.power is Power.RUNNING and sighting.instance.fine is fine
    )


# --- statistics --------------------------------------------------------------------------------------------------

# 1, 2, 3, 3 in one request and 10 in another, all in the minute of 12:00; 5 in the minute of 12:01.
BY_HAND = [
    ("SampleCount", 60, {NOON: 5, NOON + 60: 1}),
    ("Sum", 60, {NOON: 19, NOON + 60: 5}),
    ("Average", 60, {NOON: 3.8, NOON + 60: 5}),
    ("Minimum", 60, {NOON: 1, NOON + 60: 5}),
    ("Maximum", 60, {NOON: 10, NOON + 60: 5}),
    ("p50", 60, {NOON: 3, NOON + 60: 5}),
    ("p90", 60, {NOON: 10, NOON + 60: 5}),
    ("p0", 60, {NOON: 1, NOON + 60: 5}),
    ("Sum", 300, {NOON: 24}),
    ("Average", 300, {NOON: 4}),
    ("p50", 300, {NOON: 3}),
    ("p100", 300, {NOON: 10}),
]


@pytest.mark.parametrize(("statistic", "period", "expected"), BY_HAND)
def test_distributions_put_in_parts_merge(
    cloudwatch: Any, statistic: str, period: int, expected: dict[int, float]
) -> None:
    data = {"MetricName": "load", "Timestamp": _time(NOON + 7)}
    cloudwatch.put_metric_data(Namespace="own", MetricData=[data | {"Values": [1, 2, 3], "Counts": [1, 1, 2]}])
    cloudwatch.put_metric_data(
        Namespace="own",
        MetricData=[data | {"Value": 10}, data | {"Value": 5, "Timestamp": _time(NOON + 60)}],
    )
    (result,) = _read(cloudwatch, [_stat("load", "own", statistic, period)], NOON, NOON + 300)["MetricDataResults"]
    assert _points(result) == pytest.approx(expected)
    assert result["StatusCode"] == "Complete"


def test_a_statistic_set_has_no_percentiles_and_takes_those_of_its_period_along(cloudwatch: Any) -> None:
    statistics = {"SampleCount": 4, "Sum": 20, "Minimum": 2, "Maximum": 9}
    cloudwatch.put_metric_data(
        Namespace="own",
        MetricData=[
            {"MetricName": "load", "Timestamp": _time(NOON), "StatisticValues": statistics},
            {"MetricName": "load", "Timestamp": _time(NOON), "Value": 30},
        ],
    )
    queries = [_stat("load", "own", name, 60, name.lower()) for name in ("Average", "Maximum", "p50")]
    average, maximum, median = _read(cloudwatch, queries, NOON, NOON + 60)["MetricDataResults"]
    assert (average["Values"], maximum["Values"], median["Values"]) == ([10.0], [30.0], [])


def test_dimensions_in_another_order_are_the_same_metric_and_fewer_are_another(cloudwatch: Any) -> None:
    pairs = [{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}]
    datum = {"MetricName": "m", "Timestamp": _time(NOON), "Value": 1, "Dimensions": pairs}
    cloudwatch.put_metric_data(Namespace="own", MetricData=[datum])
    queries = [_stat("m", "own", "Sum", 60, "whole", a="1", b="2"), _stat("m", "own", "Sum", 60, "part", a="1")]
    whole, part = _read(cloudwatch, queries, NOON, NOON + 60)["MetricDataResults"]
    assert (whole["Values"], part["Values"]) == ([1.0], [])


def test_points_come_newest_first_unless_asked_otherwise(cloudwatch: Any) -> None:
    data = [{"MetricName": "m", "Timestamp": _time(NOON + 60 * place), "Value": place} for place in range(3)]
    cloudwatch.put_metric_data(Namespace="own", MetricData=data)
    query = [_stat("m", "own", "Sum", 60)]
    (result,) = cloudwatch.get_metric_data(MetricDataQueries=query, StartTime=_time(NOON), EndTime=_time(NOON + 300))[
        "MetricDataResults"
    ]
    assert result["Values"] == [2, 1, 0]


def test_the_window_has_its_start_and_not_its_end(cloudwatch: Any) -> None:
    data = [{"MetricName": "m", "Timestamp": _time(NOON + 60 * place), "Value": place} for place in range(4)]
    cloudwatch.put_metric_data(Namespace="own", MetricData=data)
    (result,) = _read(cloudwatch, [_stat("m", "own", "Sum", 60)], NOON + 60, NOON + 180)["MetricDataResults"]
    assert result["Values"] == [1, 2]


# --- the fleet's metrics -----------------------------------------------------------------------------------------


def test_processors_come_in_percent_and_bytes_by_the_period(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    machine = _machine(fleet_aws, fine=True)
    minutes = range(NOON - 600, NOON - 300, 60)
    queries = [
        _stat("CPUUtilization", "AWS/EC2", "Average", 300, "cpu", InstanceId=machine.id),
        _stat("NetworkIn", "AWS/EC2", "Sum", 300, "net", InstanceId=machine.id),
        _stat("NetworkIn", "AWS/EC2", "SampleCount", 300, "count", InstanceId=machine.id),
    ]
    cpu, net, count = _read(cloudwatch, queries, NOON - 600, NOON - 300)["MetricDataResults"]
    loads = [fleet_aws.fleet.value(machine.id, Measure.CPU, at) or 0 for at in minutes]
    rates = [fleet_aws.fleet.value(machine.id, Measure.RECEIVED, at) or 0 for at in minutes]
    assert _points(cpu) == pytest.approx({NOON - 600: 100 * sum(loads) / 5})
    assert _points(net) == pytest.approx({NOON - 600: 60 * sum(rates)})
    assert _points(count) == {NOON - 600: 5}


def test_without_detailed_monitoring_there_is_a_point_in_five_minutes(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    for fine, expected in ((True, 10), (False, 2)):
        machine = _machine(fleet_aws, fine=fine)
        query = [_stat("CPUUtilization", "AWS/EC2", "Average", 60, InstanceId=machine.id)]
        (result,) = _read(cloudwatch, query, NOON - 1200, NOON - 600)["MetricDataResults"]
        assert len(result["Values"]) == expected
        (checks,) = _read(
            cloudwatch,
            [_stat("StatusCheckFailed", "AWS/EC2", "Maximum", 60, InstanceId=machine.id)],
            NOON - 1200,
            NOON - 600,
        )["MetricDataResults"]
        assert checks["Values"] == [0.0] * 10


def test_a_point_can_be_read_only_some_time_after_its_period(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    machine = _machine(fleet_aws, fine=True)
    query = [_stat("CPUUtilization", "AWS/EC2", "Average", 60, InstanceId=machine.id)]
    newest = []
    for wait in (0, 29, 60):
        fleet_aws.set_time(NOON + wait)
        (result,) = _read(cloudwatch, query, NOON - 180, NOON + 180)["MetricDataResults"]
        newest.append(max(_points(result)) - NOON)
    assert newest == [-120, -120, -60]


def test_late_points_come_later_and_come(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    machine = _machine(fleet_aws, fine=True)
    late = Incident(Happening.LATE_POINTS, 0, 600, region="eu-central-1", seconds=300)
    fleet_aws.reset(fleet_aws.fleet.with_script([late]))
    query = [_stat("CPUUtilization", "AWS/EC2", "Average", 60, InstanceId=machine.id)]
    seen = []
    for at in (180, 389, 420):
        fleet_aws.set_time(NOON + at)
        (result,) = _read(cloudwatch, query, NOON, NOON + 60)["MetricDataResults"]
        seen.append(len(result["Values"]))
    assert seen == [0, 0, 1]


def test_a_stopped_machine_has_no_points_and_that_is_complete(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    stopped = next(machine for machine in fleet_aws.fleet.members(HOME, "us-east-1") if machine.parked)
    query = [_stat("CPUUtilization", "AWS/EC2", "Average", 300, InstanceId=stopped.id)]
    client = fleet_aws.client("cloudwatch", "us-east-1")
    (result,) = _read(client, query, NOON - 3600, NOON)["MetricDataResults"]
    assert (result["Values"], result["StatusCode"]) == ([], "Complete")


def test_storage_metrics_are_daily_and_read_a_day_later(fleet_aws: LocalAws) -> None:
    bucket = next(row for row in fleet_aws.fleet.buckets if row.account == HOME)
    client = fleet_aws.client("cloudwatch", bucket.region)
    midnight = NOON - 12 * 3600
    day = 86_400
    queries = [
        _stat("BucketSizeBytes", "AWS/S3", "Average", day, "b", BucketName=bucket.name, StorageType="StandardStorage"),
        _stat("NumberOfObjects", "AWS/S3", "Average", day, "n", BucketName=bucket.name, StorageType="AllStorageTypes"),
    ]
    size, objects = _read(client, queries, midnight - 3 * day, midnight + day)["MetricDataResults"]
    assert sorted(_points(size)) == [midnight - 3 * day, midnight - 2 * day, midnight - day]
    assert size["Values"][-1] == pytest.approx(bucket.classes["standard"], rel=0.02)
    assert objects["Values"][-1] == pytest.approx(bucket.objects, rel=0.02)


# --- pages, limits, refusals -------------------------------------------------------------------------------------


def test_a_result_that_does_not_fit_goes_on_on_the_next_page(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    data = [{"MetricName": "m", "Timestamp": _time(NOON + 60 * place), "Value": place} for place in range(7)]
    cloudwatch.put_metric_data(Namespace="own", MetricData=data)
    queries = [_stat("m", "own", "Sum", 60, name) for name in ("first", "second")]
    pages: list[Any] = [_read(cloudwatch, queries, NOON, NOON + 600, MaxDatapoints=5)]
    while "NextToken" in pages[-1]:
        token = pages[-1]["NextToken"]
        pages.append(_read(cloudwatch, queries, NOON, NOON + 600, MaxDatapoints=5, NextToken=token))
    told = [[(row["Id"], row["StatusCode"], row["Values"]) for row in page["MetricDataResults"]] for page in pages]
    assert told == [
        [("first", "PartialData", [0, 1, 2, 3, 4])],
        [("first", "Complete", [5, 6]), ("second", "PartialData", [0, 1, 2])],
        [("second", "Complete", [3, 4, 5, 6])],
    ]


def test_five_hundred_queries_are_taken_and_one_more_is_not(cloudwatch: Any) -> None:
    queries = [_stat("m", "own", "Sum", 60, f"q{place}") for place in range(501)]
    assert len(_read(cloudwatch, queries[:500], NOON, NOON + 60)["MetricDataResults"]) == 500
    with pytest.raises(ClientError, match="500"):
        _read(cloudwatch, queries, NOON, NOON + 60)


def test_a_body_over_the_limit_is_too_large(cloudwatch: Any) -> None:
    fat = {f"dimension{place}": "x" * 200 for place in range(6)}
    queries = [_stat("m" * 200, "own", "Sum", 60, f"q{place}", **fat) for place in range(400)]
    with pytest.raises(ClientError) as caught:
        _read(cloudwatch, queries, NOON, NOON + 60)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert caught.value.response["Error"]["Code"] == "RequestEntityTooLarge"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"Id": "Big"}, "Big"),
        ({"Expression": "q"}, "Exactly one"),
        ({"MetricStat": {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 61, "Stat": "Sum"}}, "Period"),
        ({"MetricStat": {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Mean"}}, "Stat"),
    ],
)
def test_a_query_that_is_wrong_is_refused(cloudwatch: Any, change: dict[str, Any], word: str) -> None:
    with pytest.raises(ClientError, match=word):
        _read(cloudwatch, [_stat("m", "own", "Sum", 60) | change], NOON, NOON + 60)


def test_ids_must_differ_and_time_must_run_forward(cloudwatch: Any) -> None:
    query = _stat("m", "own", "Sum", 60)
    with pytest.raises(ClientError, match="not unique"):
        _read(cloudwatch, [query, query], NOON, NOON + 60)
    with pytest.raises(ClientError, match="StartTime"):
        _read(cloudwatch, [query], NOON, NOON)
    with pytest.raises(ClientError, match="InvalidNextToken"):
        _read(cloudwatch, [query], NOON, NOON + 60, NextToken="x")


def test_the_script_makes_some_series_partial_and_says_so(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    partial = Incident(Happening.PARTIAL_DATA, 0, 60, region="eu-central-1", share=0.5)
    fleet_aws.reset(fleet_aws.fleet.with_script([partial]))
    machines = fleet_aws.fleet.members(HOME, "eu-central-1")
    queries = [
        _stat("StatusCheckFailed", "AWS/EC2", "Maximum", 60, f"q{place}", InstanceId=machine.id)
        for place, machine in enumerate(machines)
    ]
    statuses = []
    for at in (0, 60):
        fleet_aws.set_time(NOON + at)
        statuses.append(list(_read(cloudwatch, queries, NOON - 1200, NOON - 600)["MetricDataResults"]))
    hit = [row for row in statuses[0] if row["StatusCode"] == "PartialData"]
    assert 0 < len(hit) < len(machines)
    assert all(len(row["Values"]) in (0, 5) and row["Messages"] for row in hit)
    assert {row["StatusCode"] for row in statuses[1]} == {"Complete"}


# --- listing -----------------------------------------------------------------------------------------------------


def _listed(client: Any, **arguments: Any) -> list[dict[str, Any]]:
    return [row for page in client.get_paginator("list_metrics").paginate(**arguments) for row in page["Metrics"]]


def test_the_agents_dimensions_vary_and_are_found_by_the_machine(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    rows = _listed(cloudwatch, Namespace="CWAgent", MetricName="mem_used_percent", RecentlyActive="PT3H")
    schemas = {frozenset(pair["Name"] for pair in row["Dimensions"]) for row in rows}
    assert len(schemas) >= 2
    machine = next(row for row in fleet_aws.fleet.members(HOME, "eu-central-1") if row.agent == 3 and not row.parked)
    disks = _listed(
        cloudwatch, MetricName="disk_used_percent", Dimensions=[{"Name": "InstanceId", "Value": machine.id}]
    )
    paths = {pair["Value"] for row in disks for pair in row["Dimensions"] if pair["Name"] == "path"}
    assert paths == {"/", "/data"}


def test_an_agent_long_gone_is_listed_no_longer_as_recently_active(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    machine = next(row for row in fleet_aws.fleet.members(HOME, "eu-central-1") if row.agent and not row.parked)
    gone = Incident(Happening.AGENT_GONE, -4 * 3600, 3600, (machine.id,))
    fleet_aws.reset(fleet_aws.fleet.with_script([gone]))
    fleet_aws.set_time(NOON)
    arguments = {
        "Namespace": "CWAgent",
        "MetricName": "mem_used_percent",
        "Dimensions": [{"Name": "InstanceId", "Value": machine.id}],
    }
    assert _listed(cloudwatch, RecentlyActive="PT3H", **arguments) == []


def test_five_hundred_are_listed_a_page(fleet_aws: LocalAws) -> None:
    fleet_aws.reset(simulate(1, 1200, ("eu-central-1",), start=NOON, script=()))
    fleet_aws.set_time(NOON)
    client = fleet_aws.client("cloudwatch")
    pages = list(client.get_paginator("list_metrics").paginate(Namespace="AWS/EC2", MetricName="CPUUtilization"))
    sizes = [len(page["Metrics"]) for page in pages]
    running = sum(sighting.power is Power.RUNNING for sighting in fleet_aws.fleet.instances_at(NOON))
    assert sizes == [500] * (running // 500) + [running % 500]


def test_a_custom_metric_is_listed_after_the_delay_that_was_set(fleet_aws: LocalAws, cloudwatch: Any) -> None:
    fleet_aws.world.listing_delay = 900
    cloudwatch.put_metric_data(Namespace="own", MetricData=[{"MetricName": "m", "Value": 1}])
    assert _listed(cloudwatch, Namespace="own") == []
    fleet_aws.set_time(NOON + 900)
    assert [row["MetricName"] for row in _listed(cloudwatch, Namespace="own")] == ["m"]
