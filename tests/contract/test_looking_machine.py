"""A machine's series for its page: read through the cloud's own reader from a local AWS, kept for a minute."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from alert_records import VirtualClock
from nephoscope.app.looking.machine import Machines
from nephoscope.app.looking.reading import Reading
from nephoscope.app.outside import Outside, open_outside
from nephoscope.app.run import collect
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.resource import Resource
from nephoscope.model.time import Deadline
from nephoscope.pipeline.looking.look import Look
from web_memory import HOT

NOON = 1_795_435_200
MINUTE = 60


@pytest.fixture
def outside(fleet_aws: LocalAws, tmp_path: Path) -> Iterator[Outside]:
    """One run of a region, ten minutes after noon."""
    clock = VirtualClock(NOON + 10 * MINUTE)
    fleet_aws.set_time(clock.now)
    gather = Gather(aws=GatherAws(("eu-central-1",)))
    config = Config("acme", gather, PublishCloudWatch("eu-central-1", "acme"), rules=(HOT,))
    settings = Settings(store="sqlite", table=str(tmp_path / "memory.sqlite"), home_region="eu-central-1")
    opened = open_outside(config, settings, clock)
    collect(opened, NOON + 10 * MINUTE, Deadline(clock.monotonic() + 60, clock.monotonic))
    yield opened


def a_machine(look: Look) -> Resource:
    """One that is measured each minute."""
    return next(one for place in look.places for one in place.machines if one.fine and one.measured)


def test_its_points_are_those_that_the_provider_has(outside: Outside, fleet_aws: LocalAws) -> None:
    look = Reading(outside).read()
    one = a_machine(look)
    read = Machines(outside).read(look, one, "1h")
    (course,) = read.courses
    assert (read.problem, course.metric, course.unit, course.notes) == ("", "cpu.utilization", "%", ())
    (line,) = course.lines
    assert (line.points, course.end - course.start) == (60, 3600)
    assert [limit.value for limit in course.limits] == [90.0, 80.0]
    dimensions = [{"Name": "InstanceId", "Value": one.id}]
    metric = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": dimensions}
    answer = fleet_aws.client("cloudwatch", "eu-central-1").get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": MINUTE, "Stat": "Average"}}],
        StartTime=line.times[0],
        EndTime=line.times[0] + 3 * MINUTE,
        ScanBy="TimestampAscending",
    )
    assert answer["MetricDataResults"][0]["Values"] == pytest.approx(line.values[:3])


def test_it_is_read_once_a_minute(outside: Outside, fleet_aws: LocalAws) -> None:
    look, machines, clock = Reading(outside).read(), Machines(outside), outside.clock
    one = a_machine(look)

    def reads() -> int:
        return sum(entry.action == "cloudwatch:GetMetricData" for entry in fleet_aws.ledger.entries())

    before = reads()
    first = machines.read(look, one, "1h")
    assert machines.read(look, one, "1h") is first
    assert reads() == before + 1
    assert isinstance(clock, VirtualClock)
    clock.sleep(61)
    machines.read(look, one, "1h")
    assert reads() == before + 2


def test_a_cloud_that_is_not_gathered_any_more_is_said_not_to_be(outside: Outside) -> None:
    look = Reading(outside).read()
    read = Machines(replace(outside, readers={})).read(look, a_machine(look), "3h")
    assert (read.courses, read.problem) == ((), "aws is not gathered by this configuration")
