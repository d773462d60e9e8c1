"""What stands in the outbox as a person looks at it: single notifications, and groups' messages with their members."""

from __future__ import annotations

from collections.abc import Sequence

from nephoscope.app.looking.outbox import read_entries
from nephoscope.app.outside import Outside
from nephoscope.cli.call import CallError
from nephoscope.model.alert import Owed
from nephoscope.pipeline.looking.look import Entry
from nephoscope.pipeline.wording import clean

__all__ = ["Entry", "drop", "find", "read_entries", "replay"]


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
