"""Where everything stands in a scope's partition. One letter for each kind of row, so that a prefix reads one kind.

    P                           progress
    S#alert                     state of an alert; at OK a tombstone
    O#alert#seq#channel         a notification that is owed
    M#channel#group             the message of a group of them, and when the last one was sent
    D#alert#seq#channel         one that was given up: kept, listed, replayable
    R#notification              receipt: the receiver has it
    HA#alert#at#seq             history of one alert, by data time
    HS#at#alert#seq             the same entries for the whole scope
    A#alert                     acknowledgement of an alert's episode
    V#generation                head of a snapshot; V#generation#token#chunk its pieces
    K                           how far history has been taken; K#slot#number changes of state that are not yet

and in the partition `registry#cloud`: `scope#...` the known scopes, `C#channel` what is known of a channel, `Q#id` a
silence. In `heartbeat#cloud`: `H`, the sign of life that the other clouds' functions read.
Numbers are padded: the order of the keys is the order of time.
"""

from __future__ import annotations

from nephoscope.model.alert import HistoryEntry, Notification, OutboxItem
from nephoscope.model.scope import Cloud, Scope

PROGRESS = "P"
STATES, OWED, DEAD, RECEIPTS = "S#", "O#", "D#", "R#"
MESSAGES = "M#"
HISTORY_OF_ALERT, HISTORY_OF_SCOPE = "HA#", "HS#"
SNAPSHOTS = "V#"
KEPT, PARCELS = "K", "K#"
ACKNOWLEDGED = "A#"
BEAT = "H"
SCOPES, CHANNELS, SILENCES = "scope#", "C#", "Q#"


def registry(cloud: Cloud) -> str:
    """A partition of its own for each cloud: its role may touch no other."""
    return f"registry#{cloud}"


def heartbeat(cloud: Cloud) -> str:
    """Apart from all else that is the cloud's: the others' roles may read this, and nothing more of it."""
    return f"heartbeat#{cloud}"


def scope_row(scope: Scope) -> str:
    return SCOPES + scope.key


def channel_row(name: str) -> str:
    return CHANNELS + name


def silence_row(silence_id: str) -> str:
    return SILENCES + silence_id


def acknowledged_row(alert_key: str) -> str:
    return ACKNOWLEDGED + alert_key


def state_row(alert_key: str) -> str:
    return STATES + alert_key


def owed_row(notification: Notification) -> str:
    return OWED + _place(notification)


def message_row(channel: str, group: str) -> str:
    return f"{MESSAGES}{channel}#{group}"


def place_of(item: OutboxItem) -> str:
    """Where an item stands that was not given up: a single message, or that of a group."""
    told = item.notification
    return owed_row(told) if item.group is None else message_row(told.channel, told.alert_key)


def dead_row(notification: Notification) -> str:
    return DEAD + _place(notification)


def dead_row_of(owed: str) -> str:
    """Where the row that stood at `owed` goes when it is set aside."""
    return DEAD + owed.removeprefix(OWED)


def receipt_row(notification: Notification) -> str:
    return RECEIPTS + notification.id


def history_rows(entry: HistoryEntry) -> tuple[str, str]:
    """An entry stands twice: newest first of one alert, and of the scope, are both one short read."""
    return history_places(entry.alert_key, entry.at, entry.seq)


def history_places(alert_key: str, at: int, seq: int) -> tuple[str, str]:
    return (
        f"{HISTORY_OF_ALERT}{alert_key}#{at:012d}#{seq:010d}",
        f"{HISTORY_OF_SCOPE}{at:012d}#{alert_key}#{seq:010d}",
    )


def head_row(generation: int) -> str:
    return f"{SNAPSHOTS}{generation:010d}"


def chunk_row(generation: int, token: str, number: int) -> str:
    return f"{chunk_prefix(generation, token)}{number:04d}"


def chunk_prefix(generation: int, token: str) -> str:
    return f"{head_row(generation)}#{token}#"


def parcel_row(slot: int, number: int) -> str:
    return f"{PARCELS}{slot:012d}#{number:04d}"


def _place(notification: Notification) -> str:
    return f"{notification.alert_key}#{notification.seq:010d}#{notification.channel}"
