"""An alert's life in records: what was judged, what changed, who is owed word of it.

An *alert* is one rule on one resource (and one set of attributes, e.g. a device). Its key is a digest of exactly
these, so every run on every machine names it alike.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Scope


class AlertState(StrEnum):
    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"  # the condition no longer holds, the clear condition does not hold yet
    NODATA = "nodata"
    LOST = "lost"  # was firing, then the data stopped: still open, for nobody saw it recover


OPEN_STATES = frozenset({AlertState.FIRING, AlertState.RECOVERING, AlertState.LOST})
"""States in which somebody was told that something is wrong and has not been told that it ended."""


class Outcome(StrEnum):
    """What a rule says of one resource at one boundary. Each word is used in logs, messages and tests alike."""

    BREACHING = "breaching"  # M of N held
    PARTLY = "partly"  # the newest points breach, fewer than M of them
    HELD = "held"  # not breaching, and the clear condition does not hold either
    CLEAR = "clear"
    NODATA = "nodata"  # absent, and the rule treats absent as `missing`
    KEEP = "keep"  # absent and ignored, or a machine too new to judge
    UNKNOWN = "unknown"  # not asked, failed, throttled, partial, too young: the state is frozen
    STOPPED = "stopped"  # no point because the machine does not run
    GONE = "gone"  # two complete inventories in a row do not list it
    WITHDRAWN = "withdrawn"  # the rule was removed or no longer selects this resource


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement. at: the boundary (data time) it is for. value: the number that decided, catalog's unit.

    settles: the judgement advances the alert's data time. False for KEEP and UNKNOWN.
    breaching, needed, considered: how many real points breached, M, and N.
    """

    alert_key: str
    at: int
    outcome: Outcome
    value: float | None = None
    breaching: int = 0
    needed: int = 1
    considered: int = 1
    since: int | None = None  # observations: since when the word has been seen, data time


class TransitionKind(StrEnum):
    FIRED = "fired"
    RESOLVED = "resolved"
    WENT_SILENT = "went_silent"  # NODATA or LOST
    BACK = "back"  # data again, and nothing is wrong


