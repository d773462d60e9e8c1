"""What reading AWS costs: processor time beside a plain boto3 loop, and calls beside the fewest that are possible.

python tests/bench/bench_aws.py [--rounds 15]
"""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import boto3  # noqa: E402
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

from aws_reading import HOME, NOON, SCOPE, config_for, in_seconds, open_quick_reader, request_for  # noqa: E402
from canned_aws import CannedAws, Reply, Request, ec2_reply, json_reply  # noqa: E402
from nephoscope.clouds.aws.reader import AwsReader  # noqa: E402
from nephoscope.localcloud.aws.ministack import sdk_environment  # noqa: E402
from nephoscope.model.series import Inventory, Readings, SeriesRequest  # noqa: E402

SERIES, MACHINES, PAGE, QUERIES = 500, 1_000, 1_000, 500
WITHOUT_STATUSES = "without statuses"

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
    with CannedAws() as aws:
        aws.answer("GetMetricData", _kept(metric_data))
        aws.answer("DescribeInstances", _zippable(instance_page(0, MACHINES)))
        aws.answer("DescribeInstanceStatus", _zippable(status_page(0, MACHINES)))
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


def list_machines(reader: AwsReader) -> Inventory:
    return reader.read_inventory(SCOPE, config_for(), in_seconds(60))


def requests_for(inventory: Inventory, metrics: tuple[str, ...]) -> list[SeriesRequest]:
    return [request_for(metric, each.id) for each in inventory.resources for metric in metrics]


def read_metrics(reader: AwsReader, asked: list[SeriesRequest]) -> Readings:
    return reader.read_series(SCOPE, config_for(), asked, in_seconds(60))


def compare(rounds: int, server: Connection) -> tuple[list[Row], Pace]:
    """Both sides in turns, against one server; and a whole run's reading."""
    reader, cloudwatch, ec2 = open_quick_reader(), boto3.client("cloudwatch"), boto3.client("ec2")
    asked = requests_for(list_machines(reader), METRICS)
    some = [request_for("cpu.utilization", f"i-{number:017x}") for number in range(SERIES)]

    def our_metrics() -> int:
        return sum(len(each.times) for each in read_metrics(reader, some).series)

    def our_machines() -> int:
        return len(list_machines(reader).resources)

    def inventory_row(what: str, plain: Callable[[], int]) -> Row:
        return race(f"{what}, {MACHINES:,} machines", "boto3", plain, our_machines, MACHINES, rounds)

    metrics = f"GetMetricData, {SERIES} series x {POINTS} points"
    rows = [
        race(metrics, "boto3", lambda: plain_metrics(cloudwatch), our_metrics, SERIES * POINTS, rounds),
        inventory_row("DescribeInstances and statuses", lambda: plain_inventory(ec2)),
    ]
    run = pace(lambda: list_machines(reader), lambda: read_metrics(reader, asked), MACHINES, rounds)
    server.send(WITHOUT_STATUSES)  # ours still makes its second call, which now brings nothing
    server.recv()
    return [*rows, inventory_row("DescribeInstances", lambda: plain_instances(ec2))], run


# --- calls -------------------------------------------------------------------------------------------------------


def count_calls(machines: int = FLEET) -> list[Count]:
    """A run over a region, and everything that the server saw. Pages of EC2 hold 1,000 machines, a question to
    CloudWatch 500 metrics."""
    with CannedAws() as aws:
        os.environ["AWS_ENDPOINT_URL"] = aws.url
        aws.answer("DescribeInstances", paged(instance_page, machines))
        aws.answer("DescribeInstanceStatus", paged(status_page, machines))
        aws.answer("GetMetricData", metric_data)
        reader = open_quick_reader()
        found = list_machines(reader)
        series_read = len(whole(found, read_metrics(reader, requests_for(found, METRICS)), machines))
        floors = {
            "DescribeInstances": (machines, -(-machines // PAGE)),
            "DescribeInstanceStatus": (machines, -(-machines // PAGE)),
            "GetMetricData": (series_read, -(-series_read // QUERIES)),
        }
        counts = [Count(name, read, len(aws.asked(name)), floor) for name, (read, floor) in floors.items()]
        return counted(aws.requests, counts)


def paged(make: Callable[[int, int, str], Reply], machines: int) -> Callable[[Request], Reply]:
    """In pages of as many as were asked for."""

    def answer(request: Request) -> Reply:
        first = int(request.parameters.get("NextToken") or 0)
        following = min(first + int(request.parameters["MaxResults"]), machines)
        return make(first, following - first, str(following) if following < machines else "")

    return answer


def main() -> None:
    rounds = rounds_wanted(__doc__)
    with in_its_own_process(serve) as server:
        os.environ.update(sdk_environment(server.recv(), region=HOME))
        rows, run = compare(rounds, server)
    tell("AWS", rounds, rows, count_calls(), run, botocore=version("botocore"))


if __name__ == "__main__":
    main()
