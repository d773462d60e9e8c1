"""Google's metric types over the fleet's measures: kind, type, unit, labels, and how each series follows.

One machine can have several series of a type: traffic is split by `loadbalanced`, disks by `device_name`, an agent's
memory by `state`. What a person wants is their sum (or one state), and a reader that takes the first series it meets is
wrong; so they are split here as Google splits them.
Sources: https://cloud.google.com/monitoring/api/metrics_gcp (compute, storage),
https://cloud.google.com/monitoring/api/metrics_opsagent (agent); sample period and delay as the descriptors give them
(60 s and 240 s for compute). The agent's 120 s and storage's 300 s and 600 s are from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Fleet, Power
from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.incidents import Happening
from nephoscope.localcloud.machines import Bucket, Instance


class Kind(StrEnum):
    GAUGE = "GAUGE"
    DELTA = "DELTA"
    CUMULATIVE = "CUMULATIVE"


Read = Callable[[Fleet, Instance, int], float | None]
"""The value of the minute that starts then, or for a total its value at the minute's end."""
Part = tuple[Mapping[str, str], Callable[[float], float]]
"""Labels beside the row's own, and what of the machine's value is theirs."""


@dataclass(frozen=True, slots=True)
class Row:
    """labels: the descriptor's keys, in order. whole: INT64, else DOUBLE. sample, delay: seconds."""

    type: str
    kind: Kind
    whole: bool
    unit: str
    labels: tuple[str, ...]
    read: Read
    parts: Callable[[Instance], Sequence[Part]]
    display: str
    resource: str = "gce_instance"
    sample: int = 60
    delay: int = 240


@dataclass(frozen=True, slots=True)
class BucketRow:
    """stored: labels and value of each series of a bucket at a time."""

    type: str
    whole: bool
    unit: str
    labels: tuple[str, ...]
    stored: Callable[[Fleet, Bucket, int], Iterator[tuple[Mapping[str, str], float]]]
    display: str
    kind: Kind = Kind.GAUGE
    resource: str = "gcs_bucket"
    sample: int = 300
    delay: int = 600


def booted_at(fleet: Fleet, instance: Instance, at: float) -> int:
    """When the machine last started before `at`."""
    ends = [
        fleet.start + incident.end
        for incident in fleet.script
        if incident.what is Happening.STOPPED and instance.id in incident.instances and fleet.start + incident.end <= at
    ]
    return max(ends, default=instance.launched_at)


def _measured(measure: Measure, scale: float = 1.0) -> Read:
    def read(fleet: Fleet, instance: Instance, minute: int) -> float | None:
        value = fleet.value(instance.id, measure, minute)
        return None if value is None else value * scale

    return read


def _running(value: Callable[[Fleet, Instance, int], float]) -> Read:
    def read(fleet: Fleet, instance: Instance, minute: int) -> float | None:
        return value(fleet, instance, minute) if fleet.power(instance, minute) is Power.RUNNING else None

    return read


def _uptime(fleet: Fleet, instance: Instance, minute: int) -> float:
    return minute + 60 - booted_at(fleet, instance, minute)


def _agent_uptime(fleet: Fleet, instance: Instance, minute: int) -> float | None:
    seen = fleet.value(instance.id, Measure.MEMORY, minute)
    return None if seen is None else _uptime(fleet, instance, minute)


def _cpu_seconds(fleet: Fleet, instance: Instance, minute: int) -> float | None:
    load = fleet.value(instance.id, Measure.CPU, minute)
    return None if load is None else load * 60 * names.cores(instance)


def _share(part: float) -> Callable[[float], float]:
    return lambda value: value * part


def _whole(instance: Instance) -> Sequence[Part]:
    return [({"instance_name": names.machine_name(instance)}, _share(1.0))]


def _traffic(instance: Instance) -> Sequence[Part]:
    """Machines behind a load balancer have both series: what came through it, and the rest."""
    name = {"instance_name": names.machine_name(instance)}
    if instance.role not in ("web", "api"):
        return [(name | {"loadbalanced": "false"}, _share(1.0))]
    return [(name | {"loadbalanced": "false"}, _share(0.25)), (name | {"loadbalanced": "true"}, _share(0.75))]


def _disks(instance: Instance) -> Sequence[Part]:
    """One disk, or with data on a second."""
    name = names.machine_name(instance)
    labels = {"instance_name": name, "storage_type": "pd-balanced", "device_type": "permanent"}
    if instance.role not in ("database", "cache"):
        return [(labels | {"device_name": name}, _share(1.0))]
    return [(labels | {"device_name": name}, _share(0.25)), (labels | {"device_name": f"{name}-data"}, _share(0.75))]


def _agent(instance: Instance) -> Sequence[Part]:
    return [({"version": "google-cloud-ops-agent-metrics/2.61.0-1"}, _share(1.0))] if instance.agent else []


def _of_rest(part: float) -> Callable[[float], float]:
    return lambda used: (100 - used) * part


def _memory(instance: Instance) -> Sequence[Part]:
    states = {
        "used": _share(1.0),
        "free": _of_rest(0.4),
        "cached": _of_rest(0.4),
        "buffered": _of_rest(0.1),
        "slab": _of_rest(0.1),
    }
    return [({"state": state}, share) for state, share in states.items()] if instance.agent else []


def _filesystems(instance: Instance) -> Sequence[Part]:
    """Agents of the third kind see a second file system, as full as the first."""
    devices = {0: (), 1: ("/dev/sda1",), 2: ("/dev/sda1",), 3: ("/dev/sda1", "/dev/sdb1")}[instance.agent]
    return [
        ({"device": device, "state": state}, share)
        for device in devices
        for state, share in (("used", _share(1.0)), ("free", _of_rest(1.0)))
    ]


