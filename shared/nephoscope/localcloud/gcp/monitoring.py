"""Cloud Monitoring's MetricService over gRPC and TLS: time series and metric descriptors.

The messages are those of the client's own package; what is not offered here answers UNIMPLEMENTED, as gRPC has it. An
error carries google.rpc.Status with its ErrorInfo in the trailers, where google-api-core looks for it.
Sources: google/monitoring/v3/metric_service.proto, google/api/metric.proto, google/rpc/error_details.proto,
https://cloud.google.com/monitoring/quotas (page sizes)
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc  # type: ignore[import-untyped, unused-ignore] # no types in its package
from google.api import metric_pb2  # type: ignore[import-untyped, unused-ignore] # no types in its package
from google.cloud.monitoring_v3.types import metric_service
from google.protobuf import any_pb2  # type: ignore[import-untyped, unused-ignore] # no types in its package
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped, unused-ignore] # no types in its package
from grpc_status import rpc_status  # type: ignore[import-untyped, unused-ignore] # no types in its package

from nephoscope.localcloud.gcp import authority
from nephoscope.localcloud.gcp.call import Call, CutError, GoogleError, Status, invalid
from nephoscope.localcloud.gcp.gate import MONITORING, Admitted, Gate, Served
from nephoscope.localcloud.gcp.metric_filter import parse_filter
from nephoscope.localcloud.gcp.metric_rows import ROWS, BucketRow, Row
from nephoscope.localcloud.gcp.time_series import Question, list_time_series, read_question, regions_of
from nephoscope.localcloud.gcp.world import World

_SERVICE = "google.monitoring.v3.MetricService"
_DESCRIPTORS = 10_000
_THREADS = 8
_Descriptor: Any = metric_pb2.MetricDescriptor
_Descriptors: Any = metric_service.ListMetricDescriptorsResponse.pb()


class Monitoring:
    """Started on making, on 127.0.0.1. host: 127.0.0.1:port, for the client's `api_endpoint`."""

    def __init__(self, world: World, gate: Gate, port: int = 0) -> None:
        self._world = world
        self._gate = gate
        self._server: Any = grpc.server(ThreadPoolExecutor(_THREADS, "local-gcp-monitoring"))
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, self._methods()),))
        credentials = grpc.ssl_server_credentials([authority.key_and_chain()])
        self.host = f"127.0.0.1:{self._server.add_secure_port(f'127.0.0.1:{port}', credentials)}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def _methods(self) -> dict[str, Any]:
        offered = {
            "ListTimeSeries": (self._list_time_series, metric_service.ListTimeSeriesRequest.pb()),
            "ListMetricDescriptors": (self._list_descriptors, metric_service.ListMetricDescriptorsRequest.pb()),
            "GetMetricDescriptor": (self._get_descriptor, metric_service.GetMetricDescriptorRequest.pb()),
        }
        return {
            name: grpc.unary_unary_rpc_method_handler(
                _guarded(serve), request.FromString, lambda answer: answer.SerializeToString()
            )
            for name, (serve, request) in offered.items()
        }

    def _list_time_series(self, request: Any, token: str) -> Any:
        project = _project(request.name)
        asked: list[Question] = []

        def regions() -> tuple[str, ...]:
            asked.append(read_question(self._world, project, request))
            return regions_of(self._world, project, asked[0])

        def serve(admitted: Admitted) -> Served[Any]:
            answer, units = list_time_series(self._world, asked[0], request, admitted)
            return Served(answer, units)

        call = Call(
            "monitoring.projects.timeSeries.list", "monitoring.timeSeries.list", MONITORING, project, token, regions
        )
        return self._gate.run(call, serve)[0]

    def _list_descriptors(self, request: Any, token: str) -> Any:
        project = _project(request.name)

        def serve(_: Admitted) -> Served[Any]:
            return Served(self._page(project, request))

        action = "monitoring.projects.metricDescriptors.list"
        call = Call(action, "monitoring.metricDescriptors.list", MONITORING, project, token)
        return self._gate.run(call, serve)[0]

    def _page(self, project: str, request: Any) -> Any:
        wanted = parse_filter(request.filter) if request.filter else None
        found = [row for row in ROWS.values() if wanted is None or wanted.matches(_facts(project, row))]
        size = request.page_size if 0 < request.page_size <= _DESCRIPTORS else _DESCRIPTORS
        start = int(request.page_token) if request.page_token.isdigit() else 0
        response = _Descriptors()
        response.metric_descriptors.extend(_descriptor(project, row) for row in found[start : start + size])
        response.next_page_token = str(start + size) if start + size < len(found) else ""
        return response

    def _get_descriptor(self, request: Any, token: str) -> Any:
        name, _, metric_type = request.name.partition("/metricDescriptors/")
        project = _project(name)

        def serve(_: Admitted) -> Served[Any]:
            row = ROWS.get(metric_type)
            if row is None:
                raise GoogleError(Status.NOT_FOUND, f"Could not find descriptor for metric '{metric_type}'.")
            return Served(_descriptor(project, row))

        action = "monitoring.projects.metricDescriptors.get"
        call = Call(action, "monitoring.metricDescriptors.get", MONITORING, project, token)
        return self._gate.run(call, serve)[0]


def _guarded(serve: Callable[[Any, str], Any]) -> Callable[[Any, Any], Any]:
    """Errors in gRPC's form. A fault that cuts the connection is one without details."""

    def method(request: Any, context: Any) -> Any:
        held = {key: value for key, value in context.invocation_metadata() if key == "authorization"}
        try:
            return serve(request, str(held.get("authorization", "")).removeprefix("Bearer "))
        except GoogleError as error:
            _abort(context, error)
        except CutError:
            context.abort(grpc.StatusCode.UNAVAILABLE, "Connection reset by peer")

    return method


def _abort(context: Any, error: GoogleError) -> NoReturn:
    status = status_pb2.Status(code=code_pb2.Code.Value(error.status.value), message=error.message)
    if error.info:
        info = error_details_pb2.ErrorInfo(
            reason=error.info.reason, domain="googleapis.com", metadata=dict(error.info.metadata)
        )
        status.details.append(_packed(info))
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.seconds = error.retry_after
        status.details.append(_packed(retry))
    context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("abort_with_status raises")


def _packed(message: Any) -> Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _project(name: str) -> str:
    kind, _, project = name.partition("/")
    if kind != "projects" or not project or "/" in project:
        raise invalid(f'Name must begin with "{{resource_container_type}}/{{resource_container_id}}", got: {name}')
    return project


def _facts(project: str, row: Row | BucketRow) -> dict[str, str]:
    return {"project": project, "metric.type": row.type, "resource.type": row.resource}


def _descriptor(project: str, row: Row | BucketRow) -> Any:
    made = _Descriptor(
        name=f"projects/{project}/metricDescriptors/{row.type}",
        type=row.type,
        metric_kind=_Descriptor.MetricKind.Value(row.kind.value),
        value_type=_Descriptor.ValueType.Value("INT64" if row.whole else "DOUBLE"),
        unit=row.unit,
        display_name=row.display,
        monitored_resource_types=[row.resource],
    )
    for key in row.labels:
        made.labels.add(key=key)
    made.metadata.sample_period.seconds = row.sample
    made.metadata.ingest_delay.seconds = row.delay
    return made
