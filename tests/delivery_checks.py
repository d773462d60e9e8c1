"""What must hold after every run of every row of the fault matrix, whatever was done to it.

L  every committed transition has its receipt, and arrived; or it was given up loudly.
D  copies - 1 <= faults injected in the send window, and all copies have one id; one id is one message.
O  first arrivals in order, for each alert and channel.
S  what is remembered equals a pure replay of everything that was ever to be known.
X  no exception that nobody handled.
B  no message was tried more often than its budget.

Each checker gives what is wrong, in words; nothing when all was kept. Each has a protocol that it must catch
(faults/matrix/test_checkers.py): otherwise it proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alert_records import VirtualClock, a_notification
from nephoscope.model.alert import OutboxItem, Owed, alert_key
from nephoscope.model.time import DAY
from nephoscope.pipeline.notices import DELIVERY_RULE
from nephoscope.stores.memory import Memory

if TYPE_CHECKING:
    from delivery_world import Arrival, World

REMEMBERED_BY_RECEIVERS = 14 * DAY
"""Nobody drops a message as a copy of one that is older than any queue keeps it."""

OUR_OWN_FAULT = "fault in the notifier"

Violations = Mapping[str, list[str]]
"""By the checker's letter; only what is wrong."""


@dataclass(frozen=True)
class Replay:
    """What a run without faults would have left. records: alert key -> what is compared of its record. history: alert
    key -> (seq or kind, data time) of each transition in order; None where lateness may change the way, not the end."""

    records: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    history: Mapping[str, list[tuple[Any, int]]] | None = None


def check(world: World, found: Replay, wanted: Replay) -> Violations:
    """All six, after a run: found is what the store holds, wanted what a pure replay says."""
    memory = memory_of(world)
    checked = {
        "L": [*_untold(world, memory), *_lost(world, memory)],
        "D": [*_doubled(world), *_confused(world)],
        "O": [*_out_of_order(world)],
        "S": [*_differs(found, wanted)],
        "X": [*world.unhandled, *_own_faults(world, memory)],
        "B": [*_over_budget(world)],
    }
    return {letter: words for letter, words in checked.items() if words}


def memory_of(world: World) -> Memory:
    """The world's memory as nobody in it is: no gate, no fault, no clock of its own."""
    return Memory(world.table, VirtualClock(world.now))


# --- L ------------------------------------------------------------------------------------------------------------


def _untold(world: World, memory: Memory) -> Iterator[str]:
    """A run that was told that its commit stands must find it in the history."""
    stored = {(e.alert_key, e.seq, e.at) for e in memory.read_history(world.scope, limit=10_000)}
    for commit in world.believed:
        if commit not in stored:
            yield f"a run was told that {commit} was committed, and it is not"


def _lost(world: World, memory: Memory) -> Iterator[str]:
    """Every message of every committed transition has arrived and has its receipt, or was given up loudly."""
    arrived = Counter(arrival.notification.id for arrival in world.arrivals)
    dead = {item.notification.id for item in memory.read_outbox(world.scope) if item.status is Owed.DEAD}
    loud = {a.notification.alert_key for a in world.arrivals if a.notification.rule == DELIVERY_RULE}
    for entry in memory.read_history(world.scope, limit=10_000):
        for channel in entry.told:
            notification = a_notification(entry.alert_key, entry.seq, channel)
            receipt = memory.has_receipt(world.scope, notification) or notification.id in world.forgotten_receipts
            name = f"{entry.alert_key} {entry.seq} {channel}"
            if receipt and not arrived[notification.id]:
                yield f"a receipt for what never arrived: {name}"
            elif notification.id in dead and alert_key(DELIVERY_RULE, world.scope, notification.id) not in loud:
                yield f"given up silently: {name}"
            elif not receipt and notification.id not in dead:
                yield f"lost: {name}"


# --- D ------------------------------------------------------------------------------------------------------------