def _delta(name: str, unit: str, labels: tuple[str, ...], measure: Measure, scale: float, display: str) -> Row:
    parts = _disks if "device_name" in labels else _traffic
    read = _measured(measure, scale)
    return Row(f"compute.googleapis.com/instance/{name}", Kind.DELTA, True, unit, labels, read, parts, display)


def _bytes(fleet: Fleet, bucket: Bucket, at: int) -> Iterator[tuple[Mapping[str, str], float]]:
    for name, size in fleet.stored(bucket, at).items():
        yield {"storage_class": names.STORAGE_CLASSES[name]}, size


def _objects(fleet: Fleet, bucket: Bucket, at: int) -> Iterator[tuple[Mapping[str, str], float]]:
    """Spread over the classes by size."""
    first = sum(bucket.classes.values())
    for name, size in fleet.stored(bucket, at).items():
        yield {"storage_class": names.STORAGE_CLASSES[name]}, float(round(bucket.objects * size / first))


def _live(
    series: Callable[[Fleet, Bucket, int], Iterator[tuple[Mapping[str, str], float]]],
) -> Callable[[Fleet, Bucket, int], Iterator[tuple[Mapping[str, str], float]]]:
    """The newer metrics tell live objects from deleted ones; the fleet has live ones only."""

    def stored(fleet: Fleet, bucket: Bucket, at: int) -> Iterator[tuple[Mapping[str, str], float]]:
        for labels, value in series(fleet, bucket, at):
            yield {**labels, "type": "live-object"}, value

    return stored


_AGENT_DELAY = 120
_NAME = ("instance_name",)
_NET = ("instance_name", "loadbalanced")
_DISK = ("instance_name", "device_name", "storage_type", "device_type")
_C = "compute.googleapis.com/instance/"
_A = "agent.googleapis.com/"
_S = "storage.googleapis.com/storage/"
INSTANCE_ROWS = (
    Row(_C + "cpu/utilization", Kind.GAUGE, False, "10^2.%", _NAME, _measured(Measure.CPU), _whole, "CPU utilization"),
    Row(_C + "cpu/usage_time", Kind.DELTA, False, "s{CPU}", _NAME, _cpu_seconds, _whole, "CPU usage"),
    Row(
        _C + "cpu/reserved_cores",
        Kind.GAUGE,
        False,
        "1",
        _NAME,
        _running(lambda _fleet, instance, _minute: names.cores(instance)),
        _whole,
        "Reserved vCPUs",
    ),
    Row(_C + "uptime", Kind.DELTA, False, "s{uptime}", _NAME, _running(lambda *_: 60.0), _whole, "Uptime"),
    Row(_C + "uptime_total", Kind.GAUGE, True, "s", _NAME, _running(_uptime), _whole, "Uptime Total"),
    _delta("network/received_bytes_count", "By", _NET, Measure.RECEIVED, 60, "Received bytes"),
    _delta("network/sent_bytes_count", "By", _NET, Measure.SENT, 60, "Sent bytes"),
    _delta("network/received_packets_count", "1", _NET, Measure.RECEIVED, 60 / 900, "Received packets"),
    _delta("network/sent_packets_count", "1", _NET, Measure.SENT, 60 / 900, "Sent packets"),
    _delta("disk/read_bytes_count", "By", _DISK, Measure.READ_BYTES, 60, "Disk read bytes"),
    _delta("disk/write_bytes_count", "By", _DISK, Measure.WRITTEN_BYTES, 60, "Disk write bytes"),
    _delta("disk/read_ops_count", "1", _DISK, Measure.READS, 60, "Disk read operations"),
    _delta("disk/write_ops_count", "1", _DISK, Measure.WRITES, 60, "Disk write operations"),
    Row(
        _A + "agent/uptime",
        Kind.CUMULATIVE,
        True,
        "s",
        ("version",),
        _agent_uptime,
        _agent,
        "Agent uptime",
        delay=_AGENT_DELAY,
    ),
    Row(
        _A + "memory/percent_used",
        Kind.GAUGE,
        False,
        "%",
        ("state",),
        _measured(Measure.MEMORY, 100),
        _memory,
        "Memory utilization",
        delay=_AGENT_DELAY,
    ),
    Row(
        _A + "disk/percent_used",
        Kind.GAUGE,
        False,
        "%",
        ("device", "state"),
        _measured(Measure.FILESYSTEM, 100),
        _filesystems,
        "Disk utilization",
        delay=_AGENT_DELAY,
    ),
)
BUCKET_ROWS = (
    BucketRow(_S + "total_bytes", False, "By", ("storage_class",), _bytes, "Total bytes"),
    BucketRow(_S + "v2/total_bytes", False, "By", ("storage_class", "type"), _live(_bytes), "Total bytes"),
    BucketRow(_S + "object_count", True, "1", ("storage_class",), _objects, "Object count"),
    BucketRow(_S + "v2/total_count", True, "1", ("storage_class", "type"), _live(_objects), "Object count"),
)
ROWS: Mapping[str, Row | BucketRow] = {row.type: row for row in (*INSTANCE_ROWS, *BUCKET_ROWS)}
RESOURCE_LABELS: Mapping[str, tuple[str, ...]] = {
    "gce_instance": ("project_id", "instance_id", "zone"),
    "gcs_bucket": ("project_id", "bucket_name", "location"),
}
