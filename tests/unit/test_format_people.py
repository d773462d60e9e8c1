"""The exact bodies for Teams, Discord, Google Chat and PagerDuty, written by hand; foreign text is harmless there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from nephoscope.model.alert import Notification, TransitionKind, Why
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.secret import Secret
from nephoscope.notifiers.formats import FORMATS
from nephoscope.notifiers.formats.discord import escape, render_discord
from nephoscope.notifiers.formats.google_chat import render_google_chat
from nephoscope.notifiers.formats.pagerduty import render_pagerduty
from nephoscope.notifiers.formats.teams import render_teams
from tests.unit.test_format_bodies import ENDED, FIRED, HEADLINE, KEY, RESOLVED

PAIRS = [
    ("Rule", "cpu.utilization > 90 %"),
    ("Severity", "critical"),
    ("Resource", "i-0abc m5.large running"),
    ("Where", "aws 111111111111 eu-west-1a"),
    ("Value", "93.4 %"),
    ("Since", "2026-11-23 20:05 UTC"),
    ("Alert", "first told (episode 2, message 3)"),
]
COMMANDS = [
    ("Acknowledge", "nephoscope ack 0123456789"),
    ("Silence", "nephoscope silence add --rule cpu-hot --resource i-0abc --for 2h"),
    ("Timeline", "nephoscope timeline 0123456789"),
]
LINKS = [
    ("Runbook", "https://wiki.example/cpu?a=1&b=2"),
    ("Instance", "https://console.example/i-0abc"),
    ("Dashboard", "https://console.example/d"),
]
FOOTER = "nephoscope · acme · msg_1"


def test_teams_is_an_adaptive_card_of_plain_runs_with_buttons() -> None:
    def block(*runs: dict[str, Any], spacing: str = "default") -> dict[str, Any]:
        return {"type": "RichTextBlock", "spacing": spacing, "inlines": list(runs)}

    def run(text: str, **style: Any) -> dict[str, Any]:
        return {"type": "TextRun", "text": text, **style}

    assert render_teams(FIRED) == {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "fallbackText": f"🔴 CRITICAL cpu-hot: {HEADLINE}",
                    "msteams": {"width": "Full"},
                    "body": [
                        block(run("🔴 CRITICAL cpu-hot", weight="bolder", size="large", color="attention")),
                        block(run(HEADLINE)),
                        *(block(run(f"{a}: ", isSubtle=True), run(b), spacing="none") for a, b in PAIRS),
                        *(
                            block(run(f"{a}: ", isSubtle=True), run(b, fontType="monospace"), spacing="none")
                            for a, b in COMMANDS
                        ),
                        block(run(FOOTER, isSubtle=True, size="small")),
                    ],
                    "actions": [{"type": "Action.OpenUrl", "title": a, "url": b} for a, b in LINKS],
                },
            }
        ],
    }


def test_discord_is_one_embed_that_mentions_nobody() -> None:
    assert render_discord(FIRED) == {
        "username": "nephoscope",
        "embeds": [
            {
                "title": "🔴 CRITICAL cpu-hot",
                "description": "web\\-1 \\(i\\-0abc, aws eu\\-west\\-1\\)\\: cpu.utilization is 93.4 %, above 90 %, "
                "since 2026\\-11\\-23 20\\:05 UTC\n\n[Runbook](https://wiki.example/cpu?a=1&b=2) · "
                "[Instance](https://console.example/i-0abc) · [Dashboard](https://console.example/d)",
                "color": 0xD13212,
                "fields": [
                    {"name": "Rule", "value": "cpu.utilization \\> 90 %", "inline": True},
                    {"name": "Severity", "value": "critical", "inline": True},
                    {"name": "Resource", "value": "i\\-0abc m5.large running", "inline": True},
                    {"name": "Where", "value": "aws 111111111111 eu\\-west\\-1a", "inline": True},
                    {"name": "Value", "value": "93.4 %", "inline": True},
                    {"name": "Since", "value": "2026\\-11\\-23 20\\:05 UTC", "inline": True},
                    {"name": "Alert", "value": "first told \\(episode 2, message 3\\)", "inline": True},
                    {"name": "Acknowledge", "value": "nephoscope ack 0123456789", "inline": False},
                    {
                        "name": "Silence",
                        "value": "nephoscope silence add \\-\\-rule cpu\\-hot \\-\\-resource i\\-0abc \\-\\-for 2h",
                        "inline": False,
                    },
                    {"name": "Timeline", "value": "nephoscope timeline 0123456789", "inline": False},
                ],
                "footer": {"text": FOOTER},
                "timestamp": "2026-11-23T20:05:00Z",
            }
        ],
        "allowed_mentions": {"parse": []},
    }


def test_google_chat_is_one_card_in_the_alerts_own_thread() -> None:
    assert render_google_chat(FIRED) == {
        "fallbackText": f"🔴 CRITICAL cpu-hot: {HEADLINE}",
        "cardsV2": [
            {
                "cardId": "msg_1",
                "card": {
                    "header": {"title": "🔴 CRITICAL cpu-hot", "subtitle": FOOTER},
                    "sections": [
                        {"widgets": [{"textParagraph": {"text": HEADLINE}}]},
                        {
                            "widgets": [
                                {"decoratedText": {"topLabel": a, "text": b.replace(">", "&gt;")}}
                                for a, b in [*PAIRS, *COMMANDS]
                            ]
                        },
                        {
                            "widgets": [
                                {
                                    "buttonList": {
                                        "buttons": [{"text": a, "onClick": {"openLink": {"url": b}}} for a, b in LINKS]
                                    }
                                }
                            ]
                        },
                    ],
                },
            }
        ],
        "thread": {"threadKey": KEY},
    }


def test_pagerduty_opens_an_incident_and_closes_it_by_the_same_key() -> None:
    assert render_pagerduty(FIRED) == {
        "event_action": "trigger",
        "dedup_key": KEY,
        "payload": {
            "summary": HEADLINE,
            "source": "web-1 (i-0abc, aws eu-west-1)",
            "severity": "critical",
            "timestamp": "2026-11-23T20:05:00Z",
            "component": "web-1",
            "group": "aws 111111111111 eu-west-1",
            "class": "cpu-hot",
            "custom_details": {**dict(PAIRS), **dict(COMMANDS), "Fleet": "acme", "Message": "msg_1"},
        },
        "client": "nephoscope",
        "client_url": "https://console.example/d",
        "links": [{"href": b, "text": a} for a, b in LINKS],
    }
    ended = render_pagerduty(RESOLVED)
    assert (ended["event_action"], ended["dedup_key"]) == ("resolve", KEY)
    assert ended["payload"]["summary"] == ENDED
    assert ended["payload"]["custom_details"]["Lasted"] == "1 h 12 min"


@pytest.mark.parametrize(
    ("kind", "why", "action"),
    [
        (TransitionKind.WENT_SILENT, Why.NO_DATA, "trigger"),
        (TransitionKind.BACK, Why.DATA_BACK, "resolve"),
    ],
)
def test_a_silence_is_an_incident_until_data_are_back(kind: TransitionKind, why: Why, action: str) -> None:
    assert render_pagerduty(replace(FIRED, kind=kind, why=why))["event_action"] == action


def test_pagerduty_knows_our_severities_by_its_own_words() -> None:
    """One of critical, error, warning, info."""
    said = {render_pagerduty(replace(FIRED, severity=each))["payload"]["severity"] for each in Severity}
    assert said == {"critical", "warning", "info"}


def test_the_integration_key_stands_in_the_body_alone_and_only_where_it_is_wanted() -> None:
    key = Secret("0123456789abcdef0123456789abcdef")
    assert json.loads(FORMATS["pagerduty"].body(FIRED, key))["routing_key"] == "0123456789abcdef0123456789abcdef"
    assert "routing_key" not in render_pagerduty(FIRED)
    assert b"routing_key" not in FORMATS["slack"].body(FIRED, key)


HOSTILE = [
    "@everyone @here <!channel> <@U123> <users/all>",
    "**bold** [click](https://evil.example) `code` ~~gone~~ ||hidden||",
    "<b>big</b> <a href='https://evil.example'>here</a> <script>alert(1)</script>",
    "line one\nAll is well\r\n# Heading\n> quote\x00\x1b[31m",
    "\u202egnp.exe\u2066 \ud83d",
    "<at>Admin</at> {{$root}} ${7*7}",
    "https://evil.example/a_b_(c)",
    "x" * 5000,
    "🟥" * 3000,
]


def everywhere(text: str) -> Notification:
    subject = replace(
        FIRED.subject, name=text, id=text, type=text, zone=text, state=text, account=text, tags={text: text}
    )
    return replace(FIRED, subject=subject, rule=text, condition=text, summary=text, fleet=text, labels={text: text})


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(the key it stands under, text) of every text in a body."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from strings(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item, key)


BODIES = {name: FORMATS[name].render for name in ("teams", "discord", "google-chat", "pagerduty")}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", BODIES)
def test_foreign_text_writes_no_line_of_its_own_and_fits(name: str, text: str) -> None:
    body = BODIES[name](everywhere(text))
    for key, shown in strings(body):
        breaks = {"\n"} if (name, key) == ("discord", "description") else set()  # between our own paragraphs
        assert not (set(shown) - breaks) & set("\n\r\x00\x1b\u202e\u2066"), (key, shown[:80])
    assert len(FORMATS[name].body(everywhere(text))) < 28_000


@pytest.mark.parametrize("text", HOSTILE)
def test_teams_reads_no_markdown_in_foreign_text(text: str) -> None:
    """Teams reads Markdown in TextBlock, Fact.title and Fact.value; none of these is there, nor an entity."""
    (attachment,) = render_teams(everywhere(text))["attachments"]
    kinds = {shown for key, shown in strings(attachment["content"]) if key == "type"}
    assert kinds <= {"AdaptiveCard", "RichTextBlock", "TextRun", "Action.OpenUrl"}
    assert attachment["content"]["msteams"] == {"width": "Full"}
    assert {each["url"] for each in attachment["content"]["actions"]} == {url for _, url in LINKS}


@pytest.mark.parametrize("text", HOSTILE)
def test_discord_reads_no_markup_in_foreign_text(text: str) -> None:
    body = render_discord(everywhere(text))
    (embed,) = body["embeds"]
    assert body["allowed_mentions"] == {"parse": []}
    said = embed["description"].rsplit("\n\n", 1)[0]
    for shown in [said, *(field["value"] for field in embed["fields"])]:
        bare = re.sub(r"\\.", "", shown)  # what stands behind a backslash is a letter
        assert not set(bare) & set("*_~`|>#[]()<"), bare[:100]
        assert not re.search(r"@(everyone|here|U)", shown)
    assert len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4096
    assert all(len(field["value"]) <= 1024 for field in embed["fields"])
    total = [embed["title"], embed["description"], embed["footer"]["text"]]
    total += [text for field in embed["fields"] for text in (field["name"], field["value"])]
    assert sum(map(len, total)) <= 6000


def test_discords_escapes_are_never_cut_in_two() -> None:
    assert escape("a*b", 10) == "a\\*b"
    assert escape("***", 4) == "\\*…"
    assert escape("***", 6) == "\\*\\*\\*"


@pytest.mark.parametrize("text", HOSTILE)
def test_google_chat_reads_no_html_in_foreign_text(text: str) -> None:
    body = render_google_chat(everywhere(text))
    assert "text" not in body  # where a mention would be one
    (card,) = body["cardsV2"]
    for section in card["card"]["sections"]:
        for key, shown in strings(section):
            if key == "text":
                assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", shown), shown[:100]


def test_a_scope_is_its_own_place_in_every_format() -> None:
    scope = replace(
        FIRED.subject, kind=Kind.SCOPE, id="aws#111111111111#eu-west-1", name="", type="", zone="", state=""
    )
    blind = replace(FIRED, subject=scope, rule="scope-blind", metric="", unit="", value=None, threshold=None)
    assert render_pagerduty(blind)["payload"]["source"] == "aws 111111111111 eu-west-1"
    assert render_pagerduty(blind)["payload"]["group"] == "acme"
    (embed,) = render_discord(blind)["embeds"]
    said = ["Rule", "Severity", "Where", "Since", "Alert", "Acknowledge", "Silence", "Timeline"]
    assert [field["name"] for field in embed["fields"]] == said
    assert embed["fields"][6]["value"].replace("\\", "") == (
        "nephoscope silence add --rule scope-blind --account 111111111111 --region eu-west-1 --for 2h"
    )


def test_links_that_are_no_web_addresses_or_too_long_are_left_out() -> None:
    odd = replace(FIRED, runbook="javascript:alert(1)", links={"instance": "https://x.example/" + "a" * 3000})
    assert "actions" not in render_teams(odd)["attachments"][0]["content"]
    assert len(render_google_chat(odd)["cardsV2"][0]["card"]["sections"]) == 2
    assert render_pagerduty(odd)["links"] == []
