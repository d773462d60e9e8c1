"""Providers, or what stands between, that answer with ten megabytes of what nobody asked for: a gap that says so, soon,
and in bounded memory; never a crash, never a false "no data"."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

import aws_reading
import azure_reading
import canned_aws
import canned_azure
import canned_gcp
import gcp_reading
from nephoscope.clouds.aws.transport import MOST_UNZIPPED, unzip
from nephoscope.model.errors import Reason
from nephoscope.model.scope import Cloud
from nephoscope.model.series import Inventory, Readings

FLOOD = 10_000_000
WORDS = b"this is no answer at all; "
GARBAGE = (WORDS * (FLOOD // len(WORDS) + 1))[:FLOOD]
MOST_HELD = 12 * FLOOD
"""Bytes: the answer, and what a client makes of it on its way to us."""


class Weighed:
    """Seconds and most bytes of what happens within."""

    def __enter__(self) -> Weighed:
        self._began = time.monotonic()
        tracemalloc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._began
        self.most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def read_machines() -> Inventory:
    reader = aws_reading.open_quick_reader(sleep=lambda _: None)
    return reader.read_inventory(aws_reading.SCOPE, aws_reading.config_for(), aws_reading.in_seconds(20.0))


def read_cpu() -> Readings:
    reader = aws_reading.open_quick_reader(sleep=lambda _: None)
    requests = [aws_reading.request_for("cpu.utilization", "i-1")]
    return reader.read_series(aws_reading.SCOPE, aws_reading.config_for(), requests, aws_reading.in_seconds(20.0))


@pytest.mark.parametrize("kind", [canned_aws.XML, canned_aws.JSON, "text/html"])
def test_aws_lists_ten_megabytes_of_nonsense(aws: canned_aws.CannedAws, kind: str) -> None:
    aws.answer("DescribeInstances", lambda _: canned_aws.Reply(GARBAGE, 200, kind))
    with Weighed() as weighed:
        inventory = read_machines()
    assert [gap.reason for gap in inventory.gaps if gap.operation == "ec2:DescribeInstances"] == [Reason.MALFORMED]
    assert inventory.complete == frozenset()
    assert all(len(str(gap)) < 1_000 for gap in inventory.gaps), "an answer is never quoted at length"
    assert weighed.most < MOST_HELD
    assert weighed.seconds < 15


def test_aws_measures_ten_megabytes_of_nonsense(aws: canned_aws.CannedAws) -> None:
    text = json.dumps({"MetricDataResults": "x" * FLOOD}).encode()
    aws.answer("GetMetricData", lambda _: canned_aws.Reply(text, 200, canned_aws.JSON))
    with Weighed() as weighed:
        readings = read_cpu()
    assert readings.series == ()
    assert [(gap.reason, gap.affected) for gap in readings.gaps] == [(Reason.MALFORMED, ("cpu.utilization",))]
    assert all(len(str(gap)) < 1_000 for gap in readings.gaps)
    assert weighed.most < MOST_HELD


def test_a_few_kilobytes_that_unfold_to_a_flood_are_no_answer(aws: canned_aws.CannedAws) -> None:
    bomb = gzip.compress(bytes(4 * MOST_UNZIPPED), 9)
    assert len(bomb) < 1_000_000
    aws.answer("DescribeInstances", lambda _: canned_aws.Reply(bomb, headers={"Content-Encoding": "gzip"}))
    with Weighed() as weighed:
        inventory = read_machines()
    assert [gap.reason for gap in inventory.gaps if gap.operation == "ec2:DescribeInstances"] == [Reason.MALFORMED]
    assert weighed.most < 3 * MOST_UNZIPPED


def test_what_is_as_large_as_it_may_be_is_unzipped() -> None:
    assert len(unzip(gzip.compress(bytes(MOST_UNZIPPED), 1))) == MOST_UNZIPPED
    with pytest.raises(OSError, match="more than"):
        unzip(gzip.compress(bytes(MOST_UNZIPPED + 1), 1))


@pytest.fixture
def google() -> Iterator[canned_gcp.CannedGoogle]:
    with canned_gcp.CannedGoogle() as canned:
        yield canned


def test_google_lists_ten_megabytes_of_nonsense(google: canned_gcp.CannedGoogle) -> None:
    google.answer(canned_gcp.INSTANCES, canned_gcp.rest({"items": "x" * FLOOD}))
    with Weighed() as weighed:
        inventory = gcp_reading.open_quick_reader(google).read_inventory(
            gcp_reading.SCOPE, gcp_reading.config_for(), gcp_reading.in_seconds(20.0)
        )
    assert [gap.reason for gap in inventory.gaps] == [Reason.MALFORMED]
    assert inventory.complete == frozenset()
    assert all(len(str(gap)) < 1_000 for gap in inventory.gaps)
    assert weighed.most < MOST_HELD


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[canned_azure.CannedAzure]:
    with canned_azure.CannedAzure() as canned:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", canned.certificates)
        yield canned


def test_azure_lists_ten_megabytes_of_nonsense(azure: canned_azure.CannedAzure) -> None:
    def nonsense(_: Any) -> canned_azure.Reply:
        return canned_azure.Reply.of({"data": "x" * FLOOD})

    azure.answer(canned_azure.GRAPH, nonsense)
    with Weighed() as weighed:
        found = azure_reading.open_canned(azure).read_scopes(
            azure_reading.config_for(azure_reading.WEB), azure_reading.in_seconds()
        )
    assert [(gap.scope.cloud, gap.reason) for gap in found.gaps] == [(Cloud.AZURE, Reason.MALFORMED)]
    assert all(len(str(gap)) < 1_000 for gap in found.gaps)
    assert weighed.most < MOST_HELD
