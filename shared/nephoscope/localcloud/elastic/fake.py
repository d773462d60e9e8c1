"""A server of history that misbehaves on request: only for what a real one will not do on demand.

It keeps documents by index and _id and answers `_bulk`, the calls of preparing, and `GET /`, as Elasticsearch does:
each item in the order of the request, 201 for a new document, 409 for an _id that is there. `faults` are taken one for
each request, in order, before it behaves; None is a request that goes well.

Source: Elasticsearch guide, "Bulk API" and "Get cluster info"; answers of Elasticsearch 8.19.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

VERSION = {"number": "8.19.20", "build_flavor": "default"}
_OVERFULL = {"type": "es_rejected_execution_exception", "reason": "rejected execution of primary operation"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done with one request. status and body: answered in place of the server's own, and nothing is stored.
    items: position -> (status, error) of those that are not stored. drop: of the answer, the last so many items.
    cut: bytes of the answer after which the connection ends; stored before. reset: the connection ends with a reset in
    place of an answer; `stores` whether what was asked is done. pause: seconds before, drip: between two bytes."""

    status: int = 0
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[int, tuple[int, Mapping[str, Any]]] = field(default_factory=dict)
    drop: int = 0
    cut: int | None = None
    reset: bool = False
    stores: bool = True
    pause: float = 0.0
    drip: float = 0.0


def refused(status: int, kind: str, reason: str, **more: Any) -> Fault:
    """The whole request, in Elasticsearch's own form."""
    error = {"type": kind, "reason": reason}
    body = {"error": {"root_cause": [error], **error}, "status": status}
    return Fault(status, json.dumps(body).encode(), **more)


def overfull(*positions: int) -> Fault:
    """These items find a full queue."""
    return Fault(items=dict.fromkeys(positions, (HTTPStatus.TOO_MANY_REQUESTS, _OVERFULL)))


@dataclass(frozen=True, slots=True)
class Asked:
    """headers: names in small letters. body: unpacked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class FakeElastic:
    """A context manager on 127.0.0.1. most: bytes of a body, unpacked, above which it answers 413. knows: what is
    asked of an Authorization header, None = anybody. old_http: HTTP/1.0, a connection for each request."""

    def __init__(
        self,
        *,
        version: Mapping[str, Any] = VERSION,
        most: int = 100_000_000,
        knows: Callable[[str], bool] | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        prefix: str = "",
        old_http: bool = False,
    ) -> None:
        self.version = version
        self.most = most
        self.knows = knows
        self.prefix = prefix
        self.faults: deque[Fault | None] = deque()
        self.always: Fault | None = None
        self.documents: dict[str, dict[str, str]] = {}
        self.asked: list[Asked] = []
        self.connections = 0
        self.lock = threading.Lock()
        self._http = _Server((host, 0), _handler(self, "HTTP/1.0" if old_http else "HTTP/1.1"))
        self._scheme = "https" if tls else "http"
        self._host = f"[{host}]" if ":" in host else host
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self._host}:{self._http.server_address[1]}{self.prefix}"

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def bulks(self) -> list[int]:
        """Documents in each request of `_bulk`, in order."""
        return [each.body.count(b"\n") // 2 for each in self.asked if each.path.endswith("/_bulk")]

    def answer(self, asked: Asked, fault: Fault) -> tuple[int, bytes]:
        if self.knows is not None and not self.knows(asked.headers.get("authorization", "")):
            reason = "unable to authenticate with provided credentials"
            return _refusal(HTTPStatus.UNAUTHORIZED, "security_exception", reason)
        if len(asked.body) > self.most:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b""
        path = asked.path.removeprefix(self.prefix)
        if path == "/":
            return HTTPStatus.OK, json.dumps({"name": "fake", "version": dict(self.version)}).encode()
        if path == "/_bulk":
            return HTTPStatus.OK, json.dumps(self._bulk(asked.body, fault)).encode()
        if path.startswith("/_index_template/_simulate_index/"):
            return HTTPStatus.OK, b'{"template": {"mappings": {"_meta": {"owner": "nephoscope"}}}}'
        return HTTPStatus.OK, b"{}"

    def _bulk(self, body: bytes, fault: Fault) -> dict[str, Any]:
        lines = body.decode().splitlines()
        items: list[dict[str, Any]] = []
        for position, (action, source) in enumerate(zip(lines[::2], lines[1::2], strict=True)):
            about = json.loads(action)["create"]
            status, error = fault.items.get(position, (0, {}))
            if not status:
                status = self._create(about["_index"], about["_id"], source)
                error = {"type": "version_conflict_engine_exception", "reason": "exists"} if status == 409 else {}
            items.append({"create": {"status": int(status), **({"error": error} if error else {})}})
        kept = items[: len(items) - fault.drop]
        return {"errors": any("error" in item["create"] for item in items), "items": kept}

    def _create(self, index: str, name: str, source: str) -> int:
        with self.lock:
            there = self.documents.setdefault(index, {})
            if name in there:
                return HTTPStatus.CONFLICT
            there[name] = source
            return HTTPStatus.CREATED

    def next_fault(self) -> Fault:
        with self.lock:
            if self.always is not None:
                return self.always
            return (self.faults.popleft() if self.faults else None) or Fault()

    def fails(self, *faults: Fault | None) -> None:
        self.faults.extend(faults)


def _refusal(status: int, kind: str, reason: str) -> tuple[int, bytes]:
    fault = refused(status, kind, reason)
    return fault.status, fault.body or b""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, *_: object) -> None:
        """A caller that goes away is what is tried here."""


def _handler(fake: FakeElastic, protocol: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = protocol

        def setup(self) -> None:
            super().setup()
            with fake.lock:
                fake.connections += 1

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what was asked is kept."""

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path.partition("?")[0], headers, body)
            fake.asked.append(asked)
            self._act(asked, fake.next_fault())

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - the base class finds them by these names

        def _act(self, asked: Asked, fault: Fault) -> None:
            time.sleep(fault.pause)
            if fault.status:
                status, answer = fault.status, fault.body or b""
            elif fault.reset and not fault.stores:
                status, answer = 0, b""
            else:
                status, answer = fake.answer(asked, fault)
                answer = answer if fault.body is None else fault.body
            if fault.reset:
                self._reset()
                return
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **fault.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self._send(answer if fault.cut is None else answer[: fault.cut], fault.drip)
            self.close_connection = self.close_connection or fault.cut is not None

        def _send(self, answer: bytes, drip: float) -> None:
            pieces: Iterable[bytes] = (answer,) if not drip else (answer[at : at + 1] for at in range(len(answer)))
            for piece in pieces:
                self.wfile.write(piece)
                time.sleep(drip)

        def _reset(self) -> None:
            """RST, not FIN: as from a machine that is gone."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

    return Handler
