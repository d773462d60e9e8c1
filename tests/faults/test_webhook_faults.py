"""Receivers that are slow, cut, rude or endless: each costs its own try and no more, and says so with a reason."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from nephoscope.model.alert import Notification, Subject, TransitionKind, Why
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.secret import Secret
from nephoscope.model.time import Deadline
from nephoscope.notifiers import endpoint
from nephoscope.notifiers.line import MOST_READ, Line
from nephoscope.notifiers.webhook import Webhook, open_notifier

Script = Callable[[socket.socket], None]

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
    subject=Subject("aws", "111111111111", "eu-west-1", Kind.INSTANCE, "i-0abc"),
    condition="cpu.utilization > 90 %",
    at=1_795_464_300,
)


class SystemClock:
    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class OwnValue:
    def read_secret(self, reference: str) -> Secret:
        return Secret(reference)


def read_request(connection: socket.socket) -> None:
    """All of it: a connection that is closed with something unread is reset, and the answer may be lost with it."""
    with connection.makefile("rb") as request:
        length = 0
        while (line := request.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        request.read(length)


def read_something(connection: socket.socket) -> None:
    connection.recv(65_536)


@contextmanager
def receiver(script: Script, read: Script = read_request) -> Iterator[int]:
    """A TCP server on 127.0.0.1: it reads a request, or what comes in its place, then behaves as the script says; a
    thread a connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            read(connection)
            script(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=one, args=(listener.accept()[0],), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join(timeout=5)


def to(port: int, scheme: str = "http") -> Webhook:
    channel = Channel("chat", webhook=f"{scheme}://127.0.0.1:{port}/hook", allow_http=True, allow_private=True)
    return open_notifier(channel, OwnValue(), SystemClock())


def soon(seconds: float) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def failure_of(notifier: Webhook, seconds: float = 3.0) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        notifier.send(NOTICE, soon(seconds))
    assert caught.value.__context__ is None, "a foreign exception stands behind ours"
    return caught.value


def wait(connection: socket.socket) -> None:
    """Until the sender hangs up."""
    while connection.recv(65_536):
        pass


def drip(head: bytes, each: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(each)
            time.sleep(0.05)

    return script


def say(text: bytes) -> Script:
    return lambda connection: connection.sendall(text)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    "script",
    [wait, drip(b"", b"H"), drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")],
    ids=["never answers", "a byte at a time", "a header at a time"],
)
def test_a_slow_receiver_costs_what_the_deadline_leaves(script: Script) -> None:
    with receiver(script) as port:
        began = time.monotonic()
        error = failure_of(to(port), seconds=0.7)
        took = time.monotonic() - began
    assert (error.reason, error.retryable) == (Reason.TIMEOUT, True)
    assert 0.5 < took < 1.5


def test_a_handshake_that_never_ends_costs_no_more() -> None:
    with receiver(wait) as port:
        began = time.monotonic()
        error = failure_of(to(port, "https"), seconds=0.7)
    assert (error.reason, error.retryable) == (Reason.TIMEOUT, True)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    ("script", "reason", "detail"),
    [
        (reset, Reason.UNAVAILABLE, "the connection was cut"),
        (lambda _connection: None, Reason.UNAVAILABLE, "the connection was cut"),
        (say(b"SSH-2.0-CANARY\r\n"), Reason.MALFORMED, "the answer is not HTTP"),
        (say(b"HTTP/1.1 CANARY\r\n\r\n"), Reason.MALFORMED, "the answer is not HTTP"),
        (say(b"HTTP/1.1 099 CANARY\r\n\r\n"), Reason.MALFORMED, "the answer is not HTTP"),
        (say(b"HTTP/1.1 999 CANARY\r\n\r\n"), Reason.MALFORMED, "status 999"),
        (say(b"HTTP/1.1 101 Switching\r\n\r\n"), Reason.MALFORMED, "status 101"),
        (say(b"HTTP/1.1 200 OK\r\n" + b"X: CANARY\r\n" * 200), Reason.MALFORMED, "the answer is not HTTP"),
    ],
)
def test_a_broken_answer_is_worth_another_try_and_is_never_repeated(
    script: Script, reason: Reason, detail: str
) -> None:
    with receiver(script) as port:
        error = failure_of(to(port))
    assert (error.reason, error.detail, error.retryable) == (reason, detail, True)
    assert "CANARY" not in repr(vars(error)) + str(error)


def test_plain_text_where_tls_was_due() -> None:
    with receiver(say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), read=read_something) as port:
        error = failure_of(to(port, "https"))
    assert (error.reason, error.detail, error.retryable) == (Reason.UNAVAILABLE, "TLS failed", True)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    error = failure_of(to(port))
    assert (error.reason, error.detail, error.retryable) == (Reason.UNAVAILABLE, "the connection was refused", True)


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 10000000\r\n\r\n" + b"x" * 1_000_000,
        b"Content-Length: 10\r\n\r\nshort",
        b"Transfer-Encoding: chunked\r\n\r\nnot a chunk",
        b"\r\n",
        b"X: " + b"y" * 65_000 + b"\r\n" + b"Z: " + b"y" * 65_000,
    ],
    ids=["ten megabytes", "cut", "bad chunks", "open end", "endless headers"],
)
def test_once_taken_it_is_taken_whatever_follows(rest: bytes) -> None:
    with receiver(say(b"HTTP/1.1 200 OK\r\n" + rest)) as port:
        began = time.monotonic()
        to(port).send(NOTICE, soon(3))
        assert time.monotonic() - began < 1


def test_an_endless_body_is_left_after_a_second() -> None:
    with receiver(drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x")) as port:
        began = time.monotonic()
        to(port).send(NOTICE, soon(10))
        assert 0.9 < time.monotonic() - began < 2


def test_no_more_than_64_kb_of_an_answer_are_taken_in() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        sender = threading.Thread(target=_flood, args=(theirs, 10_000_000), daemon=True)
        sender.start()
        with Line(ours, soon(5)) as line, line.makefile("rb") as reader:
            assert len(reader.read()) == MOST_READ == 65_536
        sender.join(timeout=5)
        assert not sender.is_alive()


def _flood(connection: socket.socket, size: int) -> None:
    with suppress(OSError):
        connection.sendall(bytes(size))


def test_a_resolver_that_hangs_costs_what_the_deadline_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    def hang(*_: object, **__: object) -> Sequence[object]:
        let_go.wait(5)
        return []

    monkeypatch.setattr(endpoint.socket, "getaddrinfo", hang)
    began = time.monotonic()
    error = failure_of(to(9), seconds=0.6)
    let_go.set()
    assert (error.reason, error.retryable) == (Reason.TIMEOUT, True)
    assert time.monotonic() - began < 1.5


def unknown(*_: object, **__: object) -> Sequence[object]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("name", ["no-such-name.invalid", "a..b", "x" * 64 + ".invalid"])
def test_a_name_that_nobody_knows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "no-such-name.invalid":  # the other two are refused before any resolver is asked
        monkeypatch.setattr(endpoint.socket, "getaddrinfo", unknown)
    channel = Channel("chat", webhook=f"https://{name}/CANARY")
    error = failure_of(open_notifier(channel, OwnValue(), SystemClock()))
    assert (error.reason, error.detail, error.retryable) == (
        Reason.UNAVAILABLE,
        "the name could not be resolved",
        True,
    )
