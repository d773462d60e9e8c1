"""What tests of the Google reader say again and again: a configuration, a deadline, a request, a reader."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import grpc
from google.auth.credentials import Credentials
from google.cloud.monitoring_v3 import MetricServiceClient
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport
from google.oauth2.credentials import Credentials as FixedToken

from canned_gcp import CannedGoogle
from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.gcp.reader import GcpReader
from nephoscope.clouds.gcp.session import Session
from nephoscope.model.config import Config, Gather, GatherGcp, PublishCloudWatch
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Series, SeriesRequest
from nephoscope.model.time import Deadline

PROJECT, REGION = "acme-web", "europe-west1"
SCOPE = Scope(Cloud.GCP, PROJECT, REGION)
NOON = 1_795_435_200
"""2026-11-23T12:00:00Z."""


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


def config_for(
    *,
    projects: tuple[str, ...] = (PROJECT,),
    parent: str = "",
    resources: tuple[Kind, ...] = (Kind.INSTANCE,),
    tags: Mapping[str, tuple[str, ...]] | None = None,
    except_tags: Mapping[str, tuple[str, ...]] | None = None,
) -> Config:
    where = Selector(tags or {}, except_tags or {})
    return Config(
        fleet="acme",
        gather=Gather(gcp=GatherGcp(projects, parent, resources, where)),
        publish=PublishCloudWatch("eu-central-1", "acme"),
    )


def in_seconds(seconds: float = 20.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def dial_plainly(_: Credentials, address: str) -> MetricServiceClient:
    """The real client on a channel without TLS."""
    channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])
    return MetricServiceClient(transport=MetricServiceGrpcTransport(channel=channel))


def open_session(google: CannedGoogle, clock: HandClock | None = None) -> Session:
    return Session(clock or HandClock(), google.endpoints, lambda: FixedToken("a-token"), dial_plainly)  # type: ignore[no-untyped-call]


def open_quick_reader(
    google: CannedGoogle,
    *,
    clock: HandClock | None = None,
    sleep: Callable[[float], None] = lambda _: None,
    limits: Mapping[str, Mapping[str, int]] | None = None,
) -> GcpReader:
    """The reader as open_reader makes it, except that a test says how it waits, what time it is and who it is."""
    clock = clock or HandClock()
    return GcpReader(open_session(google, clock), load_catalog().overridden(limits or {}, {}), clock, sleep)


def request_for(
    metric: str, resource: str, *, period: int = 60, start: int = NOON - 300, end: int = NOON
) -> SeriesRequest:
    return SeriesRequest(resource, metric, load_catalog().metrics[metric].sources[Cloud.GCP], period, start, end)


def shown(series: Series) -> list[tuple[int, float]]:
    """Seconds before NOON at which a point's period begins, and values."""
    return [(at - NOON, round(value, 9)) for at, value in zip(series.times, series.values, strict=True)]
