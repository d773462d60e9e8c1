"""The exact bodies of a group's message in each format, written by hand; the limits of each receiver, with hostile
names; and that a group's message says the worst first."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from nephoscope.model.alert import Notification, TransitionKind
from nephoscope.model.group import GroupMessage
from nephoscope.model.rule import Severity
from nephoscope.notifiers.formats import FORMATS
from nephoscope.notifiers.formats.alertmanager import MOST_ALERTS, render_alertmanager, render_alertmanager_group
from nephoscope.notifiers.formats.cloudevent import MOST_GROUP_BYTES, render_cloudevent, render_group_cloudevent
from nephoscope.notifiers.formats.discord import render_discord_group
from nephoscope.notifiers.formats.google_chat import render_google_chat_group
from nephoscope.notifiers.formats.slack import render_slack_group
from nephoscope.notifiers.formats.sns import MOST_BYTES, SUBJECT_LENGTH
from nephoscope.notifiers.formats.sns_group import render_group_text, render_sns_group
from nephoscope.notifiers.formats.teams import render_teams_group
from tests.unit.test_format_bodies import AT, FIRED, MACHINE, RESOLVED


def of(name: str, like: Notification, **more: Any) -> Notification:
    """The same of another machine."""
    links = {**like.links, "instance": f"https://console.example/{name}"}
    subject = replace(MACHINE, id=f"i-{name}", name=name)
    key = name.ljust(32, "0")
    return replace(like, id=f"msg_{name}_{like.seq}", alert_key=key, subject=subject, links=links, **more)


LABELS = (("rule", "cpu-hot"), ("cloud_region", "eu-west-1"), ("tag:role", "web"))
MEMBERS = (
    of("web-1", FIRED),
    of("web-3", FIRED),
    of("web-3", RESOLVED),
    of("web-2", FIRED, value=0.99, at=AT + 60, fired_at=AT + 60),
)
GROUP = GroupMessage("msg_g", "0123456789abcdef", "chat", LABELS, MEMBERS)

HEADLINE = "cpu-hot: 2 firing, 1 resolved in aws eu-west-1 (tag:role web)"
WEB_2 = "🔴 web-2 (i-web-2, aws eu-west-1): cpu.utilization is 99 %, above 90 %, since 2026-11-23 20:06 UTC"
WEB_1 = "🔴 web-1 (i-web-1, aws eu-west-1): cpu.utilization is 93.4 %, above 90 %, since 2026-11-23 20:05 UTC"
WEB_3 = (
    "✅ web-3 (i-web-3, aws eu-west-1): cpu.utilization is back to 71 % after 1 h 12 min; worst was 97.1 % "
    "(before: fired 2026-11-23 20:05 UTC)"
)
LINES = [(WEB_2, "web-2"), (WEB_1, "web-1"), (WEB_3, "web-3")]
PAIRS = [
    ("Rule", "cpu.utilization > 90 %"),
    ("Severity", "critical"),
    ("Where", "aws 111111111111 eu-west-1"),
    ("Group", "tag:role web"),
    ("Since", "2026-11-23 20:05 UTC"),
]
LINKS = [("Runbook", "https://wiki.example/cpu?a=1&b=2"), ("Dashboard", "https://console.example/d")]
FOOTER = "nephoscope · acme · msg_g"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text.replace(">", "&gt;"), "emoji": False}


def test_slack() -> None:
    def linked(*links: tuple[str, str]) -> dict[str, Any]:
        text = " · ".join(f"<{url.replace('&', '&amp;')}|{word}>" for word, url in links)
        return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}

    assert render_slack_group(GROUP) == {
        "text": f"🔴 CRITICAL {HEADLINE}",
        "blocks": [
            {"type": "header", "text": plain("🔴 CRITICAL cpu-hot")},
            {"type": "section", "text": plain(HEADLINE)},
            {"type": "section", "fields": [plain(f"{a}: {b}") for a, b in PAIRS]},
            {"type": "section", "text": plain(WEB_2)},
            linked(("Instance", "https://console.example/web-2")),
            {"type": "section", "text": plain(WEB_1)},
            linked(("Instance", "https://console.example/web-1")),
            {"type": "section", "text": plain(WEB_3)},
            linked(("Instance", "https://console.example/web-3")),
            linked(*LINKS),
            {"type": "context", "elements": [plain(FOOTER)]},
        ],
    }


def test_teams() -> None:
    def block(*runs: dict[str, Any], spacing: str = "default") -> dict[str, Any]:
        return {"type": "RichTextBlock", "spacing": spacing, "inlines": list(runs)}

    def run(text: str, **style: Any) -> dict[str, Any]:
        return {"type": "TextRun", "text": text, **style}

    def opening(name: str) -> dict[str, Any]:
        return {"selectAction": {"type": "Action.OpenUrl", "url": f"https://console.example/{name}"}}

    card = render_teams_group(GROUP)["attachments"][0]["content"]
    assert card == {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": f"🔴 CRITICAL {HEADLINE}",
        "msteams": {"width": "Full"},
        "body": [
            block(run("🔴 CRITICAL cpu-hot", weight="bolder", size="large", color="attention")),
            block(run(HEADLINE)),
            *(block(run(f"{a}: ", isSubtle=True), run(b), spacing="none") for a, b in PAIRS),
            *(block(run(line), run(" "), run("Instance", **opening(name))) for line, name in LINES),
            block(run(FOOTER, isSubtle=True, size="small")),
        ],
        "actions": [{"type": "Action.OpenUrl", "title": a, "url": b} for a, b in LINKS],
    }


def test_discord() -> None:
    assert render_discord_group(GROUP) == {
        "username": "nephoscope",
        "embeds": [
            {
                "title": "🔴 CRITICAL cpu-hot",
                "description": "cpu\\-hot\\: 2 firing, 1 resolved in aws eu\\-west\\-1 \\(tag\\:role web\\)\n\n"
                "🔴 web\\-2 \\(i\\-web\\-2, aws eu\\-west\\-1\\)\\: cpu.utilization is 99 %, above 90 %, "
                "since 2026\\-11\\-23 20\\:06 UTC [Instance](https://console.example/web-2)\n"
                "🔴 web\\-1 \\(i\\-web\\-1, aws eu\\-west\\-1\\)\\: cpu.utilization is 93.4 %, above 90 %, "
                "since 2026\\-11\\-23 20\\:05 UTC [Instance](https://console.example/web-1)\n"
                "✅ web\\-3 \\(i\\-web\\-3, aws eu\\-west\\-1\\)\\: cpu.utilization is back to 71 % after 1 h 12 min; "
                "worst was 97.1 % \\(before\\: fired 2026\\-11\\-23 20\\:05 UTC\\) "
                "[Instance](https://console.example/web-3)\n\n"
                "[Runbook](https://wiki.example/cpu?a=1&b=2) · [Dashboard](https://console.example/d)",
                "color": 0xD13212,
                "fields": [
                    {"name": "Rule", "value": "cpu.utilization \\> 90 %", "inline": True},
                    {"name": "Severity", "value": "critical", "inline": True},
                    {"name": "Where", "value": "aws 111111111111 eu\\-west\\-1", "inline": True},
                    {"name": "Group", "value": "tag\\:role web", "inline": True},
                    {"name": "Since", "value": "2026\\-11\\-23 20\\:05 UTC", "inline": True},
                ],
                "footer": {"text": FOOTER},
                "timestamp": "2026-11-23T21:17:00Z",
            }
        ],
        "allowed_mentions": {"parse": []},
    }


def test_google_chat_keeps_a_group_in_one_thread() -> None:
    def opened(word: str, url: str) -> dict[str, Any]:
        return {"text": word, "onClick": {"openLink": {"url": url}}}

    def listed(line: str, name: str) -> dict[str, Any]:
        button = opened("Instance", f"https://console.example/{name}")
        return {"decoratedText": {"text": line, "wrapText": True, "button": button}}

    assert render_google_chat_group(GROUP) == {
        "fallbackText": f"🔴 CRITICAL {HEADLINE}",
        "cardsV2": [
            {
                "cardId": "msg_g",
                "card": {
                    "header": {"title": "🔴 CRITICAL cpu-hot", "subtitle": FOOTER},
                    "sections": [
                        {"widgets": [{"textParagraph": {"text": HEADLINE}}]},
                        {"widgets": [listed(line, name) for line, name in LINES]},
                        {
                            "widgets": [
                                {"decoratedText": {"topLabel": a, "text": b.replace(">", "&gt;")}} for a, b in PAIRS
                            ]
                        },
                        {"widgets": [{"buttonList": {"buttons": [opened(a, b) for a, b in LINKS]}}]},
                    ],
                },
            }
        ],
        "thread": {"threadKey": "0123456789abcdef"},
    }


def test_generic_json_holds_every_entry_in_order() -> None:
    event = render_group_cloudevent(GROUP)
    alerts = event["data"].pop("alerts")
    assert event == {
        "specversion": "1.0",
        "id": "msg_g",
        "source": "/nephoscope/acme/aws/111111111111/eu-west-1",
        "type": "nephoscope.alert.group",
        "subject": "group/0123456789abcdef",
        "time": "2026-11-23T21:17:00Z",
        "datacontenttype": "application/json",
        "data": {
            "headline": HEADLINE,
            "status": "firing",
            "transition": "fired",
            "severity": "critical",
            "fleet": "acme",
            "group_key": "0123456789abcdef",
            "group": {"rule": "cpu-hot", "cloud_region": "eu-west-1", "tag:role": "web"},
            "firing": 2,
            "resolved": 1,
            "left_out": 0,
        },
    }
    assert [(a["resource"]["name"], a["seq"], a["status"]) for a in alerts] == [
        ("web-1", 3, "firing"),
        ("web-3", 3, "firing"),
        ("web-3", 4, "resolved"),
        ("web-2", 3, "firing"),
    ]
    assert alerts == [{"id": n.id, **render_cloudevent(n)["data"]} for n in MEMBERS], "as in an event of its own"


def test_alertmanager_has_each_alert_as_it_stands_now_in_the_array_that_is_made_for_it() -> None:
    body = render_alertmanager_group(GROUP)
    assert body.pop("alerts") == [render_alertmanager(MEMBERS[i])["alerts"][0] for i in (3, 0, 2)]
    assert body == {
        "receiver": "chat",
        "status": "firing",
        "groupLabels": {"alertname": "cpu-hot", "cloud_region": "eu-west-1", "tag_role": "web"},
        "commonLabels": {
            "alertname": "cpu-hot",
            "fleet": "acme",
            "cloud_provider": "aws",
            "cloud_account_id": "111111111111",
            "cloud_region": "eu-west-1",
            "resource_kind": "instance",
            "severity": "critical",
            "team_name": "web",
            "severity_": "shadow",
        },
        "commonAnnotations": {
            "condition": "cpu.utilization > 90 %",
            "resource_type": "m5.large",
            "availability_zone": "eu-west-1a",
            "runbook_url": "https://wiki.example/cpu?a=1&b=2",
            "dashboard_url": "https://console.example/d",
        },
        "externalURL": "https://console.example/d",
        "version": "4",
        "groupKey": '{}/{fleet="acme", cloud_account_id="111111111111", cloud_region="eu-west-1"}:'
        '{alertname="cpu-hot", cloud_region="eu-west-1", tag_role="web"}',
        "truncatedAlerts": 0,
    }


def test_sns() -> None:
    published = render_sns_group(GROUP)
    assert published.subject == "CRITICAL cpu-hot: 2 firing, 1 resolved (aws eu-west-1)"
    assert (published.group, published.deduplication) == ("0123456789abcdef", "msg_g")
    assert published.attributes == {
        "notification_id": "msg_g",
        "fleet": "acme",
        "rule": "cpu-hot",
        "severity": "critical",
        "kind": "fired",
        "cloud": "aws",
        "account": "111111111111",
        "region": "eu-west-1",
    }
    message = json.loads(published.message)
    assert message["sms"] == f"CRITICAL {HEADLINE}"
    assert json.loads(message["sqs"]) == json.loads(json.dumps(render_group_cloudevent(GROUP)))
    assert message["default"] == (
        f"CRITICAL: {HEADLINE}\n\n"
        f"{WEB_2}\n   https://console.example/web-2\n"
        f"{WEB_1}\n   https://console.example/web-1\n"
        f"{WEB_3}\n   https://console.example/web-3\n\n"
        "Rule:      cpu.utilization > 90 %\n"
        "Severity:  critical\n"
        "Where:     aws 111111111111 eu-west-1\n"
        "Group:     tag:role web\n"
        "Since:     2026-11-23 20:05 UTC\n"
        "Runbook:   https://wiki.example/cpu?a=1&b=2\n"
        "Dashboard: https://console.example/d\n"
        "Message:   msg_g\n"
    )


def test_pagerduty_has_single_incidents_only() -> None:
    with pytest.raises(ValueError, match="no message for a group"):
        FORMATS["pagerduty"].body(GROUP)


# --- what is said ---------------------------------------------------------------------------------------------------


def headline_of(*members: Notification) -> tuple[str, str]:
    slack = render_slack_group(replace(GROUP, members=members, labels=()))
    return slack["blocks"][0]["text"]["text"], slack["blocks"][1]["text"]["text"]


def test_an_end_of_all_is_a_green_message_and_silence_a_white_one() -> None:
    assert headline_of(of("web-3", RESOLVED), of("web-4", RESOLVED)) == (
        "✅ RESOLVED cpu-hot",
        "cpu-hot: 2 resolved in aws eu-west-1",
    )
    silent = replace(of("web-5", FIRED), kind=TransitionKind.WENT_SILENT)
    assert headline_of(silent, of("web-3", RESOLVED))[0] == "⚪ NO DATA cpu-hot"
    assert headline_of(silent, of("web-1", FIRED))[1] == "cpu-hot: 1 firing, 1 without data in aws eu-west-1"


def test_the_severity_is_the_highest_of_what_is_wrong() -> None:
    warning, critical = of("web-1", FIRED, severity=Severity.WARNING), of("web-2", FIRED)
    ended = of("web-3", RESOLVED)
    assert headline_of(warning, critical)[0].startswith("🔴 CRITICAL")
    assert headline_of(warning, ended)[0].startswith("🟠 WARNING"), "what has ended is no longer grave"


def test_several_rules_are_named_and_many_are_counted() -> None:
    rules = [of(f"web-{n}", FIRED, rule=f"rule-{n}") for n in range(4)]
    assert headline_of(*rules[:2])[1] == "rule-0 and rule-1: 2 firing in aws eu-west-1"
    assert headline_of(*rules[:3])[1] == "rule-0, rule-1 and rule-2: 3 firing in aws eu-west-1"
    assert headline_of(*rules)[1] == "4 rules: 4 firing in aws eu-west-1"
    lines = render_group_text(replace(GROUP, members=tuple(rules[:2]))).splitlines()
    assert lines[2].startswith("🔴 rule-0: web-0 (i-web-0"), "a line says which rule, where they differ"


# --- limits ---------------------------------------------------------------------------------------------------------

HOSTILE = "<!channel> @everyone & **x** [a](b) \n\u202e𝔘𝔘𝔘 \\ \" ' > " * 20
LONG = "https://console.example/" + "a" * 560


def many(number: int) -> GroupMessage:
    def hostile(position: int) -> Notification:
        subject = replace(MACHINE, id=f"i-{position}", name=HOSTILE, tags={"x": HOSTILE})
        links = {"instance": LONG, "metric": LONG, "plot": LONG, "dashboard": LONG}
        return replace(
            FIRED, id=f"msg_{position}", alert_key=f"{position:032d}", subject=subject, links=links, runbook=LONG
        )

    labels = (("tag:x", HOSTILE), ("tag:y", HOSTILE))
    return GroupMessage("msg_g", "k", "chat", labels, tuple(hostile(each) for each in range(number)))


def test_slack_keeps_its_limits_and_says_how_many_more() -> None:
    body = render_slack_group(many(250))
    assert len(body["blocks"]) <= 50
    assert "… and 235 more" in json.dumps(body, ensure_ascii=False)
    assert all(len(b["text"]["text"]) <= 3000 for b in body["blocks"] if "text" in b)
    assert all(len(each["text"]) <= 3000 for b in body["blocks"] for each in b.get("elements", ()))
    assert "<!channel>" not in json.dumps(body)


def test_teams_stays_below_28_kb() -> None:
    body = FORMATS["teams"].body(many(250))
    assert len(body) <= 28 * 1024
    assert "… and 240 more" in body.decode()


def test_discord_stays_below_6000_characters_and_mentions_nobody() -> None:
    body = render_discord_group(many(250))
    (embed,) = body["embeds"]
    texts = [embed["title"], embed["description"], embed["footer"]["text"]]
    texts += [text for field in embed["fields"] for text in (field["name"], field["value"])]
    assert sum(map(len, texts)) <= 6000
    assert len(embed["description"]) <= 4096
    assert "@everyone" not in json.dumps(body)
    shown = embed["description"].count("🔴")
    assert shown >= 2
    assert f"… and {250 - shown} more" in embed["description"]


def test_google_chat_stays_below_32_000_bytes() -> None:
    body = FORMATS["google-chat"].body(many(250))
    assert len(body) <= 32_000
    assert "… and 240 more" in body.decode()


def test_generic_json_leaves_out_what_would_be_too_much_and_says_how_many() -> None:
    message = many(1000)
    body = FORMATS["json"].body(message)
    data = json.loads(body)["data"]
    assert len(body) <= MOST_GROUP_BYTES + 4096
    assert 0 < len(data["alerts"]) < 1000
    assert data["left_out"] == 1000 - len(data["alerts"])
    assert data["firing"] == 1000


def test_what_is_left_out_is_the_least() -> None:
    """Too much for every entry, so each alert stands once, the worst first."""
    worst = of("worst", FIRED, value=0.999)
    message = GroupMessage("msg_g", "k", "chat", (), (*many(1000).members, worst))
    assert render_group_cloudevent(message)["data"]["alerts"][0]["resource"]["name"] == "worst"


def test_alertmanager_counts_what_it_leaves_out() -> None:
    body = render_alertmanager_group(many(MOST_ALERTS + 50))
    assert (len(body["alerts"]), body["truncatedAlerts"]) == (MOST_ALERTS, 50)


@pytest.mark.parametrize("number", [1, 40, 1000])
def test_sns_stays_within_its_limit(number: int) -> None:
    published = render_sns_group(many(number))
    size = len(published.message.encode()) + sum(len(k) + 6 + len(v.encode()) for k, v in published.attributes.items())
    assert size <= MOST_BYTES
    assert len(published.subject) <= SUBJECT_LENGTH
    event = json.loads(json.loads(published.message)["https"])
    assert event["data"]["firing"] == number
    assert len(event["data"]["alerts"]) + event["data"]["left_out"] == number
    assert len(event["data"]["alerts"]) >= min(number, 4)
