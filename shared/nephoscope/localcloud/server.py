"""HTTP around a local cloud: threads, TLS where wanted, kept connections, bodies of any size, answers that are zipped
where the client can read them, or stream."""

from __future__ import annotations

import gzip
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from nephoscope.localcloud.exchange import Answer, CutError, Request, Stream

HANDSHAKE = 10.0
"""Seconds that a client has for TLS's."""

_WORTH_ZIPPING = 1_000

Serve = Callable[[Request], Answer | Stream]


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1 as soon as it is made; answers once `start` has been called.

    port: 0 = any that is free. context: of TLS; None = plain http. Raises OSError when the port is taken.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.serve: Serve
        self._context = context
        self._thread: threading.Thread | None = None
        self._open: set[socket.socket] = set()

    @property
    def host(self) -> str:
        """127.0.0.1:port."""
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://{self.host}"

    def start(self, serve: Serve) -> None:
        """serve: answers a request; raises CutError where the connection is to end."""
        self.serve = serve
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True, name=self.host)
        self._thread.start()

    def stop(self) -> None:
        """No more answers: kept connections are closed, too."""
        if self._thread:
            self.shutdown()
            self._thread.join()
        self.server_close()
        for connection in tuple(self._open):
            _end(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The handshake is made here, in the request's own thread: a slow client keeps nobody waiting."""
        if self._context:
            try:
                request = self._secured(request, self._context)
            except OSError:  # a client that does not trust us, or speaks no TLS: it has been told so by TLS itself
                self.shutdown_request(request)
                return
        super().process_request_thread(request, client_address)

    def _secured(self, request: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        request.settimeout(HANDSHAKE)
        secured = context.wrap_socket(request, server_side=True)
        self._open.discard(request)
        self._open.add(secured)
        secured.settimeout(None)
        return secured

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news here; anything else is a fault of ours and is shown."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)


def _end(connection: socket.socket) -> None:
    """At once. One that has ended already is fine."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_one_request(self) -> None:
        """Every method alike. Source: http.server, whose own version looks for do_GET and its sisters."""
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        request = self._request()
        try:
            answer = cast(Server, self.server).serve(request)
        except CutError:
            self.close_connection = True
            return
        self._send(answer, request)
        self.wfile.flush()

    def _request(self) -> Request:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, path, query, headers, self._body(headers))

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunked()
        return self.rfile.read(int(headers.get("content-length", 0)))

    def _chunked(self) -> bytes:
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return bytes(body)

    def _send(self, answer: Answer | Stream, request: Request) -> None:
        if not isinstance(answer, Answer):
            self._send_stream(answer, request)
            return
        body, headers = answer.body, dict(answer.headers)
        if len(body) > _WORTH_ZIPPING and "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        self._head(answer.status, {**headers, "Content-Length": str(len(body))}.items())
        if request.method != "HEAD":
            self.wfile.write(body)

    def _send_stream(self, answer: Stream, request: Request) -> None:
        bodiless = request.method == "HEAD" or answer.status in (204, 304)
        if bodiless or answer.length is not None:
            self._head(answer.status, answer.headers)
            for chunk in answer.chunks():
                self.wfile.write(chunk)
            return
        self._head(answer.status, [*answer.headers, ("Transfer-Encoding", "chunked")])
        for chunk in answer.chunks():
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """The ledger says it better."""
