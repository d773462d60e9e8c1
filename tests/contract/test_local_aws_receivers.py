"""The receivers count what arrived, check who signed it, and misbehave as they are told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from nephoscope.localcloud.receivers import Cut, Receiver, Reply, verify

# The vector of the Standard Webhooks libraries' own tests (standard-webhooks, MIT).
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
BODY = b'{"test": 2432232314}'
THEN = 1_614_265_330


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def _post(url: str, name: str, body: bytes = b"{}", **headers: str) -> int:
    request = urllib.request.Request(url, body, {"webhook-id": name, **headers})  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_published_vector_verifies() -> None:
    assert verify(KEY, VECTOR, BODY, THEN)
    both = VECTOR | {"webhook-signature": "v1,AAAA " + VECTOR["webhook-signature"]}
    assert verify(KEY, both, BODY, THEN)


@pytest.mark.parametrize(
    ("change", "body", "now"),
    [
        ({}, BODY + b" ", THEN),
        ({}, BODY, THEN + 301),
        ({}, BODY, THEN - 301),
        ({"webhook-id": "msg_other"}, BODY, THEN),
        ({"webhook-timestamp": "yesterday"}, BODY, THEN),
        ({"webhook-signature": ""}, BODY, THEN),
        ({"webhook-signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, BODY, THEN),
    ],
)
def test_anything_else_does_not(change: dict[str, str], body: bytes, now: int) -> None:
    assert not verify(KEY, VECTOR | change, body, now)


def test_copies_are_received_twice_and_distinct_once(receiver: Receiver) -> None:
    for name in ("msg_1", "msg_1", "msg_2"):
        assert _post(receiver.webhook_url("ops"), name) == 200
    assert receiver.counts() == {"ops": {"received": 3, "distinct": 2, "refused": 0}}


def test_replies_follow_the_script_and_then_all_is_well(receiver: Receiver) -> None:
    receiver.script("ops", [Reply(503, {"Retry-After": "7"}), Reply(429)])
    url = receiver.webhook_url("ops")
    assert [_post(url, "msg_1") for _ in range(3)] == [503, 429, 200]
    assert _post(receiver.webhook_url("other"), "msg_1") == 200
    assert receiver.counts()["ops"] == {"received": 1, "distinct": 1, "refused": 2}


def test_a_retry_after_reaches_the_sender(receiver: Receiver) -> None:
    receiver.script("ops", [Reply(503, {"Retry-After": "7"})])
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(receiver.webhook_url("ops"), b"{}", timeout=5)  # noqa: S310 - loopback
    with caught.value as error:
        assert error.headers["Retry-After"] == "7"


@pytest.mark.parametrize(("cut", "received"), [(Cut.BEFORE, 0), (Cut.AFTER, 1)])
def test_a_cut_connection_may_or_may_not_have_delivered(receiver: Receiver, cut: Cut, received: int) -> None:
    receiver.script("ops", [Reply(cut=cut)])
    with pytest.raises(OSError, match=r"closed connection|reset"):
        _post(receiver.webhook_url("ops"), "msg_1")
    assert len(receiver.received("ops")) == received


def test_a_late_answer_is_a_timeout_for_the_sender(receiver: Receiver) -> None:
    receiver.script("ops", [Reply(wait=0.5)])
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(receiver.webhook_url("ops"), b"{}", timeout=0.1)  # noqa: S310 - loopback
    assert len(receiver.deliveries("ops")) == 1


def test_a_wrong_signature_is_refused_and_a_right_one_taken(receiver: Receiver) -> None:
    receiver.expect_key("ops", KEY)
    now = str(int(time.time()))
    secret = base64.b64decode(KEY.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(secret, f"msg_1.{now}.{{}}".encode(), hashlib.sha256)).decode()
    url = receiver.webhook_url("ops")
    wrong = {"webhook-timestamp": now, "webhook-signature": "v1,AAAA"}
    assert _post(url, "msg_1", **wrong) == 401
    assert _post(url, "msg_1", **(wrong | {"webhook-signature": f"v1,{signature}"})) == 200
    assert [delivery.verified for delivery in receiver.deliveries("ops")] == [False, True]
    assert receiver.counts()["ops"] == {"received": 1, "distinct": 1, "refused": 1}


def test_a_path_of_no_channel_is_not_found(receiver: Receiver) -> None:
    assert _post(f"{receiver.url}/elsewhere", "msg_1") == 404
    assert receiver.counts() == {}
