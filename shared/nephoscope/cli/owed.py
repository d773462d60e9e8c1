"""What stands in the outbox as a person looks at it: single notifications, and groups' messages with their members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nephoscope.app.outside import Outside
from nephoscope.cli.call import CallError
from nephoscope.cli.memory import places
from nephoscope.model.alert import OutboxItem, Owed
from nephoscope.model.scope import Scope
from nephoscope.pipeline.group_wording import head_of
from nephoscope.pipeline.grouping import in_order
from nephoscope.pipeline.wording import clean


@dataclass(frozen=True, slots=True)
class Entry:
    """members: of a group's message, in order; of one that was given up, those that are still among the dead."""

    scope: Scope
    item: OutboxItem
    members: tuple[OutboxItem, ...] = ()

    @property
    def id(self) -> str:
        return self.item.notification.id

    @property
    def notifications(self) -> int:
        return len(self.members) or 1


def read_entries(outside: Outside) -> list[Entry]:
    """The oldest first. Raises StoreError."""
    found = [entry for scope in places(outside) for entry in _entries(outside, scope)]
    return sorted(found, key=lambda entry: (entry.item.created_at, entry.id))


def _entries(outside: Outside, scope: Scope) -> Iterator[Entry]:
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


def find(prefix: str, entries: Sequence[Entry]) -> Entry:
    """The one whose id begins so, with or without `msg_`; of what was given up also a single member. Raises CallError
    for none, for several, and for a member that leaves with its message."""
    wanted = prefix if prefix.startswith("msg_") else f"msg_{prefix}"
    everything = [*entries, *(Entry(entry.scope, member) for entry in entries for member in entry.members)]
    found = [entry for entry in everything if entry.id.startswith(wanted)]
    if len(found) != 1:
        many = f"{len(found)} notifications begin with" if found else "no notification that is owed begins with"
        raise CallError(f'{many} "{clean(wanted)}"', "nephoscope outbox lists them.")
    (entry,) = found
    if entry.item.message and entry.item.group is None and entry.item.status is not Owed.DEAD:
        raise CallError(f"{entry.id} leaves with others, in {entry.item.message}", "nephoscope outbox shows that one.")
    return entry


def replay(outside: Outside, entry: Entry) -> bool:
    """Owe it again; of a message that was given up every member. False: something has changed meanwhile."""
    dead = entry.members if entry.item.status is Owed.DEAD else ()
    done = [outside.memory.replay(entry.scope, item) for item in dead or (entry.item,)]
    return all(done)


def drop(outside: Outside, entry: Entry) -> bool:
    """Let it go, with all its members. False: something has changed meanwhile."""
    memory, dead = outside.memory, entry.members if entry.item.status is Owed.DEAD else ()
    done = [memory.drop(entry.scope, item) for item in dead or (entry.item,)]
    if not all(done) or entry.item.group is None or dead:
        return all(done)
    return memory.settle(entry.scope, entry.item, entry.members)
