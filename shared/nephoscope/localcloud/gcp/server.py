"""HTTP around it: threads, kept connections, answers that are zipped where the client can read them."""

from __future__ import annotations

import gzip
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from nephoscope.localcloud.gcp.call import Answer, CutError
from nephoscope.localcloud.gcp.rest import Rest

_WORTH_ZIPPING = 1_000


class RestServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1 as soon as it is made; answers once `start` has been called."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, rest: Rest, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.rest = rest
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True, name="local-gcp")
        self._open: set[socket.socket] = set()

    @property
    def host(self) -> str:
        """127.0.0.1:port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No more answers: kept connections are closed, too."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        for connection in tuple(self._open):
            _end(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news here; anything else is a fault of ours and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
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
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            answer = cast(RestServer, self.server).rest.answer(self.command, self.path, headers, body)
        except CutError:
            self.close_connection = True
            return
        self._send(answer, zipped="gzip" in headers.get("accept-encoding", ""))
        self.wfile.flush()

    def _send(self, answer: Answer, *, zipped: bool) -> None:
        body, headers = answer.body, dict(answer.headers)
        if zipped and len(body) > _WORTH_ZIPPING:
            body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        self.send_response_only(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The ledger says it better."""
