"""What reading Azure costs: processor time beside Microsoft's client, and calls beside the fewest that are possible.

    python tests/bench/bench_azure.py [--rounds 15]

The plain side of metrics is what a tutorial writes, query_resources. azure-mgmt-resourcegraph is no dependency of ours,
so the list of machines stands beside requests and json alone, which is less than any client does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import requests  # noqa: E402
from azure.monitor.querymetrics import MetricsClient  # noqa: E402
from racing import (  # noqa: E402
    FLEET,
    METRICS,
    POINTS,
    Count,
    Pace,
    Row,
    counted,
    in_its_own_process,
    pace,
    race,
    rounds_wanted,
    tell,
    whole,
)

import azure_reading as reading  # noqa: E402
from azure_reading import CATALOG, NOON, WEB, WEST, config_for, in_seconds, request_for  # noqa: E402
from canned_azure import BATCH, GRAPH, Asked, CannedAzure, Reply, SignedIn  # noqa: E402
from nephoscope.clouds.azure.graph import MACHINES as MACHINES_QUERY  # noqa: E402
from nephoscope.clouds.azure.graph import VERSION  # noqa: E402
from nephoscope.clouds.azure.reader import AzureReader  # noqa: E402
from nephoscope.model.scope import Cloud  # noqa: E402
from nephoscope.model.series import Inventory, Readings, SeriesRequest  # noqa: E402

MACHINES, PAGE, TOGETHER = 1_000, 1_000, 50
FIVE = ("cpu.utilization", "network.receive", "network.transmit", "disk.read", "disk.write")
UNPACED = {name: {"per_second": 100_000} for name in ("resource_graph.resources", "azure_monitor.metrics_batch")}
AVERAGES = ("Percentage CPU",)

# --- the answers -------------------------------------------------------------------------------------------------


def batch(asked: Asked) -> Reply:
    """POINTS points of every metric that was asked for, of every machine that was."""
    names = asked.parameters["metricnames"].split(",")
    return Reply.of(
        reading.batch_of({each: _metrics(names, place) for place, each in enumerate(asked.body["resourceids"])})
    )


def _metrics(names: list[str], place: int) -> list[dict[str, Any]]:
    values = [(place * 7919 + step * 104_729) % 100_000 / 1000.0 for step in range(POINTS)]
    return [reading.metric_entry(name, values, "average" if name in AVERAGES else "total") for name in names]


def _kept(make: Callable[[Asked], Reply]) -> Callable[[Asked], Reply]:
    """Each answer is made once."""
    answers: dict[tuple[str, ...], Reply] = {}

    def answer(asked: Asked) -> Reply:
        place = (asked.parameters["metricnames"], *asked.body["resourceids"])
        if place not in answers:
            answers[place] = make(asked)
        return answers[place]

    return answer


def graph(machines: int) -> Callable[[Asked], Reply]:
    """Machines in pages of as many as were asked for; of the other questions, one subscription and no scale sets."""
    others, rows = reading.graph(), [_row(number) for number in range(machines)]

    @cache
    def answer(first: int, size: int) -> Reply:
        following = first + size
        more = {"$skipToken": str(following)} if following < machines else {}
        return reading.rows_of(rows[first:following], totalRecords=machines, **more)

    def reply(asked: Asked) -> Reply:
        if asked.body["query"].partition("\n")[0] != "resources":
            return others(asked)
        options = asked.body["options"]
        return answer(int(options.get("$skipToken") or 0), options["$top"])

    return reply


def _row(number: int) -> dict[str, Any]:
    return reading.row(
        f"web-{number:05}",
        type="microsoft.compute/virtualmachines",
        zones=["1"],
        tags={"env": "prod", "role": "web"},
        vmSize="Standard_B2s",
        created="2026-11-01T08:00:00.0000000Z",
    )


def serve(pipe: Connection) -> None:
    with CannedAzure() as azure:
        azure.answer(GRAPH, graph(MACHINES))
        azure.answer(BATCH, _kept(batch))
        pipe.send((azure.url, azure.certificates))
        pipe.recv()


# --- the two sides -----------------------------------------------------------------------------------------------


def open_reader(url: str) -> AzureReader:
    """As open_reader makes it, signed in already, and without waiting: only the work is measured."""
    return reading.open_at(url, limits=UNPACED)


def list_machines(reader: AzureReader) -> Inventory:
    return reader.read_inventory(WEST, config_for(WEB), in_seconds(60))


def requests_for(inventory: Inventory, metrics: tuple[str, ...]) -> list[SeriesRequest]:
    return [request_for(name, each.id) for each in inventory.resources for name in metrics]


def read_metrics(reader: AzureReader, asked: list[SeriesRequest]) -> Readings:
    return reader.read_series(WEST, config_for(WEB), asked, in_seconds(120))


def plain_metrics(client: MetricsClient, machines: list[str]) -> int:
    """All five in one call, as ours."""
    results = client.query_resources(
        resource_ids=machines,
        metric_namespace="Microsoft.Compute/virtualMachines",
        metric_names=[CATALOG.metrics[name].sources[Cloud.AZURE].vendor_name for name in FIVE],
        timespan=(datetime.fromtimestamp(NOON - 300, UTC), datetime.fromtimestamp(NOON, UTC)),
        granularity=timedelta(minutes=1),
        aggregations=["Average", "Total"],
    )
    found = {}
    for machine, result in zip(machines, results, strict=True):
        for metric in result.metrics:
            statistic = "average" if metric.name in AVERAGES else "total"
            data = metric.timeseries[0].data
            found[machine, metric.name] = [(point.timestamp, getattr(point, statistic)) for point in data]
    return sum(map(len, found.values()))


def plain_machines(session: requests.Session, url: str) -> int:
    body = {"subscriptions": [WEB], "query": MACHINES_QUERY, "options": {"$top": PAGE, "resultFormat": "objectArray"}}
    answer = session.post(url + GRAPH, params={"api-version": VERSION}, json=body, timeout=30).json()
    found = [(each["id"], each["name"], each["powerState"], each["tags"], each["created"]) for each in answer["data"]]
    return len(found)


def compare(rounds: int, url: str) -> list[Row]:
    reader, session = open_reader(url), requests.Session()
    client = MetricsClient(f"{url}/westeurope", SignedIn())
    some = [reading.machine_id(f"web-{number:05}") for number in range(TOGETHER)]
    asked = [request_for(name, each) for each in some for name in FIVE]

    def our_metrics() -> int:
        return sum(len(each.times) for each in read_metrics(reader, asked).series)

    return [
        race(
            f"getBatch, {TOGETHER} machines x {len(FIVE)} metrics x {POINTS} points",
            "azure-monitor-querymetrics",
            lambda: plain_metrics(client, some),
            our_metrics,
            TOGETHER * len(FIVE) * POINTS,
            rounds,
        ),
        race(
            f"Resource Graph, {MACHINES:,} machines",  # ours asks two questions more, which bring next to nothing
            "requests + json",
            lambda: plain_machines(session, url),
            lambda: len(list_machines(reader).resources),
            MACHINES,
            rounds,
        ),
    ]


def run_pace(rounds: int, url: str) -> Pace:
    reader = open_reader(url)
    asked = requests_for(list_machines(reader), METRICS)
    return pace(lambda: list_machines(reader), lambda: read_metrics(reader, asked), MACHINES, rounds)


# --- calls -------------------------------------------------------------------------------------------------------


def count_calls(machines: int = FLEET) -> list[Count]:
    """A run over a subscription, and everything that the server saw. A page of Resource Graph holds 1,000 rows; which
    subscriptions answer, and the scale sets' machines, are a question each. A batch holds 50 machines, 20 metrics."""
    with CannedAzure() as azure:
        os.environ["REQUESTS_CA_BUNDLE"] = azure.certificates
        azure.answer(GRAPH, graph(machines))
        azure.answer(BATCH, batch)
        reader = open_reader(azure.url)
        reader.read_scopes(config_for(WEB), in_seconds(60))
        found = list_machines(reader)
        series_read = len(whole(found, read_metrics(reader, requests_for(found, METRICS)), machines))
        return counted(
            azure.asked(""),
            [
                Count("Resource Graph", machines, len(azure.asked(GRAPH)), -(-machines // PAGE) + 2),
                Count("getBatch", series_read, len(azure.asked(BATCH)), -(-machines // TOGETHER)),
            ],
        )


def main() -> None:
    rounds = rounds_wanted(__doc__)
    with in_its_own_process(serve) as server:
        url, os.environ["REQUESTS_CA_BUNDLE"] = server.recv()
        rows, run = compare(rounds, url), run_pace(rounds, url)
    package = "azure-monitor-querymetrics"
    tell("Azure", rounds, rows, count_calls(), run, azure_monitor_querymetrics=version(package))


if __name__ == "__main__":
    main()
