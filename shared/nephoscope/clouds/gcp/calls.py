"""One read's calls to Google. Nothing else in this room talks to the session.

Calls are named by the IAM permission that they need, which is also what a role's definition lists.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from google.api_core import exceptions as api
from google.cloud.monitoring_v3 import GetMetricDescriptorRequest, ListTimeSeriesRequest

from nephoscope.clouds.calls import Border, PacedCalls
from nephoscope.clouds.gcp.errors import VENDOR_ERRORS, read_error
from nephoscope.clouds.gcp.session import Session
from nephoscope.clouds.limiter import Limiter
from nephoscope.model.errors import Reason
from nephoscope.model.scope import Scope
from nephoscope.model.time import Deadline

T = TypeVar("T")

INSTANCES = "compute.instances.list"
BUCKETS = "storage.buckets.list"
PROJECTS = "cloudasset.assets.searchAllResources"
SERIES = "monitoring.timeSeries.list"
DESCRIPTOR = "monitoring.metricDescriptors.get"

READ_SECONDS = 20.0
"""No single call waits longer than this."""


class Door(Protocol):
    """What a read's calls need of the reader."""

    @property
    def session(self) -> Session: ...
    def limiter(self, project: str, action: str) -> Limiter: ...


class Calls(PacedCalls):
    """One read of one scope. Safe to use from several threads."""

    def __init__(
        self, scope: Scope, door: Door, deadline: Deadline, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(scope, BORDER, partial(door.limiter, scope.account), deadline, sleep)
        self._door = door

    def pages(self, action: str, host: str, path: str, parameters: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        """Every page of a REST listing. Raises ReadError where one fails, is no object, or leads back to itself."""

        def read(following: str) -> Mapping[str, Any]:
            asked = {**parameters, "pageToken": following} if following else parameters
            page = self._ask(action, partial(self._door.session.get, host, path, asked))
            if not isinstance(page, dict):
                raise self.failure(action, Reason.MALFORMED, "the answer is no object")
            return page

        return self.follow(action, read, lambda page: page.get("nextPageToken"))

    def time_series(self, request: ListTimeSeriesRequest) -> Iterator[Any]:
        """Every page of one question, as plain protobuf; its series are counted as what Google bills. Raises
        ReadError."""

        def read(following: str) -> Any:
            request.page_token = following
            page = self._ask(SERIES, partial(self._door.session.list_time_series, request))
            self.charge(SERIES, len(page.time_series))
            return page

        return self.follow(SERIES, read, lambda page: page.next_page_token)

    def descriptor(self, name: str) -> Any:
        """A google.api.MetricDescriptor by its full name. Raises ReadError."""
        request = GetMetricDescriptorRequest(name=name)
        return self._ask(DESCRIPTOR, partial(self._door.session.get_metric_descriptor, request))

    def _ask(self, action: str, send: Callable[[float], T]) -> T:
        def limited(seconds: float) -> T:
            try:
                return send(min(READ_SECONDS, seconds))
            except VENDOR_ERRORS:
                raise
            except ValueError as error:
                raise self.failure(action, Reason.MALFORMED, "the answer is no JSON") from error

        return self.perform(action, limited)


def retry_after(error: BaseException | None) -> float:
    """Seconds that a refusal itself asks to wait: REST's Retry-After, or gRPC's google.rpc.RetryInfo; 0 where it says
    nothing."""
    if not isinstance(error, api.GoogleAPICallError):
        return 0.0
    for detail in error.details:
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds) + float(delay.nanos) / 1e9
    headers = getattr(error.response, "headers", None)
    said = headers.get("Retry-After", "") if headers is not None else ""
    return float(said) if str(said).isdigit() else 0.0


BORDER = Border(VENDOR_ERRORS, read_error, retry_after)
