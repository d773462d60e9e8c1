"""Webhooks against a real HTTPS receiver: the certificate of a CA of our own, the connection to the judged address."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from nephoscope.model.alert import Notification, Subject, TransitionKind, Why
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.secret import Secret
from nephoscope.model.time import Deadline
from nephoscope.notifiers.endpoint import connect_to
from nephoscope.notifiers.formats import FORMATS
from nephoscope.notifiers.webhook import Webhook, open_notifier

NAME = "hooks.receiver.test"
KEY = b"0123456789abcdef0123456789abcdef"
NEW_KEY = b"fedcba9876543210fedcba9876543210"
NOTICE = Notification(
    id="msg_1",
    alert_key="k" * 32,
    seq=1,
    channel="chat",
    fleet="acme",
    rule="cpu-hot",
    severity=Severity.CRITICAL,
    kind=TransitionKind.FIRED,
    why=Why.THRESHOLD_CROSSED,
    subject=Subject("aws", "111111111111", "eu-west-1", Kind.INSTANCE, "i-0abc", "wéb-1"),
    condition="cpu.utilization > 90 %",
    at=1_795_464_300,
)


class FixedClock:
    def __init__(self, now: float = 1_795_464_400.7) -> None:
        self.now = now

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class Keeper:
    """A SecretReader over a dict; what is not in it is its own value."""

    held: dict[str, str] = field(default_factory=dict)

    def read_secret(self, reference: str) -> Secret:
        if reference.startswith("${") and reference not in self.held:
            raise DeliveryError(destination=reference, reason=Reason.SECRET_MISSING, detail="not there")
        return Secret(self.held.get(reference, reference))


@dataclass
class Receiver:
    """What arrived, and at which server name. The path decides the answer: /status/429, /to/<where>."""

    port: int
    ca: trustme.CA
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)


def handler_of(posts: list[tuple[str, dict[str, str], bytes]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posts.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            answer, _, value = self.path.removeprefix("/").partition("/")
            self.send_response(int(value) if answer == "status" else 302 if answer == "to" else 200)
            self.send_header("Location", "/stolen")
            self.send_header("Retry-After", "7")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def do_GET(self) -> None:
            posts.append((self.path, {}, b"a redirect was followed"))

        def log_message(self, *_: object) -> None:
            """Quiet: the tests read `posts`."""

    return Handler


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A handshake that the sender broke off is what some tests are about."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def receiver(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Listens with TLS on 127.0.0.1 for NAME; the CA is trusted by way of OpenSSL's own SSL_CERT_FILE."""
    kept = Receiver(0, authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME, "127.0.0.1").configure_cert(context)
    context.sni_callback = lambda _socket, name, _context: kept.names.append(name)
    server = QuietServer(("127.0.0.1", 0), handler_of(kept.posts))
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    kept.port = server.server_address[1]
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def plain_receiver() -> Iterator[Receiver]:
    kept = Receiver(0, trustme.CA())
    server = QuietServer(("127.0.0.1", 0), handler_of(kept.posts))
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


def here(_name: str, _port: int, _seconds: float) -> Sequence[str]:
    return ["127.0.0.1"]


def chat(receiver: Receiver, path: str = "/hook?x=1", **changes: Any) -> Channel:
    url = f"https://{NAME}:{receiver.port}{path}"
    return replace(Channel("chat", webhook=url, allow_private=True), **changes)


def open_chat(channel: Channel, keeper: Keeper | None = None, clock: FixedClock | None = None, **seams: Any) -> Webhook:
    return open_notifier(channel, keeper or Keeper(), clock or FixedClock(), **({"resolve": here} | seams))


