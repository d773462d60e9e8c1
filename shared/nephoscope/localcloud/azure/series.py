"""The fleet's measures as Azure Monitor names them, in its units, and when each point can be read.

This is where a fraction becomes percent and a rate becomes bytes in a minute. The platform measures memory from
outside the guest, so that every running machine has it, agent or not. The newest points are not simply missing: for
up to four minutes they may be 0, or a part of what they will be, or empty; a reader cannot tell the first two from
true ones but by their age. What the script makes late is empty until it is there.
Source: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-compute-virtualmachines-metrics
.../microsoft-compute-virtualmachinescalesets-virtualmachines-metrics (which has the same ones) and
.../microsoft-storage-storageaccounts-metrics; on the newest points
https://learn.microsoft.com/azure/azure-monitor/metrics/metrics-troubleshoot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from nephoscope.localcloud.azure.names import (
    SCALE_SET_MACHINES,
    STORAGE_ACCOUNTS,
    VIRTUAL_MACHINES,
    data_disks,
    size_of,
)
from nephoscope.localcloud.curves import CHECKS, OTHER, ROLES, Measure, derived, noise
from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.incidents import Happening
from nephoscope.localcloud.machines import Bucket, Instance

MINUTE = 60
HOUR = 3600
SETTLED_AFTER = 240
"""Seconds from a minute's start until its point is right, unless the script makes it late."""
_GRAINS = (60, 300, 900, 1800, 3600, 21_600, 43_200, 86_400)

