"""A fleet of machines that exists only as functions of a seed and a time.

Nothing is stored and nothing happens by itself: which machines there are, what state each is in and what each would
measure in any minute follow from the seed, the script of incidents and the time that is asked for. Asking again, or
in another order, or on another machine, gives the same. The words here are nobody's vendor's: a cloud's front turns
`Power.STOPPED` into its own word, and a fraction into percent where its provider does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from nephoscope.localcloud.curves import CHECKS, IN_GUEST, OTHER, ROLES, Measure, cpu, derived, noise
from nephoscope.localcloud.incidents import Casting, Happening, Incident, default_script
from nephoscope.localcloud.machines import Bucket, Instance, draw_bucket, draw_instance

LAUNCH_SECONDS = 45
"""How long a machine is PENDING."""
HALT_SECONDS = 60
"""How long a machine is STOPPING or TERMINATING."""
REMEMBERED_SECONDS = 3600
"""How long a terminated machine is still listed."""
_DAY = 86_400


class Power(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    TERMINATING = "terminating"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A machine as it is listed at a moment. failed: the checks that fail (system, instance, disk). started_at: epoch
    seconds of its last start, None where that was its launch; providers call either its launch time."""

    instance: Instance
    power: Power
    failed: frozenset[str] = frozenset()
    started_at: int | None = None