class Why(StrEnum):
    """Why an alert changed. Stands in the message, the history and the log."""

    THRESHOLD_CROSSED = "threshold_crossed"
    STATE_HELD = "state_held"
    RECOVERED = "recovered"
    NO_DATA = "no_data"
    DATA_BACK = "data_back"
    RESOURCE_STOPPED = "resource_stopped"
    RESOURCE_GONE = "resource_gone"
    RULE_WITHDRAWN = "rule_withdrawn"
    QUIET_OVER = "quiet_over"  # a window or a silence has ended, and the alert is open still
    REPEATED = "repeated"
    FLAPPING = "flapping"  # it comes and goes; nobody is told of each time
    SETTLED = "settled"  # it has stopped coming and going
    ESCALATED = "escalated"  # open for long, and nobody has acknowledged it
    DELIVERY_GIVEN_UP = "delivery_given_up"
    CHANNEL_DISABLED = "channel_disabled"
    MEMORY_UNAVAILABLE = "memory_unavailable"
    TEST = "test"  # sent by hand, to see whether it arrives
    DELIVERY_REFUSED = "delivery_refused"  # a receiver refuses; it is tried again, slowly, until the message is too old


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert changed at data time `at`. worst: the worst value since it fired. fired_at: data time or None."""

    alert_key: str
    kind: TransitionKind
    before: AlertState
    after: AlertState
    why: Why
    at: int
    value: float | None = None
    worst: float | None = None
    fired_at: int | None = None


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """What is remembered of an alert that is, or lately was, not OK. At OK it stays as a tombstone: `ver` never
    restarts, and a stale run finds no empty place to write.

    ver: counts commits, from 1. watermark: the last boundary (data time) that this record has taken in.
    since: data time at which the present state began. missed: complete inventories in a row without the resource.
    told: the channels that were owed word that it fired; they are owed word of its end, whatever the rule says by then.
    told_at: channel -> the slot at which it was last told. fires: data times of its latest firings, within an hour.
    flapping: it comes and goes; people were told so, and hear of it again when it has been one or the other for long.
    withheld: the channels that were owed word that it fired, and for which quiet came before it was sent; they are told
    when quiet is over.
    """

    alert_key: str
    rule: str
    resource_id: str
    attributes: tuple[tuple[str, str], ...] = ()
    ver: int = 0
    state: AlertState = AlertState.OK
    since: int = 0
    watermark: int = 0
    episode: int = 0
    fired_at: int | None = None
    value: float | None = None
    worst: float | None = None
    missed: int = 0
    told: tuple[str, ...] = ()
    run_id: str = ""
    told_at: Mapping[str, int] = field(default_factory=dict)
    fires: tuple[int, ...] = ()
    flapping: bool = False
    withheld: tuple[str, ...] = ()

    @property
    def lives(self) -> bool:
        """Whether there is still something to be told of it, or to be watched."""
        return self.state is not AlertState.OK or self.flapping


@dataclass(frozen=True, slots=True)
class Subject:
    """What a message is about, in full: a message is read when the machine may long be gone."""

    cloud: str
    account: str
    region: str
    kind: Kind
    id: str
    name: str = ""
    type: str = ""
    zone: str = ""
    state: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notification:
    """One message owed to one channel: facts, not text. Each format renders it when it is sent.

    seq: `ver` of the commit. condition: the rule's condition as a person wrote it ("cpu.utilization > 90 %").
    value, threshold, worst: in `unit` (catalog's unit; empty for observations). at, fired_at: data time.
    committed_at: clock. links: name -> URL.
    """

    id: str
    alert_key: str
    seq: int
    channel: str
    fleet: str
    rule: str
    severity: Severity
    kind: TransitionKind
    why: Why
    subject: Subject
    condition: str
    at: int
    episode: int = 0
    slot: int = 0
    metric: str = ""
    unit: str = ""
    value: float | None = None
    threshold: float | None = None
    worst: float | None = None
    fired_at: int | None = None
    committed_at: int = 0
    summary: str = ""
    runbook: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def firing(self) -> bool:
        return self.kind in (TransitionKind.FIRED, TransitionKind.WENT_SILENT)


class Owed(StrEnum):
    READY = "ready"
    LEASED = "leased"
    DEAD = "dead"
    FROZEN = "frozen"  # leaves within the message of a group, and no more by itself
    # Of a group's message alone, beside READY, LEASED and DEAD (given up; its members go to the dead):
    FILLING = "filling"  # takes members in, and is not sent yet
    SENT = "sent"  # the receiver has it; its members' receipts are being put
    DROPPED = "dropped"  # let go by a person; so are its members
    IDLE = "idle"  # nothing is under way; what is left says when the last one was sent


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A notification that is owed, and how far its delivery has come.

    rev: counts writes of this item. fence: counts claims; only the holder of the newest fence may finish it.
    lease_until, next_at, created_at: clock, epoch seconds. last: the reason of the last failed try.
    attempts: tries that failed. holder: a fresh word for each claim, by which a run knows its own claim again.
    message: of what is frozen, the id of the message that it leaves with.

    The message of a group is an item, too: group is its labels then (None: a single message), size its members, sent_at
    the clock when the receiver took the last one; its notification says in short what the members say in full.
    """

    notification: Notification
    status: Owed = Owed.READY
    rev: int = 0
    fence: int = 0
    lease_until: float = 0.0
    next_at: float = 0.0
    attempts: int = 0
    created_at: float = 0.0
    last: str = ""
    holder: str = ""
    message: str = ""
    group: tuple[tuple[str, str], ...] | None = None
    size: int = 0
    sent_at: float = 0.0


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """What happened to an alert, when, and which channels were owed word of it. muted: why none was."""

    alert_key: str
    seq: int
    rule: str
    resource_id: str
    kind: TransitionKind
    why: Why
    at: int
    slot: int
    value: float | None = None
    worst: float | None = None
    told: tuple[str, ...] = ()
    muted: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """One alert's change, applied in one transaction: the record, an outbox item for each channel, the history.

    expected_ver: the version that was read (0: no record). record.ver is expected_ver + 1.
    """

    scope: Scope
    expected_ver: int
    record: AlertRecord
    notifications: tuple[Notification, ...] = ()
    history: HistoryEntry | None = None


def alert_key(rule: str, scope: Scope, resource_id: str, attributes: tuple[tuple[str, str], ...] = ()) -> str:
    """The name of an alert, alike on every machine: a digest of the rule and the sorted labels."""
    labels = [rule, scope.key, resource_id, sorted(attributes)]
    return hashlib.sha256(json.dumps(labels, separators=(",", ":")).encode()).hexdigest()[:32]


def notification_id(key: str, seq: int, channel: str) -> str:
    """The same for every try and every run: the receiver's means to drop a copy."""
    return "msg_" + hashlib.sha256(f"{key}|{seq}|{channel}".encode()).hexdigest()[:40]
