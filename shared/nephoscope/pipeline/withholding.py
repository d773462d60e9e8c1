"""A message that became owed, and that a silence or a window came to cover before it was sent: what is withheld with
it, and what the alert's record says then.

The channel has not heard of the alert, so it hears neither of its end; and when quiet is over and the alert is open
still, it is told of it (pipeline/reminders.py). Where an earlier try may have reached the receiver all the same, the
end is owed to it as well: nobody is left with an incident that nothing closes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nephoscope.model.alert import OPEN_STATES, AlertRecord, HistoryEntry, OutboxItem, TransitionKind, Why

MOST_TOGETHER = 20
"""Messages that are withheld at once; each takes four writes, and a transaction holds a hundred."""


def may_have_arrived(item: OutboxItem) -> bool:
    """Somebody has claimed it before: it may have been sent, whatever is known of it."""
    return item.fence > 0


def withheld_with(item: OutboxItem, later: Iterable[OutboxItem]) -> tuple[OutboxItem, ...]:
    """What makes no sense without it, ends first. later: owed to the same channel of the same alert, with a higher seq.

    With the word that an alert fired goes all that was to follow in its episode; with the word that its data stopped,
    the word that they are back. A repeat goes alone: what it repeats was told.
    """
    told = item.notification
    same = [other for other in later if other.notification.episode == told.episode]
    if told.kind is TransitionKind.WENT_SILENT:
        follow = [other for other in same[:1] if other.notification.kind is TransitionKind.BACK]
    else:
        follow = same if told.why is not Why.REPEATED else []
    if may_have_arrived(item):
        follow = [other for other in follow if other.notification.firing]
    return tuple(sorted(follow, key=lambda other: other.notification.firing)[:MOST_TOGETHER])


def without(record: AlertRecord | None, item: OutboxItem, run_id: str) -> AlertRecord | None:
    """The record once the message is withheld; None where nothing in it changes. Who is escalated to is escalated to
    again; everybody else is told when quiet is over."""
    told = item.notification
    if record is None or record.state not in OPEN_STATES or record.episode != told.episode:
        return None
    if told.kind is not TransitionKind.FIRED or told.why is Why.REPEATED:
        return None
    changed = record
    if told.why is not Why.ESCALATED:
        changed = replace(changed, withheld=tuple(dict.fromkeys((*record.withheld, told.channel))))
    if not may_have_arrived(item):
        changed = replace(
            changed,
            told=tuple(name for name in record.told if name != told.channel),
            told_at={name: slot for name, slot in record.told_at.items() if name != told.channel},
        )
    return None if changed == record else replace(changed, ver=record.ver + 1, run_id=run_id)


def noted(entry: HistoryEntry, channel: str, why: str) -> HistoryEntry:
    """The history says who was not told after all, and why."""
    muted = "; ".join(filter(None, (entry.muted, f"{why} ({channel})")))
    return replace(entry, told=tuple(name for name in entry.told if name != channel), muted=muted)
