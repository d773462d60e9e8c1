"""A local Azure that answers canned bytes over TLS: what a test puts in is what goes over the wire, and every request
is kept. Microsoft's real clients talk to it; it understands only the path of a request. Signing in is left out."""

from __future__ import annotations

import json
import ssl
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import trustme
from azure.core.credentials import AccessToken

GRAPH = "/providers/Microsoft.ResourceGraph/resources"
BATCH = "metrics:getBatch"


@dataclass(frozen=True)
class Reply:
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: Any, status: int = 200, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(json.dumps(answer).encode(), status, named)


def refusal(status: int, code: str, *details: str, **headers: str) -> Reply:
    inner = [{"code": each, "message": f"{each}."} for each in details]
    return Reply.of({"error": {"code": code, "message": f"{code}.", "details": inner}}, status, **headers)


@dataclass(frozen=True)
class Asked:
    path: str
    parameters: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]


class SignedIn:
    """A credential that has a token without asking anybody."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(f"token for {scopes[0]}", 4_000_000_000)


class CannedAzure:
    """Replies are given in order for each end of a path, the last one again and again; a function chooses by the
    request."""

    def __init__(self) -> None:
        self._replies: dict[str, list[Any]] = {}
        self._asked: list[Asked] = []
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="canned-azure-")
        authority = trustme.CA()
        self.certificates = str(Path(self._folder.name, "ca.pem"))
        authority.cert_pem.write_to_path(self.certificates)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()

    def answer(self, path_end: str, *replies: Any) -> None:
        self._replies[path_end] = list(replies)

    def asked(self, path_end: str) -> list[Asked]:
        return [each for each in self._asked if each.path.endswith(path_end)]

    def reply(self, asked: Asked) -> Reply:
        with self._lock:
            self._asked.append(asked)
            for end, replies in self._replies.items():
                if asked.path.endswith(end):
                    reply = replies.pop(0) if len(replies) > 1 else replies[0]
                    return reply(asked) if callable(reply) else reply
        return refusal(404, "NotFound")


def _handler(azure: CannedAzure) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = azure.reply(Asked(parts.path, dict(parse_qsl(parts.query)), json.loads(body or b"null"), headers))
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
