"""One look at everything that is remembered: what all views of the page are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nephoscope.model.alert import OPEN_STATES, AlertRecord, HistoryEntry, OutboxItem, Owed
from nephoscope.model.memory import Progress, Snapshot
from nephoscope.model.metric import Metric
from nephoscope.model.quiet import Acknowledgement, QuietWindow, Silence
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Rule
from nephoscope.model.scope import Cloud, Scope

SEEN_LATELY = 900
"""Seconds after which a snapshot is called old: it is written every five minutes."""
LATE_RUNS = 3
"""So many runs without a sign of life, and the scope is called late."""
MACHINES = frozenset({Kind.INSTANCE, Kind.BUCKET})


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in the outbox as a person looks at it: a single notification, or a group's message with its members;
    of a message that was given up, those that are still among the dead."""

    scope: Scope
    item: OutboxItem
    members: tuple[OutboxItem, ...] = ()

    @property
    def id(self) -> str:
        return self.item.notification.id

    @property
    def notifications(self) -> int:
        return len(self.members) or 1

    @property
    def dead(self) -> bool:
        return self.item.status is Owed.DEAD


@dataclass(frozen=True, slots=True)
class Place:
    """A scope as it is remembered. by_id: the snapshot's resources. alerts: tombstones included. history: the newest
    first."""

    scope: Scope
    progress: Progress
    snapshot: Snapshot | None = None
    by_id: Mapping[str, Resource] = field(default_factory=dict)
    alerts: tuple[AlertRecord, ...] = ()
    acknowledged: Mapping[str, Acknowledgement] = field(default_factory=dict)
    history: tuple[HistoryEntry, ...] = ()

    @property
    def open_alerts(self) -> tuple[AlertRecord, ...]:
        return tuple(record for record in self.alerts if record.state in OPEN_STATES)

    @property
    def machines(self) -> tuple[Resource, ...]:
        """Instances and buckets; a snapshot also holds what stands for the scope itself and its zones."""
        return tuple(one for one in self.snapshot.resources if one.kind in MACHINES) if self.snapshot else ()

    @property
    def name(self) -> str:
        return "groups" if self.scope.is_fleet else str(self.scope)


@dataclass(frozen=True, slots=True)
class Look:
    """at: when the memory was read (clock, epoch seconds). every: seconds between runs. places: the registered scopes,
    sorted. watchers: what each cloud's functions tell of the others'. owed: the oldest first. unreadable: rows of the
    outbox that nobody can read, in words. switched_off: channels that nobody is told by, with the reason. silent:
    clouds whose functions have stopped, with seconds. sentences: each rule as it was understood."""

    at: int
    fleet: str
    every: int = 60
    places: tuple[Place, ...] = ()
    watchers: tuple[Place, ...] = ()
    owed: tuple[Entry, ...] = ()
    unreadable: tuple[str, ...] = ()
    switched_off: tuple[tuple[str, str], ...] = ()
    silent: tuple[tuple[Cloud, int], ...] = ()
    silences: Mapping[Cloud, tuple[Silence, ...]] = field(default_factory=dict)
    windows: tuple[QuietWindow, ...] = ()
    rules: Mapping[str, Rule] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    sentences: Mapping[str, str] = field(default_factory=dict)

    @property
    def everywhere(self) -> tuple[Place, ...]:
        return (*self.places, *self.watchers)

    def found(self, scope: Scope, resource_id: str) -> Resource | None:
        """A machine by its place and id; None where no snapshot has it."""
        for place in self.places:
            if place.scope == scope:
                return place.by_id.get(resource_id)
        return None

    def opened(self) -> Iterator[tuple[Place, AlertRecord]]:
        return ((place, record) for place in self.everywhere for record in place.open_alerts)
