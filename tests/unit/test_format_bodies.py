"""The exact bodies of webhooks, written by hand, and what becomes of other people's text in each."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from nephoscope.model.alert import Notification, Subject, TransitionKind, Why
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.notifiers.formats import FORMATS
from nephoscope.notifiers.formats.cloudevent import render_cloudevent
from nephoscope.notifiers.formats.slack import escape, render_slack

AT = 1_795_464_300  # 2026-11-23 20:05 UTC
KEY = "0123456789abcdef0123456789abcdef"
MACHINE = Subject(
    "aws",
    "111111111111",
    "eu-west-1",
    Kind.INSTANCE,
    "i-0abc",
    name="web-1",
    type="m5.large",
    zone="eu-west-1a",
    state="running",
    tags={"role": "web", "env": "prod"},
)
FIRED = Notification(
    id="msg_1",
    alert_key=KEY,
    seq=3,
    channel="chat",
    fleet="acme",
    rule="cpu-hot",
    severity=Severity.CRITICAL,
    kind=TransitionKind.FIRED,
    why=Why.THRESHOLD_CROSSED,
    subject=MACHINE,
    condition="cpu.utilization > 90 %",
    at=AT,
    episode=2,
    slot=AT + 60,
    metric="cpu.utilization",
    unit="1",
    value=0.934,
    threshold=0.9,
    fired_at=AT,
    runbook="https://wiki.example/cpu?a=1&b=2",
    labels={"team-name": "web", "severity": "shadow"},
    links={"instance": "https://console.example/i-0abc", "dashboard": "https://console.example/d"},
)
RESOLVED = replace(FIRED, kind=TransitionKind.RESOLVED, why=Why.RECOVERED, at=AT + 4320, value=0.71, worst=0.971, seq=4)

HEADLINE = "web-1 (i-0abc, aws eu-west-1): cpu.utilization is 93.4 %, above 90 %, since 2026-11-23 20:05 UTC"
ENDED = "web-1 (i-0abc, aws eu-west-1): cpu.utilization is back to 71 % after 1 h 12 min; worst was 97.1 %"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def test_generic_json_is_a_cloudevent() -> None:
    assert render_cloudevent(FIRED) == {
        "specversion": "1.0",
        "id": "msg_1",
        "source": "/nephoscope/acme/aws/111111111111/eu-west-1",
        "type": "nephoscope.alert.fired",
        "subject": "instance/i-0abc",
        "time": "2026-11-23T20:05:00Z",
        "datacontenttype": "application/json",
        "data": {
            "headline": HEADLINE,
            "status": "firing",
            "transition": "fired",
            "why": "threshold_crossed",
            "fleet": "acme",
            "rule": "cpu-hot",
            "severity": "critical",
            "condition": "cpu.utilization > 90 %",
            "metric": "cpu.utilization",
            "unit": "1",
            "value": 0.934,
            "threshold": 0.9,
            "worst": None,
            "at": "2026-11-23T20:05:00Z",
            "fired_at": "2026-11-23T20:05:00Z",
            "alert_key": KEY,
            "seq": 3,
            "episode": 2,
            "open_for": 60,
            "resource": {
                "kind": "instance",
                "id": "i-0abc",
                "name": "web-1",
                "type": "m5.large",
                "state": "running",
                "cloud_provider": "aws",
                "cloud_account_id": "111111111111",
                "cloud_region": "eu-west-1",
                "cloud_availability_zone": "eu-west-1a",
                "attributes": {},
                "tags": {"env": "prod", "role": "web"},
            },
            "labels": {"severity": "shadow", "team-name": "web"},
            "summary": "",
            "runbook": "https://wiki.example/cpu?a=1&b=2",
            "links": {"dashboard": "https://console.example/d", "instance": "https://console.example/i-0abc"},
            "commands": {
                "acknowledge": "nephoscope ack 0123456789",
                "silence": "nephoscope silence add --rule cpu-hot --resource i-0abc --for 2h",
                "timeline": "nephoscope timeline 0123456789",
            },
        },
    }


def test_an_end_is_a_cloudevent_of_its_own_type() -> None:
    event = render_cloudevent(RESOLVED)
    assert event["type"] == "nephoscope.alert.resolved"
    assert event["time"] == "2026-11-23T21:17:00Z"
    assert event["data"]["status"] == "resolved"
    assert event["data"]["headline"] == ENDED
    assert event["data"]["fired_at"] == "2026-11-23T20:05:00Z"


def test_slack_shows_what_is_wrong_first_and_links_last() -> None:
    assert render_slack(FIRED) == {
        "text": f"🔴 CRITICAL cpu-hot: {HEADLINE}",
        "blocks": [
            {"type": "header", "text": plain("🔴 CRITICAL cpu-hot")},
            {"type": "section", "text": plain(HEADLINE)},
            {
                "type": "section",
                "fields": [
                    plain("Rule: cpu.utilization &gt; 90 %"),
                    plain("Severity: critical"),
                    plain("Resource: i-0abc m5.large running"),
                    plain("Where: aws 111111111111 eu-west-1a"),
                    plain("Value: 93.4 %"),
                    plain("Since: 2026-11-23 20:05 UTC"),
                    plain("Alert: first told (episode 2, message 3)"),
                ],
            },
            {
                "type": "context",
                "elements": [
                    plain("Acknowledge: nephoscope ack 0123456789"),
                    plain("Silence: nephoscope silence add --rule cpu-hot --resource i-0abc --for 2h"),
                    plain("Timeline: nephoscope timeline 0123456789"),
                ],
            },
            {
                "type": "context",
                "elements": [
                    {
                        "type": "mrkdwn",
                        "text": "<https://wiki.example/cpu?a=1&amp;b=2|Runbook> · "
                        "<https://console.example/i-0abc|Instance> · <https://console.example/d|Dashboard>",
                        "verbatim": True,
                    }
                ],
            },
            {"type": "context", "elements": [plain("nephoscope · acme · msg_1")]},
        ],
    }


def test_slack_shows_how_long_it_lasted_and_the_summary_where_there_is_one() -> None:
    bare = replace(RESOLVED, links={}, runbook="", summary="Two of three\nweb machines")
    assert render_slack(bare) == {
        "text": f"✅ RESOLVED cpu-hot: {ENDED}",
        "blocks": [
            {"type": "header", "text": plain("✅ RESOLVED cpu-hot")},
            {"type": "section", "text": plain(ENDED)},
            {
                "type": "section",
                "fields": [
                    plain("Rule: cpu.utilization &gt; 90 %"),
                    plain("Severity: critical"),
                    plain("Resource: i-0abc m5.large running"),
                    plain("Where: aws 111111111111 eu-west-1a"),
                    plain("Value: 71 %"),
                    plain("Worst: 97.1 %"),
                    plain("Since: 2026-11-23 20:05 UTC"),
                    plain("Lasted: 1 h 12 min"),
                    plain("Alert: the end (episode 2, message 4)"),
                ],
            },
            {"type": "section", "text": plain("Two of three web machines")},
            {"type": "context", "elements": [plain("Timeline: nephoscope timeline 0123456789")]},
            {"type": "context", "elements": [plain("nephoscope · acme · msg_1")]},
        ],
    }


@pytest.mark.parametrize(
    ("changed", "title"),
    [
        ({"severity": Severity.WARNING}, "🟠 WARNING cpu-hot"),
        ({"severity": Severity.INFO}, "🔵 INFO cpu-hot"),
        ({"kind": TransitionKind.WENT_SILENT, "why": Why.NO_DATA}, "⚪ NO DATA cpu-hot"),
        ({"kind": TransitionKind.BACK, "why": Why.DATA_BACK}, "✅ DATA BACK cpu-hot"),
    ],
)
def test_slacks_title_tells_the_kind_at_a_glance(changed: dict[str, Any], title: str) -> None:
    assert render_slack(replace(FIRED, **changed))["blocks"][0]["text"]["text"] == title


HOSTILE = [
    "<!channel> <!here> <@U012AB3CD> <#C024BE7LR>",
    "<https://evil.example|your bank> & <script>alert(1)</script>",
    "@everyone @channel #general :fire: *bold* _it_ `code` http://evil.example",
    "web\r\nSubject: hi\n\nRESOLVED\x00\x1b[2J",
    "\u202e\u2066moc.elpmaxe\u2069\u200b\ufeff",
    "🔥" * 255,
    "é" * 255,
    '"}],"x":[{"',
    "\ud83d",
    "& & &lt; &amp;",
]
MARKUP = re.compile(r"<(?!https://)")


def everywhere(text: str) -> Notification:
    """Foreign text in each place where it may stand."""
    subject = replace(
        MACHINE, id=text, name=text, type=text, zone=text, state=text, tags={text: text}, attributes={text: text}
    )
    return replace(
        FIRED, subject=subject, rule=text, condition=text, summary=text, runbook=text, fleet=text, labels={text: text}
    )


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", FORMATS)
def test_no_foreign_text_breaks_a_body(name: str, text: str) -> None:
    body = FORMATS[name].body(everywhere(text))
    assert isinstance(json.loads(body.decode("utf-8")), dict)


@pytest.mark.parametrize("text", HOSTILE)
def test_slack_takes_no_foreign_text_for_a_mention_a_link_or_bold(text: str) -> None:
    body = render_slack(everywhere(text))
    assert not MARKUP.search(body["text"])
    assert "\n" not in body["text"]
    for written in _texts(body["blocks"]):
        assert not re.search(r"&(?!amp;|lt;|gt;)", written["text"])
        assert not set(written["text"]) & set("\r\n\x00\x1b\u202e\u2066")
        if written["type"] == "plain_text":
            assert not set(written["text"]) & set("<>")
            assert written["emoji"] is False
        else:
            assert written["verbatim"] is True
            assert re.fullmatch(r"(<https://[^<>|\s]+\|[A-Za-z]+>( · )?)+", written["text"])


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 5000, "&" * 5000, "https://long.example/" + "x" * 5000])
def test_slacks_limits_hold(text: str) -> None:
    body = render_slack(everywhere(text))
    assert len(body["text"]) <= 3000
    assert len(body["blocks"]) <= 50
    for block in body["blocks"]:
        most = {"header": 150, "section": 3000, "context": 3000}[block["type"]]
        assert len(block.get("fields", ())) <= 10
        assert len(block.get("elements", ())) <= 10
        assert all(len(field["text"]) <= 2000 for field in block.get("fields", ()))
        assert all(1 <= len(written["text"]) <= most for written in _texts([block]))


def test_slack_leaves_out_what_is_no_web_address() -> None:
    for runbook in ("javascript:alert(1)", "ask Bob", "https://x.example/" + "y" * 700):
        body = render_slack(replace(FIRED, runbook=runbook, links={}))
        assert "Runbook" not in json.dumps(body)


def test_an_escape_is_never_cut_in_two() -> None:
    assert escape("a<b", 6) == "a&lt;b"
    assert escape("ab<c", 6) == "ab…"
    assert escape("ab<cd", 7) == "ab&lt;…"
    assert escape("abcdef", 6) == "abcdef"
    assert escape("abcdefg", 6) == "abcde…"


def test_what_is_no_number_becomes_null() -> None:
    for odd in (float("nan"), float("inf"), float("-inf")):
        data = json.loads(FORMATS["json"].body(replace(FIRED, value=odd, worst=odd, threshold=odd)))["data"]
        assert (data["value"], data["worst"], data["threshold"]) == (None, None, None)
        assert "not a number" in data["headline"]


def test_content_types() -> None:
    assert {name: form.content_type for name, form in FORMATS.items()} == {
        "json": "application/cloudevents+json; charset=utf-8",
        "slack": "application/json; charset=utf-8",
        "alertmanager": "application/json; charset=utf-8",
        "teams": "application/json; charset=utf-8",
        "discord": "application/json; charset=utf-8",
        "google-chat": "application/json; charset=utf-8",
        "pagerduty": "application/json; charset=utf-8",
    }


def _texts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in _texts(item)]
    if isinstance(value, dict):
        own = [value] if value.get("type") in ("plain_text", "mrkdwn") else []
        return own + [found for item in value.values() for found in _texts(item)]
    return []
