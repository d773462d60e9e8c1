"""Which messages leave together, and when. Pure: now is an argument.

A group is what is owed to one channel, in one scope, with the same values of the labels that the channel names in
`group_by`. Its first members wait for company (`group_wait`); then there is at most one message in `group_interval`.
The sweeper comes once a minute, so both are kept to the nearest minute.

An alert's messages keep their order: a later one is never frozen before an earlier one, and waits as long as an earlier
one is under way with another message. What nephoscope tells of its own deliveries is never grouped: it waits for
nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.model.alert import Notification, OutboxItem, Owed
from nephoscope.model.config import Channel
from nephoscope.model.group import Labels
from nephoscope.model.scope import Scope
from nephoscope.model.time import MINUTE
from nephoscope.pipeline.backoff import chains, is_due
from nephoscope.pipeline.notices import is_notice

MOST_MEMBERS = 10_000
"""Of one message; more of them are for the next, so that one which is being filled is sent in the end."""

TAG, LABEL = "tag:", "label:"

FIELDS: Mapping[str, Callable[[Notification], str]] = {
    "rule": lambda n: n.rule,
    "severity": lambda n: str(n.severity),
    "cloud": lambda n: n.subject.cloud,
    "cloud_account_id": lambda n: n.subject.account,
    "cloud_region": lambda n: n.subject.region,
    "cloud_availability_zone": lambda n: n.subject.zone,
    "host_type": lambda n: n.subject.type,
    "resource": lambda n: n.subject.id,
}
"""What can be grouped by, beside `tag:NAME` of the resource and `label:NAME` of the rule."""


@dataclass(frozen=True, slots=True)
class Group:
    """What is owed to one channel under the same labels.

    message: the item as it stands in the store; None where there has been none lately. members: what is frozen into it.
    company: what may be frozen next, in the order in which it is to be told.
    """

    channel: str
    labels: Labels
    message: OutboxItem | None = None
    members: tuple[OutboxItem, ...] = ()
    company: tuple[OutboxItem, ...] = ()

    @property
    def since(self) -> float:
        """Clock: how long the oldest of it has waited."""
        return min((item.created_at for item in (*self.members, *self.company)), default=0.0)


def group_of(notification: Notification, by: Iterable[str]) -> Labels:
    """The labels of its group; a tag or label that is not there has the empty value."""
    return tuple((name, _value(notification, name)) for name in by)


def _value(n: Notification, name: str) -> str:
    if name.startswith(TAG):
        return n.subject.tags.get(name.removeprefix(TAG), "")
    if name.startswith(LABEL):
        return n.labels.get(name.removeprefix(LABEL), "")
    return FIELDS[name](n)


def group_key(scope: Scope, channel: str, labels: Labels) -> str:
    """The name of a group, alike on every machine. Groups of two scopes have two names."""
    said = json.dumps([scope.key, channel, labels], separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def message_id(key: str, first: Iterable[OutboxItem]) -> str:
    """Follows from the first members that are frozen, each as it stood then: no notification is in two messages under
    one version, so no two messages have one id; and the message takes its members in before it is ever sent, so one id
    is one content."""
    said = "|".join(sorted(f"{item.notification.id}:{item.rev}" for item in first))
    return "msg_" + hashlib.sha256(f"group|{key}|{said}".encode()).hexdigest()[:40]


def is_single(item: OutboxItem, grouped: frozenset[str]) -> bool:
    """Whether it leaves by itself. grouped: the channels that group."""
    return item.notification.channel not in grouped or is_notice(item)


def plan_groups(
    items: Iterable[OutboxItem], messages: Iterable[OutboxItem], channels: Mapping[str, Channel], now: float
) -> tuple[Group, ...]:
    """All groups of one scope of which something is owed or under way. messages: as they stood before `items` were
    read; so of one that is still as it was, the items show every member."""
    everything = tuple(items)
    found = {(m.notification.channel, m.group): m for m in messages if m.group is not None}
    company: dict[tuple[str, Labels], list[OutboxItem]] = {}
    for place, free in _free(everything, channels, now):
        company.setdefault(place, []).extend(free)
    return tuple(
        Group(channel, labels, message, _frozen(everything, message), in_order(company.get((channel, labels), ())))
        for channel, labels in sorted(found.keys() | company.keys())
        if (message := found.get((channel, labels))) is None
        or message.status is not Owed.IDLE
        or (channel, labels) in company
    )


def _frozen(items: Iterable[OutboxItem], message: OutboxItem | None) -> tuple[OutboxItem, ...]:
    if message is None or message.status is Owed.IDLE:
        return ()
    mine = [i for i in items if i.status is Owed.FROZEN and i.message == message.notification.id]
    return in_order(mine)


def in_order(members: Iterable[OutboxItem]) -> tuple[OutboxItem, ...]:
    """As they are told: the alert that has waited longest first, the messages of one alert by seq."""
    found: dict[str, list[OutboxItem]] = {}
    for item in sorted(members, key=lambda each: each.notification.seq):
        found.setdefault(item.notification.alert_key, []).append(item)
    alerts = sorted(found.values(), key=lambda each: (each[0].created_at, each[0].notification.alert_key))
    return tuple(item for alert in alerts for item in alert)


def _free(
    items: tuple[OutboxItem, ...], channels: Mapping[str, Channel], now: float
) -> Iterator[tuple[tuple[str, Labels], list[OutboxItem]]]:
    """The beginning of each alert's chain, as far as it belongs to one group and nobody has his hands on it."""
    grouped = frozenset(name for name, channel in channels.items() if channel.group_by is not None)
    for chain in chains(items):
        channel = chain[0].notification.channel
        if is_single(chain[0], grouped):
            continue
        by = channels[channel].group_by or ()
        labels = group_of(chain[0].notification, by)
        free: list[OutboxItem] = []
        for item in chain:
            if not is_due(item, now) or group_of(item.notification, by) != labels:
                break
            free.append(item)
        if free:
            yield (channel, labels), free


def due_at(group: Group, channel: Channel) -> float:
    """Clock: from when on the company may leave, were it not for a message that is under way."""
    first = min((item.created_at for item in group.company), default=0.0) + channel.group_wait
    last = group.message.sent_at + channel.group_interval if group.message and group.message.sent_at else 0.0
    return max(first, last)


def is_ripe(group: Group, channel: Channel, now: float) -> bool:
    """Whether the company has waited long enough, to the nearest minute. A time further away than any wait was written
    by a clock that was wrong, and binds nobody."""
    if not group.company:
        return False
    due = due_at(group, channel)
    return not now < due - MINUTE / 2 <= now + max(channel.group_wait, channel.group_interval)


def plan_chunks(sizes: Sequence[int], most: int, most_bytes: int) -> tuple[range, ...]:
    """Positions in order, each in exactly one chunk of at most `most` with at most `most_bytes` together; one that is
    larger by itself has a chunk of its own."""
    chunks: list[range] = []
    begin = used = 0
    for position, size in enumerate(sizes):
        if position > begin and (position - begin >= most or used + size > most_bytes):
            chunks.append(range(begin, position))
            begin, used = position, 0
        used += size
    return (*chunks, range(begin, len(sizes))) if sizes else ()
