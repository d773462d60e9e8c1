"""What is watched: instances, buckets, and the scope itself (for "we are blind there")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nephoscope.model.scope import Scope


class Kind(StrEnum):
    INSTANCE = "instance"
    BUCKET = "bucket"
    SCOPE = "scope"
    GROUP = "group"  # of resources, over which a rule forms one figure


class State(StrEnum):
    """One vocabulary for the states of all clouds; catalog/states.toml maps each vendor's words to it."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    REPAIRING = "repairing"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
    UNKNOWN = "unknown"  # the vendor said something that no row has, or nothing; vendor_state shows what

    @property
    def group(self) -> StateGroup:
        return _GROUPS[self]


class StateGroup(StrEnum):
    """The four counts that are published for each scope."""

    RUNNING = "running"
    STOPPED = "stopped"
    CHANGING = "changing"
    GONE = "gone"


_GROUPS = {
    State.STARTING: StateGroup.CHANGING,
    State.RUNNING: StateGroup.RUNNING,
    State.STOPPING: StateGroup.CHANGING,
    State.STOPPED: StateGroup.STOPPED,
    State.SUSPENDED: StateGroup.STOPPED,
    State.REPAIRING: StateGroup.CHANGING,
    State.TERMINATING: StateGroup.GONE,
    State.TERMINATED: StateGroup.GONE,
    State.UNKNOWN: StateGroup.CHANGING,
}


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing in one scope, as its provider described it at the time of the read.

    id: the provider's own id, unique in its scope (host_id, cloud_resource_id).
    launched_at: epoch seconds UTC.
    observations: attribute -> word, what was seen rather than measured: `state` (our vocabulary) and, where the
    provider has status checks, `check.system`, `check.instance`, `check.ebs` (ok, failed, initializing, ...).
    fine: the provider measures this resource at the metric's finer period (EC2 detailed monitoring).
    """

    scope: Scope
    kind: Kind
    id: str
    name: str = ""
    type: str = ""
    zone: str = ""
    state: State | None = None
    vendor_state: str | None = None
    launched_at: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    observations: Mapping[str, str] = field(default_factory=dict)
    fine: bool = False

    @property
    def measured(self) -> bool:
        """Whether the provider can be expected to have points for it now: a stopped machine has none, and that
        is no news. Unknown states count as measured, so that nothing is silently left unwatched."""
        return self.state in (None, State.RUNNING, State.UNKNOWN)
