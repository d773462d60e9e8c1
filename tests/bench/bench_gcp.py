"""What reading Google costs: processor time beside Google's own client, and calls beside the fewest that are possible.

    python tests/bench/bench_gcp.py [--rounds 15]

The plain side of metrics is what a tutorial writes, list_time_series. google-cloud-compute is no dependency of ours, so
the list of machines stands beside requests and json alone, which is less than any client does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # that a server of ours goes away is no news
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import requests  # noqa: E402
from google.cloud.monitoring_v3 import Aggregation, ListTimeSeriesRequest, MetricServiceClient, TimeInterval  # noqa: E402
from google.oauth2.credentials import Credentials as FixedToken  # noqa: E402
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

from canned_gcp import DESCRIBE, INSTANCES, LIST, Asked, CannedGoogle, Rest, listing, machine, page, series  # noqa: E402
from gcp_reading import NOON, SCOPE, HandClock, config_for, dial_plainly, in_seconds, request_for  # noqa: E402
from nephoscope.catalog.loader import load_catalog  # noqa: E402
from nephoscope.clouds.gcp.inventory import FIELDS  # noqa: E402
from nephoscope.clouds.gcp.reader import GcpReader  # noqa: E402
from nephoscope.clouds.gcp.session import Session  # noqa: E402
from nephoscope.model.series import Inventory, Readings, SeriesRequest  # noqa: E402

MACHINES, PAGE, MOST_POINTS = 1_000, 500, 100_000
MINUTE = 60
LABELS = {"env": "prod", "role": "web"}
PATH = "/compute/v1/projects/acme-web/aggregated/instances"

# --- the answers -------------------------------------------------------------------------------------------------


def series_pages(machines: int) -> Callable[[Asked], bytes]:
    """POINTS points of each machine, in pages of as many points as were asked for, or as Monitoring sends at most."""
    found = [series(machine(number)["id"], *_points(number)) for number in range(machines)]

    @cache
    def answer(first: int, size: int) -> bytes:
        following = first + size // POINTS
        more = {"nextPageToken": str(following)} if following < machines else {}
        sent: bytes = page(*found[first:following], **more).SerializeToString()
        return sent

    return lambda asked: answer(int(asked.parameters.page_token or 0), asked.parameters.page_size or MOST_POINTS)


def _points(number: int) -> list[tuple[int, float]]:
    ends = [NOON - MINUTE * (POINTS - 1 - step) for step in range(POINTS)]
    return [(end, (number * 7919 + step * 104_729) % 100_000 / 100_000.0) for step, end in enumerate(ends)]


def machine_pages(machines: int) -> Callable[[Asked], Rest]:
    """In pages of as many as were asked for."""

    @cache
    def answer(first: int, size: int) -> Rest:
        following = min(first + size, machines)
        more = {"nextPageToken": str(following)} if following < machines else {}
        return listing(*(machine(number, labels=LABELS) for number in range(first, following)), **more)

    return lambda asked: answer(int(asked.parameters.get("pageToken") or 0), int(asked.parameters["maxResults"]))


def serve(pipe: Connection) -> None:
    with CannedGoogle() as google:
        google.answer(LIST, series_pages(MACHINES))
        google.answer(INSTANCES, machine_pages(MACHINES))
        pipe.send(google.endpoints)
        pipe.recv()


# --- the two sides -----------------------------------------------------------------------------------------------


def open_reader(endpoints: Mapping[str, str]) -> GcpReader:
    """As open_reader makes it, except for its identity, a channel without TLS, and that it never waits."""
    clock = HandClock()
    session = Session(clock, endpoints, lambda: FixedToken("a-token"), dial_plainly)  # type: ignore[no-untyped-call]
    return GcpReader(session, load_catalog(), clock, lambda _: None)


def list_machines(reader: GcpReader) -> Inventory:
    return reader.read_inventory(SCOPE, config_for(), in_seconds(60))


def requests_for(inventory: Inventory, metrics: tuple[str, ...]) -> list[SeriesRequest]:
    return [request_for(name, each.id) for each in inventory.resources for name in metrics]


def read_metrics(reader: GcpReader, asked: list[SeriesRequest]) -> Readings:
    return reader.read_series(SCOPE, config_for(), asked, in_seconds(60))


def plain_metrics(client: MetricServiceClient) -> int:
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


def plain_machines(session: requests.Session, url: str) -> int:
    found: list[tuple[Any, ...]] = []
    parameters = {"fields": FIELDS, "maxResults": PAGE}
    while True:
        answer = session.get(url + PATH, params=parameters, timeout=30).json()
        for zone in answer["items"].values():
            found += [
                (each["id"], each["name"], each["status"], each["labels"], each["creationTimestamp"])
                for each in zone.get("instances", ())
            ]
        if "nextPageToken" not in answer:
            return len(found)
        parameters["pageToken"] = answer["nextPageToken"]


def compare(rounds: int, endpoints: Mapping[str, str]) -> list[Row]:
    reader, session = open_reader(endpoints), requests.Session()
    client = dial_plainly(FixedToken("a-token"), endpoints["gcp_monitoring"])  # type: ignore[no-untyped-call]
    asked = requests_for(list_machines(reader), METRICS[:1])

    def our_metrics() -> int:
        return sum(len(each.times) for each in read_metrics(reader, asked).series)

    return [
        race(
            f"ListTimeSeries, {MACHINES:,} series x {POINTS} points",
            "google-cloud-monitoring",
            lambda: plain_metrics(client),
            our_metrics,
            MACHINES * POINTS,
            rounds,
        ),
        race(
            f"instances.aggregatedList, {MACHINES:,} machines",
            "requests + json",
            lambda: plain_machines(session, endpoints["gcp_compute"]),
            lambda: len(list_machines(reader).resources),
            MACHINES,
            rounds,
        ),
    ]


def run_pace(rounds: int, endpoints: Mapping[str, str]) -> Pace:
    reader = open_reader(endpoints)
    asked = requests_for(list_machines(reader), METRICS)
    return pace(lambda: list_machines(reader), lambda: read_metrics(reader, asked), MACHINES, rounds)


# --- calls -------------------------------------------------------------------------------------------------------


def count_calls(machines: int = FLEET) -> list[Count]:
    """A process's first run over a project, and everything that the server saw. Compute's pages hold 500 machines,
    Monitoring's 100,000 points of one metric; each metric's descriptor is read once in a process's life."""
    with CannedGoogle() as google:
        google.answer(LIST, series_pages(machines))
        google.answer(INSTANCES, machine_pages(machines))
        reader = open_reader(google.endpoints)
        reader.read_scopes(config_for(), in_seconds(60))
        found = list_machines(reader)
        series_read = len(whole(found, read_metrics(reader, requests_for(found, METRICS)), machines))
        floors = {
            "instances.aggregatedList": (INSTANCES, machines, -(-machines // PAGE)),
            LIST: (LIST, series_read, len(METRICS) * -(-machines * POINTS // MOST_POINTS)),
            DESCRIBE: (DESCRIBE, len(METRICS), len(METRICS)),
        }
        counts = [Count(what, read, len(google.asked(end)), floor) for what, (end, read, floor) in floors.items()]
        return counted(google.requests, counts)


def main() -> None:
    rounds = rounds_wanted(__doc__)
    with in_its_own_process(serve) as server:
        endpoints = server.recv()
        rows, run = compare(rounds, endpoints), run_pace(rounds, endpoints)
    tell("Google", rounds, rows, count_calls(), run, google_cloud_monitoring=version("google-cloud-monitoring"))


if __name__ == "__main__":
    main()
