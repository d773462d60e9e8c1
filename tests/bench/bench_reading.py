"""What reading AWS costs: processor time beside a plain boto3 loop, and calls beside the fewest that are possible.

    python tests/bench/bench_reading.py [--rounds 15]

A server in a process of its own answers canned bytes, so that only the client's processor time is counted
(time.process_time). Both sides take turns in one run; medians are compared, and only the ratio means anything on
another machine. Prints its figures as one JSON object, and a table for people on standard error.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import boto3  # noqa: E402
import botocore  # noqa: E402

from aws_reading import HOME, NOON, SCOPE, config_for, in_seconds, open_quick_reader, request_for  # noqa: E402
from canned_aws import CannedAws, Reply, Request, ec2_reply, json_reply  # noqa: E402
from nephoscope.localcloud.aws.ministack import sdk_environment  # noqa: E402

SERIES, POINTS, INSTANCES = 500, 5, 1_000
PAGE = 1_000
WITHOUT_STATUSES, STOP = "without statuses", "stop"


@dataclass(frozen=True)
class Row:
    """Milliseconds of processor time a call, medians. ratio: how many times less than the plain loop."""

    what: str
    plain_ms: float
    ours_ms: float

    @property
    def ratio(self) -> float:
        return self.plain_ms / self.ours_ms


@dataclass(frozen=True)
class Count:
    """calls: requests that the server saw. floor: ceil(N / limit)."""

    what: str
    resources: int
    calls: int
    floor: int


# --- the answers -------------------------------------------------------------------------------------------------


def metric_data(request: Request) -> Reply:
    """POINTS points for each query, full precision, as CloudWatch sends them."""
    start, period = int(request.parameters["StartTime"]), 300
    times = [float(start + number * period) for number in range(POINTS)]
    results = [
        {
            "Id": query["Id"],
            "Label": f"CPUUtilization i-{number:017x}",
            "Timestamps": times,
            "Values": [(number * 7919 + step * 104729) % 100_000 / 1000.0 + 1e-9 * number for step in range(POINTS)],
            "StatusCode": "Complete",
        }
        for number, query in enumerate(request.parameters["MetricDataQueries"])
    ]
    return json_reply({"MetricDataResults": results, "Messages": []})


def instance_page(first: int, count: int, following: str = "") -> Reply:
    items = "".join(_reservation(number) for number in range(first, first + count))
    token = f"<nextToken>{following}</nextToken>" if following else ""
    return ec2_reply("DescribeInstances", f"<reservationSet>{items}</reservationSet>{token}")


def status_page(first: int, count: int, following: str = "") -> Reply:
    well = "<status>ok</status><details><item><name>reachability</name><status>passed</status></item></details>"
    items = "".join(
        f"<item><instanceId>i-{number:017x}</instanceId><availabilityZone>eu-central-1a</availabilityZone>"
        "<instanceState><code>16</code><name>running</name></instanceState>"
        f"<systemStatus>{well}</systemStatus><instanceStatus>{well}</instanceStatus>"
        f"<attachedEbsStatus>{well}</attachedEbsStatus></item>"
        for number in range(first, first + count)
    )
    token = f"<nextToken>{following}</nextToken>" if following else ""
    return ec2_reply("DescribeInstanceStatus", f"<instanceStatusSet>{items}</instanceStatusSet>{token}")


def _reservation(number: int) -> str:
    """One machine out of a recorded answer, with two network interfaces and tags."""
    text = (ROOT / "tests/golden/aws/describe_instances_two_interfaces.xml").read_text(encoding="utf-8")
    body = text.partition("<reservationSet>")[2].partition("</item>\n <item><reservationId>")[0] + "</item>"
    tags = f"<tagSet><item><key>Name</key><value>web-{number}</value></item>"
    tags += "<item><key>env</key><value>prod</value></item><item><key>role</key><value>web</value></item></tagSet>"
    body = body.replace("i-00000000000000001", f"i-{number:017x}")
    return body.replace("<virtualizationType>", tags + "<virtualizationType>")


# --- the server --------------------------------------------------------------------------------------------------


def serve(pipe: Connection) -> None:
    """A child's whole life: say where it listens, answer until told to stop."""
    with CannedAws() as aws:
        aws.answer("GetMetricData", _kept(metric_data))
        aws.answer("DescribeInstances", _zippable(instance_page(0, INSTANCES)))
        aws.answer("DescribeInstanceStatus", _zippable(status_page(0, INSTANCES)))
        pipe.send(aws.url)
        while pipe.recv() == WITHOUT_STATUSES:
            aws.answer("DescribeInstanceStatus", status_page(0, 0))
            pipe.send("done")


