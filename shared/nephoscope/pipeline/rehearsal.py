"""The two messages of a test: an alert that fires and one that it is over, about a machine that there is not.

They are as complete as real ones, so that what people see is what they will see at three in the morning; and each says
in its status, its headline and its rule's name that it is a test.
"""

from __future__ import annotations

from dataclasses import replace

from nephoscope.model.alert import Notification, Subject, TransitionKind, Why, alert_key, notification_id
from nephoscope.model.metric import Unit
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Scope

TEST_RULE = "nephoscope-test"
MACHINE = "i-0000000000test"
LASTED = 300
"""Seconds in data time between the beginning and the end."""


def plan_rehearsal(
    fleet: str, scope: Scope, channel: str, severity: Severity, now: int, token: str
) -> tuple[Notification, Notification]:
    """FIRED, then RESOLVED, of one alert. now: epoch seconds. token: another one makes another alert, so that a
    receiver that drops copies takes each test."""
    key = alert_key(TEST_RULE, scope, MACHINE, (("test", token),))
    began = now - LASTED
    fired = Notification(
        id=notification_id(key, 1, channel),
        alert_key=key,
        seq=1,
        channel=channel,
        fleet=fleet,
        rule=TEST_RULE,
        severity=severity,
        kind=TransitionKind.FIRED,
        why=Why.TEST,
        subject=Subject(scope.cloud, scope.account, scope.region, Kind.INSTANCE, MACHINE, name="no-such-machine"),
        condition="cpu.utilization > 90 %",
        at=began,
        episode=1,
        slot=began,
        metric="cpu.utilization",
        unit=Unit.FRACTION,
        value=0.934,
        threshold=0.9,
        fired_at=began,
        committed_at=now,
        summary="Sent by `nephoscope send-test`: there is no such machine, and nothing to do.",
        labels={"test": "true"},
    )
    ended = replace(
        fired,
        id=notification_id(key, 2, channel),
        seq=2,
        kind=TransitionKind.RESOLVED,
        at=now,
        slot=now,
        value=0.412,
        worst=0.971,
    )
    return fired, ended
