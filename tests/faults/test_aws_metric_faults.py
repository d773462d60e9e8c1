"""What goes wrong while metrics are read, and what it may cost: never more than what really failed, never a false
"no data"."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from aws_reading import NOON, SCOPE, config_for, in_seconds, open_quick_reader, request_for
from canned_aws import JSON, CannedAws, Reply, Request, json_error, json_reply, points
from nephoscope.model.errors import Reason
from nephoscope.model.series import Gap, Readings, SeriesRequest

GET = "GetMetricData"
CPU = "cpu.utilization"


def machines(count: int) -> list[str]:
    return [f"i-{number:04d}" for number in range(count)]


def cpu_of(ids: Sequence[str]) -> list[SeriesRequest]:
    return [request_for(CPU, each) for each in ids]


def read(requests: Sequence[SeriesRequest], seconds: float = 20.0, **reader: object) -> Readings:
    waits: list[float] = []
    opened = open_quick_reader(sleep=waits.append, **reader)  # type: ignore[arg-type]
    return opened.read_series(SCOPE, config_for(), requests, in_seconds(seconds))


def the_gap(readings: Readings) -> Gap:
    (gap,) = readings.gaps
    return gap


def asked_machines(request: Request) -> list[str]:
    return [
        query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for query in request.parameters["MetricDataQueries"]
    ]


def all_twenty(request: Request) -> Reply:
    """Every machine at 20 %."""
    return points(request, **{f"q{number}": [(NOON - 300, 20.0)] for number in range(500)})


def refuses(bad: Callable[[list[str]], bool], error: Reply) -> Callable[[Request], Reply]:
    return lambda request: error if bad(asked_machines(request)) else all_twenty(request)


def test_one_poisoned_series_in_500_costs_only_itself(aws: CannedAws) -> None:
    aws.answer(GET, refuses(lambda ids: "i-0123" in ids, json_error("ValidationError", message="no such thing")))
    readings = read(cpu_of(machines(500)))
    assert len(readings.series) == 499
    assert all(list(series.values) == [0.2] and series.complete for series in readings.series)
    gap = the_gap(readings)
    assert (gap.reason, gap.affected, gap.resource_ids) == (Reason.REJECTED, (CPU,), ("i-0123",))
    assert "no such thing" in gap.detail
    calls = len(aws.asked(GET))
    assert calls == 19  # the whole, and two halves nine times: 500, 250, 125 ... 1
    assert readings.usage.calls == {"cloudwatch:GetMetricData": calls}


def test_an_answer_too_large_to_ask_for_is_asked_for_in_halves(aws: CannedAws) -> None:
    aws.answer(GET, refuses(lambda ids: len(ids) > 125, json_error("RequestEntityTooLarge", 413)))
    readings = read(cpu_of(machines(500)))
    assert (len(readings.series), readings.gaps) == (500, ())
    assert [len(asked_machines(call)) for call in aws.asked(GET)] == [500, 250, 125, 125, 250, 125, 125]


def test_413_is_too_large_even_when_a_proxy_says_it_in_html(aws: CannedAws) -> None:
    page = Reply(b"<html><body>413 Request Entity Too Large</body></html>", 413, "text/html")
    aws.answer(GET, refuses(lambda ids: len(ids) > 1, page))
    assert len(read(cpu_of(machines(2))).series) == 2


def test_when_everything_is_refused_the_splitting_ends(aws: CannedAws) -> None:
    aws.answer(GET, json_error("ValidationError"))
    readings = read(cpu_of(machines(500)))
    assert readings.series == ()
    assert the_gap(readings).resource_ids == ()  # all of them
    assert len(aws.asked(GET)) <= 130


def test_a_denied_region_is_a_gap_after_one_call(aws: CannedAws) -> None:
    aws.answer(GET, json_error("AccessDeniedException", 400, "not authorized to perform: cloudwatch:GetMetricData"))
    readings = read(cpu_of(machines(1200)), limits={"cloudwatch.get_metric_data": {"queries": 100}})
    gap = the_gap(readings)
    assert (gap.scope, gap.operation, gap.reason) == (SCOPE, "cloudwatch:GetMetricData", Reason.DENIED)
    assert (gap.affected, gap.resource_ids, readings.series) == ((CPU,), (), ())
    assert len(aws.asked(GET)) <= 4  # those that were under way when the first was denied


def test_throttled_then_answered_is_no_gap(aws: CannedAws) -> None:
    aws.answer(GET, json_error("Throttling"), json_error("ThrottlingException", 429), all_twenty)
    readings = read(cpu_of(machines(2)))
    assert (len(readings.series), readings.gaps) == (2, ())
    assert readings.usage.calls == {"cloudwatch:GetMetricData": 3}
    assert readings.usage.units == {"cloudwatch:GetMetricData": 2}  # refused calls are not billed


def test_a_server_that_asks_for_patience_is_given_it(aws: CannedAws) -> None:
    waits: list[float] = []
    aws.answer(GET, json_error("Throttling", headers={"retry-after": "3"}), all_twenty)
    reader = open_quick_reader(sleep=waits.append)
    assert reader.read_series(SCOPE, config_for(), cpu_of(["i-1"]), in_seconds()).gaps == ()
    assert max(waits) == 3.0


def test_throttled_without_end_ends_as_throttled(aws: CannedAws) -> None:
    aws.answer(GET, json_error("RequestLimitExceeded", 503))
    readings = read(cpu_of(["i-1"]))
    assert the_gap(readings).reason is Reason.THROTTLED
    assert len(aws.asked(GET)) == 8


def test_partial_data_with_nothing_more_to_come_is_unknown(aws: CannedAws) -> None:
    results = [
        {"Id": "q0", "Timestamps": [NOON - 300], "Values": [90.0], "StatusCode": "PartialData"},
        {"Id": "q1", "Timestamps": [NOON - 300], "Values": [10.0], "StatusCode": "Complete"},
    ]
    aws.answer(GET, json_reply({"MetricDataResults": results}))
    readings = read(cpu_of(["i-1", "i-2"]))
    assert {series.key.resource_id: (series.complete, list(series.values)) for series in readings.series} == {
        "i-1": (False, [0.9]),
        "i-2": (True, [0.1]),
    }
    gap = the_gap(readings)
    assert (gap.reason, gap.affected, gap.resource_ids) == (Reason.PARTIAL, (CPU,), ("i-1",))


def test_a_result_that_did_not_come_is_unknown_not_absent(aws: CannedAws) -> None:
    aws.answer(GET, json_reply({"MetricDataResults": [{"Id": "q1", "StatusCode": "Complete", "Values": []}]}))
    readings = read(cpu_of(["i-1", "i-2"]))
    assert {series.key.resource_id: series.complete for series in readings.series} == {"i-1": False, "i-2": True}
    assert the_gap(readings).resource_ids == ("i-1",)


@pytest.mark.parametrize(
    ("status", "reason"),
    [("InternalError", Reason.UNAVAILABLE), ("Forbidden", Reason.DENIED), ("SomethingNew", Reason.PARTIAL)],
)
def test_a_result_that_failed_by_itself_says_why(aws: CannedAws, status: str, reason: Reason) -> None:
    aws.answer(GET, json_reply({"MetricDataResults": [{"Id": "q0", "StatusCode": status}]}))
    readings = read(cpu_of(["i-1"]))
    assert the_gap(readings).reason is reason
    assert [series.complete for series in readings.series] == [False]


def test_messages_make_their_result_or_all_results_unknown(aws: CannedAws) -> None:
    remark = [{"Code": "ArithmeticError", "Value": "odd"}]

    def result(number: int, **more: object) -> dict[str, object]:
        return {"Id": f"q{number}", "Timestamps": [], "Values": [], "StatusCode": "Complete", **more}

    aws.answer(GET, json_reply({"MetricDataResults": [result(0, Messages=remark), result(1)]}))
    readings = read(cpu_of(["i-1", "i-2"]))
    assert the_gap(readings).resource_ids == ("i-1",)
    assert the_gap(readings).detail == "ArithmeticError: odd"

    everywhere = [{"Code": "MaxMetricsExceeded", "Value": "too many"}]
    aws.answer(GET, json_reply({"MetricDataResults": [result(0), result(1)], "Messages": everywhere}))
    readings = read(cpu_of(["i-1", "i-2"]))
    assert [series.complete for series in readings.series] == [False, False]
    assert (the_gap(readings).resource_ids, the_gap(readings).reason) == ((), Reason.PARTIAL)


def test_a_second_page_that_fails_leaves_what_the_first_brought(aws: CannedAws) -> None:
    first = {
        "MetricDataResults": [
            {"Id": "q0", "Timestamps": [NOON - 300], "Values": [10.0], "StatusCode": "Complete"},
            {"Id": "q1", "Timestamps": [NOON - 600], "Values": [20.0], "StatusCode": "PartialData"},
        ],
        "NextToken": "more",
    }
    aws.answer(GET, json_reply(first), json_error("InternalServiceError", 500))
    readings = read(cpu_of(["i-1", "i-2", "i-3"]))
    assert {s.key.resource_id: (s.complete, list(s.values)) for s in readings.series} == {
        "i-1": (True, [0.1]),
        "i-2": (False, [0.2]),
        "i-3": (False, []),
    }
    gap = the_gap(readings)
    assert (gap.reason, gap.resource_ids) == (Reason.UNAVAILABLE, ("i-2", "i-3"))


def test_a_page_that_leads_back_to_itself_ends(aws: CannedAws) -> None:
    aws.answer(GET, json_reply({"MetricDataResults": [], "NextToken": "again"}))
    assert the_gap(read(cpu_of(["i-1"]))).reason is Reason.MALFORMED
    assert len(aws.asked(GET)) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe\x00",
        b"{}",
        b'{"MetricDataResults": null}',
        b'{"MetricDataResults": {"Id": "q0"}}',
        b'{"MetricDataResults": [{"Values": [1]}]}',
        b'{"MetricDataResults": ["q0"]}',
        b'{"MetricDataResults": [{"Id": "q0", "Timestamps": [1], "Values": []}]}',
        b'{"MetricDataResults": [{"Id": "q0", "Timestamps": ["yesterday"], "Values": [1]}]}',
        b'{"MetricDataResults": [{"Id": "q0", "Timestamps": [1795435000], "Values": ["high"]}]}',
        b'{"MetricDataResults": [{"Id": "q0", "Timestamps": [1795435000], "Values": [null]}]}',
    ],
)
def test_what_is_no_answer_is_malformed_and_never_no_data(aws: CannedAws, body: bytes) -> None:
    aws.answer(GET, Reply(body, content_type=JSON))
    readings = read(cpu_of(["i-1"]))
    assert the_gap(readings).reason is Reason.MALFORMED
    assert not any(series.complete for series in readings.series)


def test_an_answer_cut_off_within_gzip_is_malformed(aws: CannedAws) -> None:
    half = Reply(b"\x1f\x8b\x08\x00\x00\x00", content_type=JSON, headers={"content-encoding": "gzip"})
    aws.answer(GET, half)
    assert the_gap(read(cpu_of(["i-1"]))).reason is Reason.MALFORMED


def test_a_connection_that_is_closed_without_an_answer_is_tried_again(aws: CannedAws) -> None:
    aws.answer(GET, Reply(b"", hang_up=True), all_twenty)
    assert read(cpu_of(["i-1"])).gaps == ()
    aws.answer(GET, Reply(b"", hang_up=True))
    assert the_gap(read(cpu_of(["i-1"]))).reason is Reason.UNAVAILABLE


def test_nobody_at_the_endpoint_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert the_gap(read(cpu_of(["i-1"]))).reason is Reason.UNAVAILABLE


def test_a_server_that_hangs_does_not_outlast_the_deadline(aws: CannedAws) -> None:
    aws.answer(GET, Reply(b"{}", content_type=JSON, delay=5.0))
    started = time.monotonic()
    readings = read(cpu_of(["i-1"]), seconds=1.0)
    assert time.monotonic() - started < 2.0
    assert the_gap(readings).reason in {Reason.DEADLINE, Reason.TIMEOUT}


def test_what_does_not_fit_the_time_is_left_over_the_oldest_read_first(aws: CannedAws) -> None:
    def slowly(request: Request) -> Reply:
        reply = all_twenty(request)
        return Reply(reply.body, content_type=JSON, delay=0.5)

    aws.answer(GET, slowly)
    behind = [request_for(CPU, "i-old", start=NOON - 100 * 300)]
    newer = cpu_of(machines(30))
    readings = read([*newer, *behind], seconds=2.0, limits={"cloudwatch.get_metric_data": {"queries": 1}})
    read_ids = {series.key.resource_id for series in readings.series}
    assert "i-old" in read_ids
    assert len(read_ids) < 31
    gap = the_gap(readings)
    assert gap.reason is Reason.DEADLINE
    assert set(gap.resource_ids) | read_ids == {*machines(30), "i-old"}


def test_without_time_nothing_is_called(aws: CannedAws) -> None:
    aws.answer(GET, all_twenty)
    readings = read(cpu_of(["i-1"]), seconds=0.0)
    assert the_gap(readings).reason is Reason.DEADLINE
    assert aws.asked(GET) == []
    assert readings.usage.calls == {}


def test_a_listing_that_fails_leaves_the_metric_unknown_and_the_others_read(aws: CannedAws) -> None:
    aws.answer("ListMetrics", json_error("AccessDeniedException"))
    aws.answer(GET, all_twenty)
    readings = read([*cpu_of(["i-1"]), request_for("memory.utilization", "i-1", period=60)])
    assert [series.key.metric for series in readings.series] == [CPU]
    gap = the_gap(readings)
    assert (gap.operation, gap.reason, gap.affected) == (
        "cloudwatch:ListMetrics",
        Reason.DENIED,
        ("memory.utilization",),
    )


def test_half_a_listing_is_read_and_said_to_be_half(aws: CannedAws) -> None:
    listed = {"Namespace": "CWAgent", "MetricName": "mem_used_percent"}
    page = {"Metrics": [{**listed, "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}]}], "NextToken": "more"}
    aws.answer("ListMetrics", json_reply(page), json_error("InternalServiceError", 500))
    aws.answer(GET, all_twenty)
    readings = read([request_for("memory.utilization", each, period=60) for each in ("i-1", "i-2")])
    assert [series.key.resource_id for series in readings.series] == ["i-1"]
    assert (the_gap(readings).affected, the_gap(readings).resource_ids) == (("memory.utilization",), ())


def test_a_failed_second_listing_makes_the_series_unknown(aws: CannedAws) -> None:
    """The first of two listings is silent, the other could not be read: nobody knows whether there are points."""
    listed = [[("InstanceId", "i-1"), ("ImageId", "ami-1")], [("InstanceId", "i-1")]]
    metrics = [
        {"Namespace": "CWAgent", "MetricName": "m", "Dimensions": [{"Name": n, "Value": v} for n, v in each]}
        for each in listed
    ]
    aws.answer("ListMetrics", json_reply({"Metrics": metrics}))
    aws.answer(GET, points, json_error("ValidationError"))
    readings = read([request_for("memory.utilization", "i-1", period=60)])
    assert [(series.complete, list(series.values)) for series in readings.series] == [(False, [])]
    assert the_gap(readings).reason is Reason.REJECTED


def test_gaps_name_metrics_together_that_miss_the_same(aws: CannedAws) -> None:
    aws.answer(GET, json_error("InternalServiceError", 500))
    requests = [request_for(metric, each) for metric in (CPU, "network.receive") for each in ("i-1", "i-2")]
    gap = the_gap(read(requests))
    assert (gap.affected, gap.resource_ids) == ((CPU, "network.receive"), ())
