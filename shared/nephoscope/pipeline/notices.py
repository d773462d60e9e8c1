"""What nephoscope tells of its own deliveries: messages to other channels about one that does not work.

A notice is an ordinary message of a rule of our own. It is never the reason for another: a notice that cannot be
delivered is kept and counted, and nobody is told of it, for there is nobody left to tell.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from nephoscope.model.alert import Notification, OutboxItem, Subject, TransitionKind, Why, alert_key, notification_id
from nephoscope.model.config import Config
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Scope
from nephoscope.model.time import DAY
from nephoscope.pipeline.wording import clean, render_duration, render_headline, render_status

DELIVERY_RULE = "nephoscope-delivery"

_LOST_TEXT = 400
_REASON_TEXT = 200


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told and when. channels: other than the one it is about. now: clock, epoch seconds."""

    fleet: str
    scope: Scope
    channels: tuple[str, ...]
    now: int


def is_notice(item: OutboxItem) -> bool:
    return item.notification.rule == DELIVERY_RULE


def channels_instead(config: Config, about: str, disabled: Collection[str] = ()) -> tuple[str, ...]:
    """Who is told that a channel fails: the fallback channels, and where none is left every other one."""
    others = [name for name in config.channels if name != about and name not in disabled]
    return tuple(name for name in others if config.channels[name].fallback) or tuple(others)


def plan_given_up(item: OutboxItem, reason: str, told: Told) -> tuple[Notification, ...]:
    """One for each message that is given up, and it carries what that one said: the word reaches somebody.

    seq is the item's version, so that a message which is replayed and given up again is told again.
    """
    lost = item.notification
    key = alert_key(DELIVERY_RULE, told.scope, lost.id)
    age = render_duration(told.now - item.created_at)
    summary = (
        f"Channel {lost.channel}: {_short(reason)}; {item.attempts} failed tries in {age}. "
        f"It said: {render_status(lost)}: {clean(render_headline(lost), _LOST_TEXT)}"
    )
    severity = Severity.CRITICAL if lost.severity is Severity.CRITICAL else Severity.WARNING
    return _notices(key, item.rev, Why.DELIVERY_GIVEN_UP, severity, told, lost.channel, summary=summary)


def plan_disabled(channel: str, seq: int, told: Told) -> tuple[Notification, ...]:
    """seq: the version of the channel's state that disables it."""
    key = alert_key(DELIVERY_RULE, told.scope, channel, (("event", "disabled"),))
    summary = (
        f"Channel {channel} answered 410. Nothing more is sent to it until it leads elsewhere or is enabled again."
    )
    return _notices(key, seq, Why.CHANNEL_DISABLED, Severity.CRITICAL, told, channel, summary=summary)


def plan_refused(channel: str, reason: str, told: Told) -> tuple[Notification, ...]:
    """At most once a day for each channel and scope: a wrong key refuses every message, and is one problem."""
    key = alert_key(DELIVERY_RULE, told.scope, channel, (("event", "refused"),))
    condition = f"channel {channel} refuses messages ({_short(reason)}); they are tried again until they are too old"
    seq = told.now // DAY
    return _notices(key, seq, Why.DELIVERY_REFUSED, Severity.WARNING, told, channel, condition=condition)


def plan_unreadable(place: str, version: int, told: Told) -> tuple[Notification, ...]:
    """place: the sort key of the row, which holds no foreign text but the channel's name."""
    key = alert_key(DELIVERY_RULE, told.scope, place)
    summary = f"What is stored at {place} cannot be read by this version; it was set aside, as it is."
    return _notices(key, max(version, 1), Why.DELIVERY_GIVEN_UP, Severity.CRITICAL, told, "", summary=summary)


def _notices(
    key: str,
    seq: int,
    why: Why,
    severity: Severity,
    told: Told,
    about: str,
    *,
    condition: str = "delivery of alerts",
    summary: str = "",
) -> tuple[Notification, ...]:
    scope = told.scope
    return tuple(
        Notification(
            id=notification_id(key, seq, channel),
            alert_key=key,
            seq=seq,
            channel=channel,
            fleet=told.fleet,
            rule=DELIVERY_RULE,
            severity=severity,
            kind=TransitionKind.FIRED,
            why=why,
            subject=Subject(scope.cloud, scope.account, scope.region, Kind.SCOPE, scope.key),
            condition=condition,
            at=told.now,
            fired_at=told.now,
            committed_at=told.now,
            summary=summary,
            labels={"channel": about} if about else {},
        )
        for channel in told.channels
    )


def _short(reason: str) -> str:
    return clean(reason, _REASON_TEXT)
