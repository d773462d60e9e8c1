"""What tests of the Azure reader say again and again: a configuration, a deadline, a request, rows, a reader."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canned_azure import CannedAzure, Reply, SignedIn
from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.azure.reader import AzureReader
from nephoscope.clouds.azure.session import Sessions
from nephoscope.model.config import Config, Gather, GatherAzure, PublishCloudWatch
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import Deadline, iso

WEB = "11111111-aaaa-4000-8000-000000000001"
DATA = "22222222-bbbb-4000-8000-000000000002"
WEST = Scope(Cloud.AZURE, WEB, "westeurope")
NOON = 1_795_435_200
"""2026-11-23T12:00:00Z."""
CATALOG = load_catalog()
_QUICK = {"resource_graph.resources": {"per_second": 1000}}


class SystemClock:
    """The machine's own; `at` in place of the wall's."""

    def __init__(self, at: float | None = None) -> None:
        self.at = at

    def wall(self) -> float:
        return time.time() if self.at is None else self.at

    def monotonic(self) -> float:
        return time.monotonic()


def config_for(
    *subscriptions: str, group: str = "", kinds: tuple[Kind, ...] = (Kind.INSTANCE,), where: Selector | None = None
) -> Config:
    gather = GatherAzure(subscriptions, group, (), kinds, where or Selector())
    return Config("acme", Gather(azure=gather), PublishCloudWatch("eu-west-1", "acme"))


def in_seconds(seconds: float = 20.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def open_canned(
    azure: CannedAzure,
    *,
    metrics: str = "",
    at: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    limits: Mapping[str, Mapping[str, int]] | None = None,
) -> AzureReader:
    """The reader as open_reader makes it, signed in already."""
    return open_at(azure.url, metrics=metrics, at=at, sleep=sleep, limits=limits)


def open_at(
    url: str,
    *,
    metrics: str = "",
    at: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    limits: Mapping[str, Mapping[str, int]] | None = None,
) -> AzureReader:
    """The same, for an Azure in another process."""
    endpoints = {"azure_management": url, "azure_metrics": metrics or url + "/{region}", "azure_logs": url}
    return AzureReader(
        Sessions(SignedIn(), endpoints), CATALOG.overridden(_QUICK | (limits or {}), {}), SystemClock(at), sleep
    )


def machine_id(name: str, subscription: str = WEB) -> str:
    return f"/subscriptions/{subscription}/resourcegroups/rg/providers/microsoft.compute/virtualmachines/{name}"


def request_for(
    metric: str, resource: str, *, period: int = 60, start: int = NOON - 300, end: int = NOON
) -> SeriesRequest:
    return SeriesRequest(resource, metric, CATALOG.metrics[metric].sources[Cloud.AZURE], period, start, end)


def row(name: str, subscription: str = WEB, location: str = "westeurope", **columns: Any) -> dict[str, Any]:
    """As Resource Graph answers to the question for machines."""
    known = {
        "id": machine_id(name, subscription),
        "name": name,
        "location": location,
        "subscriptionId": subscription,
        "powerState": "PowerState/running",
        "provisioningState": "Succeeded",
    }
    return known | columns


def rows_of(rows: Sequence[Mapping[str, Any]], **more: Any) -> Reply:
    return Reply.of(
        {"totalRecords": len(rows), "count": len(rows), "data": list(rows), "facets": [], "resultTruncated": "false"}
        | more
    )


def graph(
    machines: Sequence[Mapping[str, Any]] = (), subscriptions: Sequence[str] = (WEB,), members: Any = ()
) -> Callable[[Any], Reply]:
    """Answers each of the questions by the table that it asks."""
    tables: dict[str, Any] = {
        "resourcecontainers": [{"id": f"/subscriptions/{name}", "subscriptionId": name} for name in subscriptions],
        "computeresources": members,
        "resources": machines,
    }

    def reply(asked: Any) -> Reply:
        found = tables[asked.body["query"].split("\n")[0]]
        return found if isinstance(found, Reply) else rows_of(found)

    return reply


def metric_entry(name: str, values: Sequence[float | None], field: str = "average", **more: Any) -> dict[str, Any]:
    """A metric of a resource in the batch's answer: values of the minutes up to NOON; no values, no series."""
    start = NOON - 60 * len(values)
    points = [
        {"timeStamp": iso(start + 60 * place)} | ({} if value is None else {field: value})
        for place, value in enumerate(values)
    ]
    series = [{"metadatavalues": [], "data": points}] if values else []
    return {
        "name": {"value": name},
        "type": "Microsoft.Insights/metrics",
        "unit": "Percent",
        "id": "x",
        "timeseries": series,
        "errorCode": "Success",
    } | more


def batch_of(answers: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """The batch's answer: resource's id -> its metrics."""
    return {
        "values": [
            {
                "starttime": iso(NOON - 300),
                "endtime": iso(NOON),
                "interval": "PT1M",
                "resourceid": name,
                "namespace": "Microsoft.Compute/virtualMachines",
                "resourceregion": "westeurope",
                "value": list(entries),
            }
            for name, entries in answers.items()
        ]
    }
