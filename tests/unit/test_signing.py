"""Standard Webhooks 1.0.0, symmetric scheme."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

import pytest

from nephoscope.model.secret import Secret
from nephoscope.notifiers.signing import SigningKeyError, headers, parse_keys, sign, verify

# The vector that the standard-webhooks libraries use in their own tests (github.com/standard-webhooks).
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1_614_265_330
PAYLOAD = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

OLD_KEY = b"an older key of 32 bytes length."
OLD = "whsec_" + b64encode(OLD_KEY).decode()


def test_the_published_vector() -> None:
    assert sign(parse_keys(SECRET), MESSAGE, TIMESTAMP, PAYLOAD) == SIGNATURE


def test_while_keys_change_each_of_them_signs() -> None:
    both = parse_keys(Secret(f"{SECRET.reveal()}  {OLD}\n"))
    signed = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + PAYLOAD
    older = "v1," + b64encode(hmac.new(OLD_KEY, signed, hashlib.sha256).digest()).decode()
    assert sign(both, MESSAGE, TIMESTAMP, PAYLOAD) == f"{SIGNATURE} {older}"


def test_without_a_key_the_id_still_lets_a_receiver_drop_copies() -> None:
    assert headers((), MESSAGE, TIMESTAMP, PAYLOAD) == {"webhook-id": MESSAGE, "webhook-timestamp": "1614265330"}
    assert headers(parse_keys(SECRET), MESSAGE, TIMESTAMP, PAYLOAD)["webhook-signature"] == SIGNATURE


@pytest.mark.parametrize(
    ("change", "body", "now", "genuine"),
    [
        ({}, PAYLOAD, TIMESTAMP + 299, True),
        ({"webhook-signature": f"v1,AAAA v1a,BBBB {SIGNATURE}"}, PAYLOAD, TIMESTAMP, True),
        ({}, PAYLOAD + b" ", TIMESTAMP, False),
        ({}, PAYLOAD, TIMESTAMP + 301, False),
        ({}, PAYLOAD, TIMESTAMP - 301, False),
        ({"webhook-id": "msg_other"}, PAYLOAD, TIMESTAMP, False),
        ({"webhook-id": ""}, PAYLOAD, TIMESTAMP, False),
        ({"webhook-timestamp": "²"}, PAYLOAD, TIMESTAMP, False),
        ({"webhook-timestamp": "1614265331"}, PAYLOAD, TIMESTAMP, False),
        ({"webhook-signature": SIGNATURE.removeprefix("v1,")}, PAYLOAD, TIMESTAMP, False),
        ({"webhook-signature": "v1,é"}, PAYLOAD, TIMESTAMP, False),
        ({"webhook-signature": ""}, PAYLOAD, TIMESTAMP, False),
    ],
)
def test_what_a_receiver_believes(change: dict[str, str], body: bytes, now: float, genuine: bool) -> None:
    received = {"webhook-id": MESSAGE, "webhook-timestamp": str(TIMESTAMP), "webhook-signature": SIGNATURE} | change
    assert verify(parse_keys(SECRET), received, body, now) is genuine


def test_a_receiver_with_the_other_key_does_not_believe() -> None:
    received = headers(parse_keys(SECRET), MESSAGE, TIMESTAMP, PAYLOAD)
    assert not verify(parse_keys(Secret(OLD)), received, PAYLOAD, TIMESTAMP)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "key 1 does not begin with whsec_"),
        (f"{OLD} whsk_c2VjcmV0", "key 2 does not begin with whsec_"),
        ("whsec_!!!!", "key 1 is not base64"),
        ("whsec_A", "key 1 is not base64"),
        ("whsec_c2hvcnQ=", "key 1 has 5 bytes; 24 to 64"),
        ("whsec_" + b64encode(bytes(65)).decode(), "key 1 has 65 bytes"),
    ],
)
def test_an_unusable_key_is_named_by_its_place_only(text: str, complaint: str) -> None:
    with pytest.raises(SigningKeyError, match=complaint) as refused:
        parse_keys(Secret(text))
    assert not any(part in str(refused.value) for part in text.split() if len(part) > len("whsec_"))


def test_padding_may_be_left_out() -> None:
    assert parse_keys(Secret(OLD.rstrip("="))) == (OLD_KEY,)