def copies(world: World) -> int:
    """Arrivals of what the receiver had already, as far back as it can be expected to know."""
    last: dict[tuple[str, str], float] = {}
    found = 0
    for arrival in world.arrivals:
        place = (arrival.channel, arrival.notification.id)
        found += arrival.at - last.get(place, float("-inf")) < REMEMBERED_BY_RECEIVERS
        last[place] = arrival.at
    return found


def _doubled(world: World) -> Iterator[str]:
    if copies(world) > world.faults:
        yield f"{copies(world)} copies for {world.faults} faults"


def _confused(world: World) -> Iterator[str]:
    """One id is one message: whoever drops copies by it must not drop news. And one message has one id."""
    content: dict[str, tuple[Any, Arrival]] = {}
    names: dict[Any, str] = {}
    for arrival in world.arrivals:
        n = arrival.notification
        said = (n.alert_key, n.at, n.kind, n.why)
        before, earlier = content.get(n.id, (said, arrival))
        if before != said and arrival.at - earlier.at < REMEMBERED_BY_RECEIVERS:
            yield f"two messages under one id: {n.id}"
        content[n.id] = (said, arrival)
        place = (n.alert_key, n.seq, arrival.channel)
        if names.setdefault(place, n.id) != n.id:
            yield f"copies under two ids: {place}"


# --- O ------------------------------------------------------------------------------------------------------------


def _out_of_order(world: World) -> Iterator[str]:
    first: dict[str, Arrival] = {}
    for arrival in world.arrivals:
        first.setdefault(arrival.notification.id, arrival)
    seen: dict[tuple[str, str], int] = {}
    for arrival in first.values():
        place = (arrival.notification.alert_key, arrival.channel)
        if arrival.notification.rule != DELIVERY_RULE and arrival.notification.seq < seen.get(place, 0):
            yield f"out of order: {place} {arrival.notification.seq} after {seen[place]}"
        seen[place] = max(seen.get(place, 0), arrival.notification.seq)


# --- S ------------------------------------------------------------------------------------------------------------


def _differs(found: Replay, wanted: Replay) -> Iterator[str]:
    for key in sorted({*found.records, *wanted.records}):
        if found.records.get(key) != wanted.records.get(key):
            yield f"state of {key}: {found.records.get(key)}, a replay gives {wanted.records.get(key)}"
    if wanted.history is None or found.history is None:
        return
    for key in sorted({*found.history, *wanted.history}):
        if found.history.get(key, []) != wanted.history.get(key, []):
            yield f"history of {key}: {found.history.get(key)}, a replay gives {wanted.history.get(key)}"


def made_of(world: World, keys: Iterable[str]) -> Replay:
    """What the store holds of the alerts of a world in which each changes sides at each data time."""
    memory = memory_of(world)
    records = memory.read_alerts(world.scope)
    entries = memory.read_history(world.scope, limit=10_000)[::-1]
    return Replay(
        {k: (records[k].ver, str(records[k].state), records[k].watermark) for k in keys if k in records},
        {key: [(e.seq, e.at) for e in entries if e.alert_key == key] for key in keys},
    )


def made_by_hand(slot: int, keys: Iterable[str]) -> Replay:
    """Version n is of data time n, and odd ones fire."""
    state = "firing" if slot % 2 else "ok"
    return Replay(dict.fromkeys(keys, (slot, state, slot)), {key: [(n, n) for n in range(1, slot + 1)] for key in keys})


# --- X and B ------------------------------------------------------------------------------------------------------


def _own_faults(world: World, memory: Memory) -> Iterator[str]:
    """A notifier that stumbled over a message said so in the item that it left."""
    outbox: tuple[OutboxItem, ...] = memory.read_outbox(world.scope)
    for item in outbox:
        if OUR_OWN_FAULT in item.last:
            yield f"{item.notification.id}: {item.last}"


def _over_budget(world: World) -> Iterator[str]:
    for name, tries in world.tries.items():
        if tries > world.budget:
            yield f"{name} was tried {tries} times, {world.budget} at most"