def _kept(make: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """The first answer, again and again: every request of the benchmark is the same."""
    kept: list[Callable[[Request], Reply]] = []

    def answer(request: Request) -> Reply:
        if not kept:
            kept.append(_zippable(make(request)))
        return kept[0](request)

    return answer


def _zippable(reply: Reply) -> Callable[[Request], Reply]:
    """Zipped once, for those who accept it."""
    zipped = Reply(gzip.compress(reply.body), 200, reply.content_type, {"content-encoding": "gzip"})
    return lambda request: zipped if "gzip" in request.headers.get("accept-encoding", "") else reply


# --- the two sides -----------------------------------------------------------------------------------------------


def plain_metrics(client: Any) -> int:
    queries = [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/EC2",
                    "MetricName": "CPUUtilization",
                    "Dimensions": [{"Name": "InstanceId", "Value": f"i-{number:017x}"}],
                },
                "Period": 300,
                "Stat": "Average",
            },
        }
        for number in range(SERIES)
    ]
    found = {}
    window = {"StartTime": datetime.fromtimestamp(NOON - 1500, UTC), "EndTime": datetime.fromtimestamp(NOON, UTC)}
    for page in client.get_paginator("get_metric_data").paginate(MetricDataQueries=queries, **window):
        for result in page["MetricDataResults"]:
            found[result["Id"]] = list(zip(result["Timestamps"], result["Values"], strict=True))
    return sum(map(len, found.values()))


def plain_instances(client: Any) -> int:
    found = []
    for page in client.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": PAGE}):
        for reservation in page["Reservations"]:
            for each in reservation["Instances"]:
                tags = {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])}
                found.append((each["InstanceId"], each["State"]["Name"], tags.get("Name"), each["LaunchTime"]))
    return len(found)


def plain_inventory(client: Any) -> int:
    checks = {}
    paginator = client.get_paginator("describe_instance_status")
    for page in paginator.paginate(IncludeAllInstances=True, PaginationConfig={"PageSize": PAGE}):
        for each in page["InstanceStatuses"]:
            checks[each["InstanceId"]] = (each["SystemStatus"]["Status"], each["InstanceStatus"]["Status"])
    return min(plain_instances(client), len(checks))


def compare(rounds: int, server: Connection) -> list[Row]:
    """Both sides in turns, against one server."""
    config, reader = config_for(), open_quick_reader()
    cloudwatch, ec2 = boto3.client("cloudwatch"), boto3.client("ec2")
    requests = [request_for("cpu.utilization", f"i-{number:017x}") for number in range(SERIES)]

    def our_metrics() -> int:
        readings = reader.read_series(SCOPE, config, requests, in_seconds(60))
        return sum(len(series.times) for series in readings.series)

    def our_inventory() -> int:
        return len(reader.read_inventory(SCOPE, config, in_seconds(60)).resources)

    metrics, listing = f"{SERIES} series x {POINTS} points", f"{INSTANCES:,} instances"
    rows = [
        race(f"GetMetricData, {metrics}", lambda: plain_metrics(cloudwatch), our_metrics, SERIES * POINTS, rounds),
        race(
            f"DescribeInstances + DescribeInstanceStatus, {listing}",
            lambda: plain_inventory(ec2),
            our_inventory,
            INSTANCES,
            rounds,
        ),
    ]
    server.send(WITHOUT_STATUSES)
    server.recv()
    alone = f"DescribeInstances, {listing}"  # ours still makes its second call, which now brings nothing
    return [*rows, race(alone, lambda: plain_instances(ec2), our_inventory, INSTANCES, rounds)]


