"""What stands in the outbox, as a person looks at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from nephoscope.app.looking.places import places
from nephoscope.app.outside import Outside
from nephoscope.model.alert import OutboxItem, Owed
from nephoscope.model.scope import Scope
from nephoscope.pipeline.group_wording import head_of
from nephoscope.pipeline.grouping import in_order
from nephoscope.pipeline.looking.look import Entry


def read_entries(outside: Outside) -> list[Entry]:
    """The oldest first. Raises StoreError."""
    found = [entry for scope in places(outside) for entry in entries_of(outside, scope)]
    return sorted(found, key=lambda entry: (entry.item.created_at, entry.id))


def entries_of(outside: Outside, scope: Scope) -> Iterator[Entry]:
    """Raises StoreError."""
    messages = {m.notification.id: m for m in outside.memory.read_messages(scope).messages if m.status is not Owed.IDLE}
    items = outside.memory.read_outbox(scope)
    inside: dict[str, list[OutboxItem]] = {}
    for item in items:
        if item.message in messages or (item.message and item.status is Owed.DEAD):
            inside.setdefault(item.message, []).append(item)
        else:
            yield Entry(scope, item)
    for name, message in messages.items():
        yield Entry(scope, message, in_order(inside.pop(name, ())))
    for name, members in inside.items():
        yield Entry(scope, _given_up(name, scope, members), in_order(members))


def _given_up(name: str, scope: Scope, members: Sequence[OutboxItem]) -> OutboxItem:
    """The message whose members these were, as far as they tell of it: its own item is gone."""
    told = [member.notification for member in members]
    return replace(members[0], notification=head_of(name, name, scope, (), told, 0), group=(), size=len(members))
