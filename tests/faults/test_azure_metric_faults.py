"""Metric reads of Azure that fail in part or in whole. A bad resource costs only itself; the rest is unknown."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for canned_azure, which several rooms of the tests use

from azure_reading import (
    NOON,
    WEB,
    WEST,
    batch_of,
    config_for,
    in_seconds,
    machine_id,
    metric_entry,
    open_canned,
    request_for,
)
from canned_azure import BATCH, Asked, CannedAzure, Reply, refusal
from nephoscope.model.errors import Reason
from nephoscope.model.series import Readings, SeriesRequest

CPU, IN = "cpu.utilization", "network.receive"
ACTION = "Microsoft.Insights/metrics/read"
SETTLED = NOON + 240.0
"""The newest minute that is asked for, 11:59, is final four minutes after its end."""


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[CannedAzure]:
    with CannedAzure() as canned:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", canned.certificates)
        yield canned


def read(azure: CannedAzure, requests: Sequence[SeriesRequest], *, seconds: float = 20, **how: Any) -> Readings:
    return open_canned(azure, **how).read_series(WEST, config_for(WEB), requests, in_seconds(seconds))


def machines(number: int, metric: str = CPU) -> list[SeriesRequest]:
    return [request_for(metric, machine_id(f"m{place:02}")) for place in range(number)]


def good(asked: Asked) -> Reply:
    """A half for every machine that was asked for."""
    return Reply.of(
        batch_of({name: [metric_entry("Percentage CPU", [50.0] * 5)] for name in asked.body["resourceids"]})
    )


def bad_for(name: str, status: int = 404, code: str = "ResourceNotFound") -> Any:
    def reply(asked: Asked) -> Reply:
        return refusal(status, code) if name in asked.body["resourceids"] else good(asked)

    return reply


@pytest.mark.parametrize(("status", "code"), [(404, "ResourceNotFound"), (400, "BadRequest")])
def test_one_bad_machine_in_fifty_costs_only_itself(azure: CannedAzure, status: int, code: str) -> None:
    bad = machine_id("m17")
    azure.answer(BATCH, bad_for(bad, status, code))
    found = read(azure, machines(50))
    assert len(found.series) == 49
    assert bad not in {each.key.resource_id for each in found.series}
    assert [(gap.affected, gap.resource_ids) for gap in found.gaps] == [((CPU,), (bad,))]
    assert found.usage.calls[ACTION] == len(azure.asked(BATCH)) <= 1 + 2 * 6
    assert found.usage.units[ACTION] < found.usage.calls[ACTION]


def test_a_metric_that_is_refused_costs_only_itself(azure: CannedAzure) -> None:
    def reply(asked: Asked) -> Reply:
        return refusal(400, "BadRequest") if "Network" in asked.parameters["metricnames"] else good(asked)

    azure.answer(BATCH, reply)
    found = read(azure, machines(1) + machines(1, IN))
    assert [each.key.metric for each in found.series] == [CPU]
    assert [(gap.reason, gap.affected, gap.resource_ids) for gap in found.gaps] == [(Reason.REJECTED, (IN,), ())]


def test_where_everything_is_bad_it_stops_asking(azure: CannedAzure) -> None:
    azure.answer(BATCH, refusal(400, "BadRequest"))
    found = read(azure, machines(500))
    assert (len(found.series), len(found.gaps)) == (0, 1)
    assert (found.gaps[0].affected, found.gaps[0].resource_ids) == ((CPU,), ())
    assert len(azure.asked(BATCH)) <= 10 + 2 * 64


def test_no_permission_is_asked_for_no_more_than_needed(azure: CannedAzure) -> None:
    azure.answer(BATCH, refusal(403, "AuthorizationFailed"))
    found = read(azure, machines(500))
    assert [(gap.reason, gap.resource_ids) for gap in found.gaps] == [(Reason.DENIED, ())]
    assert len(azure.asked(BATCH)) <= 4


def test_a_throttled_batch_waits_as_long_as_it_is_told(azure: CannedAzure) -> None:
    waited: list[float] = []
    azure.answer(BATCH, refusal(429, "TooManyRequests", Retry_After="2"), good)
    found = read(azure, machines(1), sleep=waited.append)
    assert (len(found.series), found.gaps) == (1, ())
    assert [seconds for seconds in waited if seconds >= 2]
    assert (found.usage.calls, found.usage.units) == ({ACTION: 2}, {ACTION: 1})


def test_a_machine_that_is_passed_over_is_unknown(azure: CannedAzure) -> None:
    azure.answer(BATCH, Reply.of(batch_of({machine_id("m00"): [metric_entry("Percentage CPU", [1.0])]})))
    found = read(azure, machines(2))
    assert [each.key.resource_id for each in found.series] == [machine_id("m00")]
    assert [(gap.reason, gap.resource_ids) for gap in found.gaps] == [(Reason.PARTIAL, (machine_id("m01"),))]


def test_an_answer_with_as_many_series_as_were_allowed_was_cut_off(azure: CannedAzure) -> None:
    """The vendor says nothing of it. We ask for one more than there can be: two machines, three."""
    many = metric_entry("Percentage CPU", [1.0] * 5)
    many["timeseries"] *= 3
    empty = metric_entry("Percentage CPU", [])
    azure.answer(BATCH, Reply.of(batch_of({machine_id("m00"): [many], machine_id("m01"): [empty]})))
    found = read(azure, machines(2))
    assert azure.asked(BATCH)[0].parameters["top"] == "3"
    assert {(gap.reason, gap.detail, gap.resource_ids) for gap in found.gaps} == {
        (Reason.MALFORMED, "several series came for one metric", (machine_id("m00"),)),
        (Reason.PARTIAL, "the answer was cut off", (machine_id("m01"),)),
    }
    assert not any(each.complete for each in found.series)


def test_zeros_at_the_end_are_unknown_until_they_are_final(azure: CannedAzure) -> None:
    answer = batch_of({machine_id("m00"): [metric_entry("Percentage CPU", [0.0, 50.0, 0.0, 0.0, 0.0])]})
    azure.answer(BATCH, Reply.of(answer))
    (early,) = read(azure, machines(1), at=SETTLED - 61).series  # the last two minutes may still change
    assert list(early.times) == [NOON - 300, NOON - 240, NOON - 180]
    assert early.complete is False
    (late,) = read(azure, machines(1), at=SETTLED).series
    assert (len(late.times), late.complete) == (5, True)


def test_a_clock_that_is_slow_makes_zeros_unknown_and_never_other_values(azure: CannedAzure) -> None:
    """What is asked for follows the schedule's time; the machine's own clock says only how old an answer is."""
    answer = batch_of({machine_id("m00"): [metric_entry("Percentage CPU", [50.0, 0.0, 50.0, 50.0, 0.0])]})
    azure.answer(BATCH, Reply.of(answer))
    (slow,) = read(azure, machines(1), at=SETTLED - 3600).series
    assert list(slow.values) == [0.5, 0.0, 0.5, 0.5]
    assert slow.complete is False
    (fast,) = read(azure, machines(1), at=SETTLED + 3600).series
    assert (list(fast.values), fast.complete) == ([0.5, 0.0, 0.5, 0.5, 0.0], True)


def test_points_outside_the_window_and_no_numbers_are_left_out(azure: CannedAzure) -> None:
    entry = metric_entry("Percentage CPU", [10.0] * 7)
    body = Reply.of(batch_of({machine_id("m00"): [entry]})).body.replace(b"10.0", b"NaN", 3)
    azure.answer(BATCH, Reply(body))
    (series,) = read(azure, machines(1)).series
    assert (list(series.times), list(series.values)) == ([NOON - 60 * n for n in (4, 3, 2, 1)], [0.1] * 4)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("Forbidden", Reason.DENIED), ("Throttled", Reason.THROTTLED), ("ServiceUnavailable", Reason.UNAVAILABLE),
     ("NobodyKnows", Reason.PARTIAL)],
)  # fmt: skip
def test_a_metrics_own_error(azure: CannedAzure, code: str, reason: Reason) -> None:
    entries = [metric_entry("Percentage CPU", [50.0] * 5, errorCode=code, errorMessage="why")]
    azure.answer(BATCH, Reply.of(batch_of({machine_id("m00"): entries})))
    found = read(azure, machines(1))
    assert [(gap.reason, gap.detail) for gap in found.gaps] == [(reason, f"{code}: why")]
    assert [(len(each.times), each.complete) for each in found.series] == [(5, False)]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"values": [{}]}', b'{"values": [{"resourceid": 1}]}']
)
def test_what_is_no_answer(azure: CannedAzure, body: bytes) -> None:
    azure.answer(BATCH, Reply(body))
    found = read(azure, machines(1))
    assert (found.series, [gap.reason for gap in found.gaps]) == ((), [Reason.MALFORMED])


def test_a_region_that_does_not_answer_leaves_the_others(azure: CannedAzure) -> None:
    azure.answer(BATCH, good)
    found = read(azure, machines(1), metrics="https://127.0.0.1:1/{region}", sleep=lambda _: None, seconds=5)
    assert [gap.reason for gap in found.gaps] == [Reason.UNAVAILABLE]
    assert found.usage.calls == {ACTION: 3}
    assert read(azure, machines(1)).gaps == ()


def test_no_time_is_left(azure: CannedAzure) -> None:
    found = read(azure, machines(1), seconds=0.1)
    assert ([gap.reason for gap in found.gaps], azure.asked(BATCH)) == ([Reason.DEADLINE], [])


def test_nothing_is_asked_where_nothing_is_needed(azure: CannedAzure) -> None:
    assert read(azure, []) == Readings()
