"""What reading Google and Azure costs: processor time beside the vendors' own clients, and calls beside the fewest that
are possible.

    python tests/bench/bench_clouds.py [--rounds 15]

As bench_reading.py: a server in a process of its own answers canned bytes, both sides take turns, medians are compared.
The plain side is what a tutorial writes: google-cloud-monitoring's list_time_series, azure-monitor-querymetrics'
query_resources. google-cloud-compute and azure-mgmt-compute are no dependencies of ours, so inventories stand alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import sys
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(Path(__file__).parent)]

from azure.monitor.querymetrics import MetricsClient  # noqa: E402
from bench_reading import Count, Row, race  # noqa: E402
from google.cloud.monitoring_v3 import Aggregation, ListTimeSeriesRequest, MetricServiceClient, TimeInterval  # noqa: E402
from google.oauth2.credentials import Credentials as FixedToken  # noqa: E402

import azure_reading as azure  # noqa: E402
import gcp_reading as gcp  # noqa: E402
from canned_azure import BATCH, GRAPH, CannedAzure, Reply, SignedIn  # noqa: E402
from canned_gcp import INSTANCES, LIST, CannedGoogle, listing, machine, page, series  # noqa: E402
from nephoscope.catalog.loader import load_catalog  # noqa: E402
from nephoscope.clouds.azure.reader import AzureReader  # noqa: E402
from nephoscope.clouds.azure.session import Sessions  # noqa: E402
from nephoscope.clouds.gcp.reader import GcpReader  # noqa: E402
from nephoscope.clouds.gcp.session import Session  # noqa: E402

NOON, POINTS = gcp.NOON, 5
GOOGLES, AZURES = 1_000, 50
AZURE_METRICS = ("cpu.utilization", "network.receive", "network.transmit", "disk.read", "disk.write")
FLEET = 3_500
CATALOG = load_catalog()


def value(number: int, step: int) -> float:
    return (number * 7919 + step * 104_729) % 100_000 / 100_000.0


# --- the answers -------------------------------------------------------------------------------------------------


def google_page(count: int) -> Any:
    """POINTS points of each machine, a page as Monitoring sends it."""
    ends = [NOON - 60 * (POINTS - 1 - step) for step in range(POINTS)]
    found = [
        series(google_id(number), *((end, value(number, step)) for step, end in enumerate(ends)))
        for number in range(count)
    ]
    return page(*found)


def google_id(number: int) -> str:
    return str(4_000_000_000_000_000_000 + number)


def google_listing(first: int, count: int, following: str = "") -> Any:
    more = {"nextPageToken": following} if following else {}
    return listing(*(machine(number) for number in range(first, first + count)), **more)


def azure_batch(asked: Any) -> Reply:
    """Every metric that was asked for, of every machine that was."""
    names = asked.parameters["metricnames"].split(",")
    answers = {
        each: [
            azure.metric_entry(name, [value(place, step) for step in range(POINTS)], field_of(name)) for name in names
        ]
        for place, each in enumerate(asked.body["resourceids"])
    }
    return Reply.of(azure.batch_of(answers))


def field_of(vendor_name: str) -> str:
    return "average" if vendor_name == "Percentage CPU" else "total"


def azure_id(number: int) -> str:
    return azure.machine_id(f"web-{number:05d}")


# --- the server --------------------------------------------------------------------------------------------------


def serve(pipe: Connection) -> None:
    """A child's whole life: say where it listens, answer until told to stop."""
    with CannedGoogle() as google, CannedAzure() as microsoft:
        google.answer(LIST, google_page(GOOGLES).SerializeToString())
        google.answer(INSTANCES, google_listing(0, 500, "more"), google_listing(500, 500))
        microsoft.answer(BATCH, _kept(azure_batch))
        pipe.send((google.endpoints, microsoft.url, microsoft.certificates))
        pipe.recv()


def _kept(make: Callable[[Any], Reply]) -> Callable[[Any], Reply]:
    """The first answer to each list of metrics, again and again."""
    kept: dict[str, Reply] = {}

    def answer(asked: Any) -> Reply:
        names = asked.parameters["metricnames"]
        if names not in kept:
            kept[names] = make(asked)
        return kept[names]

    return answer


# --- the two sides -----------------------------------------------------------------------------------------------


def open_google(endpoints: Mapping[str, str]) -> GcpReader:
    clock = gcp.HandClock()
    session = Session(clock, endpoints, lambda: FixedToken("a-token"), gcp.dial_plainly)  # type: ignore[no-untyped-call]
    return GcpReader(session, CATALOG, clock, lambda _: None)


