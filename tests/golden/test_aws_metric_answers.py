"""Recorded answers of CloudWatch -> series in the catalog's units, by the quick path and by botocore's own parser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from botocore.parsers import create_parser
from botocore.session import get_session

from aws_reading import NOON, SCOPE, config_for, in_seconds, open_quick_reader, request_for
from canned_aws import JSON, CannedAws, Reply, Request, json_reply, points
from nephoscope.clouds.aws.answers import Answers
from nephoscope.clouds.aws.queries import Batch, Query, fixed_dimensions
from nephoscope.model.series import Readings, Series, SeriesRequest

WIRE = Path(__file__).parent / "aws"
GET = "GetMetricData"


def wire(name: str) -> bytes:
    return (WIRE / name).read_bytes()


def read(*requests: SeriesRequest) -> Readings:
    return open_quick_reader().read_series(SCOPE, config_for(), requests, in_seconds())


def shown(series: Series) -> list[tuple[int, float]]:
    """Minutes before NOON, and values."""
    return [((at - NOON) // 60, round(value, 9)) for at, value in zip(series.times, series.values, strict=True)]


THREE = (
    request_for("cpu.utilization", "i-0a"),
    request_for("network.receive", "i-0a"),
    request_for("cpu.credit.balance", "i-0a"),
)


def test_percent_becomes_a_fraction_a_sum_becomes_a_rate_and_a_credit_stays_one(aws: CannedAws) -> None:
    aws.answer(GET, Reply(wire("get_metric_data.json"), content_type=JSON))
    readings = read(*THREE)
    assert readings.gaps == ()
    assert {series.key.metric: shown(series) for series in readings.series} == {
        "cpu.utilization": [(-25, 0.125), (-20, 0.9775), (-15, 1.0)],
        "network.receive": [(-25, 10_000.0), (-15, 0.0)],  # 3 MB in 300 s
        "cpu.credit.balance": [],
    }
    assert all(series.complete for series in readings.series)
    assert (readings.usage.calls, readings.usage.units) == (
        {"cloudwatch:GetMetricData": 1},
        {"cloudwatch:GetMetricData": 3},
    )


def test_what_is_asked(aws: CannedAws) -> None:
    aws.answer(GET, Reply(wire("get_metric_data.json"), content_type=JSON))
    read(*THREE)
    (asked,) = aws.asked(GET)
    assert asked.parameters["StartTime"] == NOON - 1500
    assert asked.parameters["EndTime"] == NOON
    assert asked.parameters["ScanBy"] == "TimestampAscending"
    assert asked.parameters["MetricDataQueries"][1] == {
        "Id": "q1",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/EC2",
                "MetricName": "NetworkIn",
                "Dimensions": [{"Name": "InstanceId", "Value": "i-0a"}],
            },
            "Period": 300,
            "Stat": "Sum",
        },
    }


def test_the_quick_path_reads_what_botocores_parser_reads() -> None:
    body = wire("get_metric_data.json")
    model = get_session().get_service_model("cloudwatch").operation_model(GET)
    plain = create_parser("json").parse({"headers": {}, "status_code": 200, "body": body}, model.output_shape)
    quick, oracle = series_of(json.loads(body)), series_of(plain)
    assert [len(series.times) for series in quick] == [3, 2, 0]
    assert quick == oracle


def series_of(page: Any) -> list[Series]:
    queries = tuple(Query(request, fixed_dimensions(request)) for request in THREE)
    answers = Answers(Batch(300, NOON - 1500, NOON, queries))
    answers.take(page)
    return [series for _, series in answers.outcome().series]


def test_a_protocol_that_the_hook_does_not_know_is_left_to_botocore(aws: CannedAws) -> None:
    """Older SDKs speak the query protocol, later ones may speak CBOR: same series, more processor time."""
    plain = wire("get_metric_data.json")
    aws.answer(GET, Reply(plain, content_type="application/x-something-new"))
    readings = read(*THREE)
    assert [shown(series)[:1] for series in readings.series] == [[(-25, 0.125)], [(-25, 10_000.0)], []]


def test_pages_of_one_answer_are_put_together(aws: CannedAws) -> None:
    def first(request: Request) -> Reply:
        return json_reply(
            {
                "MetricDataResults": [
                    {"Id": "q0", "Timestamps": [NOON - 1500], "Values": [10], "StatusCode": "PartialData"},
                    {"Id": "q1", "Timestamps": [], "Values": [], "StatusCode": "PartialData"},
                ],
                "NextToken": "more",
            }
        )

    def second(request: Request) -> Reply:
        assert request.parameters["NextToken"] == "more"
        return points(request, q0=[(NOON - 1200, 20.0)], q1=[(NOON - 300, 30_000.0)])

    aws.answer(GET, first, second)
    readings = read(*THREE[:2])
    assert [shown(series) for series in readings.series] == [[(-25, 0.1), (-20, 0.2)], [(-5, 100.0)]]
    assert readings.gaps == ()
    assert all(series.complete for series in readings.series)
    assert readings.usage.calls == {"cloudwatch:GetMetricData": 2}


def test_points_out_of_order_doubled_or_outside_the_window_are_put_right(aws: CannedAws) -> None:
    told = [(NOON - 300, 30.0), (NOON - 600, 20.0), (NOON, 99.0), (NOON - 600, 25.0), (NOON - 1800, 99.0)]
    aws.answer(GET, lambda request: points(request, q0=told))
    (series,) = read(request_for("cpu.utilization", "i-0a", start=NOON - 900)).series
    assert shown(series) == [(-10, 0.25), (-5, 0.3)]


def test_each_disk_is_a_series_and_sums_and_full_images_are_not(aws: CannedAws) -> None:
    aws.answer("ListMetrics", Reply(wire("list_metrics_agent.json"), content_type=JSON))
    aws.answer(
        GET, lambda request: points(request, q0=[(NOON - 60, 50.0)], q1=[(NOON - 60, 25.0)], q2=[(NOON - 60, 5.0)])
    )
    asked = [
        request_for("filesystem.utilization", machine, period=60, start=NOON - 300)
        for machine in ("i-0a", "i-0b", "i-0c")
    ]
    readings = read(*asked)
    assert {(series.key.resource_id, series.key.attributes): shown(series) for series in readings.series} == {
        ("i-0a", (("system_device", "nvme0n1p1"), ("system_filesystem_mountpoint", "/"))): [(-1, 0.5)],
        ("i-0a", (("system_device", "nvme1n1"), ("system_filesystem_mountpoint", "/data"))): [(-1, 0.25)],
        ("i-0c", ()): [(-1, 0.05)],  # an agent that only sends the sum
    }
    assert readings.gaps == ()
    (listing,) = aws.asked("ListMetrics")
    assert listing.parameters["RecentlyActive"] == "PT3H"
    assert listing.parameters["Dimensions"] == [{"Name": "InstanceId"}]
    queries = aws.asked(GET)[0].parameters["MetricDataQueries"]
    assert {"Name": "ImageId", "Value": "ami-01"} in queries[0]["MetricStat"]["Metric"]["Dimensions"]
    assert readings.usage.units == {"cloudwatch:GetMetricData": 3, "cloudwatch:ListMetrics": 1}


def test_a_reconfigured_agent_is_found_under_its_other_listing(aws: CannedAws) -> None:
    """For three hours both are listed; only one of them still speaks."""
    listed = [
        [("ImageId", "ami-01"), ("InstanceId", "i-0a"), ("InstanceType", "m7g.large")],
        [("InstanceId", "i-0a")],
    ]
    aws.answer("ListMetrics", json_reply({"Metrics": [metric("mem_used_percent", each) for each in listed]}))
    aws.answer(GET, points, lambda request: points(request, q0=[(NOON - 60, 40.0)]))
    readings = read(request_for("memory.utilization", "i-0a", period=60, start=NOON - 300))
    assert [shown(series) for series in readings.series] == [[(-1, 0.4)]]
    assert [
        len(call.parameters["MetricDataQueries"][0]["MetricStat"]["Metric"]["Dimensions"]) for call in aws.asked(GET)
    ] == [3, 1]


def test_storage_classes_are_series_of_a_bucket_listed_without_recently_active(aws: CannedAws) -> None:
    listed = [[("BucketName", "logs"), ("StorageType", kind)] for kind in ("StandardStorage", "GlacierStorage")]
    aws.answer("ListMetrics", json_reply({"Metrics": [metric("BucketSizeBytes", each) for each in listed]}))
    midnight = NOON - 43_200
    aws.answer(GET, lambda request: points(request, q0=[(midnight - 86_400, 5e12)], q1=[(midnight - 86_400, 1e9)]))
    window = {"period": 86_400, "start": midnight - 3 * 86_400, "end": midnight}
    readings = read(request_for("size", "logs", **window), request_for("size", "none", **window))
    assert {series.key.attributes: list(series.values) for series in readings.series} == {
        (("storage_class", "GlacierStorage"),): [5e12],
        (("storage_class", "StandardStorage"),): [1e9],
    }
    assert "RecentlyActive" not in aws.asked("ListMetrics")[0].parameters


def test_a_listing_is_kept_until_a_new_machine_is_asked_for(aws: CannedAws) -> None:
    aws.answer("ListMetrics", json_reply({"Metrics": []}))
    reader = open_quick_reader()
    for machines in (["i-0a", "i-0b"], ["i-0a"], ["i-0a", "i-0b"], ["i-0a", "i-0new"]):
        asked = [request_for("memory.utilization", machine, period=60) for machine in machines]
        assert reader.read_series(SCOPE, config_for(), asked, in_seconds()).series == ()
    assert len(aws.asked("ListMetrics")) == 2
    assert aws.asked(GET) == []


def metric(name: str, dimensions: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "Namespace": "any",
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
    }
