"""Numbers, durations and sentences as a person reads them. Every expected text is written by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nephoscope.model.alert import Notification, Subject, TransitionKind, Why
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.pipeline.wording import (
    clean,
    render_duration,
    render_headline,
    render_pair,
    render_subject,
    render_time,
    render_value,
    truncate,
)

AT = 1_795_464_300  # date -u -d '2026-11-23 20:05' +%s

MACHINE = Subject("aws", "111111111111", "eu-west-1", Kind.INSTANCE, "i-0abc", "web-1", "m5.large", "eu-west-1a")
FIRED = Notification(
    id="msg_1",
    alert_key="k",
    seq=1,
    channel="chat",
    fleet="acme",
    rule="cpu-hot",
    severity=Severity.CRITICAL,
    kind=TransitionKind.FIRED,
    why=Why.THRESHOLD_CROSSED,
    subject=MACHINE,
    condition="cpu.utilization > 90 %",
    at=AT,
    metric="cpu.utilization",
    unit="1",
    value=0.934,
    threshold=0.9,
    fired_at=AT,
)
SEEN = replace(FIRED, why=Why.STATE_HELD, condition="state is stopped", metric="", unit="", value=None, threshold=None)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.934, "1", "93.4 %"),
        (0.9, "1", "90 %"),
        (0.0, "1", "0 %"),
        (-0.0, "1", "0 %"),
        (1.0, "1", "100 %"),
        (0.00042, "1", "0.042 %"),
        (12.5, "1", "1,250 %"),
        (0, "By", "0 B"),
        (1, "By", "1 B"),
        (1023, "By", "1,023 B"),
        (1024, "By", "1 KiB"),
        (1_288_490_189, "By", "1.2 GiB"),
        (1_048_575.99, "By", "1 MiB"),
        (5 * 1024**4, "By", "5 TiB"),
        (3 * 1024**7, "By", "3,072 EiB"),
        (-2048, "By", "-2 KiB"),
        (12 * 1024**2, "By/s", "12 MiB/s"),
        (0.2, "s", "200 ms"),
        (0.0000042, "s", "0.0042 ms"),
        (1.5, "s", "1.5 s"),
        (4321.9, "s", "1 h 12 min"),
        (0, "s", "0 s"),
        (1234.56, "{operation}/s", "1,235 operations/s"),
        (1, "{object}", "1 object"),
        (12_345_678, "{object}", "12,345,678 objects"),
        (12.25, "{credit}", "12.2 credits"),
        (2, "{count}", "2"),
        (7.5, "Cel", "7.5 Cel"),
        (7.5, "", "7.5"),
        (None, "1", "no value"),
        (math.nan, "By", "not a number"),
        (math.inf, "1", "not a number"),
    ],
)
def test_a_number_is_written_with_its_unit(value: float | None, unit: str, text: str) -> None:
    assert render_value(value, unit) == text


@pytest.mark.parametrize(
    ("value", "threshold", "unit", "texts"),
    [
        (0.934, 0.9, "1", ("93.4 %", "90 %")),
        (0.90004, 0.9, "1", ("90.004 %", "90 %")),
        (0.9, 0.9, "1", ("90 %", "90 %")),
        (5 * 1024**4 + 1, 5 * 1024**4, "By", ("5497558138881.0 By", "5497558138880.0 By")),
    ],
)
def test_a_number_never_looks_like_the_threshold_it_crossed(
    value: float, threshold: float, unit: str, texts: tuple[str, str]
) -> None:
    assert render_pair(float(value), float(threshold), unit) == texts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (4320, "1 h 12 min"),
        (86_400, "1 d"),
        (86_400 + 60, "1 d"),
        (3 * 86_400 + 4 * 3600 + 59 * 60, "3 d 4 h"),
    ],
)
def test_a_duration_has_at_most_two_parts(seconds: float, text: str) -> None:
    assert render_duration(seconds) == text


def test_a_time_is_utc_and_to_the_minute() -> None:
    assert render_time(AT) == "2026-11-23 20:05 UTC"
    assert render_time(AT + 7) == "2026-11-23 20:05:07 UTC"


MACHINE_TEXT = "web-1 (i-0abc, aws eu-west-1)"


@pytest.mark.parametrize(
    ("notification", "sentence"),
    [
        (FIRED, "cpu.utilization is 93.4 %, above 90 %, since 2026-11-23 20:05 UTC"),
        (replace(FIRED, value=0.05, threshold=0.1), "cpu.utilization is 5 %, below 10 %, since 2026-11-23 20:05 UTC"),
        (
            replace(FIRED, value=0.9),
            "cpu.utilization is 90 %, at the threshold of 90 %, since 2026-11-23 20:05 UTC",
        ),
        (SEEN, "state is stopped, since 2026-11-23 20:05 UTC"),
        (
            replace(FIRED, kind=TransitionKind.RESOLVED, why=Why.RECOVERED, at=AT + 4320, value=0.71, worst=0.971),
            "cpu.utilization is back to 71 % after 1 h 12 min; worst was 97.1 %",
        ),
        (
            replace(SEEN, kind=TransitionKind.RESOLVED, why=Why.RECOVERED, at=AT + 600),
            "recovered, no longer: state is stopped after 10 min",
        ),
        (
            replace(FIRED, kind=TransitionKind.RESOLVED, why=Why.RESOURCE_GONE, at=AT + 720, value=None, worst=0.99),
            "closed after 12 min, because the instance no longer exists; worst was 99 %",
        ),
        (
            replace(FIRED, kind=TransitionKind.RESOLVED, why=Why.RESOURCE_STOPPED, at=AT + 720),
            "closed after 12 min, because the instance was stopped",
        ),
        (
            replace(FIRED, kind=TransitionKind.RESOLVED, why=Why.RULE_WITHDRAWN, at=AT + 720, fired_at=None),
            "closed, because the rule no longer applies to it",
        ),
        (
            replace(FIRED, kind=TransitionKind.WENT_SILENT, why=Why.NO_DATA, value=None),
            "no data for cpu.utilization since 2026-11-23 20:05 UTC",
        ),
        (
            replace(FIRED, kind=TransitionKind.BACK, why=Why.DATA_BACK, at=AT + 300, value=0.4),
            "data for cpu.utilization is back (40 %) after 5 min",
        ),
        (
            replace(FIRED, why=Why.DELIVERY_GIVEN_UP, summary="cpu-hot on web-1 to chat: timeout"),
            "a message could not be delivered and was given up. cpu-hot on web-1 to chat: timeout",
        ),
    ],
)
def test_a_headline_says_what_where_how_much_and_since_when(notification: Notification, sentence: str) -> None:
    assert render_headline(notification) == f"{MACHINE_TEXT}: {sentence}"


@pytest.mark.parametrize("kind", TransitionKind)
@pytest.mark.parametrize("why", Why)
@pytest.mark.parametrize("known", [FIRED, SEEN, replace(SEEN, condition="", fired_at=None)])
def test_every_combination_has_a_sentence(kind: TransitionKind, why: Why, known: Notification) -> None:
    text = render_headline(replace(known, kind=kind, why=why))
    assert text.startswith("This is a test, nothing is wrong. ") == (why is Why.TEST)
    text = text.removeprefix("This is a test, nothing is wrong. ")
    assert text.startswith(f"{MACHINE_TEXT}: ")
    assert len(text) > len(MACHINE_TEXT) + 10
    assert "None" not in text


def test_a_scope_is_its_own_place_and_a_nameless_machine_its_id() -> None:
    scope = Subject("aws", "111111111111", "eu-west-1", Kind.SCOPE, "aws#111111111111#eu-west-1")
    assert render_subject(scope) == "aws 111111111111 eu-west-1"
    assert render_subject(replace(MACHINE, name="")) == "i-0abc (aws eu-west-1)"
    assert render_subject(replace(MACHINE, name="i-0abc")) == "i-0abc (aws eu-west-1)"


def test_the_series_of_a_device_is_named() -> None:
    disk = replace(FIRED, metric="disk.utilization", subject=replace(MACHINE, attributes={"path": "/var\nlib"}))
    assert "disk.utilization [path /var lib] is 93.4 %" in render_headline(disk)


@pytest.mark.parametrize(
    ("foreign", "line"),
    [
        ("web\r\n\r\nAll is well", "web All is well"),
        ("a\x00b\x1b[31mc", "a b [31mc"),
        ("x\u2028y\u2029z\x85w", "x y z w"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("\u2066iso\u2069late\u200e\u200f", "isolate"),
        ("  many \t blanks  ", "many blanks"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("family 👩\u200d👧", "family 👩\u200d👧"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("", ""),
    ],
)
def test_foreign_text_stays_on_one_line_and_shows_all_it_is(foreign: str, line: str) -> None:
    assert clean(foreign) == line


def test_text_is_cut_by_code_points() -> None:
    assert truncate("é" * 5, 5) == "ééééé"
    assert truncate("é" * 6, 5) == "éééé…"
    assert truncate("abc👩\u200d👧", 5) == "abc👩…"


@given(st.text(), st.integers(1, 40))
def test_cleaning_is_final_and_keeps_the_limit(text: str, limit: int) -> None:
    once = clean(text, limit)
    assert len(once) <= limit
    assert clean(once) == once
    assert not set(once) & set("\n\r\x00\x1b\u2028\u202e\u2066")


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(["1", "By", "By/s", "s", "{object}", "x"]))
def test_no_number_breaks_a_message(value: float, unit: str) -> None:
    text = render_value(value, unit)
    assert text
    assert "e+" not in text
