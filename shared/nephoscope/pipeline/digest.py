"""What is told when the alert memory does not answer: one digest a scope for each quarter of an hour.

Without memory nobody knows what was told before, so alerts are not told one by one: fallback channels hear that we
remember nothing, and what holds right now. The id follows from the quarter, so a repetition is the same message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from nephoscope.model.alert import Notification, Subject, TransitionKind, Why
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Scope
from nephoscope.model.time import floor_to
from nephoscope.pipeline.changes import Change
from nephoscope.pipeline.wording import clean

MEMORY_RULE = "nephoscope-memory"
BUCKET = 900
LISTED = 20
"""Alerts that a digest names; of the others it gives the number."""


def plan_digest(
    fleet: str, scope: Scope, slot: int, problem: str, changes: Iterable[Change], channels: Iterable[str]
) -> tuple[Notification, ...]:
    """One message a channel. problem: why the memory does not answer. changes: what a run without memory would commit;
    those that fire are what holds now."""
    holding = [
        f"{change.rule.name} on {clean(change.resource.name or change.resource.id, 60)}"
        for change in changes
        if change.transition and change.transition.kind is TransitionKind.FIRED
    ]
    return tuple(_digest(fleet, scope, slot, _summary(problem, holding), channel) for channel in channels)


def _summary(problem: str, holding: list[str]) -> str:
    more = f" and {len(holding) - LISTED} more" if len(holding) > LISTED else ""
    now = "; ".join(holding[:LISTED]) + more if holding else "nothing that needs no memory"
    return f"{clean(problem, 200)}. Holding now: {now}. Messages of alerts wait until it answers."


def _digest(fleet: str, scope: Scope, slot: int, summary: str, channel: str) -> Notification:
    bucket = floor_to(slot, BUCKET)
    key = hashlib.sha256(f"{MEMORY_RULE}|{scope.key}".encode()).hexdigest()[:32]
    return Notification(
        id="msg_" + hashlib.sha256(f"{key}|{bucket}|{channel}".encode()).hexdigest()[:40],
        alert_key=key,
        seq=bucket,
        channel=channel,
        fleet=fleet,
        rule=MEMORY_RULE,
        severity=Severity.CRITICAL,
        kind=TransitionKind.FIRED,
        why=Why.MEMORY_UNAVAILABLE,
        subject=Subject(scope.cloud, scope.account, scope.region, Kind.SCOPE, scope.key),
        condition="the alert memory is unavailable",
        at=bucket,
        slot=slot,
        committed_at=bucket,
        summary=summary,
    )
