"""The Lambda's entrance: which slot an event is for, how much time there is, when a run is a failure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from functions.aws import handler
from nephoscope.app.entrance import NothingDeliveredError
from nephoscope.app.report import RunReport, ScopeReport
from nephoscope.model.scope import Cloud, Scope

NOW = datetime(2026, 11, 23, 12, 7, 31, tzinfo=UTC).timestamp()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("event", "period", "slot"),
    [
        # the scheduled time, floored to the period
        ({"scheduled_time": "2026-11-23T12:06:43Z"}, 60, "2026-11-23T12:06:00Z"),
        ({"scheduled_time": "2026-11-23T12:06:43Z"}, 300, "2026-11-23T12:05:00Z"),
        ({"scheduled_time": "2026-11-23T12:00:00Z"}, 300, "2026-11-23T12:00:00Z"),
        # an event that came late is still for its own minute
        ({"scheduled_time": "2026-11-23T11:30:00Z"}, 60, "2026-11-23T11:30:00Z"),
        # without a zone it is UTC; with one, it is that
        ({"scheduled_time": "2026-11-23T12:06:43"}, 60, "2026-11-23T12:06:00Z"),
        ({"scheduled_time": "2026-11-23T13:06:43+01:00"}, 60, "2026-11-23T12:06:00Z"),
        # the clock, where no time came
        ({"scheduled_time": "<aws.scheduler.scheduled-time>"}, 60, "2026-11-23T12:07:00Z"),
        ({"scheduled_time": None}, 60, "2026-11-23T12:07:00Z"),
        ({"scheduled_time": 1_795_435_200}, 60, "2026-11-23T12:07:00Z"),
        ({}, 300, "2026-11-23T12:05:00Z"),
        ([], 60, "2026-11-23T12:07:00Z"),
        (None, 60, "2026-11-23T12:07:00Z"),
        # a slip of the hand must not hold up the runs of a year
        ({"scheduled_time": "2027-11-23T12:06:43Z"}, 60, "2026-11-23T12:07:00Z"),
    ],
)
def test_the_slot_is_the_scheduled_time_or_else_the_clock(event: Any, period: int, slot: str) -> None:
    assert handler.slot_of(event, period, NOW) == at(slot)


class Context:
    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.mark.parametrize(
    ("milliseconds", "share", "seconds"),
    [(55_000, 1, 53.0), (14_000, 4, 3.0), (1_000, 1, 0.0), (0, 3, 0.0)],
)
def test_the_deadline_leaves_time_to_leave_in_order(milliseconds: int, share: int, seconds: float) -> None:
    assert handler.deadline_of(Context(milliseconds), share).remaining == pytest.approx(seconds, abs=0.2)


def report(*ended: str, queued: int = 0, errors: tuple[str, ...] = ()) -> RunReport:
    scopes = tuple(
        ScopeReport(Scope(Cloud.AWS, "111111111111", f"r-{n}"), how, error="store down" if how == "failed" else "")
        for n, how in enumerate(ended)
    )
    return RunReport(1_795_435_200, "run", scopes, queued=queued, errors=errors)


@pytest.mark.parametrize(
    "good",
    [
        report("done", "failed"),
        report("repeated"),
        report("superseded"),
        report(queued=12),
        report("done", errors=("CloudWatch dashboard acme: throttled",)),
    ],
)
def test_a_run_that_delivered_anything_is_a_good_one(good: RunReport) -> None:
    assert handler.told(good) == good.as_dict()


@pytest.mark.parametrize(
    ("bad", "said"),
    [(report("failed", "failed"), "store down; store down"), (report(errors=("no scope could be found",)), "no scope")],
)
def test_a_run_that_delivered_nothing_fails_and_says_why(bad: RunReport, said: str) -> None:
    with pytest.raises(NothingDeliveredError, match=said):
        handler.told(bad)
