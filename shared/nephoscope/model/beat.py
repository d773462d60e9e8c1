"""The sign of life that the functions of one cloud leave for those of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nephoscope.model.scope import Cloud, Scope


@dataclass(frozen=True, slots=True)
class Seen:
    """What a watcher last saw of another cloud's functions. mark: their `Beat.ran`, 0 = they never ran. slot: the
    watcher's own, at which that mark was first seen: silence is measured by one schedule alone, so no clock of the
    other cloud, right or wrong, has a part in it."""

    mark: int = 0
    slot: int = 0


@dataclass(frozen=True, slots=True)
class Beat:
    """One row for each cloud that has functions of its own.

    ver: counts writes, from 1; 0 = never written. ran: the newest slot of which a run came to its end, in any scope.
    at: clock of that run, for people to read. slot: of the newest run that has looked at the others. watched: what it
    saw. telling: those of which this cloud tells that they are silent, so that no other does.
    """

    cloud: Cloud
    ver: int = 0
    ran: int = 0
    at: int = 0
    slot: int = 0
    watched: Mapping[str, Seen] = field(default_factory=dict)
    telling: tuple[str, ...] = ()


def watch_scope(cloud: Cloud) -> Scope:
    """Where this cloud's functions keep what they tell of the others: a partition of their own, and no scope to read,
    so the registry does not name it."""
    return Scope(cloud, "nephoscope", "functions")
