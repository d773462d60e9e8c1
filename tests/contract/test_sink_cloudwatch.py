"""The metric sink over real HTTP: what it puts is read back, one bad datum costs only itself, nothing goes twice."""

from __future__ import annotations

import gzip
import json
import threading
import time
from array import array
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import botocore.session
import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import Ministack
from nephoscope.model.config import Config, Gather, PublishCloudWatch
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.publish import Datum
from nephoscope.model.time import Deadline
from nephoscope.pipeline.batch import plan_batches, request_of
from nephoscope.sinks.cloudwatch import CloudWatchSink, open_client, open_sink
from nephoscope.sinks.errors import REASONS

NOON = 1_795_435_200
CONFIG = Config("acme", Gather(), PublishCloudWatch("eu-west-1", "acme"))
LIMITS = load_catalog().limits["cloudwatch.put_metric_data"]
DIMENSIONS = (("cloud_region", "eu-west-1"), ("fleet", "acme"))


class Noon:
    """A clock that stands at noon; monotonic time goes on."""

    def wall(self) -> float:
        return NOON

    def monotonic(self) -> float:
        return time.monotonic()


def deadline(seconds: float = 20.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def datum(name: str = "cpu.utilization", *values: float, counts: tuple[float, ...] = (), at: int = NOON - 300) -> Datum:
    values = values or (1.0,)
    return Datum(name, DIMENSIONS, at, "Percent", array("d", values), array("d", counts or [1.0] * len(values)))


def statistics(client: Any, name: str, *wanted: str) -> dict[str, float]:
    """One hour's statistics of a metric, read back."""
    metric = {
        "Namespace": "nephoscope",
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in DIMENSIONS],
    }
    answer = client.get_metric_data(
        MetricDataQueries=[
            {"Id": f"m{place}", "Label": stat, "MetricStat": {"Metric": metric, "Period": 3_600, "Stat": stat}}
            for place, stat in enumerate(wanted)
        ],
        StartTime=datetime.fromtimestamp(NOON - 3_600, UTC),
        EndTime=datetime.fromtimestamp(NOON, UTC),
    )
    return {result["Label"]: value for result in answer["MetricDataResults"] for value in result["Values"]}


@pytest.fixture
def sink(fleet_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CloudWatchSink:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fleet_aws.url)
    return CloudWatchSink(open_client("eu-west-1"), "nephoscope", Noon(), LIMITS, sleep=lambda _: None)


# --- against the local AWS ---------------------------------------------------------------------------------------


def test_a_distribution_arrives_whole_and_several_workers_merge(fleet_aws: LocalAws, sink: CloudWatchSink) -> None:
    first = sink.write_metrics([datum("cpu.utilization", 10.0, 20.0, counts=(3.0, 1.0))], deadline())
    sink.write_metrics([datum("cpu.utilization", 90.0, counts=(6.0,))], deadline())
    assert (first.requests, first.accepted, first.refused) == (1, 1, {})
    client = fleet_aws.client("cloudwatch", "eu-west-1")
    seen = statistics(client, "cpu.utilization", "SampleCount", "Sum", "Minimum", "Maximum", "p35", "p80")
    assert seen == {"SampleCount": 10, "Sum": 590, "Minimum": 10, "Maximum": 90, "p35": 20, "p80": 90}


def test_ministack_agrees(ministack: Ministack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second opinion, through the factory and with the wall's clock."""
    for name, value in ministack.environment().items():
        monkeypatch.setenv(name, value)

    class Wall(Noon):
        def wall(self) -> float:
            return time.time()

    at = int(time.time()) // 60 * 60 - 120
    name = f"cpu.utilization.{at}"
    written = open_sink(CONFIG, None, Wall()).write_metrics(
        [datum(name, 10.0, 20.0, counts=(3.0, 1.0), at=at)], deadline()
    )
    assert written.accepted == 1
    answer = ministack.client("cloudwatch", "eu-west-1").get_metric_statistics(
        Namespace="nephoscope",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in DIMENSIONS],
        StartTime=datetime.fromtimestamp(at - 60, UTC),
        EndTime=datetime.fromtimestamp(at + 120, UTC),
        Period=60,
        Statistics=["SampleCount", "Sum"],
    )
    assert [(point["SampleCount"], point["Sum"]) for point in answer["Datapoints"]] == [(4.0, 50.0)]


