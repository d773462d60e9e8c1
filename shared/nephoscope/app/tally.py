"""What a delivery run has done, counted by several threads at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nephoscope.model.alert import Notification, OutboxItem
from nephoscope.model.scope import Scope


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """sent: taken by the receiver. retried: failed, and will be tried again. dead: given up, kept, told elsewhere.
    refused: failed tries by reason."""

    sent: int = 0
    retried: int = 0
    dead: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """refused: failed tries by reason. owed: what still waits, everywhere that was looked; oldest_owed: its greatest
    age in seconds (clock). noticed: messages about failing channels that became owed. unreadable: outbox rows that
    nobody could read. repeated: sent, but the lease was lost meanwhile, so that it will be sent once more. disabled:
    channels whose receivers want no more. left: due, and not ended when the time was up. muted: not sent, for a silence
    or a window has come to cover them. errors: what the store did not do, in words. grouped: notifications that left
    within the message of a group, which is one of those sent (or dead)."""

    sent: int = 0
    retried: int = 0
    dead: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    owed: int = 0
    oldest_owed: float = 0.0
    channels: Mapping[str, ChannelReport] = field(default_factory=dict)
    noticed: int = 0
    unreadable: int = 0
    repeated: int = 0
    disabled: tuple[str, ...] = ()
    left: int = 0
    muted: int = 0
    errors: tuple[str, ...] = ()
    grouped: int = 0

    @property
    def tried(self) -> bool:
        """Anything was sent, refused or given up."""
        return bool(self.sent or self.dead or self.refused)

    @property
    def failed(self) -> bool:
        """The store did not answer, and nothing reached anybody."""
        return bool(self.errors) and not self.sent

    def as_dict(self) -> dict[str, Any]:
        """For the log."""
        return asdict(self)

    def said(self) -> dict[str, Any]:
        """For the log of a run: what was done, by channel and reason, and nothing that is as it should be."""
        return {name: value for name, value in self.as_dict().items() if value}


class Tally:
    """Thread-safe. Scopes in which a notice became owed are kept for the next round."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._left: set[str] = set()
        self._owed: dict[str, float] = {}
        self._noticed: set[Scope] = set()
        self._unreadable: set[tuple[Scope, str]] = set()
        self._errors: list[str] = []

    def seen(self, items: Iterable[OutboxItem]) -> None:
        with self._lock:
            self._owed |= {item.notification.id: item.created_at for item in items}

    def waits(self, items: Iterable[OutboxItem], until: float) -> None:
        """As its channel wants it: none of it is late before then (clock)."""
        with self._lock:
            self._owed |= {item.notification.id: until for item in items}

    def over(self, members: Iterable[OutboxItem]) -> None:
        """They have ended with the message of their group."""
        with self._lock:
            for item in members:
                self._counts["grouped", ""] += 1
                self._owed.pop(item.notification.id, None)

    def sent(self, item: OutboxItem) -> None:
        self._count("sent", item, over=True)

    def dead(self, item: OutboxItem) -> None:
        self._count("dead", item, over=True)

    def muted(self, items: Iterable[OutboxItem]) -> None:
        for item in items:
            self._count("muted", item, over=True)

    def retried(self, item: OutboxItem) -> None:
        self._count("retried", item)

    def repeated(self, item: OutboxItem) -> None:
        self._count("repeated", item)

    def refused(self, item: OutboxItem, reason: str) -> None:
        with self._lock:
            self._refused[item.notification.channel, reason] += 1

    def left(self, items: Iterable[OutboxItem]) -> None:
        """The time was up before these had ended."""
        with self._lock:
            self._left |= {item.notification.id for item in items}

    def unreadable(self, scope: Scope, place: str) -> None:
        with self._lock:
            self._unreadable.add((scope, place))

    def noticed(self, scope: Scope, notices: Iterable[Notification]) -> None:
        """These messages about a failing channel have become owed."""
        with self._lock:
            for notice in notices:
                self._counts["noticed", ""] += 1
                self._noticed.add(scope)
                self._owed[notice.id] = notice.committed_at

    def error(self, text: str) -> None:
        with self._lock:
            self._errors.append(text)

    def take_noticed(self) -> tuple[Scope, ...]:
        with self._lock:
            scopes, self._noticed = tuple(sorted(self._noticed)), set()
            return scopes

    def report(self, now: float, disabled: Iterable[str]) -> DeliveryReport:
        with self._lock:
            total: Counter[str] = Counter()
            for (what, _), number in self._counts.items():
                total[what] += number
            return DeliveryReport(
                sent=total["sent"],
                retried=total["retried"],
                dead=total["dead"],
                refused=self._reasons(),
                owed=len(self._owed),
                oldest_owed=max(0.0, now - min(self._owed.values(), default=now)),
                channels={name: self._channel(name) for name in self._named()},
                noticed=total["noticed"],
                unreadable=len(self._unreadable),
                repeated=total["repeated"],
                disabled=tuple(sorted(disabled)),
                left=len(self._left & self._owed.keys()),
                muted=total["muted"],
                errors=tuple(self._errors),
                grouped=total["grouped"],
            )

    def _channel(self, name: str) -> ChannelReport:
        sent, retried, dead = (self._counts[what, name] for what in ("sent", "retried", "dead"))
        return ChannelReport(sent, retried, dead, self._reasons(name))

    def _named(self) -> list[str]:
        """The channels of which there is something to say."""
        return sorted({channel for _, channel in self._counts if channel} | {channel for channel, _ in self._refused})

    def _reasons(self, only: str = "") -> dict[str, int]:
        """Failed tries by reason, of all channels or of one."""
        found: Counter[str] = Counter()
        for (channel, reason), number in self._refused.items():
            if only in ("", channel):
                found[reason] += number
        return dict(found)

    def _count(self, what: str, item: OutboxItem, *, over: bool = False) -> None:
        with self._lock:
            self._counts[what, item.notification.channel] += 1
            if over:
                self._owed.pop(item.notification.id, None)
