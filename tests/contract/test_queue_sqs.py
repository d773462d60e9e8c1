"""Fan-out over a real queue of the local AWS, and over canned answers where it does not take everything."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest

from alert_records import SCOPE
from canned_aws import CannedAws, json_reply
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.queues.message import parse_message, render_message
from nephoscope.queues.sqs import SqsQueue, open_queue

SCOPES = [Scope(Cloud.AWS, f"{number:012}", "eu-west-1") for number in range(25)]


def received(client, url: str) -> list[str]:
    bodies: list[str] = []
    while True:
        page = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if not page:
            return bodies
        bodies += [message["Body"] for message in page]


def test_every_scope_gets_one_message_with_its_slot(ministack) -> None:
    client = ministack.client("sqs")
    url = client.create_queue(QueueName=f"work-{uuid.uuid4().hex[:12]}")["QueueUrl"]
    open_queue(url, client).send_scopes(SCOPES, 1_800_000_060)
    assert sorted(map(parse_message, received(client, url))) == [(scope, 1_800_000_060) for scope in SCOPES]
    client.close()


def test_a_queue_that_is_not_there(ministack) -> None:
    client = ministack.client("sqs")
    queue = SqsQueue(f"{ministack.url}/111111111111/no-such-queue", client, sleep=lambda _: None)
    with pytest.raises(DeliveryError, match="25 of 25 scopes were not taken") as caught:
        queue.send_scopes(SCOPES, 60)
    assert caught.value.reason is Reason.NOT_FOUND
    client.close()


def test_no_scopes_are_no_call() -> None:
    open_queue("http://127.0.0.1:9/queue", client=None).send_scopes([], 60)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[CannedAws]:
    with CannedAws() as canned:
        monkeypatch.setenv("AWS_ENDPOINT_URL", canned.url)
        yield canned


def bodies_of(aws: CannedAws) -> list[list[str]]:
    return [[entry["MessageBody"] for entry in r.parameters["Entries"]] for r in aws.asked("SendMessageBatch")]


def answer(*failed: tuple[str, str, bool]):
    """Everything is taken but (id, code, the sender's fault)."""

    def reply(request):
        refused = {entry for entry, _, _ in failed}
        taken = [entry["Id"] for entry in request.parameters["Entries"] if entry["Id"] not in refused]
        return json_reply(
            {
                "Successful": [{"Id": each, "MessageId": each, "MD5OfMessageBody": ""} for each in taken],
                "Failed": [{"Id": each, "Code": code, "SenderFault": fault} for each, code, fault in failed],
            }
        )

    return reply


def queue_at(aws: CannedAws) -> SqsQueue:
    queue = open_queue(f"{aws.url}/111111111111/work")
    queue._sleep = lambda _: None
    return queue


def test_what_was_not_taken_is_sent_again_and_nothing_else(aws: CannedAws) -> None:
    aws.answer("SendMessageBatch", answer(("1", "InternalError", False), ("3", "InternalError", False)), answer())
    queue_at(aws).send_scopes(SCOPES[:5], 60)
    first, second = bodies_of(aws)
    assert first == [render_message(scope, 60) for scope in SCOPES[:5]]
    assert second == [first[1], first[3]]


def test_what_is_never_taken_is_said_and_the_rest_is_sent(aws: CannedAws) -> None:
    aws.answer("SendMessageBatch", answer(("0", "InternalError", False)))
    with pytest.raises(DeliveryError, match="2 of 12 scopes were not taken: InternalError") as caught:
        queue_at(aws).send_scopes(SCOPES[:12], 60)
    assert caught.value.reason is Reason.UNAVAILABLE
    assert [len(bodies) for bodies in bodies_of(aws)] == [10, 1, 1, 2, 1, 1]


def test_what_is_our_own_fault_is_not_repeated(aws: CannedAws) -> None:
    aws.answer("SendMessageBatch", answer(("0", "InvalidMessageContents", True)))
    with pytest.raises(DeliveryError) as caught:
        queue_at(aws).send_scopes(SCOPES[:2], 60)
    assert caught.value.reason is Reason.REJECTED
    assert len(bodies_of(aws)) == 1


def test_a_message_is_plain_json() -> None:
    body = render_message(SCOPE, 1_800_000_060)
    assert json.loads(body) == {"scope": "aws#111111111111#eu-west-1", "slot": 1_800_000_060}
    assert parse_message(body) == (SCOPE, 1_800_000_060)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "[]",
        "{}",
        '{"scope": "aws#1#eu-west-1"}',
        '{"scope": "aws#1", "slot": 60}',
        '{"scope": "ibm#1#eu", "slot": 60}',
        '{"scope": 5, "slot": 60}',
        '{"scope": "aws#1#eu-west-1", "slot": "60"}',
        '{"scope": "aws#1#eu-west-1", "slot": true}',
        '{"scope": "aws#1#eu-west-1", "slot": -60}',
    ],
)
def test_anything_else_is_refused(body: str) -> None:
    with pytest.raises(ValueError):
        parse_message(body)
