"""The forecast of `validate` against what the local cloud counted in an hour: calls, billed units, series.

Sixty real runs, through the real SDK, over one hour of a fleet's time in which nothing goes wrong.
"""

import time
from dataclasses import replace

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import SystemClock, open_outside
from nephoscope.app.run import collect
from nephoscope.app.settings import Settings
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import simulate
from nephoscope.model.time import Deadline
from nephoscope.pipeline.cost import SERIES, forecast

HOUR = 1_795_435_200  # 2026-11-23T12:00:00Z
STARTER = "fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\n"


@pytest.fixture(scope="module")
def hour(tmp_path_factory):
    """(what was forecast, what the ledger saw, the custom series that stand in CloudWatch, the actions called)"""
    folder = tmp_path_factory.mktemp("bill")
    (folder / "nephoscope.yaml").write_text(STARTER)
    config = compile_file(folder / "nephoscope.yaml").config
    fleet = simulate(3, 300, ("eu-west-1",), start=HOUR - 3600, script=())
    with pytest.MonkeyPatch.context() as patch, LocalAws(fleet, with_ministack=False, region="eu-west-1") as aws:
        for name, value in aws.environment().items():
            patch.setenv(name, value)
        aws.set_time(HOUR)
        settings = Settings(store="sqlite", table=str(folder / "memory.sqlite"), home_region="eu-west-1")
        outside = open_outside(config, settings, SystemClock())
        _run(aws, outside, HOUR - 60)  # the first run of a fleet reads what the hour before left
        resources = {report.scope: _resources(outside, report.scope) for report in _run(aws, outside, HOUR).scopes}
        aws.ledger.clear()
        for minute in range(1, 61):
            _run(aws, outside, HOUR + 60 * minute)
        called = frozenset(aws.ledger.summary())
        yield forecast(config, resources, load_catalog(), dashboards=1), aws.ledger, _series(aws), called


def _run(aws, outside, slot):
    aws.set_time(slot)
    report = collect(outside, slot, Deadline(time.monotonic() + 30, time.monotonic))
    assert [each.ended for each in report.scopes] == ["done"]
    assert report.errors == ()
    assert report.all_gaps == ()
    return report


def _resources(outside, scope):
    snapshot = outside.memory.read_snapshot(scope)
    return [replace(resource) for resource in snapshot.resources]


def _series(aws):
    pages = aws.client("cloudwatch", "eu-west-1").get_paginator("list_metrics").paginate(Namespace="nephoscope")
    return [metric["MetricName"] for page in pages for metric in page["Metrics"]]


def test_reading_costs_what_was_forecast(hour):
    bill, ledger, _, _ = hour
    line = next(line for line in bill.lines if line.what == "cloudwatch:GetMetricData")
    assert ledger.calls(line.what) == line.calls
    assert ledger.units(line.what) == line.units
    assert line.units > 3600  # some of the 300 have detailed monitoring, and a stopped one is not asked for


@pytest.mark.parametrize("action", ["ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "cloudwatch:PutMetricData"])
def test_calls_are_as_many_as_were_forecast(hour, action):
    bill, ledger, _, _ = hour
    sweeper = 12 if action == "cloudwatch:PutMetricData" else 0  # the other function, which did not run here
    line = next(line for line in bill.lines if line.what == action)
    assert ledger.calls(action) == line.calls - sweeper


def test_nothing_is_called_that_was_not_forecast(hour):
    bill, _, _, called = hour
    assert called <= {line.what for line in bill.lines}


def test_no_more_series_stand_in_cloudwatch_than_were_forecast(hour):
    bill, _, series, _ = hour
    sweepers = {"nephoscope.owed", "nephoscope.oldest_owed"}
    assert len({*series} | sweepers) == bill.series
    assert next(line for line in bill.lines if line.what == SERIES).units == bill.series