def race(what: str, plain: Callable[[], int], ours: Callable[[], int], expected: int, rounds: int) -> Row:
    """The first turn of each warms up and shows that both bring the same."""
    for side in (plain, ours):
        if (brought := side()) != expected:
            raise SystemExit(f"{what}: brought {brought} instead of {expected}")
    spent: dict[Callable[[], int], list[float]] = {plain: [], ours: []}
    for _ in range(rounds):
        for side, times in spent.items():
            started = time.process_time()
            side()
            times.append(time.process_time() - started)
    return Row(what, *(1000 * statistics.median(times) for times in spent.values()))


# --- calls -------------------------------------------------------------------------------------------------------


def count_calls(instances: int, metrics: tuple[str, ...]) -> list[Count]:
    """One run over a fleet: what the server saw beside what is possible."""
    pages = [(first, min(PAGE, instances - first)) for first in range(0, instances, PAGE)]
    with CannedAws() as aws:
        os.environ["AWS_ENDPOINT_URL"] = aws.url
        for operation, make in (("DescribeInstances", instance_page), ("DescribeInstanceStatus", status_page)):
            more = [str(first) if first < pages[-1][0] else "" for first, _ in pages]
            aws.answer(operation, *(make(*page, token) for page, token in zip(pages, more, strict=True)))
        aws.answer("GetMetricData", metric_data)
        reader = open_quick_reader()
        found = reader.read_inventory(SCOPE, config_for(), in_seconds(120))
        requests = [request_for(metric, each.id) for each in found.resources for metric in metrics]
        readings = reader.read_series(SCOPE, config_for(), requests, in_seconds(120))
        if found.gaps or readings.gaps or len(readings.series) != instances * len(metrics):
            raise SystemExit(f"not everything was read: {found.gaps or readings.gaps}")
        floors = {
            "DescribeInstances": (instances, len(pages)),
            "DescribeInstanceStatus": (instances, len(pages)),
            "GetMetricData": (len(requests), -(-len(requests) // 500)),
        }
        return [Count(name, number, len(aws.asked(name)), floor) for name, (number, floor) in floors.items()]


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--rounds", type=int, default=15)
    rounds = arguments.parse_args().rounds
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe()
    server = spawning.Process(target=serve, args=(there,), daemon=True)
    server.start()
    os.environ.update(sdk_environment(here.recv(), region=HOME))
    rows = compare(rounds, here)
    here.send(STOP)
    server.join()
    counts = count_calls(3_500, ("cpu.utilization", "network.receive", "network.transmit"))
    show(rows, counts)
    write(rows, counts, rounds)


def show(rows: list[Row], counts: list[Count]) -> None:
    said = [f"{'processor time a call, ms':64} {'boto3':>8} {'ours':>8} {'times less':>11}"]
    said += [f"{row.what:64} {row.plain_ms:8.1f} {row.ours_ms:8.1f} {row.ratio:11.1f}" for row in rows]
    said += ["", f"{'calls for one run':64} {'N':>8} {'calls':>8} {'ceil(N/limit)':>14}"]
    said += [f"{count.what:64} {count.resources:8,} {count.calls:8} {count.floor:14}" for count in counts]
    sys.stderr.write("\n".join(said) + "\n")


def write(rows: list[Row], counts: list[Count], rounds: int) -> None:
    figures = {
        "rounds": rounds,
        "python": platform.python_version(),
        "botocore": botocore.__version__,
        "cpu_ms": [{**asdict(row), "ratio": round(row.ratio, 1)} for row in rows],
        "calls": [asdict(count) for count in counts],
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