def soon(seconds: float = 5.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def failure_of(notifier: Webhook, deadline: Deadline | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        notifier.send(NOTICE, deadline or soon())
    assert caught.value.destination == "chat"
    return caught.value


@pytest.mark.parametrize("form", FORMATS)
def test_the_body_arrives_at_the_name_it_was_meant_for(receiver: Receiver, form: str) -> None:
    open_chat(chat(receiver, format=form)).send(NOTICE, soon())
    ((path, headers, body),) = receiver.posts
    assert path == "/hook?x=1"
    assert body == FORMATS[form].body(NOTICE)
    assert headers["host"] == f"{NAME}:{receiver.port}"
    assert headers["content-type"] == FORMATS[form].content_type
    assert headers["user-agent"].startswith("nephoscope/")
    assert receiver.names == [NAME]
    assert "webhook-signature" not in headers
    assert json.loads(body)


def test_pagerdutys_key_goes_out_in_the_body_and_a_missing_one_sends_nothing(receiver: Receiver) -> None:
    keeper = Keeper({"${ssm:/pagerduty}": "0123456789abcdef0123456789abcdef"})
    channel = chat(receiver, "/v2/enqueue", format="pagerduty", key="${ssm:/pagerduty}")
    open_chat(channel, keeper).send(NOTICE, soon())
    ((path, _, body),) = receiver.posts
    said = json.loads(body)
    assert (path, said["routing_key"]) == ("/v2/enqueue", "0123456789abcdef0123456789abcdef")
    assert (said["event_action"], said["dedup_key"]) == ("trigger", "k" * 32)
    error = failure_of(open_chat(replace(channel, key="${ssm:/other}"), keeper))
    assert error.reason is Reason.SECRET_MISSING
    assert len(receiver.posts) == 1


def signature(key: bytes, headers: dict[str, str], body: bytes) -> str:
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_every_try_has_the_same_id_a_fresh_time_and_the_keys_of_the_moment(receiver: Receiver) -> None:
    keeper = Keeper({"${ssm:/key}": "whsec_" + b64encode(KEY).decode()})
    clock = FixedClock(1_795_464_400.7)
    notifier = open_chat(chat(receiver, secret="${ssm:/key}"), keeper, clock)
    notifier.send(NOTICE, soon())
    keeper.held["${ssm:/key}"] = f"whsec_{b64encode(NEW_KEY).decode()} whsec_{b64encode(KEY).decode()}"
    clock.now += 60
    notifier.send(NOTICE, soon())
    (_, first, body), (_, second, _) = receiver.posts
    assert (first["webhook-id"], second["webhook-id"]) == ("msg_1", "msg_1")
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == ("1795464400", "1795464460")
    assert first["webhook-signature"] == signature(KEY, first, body)
    assert second["webhook-signature"] == f"{signature(NEW_KEY, second, body)} {signature(KEY, second, body)}"


@pytest.mark.parametrize(
    ("status", "reason", "retryable"),
    [
        (301, Reason.REDIRECTED, False),
        (400, Reason.REJECTED, False),
        (404, Reason.NOT_FOUND, False),
        (410, Reason.GONE, False),
        (429, Reason.THROTTLED, True),
        (503, Reason.UNAVAILABLE, True),
    ],
)
def test_what_the_receiver_says_is_kept_as_a_reason(
    receiver: Receiver, status: int, reason: Reason, retryable: bool
) -> None:
    error = failure_of(open_chat(chat(receiver, f"/status/{status}")))
    assert (error.reason, error.status, error.retry_after, error.retryable) == (reason, status, 7.0, retryable)
    assert len(receiver.posts) == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_taken(receiver: Receiver, status: int) -> None:
    open_chat(chat(receiver, f"/status/{status}")).send(NOTICE, soon())
    assert len(receiver.posts) == 1


def test_a_redirect_is_never_followed(receiver: Receiver) -> None:
    error = failure_of(open_chat(chat(receiver, "/to/elsewhere")))
    assert (error.reason, error.status) == (Reason.REDIRECTED, 302)
    assert [path for path, _, _ in receiver.posts] == ["/to/elsewhere"]


def test_a_certificate_for_another_name_is_refused_before_anything_is_said(receiver: Receiver) -> None:
    other = replace(chat(receiver), webhook=f"https://other.receiver.test:{receiver.port}/secret-path")
    error = failure_of(open_chat(other))
    assert (error.reason, error.detail) == (Reason.UNAVAILABLE, "the certificate is not valid for the name")
    assert error.retryable
    assert receiver.posts == []


def test_a_certificate_of_an_unknown_authority_is_refused(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    assert failure_of(open_chat(chat(receiver))).detail == "the certificate is not valid for the name"
    assert receiver.posts == []


def test_proxies_of_the_environment_are_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    open_chat(chat(receiver)).send(NOTICE, soon())
    assert len(receiver.posts) == 1


def test_without_leave_nothing_goes_to_our_own_house(receiver: Receiver) -> None:
    error = failure_of(open_chat(chat(receiver, allow_private=False)))
    assert (error.reason, error.retryable) == (Reason.ADDRESS_REFUSED, False)
    assert error.detail == "the name leads to a loopback address; see allow_private"
    assert receiver.names == []


def never(_address: str, _port: int, _seconds: float) -> socket.socket:
    raise AssertionError("a connection was opened")


@pytest.mark.parametrize(
    "host",
    ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"],
)
def test_loopback_in_any_spelling_needs_leave(host: str) -> None:
    channel = Channel("chat", webhook=f"https://{host}/")
    notifier = open_notifier(channel, Keeper(), FixedClock(), connect=never)
    assert failure_of(notifier).reason is Reason.ADDRESS_REFUSED


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "169.16689662",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::169.254.169.254]",
        "[2002:a9fe:a9fe::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "168.63.129.16",
    ],
)
def test_no_leave_opens_the_metadata_service(host: str) -> None:
    channel = Channel("chat", webhook=f"http://{host}/latest/api/token", allow_http=True, allow_private=True)
    notifier = open_notifier(channel, Keeper(), FixedClock(), connect=never)
    assert failure_of(notifier).reason is Reason.ADDRESS_REFUSED


