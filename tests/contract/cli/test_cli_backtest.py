"""`nephoscope backtest` on what the local AWS remembers: read once, replayed as often as one likes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from nephoscope.localcloud.aws.local import LocalAws

FIVE = timedelta(minutes=5)

CONFIG = """\
fleet: acme
gather: {aws: {regions: [eu-central-1]}}
rules:
  - {name: busy, on: instance, when: cpu.utilization > 50 %, for: 10 min}
  - {name: never, on: instance, when: cpu.utilization >= 100 %}
  - {name: down, on: instance, when: state is stopped}
"""


@pytest.fixture
def testing(shell: Any, aws: LocalAws) -> Any:
    """History is that of the wall's time."""
    aws.set_time(None)
    shell.write(CONFIG)
    return shell


def points_of(aws: LocalAws, instance: str, begin: datetime, end: datetime) -> list[tuple[datetime, float]]:
    """(a period's end, percent) of five-minute averages from a plain boto3 client, the oldest first."""
    stat = {
        "Metric": {
            "Namespace": "AWS/EC2",
            "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "InstanceId", "Value": instance}],
        },
        "Period": 300,
        "Stat": "Average",
    }
    answer = aws.client("cloudwatch", "eu-central-1").get_metric_data(
        MetricDataQueries=[{"Id": "a", "MetricStat": stat}], StartTime=begin, EndTime=end, ScanBy="TimestampAscending"
    )
    (result,) = answer["MetricDataResults"]
    return [(at + FIVE, value) for at, value in zip(result["Timestamps"], result["Values"], strict=True)]


def spells(points: list[tuple[datetime, float]]) -> list[datetime]:
    """Ends of the second of two hot periods, where the one before was not so."""
    hot = [one[1] > 50 and other[1] > 50 for one, other in pairwise(points)]
    return [points[n + 1][0] for n in range(1, len(hot)) if hot[n] and not hot[n - 1]]


def plainly_measured(aws: LocalAws) -> list[str]:
    """Running machines without detailed monitoring."""
    answer = aws.client("ec2", "eu-central-1").describe_instances()
    machines = [one for each in answer["Reservations"] for one in each["Instances"]]
    running = [one for one in machines if one["State"]["Name"] == "running"]
    return [one["InstanceId"] for one in running if one["Monitoring"]["State"] == "disabled"]


def test_what_fired_is_what_the_points_say(testing: Any, aws: LocalAws) -> None:
    done = testing("backtest", "--days", "1", "--json", "--record", "day.jsonl")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [line["rule"] for line in found["rules"]] == ["busy", "never"]
    assert found["rules"][0]["fired"] == len(found["firings"]) > 0
    assert "left out, for what was seen is kept nowhere: down" in done.stderr
    assert "USD at list price, at most" in done.stderr

    begin, end = (datetime.fromisoformat(found[name]) for name in ("begin", "end"))
    first = datetime.fromtimestamp(begin.timestamp() // 300 * 300, UTC) - 2 * FIVE
    compared = 0
    for instance in plainly_measured(aws):
        points = points_of(aws, instance, first, end - 2 * FIVE)
        if len(points) < (end - begin) / FIVE - 3:
            continue  # it was stopped for a while, and what its rule makes of that is told elsewhere
        fired = [each["begin"] for each in found["firings"] if each["resource_id"] == instance]
        settled = [at for at in spells(points) if first + 3 * FIVE < at <= end - 2 * FIVE]
        later = [datetime.fromisoformat(at) for at in fired]
        assert [at for at in later if first + 3 * FIVE < at] == settled
        compared += len(settled)
    assert compared > 0

    aws.ledger.clear()
    again = testing("backtest", "--from", "day.jsonl", "--json")
    assert (again.returncode, json.loads(again.stdout)) == (0, found)
    assert aws.ledger.entries() == ()


def test_for_people_the_noisiest_rule_stands_first(testing: Any) -> None:
    shown = testing("backtest", "--days", "1", "--list").stdout.splitlines()
    assert shown[1].split() == ["RULE", "FIRED", "A", "DAY", "RESOLVED", "SILENT", "MEDIAN", "LONGEST", "RESOURCES"]
    assert [line.split()[0] for line in shown[2:4]] == ["busy", "never"]
    assert shown[5].split() == ["FROM", "LASTED", "RULE", "ON", "WORST", "REGION", "ACCOUNT"]
    assert int(shown[2].split()[1]) == len(shown[6:])


def test_what_is_too_dear_is_not_read(testing: Any, aws: LocalAws) -> None:
    done = testing("backtest", "--spend", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert "more than --spend 0.00" in done.stderr
    assert aws.ledger.calls("cloudwatch:GetMetricData") == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("--days", "30"), "--days 30 is more than 14"),
        (("--rule", "hot"), 'no rule is called "hot"; there are busy, down, never, scope-blind'),
        (("--rule", "down"), "no rule on a metric is left to be tried"),
        (("--from", "no.jsonl"), "cannot read no.jsonl: No such file or directory"),
        (("--from", "a", "--record", "b"), "--from reads no cloud: there is nothing to --record"),
    ],
)
def test_what_cannot_be_tried_is_said(testing: Any, call: tuple[str, ...], said: str) -> None:
    done = testing("backtest", *call)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_rule_on_a_group_fires_as_the_mean_of_its_machines_says(testing: Any, aws: LocalAws) -> None:
    """The mean over the running machines of each five minutes, from a plain client; a threshold in the middle of it."""
    now = datetime.now(UTC)
    begin = datetime.fromtimestamp((now - timedelta(days=1)).timestamp() // 300 * 300, UTC)
    means: dict[datetime, list[float]] = {}
    answer = aws.client("ec2", "eu-central-1").describe_instances()
    machines = [one for each in answer["Reservations"] for one in each["Instances"]]
    for one in machines:
        if one["State"]["Name"] == "running":
            for at, value in points_of(aws, one["InstanceId"], begin, now):
                means.setdefault(at, []).append(value)
    course = {at: sum(values) / len(values) for at, values in means.items()}
    middle = round(sorted(course.values())[len(course) // 2], 2)
    testing.write(
        "fleet: acme\ngather: {aws: {regions: [eu-central-1]}}\nrules:\n"
        f"  - {{name: warm, on: instance, when: avg(cpu.utilization) > {middle} %}}\n"
    )
    done = testing("backtest", "--days", "1", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    told = {datetime.fromisoformat(firing["begin"]) for firing in found["firings"]}
    over = sorted(at for at, mean in course.items() if mean > middle)
    begun = {at for at in over if at - FIVE not in over}
    first, last = (datetime.fromisoformat(found[name]) for name in ("begin", "end"))
    sure = {at for at in begun if first + 2 * FIVE < at < last - 4 * FIVE}
    assert len(sure) > 3
    assert sure <= told
    assert {at for at in told if first + 2 * FIVE < at < last - 4 * FIVE} <= begun
    assert found["firings"][0]["name"] == "all instances"
