"""The way into Google: one identity, REST through google-auth's session, Monitoring through its own gRPC channel.

Monitoring's client spends nine tenths of its time on wrapping each number of an answer in an object. It stays what it
is good at (credentials, channel, TLS); its answers are taken as plain protobuf messages from a call of ours on the
client's own channel. Source: google.cloud.monitoring_v3, MetricServiceGrpcTransport.grpc_channel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import google.auth
import grpc  # type: ignore[import-untyped]
import requests
from google.api.metric_pb2 import MetricDescriptor  # type: ignore[import-untyped]
from google.api_core import exceptions as api
from google.api_core.gapic_v1.routing_header import to_grpc_metadata
from google.auth import exceptions as auth
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud.monitoring_v3 import (
    GetMetricDescriptorRequest,
    ListTimeSeriesRequest,
    ListTimeSeriesResponse,
    MetricServiceClient,
)

from nephoscope.ports import Clock

SCOPES = (
    "https://www.googleapis.com/auth/compute.readonly",
    "https://www.googleapis.com/auth/monitoring.read",
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/cloud-platform",
)
"""The last is what a project search and secrets need; what is allowed is the role's matter, scopes only narrow it."""

HOSTS: Mapping[str, str] = {
    "gcp_compute": "https://compute.googleapis.com",
    "gcp_storage": "https://storage.googleapis.com",
    "gcp_assets": "https://cloudasset.googleapis.com",
    "gcp_secrets": "https://secretmanager.googleapis.com",
    "gcp_monitoring": "monitoring.googleapis.com",
}
"""Where the APIs are, by the name under which a deployment may give another address."""

_REMEMBERED_SECONDS = 30.0
"""For so long an identity or a token that is not to be had is not asked for again. google-auth tries five times for a
quarter of a minute; asked anew for each call, it would outlast the run. The next run asks."""

_OK = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Refusal:
    error: auth.GoogleAuthError
    until: float


def find_credentials() -> Credentials:
    """The identity of the place where this runs: the metadata server's, a federation's, a person's. Raises
    GoogleAuthError."""
    credentials, _ = google.auth.default(scopes=SCOPES)
    return credentials


def open_client(credentials: Credentials, address: str) -> MetricServiceClient:
    """Monitoring's own client, over TLS. No call is made yet."""
    return MetricServiceClient(credentials=credentials, client_options={"api_endpoint": address})


