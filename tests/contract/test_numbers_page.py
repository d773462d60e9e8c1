"""What stands in CloudWatch after real runs, beside the page on numbers: nothing that it does not name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import SystemClock, open_outside
from nephoscope.app.run import collect, sweep
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import simulate
from nephoscope.model.time import Deadline
from tests.numbers_page import SCOPE, read_rows

NOON = 1_795_435_200  # 2026-11-23T12:00:00Z
WRITTEN = """\
fleet: acme
gather: {aws: {regions: [eu-west-1]}}
publish: {elasticsearch: {url: "http://127.0.0.1:9"}}
rules:
  - {name: runs, on: instance, when: state is running}
  - {name: hot, on: instance, when: cpu.utilization > 90 %}
tell:
  nobody: {webhook: "http://127.0.0.1:9/", allow: [http, private]}
"""
"""Port 9 is discard's: nobody listens, so that messages and history are refused and owed."""


class FleetsClock(SystemClock):
    """It is noon where the fleet is."""

    def wall(self) -> float:
        return NOON + 5


def in_seconds(seconds: float) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, set[tuple[str, ...]]]]:
    """Name -> the names of the dimensions under which it stands in CloudWatch."""
    folder: Path = tmp_path_factory.mktemp("numbers")
    (folder / "nephoscope.yaml").write_text(WRITTEN, encoding="utf-8")
    fleet = simulate(3, 20, ("eu-west-1",), start=NOON - 3600, script=())
    with pytest.MonkeyPatch.context() as patch, LocalAws(fleet, with_ministack=False, region="eu-west-1") as aws:
        for name, value in aws.environment().items():
            patch.setenv(name, value)
        settings = Settings(store="sqlite", table=str(folder / "memory.sqlite"), home_region="eu-west-1")
        outside = open_outside(compile_file(folder / "nephoscope.yaml").config, settings, FleetsClock())
        aws.set_time(NOON)
        collect(outside, NOON, in_seconds(30))
        sweep(outside, in_seconds(20))
        pages = aws.client("cloudwatch", "eu-west-1").get_paginator("list_metrics").paginate(Namespace="nephoscope")
        found: dict[str, set[tuple[str, ...]]] = {}
        for metric in (metric for page in pages for metric in page["Metrics"]):
            found.setdefault(metric["MetricName"], set()).add(tuple(sorted(d["Name"] for d in metric["Dimensions"])))
        yield found


def test_all_that_stands_in_cloudwatch_is_on_the_page(series: dict[str, set[tuple[str, ...]]]) -> None:
    assert set(series) - {"cpu.utilization"} <= set(read_rows())


def test_all_that_is_on_the_page_stands_in_cloudwatch_but_for_what_did_not_happen(
    series: dict[str, set[tuple[str, ...]]],
) -> None:
    assert set(read_rows()) - set(series) == {"nephoscope.sent", "nephoscope.dead"}


def test_dimensions_are_those_of_the_page(series: dict[str, set[tuple[str, ...]]]) -> None:
    rows, series = read_rows(), dict(series)
    assert series.pop("cpu.utilization") == {SCOPE}
    assert series.pop("nephoscope.refused") == {(*rows["nephoscope.refused"].dimensions, "reason")}
    assert series == {name: {rows[name].dimensions} for name in series}
