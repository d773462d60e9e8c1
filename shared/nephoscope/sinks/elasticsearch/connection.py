"""One connection to the server and one exchange over it, within a time that has an end.

The standard library's client, as for webhooks: which urllib3 a runtime brings is not ours to choose. What goes wrong is
said in words of ours: an SDK's or a socket's own might quote an address.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import SplitResult

from nephoscope.model.errors import Reason
from nephoscope.model.time import Deadline

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
"""To reach the server; and for one answer, from the first byte that is sent to the last that comes."""

ANSWER_BYTES = 128_000_000
"""What a longer answer would do to a function's memory is worse than what is missed."""

_PIECE = 65_536
_PORTS = {"http": 80, "https": 443}


class AnswerError(Exception):
    """An answer that cannot be used, although one came."""


_FAILURES: tuple[tuple[type[Exception], Reason, str], ...] = (
    (TimeoutError, Reason.TIMEOUT, "no answer in time"),
    (socket.gaierror, Reason.UNAVAILABLE, "the name could not be resolved"),
    (ssl.SSLCertVerificationError, Reason.UNAVAILABLE, "its certificate is not trusted; ca: names the file of its CA"),
    (ssl.SSLEOFError, Reason.UNAVAILABLE, "the connection was cut"),
    (ssl.SSLZeroReturnError, Reason.UNAVAILABLE, "the connection was cut"),
    (ssl.SSLError, Reason.UNAVAILABLE, "TLS failed; does it speak http, not https?"),
    (ConnectionRefusedError, Reason.UNAVAILABLE, "the connection was refused"),
    (http.client.RemoteDisconnected, Reason.UNAVAILABLE, "it ended the connection without an answer"),
    (ConnectionError, Reason.UNAVAILABLE, "the connection was cut"),
    (http.client.IncompleteRead, Reason.UNAVAILABLE, "the answer was cut off"),
    (http.client.HTTPException, Reason.MALFORMED, "the answer is not HTTP; does it speak https, not http?"),
    (AnswerError, Reason.MALFORMED, "the answer is too long, or not packed as it says"),
    (OSError, Reason.UNAVAILABLE, "no connection"),
)
FAILURES = (OSError, http.client.HTTPException, AnswerError)


def failure_of(error: Exception) -> tuple[Reason, str]:
    """One of FAILURES in our words."""
    return next((reason, detail) for kind, reason, detail in _FAILURES if isinstance(error, kind))


class Answer(NamedTuple):
    """retry_after: seconds that the server asks to wait; None where it says nothing. received: bytes as they came."""

    status: int
    body: bytes
    retry_after: float | None = None
    received: int = 0


class Connection:
    """Not safe for several threads at once. Nothing is opened before the first exchange."""

    def __init__(self, url: SplitResult, ca: str) -> None:
        """ca: the text of a PEM file; empty for the machine's own authorities."""
        self._url = url
        self._ca = ca
        self._context: ssl.SSLContext | None = None
        self._open: http.client.HTTPConnection | None = None

    @property
    def is_open(self) -> bool:
        return self._open is not None

    def close(self) -> None:
        """The next exchange opens another."""
        connection, self._open = self._open, None
        if connection is not None:
            connection.close()

    def exchange(self, method: str, target: str, data: bytes, headers: Mapping[str, str], deadline: Deadline) -> Answer:
        """Raises one of FAILURES; the connection is closed then."""
        try:
            now = deadline.monotonic()
            patient = Deadline(min(deadline.at, now + ANSWER_SECONDS), deadline.monotonic)
            return self._exchange(method, target, data, headers, patient)
        except FAILURES:
            self.close()
            raise

    def _exchange(
        self, method: str, target: str, data: bytes, headers: Mapping[str, str], deadline: Deadline
    ) -> Answer:
        connection = self._opened(deadline)
        sock = connection.sock  # an answer that ends the connection takes it from `connection` while it is read
        sock.settimeout(_patience(deadline))
        try:
            connection.request(method, target, data or None, dict(headers))
        except ConnectionError as error:  # a server that refuses a body need not read it: it may have said why
            with suppress(*FAILURES):
                return self._answer(connection, sock, deadline)
            raise error
        return self._answer(connection, sock, deadline)

    def _answer(self, connection: http.client.HTTPConnection, sock: socket.socket, deadline: Deadline) -> Answer:
        sock.settimeout(_patience(deadline))
        response = connection.getresponse()
        expected = response.length  # None where its end is that of the chunks, or of the connection
        pieces: list[bytes] = []
        received = 0
        while received != expected and (piece := response.read1(_PIECE)):
            pieces.append(piece)
            received += len(piece)
            if received > ANSWER_BYTES:
                raise AnswerError
            if not response.isclosed():
                sock.settimeout(_patience(deadline))
        if expected is not None and received < expected:
            raise http.client.IncompleteRead(b"", expected - received)
        response.close()
        body = _unpacked(b"".join(pieces)) if response.headers.get("Content-Encoding") == "gzip" else b"".join(pieces)
        if response.will_close:
            self.close()
        return Answer(response.status, body, _seconds(response.headers.get("Retry-After")), received)

    def _opened(self, deadline: Deadline) -> http.client.HTTPConnection:
        if self._open is None:
            connection = self._made(min(CONNECT_SECONDS, _patience(deadline)))
            connection.connect()
            self._open = connection
        return self._open

    def _made(self, patience: float) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port or _PORTS[self._url.scheme]
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=patience)
        if self._context is None:
            self._context = ssl.create_default_context(cadata=self._ca or None)
        return http.client.HTTPSConnection(host, port, timeout=patience, context=self._context)


def _patience(deadline: Deadline) -> float:
    """Raises TimeoutError where none is left: a socket would take 0 for "do not wait"."""
    if deadline.remaining <= 0:
        raise TimeoutError
    return deadline.remaining


def _unpacked(data: bytes) -> bytes:
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        body = unpacking.decompress(data, ANSWER_BYTES)
    except zlib.error as error:
        raise AnswerError from error
    if not unpacking.eof:
        raise AnswerError
    return body


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; its other form, a date, is not used by these servers."""
    return float(text) if text and text.isascii() and text.isdigit() else None
