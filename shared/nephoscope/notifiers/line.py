"""A connection that keeps one deadline over all of its calls, and takes in no more than it should.

A socket's own timeout counts anew with each byte that arrives: a receiver that sends one byte every few seconds would
hold us for ever, and one that never ends its answer would fill our memory.
"""

from __future__ import annotations

import io
import socket
from typing import TYPE_CHECKING, Self

from nephoscope.model.time import Deadline

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

MOST_READ = 65_536
"""Bytes of an answer, headers included; what comes after them is as if it had not been sent."""


class Line:
    """What http.client needs of a socket. Raises TimeoutError from each call once the limit has passed."""

    def __init__(self, sock: socket.socket, limit: Deadline) -> None:
        self._sock = sock
        self._limit = limit
        self._left = MOST_READ

    def sendall(self, data: ReadableBuffer) -> None:
        self._set_timeout()
        self._sock.sendall(data)

    def receive_into(self, buffer: WriteableBuffer) -> int:
        """Bytes received; 0 at the end of the answer or of what we take of it."""
        view = memoryview(buffer)[: self._left]
        if not view:
            return 0
        self._set_timeout()
        received = self._sock.recv_into(view)
        self._left -= received
        return received

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def hurry(self, seconds: float) -> None:
        """From now on no more than `seconds`."""
        limit = self._limit
        self._limit = Deadline(min(limit.at, limit.monotonic() + seconds), limit.monotonic)

    def close(self) -> None:
        """Nothing: http.client lets go of its socket before the answer's body is read. Leaving the `with` closes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def _set_timeout(self) -> None:
        remaining = self._limit.remaining
        if remaining <= 0:
            raise TimeoutError("the time for this try is up")
        self._sock.settimeout(remaining)


class _Reader(io.RawIOBase):
    def __init__(self, line: Line) -> None:
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._line.receive_into(buffer)
