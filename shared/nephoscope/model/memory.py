"""What a scope remembers between runs, apart from its alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nephoscope.model.alert import AlertRecord
from nephoscope.model.history import Kept
from nephoscope.model.partial import Partial
from nephoscope.model.quiet import Acknowledgement, Silence
from nephoscope.model.resource import Resource
from nephoscope.model.scope import Scope


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scope has come; written once a run, conditional on the version that was read.

    ver: 0 = never written. slot: of the newest run that wrote. watermarks: `metric@period` -> the last boundary (data
    time) that rules were evaluated at. published_until: `datum name` -> end of the range that was claimed for
    publishing. published_points: `metric@period` -> points in the newest period that was published; more of them on
    the next read came too late. heartbeat: clock of that run. behind: `metric|resource id` -> the last boundary
    evaluated for a series that could not be read since; it is read again with a wider window, while the others go on.
    generation: of the snapshot that pages read. inventory_hash, values_slot: what that snapshot holds. started:
    resource id -> slot at which it was first seen to run again; only machines whose provider does not say when they
    were started, and only as long as that matters. partials: rule -> group -> what this scope knows of it, oldest
    first. groups: `rule|group` -> slot at which it last had a member (of the fleet's own progress alone). skipped: the
    first and the last of the slots for which no run came to its end, the last time that this happened.
    """

    scope: Scope
    ver: int = 0
    slot: int = 0
    run_id: str = ""
    watermarks: Mapping[str, int] = field(default_factory=dict)
    published_until: Mapping[str, int] = field(default_factory=dict)
    published_points: Mapping[str, int] = field(default_factory=dict)
    heartbeat: int = 0
    generation: int = 0
    inventory_hash: str = ""
    values_slot: int = 0
    behind: Mapping[str, int] = field(default_factory=dict)
    started: Mapping[str, int] = field(default_factory=dict)
    partials: Mapping[str, Mapping[str, tuple[Partial, ...]]] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a run reads of its scope before it decides. alerts, acknowledged: by alert_key, tombstones included.
    silences: of the whole cloud, those that are over included. kept: None where no history is."""

    progress: Progress
    alerts: Mapping[str, AlertRecord] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    acknowledged: Mapping[str, Acknowledgement] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a page shows of a scope without asking the cloud: stored compressed and chunked under one generation.

    values: metric -> resource id -> (data time, value in the catalog's unit). counts: state group -> instances.
    firing: alert keys that are open, with rule, resource, severity and value, newest first.
    """

    scope: Scope
    slot: int
    resources: tuple[Resource, ...] = ()
    values: Mapping[str, Mapping[str, tuple[int, float]]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    firing: tuple[Mapping[str, object], ...] = ()
    coverage: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class RegisteredScope:
    """A row of the registry: where the sweeper, the dashboard and the pages look. Times: clock, epoch seconds."""

    scope: Scope
    first_seen: int = 0
    last_seen: int = 0


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What delivery has learned of a channel. A receiver that answered 410 asked never to be called again.

    address: a digest of where the channel led when it was disabled; a channel that leads elsewhere by now is a new one.
    ver: counts writes, from 1; 0 = nothing is remembered. at: clock, epoch seconds.
    """

    name: str
    ver: int = 0
    disabled: bool = False
    reason: str = ""
    address: str = ""
    at: int = 0
