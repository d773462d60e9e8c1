"""Topics on a local AWS: subscribers by SQS, by HTTP with its handshake, in order, filtered; and every refusal."""

from __future__ import annotations

import gzip
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from uuid import uuid4

import pytest

from nephoscope.app.secrets import open_secrets
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.ministack import Ministack
from nephoscope.model.alert import Notification, Subject, TransitionKind, Why
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.time import Deadline
from nephoscope.notifiers.formats.cloudevent import render_cloudevent
from nephoscope.notifiers.sns import REASONS, SnsTopic, open_notifier

NOTICE = Notification(
    id="msg_1",
    alert_key="k" * 32,
    seq=1,
    channel="oncall",
    fleet="acme",
    rule="cpu-hot",
    severity=Severity.CRITICAL,
    kind=TransitionKind.FIRED,
    why=Why.THRESHOLD_CROSSED,
    subject=Subject("aws", "111111111111", "eu-west-1", Kind.INSTANCE, "i-0abc", "wéb 🔥", tags={"owner": "dätä"}),
    condition="cpu.utilization > 90 %",
    at=1_795_464_300,
    metric="cpu.utilization",
    unit="1",
    value=0.934,
    threshold=0.9,
)
TOPIC = "arn:aws:sns:eu-west-1:111111111111:alerts"


class SystemClock:
    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


@pytest.fixture
def aws(ministack: Ministack, monkeypatch: pytest.MonkeyPatch) -> Ministack:
    for name, value in ministack.environment().items():
        monkeypatch.setenv(name, value)
    return ministack


def oncall(topic: str, stack: dict[str, str] | None = None) -> SnsTopic:
    return open_notifier(Channel("oncall", sns=topic), open_secrets(Settings(stack=stack), {}), SystemClock())


