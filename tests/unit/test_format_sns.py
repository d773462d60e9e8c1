"""What is published to a topic: exact texts by hand, SNS's limits, and other people's text."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nephoscope.model.alert import Notification, Subject, TransitionKind, Why
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.notifiers.formats.cloudevent import render_cloudevent
from nephoscope.notifiers.formats.sns import Publication, render_sns, render_subject_line, render_text

AT = 1_795_464_300  # 2026-11-23 20:05 UTC
MACHINE = Subject(
    "aws", "111111111111", "eu-west-1", Kind.INSTANCE, "i-0abc", "web-1", "m5.large", "eu-west-1a", "running"
)
FIRED = Notification(
    id="msg_1",
    alert_key="0123456789abcdef0123456789abcdef",
    seq=3,
    channel="oncall",
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
    runbook="https://wiki.example/cpu",
    links={"instance": "https://console.example/i-0abc"},
)
RESOLVED = replace(FIRED, kind=TransitionKind.RESOLVED, why=Why.RECOVERED, at=AT + 4320, value=0.71, worst=0.971)


@pytest.mark.parametrize(
    ("notification", "subject"),
    [
        (FIRED, "CRITICAL cpu-hot: web-1 93.4 % (aws eu-west-1)"),
        (RESOLVED, "RESOLVED cpu-hot: web-1 after 1 h 12 min (aws eu-west-1)"),
        (replace(FIRED, value=None), "CRITICAL cpu-hot: web-1 (aws eu-west-1)"),
        (replace(FIRED, subject=replace(MACHINE, name="")), "CRITICAL cpu-hot: i-0abc 93.4 % (aws eu-west-1)"),
        (replace(FIRED, kind=TransitionKind.WENT_SILENT, value=None), "NO DATA cpu-hot: web-1 (aws eu-west-1)"),
        (replace(FIRED, rule="é–ø", value=None), "CRITICAL e-?: web-1 (aws eu-west-1)"),
        (replace(FIRED, rule="火火 hot", value=None), "CRITICAL ? hot: web-1 (aws eu-west-1)"),
        (
            replace(FIRED, rule="a\r\nBcc: x@evil.example\r\n", value=None),
            "CRITICAL a Bcc: x@evil.example: web-1 (aws eu-west-1)",
        ),
        (
            replace(FIRED, subject=replace(MACHINE, kind=Kind.SCOPE, name="", id="aws#1#2"), value=None),
            "CRITICAL cpu-hot: 111111111111 (aws eu-west-1)",
        ),
    ],
)
def test_a_subject_is_read_on_a_telephone(notification: Notification, subject: str) -> None:
    assert render_subject_line(notification) == subject


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_subject_is_always_one_that_sns_takes(rule: str, name: str) -> None:
    subject = render_subject_line(replace(FIRED, rule=rule, subject=replace(MACHINE, name=name)))
    assert re.fullmatch(r"[A-Za-z0-9][ -~]{0,98}", subject)


def test_the_text_is_for_people() -> None:
    assert render_text(replace(RESOLVED, episode=2, seq=4)) == (
        "RESOLVED: web-1 (i-0abc, aws eu-west-1): cpu.utilization is back to 71 % after 1 h 12 min; "
        "worst was 97.1 %\n"
        "\n"
        "Rule:        cpu-hot (critical): cpu.utilization > 90 %\n"
        "Resource:    instance i-0abc web-1 m5.large running\n"
        "Where:       aws 111111111111 eu-west-1a\n"
        "Value:       71 %\n"
        "Worst:       97.1 %\n"
        "Since:       2026-11-23 20:05 UTC\n"
        "Until:       2026-11-23 21:17 UTC\n"
        "Alert:       the end (episode 2, message 4)\n"
        "Runbook:     https://wiki.example/cpu\n"
        "Timeline:    nephoscope timeline 0123456789\n"
        "Instance:    https://console.example/i-0abc\n"
        "Message:     msg_1\n"
    )


def test_who_reads_the_text_can_do_something_about_it() -> None:
    lines = render_text(replace(FIRED, episode=2, slot=AT + 60)).splitlines()
    assert "Alert:       first told (episode 2, message 3)" in lines
    assert lines[-5:] == [
        "Acknowledge: nephoscope ack 0123456789",
        "Silence:     nephoscope silence add --rule cpu-hot --resource i-0abc --for 2h",
        "Timeline:    nephoscope timeline 0123456789",
        "Instance:    https://console.example/i-0abc",
        "Message:     msg_1",
    ]


def test_people_get_text_and_machines_the_event() -> None:
    published = render_sns(FIRED)
    message = json.loads(published.message)
    assert set(message) == {"default", "sms", "http", "https", "sqs", "lambda", "firehose"}
    assert message["default"] == render_text(FIRED)
    assert message["sms"] == (
        "CRITICAL cpu-hot: web-1 (i-0abc, aws eu-west-1): cpu.utilization is 93.4 %, above 90 %, "
        "since 2026-11-23 20:05 UTC"
    )
    for machine in ("http", "https", "sqs", "lambda", "firehose"):
        assert json.loads(message[machine]) == render_cloudevent(FIRED)


def test_filters_find_their_words_and_fifo_topics_their_order() -> None:
    published = render_sns(FIRED)
    assert published.attributes == {
        "notification_id": "msg_1",
        "fleet": "acme",
        "rule": "cpu-hot",
        "severity": "critical",
        "kind": "fired",
        "resource_kind": "instance",
        "cloud": "aws",
        "account": "111111111111",
        "region": "eu-west-1",
    }
    assert (published.group, published.deduplication) == ("0123456789abcdef0123456789abcdef", "msg_1")


def test_an_empty_attribute_is_left_out_for_sns_takes_none() -> None:
    assert "account" not in render_sns(replace(FIRED, subject=replace(MACHINE, account=""))).attributes


@pytest.mark.parametrize("text", ["web\r\n\r\nRESOLVED: all is well", "\u202egnp\u2028x", "🔥" * 300, '"}{"', "\ud83d"])
def test_foreign_text_writes_no_line_of_its_own(text: str) -> None:
    foreign = replace(
        FIRED,
        subject=replace(MACHINE, name=text, id=text, type=text, tags={text: text}),
        rule=text,
        condition=text,
        summary=text,
        runbook=text,
        labels={text: text},
    )
    published = render_sns(foreign)
    written = json.loads(published.message)["default"]
    names = "Rule|Summary|Resource|Where|Value|Since|Runbook|Instance|Acknowledge|Timeline|Message"
    fields = rf"({names}): +\S.*"
    first, blank, *lines = written.removesuffix("\n").split("\n")
    assert first.startswith("CRITICAL: ")
    assert blank == ""
    assert all(re.fullmatch(fields, line) for line in lines)
    assert not set(written) & set("\r\u202e\u2028")


def size(published: Publication) -> int:
    attributes = sum(len(f"{name}String{value}".encode()) for name, value in published.attributes.items())
    return len(published.message.encode("utf-8", "replace")) + attributes


def test_what_is_too_large_leaves_out_tags_and_says_so() -> None:
    tags = {f"{number:03}" + "🔥" * 125: "🔥" * 256 for number in range(50)}  # the most that EC2 allows
    published = render_sns(replace(FIRED, subject=replace(MACHINE, tags=tags)))
    event = json.loads(json.loads(published.message)["sqs"])
    assert size(published) <= 262_144
    assert event["data"]["left_out"] == ["labels", "tags"]
    assert event["data"]["resource"]["tags"] == {}
    assert event["data"]["value"] == 0.934


def test_at_the_very_least_the_text_goes_out() -> None:
    published = render_sns(replace(FIRED, links={"x": "https://long.example/" + "y" * 300_000}))
    assert size(published) <= 262_144
    message = json.loads(published.message)
    assert set(message) == {"default"}
    assert message["default"].startswith("CRITICAL: web-1 (i-0abc, aws eu-west-1): cpu.utilization is 93.4 %")
