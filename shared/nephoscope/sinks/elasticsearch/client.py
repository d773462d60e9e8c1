"""One HTTP exchange with the server: Elasticsearch 8 and 9, OpenSearch 2.

Elastic's own client refuses OpenSearch, each OpenSearch client Elastic, and each major release the next but one; what
is used here (_bulk, _search, index templates) all of them understand alike. The standard library's client, as for
webhooks: which urllib3 a runtime brings is not ours to choose. No URL is ever in an error: the host is, and a path of
our own.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from nephoscope import __version__
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.time import Deadline
from nephoscope.ports import SecretReader
from nephoscope.sinks.elasticsearch.errors import error_in, reason_of

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
LEAST_SECONDS = 0.2
"""To reach the server; for one answer; and what must be left for a call to begin."""

SUPPORTED = "Elasticsearch 8 or 9, or OpenSearch 2, is needed"
JSON, NDJSON = "application/json", "application/x-ndjson"
_OK = 300
_FAILURES: tuple[tuple[type[Exception], Reason, str], ...] = (
    (TimeoutError, Reason.TIMEOUT, "no answer in time"),
    (socket.gaierror, Reason.UNAVAILABLE, "the name could not be resolved"),
    (ssl.SSLCertVerificationError, Reason.UNAVAILABLE, "its certificate is not trusted; ca: names the file of its CA"),
    (ssl.SSLError, Reason.UNAVAILABLE, "TLS failed; is it http?"),
    (ConnectionRefusedError, Reason.UNAVAILABLE, "the connection was refused"),
    (ConnectionError, Reason.UNAVAILABLE, "the connection was cut"),
    (http.client.HTTPException, Reason.MALFORMED, "the answer is not HTTP; is it https?"),
    (OSError, Reason.UNAVAILABLE, "no connection"),
)


@dataclass(slots=True)
class Traffic:
    """Bytes over the wire, bodies alone, as they were sent and came."""

    requests: int = 0
    sent: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True)
class Server:
    """What answers there. product: `Elasticsearch` or `OpenSearch`; version empty where we may not know."""

    product: str
    version: str = ""


class Client:
    """Safe to use from several threads: each has a connection of its own. The secrets are read once for a connection.
    No call is made before the first request."""

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
        status, answer = self.exchange(method, path, data, JSON, deadline=deadline, **params)
        if status == http.HTTPStatus.NOT_FOUND and missing_ok:
            return None
        self.check(status, answer, f"{method} {path}")
        try:
            return json.loads(answer) if answer else {}
        except ValueError as error:
            raise self.error(Reason.MALFORMED, f"{method} {path}: the answer is no JSON") from error

    def check(self, status: int, answer: bytes, what: str) -> None:
        """Raises DeliveryError for what is no success."""
        if status < _OK:
            return
        kind, sentence = error_in(answer)
        raise DeliveryError(
            destination=self.name,
            reason=reason_of(status, kind),
            detail=f"{what}: {sentence or f'status {status}'}",
            status=status,
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
    ) -> tuple[int, bytes]:
        """(status, body). A connection that the server has let go of meanwhile is opened anew, once. Raises
        DeliveryError where no answer came."""
        headers = {"Accept": JSON, "User-Agent": f"nephoscope/{__version__}", **self._authorization()}
        if data:
            headers["Content-Type"] = content_type
        if encoding:
            headers["Content-Encoding"] = encoding
        target = self._target(path, params)
        failure: tuple[Reason, str] = (Reason.DEADLINE, "no time left to ask")
        for fresh in (False, True):
            if deadline.remaining < LEAST_SECONDS:
                break
            held = getattr(self._local, "connection", None) is not None
            try:
                return self._once(method, target, data, headers, deadline)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                failure = next((reason, detail) for kind, reason, detail in _FAILURES if isinstance(error, kind))
                if fresh or not held or isinstance(error, TimeoutError):
                    break
        raise self.error(*failure)

    def _once(
        self, method: str, target: str, data: bytes, headers: Mapping[str, str], deadline: Deadline
    ) -> tuple[int, bytes]:
        connection = self._connection(deadline)
        connection.sock.settimeout(max(0.001, min(ANSWER_SECONDS, deadline.remaining)))
        connection.request(method, target, data or None, dict(headers))
        response = connection.getresponse()
        answer = response.read()
        with self._lock:
            self.traffic.requests += 1
            self.traffic.sent += len(data)
            self.traffic.received += len(answer)
        if response.will_close:
            self.close()
        return response.status, answer

    def _connection(self, deadline: Deadline) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            url = urlsplit(self._url())
            patience = max(0.001, min(CONNECT_SECONDS, deadline.remaining))
            host, port = url.hostname or "", url.port
            if url.scheme == "https":
                context = _tls(self._where.ca)
                connection = http.client.HTTPSConnection(host, port or 443, timeout=patience, context=context)
            else:
                connection = http.client.HTTPConnection(host, port or 80, timeout=patience)
            connection.connect()
            self._local.connection = connection
        return connection

    def close(self) -> None:
        """This thread's connection; the next request opens another."""
        connection = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.close()

    def server(self, deadline: Deadline) -> Server:
        """What answers, asked once. Raises DeliveryError, also for a release that is not supported."""
        if self._server is None:
            self._server = self._find_server(deadline)
        return self._server

    def _find_server(self, deadline: Deadline) -> Server:
        status, answer = self.exchange("GET", "/", b"", JSON, deadline=deadline)
        if status == http.HTTPStatus.UNAUTHORIZED:
            self.check(status, answer, "GET /")
        if status < _OK:
            found = _version_in(answer)
        else:  # a role that may not ask, or a build without this page
            nodes = self.exchange("GET", "/_nodes/_local", b"", JSON, deadline=deadline, filter_path="nodes.*.version")
            found = _version_of_node(nodes[1]) if nodes[0] < _OK else Server("Elasticsearch")
        if not _is_supported(found):
            raise self.error(Reason.REJECTED, f"{found.product} {found.version} is not supported: {SUPPORTED}")
        return found

    def error(self, reason: Reason, detail: str) -> DeliveryError:
        return DeliveryError(destination=self.name, reason=reason, detail=detail)

    def _url(self) -> str:
        """Raises DeliveryError; it never quotes what it read."""
        url = self._read(self._where.url)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise self.error(Reason.MALFORMED, "its url is no http(s)://HOST:PORT without a user")
        return url

    def _target(self, path: str, params: Mapping[str, str]) -> str:
        base = urlsplit(self._url()).path.rstrip("/")
        query = f"?{urlencode(params)}" if params else ""
        return f"{base}{quote(path, safe='/_-.*,')}{query}"

    def _authorization(self) -> dict[str, str]:
        where = self._where
        if where.api_key:
            return {"Authorization": f"ApiKey {self._read(where.api_key)}"}
        if where.user:
            pair = f"{where.user}:{self._read(where.password)}"
            return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        return {}

    def _read(self, reference: str) -> str:
        try:
            return self._secrets.read_secret(reference).reveal()
        except DeliveryError as error:
            raise DeliveryError(
                destination=self.name, reason=error.reason, detail=str(error), retryable=error.retryable
            ) from error


def _host(url: str) -> str:
    """Of a reference its own text: it names a secret and is none."""
    if url.startswith("${"):
        return url
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or "?"


def _tls(ca: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca or None)


def _version_in(answer: bytes) -> Server:
    try:
        version = json.loads(answer)["version"]
        product = "OpenSearch" if version.get("distribution") == "opensearch" else "Elasticsearch"
        return Server(product, str(version["number"]))
    except (ValueError, KeyError, TypeError):
        return Server("something else")


def _version_of_node(answer: bytes) -> Server:
    try:
        (node,) = json.loads(answer)["nodes"].values()
        return Server("Elasticsearch", str(node["version"]))
    except (ValueError, KeyError, TypeError):
        return Server("Elasticsearch")


_RELEASES: Mapping[str, tuple[str, ...]] = {"Elasticsearch": ("8", "9"), "OpenSearch": ("2", "3")}


def _is_supported(server: Server) -> bool:
    major = server.version.partition(".")[0]
    return server.product in _RELEASES and (not major or major in _RELEASES[server.product])