def test_a_numeric_form_arrives_where_leave_was_given(plain_receiver: Receiver) -> None:
    url = f"http://0x7f.1:{plain_receiver.port}/hook"
    channel = Channel("chat", webhook=url, allow_http=True, allow_private=True)
    open_notifier(channel, Keeper(), FixedClock()).send(NOTICE, soon())
    ((_, headers, _),) = plain_receiver.posts
    assert headers["host"] == f"0x7f.1:{plain_receiver.port}"


def test_plain_http_needs_leave(plain_receiver: Receiver) -> None:
    channel = Channel("chat", webhook=f"http://{NAME}:{plain_receiver.port}/", allow_private=True)
    error = failure_of(open_chat(channel))
    assert (error.reason, error.retryable) == (Reason.ADDRESS_REFUSED, False)
    open_chat(replace(channel, allow_http=True)).send(NOTICE, soon())
    assert len(plain_receiver.posts) == 1


def test_https_to_a_number_is_checked_against_the_number(receiver: Receiver) -> None:
    channel = replace(chat(receiver), webhook=f"https://127.0.0.1:{receiver.port}/hook")
    open_notifier(channel, Keeper(), FixedClock()).send(NOTICE, soon())
    assert len(receiver.posts) == 1


def test_the_connection_goes_to_the_address_that_was_judged_and_the_name_is_asked_once(receiver: Receiver) -> None:
    """A name that leads outside when it is judged, and inside when it is asked again (rebinding)."""
    answers = iter([["93.184.216.34"], ["169.254.169.254"]])
    reached: list[str] = []

    def public_first(_name: str, _port: int, _seconds: float) -> Sequence[str]:
        return next(answers)

    def stand_in(address: str, _port: int, seconds: float) -> socket.socket:
        reached.append(address)  # the public address is not called from here: our receiver answers in its place
        return connect_to("127.0.0.1", receiver.port, seconds)

    notifier = open_chat(chat(receiver, allow_private=False), resolve=public_first, connect=stand_in)
    notifier.send(NOTICE, soon())
    assert reached == ["93.184.216.34"]
    assert receiver.names == [NAME]
    error = failure_of(notifier)
    assert (error.reason, reached) == (Reason.ADDRESS_REFUSED, ["93.184.216.34"])


def test_a_name_that_leads_outside_and_inside_is_not_called_at_all() -> None:
    def both(_name: str, _port: int, _seconds: float) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.1"]

    error = failure_of(open_chat(Channel("chat", webhook="https://x.test/"), resolve=both, connect=never))
    assert error.detail == "the name leads to a private address; see allow_private"


def test_where_the_first_address_does_not_answer_the_next_one_is_tried(receiver: Receiver) -> None:
    def two(_name: str, _port: int, _seconds: float) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    open_chat(chat(receiver), resolve=two).send(NOTICE, soon())
    assert len(receiver.posts) == 1


def test_a_missing_secret_names_the_channel_and_why(receiver: Receiver) -> None:
    for channel in (chat(receiver, webhook="${env:URL}"), chat(receiver, secret="${env:KEY}")):
        error = failure_of(open_chat(channel))
        assert (error.reason, error.detail, error.retryable) == (Reason.SECRET_MISSING, "not there", False)
    assert receiver.posts == []


def test_an_unusable_key_sends_nothing_unsigned(receiver: Receiver) -> None:
    error = failure_of(open_chat(chat(receiver, secret="not-a-key")))
    assert (error.reason, error.detail) == (Reason.MALFORMED, "signing key 1 does not begin with whsec_")
    assert receiver.posts == []


def test_without_time_nothing_is_begun(receiver: Receiver) -> None:
    error = failure_of(open_chat(chat(receiver), connect=never), soon(0.1))
    assert (error.reason, error.retryable) == (Reason.DEADLINE, True)


def test_an_unknown_format_is_said_at_once() -> None:
    with pytest.raises(DeliveryError, match="chat: rejected"):
        open_notifier(Channel("chat", format="morse"), Keeper(), FixedClock())
