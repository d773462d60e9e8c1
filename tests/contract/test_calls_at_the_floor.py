"""One run's calls over 3,500 machines, counted by the server: no more than the vendors' limits make necessary. The
figures are worked out by hand. Sources: Compute's pages hold 500 machines, Monitoring's 100,000 points, so that a
metric of 3,500 machines is one; Resource Graph's pages 1,000 rows, a metrics batch 50 machines; DescribeInstances
1,000, GetMetricData 500 queries."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nephoscope.localcloud.aws.ministack import sdk_environment

sys.path.append(str(Path(__file__).parents[1] / "bench"))

import bench_clouds
import bench_reading


def test_google() -> None:
    found = {count.what: (count.resources, count.calls) for count in bench_clouds.count_google()}
    assert found == {"Google aggregated/instances": (3500, 7), "Google ListTimeSeries": (10500, 3)}


def test_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "")  # put back afterwards
    found = {count.what: (count.resources, count.calls) for count in bench_clouds.count_azure()}
    # four pages of machines, and a question each for the subscriptions and the scale sets' members
    assert found == {"Azure resources": (3500, 6), "Azure metrics:getBatch": (3500, 70)}


def test_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sdk_environment("http://127.0.0.1:9", region=bench_reading.HOME).items():
        monkeypatch.setenv(name, value)
    counts = bench_reading.count_calls(3_500, ("cpu.utilization", "network.receive", "network.transmit"))
    assert {count.what: count.calls for count in counts} == {
        "DescribeInstances": 4,
        "DescribeInstanceStatus": 4,
        "GetMetricData": 21,
    }
