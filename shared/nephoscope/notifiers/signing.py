"""Signatures by Standard Webhooks 1.0.0 (symmetric scheme): HMAC-SHA256 over `id.timestamp.body`.

Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md, "Signature scheme" and "Webhook headers".
While a key is replaced, the secret holds several, parted by blanks, newest first; each signs, and the receiver needs
to know one of them.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

from nephoscope.model.secret import Secret

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64
"""Bytes of a key: 192 to 512 bits."""

TOLERANCE = 300
"""Seconds by which a receiver lets the sender's clock differ from its own."""


class SigningKeyError(ValueError):
    """A signing key is not `whsec_` and base64 of 24 to 64 bytes. The text never holds the key."""


def parse_keys(secret: Secret) -> tuple[bytes, ...]:
    """The keys in their order, at least one. Raises SigningKeyError."""
    texts = secret.reveal().split()
    if not texts:
        raise SigningKeyError("the signing secret is empty")
    return tuple(_key(number, text) for number, text in enumerate(texts, start=1))


def sign(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: `v1,` and base64 for each key, parted by blanks. timestamp: epoch seconds."""
    return " ".join(_signature(key, message_id, timestamp, body) for key in keys)


def headers(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers; without keys, the two that let a receiver drop copies."""
    unsigned = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    return unsigned | ({"webhook-signature": sign(keys, message_id, timestamp, body)} if keys else {})


def verify(keys: Sequence[bytes], received: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether one of the signatures is by one of the keys, and fresh: what a receiver does. received: the headers,
    names in lower case."""
    message_id, timestamp = received.get("webhook-id", ""), received.get("webhook-timestamp", "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit()) or abs(now - int(timestamp)) > TOLERANCE:
        return False
    ours = [_signature(key, message_id, int(timestamp), body).encode() for key in keys]
    theirs = [text.encode() for text in received.get("webhook-signature", "").split()]
    return any(hmac.compare_digest(one, other) for one in ours for other in theirs)


def _signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()


def _key(number: int, text: str) -> bytes:
    if not text.startswith(_PREFIX):
        raise SigningKeyError(f"signing key {number} does not begin with {_PREFIX}")
    encoded = text.removeprefix(_PREFIX)
    key = _decoded(encoded + "=" * (-len(encoded) % 4))
    if key is None:
        raise SigningKeyError(f"signing key {number} is not base64")
    if not _LEAST <= len(key) <= _MOST:
        raise SigningKeyError(f"signing key {number} has {len(key)} bytes; {_LEAST} to {_MOST} are allowed")
    return key


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        return None
