"""HTTP around the front: one server with TLS for everything that has a token, one without for the managed identity."""

from __future__ import annotations

import gzip
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import unquote

from nephoscope.localcloud.aws.call import Answer, Request

_WORTH_ZIPPING = 1_000
HANDSHAKE = 10.0


class CutError(Exception):
    """The connection is to end without an answer."""


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1 as soon as it is made; answers once `serve` has been called. answer: raises CutError.
    context: of TLS; None = plain http."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, answer: Callable[[Request], Answer], *, port: int = 0, context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer
        self._context = context
        self._thread: threading.Thread | None = None
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.server_address[1]}"

    def serve(self) -> None:
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True, name="local-azure")
        self._thread.start()

    def stop(self) -> None:
        """No more answers: kept connections are closed, too."""
        if self._thread:
            self.shutdown()
            self._thread.join()
        self.server_close()
        for connection in tuple(self._open):
            _end(connection)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The handshake is made here, in the request's own thread: a slow client keeps nobody waiting."""
        self._open.add(request)
        try:
            if self._context:
                request.settimeout(HANDSHAKE)
                secured = self._context.wrap_socket(request, server_side=True)
                self._open.discard(request)
                self._open.add(secured)
                secured.settimeout(None)
                request = secured
        except OSError:  # a client that does not trust us, or speaks no TLS: it has been told so by TLS itself
            self.shutdown_request(request)
            return
        super().process_request_thread(request, client_address)

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
            answer = cast(Server, self.server).answer(request)
        except CutError:
            self.close_connection = True
            return
        self._send(answer, request)
        self.wfile.flush()

    def _request(self) -> Request:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        return Request(self.command, unquote(path), query, headers, body)

    def _send(self, answer: Answer, request: Request) -> None:
        body, headers = answer.body, dict(answer.headers)
        if len(body) > _WORTH_ZIPPING and "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        self.send_response_only(answer.status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if request.method != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The ledger says it better."""