def soon(seconds: float = 10) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def failure_of(notifier: SnsTopic, deadline: Deadline | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        notifier.send(NOTICE, deadline or soon())
    assert caught.value.destination == "oncall"
    return caught.value


def topic_with_queue(aws: Ministack, *, fifo: bool = False, **subscription: str) -> tuple[str, str]:
    name, kind = uuid4().hex + (".fifo" if fifo else ""), {"FifoTopic": "true"} if fifo else {}
    topic = aws.client("sns").create_topic(Name=name, Attributes=kind)["TopicArn"]
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {})["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=subscription)
    return topic, url


def received(aws: Ministack, url: str) -> list[dict[str, Any]]:
    answer = aws.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0, MessageAttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


def test_a_queue_gets_the_event_and_the_attributes(aws: Ministack) -> None:
    topic, url = topic_with_queue(aws)
    oncall("${stack:AlertTopic}", {"ALERTTOPIC": topic}).send(NOTICE, soon())
    (message,) = received(aws, url)
    envelope = json.loads(message["Body"])
    assert json.loads(envelope["Message"]) == render_cloudevent(NOTICE)
    assert envelope["Subject"] == "CRITICAL cpu-hot: web ? 93.4 % (aws eu-west-1)"
    assert envelope["MessageAttributes"]["severity"] == {"Type": "String", "Value": "critical"}
    assert envelope["MessageAttributes"]["notification_id"] == {"Type": "String", "Value": "msg_1"}


def test_raw_delivery_gives_the_bare_event(aws: Ministack) -> None:
    topic, url = topic_with_queue(aws, RawMessageDelivery="true")
    oncall(topic).send(NOTICE, soon())
    (message,) = received(aws, url)
    assert json.loads(message["Body"]) == render_cloudevent(NOTICE)


def test_a_subscriber_chooses_by_the_attributes(aws: Ministack) -> None:
    topic, url = topic_with_queue(aws, FilterPolicy='{"severity": ["critical"], "kind": ["fired"]}')
    for notice in (
        replace(NOTICE, id="msg_2", severity=Severity.WARNING),
        replace(NOTICE, id="msg_3", kind=TransitionKind.RESOLVED, why=Why.RECOVERED),
        NOTICE,
    ):
        oncall(topic).send(notice, soon())
    assert [json.loads(json.loads(one["Body"])["Message"])["id"] for one in received(aws, url)] == ["msg_1"]


def test_a_fifo_topic_drops_the_copy(aws: Ministack) -> None:
    topic, url = topic_with_queue(aws, fifo=True, RawMessageDelivery="true")
    for notice in (NOTICE, NOTICE, replace(NOTICE, id="msg_2", seq=2)):
        oncall(topic).send(notice, soon())
    assert [json.loads(one["Body"])["id"] for one in received(aws, url)] == ["msg_1", "msg_2"]


@pytest.fixture
def subscriber() -> Iterator[tuple[str, list[dict[str, Any]], threading.Event]]:
    """An HTTP subscriber as AWS's guide describes it: confirms by calling SubscribeURL, then keeps what comes."""
    kept: list[dict[str, Any]] = []
    arrived = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            kept.append(body)
            if body["Type"] == "SubscriptionConfirmation":
                with urllib.request.urlopen(body["SubscribeURL"], timeout=5) as answer:  # noqa: S310 - our emulator's
                    answer.read()
            arrived.set()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", kept, arrived
    server.shutdown()
    server.server_close()


def test_an_http_subscriber_confirms_and_is_told(
    aws: Ministack, subscriber: tuple[str, list[dict[str, Any]], threading.Event]
) -> None:
    url, kept, arrived = subscriber
    sns = aws.client("sns")
    topic = sns.create_topic(Name=uuid4().hex)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
    assert arrived.wait(5)
    arrived.clear()
    oncall(topic).send(NOTICE, soon())
    assert arrived.wait(5)
    assert [body["Type"] for body in kept] == ["SubscriptionConfirmation", "Notification"]
    assert json.loads(kept[1]["Message"]) == render_cloudevent(NOTICE)
    assert kept[1]["Subject"] == "CRITICAL cpu-hot: web ? 93.4 % (aws eu-west-1)"


def test_a_topic_that_is_gone(aws: Ministack) -> None:
    error = failure_of(oncall(f"arn:aws:sns:{aws.region}:111111111111:{uuid4().hex}"))
    assert (error.reason, error.status, error.retryable) == (Reason.NOT_FOUND, 404, False)


def test_an_endpoint_that_is_not_there() -> None:
    error = failure_of(oncall(TOPIC))  # tests/conftest.py points every call to a closed port
    assert (error.reason, error.retryable) == (Reason.UNAVAILABLE, True)


def test_no_time_left() -> None:
    error = failure_of(oncall(TOPIC), soon(0.1))
    assert (error.reason, error.retryable) == (Reason.DEADLINE, True)


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert failure_of(oncall(TOPIC)).reason is Reason.DENIED


@pytest.mark.parametrize(
    "text", ["alerts", "arn:aws:sqs:eu-west-1:1:t", "arn:aws:sns::1:t", "arn:aws:sns:eu-west-1:1:t:sub"]
)
def test_what_is_no_topic(text: str) -> None:
    error = failure_of(oncall(text))
    assert (error.reason, error.detail) == (Reason.MALFORMED, "not the ARN of a topic")


def test_a_missing_reference_is_told_of_the_channel() -> None:
    error = failure_of(oncall("${stack:AlertTopic}"))
    assert (error.reason, error.detail) == (Reason.SECRET_MISSING, "the deployment has no such name")


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """An endpoint that answers every Publish with the error in `says`, in SNS's own XML; `seen` keeps the calls."""
    says: dict[str, Any] = {"code": "", "status": 400, "seen": []}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            says["seen"].append(self.headers["Authorization"])
            body = (
                '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
                f"<Code>{says['code']}</Code><Message>m</Message></Error><RequestId>r</RequestId></ErrorResponse>"
            ).encode()
            self.send_response(says["status"])
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    yield says
    server.shutdown()
    server.server_close()


def test_each_refusal_has_its_reason_and_is_tried_once(refusing: dict[str, Any]) -> None:
    notifier = oncall(TOPIC)
    expected = {
        ("AuthorizationError", 403): (Reason.DENIED, False),
        ("ExpiredToken", 403): (Reason.DENIED, True),
        ("NotFound", 404): (Reason.NOT_FOUND, False),
        ("InvalidParameter", 400): (Reason.REJECTED, False),
        ("Throttling", 400): (Reason.THROTTLED, True),
        ("KMSThrottling", 400): (Reason.THROTTLED, True),
        ("InternalError", 500): (Reason.UNAVAILABLE, True),
        ("NobodyKnowsThis", 400): (Reason.REJECTED, False),
        ("NobodyKnowsThis", 429): (Reason.THROTTLED, True),
        ("NobodyKnowsThis", 502): (Reason.UNAVAILABLE, True),
    }
    for (code, status), outcome in expected.items():
        refusing.update(code=code, status=status)
        error = failure_of(notifier)
        assert ((error.reason, error.retryable), error.detail, error.status) == (outcome, code, status)
    assert len(refusing["seen"]) == len(expected)


def test_the_topics_own_region_is_asked(refusing: dict[str, Any]) -> None:
    refusing.update(code="NotFound", status=404)
    failure_of(oncall("arn:aws-us-gov:sns:us-gov-west-1:111111111111:alerts"))
    assert "/us-gov-west-1/sns/aws4_request" in refusing["seen"][0]


def test_every_error_of_the_sdks_own_model_has_a_reason() -> None:
    model = json.loads(gzip.decompress((files("botocore") / "data/sns/2010-03-31/service-2.json.gz").read_bytes()))
    shapes = [model["shapes"][error["shape"]] for error in model["operations"]["Publish"]["errors"]]
    codes = {shape["error"]["code"] for shape in shapes}
    assert codes
    assert codes <= set(REASONS)
