"""What the message of a group says: how many fire and how many have ended, the worst first, and the highest severity.

An alert counts once, as it stands after its last entry in the message; what it went through before is said beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from nephoscope.model.alert import Notification, Subject, TransitionKind, Why
from nephoscope.model.group import GroupMessage, Labels
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Scope
from nephoscope.pipeline.wording import clean, render_headline, render_time

MOST_RULES = 3
"""Rules that are named; of more only the number is given."""
VALUE_LENGTH = 60

_BY_WEIGHT = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
_STATES = {
    TransitionKind.FIRED: "firing",
    TransitionKind.WENT_SILENT: "without data",
    TransitionKind.RESOLVED: "resolved",
    TransitionKind.BACK: "with data again",
}
"""In the order in which they are told."""
_PLACES = {kind: place for place, kind in enumerate(_STATES)}
_EVENTS = {
    TransitionKind.FIRED: "fired",
    TransitionKind.WENT_SILENT: "went silent",
    TransitionKind.RESOLVED: "resolved",
    TransitionKind.BACK: "data back",
}
_SAID_ALREADY = ("rule", "cloud", "cloud_account_id", "cloud_region", "severity")


def newest(members: Iterable[Notification]) -> tuple[Notification, ...]:
    """Each alert as it stands now, the worst first: what fires before what is silent before what has ended; then by
    severity, and by how far the value lies from its threshold."""
    last = {n.alert_key: n for n in members}
    return tuple(sorted(last.values(), key=_rank))


def _rank(n: Notification) -> tuple[int, int, float, str, str]:
    return _PLACES[n.kind], _BY_WEIGHT.index(n.severity), -_distance(n), n.subject.name, n.alert_key


def _distance(n: Notification) -> float:
    """How far from the threshold, in thresholds; nothing for what is seen rather than measured."""
    if n.value is None or n.threshold is None or not math.isfinite(n.value):
        return 0.0
    return abs(n.value - n.threshold) / (abs(n.threshold) or 1.0)


def before(n: Notification, members: Iterable[Notification]) -> str:
    """What its alert went through earlier in the same message, in order: `fired 2026-11-23 20:05 UTC`; or nothing."""
    earlier = [m for m in members if m.alert_key == n.alert_key and m.seq < n.seq]
    return ", ".join(f"{_EVENTS[m.kind]} {render_time(m.at)}" for m in earlier)


def render_member(n: Notification, message: GroupMessage) -> str:
    """One line for one alert: the headline that it would have by itself, and what came before."""
    rule = "" if common(message, "rule") else f"{clean(n.rule)}: "
    earlier = before(n, message.members)
    return f"{rule}{render_headline(n)}" + (f" (before: {earlier})" if earlier else "")


def highest(members: Iterable[Notification]) -> Severity:
    """Of what is wrong; where nothing is any more, of what was."""
    alerts = newest(members)
    wrong = [n.severity for n in alerts if n.firing] or [n.severity for n in alerts]
    return min(wrong, key=_BY_WEIGHT.index)


def kind_of(members: Iterable[Notification]) -> TransitionKind:
    """FIRED as long as anything fires; then what is silent; then what has ended."""
    return newest(members)[0].kind


def render_counts(members: Iterable[Notification]) -> str:
    """`37 firing, 3 resolved`."""
    kinds = [n.kind for n in newest(members)]
    return ", ".join(f"{kinds.count(kind)} {word}" for kind, word in _STATES.items() if kind in kinds)


def render_rules(members: Iterable[Notification]) -> str:
    """`cpu-hot`, `cpu-hot and down`, `5 rules`."""
    rules = sorted({clean(n.rule) for n in members})
    if len(rules) > MOST_RULES:
        return f"{len(rules)} rules"
    return " and ".join(filter(None, (", ".join(rules[:-1]), rules[-1])))


def render_labels(labels: Labels) -> str:
    """`tag:owner data, host_type m5.large`: what the group has in common beside its rule and its place."""
    shown = [(name, clean(value, VALUE_LENGTH) or "none") for name, value in labels if name not in _SAID_ALREADY]
    return ", ".join(f"{name} {value}" for name, value in shown)


def render_group_headline(members: Sequence[Notification], labels: Labels) -> str:
    """`cpu-hot: 37 firing, 3 resolved in aws eu-west-1 (tag:owner data)`."""
    place = members[0].subject
    shown = render_labels(labels)
    where = clean(f"{place.cloud} {place.region}")
    return f"{render_rules(members)}: {render_counts(members)} in {where}" + (f" ({shown})" if shown else "")


def render_group_status(message: GroupMessage) -> str:
    """The word that stands first: `CRITICAL`, `NO DATA`, `DATA BACK`, `RESOLVED`."""
    match kind_of(message.members):
        case TransitionKind.FIRED:
            return highest(message.members).upper()
        case TransitionKind.WENT_SILENT:
            return "NO DATA"
        case TransitionKind.BACK:
            return "DATA BACK"
        case TransitionKind.RESOLVED:
            return "RESOLVED"


def common(message: GroupMessage, field: str) -> str:
    """What all members say alike in this field (rule, runbook, condition); empty where they differ."""
    values = {str(getattr(n, field)) for n in message.members}
    return values.pop() if len(values) == 1 else ""


def common_link(message: GroupMessage, name: str) -> str:
    values = {n.links.get(name, "") for n in message.members}
    return values.pop() if len(values) == 1 else ""


def head_of(
    message: str, key: str, scope: Scope, labels: Labels, members: Sequence[Notification], seq: int
) -> Notification:
    """The group's message in short: what the outbox, its lists and notices about it show. It is never sent itself."""
    first = members[0]
    return replace(
        first,
        id=message,
        alert_key=key,
        seq=seq,
        rule=render_rules(members),
        severity=highest(members),
        kind=kind_of(members),
        why=Why.STATE_HELD if kind_of(members) is TransitionKind.FIRED else Why.RECOVERED,
        subject=Subject(scope.cloud, scope.account, scope.region, Kind.SCOPE, scope.key),
        condition=render_counts(members),
        at=max(n.at for n in members),
        fired_at=min((n.fired_at for n in members if n.fired_at is not None), default=None),
        metric="",
        unit="",
        value=None,
        threshold=None,
        worst=None,
        summary=render_labels(labels),
        runbook="",
        labels={},
        links={},
    )
