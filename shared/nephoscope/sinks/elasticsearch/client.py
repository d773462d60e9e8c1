"""Asking the server: Elasticsearch 8 and 9, OpenSearch 2 and 3.

Elastic's own client refuses OpenSearch, each OpenSearch client Elastic, and each major release the next but one; what
is used here (_bulk, _search, index templates) all of them understand alike. No URL is ever in an error: the host is,
and a path of our own.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from nephoscope import __version__
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.time import Deadline
from nephoscope.ports import SecretReader
from nephoscope.sinks.elasticsearch.connection import FAILURES, LET_GO, Answer, Connection, failure_of
from nephoscope.sinks.elasticsearch.errors import error_in, reason_of
from nephoscope.sinks.elasticsearch.product import Server, Traffic, find_server

LEAST_SECONDS = 0.2
"""What must be left for a call to begin."""

JSON, NDJSON = "application/json", "application/x-ndjson"
_SUCCESS = range(200, 300)


class Client:
    """Safe to use from several threads: each has a connection of its own. No call is made and no secret read before the
    first request."""

    def __init__(self, where: PublishElasticsearch, secrets: SecretReader) -> None:
        self._where = where
        self._secrets = secrets
        self._local = threading.local()
        self._lock = threading.Lock()
        self._server: Server | None = None
        self.traffic = Traffic()

    @property
    def name(self) -> str:
        """Safe to print: the host, never an URL's user or path."""
        return f"Elasticsearch at {_host(self._where.url)}"

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        deadline: Deadline,
        missing_ok: bool = False,
        **params: str,
    ) -> Any:
        """JSON out of one exchange. missing_ok: None where there is none (404). Raises DeliveryError."""
        data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        answer = self.exchange(method, path, data, JSON, deadline=deadline, **params)
        if answer.status == HTTPStatus.NOT_FOUND and missing_ok:
            return None
        self.check(answer, f"{method} {path}")
        try:
            return json.loads(answer.body) if answer.body else {}
        except ValueError as error:
            raise self.error(Reason.MALFORMED, f"{method} {path}: the answer is no JSON") from error

    def check(self, answer: Answer, what: str) -> None:
        """Raises DeliveryError for what is no success."""
        if answer.status in _SUCCESS:
            return
        kind, sentence = error_in(answer.body)
        if not sentence and answer.status == HTTPStatus.UNAUTHORIZED:
            sentence = self._stranger()
        raise DeliveryError(
            destination=self.name,
            reason=reason_of(answer.status, kind),
            detail=f"{what}: {sentence or f'status {answer.status}'}",
            status=answer.status,
            retry_after=answer.retry_after,
        )

    def exchange(
        self,
        method: str,
        path: str,
        data: bytes,
        content_type: str,
        *,
        deadline: Deadline,
        encoding: str = "",
        **params: str,
    ) -> Answer:
        """Whatever is answered. A connection that the server has let go of meanwhile is opened anew, once. Raises
        DeliveryError where no answer came."""
        target, headers = self._target(path, params), self._headers(data, content_type, encoding)
        failure: tuple[Reason, str] = (Reason.DEADLINE, "no time left to ask")
        for fresh in (False, True):
            if deadline.remaining < LEAST_SECONDS:
                break
            connection = self._connection()
            held = connection.is_open
            try:
                answer = connection.exchange(method, target, data, headers, deadline)
            except FAILURES as error:
                failure = failure_of(error, connection.scheme)
                if fresh or not held or not isinstance(error, LET_GO):
                    break
            else:
                self._count(data, answer)
                return answer
        raise self.error(*failure)

    def _count(self, data: bytes, answer: Answer) -> None:
        with self._lock:
            self.traffic.requests += 1
            self.traffic.sent += len(data)
            self.traffic.received += answer.received

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = Connection(self._url(), self._where.ca)
        return connection

    def close(self) -> None:
        """This thread's connection; the next request opens another, and reads the address anew."""
        connection: Connection | None = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.close()

    def server(self, deadline: Deadline) -> Server:
        """What answers, asked once. Raises DeliveryError, also for a release that is not supported."""
        if self._server is None:
            self._server = find_server(self, deadline)
        return self._server

    def error(self, reason: Reason, detail: str) -> DeliveryError:
        return DeliveryError(destination=self.name, reason=reason, detail=detail)

    def _url(self) -> SplitResult:
        """Raises DeliveryError; it never quotes what it read."""
        try:
            url = urlsplit(self._read(self._where.url).strip())
            well = url.scheme in ("http", "https") and url.hostname and "@" not in url.netloc and url.port != 0
            (url.hostname or "").encode("idna")
        except ValueError:  # its own text would quote it
            well = False
        if not well:
            raise self.error(Reason.REJECTED, "its url is no http(s)://HOST:PORT without a user")
        return url

    def _target(self, path: str, params: Mapping[str, str]) -> str:
        base = quote(self._url().path.rstrip("/"), safe="/%")
        query = f"?{urlencode(params)}" if params else ""
        return f"{base}{quote(path, safe='/_-.*,')}{query}"

    def _headers(self, data: bytes, content_type: str, encoding: str) -> dict[str, str]:
        headers = {"Accept": JSON, "Accept-Encoding": "gzip", "User-Agent": f"nephoscope/{__version__}"}
        if data:
            headers["Content-Type"] = content_type
        if encoding:
            headers["Content-Encoding"] = encoding
        return headers | self._authorization()

    def _authorization(self) -> dict[str, str]:
        """An API key may be written as it is shown (`id:key`) or as it is sent (base64 of that)."""
        where = self._where
        if where.api_key:
            key = self._read(where.api_key).strip()
            if not key.isascii() or not key.isprintable() or " " in key:
                raise self.error(Reason.SECRET_MISSING, f"{where.api_key} is no API key")
            return {"Authorization": f"ApiKey {_base64(key) if ':' in key else key}"}
        if where.user:
            return {"Authorization": f"Basic {_base64(f'{where.user}:{self._read(where.password)}')}"}
        return {}

    def _stranger(self) -> str:
        """Who was not let in, where the server says nothing itself, as OpenSearch does."""
        if self._where.api_key:
            return "its API key is not known there; OpenSearch knows none: write user and password"
        if self._where.user:
            return f"the user {self._where.user} is not known there, or not by this password"
        return "it wants to know who asks: write api_key, or user and password"

    def _read(self, reference: str) -> str:
        try:
            return self._secrets.read_secret(reference).reveal()
        except DeliveryError as error:
            raise DeliveryError(
                destination=self.name, reason=error.reason, detail=str(error), retryable=error.retryable
            ) from error


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _host(url: str) -> str:
    """Of a reference its own text: it names a secret and is none."""
    if url.startswith("${"):
        return url
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "?", parts.port
    except ValueError:
        return "?"
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host
