"""Passing a request on to ministack as it came, and its answer back as it comes: nothing is read, nothing changed."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator

from nephoscope.localcloud.aws.call import Request

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
)
_CHUNK = 65_536


class Stream:
    """An answer that is still arriving. length: of the body, None when the sender did not say. It must be read to its
    end, or closed: then its connection serves another request, or ends."""

    def __init__(self, response: http.client.HTTPResponse, done: Callable[[], None]) -> None:
        kept = ((name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP)
        self.status = response.status
        self.headers = tuple(kept)
        self.length = response.length
        self._response = response
        self._done = done

    def chunks(self) -> Iterator[bytes]:
        try:
            while chunk := self._response.read(_CHUNK):
                yield chunk
        finally:
            self.close()

    def close(self) -> None:
        self._done()


class Backend:
    """Connections to one address on this machine: kept while idle, each used by one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._closed = False

    def send(self, request: Request) -> Stream:
        """Raises OSError or http.client.HTTPException when the backend is not there."""
        connection, reused = self._connection()
        try:
            response = _exchange(connection, request)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            connection.close()
            if not reused:
                raise
            connection = self._new()  # a kept connection that the other side had closed meanwhile
            response = _exchange(connection, request)
        return Stream(response, lambda: self._give_back(connection, response))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            if self._idle:
                return self._idle.pop(), True
        return self._new(), False

    def _new(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=910)  # a Lambda may take 15 minutes

    def _give_back(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        whole = response.isclosed() or response.length == 0
        response.close()
        with self._lock:
            if whole and not self._closed:
                self._idle.append(connection)
                return
        connection.close()


def _exchange(connection: http.client.HTTPConnection, request: Request) -> http.client.HTTPResponse:
    """Closes the connection when it fails."""
    headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
    headers["content-length"] = str(len(request.body))
    target = request.path + (f"?{request.query}" if request.query else "")
    try:
        connection.putrequest(request.method, target, skip_host="host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(request.body or None)
        return connection.getresponse()
    except BaseException:
        connection.close()
        raise
