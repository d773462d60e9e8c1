"""Metric reads that fail: what has no whole answer is unknown, and says so; the other metrics go on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from canned_gcp import DESCRIBE, INSTANCES, LIST, Asked, CannedGoogle, Refused, listing, machine, page, series
from gcp_reading import NOON, SCOPE, config_for, in_seconds, open_quick_reader, request_for, shown
from nephoscope.model.errors import Reason
from nephoscope.model.series import Readings, SeriesRequest

CODE = grpc.StatusCode
CPU, NET = request_for("cpu.utilization", "11"), request_for("network.receive", "11")


@pytest.fixture
def google() -> Iterator[CannedGoogle]:
    with CannedGoogle() as canned:
        yield canned


def read(google: CannedGoogle, *requests: SeriesRequest, seconds: float = 20.0, **more: Any) -> Readings:
    return open_quick_reader(google, **more).read_series(SCOPE, config_for(), requests, in_seconds(seconds))


def told(readings: Readings) -> list[tuple[Reason, tuple[str, ...], str]]:
    return [(gap.reason, gap.affected, gap.detail) for gap in readings.gaps]


def test_one_metric_that_is_refused_does_not_hide_the_others(google: CannedGoogle) -> None:
    def answer(asked: Asked) -> Any:
        if "network" in asked.parameters.filter:
            return Refused(CODE.INVALID_ARGUMENT, "aligner does not fit")
        return page(series("11", (NOON, 0.5)))

    google.answer(LIST, answer)
    readings = read(google, CPU, NET)
    assert [each.key.metric for each in readings.series] == ["cpu.utilization"]
    assert told(readings) == [(Reason.REJECTED, ("network.receive",), "aligner does not fit")]
    assert readings.gaps[0].resource_ids == (), "all that were asked for are missing"


def test_an_api_that_is_not_switched_on_is_said_once_for_all_metrics(google: CannedGoogle) -> None:
    google.answer(LIST, Refused(CODE.PERMISSION_DENIED, "", "SERVICE_DISABLED", "monitoring.googleapis.com"))
    readings = read(google, CPU, NET)
    assert readings.series == ()
    (gap,) = readings.gaps
    assert gap.reason is Reason.DENIED
    assert set(gap.affected) == {"cpu.utilization", "network.receive"}
    assert gap.detail.startswith("monitoring.googleapis.com is not enabled: gcloud services enable")


def test_a_metric_that_nobody_writes_is_absent_and_not_unknown(google: CannedGoogle) -> None:
    said = 'Cannot find metric(s) that match type = "agent.googleapis.com/memory/percent_used".'
    google.answer(LIST, Refused(CODE.NOT_FOUND, said))
    readings = read(google, request_for("memory.utilization", "11"))
    assert (readings.series, readings.gaps) == ((), ())


def test_a_project_that_is_not_there_is_a_gap(google: CannedGoogle) -> None:
    google.answer(LIST, Refused(CODE.NOT_FOUND, "Requested entity was not found."))
    assert [gap.reason for gap in read(google, CPU).gaps] == [Reason.NOT_FOUND]


def test_a_later_page_that_fails_leaves_what_came_incomplete(google: CannedGoogle) -> None:
    google.answer(
        LIST, page(series("11", (NOON, 0.5)), nextPageToken="more"), Refused(CODE.INVALID_ARGUMENT, "bad token")
    )
    readings = read(google, CPU, request_for("cpu.utilization", "12"))
    assert [(each.key.resource_id, each.complete, len(each.times)) for each in readings.series] == [
        ("11", False, 1),
        ("12", False, 0),
    ]
    assert told(readings) == [(Reason.REJECTED, ("cpu.utilization",), "bad token")]


def test_execution_errors_make_an_answer_partial(google: CannedGoogle) -> None:
    errors = [{"code": 14, "message": "a shard is away"}]
    google.answer(LIST, page(series("11", (NOON, 0.5)), executionErrors=errors))
    readings = read(google, CPU)
    assert told(readings) == [(Reason.PARTIAL, ("cpu.utilization",), "a shard is away")]
    assert readings.series[0].complete is False


def test_a_page_that_leads_back_to_itself(google: CannedGoogle) -> None:
    google.answer(LIST, page(series("11", (NOON, 0.5)), nextPageToken="again"))
    assert [gap.reason for gap in read(google, CPU).gaps] == [Reason.MALFORMED]
    assert len(google.asked(LIST)) == 2


def test_a_series_that_is_nobodys(google: CannedGoogle) -> None:
    nobodys = series("11", (NOON, 0.5))
    nobodys["resource"]["labels"] = {"zone": "europe-west1-b"}
    google.answer(LIST, page(nobodys))
    assert told(read(google, CPU)) == [(Reason.MALFORMED, ("cpu.utilization",), "a series is not readable")]


def test_bytes_that_are_no_message(google: CannedGoogle) -> None:
    google.answer(LIST, b"\xff\xff\xff")
    assert [gap.reason for gap in read(google, CPU).gaps] == [Reason.UNAVAILABLE]


def test_a_number_that_is_none_is_left_out(google: CannedGoogle) -> None:
    google.answer(LIST, page(series("11", (NOON - 120, "NaN"), (NOON - 60, "Infinity"), (NOON, 0.5))))  # type: ignore[arg-type]
    assert [shown(each) for each in read(google, CPU).series] == [[(-60, 0.5)]]


def test_too_many_calls_are_repeated_after_what_google_asks(google: CannedGoogle) -> None:
    waits: list[float] = []
    google.answer(LIST, Refused(CODE.RESOURCE_EXHAUSTED, retry_seconds=4), page(series("11", (NOON, 0.5))))
    readings = read(google, CPU, sleep=waits.append)
    assert (readings.gaps, len(readings.series)) == ((), 1)
    assert waits[0] >= 4
    assert readings.usage.calls["monitoring.timeSeries.list"] == 2


def test_a_slow_answer_does_not_outlast_the_deadline(google: CannedGoogle) -> None:
    google.answer(LIST, Refused(CODE.UNAVAILABLE, delay=2.0))
    assert [gap.reason for gap in read(google, CPU, seconds=0.6).gaps] == [Reason.DEADLINE]


def test_nobody_listens(google: CannedGoogle) -> None:
    reader = open_quick_reader(google)
    google._grpc.stop(None).wait()
    gaps = reader.read_series(SCOPE, config_for(), [CPU], in_seconds()).gaps
    assert [(gap.reason, gap.affected) for gap in gaps] == [(Reason.UNAVAILABLE, ("cpu.utilization",))]


def test_a_descriptor_that_cannot_be_read_leaves_the_rows_own_figures(google: CannedGoogle) -> None:
    google.answer(LIST, page(series("11", (NOON, 0.5))))
    google.answer(DESCRIBE, Refused(CODE.PERMISSION_DENIED))
    reader = open_quick_reader(google)
    for _ in range(2):
        readings = reader.read_series(SCOPE, config_for(), [CPU], in_seconds())
        assert (readings.gaps, readings.series[0].end, readings.series[0].complete) == ((), NOON, True)
    assert len(google.asked(DESCRIBE)) == 1


def test_more_points_than_a_page_holds(google: CannedGoogle) -> None:
    """100 machines over 20 minutes, 700 points a page."""
    machines = [request_for("cpu.utilization", str(number), start=NOON - 1200) for number in range(100)]
    points = [(machine, at) for machine in range(100) for at in range(NOON, NOON - 1200, -60)]

    def answer(asked: Asked) -> Any:
        assert asked.parameters.page_size == 700
        first = int(asked.parameters.page_token or 0)
        part = points[first : first + 700]
        found = [series(str(machine), (at, machine / 100)) for machine, at in part]
        more = {"nextPageToken": str(first + 700)} if first + 700 < len(points) else {}
        return page(*found, **more)

    google.answer(LIST, answer)
    readings = read(google, *machines, limits={"monitoring.time_series": {"page": 700}})
    assert readings.gaps == ()
    assert len(google.asked(LIST)) == 3
    assert [len(each.times) for each in readings.series] == [20] * 100
    assert {each.key.resource_id: each.values[0] for each in readings.series}["57"] == 0.57


def test_a_lambda_that_asks_for_aws_imports_nothing_of_google() -> None:
    program = (
        "import sys; from nephoscope.app import outside, run; import nephoscope.clouds.aws.reader\n"
        "print([name for name in sys.modules if name.startswith(('google.a', 'google.protobuf', 'grpc'))"
        " or 'clouds.gcp' in name])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_machine_that_disappears_between_listing_and_reading(google: CannedGoogle) -> None:
    google.answer(INSTANCES, listing(machine(1)))
    google.answer(LIST, page())
    reader = open_quick_reader(google)
    (found,) = reader.read_inventory(SCOPE, config_for(), in_seconds()).resources
    readings = reader.read_series(SCOPE, config_for(), [request_for("cpu.utilization", found.id)], in_seconds())
    assert (readings.gaps, [len(each.times) for each in readings.series]) == ((), [0])