def test_bad_data_cost_only_themselves(fleet_aws: LocalAws, sink: CloudWatchSink) -> None:
    good = [datum(f"good.{number}") for number in range(5)]
    bad = [datum("nan", float("nan")), datum("old", at=NOON - 15 * 86_400)]
    written = sink.write_metrics([good[0], bad[0], *good[1:], bad[1]], deadline())
    assert (written.requests, written.accepted, dict(written.refused)) == (1, 5, {"not_a_number": 1, "too_old": 1})


def test_throttled_is_tried_again_and_taken_once(fleet_aws: LocalAws, sink: CloudWatchSink) -> None:
    fleet_aws.faults.add(Fault(Failing.THROTTLE, "cloudwatch:PutMetricData", calls=2))
    written = sink.write_metrics([datum()], deadline())
    assert (written.requests, written.accepted) == (3, 1)
    assert statistics(fleet_aws.client("cloudwatch", "eu-west-1"), "cpu.utilization", "SampleCount") == {
        "SampleCount": 1.0
    }


@pytest.mark.parametrize(
    ("failing", "reason", "requests"),
    [
        (Failing.THROTTLE, Reason.THROTTLED, 5),
        (Failing.DENY, Reason.DENIED, 1),
        (Failing.ERROR, Reason.UNAVAILABLE, 1),  # nobody knows whether it was taken: not sent again
        (Failing.UNAVAILABLE, Reason.UNAVAILABLE, 5),
        (Failing.CUT, Reason.UNAVAILABLE, 1),
    ],
)
def test_when_nothing_is_accepted_it_raises_with_the_reason(
    fleet_aws: LocalAws, sink: CloudWatchSink, failing: Failing, reason: Reason, requests: int
) -> None:
    fleet_aws.faults.add(Fault(failing, "cloudwatch:PutMetricData"))
    with pytest.raises(DeliveryError, match="CloudWatch metrics of nephoscope") as raised:
        sink.write_metrics([datum()], deadline())
    assert raised.value.reason is reason
    fleet_aws.faults.clear()
    assert sink.write_metrics([datum()], deadline()).accepted == 1


def test_all_refused_beforehand_raises_too_and_says_how_many(sink: CloudWatchSink) -> None:
    with pytest.raises(DeliveryError, match="2 not_a_number"):
        sink.write_metrics([datum("nan", float("nan"))] * 2, deadline())


def test_nothing_to_write_is_no_request(sink: CloudWatchSink) -> None:
    written = sink.write_metrics([], deadline())
    assert (written.requests, written.accepted, dict(written.refused)) == (0, 0, {})


def test_an_unreachable_endpoint_is_a_delivery_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = CloudWatchSink(
        open_client("eu-west-1"), "nephoscope", Noon(), LIMITS, sleep=lambda _: None
    )  # conftest's port 9
    with pytest.raises(DeliveryError) as raised:
        sink.write_metrics([datum()], deadline())
    assert raised.value.reason is Reason.UNAVAILABLE


# --- against a receiver that refuses on purpose ------------------------------------------------------------------


