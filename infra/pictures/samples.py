"""Three messages as they are in the life of a fleet: an alert that fires, its end, and some that leave together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.alert import Notification, Subject, TransitionKind, Why, alert_key, notification_id
from nephoscope.model.group import GroupMessage, Message
from nephoscope.model.metric import Unit
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.links import links_for

SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
RULE, METRIC = "cpu-hot", "cpu.utilization"
FIRED_AT = 1_795_482_120
"""2026-11-24T01:02:00Z"""
ENDED_AT = FIRED_AT + 17 * 60


def fired(name: str = "web-7", host: str = "i-0a1b2c3d4e5f60718", channel: str = "oncall") -> Notification:
    """A machine above 90 % for three of five minutes."""
    key = alert_key(RULE, SCOPE, host)
    tags = {"env": "prod", "owner": "shop"}
    resource = Resource(SCOPE, Kind.INSTANCE, host, name, type="m7g.large", zone="eu-west-1b", tags=tags)
    metric = load_catalog().metrics[METRIC]
    return Notification(
        id=notification_id(key, 4, channel),
        alert_key=key,
        seq=4,
        channel=channel,
        fleet="acme",
        rule=RULE,
        severity=Severity.CRITICAL,
        kind=TransitionKind.FIRED,
        why=Why.THRESHOLD_CROSSED,
        subject=_subject(host, name, tags),
        condition="cpu.utilization > 90 %",
        at=FIRED_AT,
        episode=2,
        slot=FIRED_AT + 180,
        metric=METRIC,
        unit=Unit.FRACTION,
        value=0.968,
        threshold=0.9,
        fired_at=FIRED_AT,
        committed_at=FIRED_AT + 183,
        runbook="https://wiki.example/cpu",
        labels={"team": "shop"},
        links=links_for(resource, metric, dashboard="acme", dashboard_region="eu-west-1"),
    )


def _subject(host: str, name: str, tags: Mapping[str, str]) -> Subject:
    kind = Kind.INSTANCE
    return Subject(
        SCOPE.cloud, SCOPE.account, SCOPE.region, kind, host, name, "m7g.large", "eu-west-1b", "running", tags
    )


def ended() -> Notification:
    before = fired()
    return replace(
        before,
        id=notification_id(before.alert_key, 5, before.channel),
        seq=5,
        kind=TransitionKind.RESOLVED,
        why=Why.RECOVERED,
        at=ENDED_AT,
        slot=ENDED_AT + 180,
        value=0.412,
        worst=0.993,
        committed_at=ENDED_AT + 182,
    )


def together() -> GroupMessage:
    """What a channel with `group_by: [rule, cloud_region]` gets when five machines fire within a minute."""
    members = tuple(fired(f"web-{number}", f"i-0a1b2c3d4e5f607{number:02}", "chat") for number in range(11, 16))
    worst = tuple(replace(each, value=0.91 + 0.015 * number) for number, each in enumerate(members))
    labels = (("rule", RULE), ("cloud_region", SCOPE.region))
    return GroupMessage("msg_" + "5a" * 20, "group_" + "c4" * 8, "chat", labels, worst)


def samples() -> Mapping[str, Message]:
    return {"fires": fired(), "ends": ended(), "together": together()}