def open_azure(url: str) -> AzureReader:
    endpoints = {"azure_management": url, "azure_metrics": url + "/{region}"}
    quick = {"resource_graph.resources": {"per_second": 100_000}, "azure_monitor.metrics": {"per_second": 100_000}}
    limits = {row: figures for row, figures in quick.items() if row in CATALOG.limits}
    return AzureReader(Sessions(SignedIn(), endpoints), CATALOG.overridden(limits, {}), azure.SystemClock(None))


def plain_google(client: MetricServiceClient) -> int:
    request = ListTimeSeriesRequest(
        name="projects/acme-web",
        filter='metric.type = "compute.googleapis.com/instance/cpu/utilization" AND resource.type = "gce_instance"',
        interval=TimeInterval(start_time={"seconds": NOON - 300}, end_time={"seconds": NOON}),
        aggregation=Aggregation(alignment_period={"seconds": 60}, per_series_aligner="ALIGN_MEAN"),
        view=ListTimeSeriesRequest.TimeSeriesView.FULL,
    )
    found = {}
    for result in client.list_time_series(request=request):
        points = [(point.interval.end_time.timestamp(), point.value.double_value) for point in result.points]
        found[result.resource.labels["instance_id"]] = points
    return sum(map(len, found.values()))


def plain_azure(client: MetricsClient) -> int:
    source = [CATALOG.metrics[name].sources["azure"] for name in AZURE_METRICS]  # type: ignore[index]
    found = {}
    for statistic in ("Average", "Total"):
        names = [each.vendor_name for each in source if each.statistic == statistic]
        results = client.query_resources(
            resource_ids=[azure_id(number) for number in range(AZURES)],
            metric_namespace="Microsoft.Compute/virtualMachines",
            metric_names=names,
            timespan=(datetime.fromtimestamp(NOON - 300, UTC), datetime.fromtimestamp(NOON, UTC)),
            granularity=timedelta(minutes=1),
            aggregations=[statistic],
        )
        for result in results:
            for metric in result.metrics:
                data = metric.timeseries[0].data
                found[len(found)] = [(point.timestamp, point.average or point.total) for point in data]
    return sum(map(len, found.values()))


