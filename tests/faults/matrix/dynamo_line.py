"""What lies between the real DynamoDB client and the local AWS: a proxy that says no, loses answers, or takes too long.

A fault is taken from the script for each call of a kind that is scripted; without one the call goes through. Refusals
are DynamoDB's own, byte for byte as its JSON protocol has them.
Source: Amazon DynamoDB API reference, "Common Errors" and TransactWriteItems, CancellationReasons ("If the cancellation
reason is not related to an item, the code is None and the message is null"); developer guide, "Error handling".
"""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config as BotoConfig

from nephoscope.ports import Table
from nephoscope.stores import dynamodb

READ_SECONDS = 1.0
"""The client's patience in these tests; the product's own is four seconds."""

_JSON = "application/x-amz-json-1.0"
_PREFIX = "com.amazonaws.dynamodb.v20120810#"


@dataclass(frozen=True)
class Fault:
    """One call that goes wrong. applied: it was done all the same. Then it is refused (code), or cut off without an
    answer, or held until the client has lost patience. reasons: of a cancelled transaction, one for each write; a
    reason that is there stands for the first write, and so on, the rest is innocent."""

    code: str = ""
    status: int = 400
    applied: bool = False
    hang: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def unsure(self) -> bool:
        return not self.code or self.status >= 500


THROTTLED = Fault("ProvisionedThroughputExceededException")
CUT = Fault()
LOST = Fault(applied=True)
HUNG = Fault(applied=True, hang=True)
INTERNAL = Fault("InternalServerError", 500)
INTERNAL_APPLIED = Fault("InternalServerError", 500, applied=True)
UNAVAILABLE = Fault("ServiceUnavailable", 503)
DENIED = Fault("AccessDeniedException")


def cancelled(*reasons: str) -> Fault:
    return Fault("TransactionCanceledException", reasons=reasons)


@dataclass
class Line:
    """table: opened through the line. script: what becomes of the next calls of the kinds in `kinds` (operations; empty
    = all); None lets one through. hits: faults that were met. beyond: the proxy's own connections."""

    table: Table
    script: deque[Fault | None] = field(default_factory=deque)
    kinds: frozenset[str] = frozenset()
    hits: list[tuple[str, Fault]] = field(default_factory=list)
    beyond: list[http.client.HTTPConnection] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, faults: Iterator[Fault | None] | list[Fault | None], *kinds: str) -> None:
        with self.lock:
            self.script, self.kinds = deque(faults), frozenset(kinds)
            self.hits.clear()

    def next(self, operation: str) -> Fault | None:
        with self.lock:
            if not self.script or (self.kinds and operation not in self.kinds):
                return None
            fault = self.script.popleft()
            if fault is not None:
                self.hits.append((operation, fault))
            return fault


@contextmanager
def line_to(url: str, environment: Mapping[str, str]) -> Iterator[Line]:
    """A line to the DynamoDB at `url`, with a table of its own beyond it. The client is the product's in all but its
    patience, and the pauses between its tries are shortened."""
    line = Line(table=None)  # type: ignore[arg-type]
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(line, url))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    name = f"matrix-{uuid.uuid4().hex[:8]}"
    with closing(_client(url, environment, 10.0)) as patient:
        dynamodb.create_table(patient, name)
    client = _client(f"http://127.0.0.1:{server.server_address[1]}", environment, READ_SECONDS)
    line.table = dynamodb.DynamoTable(name, client, sleep=lambda _seconds: None)
    try:
        yield line
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        thread.join()
        for connection in line.beyond:
            connection.close()


def _client(url: str, environment: Mapping[str, str], patience: float) -> Any:
    config = BotoConfig(connect_timeout=2, read_timeout=patience, retries={"total_max_attempts": 1})
    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name="eu-central-1"
    )
    return session.client("dynamodb", endpoint_url=url, config=config)


def refusal(fault: Fault, request: Mapping[str, Any]) -> bytes:
    """The body as DynamoDB writes it; of a cancelled transaction with a reason for each of its writes."""
    body: dict[str, Any] = {"__type": _PREFIX + fault.code, "message": "told so by the test"}
    if fault.reasons:
        count = len(request.get("TransactItems", ()))
        codes = [*fault.reasons, *["None"] * count][:count]
        body = {
            "__type": _PREFIX + fault.code,
            "Message": f"Transaction cancelled, please refer cancellation reasons for specific reasons {codes}",
            "CancellationReasons": [
                {"Code": code} if code == "None" else {"Code": code, "Message": "told so by the test"} for code in codes
            ],
        }
    return json.dumps(body).encode()


def _handler(line: Line, url: str) -> type[BaseHTTPRequestHandler]:
    beyond = urlsplit(url)
    local = threading.local()

    def forward(headers: Mapping[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """One connection for each thread of the proxy; a stale one is opened anew."""
        for again in (True, False):
            connection = getattr(local, "connection", None)
            if connection is None:
                connection = http.client.HTTPConnection(beyond.hostname or "", beyond.port, timeout=30)
                local.connection = connection
                line.beyond.append(connection)
            try:
                connection.request("POST", "/", body, dict(headers))
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            except (http.client.HTTPException, OSError):
                connection.close()
                local.connection = None
                if not again:
                    raise
        raise AssertionError("unreachable")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def log_message(self, *_: Any) -> None:
            """Silent."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            operation = self.headers.get("x-amz-target", "").rpartition(".")[2]
            fault = line.next(operation)
            if fault is None:
                self._say(*forward(headers, body))
                return
            if fault.applied:
                forward(headers, body)
            if fault.hang:
                time.sleep(READ_SECONDS * 1.5)
            if not fault.code:
                self.close_connection = True
                return
            self._say(fault.status, [("content-type", _JSON)], refusal(fault, json.loads(body)))

        def _say(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() in ("content-type", "x-amz-crc32", "x-amzn-requestid"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

    return Handler
