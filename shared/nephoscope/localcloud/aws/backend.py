"""Passing a request on to ministack as it came, and its answer back as it comes: nothing is read, nothing changed."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nephoscope.localcloud.aws.call import Request

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
)
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is still arriving. length: of the body, None when the sender did not say."""

    status: int
    headers: tuple[tuple[str, str], ...]
    length: int | None
    response: http.client.HTTPResponse

    def chunks(self) -> Iterator[bytes]:
        while chunk := self.response.read(_CHUNK):
            yield chunk


class Backend:
    """Connections to one address, one for each thread that asks."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._own = threading.local()

    def send(self, request: Request) -> Stream:
        """Raises OSError or http.client.HTTPException when the backend is not there."""
        headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
        headers["content-length"] = str(len(request.body))
        reused = getattr(self._own, "connection", None) is not None
        target = request.path + (f"?{request.query}" if request.query else "")
        try:
            response = self._exchange(request.method, target, request.body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            if not reused:
                raise
            self.forget()  # a kept connection that the other side had closed meanwhile
            response = self._exchange(request.method, target, request.body, headers)
        kept = tuple((name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP)
        return Stream(response.status, kept, response.length, response)

    def forget(self) -> None:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection:
            connection.close()
        self._own.connection = None

    def _exchange(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=910)  # a Lambda may take 15 min
            self._own.connection = connection
        connection.putrequest(method, target, skip_host="host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        return connection.getresponse()
