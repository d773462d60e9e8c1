"""A Google that answers what the test tells it to: REST over plain HTTP, Monitoring over gRPC. Every request is kept.

The real clients talk to it; only the addresses, the identity (a fixed token) and Monitoring's channel (no TLS) are the
tests' own. Formats: Compute's and Storage's REST references, google.monitoring.v3's protos, google.rpc's errors.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent import futures
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import grpc
from google.api.metric_pb2 import MetricDescriptor
from google.cloud.monitoring_v3 import GetMetricDescriptorRequest, ListTimeSeriesRequest, ListTimeSeriesResponse
from google.protobuf import any_pb2, duration_pb2, json_format
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

LIST, DESCRIBE = "ListTimeSeries", "GetMetricDescriptor"
INSTANCES = "/aggregated/instances"


@dataclass(frozen=True)
class Asked:
    """One request. parameters: of the address (REST), or the message (gRPC)."""

    what: str
    parameters: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Rest:
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang_up: bool = False


@dataclass(frozen=True)
class Refused:
    """A gRPC status; info: google.rpc.ErrorInfo's reason and service."""

    code: grpc.StatusCode
    message: str = "told so by the test"
    reason: str = ""
    service: str = ""
    retry_seconds: int = 0
    delay: float = 0.0


Reply = Any  # Rest, Refused, a protobuf message, or a function of Asked that gives one


def rest(body: object, status: int = 200, **more: Any) -> Rest:
    return Rest(json.dumps(body).encode(), status, {"content-type": "application/json"}, **more)


def rest_error(status: int, message: str = "told so", reason: str = "", info: Mapping[str, Any] | None = None) -> Rest:
    """As Google's REST APIs say no: the older `errors` list, and google.rpc details where the newer front has them."""
    error: dict[str, Any] = {"code": status, "message": message}
    if reason:
        error["errors"] = [{"message": message, "domain": "global", "reason": reason}]
    if info:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "domain": "googleapis.com", **info}]
    return rest({"error": error}, status)


def machine(number: int, zone: str = "europe-west1-b", **more: Any) -> dict[str, Any]:
    """A record of Compute's list, as `fields` leaves it."""
    home = "https://www.googleapis.com/compute/v1/projects/acme-web"
    return {
        "id": str(4_000_000_000_000_000_000 + number),
        "name": f"web-{number}",
        "status": "RUNNING",
        "machineType": f"{home}/zones/{zone}/machineTypes/e2-small",
        "zone": f"{home}/zones/{zone}",
        "creationTimestamp": "2026-11-01T08:00:00.000-07:00",
        **more,
    }


def listing(*machines: Mapping[str, Any], **more: Any) -> Rest:
    """A page of the aggregated list: zones with machines, and one that is empty as Compute shows it."""
    items: dict[str, Any] = {
        "zones/asia-east1-a": {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": "There are no results."}}
    }
    for item in machines:
        zone = str(item["zone"]).rpartition("/")[2]
        items.setdefault(f"zones/{zone}", {"instances": []})["instances"].append(item)
    return rest({"items": items, **more})


def series(
    instance: str, *points: tuple[int, float], labels: Mapping[str, str] | None = None, whole: bool = False
) -> dict[str, Any]:
    """A TimeSeries in JSON. points: (end of the period, value), oldest first; the wire has the newest first."""
    kind = "int64Value" if whole else "doubleValue"
    return {
        "metric": {"type": "t", "labels": dict(labels or {})},
        "resource": {"type": "gce_instance", "labels": {"instance_id": instance, "zone": "europe-west1-b"}},
        "metricKind": "GAUGE",
        "valueType": "INT64" if whole else "DOUBLE",
        "points": [
            {"interval": {"startTime": iso(at), "endTime": iso(at)}, "value": {kind: value}}
            for at, value in reversed(points)
        ],
    }


def page(*found: Mapping[str, Any], **more: Any) -> Any:
    """A ListTimeSeriesResponse."""
    return json_format.ParseDict({"timeSeries": list(found), **more}, ListTimeSeriesResponse.pb()())


def descriptor(sample: int = 60, delay: int = 240) -> Any:
    answer = MetricDescriptor()
    answer.metadata.sample_period.seconds = sample
    answer.metadata.ingest_delay.seconds = delay
    return answer


def iso(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


class CannedGoogle:
    """A context manager. answer(what, reply, ...): in this order, the last one again and again. what: the end of a REST
    path, or a method of Monitoring."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self._answers: dict[str, list[Reply]] = {DESCRIBE: [descriptor()]}
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._grpc = grpc.server(futures.ThreadPoolExecutor(8))
        self._grpc.add_generic_rpc_handlers((self._service(),))
        self._grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def monitoring(self) -> str:
        return f"127.0.0.1:{self._grpc_port}"

    @property
    def endpoints(self) -> dict[str, str]:
        rest_apis = dict.fromkeys(("gcp_compute", "gcp_storage", "gcp_assets"), self.url)
        return {**rest_apis, "gcp_monitoring": self.monitoring}

    def answer(self, what: str, *replies: Reply) -> None:
        self._answers[what] = list(replies)

    def asked(self, what: str) -> list[Asked]:
        with self._lock:
            return [request for request in self.requests if request.what.endswith(what)]

    def __enter__(self) -> Self:
        self._thread.start()
        self._grpc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._grpc.stop(None).wait()

    def reply_to(self, asked: Asked) -> Reply:
        with self._lock:
            self.requests.append(asked)
            replies = next((kept for what, kept in self._answers.items() if asked.what.endswith(what)), None)
            if not replies:
                return None
            chosen = replies.pop(0) if len(replies) > 1 else replies[0]
        return chosen(asked) if isinstance(chosen, Callable) else chosen  # type: ignore[arg-type]

    def _service(self) -> grpc.GenericRpcHandler:
        readers = {LIST: ListTimeSeriesRequest, DESCRIBE: GetMetricDescriptorRequest}
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._rpc(name), request_deserializer=kind.deserialize, response_serializer=_to_wire
            )
            for name, kind in readers.items()
        }
        return grpc.method_handlers_generic_handler("google.monitoring.v3.MetricService", handlers)

    def _rpc(self, name: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        def serve(request: Any, context: grpc.ServicerContext) -> Any:
            reply = self.reply_to(Asked(name, request, dict(context.invocation_metadata())))
            if isinstance(reply, Refused):
                time.sleep(reply.delay)
                context.abort_with_status(rpc_status.to_status(_status(reply)))
            return reply

        return serve

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        canned = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Silent."""

            def do_GET(self) -> None:
                address = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
                reply = canned.reply_to(Asked(address.path, query, {k.lower(): v for k, v in self.headers.items()}))
                reply = reply or Rest(b"nobody put an answer here", 501)
                time.sleep(reply.delay)
                if reply.hang_up:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                with suppress(BrokenPipeError):  # a reader that has no more time
                    self.wfile.write(reply.body)

        return Handler


def _to_wire(reply: Any) -> bytes:
    return reply if isinstance(reply, bytes) else reply.SerializeToString()


def _status(refused: Refused) -> status_pb2.Status:
    details = []
    if refused.reason:
        info = error_details_pb2.ErrorInfo(reason=refused.reason, domain="googleapis.com")
        if refused.service:
            info.metadata["service"] = refused.service
        details.append(info)
    if refused.retry_seconds:
        details.append(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=refused.retry_seconds)))
    packed = []
    for detail in details:
        holder = any_pb2.Any()
        holder.Pack(detail)
        packed.append(holder)
    return status_pb2.Status(code=refused.code.value[0], message=refused.message, details=packed)