_Value = Callable[[Fleet, Instance, int], float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """aggregation: what is given where none is asked for. value: of a machine in a minute. by_disk: has the dimension
    LUN, its value being the sum over all disks. grains: seconds that may be asked for. burstable: only of sizes that
    have credits."""

    name: str
    unit: str
    aggregation: str
    description: str
    value: _Value | None = None
    by_disk: bool = False
    burstable: bool = False
    grains: tuple[int, ...] = _GRAINS


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured value. at: the start of its minute or hour. share: how much of it can be seen: 1 = it is settled,
    0 = it shows as zero."""

    at: int
    value: float
    share: float = 1.0


def _scaled(measure: Measure, scale: float) -> _Value:
    def value(fleet: Fleet, instance: Instance, at: int) -> float | None:
        found = fleet.value(instance.id, measure, at)
        return None if found is None else found * scale

    return value


def _available(fleet: Fleet, instance: Instance, at: int) -> float | None:
    """The fraction of memory that is free, seen from the host."""
    load = fleet.value(instance.id, Measure.CPU, at)
    if load is None:
        return None
    return 1 - derived(Measure.MEMORY, instance.number, ROLES.get(instance.role, OTHER), at, load)


def _available_bytes(fleet: Fleet, instance: Instance, at: int) -> float | None:
    free = _available(fleet, instance, at)
    return None if free is None else float(round(free * size_of(instance).memory * 2**30))


def _available_percent(fleet: Fleet, instance: Instance, at: int) -> float | None:
    free = _available(fleet, instance, at)
    return None if free is None else free * 100


def _availability(fleet: Fleet, instance: Instance, at: int) -> float | None:
    """1 while no check fails."""
    failed = [fleet.value(instance.id, measure, at) for measure in CHECKS]
    known = [value for value in failed if value is not None]
    return 1 - max(known) if known else None


MACHINE_METRICS = (
    Metric("Percentage CPU", "Percent", "average", "Share of the processors in use", _scaled(Measure.CPU, 100)),
    Metric("Network In Total", "Bytes", "total", "Bytes received on all interfaces", _scaled(Measure.RECEIVED, 60)),
    Metric("Network Out Total", "Bytes", "total", "Bytes sent on all interfaces", _scaled(Measure.SENT, 60)),
    Metric("Disk Read Bytes", "Bytes", "total", "Bytes read from disks", _scaled(Measure.READ_BYTES, 60)),
    Metric("Disk Write Bytes", "Bytes", "total", "Bytes written to disks", _scaled(Measure.WRITTEN_BYTES, 60)),
    Metric("Disk Read Operations/Sec", "CountPerSecond", "average", "Read operations", _scaled(Measure.READS, 1)),
    Metric("Disk Write Operations/Sec", "CountPerSecond", "average", "Write operations", _scaled(Measure.WRITES, 1)),
    Metric("Available Memory Bytes", "Bytes", "average", "Free memory", _available_bytes),
    Metric("Available Memory Percentage", "Percent", "average", "Free memory", _available_percent),
    Metric("VmAvailabilityMetric", "Count", "average", "1 while the machine is available", _availability),
    Metric("CPU Credits Remaining", "Count", "average", "Credits left", _scaled(Measure.CREDITS, 1), burstable=True),
    Metric("CPU Credits Consumed", "Count", "average", "Credits spent", _scaled(Measure.CPU, 0.2), burstable=True),
    Metric(
        "Data Disk Read Bytes/sec", "BytesPerSecond", "average", "Read from data disks",
        _scaled(Measure.READ_BYTES, 1), by_disk=True,
    ),
    Metric(
        "Data Disk Write Bytes/sec", "BytesPerSecond", "average", "Written to data disks",
        _scaled(Measure.WRITTEN_BYTES, 1), by_disk=True,
    ),
)  # fmt: skip
ACCOUNT_METRICS = (
    Metric("UsedCapacity", "Bytes", "average", "What the account holds", grains=(3600, 21_600, 43_200, 86_400)),
)
CATALOG: Mapping[str, tuple[Metric, ...]] = {
    VIRTUAL_MACHINES.lower(): MACHINE_METRICS,
    SCALE_SET_MACHINES.lower(): MACHINE_METRICS,
    STORAGE_ACCOUNTS.lower(): ACCOUNT_METRICS,
}
"""By metric namespace in lower case."""


@dataclass(frozen=True, slots=True)
class Line:
    """A time series: of a whole resource, or of one of its disks."""

    fleet: Fleet
    metric: Metric
    resource: Instance | Bucket
    disk: int | None = None

    @property
    def period(self) -> int:
        """Seconds between samples."""
        return self.metric.grains[0]

    def samples(self, start: int, end: int, now: float) -> Iterator[Sample]:
        """Those of [start, end) that show at `now`, ascending."""
        for at in range(start + -start % self.period, end, self.period):
            value = self._value(at)
            if value is not None and (share := self._seen(at, now)) is not None:
                yield Sample(at, value, share)

    def _value(self, at: int) -> float | None:
        if isinstance(self.resource, Bucket):
            return None if at < self.resource.created_at else sum(self.fleet.stored(self.resource, at).values())
        if self.metric.value is None or (self.metric.burstable and not size_of(self.resource).burstable):
            return None
        value = self.metric.value(self.fleet, self.resource, at)
        if value is None or self.disk is None:
            return value
        return value * _weight(self.resource, self.disk)

    def _seen(self, at: int, now: float) -> float | None:
        """How much of a value shows; None: nothing does."""
        if isinstance(self.resource, Bucket):
            return 1.0 if self.settles_at(at) <= now else None
        if now < at + self.period:
            return None
        if now >= self.settles_at(at):
            return 1.0
        if now >= at + SETTLED_AFTER:
            return None
        return (0.0, 0.4, None)[int(3 * noise(self.resource.number, at + 2))]

    def settles_at(self, at: int) -> float:
        """When the sample of `at` is right: 30 to 180 s after its minute; a capacity 6 to 70 minutes after its hour,
        as different from account to account as the real ones."""
        incidents = self.fleet.incidents(Happening.LATE_POINTS, self.resource.account, self.resource.region, at)
        late = max((incident.seconds for incident in incidents), default=0)
        if isinstance(self.resource, Bucket):
            return at + self.period + 60 * (6 + 64 * noise(self.resource.number, 9)) + late
        return at + MINUTE + 30 + 150 * noise(self.resource.number, at) + late


def _weight(instance: Instance, disk: int) -> float:
    """A disk's part of the whole machine's reads and writes; all disks together make 1."""
    weights = [0.2 + noise(instance.number, 50 + lun) for lun in range(data_disks(instance))]
    return weights[disk] / sum(weights)
