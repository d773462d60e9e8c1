"""The other end of every channel: an HTTP server that keeps what arrives, and can be made to misbehave.

`/sns/<channel>` speaks SNS's HTTP protocol, handshake included; `/webhook/<channel>` takes anything, and checks the
Standard Webhooks signature where it was given the channel's key. What is counted here is what arrived, not what a
sender believes it sent.
Sources: https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html and
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast
from urllib.parse import urlsplit

TOLERANCE_SECONDS = 300
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Cut(StrEnum):
    """When the connection breaks, instead of an answer."""

    BEFORE = "before"  # the receiver did not take the message in
    AFTER = "after"  # it did, and the sender cannot know


@dataclass(frozen=True, slots=True)
class Reply:
    """What one delivery is answered with. wait: seconds before the answer (past the sender's patience: a timeout).
    A message that is answered with 2xx, or cut off only after it was read, counts as received."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    cut: Cut | None = None

    @property
    def takes(self) -> bool:
        return self.cut is Cut.AFTER or (self.cut is None and 200 <= self.status < 300)


@dataclass(frozen=True, slots=True)
class Delivery:
    """at: seconds, the clock on the wall. id: the notification's own where it can be seen, else the carrier's.
    headers: names in lower case. body: as it came. received: it was taken in. verified: the signature fits; None where
    there was no key to check it with."""

    at: float
    channel: str
    id: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    received: bool
    verified: bool | None = None

    def json(self) -> Any:
        """The body; of an SNS envelope, the message inside where that is JSON, else the envelope."""
        outer = json.loads(self.body)
        inner = outer.get("Message") if isinstance(outer, dict) and "TopicArn" in outer else None
        try:
            return json.loads(inner) if inner else outer
        except ValueError:
            return outer


class Receiver:
    """A context manager on 127.0.0.1. Every method may be called while messages come in."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._changed = threading.Condition()
        self._deliveries: list[Delivery] = []
        self._confirmed: list[str] = []
        self._scripts: dict[str, deque[Reply]] = {}
        self._keys: dict[str, str] = {}
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("the receiver is not running")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def sns_url(self, channel: str) -> str:
        return f"{self.url}/sns/{channel}"

    def webhook_url(self, channel: str) -> str:
        return f"{self.url}/webhook/{channel}"

    def script(self, channel: str, replies: Iterable[Reply]) -> None:
        """Answer the channel's next deliveries with these, in order; after them, 200."""
        with self._changed:
            self._scripts[channel] = deque(replies)

    def expect_key(self, channel: str, key: str) -> None:
        """Check the channel's signatures with this key (`whsec_...`); a wrong one is answered with 401."""
        with self._changed:
            self._keys[channel] = key

    def deliveries(self, channel: str = "") -> tuple[Delivery, ...]:
        """All that arrived, refused ones included, in order."""
        with self._changed:
            return tuple(delivery for delivery in self._deliveries if channel in ("", delivery.channel))

    def received(self, channel: str = "") -> tuple[Delivery, ...]:
        return tuple(delivery for delivery in self.deliveries(channel) if delivery.received)

    def confirmed(self, channel: str) -> bool:
        """Whether the channel's SNS subscription has been confirmed."""
        with self._changed:
            return channel in self._confirmed

    def counts(self) -> dict[str, dict[str, int]]:
        """By channel: received, distinct ids among them, refused."""
        rows: dict[str, dict[str, int]] = {}
        for channel in sorted({delivery.channel for delivery in self.deliveries()}):
            every, taken = self.deliveries(channel), self.received(channel)
            distinct = len({delivery.id for delivery in taken})
            rows[channel] = {"received": len(taken), "distinct": distinct, "refused": len(every) - len(taken)}
        return rows

    def wait_for(self, channel: str, count: int, seconds: float = 10.0) -> tuple[Delivery, ...]:
        """What was received once there are `count`, or when the time is up."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.received(channel)) >= count, seconds)
        return self.received(channel)

    def wait_until_confirmed(self, channel: str, seconds: float = 10.0) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: channel in self._confirmed, seconds)

    def clear(self) -> None:
        with self._changed:
            self._deliveries.clear()
            self._confirmed.clear()
            self._scripts.clear()
            self._keys.clear()

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What one request is answered with, after it has been noted."""
        _, kind, channel = (*path.split("/"), "", "")[:3]
        if kind not in ("sns", "webhook") or not channel:
            return Reply(404)
        if headers.get("x-amz-sns-message-type") == "SubscriptionConfirmation":
            threading.Thread(target=self._confirm, args=(channel, body), daemon=True).start()
            return Reply()
        with self._changed:
            script, key = self._scripts.get(channel), self._keys.get(channel, "")
            reply = script.popleft() if script else Reply()
            verified = verify(key, headers, body, time.time()) if key else None
            if verified is False and reply.takes:
                reply = Reply(401)
            name = _sns_id(body) if kind == "sns" else headers.get("webhook-id", "")
            self._deliveries.append(
                Delivery(time.time(), channel, name, headers, body, reply.status, reply.takes, verified)
            )
            self._changed.notify_all()
        return reply

    def _confirm(self, channel: str, body: bytes) -> None:
        """The handshake: visit the address that the topic sent. Only addresses on this machine are visited."""
        address = json.loads(body)["SubscribeURL"]
        if urlsplit(address).hostname not in _LOOPBACK:
            raise ValueError(f"a subscription to {channel} asks to visit another machine")
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - loopback, checked above
            answer.read()
        with self._changed:
            self._confirmed.append(channel)
            self._changed.notify_all()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._server = _Server(self, self._port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server and self._thread:
            server.shutdown()
            self._thread.join()
            server.server_close()


def verify(key: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether one of the `v1` signatures fits, and the timestamp is within five minutes of now."""
    name, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not name or not timestamp.isdigit() or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    secret = base64.b64decode(key.removeprefix("whsec_"))
    signed = b".".join([name.encode(), timestamp.encode(), body])
    wanted = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(f"v1,{wanted}", signature) for signature in given)


def _sns_id(body: bytes) -> str:
    """The notification's id out of SNS's envelope: SNS gives each try of ours another MessageId."""
    envelope = json.loads(body)
    attribute = envelope.get("MessageAttributes", {}).get("notification_id", {})
    return str(attribute.get("Value") or envelope.get("MessageId", ""))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, receiver: Receiver, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.receiver = receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that lost patience is no news here; anything else is a fault of ours and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        reply = cast(_Server, self.server).receiver.take(self.path, headers, body)
        if reply.wait:
            time.sleep(reply.wait)
        if reply.cut:
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        for name, value in {"Content-Length": "0", **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Deliveries are kept; lines on the terminal help nobody."""