@dataclass(frozen=True, slots=True)
class Fleet:
    """start: epoch seconds from which the script's seconds count."""

    seed: int
    start: int
    instances: tuple[Instance, ...]
    buckets: tuple[Bucket, ...]
    script: tuple[Incident, ...] = ()
    _by_id: dict[str, Instance] = field(default_factory=dict, repr=False, compare=False)
    _by_scope: dict[tuple[str, str], list[Instance]] = field(default_factory=dict, repr=False, compare=False)
    _by_machine: dict[str, list[Incident]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for instance in self.instances:
            self._by_id[instance.id] = instance
            self._by_scope.setdefault((instance.account, instance.region), []).append(instance)
        for incident in self.script:
            for machine in incident.instances:
                self._by_machine.setdefault(machine, []).append(incident)

    def with_script(self, script: Sequence[Incident]) -> Fleet:
        """The same machines, another story."""
        return Fleet(self.seed, self.start, self.instances, self.buckets, tuple(script))

    @property
    def accounts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(instance.account for instance in self.instances))

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(instance.region for instance in self.instances))

    def instance(self, instance_id: str) -> Instance | None:
        return self._by_id.get(instance_id)

    def members(self, account: str, region: str) -> Sequence[Instance]:
        """Every machine that this scope ever has, whatever the time."""
        return self._by_scope.get((account, region), ())

    def instances_at(self, at: float, account: str = "", region: str = "") -> tuple[Sighting, ...]:
        """What a listing shows at `at`, in the fleet's order; of one account or region, or of all."""
        return tuple(
            Sighting(instance, power, self._failed(instance, at), self._restarted(instance, at))
            for (owner, place), members in self._by_scope.items()
            if account in ("", owner) and region in ("", place)
            for instance in members
            if (power := self.power(instance, at)) is not None
        )

    def power(self, instance: Instance, at: float) -> Power | None:
        """The state at `at`; None while it does not exist yet, or no longer."""
        if at < instance.launched_at:
            return None
        for incident in self._by_machine.get(instance.id, ()):
            if incident.what is Happening.TERMINATED and at >= self.start + incident.start:
                return _ending(at - self.start - incident.start)
            if incident.what is Happening.STOPPED and (power := _halted(incident, at - self.start)):
                return power
        if instance.parked:
            return Power.STOPPED
        return Power.PENDING if at < instance.launched_at + LAUNCH_SECONDS else Power.RUNNING

    def value(self, resource_id: str, measure: Measure, at: float) -> float | None:
        """The measure in the minute that holds `at`, in base units; None where there is nothing to measure: no such
        machine, not running, no agent."""
        instance = self._by_id.get(resource_id)
        minute = int(at) - int(at) % 60
        if instance is None or self.power(instance, minute) is not Power.RUNNING:
            return None
        if measure in IN_GUEST and (not instance.agent or self._happens(instance, Happening.AGENT_GONE, minute)):
            return None
        if measure in CHECKS:
            return float(measure.removeprefix("check.") in self._failed(instance, minute))
        shape = ROLES.get(instance.role, OTHER)
        load = self._cpu(instance, minute)
        return load if measure is Measure.CPU else derived(measure, instance.number, shape, minute, load)

    def stored(self, bucket: Bucket, at: float) -> Mapping[str, float]:
        """Bytes by storage class on the day that holds `at`; a bucket grows by 0.1 to 0.5 % a day."""
        days = (int(at) - self.start) // _DAY
        growth = (1.001 + 0.004 * noise(bucket.number, 3)) ** days
        return {name: float(round(size * growth)) for name, size in bucket.classes.items()}

    def incidents(self, what: Happening, account: str, region: str, at: float) -> Iterator[Incident]:
        """Those of this kind that happen to a provider's region at `at`."""
        elapsed = at - self.start
        for incident in self.script:
            if incident.what is what and incident.covers(elapsed) and incident.concerns(account, region):
                yield incident

    def _cpu(self, instance: Instance, minute: int) -> float:
        if self._happens(instance, Happening.CPU_SATURATED, minute):
            return 0.96 + 0.035 * noise(instance.number, minute // 60)
        return cpu(instance.number, ROLES.get(instance.role, OTHER), minute)

    def _happens(self, instance: Instance, what: Happening, at: float) -> bool:
        incidents = self._by_machine.get(instance.id, ())
        return any(incident.what is what and incident.covers(at - self.start) for incident in incidents)

    def _restarted(self, instance: Instance, at: float) -> int | None:
        """The end of the last stop that is over."""
        ends = [
            self.start + incident.end
            for incident in self._by_machine.get(instance.id, ())
            if incident.what is Happening.STOPPED and self.start + incident.end <= at
        ]
        return max(ends, default=None)

    def _failed(self, instance: Instance, at: float) -> frozenset[str]:
        incidents = self._by_machine.get(instance.id)
        if not incidents:
            return _NONE
        return frozenset(
            incident.check
            for incident in incidents
            if incident.what is Happening.CHECK_FAILED and incident.covers(at - self.start)
        )


_NONE: frozenset[str] = frozenset()


def _halted(incident: Incident, elapsed: float) -> Power | None:
    if incident.start <= elapsed < min(incident.start + HALT_SECONDS, incident.end):
        return Power.STOPPING
    if incident.covers(elapsed):
        return Power.STOPPED
    return Power.PENDING if incident.end <= elapsed < incident.end + LAUNCH_SECONDS else None


def _ending(since: float) -> Power | None:
    if since < HALT_SECONDS:
        return Power.TERMINATING
    return Power.TERMINATED if since < HALT_SECONDS + REMEMBERED_SECONDS else None


def simulate(
    seed: int = 1,
    instances: int = 60,
    regions: Sequence[str] = ("eu-central-1", "eu-west-1", "us-east-1"),
    accounts: Sequence[str] = ("111111111111",),
    *,
    start: int,
    minutes: int = 45,
    script: Sequence[Incident] | None = None,
    story: Callable[[Casting, int], Sequence[Incident]] = default_script,
) -> Fleet:
    """A fleet spread evenly over accounts x regions, with two buckets and one for each hundred machines in every
    account. script: None = what `story` makes of the fleet, `minutes` long, as far as it is large enough to play it."""
    scopes = [(account, region) for account in accounts for region in regions]
    drawn = tuple(draw_instance(seed, place, *scopes[place % len(scopes)], start) for place in range(instances))
    held = (2 + instances // (100 * len(accounts))) * len(accounts) if scopes else 0
    buckets = tuple(
        draw_bucket(seed, place, accounts[place % len(accounts)], regions[place % len(regions)], start)
        for place in range(held)
    )
    fleet = Fleet(seed, start, drawn, buckets)
    told = story(_cast(fleet), minutes) if script is None and drawn else script or ()
    return fleet.with_script(told)


def _cast(fleet: Fleet) -> Casting:
    """Parts for the default story: running machines of the first account, away from the region that goes blind."""
    account, blind, weak = fleet.instances[0].account, fleet.regions[-1], fleet.regions[len(fleet.regions) // 2]
    able = [
        machine
        for machine in fleet.instances
        if fleet.power(machine, fleet.start) is Power.RUNNING and (machine.region != blind or blind == weak)
    ]
    fine = [machine.id for machine in able if machine.fine and machine.tags.get("env") == "prod"]
    steady = [machine.id for machine in able if machine.tags.get("always-on")]
    agents = [machine.id for machine in able if machine.agent]
    saturated = tuple(fine[:2]) or tuple(machine.id for machine in able[:1])
    stopped = _others(steady, saturated)[:1] or _others([machine.id for machine in able], saturated)[:1]
    checked = _others([machine.id for machine in able], saturated + stopped)[:1]
    quiet = _others(agents, saturated + stopped + checked)[:2]
    return Casting(saturated, stopped, checked, quiet, account, blind, weak)


def _others(candidates: Sequence[str], taken: Sequence[str]) -> tuple[str, ...]:
    return tuple(machine for machine in candidates if machine not in taken)
