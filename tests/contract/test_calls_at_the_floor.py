"""One run's calls over 3,500 machines, three metrics of each, counted by the server: no more than the vendors' limits
make necessary, and no other call. The figures are worked out by hand. Sources: DescribeInstances and
DescribeInstanceStatus, 1,000 machines a page; GetMetricData, 500 queries; aggregatedList, 500 machines; ListTimeSeries,
100,000 points of one metric; Resource Graph, 1,000 rows; metrics batch, 50 machines and 20 metrics."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from nephoscope.localcloud.aws.ministack import sdk_environment

sys.path.append(str(Path(__file__).parents[1] / "bench"))

import bench_aws
import bench_azure
import bench_gcp
import racing


def test_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sdk_environment("http://127.0.0.1:9", region=bench_aws.HOME).items():
        monkeypatch.setenv(name, value)
    assert seen(bench_aws.count_calls(3_500)) == {
        "DescribeInstances": (3_500, 4),
        "DescribeInstanceStatus": (3_500, 4),
        "GetMetricData": (10_500, 21),
    }


def test_google() -> None:
    # 17,500 points of each metric are one page; what a metric is, is asked once in a process's life
    assert seen(bench_gcp.count_calls(3_500)) == {
        "instances.aggregatedList": (3_500, 7),
        "ListTimeSeries": (10_500, 3),
        "GetMetricDescriptor": (3, 3),
    }


def test_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "")  # put back afterwards
    # four pages of machines, and a question each for the subscriptions and the scale sets' members
    assert seen(bench_azure.count_calls(3_500)) == {"Resource Graph": (3_500, 6), "getBatch": (10_500, 70)}


def seen(counts: Sequence[racing.Count]) -> dict[str, tuple[int, int]]:
    """What was read by how many calls; and the table that `make bench` prints says the same of the fewest."""
    assert [count.floor for count in counts] == [count.calls for count in counts]
    return {count.what: (count.resources, count.calls) for count in counts}
