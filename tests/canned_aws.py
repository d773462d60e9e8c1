"""A local AWS that answers canned bytes: what a test puts in is what goes over the wire, and every request is kept.

The real clients talk to it over real HTTP (AWS_ENDPOINT_URL). It understands just enough of a request to know which
operation it is; everything else is in the answers.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

XML, JSON = "text/xml;charset=UTF-8", "application/x-amz-json-1.0"
EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


@dataclass(frozen=True)
class Request:
    """One request. parameters: the JSON body, or the form's fields (single values). region: of the signature."""

    operation: str
    parameters: Mapping[str, Any]
    region: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    body: bytes
    status: int = 200
    content_type: str = XML
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang_up: bool = False  # close the connection instead of answering


Answerer = Callable[[Request], Reply]


def json_reply(body: object, status: int = 200, **more: Any) -> Reply:
    return Reply(json.dumps(body).encode(), status, JSON, **more)


def json_error(code: str, status: int = 400, message: str = "told so by the test", **more: Any) -> Reply:
    """As CloudWatch says no."""
    return json_reply({"__type": f"com.amazonaws.cloudwatch#{code}", "message": message}, status, **more)


def ec2_reply(operation: str, inner: str, **more: Any) -> Reply:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{operation}Response xmlns="{EC2_NAMESPACE}">'
    return Reply(f"{text}<requestId>r</requestId>{inner}</{operation}Response>".encode(), **more)


def ec2_error(code: str, status: int = 400, message: str = "told so by the test") -> Reply:
    """As EC2 says no."""
    inner = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>r</RequestID>"
    return Reply(f"<Response>{inner}</Response>".encode(), status)


def sts_reply(operation: str, inner: str) -> Reply:
    return Reply(
        f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<{operation}Result>{inner}</{operation}Result></{operation}Response>".encode()
    )


def sts_error(code: str, status: int = 403) -> Reply:
    inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>told so by the test</Message></Error>"
    return Reply(
        f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{inner}</ErrorResponse>'.encode(), status
    )


def assumed(operation: str = "AssumeRole", key: str = "ASIAASSUMED") -> Reply:
    """Credentials for an hour."""
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    keys = f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    return sts_reply(operation, f"<Credentials>{keys}<Expiration>{until}</Expiration></Credentials>")


def points(request: Request, **values: list[tuple[int, float]]) -> Reply:
    """A whole answer to GetMetricData: each query gets its points; those that are not named get none."""
    results = [
        {
            "Id": query["Id"],
            "Label": query["Id"],
            "Timestamps": [at for at, _ in values.get(query["Id"], [])],
            "Values": [value for _, value in values.get(query["Id"], [])],
            "StatusCode": "Complete",
        }
        for query in request.parameters["MetricDataQueries"]
    ]
    return json_reply({"MetricDataResults": results, "Messages": []})


class CannedAws:
    """A context manager. answer(operation, reply or function, ...): in this order, the last one again and again."""

    def __init__(self, *, zipped: bool = False) -> None:
        self.requests: list[Request] = []
        self._zipped = zipped
        self._answers: dict[str, list[Reply | Answerer]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, operation: str, *replies: Reply | Answerer) -> None:
        self._answers[operation] = list(replies)

    def asked(self, operation: str) -> list[Request]:
        with self._lock:
            return [request for request in self.requests if request.operation == operation]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reply_to(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            replies = self._answers.get(request.operation)
            if not replies:
                return Reply(b"nobody put an answer here", 501, "text/plain")
            chosen = replies.pop(0) if len(replies) > 1 else replies[0]
        return chosen(request) if callable(chosen) else chosen

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        canned = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def log_message(self, *_: Any) -> None:
                """Silent."""

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                reply = canned.reply_to(_request(self.path, dict(self.headers.items()), body))
                time.sleep(reply.delay)
                if reply.hang_up:
                    self.close_connection = True
                    return
                zipped = canned._zipped and "gzip" in self.headers.get("accept-encoding", "")
                self._send(reply, gzip.compress(reply.body, 1) if zipped else reply.body, zipped=zipped)

            def _send(self, reply: Reply, body: bytes, *, zipped: bool) -> None:
                self.send_response(reply.status)
                self.send_header("content-type", reply.content_type)
                self.send_header("content-length", str(len(body)))
                for name, value in {**reply.headers, **({"content-encoding": "gzip"} if zipped else {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()

        return Handler


def _request(path: str, headers: Mapping[str, str], body: bytes) -> Request:
    lower = {name.lower(): value for name, value in headers.items()}
    scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/", lower.get("authorization", ""))
    region = scope[2] if scope else ""
    if "x-amz-target" in lower:
        return Request(lower["x-amz-target"].rpartition(".")[2], json.loads(body or b"{}"), region, lower)
    if body:
        form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        return Request(form.get("Action", ""), form, region, lower)
    query = {name: values[0] for name, values in parse_qs(path.partition("?")[2], keep_blank_values=True).items()}
    return Request("ListBuckets", query, region, lower)
