"""Maintenance windows and silences: when each is open. Local times and offsets are from the zones' published rules:
Europe/Berlin is UTC+1, from the last Sunday of March, 01:00 UTC, to the last Sunday of October, 01:00 UTC, UTC+2."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nephoscope.model.quiet import Matcher, QuietWindow, Silence
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Comparison, Rule, Selector, Severity, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.cron import CronError, parse_cron
from nephoscope.pipeline.quiet import Mute, active_mutes, covers, message_muted_by, muted_by
from tests.alert_records import a_notification


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def open_minutes(window: QuietWindow, first: str, last: str) -> list[str]:
    """`HH:MM` in UTC of the first and the last open minute of each stretch between the two times."""
    start, end = utc(first), utc(last)
    held = [at for at in range(start, end, 60) if covers(window, at)]
    edges = [at for at in held if at - 60 not in held or at + 60 not in held]
    return [datetime.fromtimestamp(at, UTC).strftime("%H:%M") for at in edges]


SUNDAY_NIGHT = QuietWindow("patching", zone="Europe/Berlin", days=(6,), begin=120, end=240)


def test_a_weekly_window_follows_its_zones_clock() -> None:
    # Sunday 2026-01-11 02:00 to 04:00 in Berlin is 01:00 to 03:00 UTC; in July it is 00:00 to 02:00
    assert open_minutes(SUNDAY_NIGHT, "2026-01-10T12:00", "2026-01-12T12:00") == ["01:00", "02:59"]
    assert open_minutes(SUNDAY_NIGHT, "2026-07-11T12:00", "2026-07-13T12:00") == ["00:00", "01:59"]


def test_the_hour_that_spring_skips_is_not_missed_and_the_one_that_autumn_repeats_is_quiet_twice() -> None:
    # 2026-03-29: 02:00 becomes 03:00, so the window is the one hour from 01:00 UTC on
    assert open_minutes(SUNDAY_NIGHT, "2026-03-28T12:00", "2026-03-30T12:00") == ["01:00", "01:59"]
    # 2026-10-25: from 02:00 summer time (00:00 UTC) to 04:00 winter time (03:00 UTC)
    assert open_minutes(SUNDAY_NIGHT, "2026-10-24T12:00", "2026-10-26T12:00") == ["00:00", "02:59"]


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    nights = QuietWindow("nights", days=(4,), begin=22 * 60, end=6 * 60)  # Friday 22:00 to Saturday 06:00
    assert covers(nights, utc("2026-11-27T22:00"))
    assert covers(nights, utc("2026-11-28T05:59"))
    assert not covers(nights, utc("2026-11-28T06:00"))
    assert not covers(nights, utc("2026-11-28T22:00"))
    assert not covers(nights, utc("2026-11-27T05:00"))


def test_a_window_by_cron_lasts_from_each_minute_that_fits() -> None:
    nightly = QuietWindow("backup", zone="Europe/Berlin", cron="30 2 * * *", lasts=3600)
    assert open_minutes(nightly, "2026-01-10T00:00", "2026-01-10T12:00") == ["01:30", "02:29"]
    # in the spring night there is no 02:30: it begins when that has been skipped, at 03:00 (01:00 UTC)
    assert open_minutes(nightly, "2026-03-29T00:00", "2026-03-29T12:00") == ["01:00", "01:59"]
    # in the autumn night there are two: the first begins it, 00:30 UTC, and it lasts an hour
    assert open_minutes(nightly, "2026-10-25T00:00", "2026-10-25T12:00") == ["00:30", "01:29"]


def test_a_single_window_is_half_open() -> None:
    once = QuietWindow("move", starts=utc("2026-12-24T17:00"), ends=utc("2026-12-24T18:00"))
    assert [covers(once, utc(f"2026-12-24T{at}")) for at in ("16:59", "17:00", "17:59", "18:00")] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("expression", "at", "fits"),
    [
        ("* * * * *", "2026-11-26T07:41", True),
        ("0 2 * * 0", "2026-11-29T02:00", True),  # a Sunday
        ("0 2 * * 7", "2026-11-29T02:00", True),
        ("0 2 * * 0", "2026-11-30T02:00", False),
        ("*/15 8-10 * * 1-5", "2026-11-26T09:45", True),
        ("*/15 8-10 * * 1-5", "2026-11-26T09:50", False),
        ("*/15 8-10 * * 1-5", "2026-11-28T09:45", False),
        ("0 0 1,15 * *", "2026-11-15T00:00", True),
        ("0 0 13 * 5", "2026-11-13T00:00", True),
        ("0 0 13 * 5", "2026-11-20T00:00", True),  # both restricted: either will do
        ("5/20 * * * *", "2026-11-26T07:45", True),
        ("0 0 29 2 *", "2028-02-29T00:00", True),
    ],
)
def test_cron_expressions(expression: str, at: str, fits: bool) -> None:
    assert parse_cron(expression).fits(datetime.fromisoformat(at)) is fits


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("0 2 * *", "4 fields; five are needed"),
        ("61 2 * * *", '"61" is no minute: 0 to 59'),
        ("0 2-1 * * *", '"2-1" is no hour'),
        ("0 2 * jan *", '"jan" is no month'),
        ("*/0 * * * *", '"*/0" is no minute'),
        ("0 0 0 * *", '"0" is no day of the month'),
    ],
)
def test_what_is_no_cron_expression_says_which_field(expression: str, said: str) -> None:
    with pytest.raises(CronError, match=re.escape(said)):
        parse_cron(expression)


MACHINE = Resource(
    Scope(Cloud.AWS, "111111111111", "eu-west-1"), Kind.INSTANCE, "i-0abc", "web-prod-7", tags={"env": "prod"}
)
RULE = Rule(
    "cpu-hot",
    Kind.INSTANCE,
    Threshold("cpu.utilization", Comparison.GREATER, 0.9),
    severity=Severity.CRITICAL,
    labels={"team": "web"},
)


@pytest.mark.parametrize(
    ("matcher", "fits"),
    [
        (Matcher(), True),
        (Matcher(rules=("cpu-*",)), True),
        (Matcher(rules=("down", "cpu-hot")), True),
        (Matcher(rules=("cpu",)), False),
        (Matcher(resources=("web-prod-*",)), True),
        (Matcher(resources=("i-0abc",)), True),
        (Matcher(resources=("WEB-*",)), False),
        (Matcher(severities=("critical",)), True),
        (Matcher(severities=("info", "warning")), False),
        (Matcher(clouds=("gcp",)), False),
        (Matcher(accounts=("111111111111",), regions=("eu-*",)), True),
        (Matcher(regions=("us-*",)), False),
        (Matcher(where=Selector({"env": ("staging", "prod")})), True),
        (Matcher(where=Selector({"env": ("*",), "role": ("*",)})), False),
        (Matcher(labels={"team": "web"}), True),
        (Matcher(labels={"team": "data"}), False),
        (Matcher(rules=("cpu-hot",), regions=("us-*",)), False),  # all that is named must fit
    ],
)
def test_everything_that_a_matcher_names_must_fit(matcher: Matcher, fits: bool) -> None:
    assert matcher.matches(RULE, MACHINE) is fits


def test_what_mutes_is_named_and_a_silence_ends() -> None:
    silence = Silence("ab12", Matcher(rules=("cpu-hot",)), starts=100, ends=200, by="ana")
    assert muted_by(active_mutes((), (silence,), 100), RULE, MACHINE) == "silence ab12"
    assert muted_by(active_mutes((), (silence,), 200), RULE, MACHINE) == ""
    window = QuietWindow("move", starts=0, ends=300)
    assert muted_by(active_mutes((window,), (silence,), 150), RULE, MACHINE) == "window move"


def test_what_watches_nephoscope_itself_is_muted_by_its_name_only() -> None:
    blind = Rule("scope-blind", Kind.INSTANCE, RULE.when, origin="built-in")
    everything = QuietWindow("all", starts=0, ends=300)
    by_name = QuietWindow("blind", Matcher(rules=("scope-blind",)), starts=0, ends=300)
    assert muted_by(active_mutes((everything,), (), 1), blind, MACHINE) == ""
    assert muted_by(active_mutes((by_name,), (), 1), blind, MACHINE) == "window blind"


def test_a_message_of_no_cloud_or_of_one_that_is_not_known_is_asked_about_all_the_same() -> None:
    """A group over several clouds names none; a newer version may know more of them."""
    everything = Mute("silence s1", Matcher())
    for cloud in ("", "oracle"):
        message = a_notification("k1")
        message = replace(message, subject=replace(message.subject, cloud=cloud))
        assert message_muted_by((everything,), message, None, Cloud.AWS) == "silence s1"
        assert message_muted_by((), message, None, Cloud.AWS) == ""