def kilobytes_of(read: Callable[[], object]) -> float:
    """What the answer of a read occupies, and all that it points to, as long as it is held."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = read()
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    if not held:
        raise SystemExit("nothing was read")
    return kept / 1024


def compare(rounds: int, endpoints: Mapping[str, str], url: str) -> tuple[list[Row], float]:
    """The rows, and the kilobytes of a thousand series."""
    reader = open_google(endpoints)
    config = gcp.config_for()
    asked = [gcp.request_for("cpu.utilization", google_id(number)) for number in range(GOOGLES)]
    client = gcp.dial_plainly(FixedToken("a-token"), endpoints["gcp_monitoring"])  # type: ignore[no-untyped-call]

    def our_google() -> int:
        readings = reader.read_series(gcp.SCOPE, config, asked, gcp.in_seconds(60))
        return sum(len(each.times) for each in readings.series)

    microsoft = open_azure(url)
    wanted = [azure.request_for(name, azure_id(number)) for number in range(AZURES) for name in AZURE_METRICS]
    theirs = MetricsClient(f"{url}/westeurope", SignedIn())

    def our_azure() -> int:
        readings = microsoft.read_series(azure.WEST, azure.config_for(azure.WEB), wanted, azure.in_seconds(60))
        return sum(len(each.times) for each in readings.series)

    points = AZURES * len(AZURE_METRICS) * POINTS
    rows = [
        race(
            f"Google ListTimeSeries, {GOOGLES:,} series x {POINTS} points",
            lambda: plain_google(client),
            our_google,
            GOOGLES * POINTS,
            rounds,
        ),
        race(
            f"Azure metrics batch, {AZURES} machines x {len(AZURE_METRICS)} metrics x {POINTS} points",
            lambda: plain_azure(theirs),
            our_azure,
            points,
            rounds,
        ),
    ]
    kept = kilobytes_of(lambda: reader.read_series(gcp.SCOPE, config, asked, gcp.in_seconds(60)).series)
    return rows, kept * 1000 / GOOGLES


# --- calls -------------------------------------------------------------------------------------------------------


def count_google(instances: int = FLEET) -> list[Count]:
    """One run over a project: what the server saw beside what is possible. Compute's pages hold 500 machines,
    Monitoring's 100,000 points."""
    metrics = ("cpu.utilization", "network.receive", "network.transmit")
    with CannedGoogle() as google:
        firsts = range(0, instances, 500)
        google.answer(
            INSTANCES,
            *(
                google_listing(at, min(500, instances - at), str(at + 500) if at + 500 < instances else "")
                for at in firsts
            ),
        )
        google.answer(LIST, google_page(instances).SerializeToString())
        reader = open_google(google.endpoints)
        reader.read_scopes(gcp.config_for(), gcp.in_seconds(120))
        found = reader.read_inventory(gcp.SCOPE, gcp.config_for(), gcp.in_seconds(120))
        asked = [gcp.request_for(name, each.id) for each in found.resources for name in metrics]
        readings = reader.read_series(gcp.SCOPE, gcp.config_for(), asked, gcp.in_seconds(120))
        if found.gaps or readings.gaps or len(readings.series) != instances * len(metrics):
            raise SystemExit(f"not everything was read: {found.gaps or readings.gaps}")
        floors = {INSTANCES: (instances, -(-instances // 500)), LIST: (len(asked), len(metrics))}
        return [
            Count(f"Google {what.strip('/')}", number, len(google.asked(what)), floor)
            for what, (number, floor) in floors.items()
        ]


def count_azure(instances: int = FLEET) -> list[Count]:
    """One run over a subscription. A batch holds 50 machines and all metrics of one statistic and period; a page of
    Resource Graph holds 1,000 rows, and the subscriptions and the scale sets' members are a question each."""
    with CannedAzure() as microsoft:
        os.environ["REQUESTS_CA_BUNDLE"] = microsoft.certificates
        rows = [azure.row(f"web-{number:05d}") for number in range(instances)]
        microsoft.answer(GRAPH, _paged(rows))
        microsoft.answer(BATCH, azure_batch)
        reader, config = open_azure(microsoft.url), azure.config_for(azure.WEB)
        reader.read_scopes(config, azure.in_seconds(120))
        found = reader.read_inventory(azure.WEST, config, azure.in_seconds(120))
        asked = [azure.request_for("cpu.utilization", each.id) for each in found.resources]
        readings = reader.read_series(azure.WEST, config, asked, azure.in_seconds(240))
        if found.gaps or readings.gaps or len(readings.series) != instances:
            raise SystemExit(f"not everything was read: {found.gaps or readings.gaps}")
        floors = {GRAPH: (instances, -(-instances // 1000) + 2), BATCH: (instances, -(-instances // 50))}
        return [
            Count(f"Azure {what.rpartition('/')[2]}", number, len(microsoft.asked(what)), floor)
            for what, (number, floor) in floors.items()
        ]


def _paged(rows: list[Mapping[str, Any]]) -> Callable[[Any], Reply]:
    """Resource Graph's pages, by its skip tokens."""
    whole = azure.graph(rows)

    def reply(asked: Any) -> Reply:
        if asked.body["query"].split("\n")[0] != "resources":
            return whole(asked)
        first = int(asked.body.get("options", {}).get("$skipToken") or 0)
        following = {"$skipToken": str(first + 1000)} if first + 1000 < len(rows) else {}
        return azure.rows_of(rows[first : first + 1000], **following)

    return reply


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--rounds", type=int, default=15)
    rounds = arguments.parse_args().rounds
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe()
    server = spawning.Process(target=serve, args=(there,), daemon=True)
    server.start()
    endpoints, url, certificates = here.recv()
    os.environ["REQUESTS_CA_BUNDLE"] = certificates
    rows, kilobytes = compare(rounds, endpoints, url)
    here.send("stop")
    server.join()
    counts = [*count_google(), *count_azure()]
    show(rows, counts)
    sys.stderr.write(f"\nA thousand series of {POINTS} points are {kilobytes:,.0f} kB in memory.\n")
    figures = {
        "rounds": rounds,
        "kilobytes_a_thousand_series": round(kilobytes),
        "cpu_ms": [{**asdict(row), "ratio": round(row.ratio, 1)} for row in rows],
        "calls": [asdict(count) for count in counts],
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def show(rows: list[Row], counts: list[Count]) -> None:
    said = [f"{'processor time a call, ms':62} {'SDK':>8} {'ours':>8} {'times less':>11}"]
    said += [f"{row.what:62} {row.plain_ms:8.1f} {row.ours_ms:8.1f} {row.ratio:11.1f}" for row in rows]
    said += ["", f"{'calls for one run':62} {'N':>8} {'calls':>8} {'fewest':>11}"]
    said += [f"{count.what:62} {count.resources:8,} {count.calls:8} {count.floor:11}" for count in counts]
    sys.stderr.write("\n".join(said) + "\n")


if __name__ == "__main__":
    main()
