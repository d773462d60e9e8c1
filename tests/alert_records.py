"""Records for tests: an alert's commits as a run makes them, without a cloud; and a clock that is told the time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nephoscope.model.alert import (
    AlertRecord,
    AlertState,
    Commit,
    HistoryEntry,
    Notification,
    Subject,
    TransitionKind,
    Why,
    notification_id,
)
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Cloud, Scope

SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
ELSEWHERE = Scope(Cloud.AWS, "111111111111", "us-east-1")


class VirtualClock:
    """Far in the future, so that no emulator's own expiry takes a row away; it goes only when it is told to."""

    def __init__(self, wall: float = 4_000_000_000.0) -> None:
        self.now = wall
        self.ticks = 1000.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.ticks

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.ticks += seconds


def a_notification(key: str = "a1", seq: int = 1, channel: str = "chat", **more: Any) -> Notification:
    known: dict[str, Any] = {
        "id": notification_id(key, seq, channel),
        "alert_key": key,
        "seq": seq,
        "channel": channel,
        "fleet": "acme",
        "rule": "cpu-hot",
        "severity": Severity.WARNING,
        "kind": TransitionKind.FIRED,
        "why": Why.THRESHOLD_CROSSED,
        "subject": Subject("aws", "111111111111", "eu-west-1", Kind.INSTANCE, "i-0abc", name="web-1"),
        "condition": "cpu.utilization > 90 %",
        "at": 1_800_000_000,
    }
    return Notification(**(known | more))


def a_commit(
    key: str = "a1",
    ver: int = 1,
    state: AlertState = AlertState.FIRING,
    channels: tuple[str, ...] = ("chat",),
    run_id: str = "run-1",
    scope: Scope = SCOPE,
    at: int = 1_800_000_000,
    told: bool = True,
) -> Commit:
    """The commit that makes version `ver`; FIRING fires, anything else resolves. told False: nobody is owed a word."""
    kind = TransitionKind.FIRED if state is AlertState.FIRING else TransitionKind.RESOLVED
    why = Why.THRESHOLD_CROSSED if state is AlertState.FIRING else Why.RECOVERED
    record = AlertRecord(key, "cpu-hot", "i-0abc", (), ver, state, at, at, told=channels, run_id=run_id)
    if not told:
        return Commit(scope, ver - 1, record)
    notifications = tuple(a_notification(key, ver, channel, kind=kind, why=why, at=at) for channel in channels)
    history = HistoryEntry(key, ver, "cpu-hot", "i-0abc", kind, why, at, at, told=channels)
    return Commit(scope, ver - 1, record, notifications, history)


def by_another(commit: Commit) -> Commit:
    return replace(commit, record=replace(commit.record, run_id="another"))