class Receiver:
    """A CloudWatch that refuses requests with a poisoned datum in them, or a body above its limit."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.taken: list[str] = []
        self.most_bytes = 10**9
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status, body = receiver.answer(dict(self.headers), self.rfile.read(int(self.headers["Content-Length"])))
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        plain = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        request = json.loads(plain)
        self.requests.append((headers, request))
        if len(plain) > self.most_bytes:
            return 413, {"__type": "RequestEntityTooLarge", "message": "too large"}
        names = [datum["MetricName"] for datum in request["MetricData"]]
        if any(name.startswith("poison") for name in names):
            return 400, {"__type": "com.amazonaws.cloudwatch#InvalidParameterValueException", "message": "poisoned"}
        self.taken += names
        return 200, {}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    receiver = Receiver()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{receiver.server.server_port}")
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
    thread.join()


def test_one_poisoned_datum_costs_only_itself(receiver: Receiver) -> None:
    data = [datum(f"good.{number}") for number in range(31)]
    data.insert(13, datum("poison"))
    written = open_sink(CONFIG, None, Noon()).write_metrics(data, deadline())
    assert (written.accepted, dict(written.refused)) == (31, {"rejected": 1})
    assert receiver.taken == [f"good.{number}" for number in range(31)]  # each once, in order
    assert written.requests == len(receiver.requests) == 11  # two for each halving of 32, and the first


def test_a_request_that_is_too_large_is_halved(receiver: Receiver) -> None:
    receiver.most_bytes = 2_000
    data = [datum(f"good.{number}") for number in range(40)]
    assert open_sink(CONFIG, None, Noon()).write_metrics(data, deadline()).accepted == 40
    assert receiver.taken == [f"good.{number}" for number in range(40)]


def test_large_bodies_go_compressed_and_their_size_is_the_one_that_was_planned(receiver: Receiver) -> None:
    values = tuple(number / 3 for number in range(150))
    data = [datum(f"größe.{number}", *values) for number in range(12)]
    assert open_sink(CONFIG, None, Noon()).write_metrics(data, deadline()).accepted == 12
    ((headers, request),) = receiver.requests
    assert headers["Content-Encoding"] == "gzip"
    assert headers["X-Amz-Target"] == "GraniteServiceVersion20100801.PutMetricData"
    assert request == {"Namespace": "nephoscope", "MetricData": request_of(data)}
    # to the byte: one byte less, and the plan would have been two requests
    size = len(json.dumps(request))
    assert len(plan_batches(data, {**LIMITS, "request_bytes": size}, "nephoscope")) == 1
    assert len(plan_batches(data, {**LIMITS, "request_bytes": size - 1}, "nephoscope")) == 2


def test_a_users_own_limit_holds(receiver: Receiver) -> None:
    config = replace(CONFIG, limits={"cloudwatch.put_metric_data": {"metrics": 10}})
    written = open_sink(config, None, Noon()).write_metrics([datum()] * 25, deadline())
    assert (written.requests, written.accepted) == (3, 25)


def test_the_serializer_writes_json_as_the_plan_assumes(receiver: Receiver) -> None:
    """Sizes are computed with json.dumps: what botocore sends must have just that length."""
    boto3.client("cloudwatch", region_name="eu-west-1").put_metric_data(
        Namespace="nephoscope",
        MetricData=request_of([datum("größe", 0.1, 1e22, 3.0)]),  # type: ignore[arg-type]
    )
    ((headers, request),) = receiver.requests
    assert int(headers["Content-Length"]) == len(json.dumps(request))


def test_out_of_time_is_said_and_nothing_is_sent(receiver: Receiver) -> None:
    with pytest.raises(DeliveryError) as raised:
        open_sink(CONFIG, None, Noon()).write_metrics([datum()], deadline(0))
    assert raised.value.reason is Reason.DEADLINE
    assert receiver.requests == []


def test_every_error_that_the_service_model_names_has_a_reason() -> None:
    """Walks botocore's own model: the errors of the operations that the sinks call."""
    model = botocore.session.get_session().get_service_model("cloudwatch")
    operations = ("PutMetricData", "GetDashboard", "PutDashboard", "DeleteDashboards")
    shapes = {shape.name: shape for name in operations for shape in model.operation_model(name).error_shapes}
    codes = {shape.metadata.get("error", {}).get("code", name) for name, shape in shapes.items()}
    assert codes
    assert codes <= set(REASONS)
    assert REASONS["ResourceNotFound"] is Reason.NOT_FOUND
    assert REASONS["InternalServiceError"] is Reason.UNAVAILABLE