class Session:
    """Connections and identity for a process's life. Safe to use from several threads; no call is made before the
    first one is asked for."""

    def __init__(
        self,
        clock: Clock,
        endpoints: Mapping[str, str] | None = None,
        find: Callable[[], Credentials] = find_credentials,
        dial: Callable[[Credentials, str], MetricServiceClient] = open_client,
    ) -> None:
        self._clock = clock
        self._hosts = {**HOSTS, **(endpoints or {})}
        self._find = find
        self._dial = dial
        self._credentials: Credentials | None = None
        self._refusal: _Refusal | None = None
        self._client: MetricServiceClient | None = None
        self._stubs: Mapping[str, Any] = {}
        self._idle: list[Any] = []
        self._renewing = threading.Lock()
        self._lock = threading.Lock()

    def get(self, host: str, path: str, parameters: Mapping[str, str], seconds: float) -> Any:
        """The JSON of one answer. host: a name of HOSTS. Raises what VENDOR_ERRORS has; ValueError where the answer is
        no JSON."""
        url = self._hosts[host].rstrip("/") + path
        with self._lent() as session:
            answer = session.request("GET", url, params=parameters, timeout=seconds, max_allowed_time=seconds)
        if answer.status_code != _OK:
            raise refusal_of(answer)
        return answer.json()

    def list_time_series(self, request: ListTimeSeriesRequest, seconds: float) -> Any:
        """A page as a plain protobuf ListTimeSeriesResponse. Raises what VENDOR_ERRORS has."""
        return self._rpc("ListTimeSeries", request, request.name, seconds)

    def get_metric_descriptor(self, request: GetMetricDescriptorRequest, seconds: float) -> Any:
        """A google.api.MetricDescriptor. Raises what VENDOR_ERRORS has."""
        return self._rpc("GetMetricDescriptor", request, request.name, seconds)

    @property
    def client(self) -> MetricServiceClient:
        """Monitoring's own client. Raises GoogleAuthError."""
        credentials = self._valid_credentials()
        with self._lock:
            if self._client is None:
                self._client = self._dial(credentials, _bare(self._hosts["gcp_monitoring"]))
                transport: Any = self._client.transport
                self._stubs = _plain_stubs(transport.grpc_channel)
            return self._client

    def _rpc(self, method: str, request: Any, name: str, seconds: float) -> Any:
        """A token that is refused would look like an unreachable server inside gRPC; so it is renewed out here."""
        self._valid_credentials()
        _ = self.client
        where = to_grpc_metadata({"name": name})  # type: ignore[no-untyped-call]
        try:
            return self._stubs[method](request, timeout=seconds, metadata=(where,))
        except grpc.RpcError as error:
            raise api.from_grpc_error(error) from error  # type: ignore[no-untyped-call]

    @contextmanager
    def _lent(self) -> Iterator[Any]:
        """An open session, for one thread at a time; its connections serve the next run's threads."""
        credentials = self._valid_credentials()
        with self._lock:
            session: Any = self._idle.pop() if self._idle else None
        session = session or AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
        yield session
        with self._lock:
            self._idle.append(session)

    def _valid_credentials(self) -> Credentials:
        credentials = self._identity()
        if not credentials.valid:
            with self._renewing:
                if not credentials.valid:
                    self._remembering(lambda: credentials.refresh(Request()))  # type: ignore[no-untyped-call]
        return credentials

    def _identity(self) -> Credentials:
        with self._lock:
            if self._credentials is None:
                self._credentials = self._remembering(self._find)
            return self._credentials

    def _remembering(self, ask: Callable[[], T]) -> T:
        """What it gives, unless it refused a moment ago. Raises GoogleAuthError."""
        if self._refusal is not None and self._clock.monotonic() < self._refusal.until:
            raise self._refusal.error
        try:
            return ask()
        except auth.GoogleAuthError as error:
            self._refusal = _Refusal(error, self._clock.monotonic() + _REMEMBERED_SECONDS)
            raise


def refusal_of(answer: requests.Response) -> api.GoogleAPICallError:
    """The exception for a REST answer that is none. Its message is Google's, without the address."""
    try:
        said = answer.json()["error"]
        message, errors, details = said.get("message", ""), said.get("errors") or (), said.get("details") or ()
    except (ValueError, KeyError, TypeError, AttributeError):
        message, errors, details = answer.reason, (), ()
    info = next((item for item in details if str(item.get("@type", "")).endswith("google.rpc.ErrorInfo")), None)
    error: api.GoogleAPICallError = api.from_http_status(  # type: ignore[no-untyped-call]
        answer.status_code, str(message), errors=errors, details=details, response=answer, error_info=info
    )
    return error


def _plain_stubs(channel: Any) -> Mapping[str, Any]:
    service = "/google.monitoring.v3.MetricService/"
    return {
        "ListTimeSeries": channel.unary_unary(
            service + "ListTimeSeries",
            request_serializer=ListTimeSeriesRequest.serialize,
            response_deserializer=ListTimeSeriesResponse.pb().FromString,
        ),
        "GetMetricDescriptor": channel.unary_unary(
            service + "GetMetricDescriptor",
            request_serializer=GetMetricDescriptorRequest.serialize,
            response_deserializer=MetricDescriptor.FromString,
        ),
    }


def _bare(address: str) -> str:
    """gRPC wants host:port."""
    return address.removeprefix("https://").rstrip("/")
