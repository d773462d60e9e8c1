"""The fleet's measures as AWS names them: AWS/EC2 and AWS/S3 in its units, the agent's in CWAgent.

This is where a fraction becomes percent and a rate becomes bytes in a minute. A machine without detailed monitoring
has one point in five minutes, made of five samples; status checks come every minute, credits every five.
Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from nephoscope.localcloud.aws.streams import MetricKey
from nephoscope.localcloud.aws.summary import Summary
from nephoscope.localcloud.curves import IN_GUEST, Measure, noise
from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.incidents import Happening
from nephoscope.localcloud.machines import Bucket, Instance

_MINUTE = 60
_DAY = 86_400
_REMEMBERED = 500
_PROBES = range(0, 3 * 3600 + 1, 600)


@dataclass(frozen=True, slots=True)
class Row:
    """measure of the fleet -> a metric: its value a minute is measure * scale. period: seconds; 0 = the machine's own
    (60 or 300). burstable: only machine types that have credits."""

    name: str
    measures: tuple[Measure, ...]
    scale: float
    period: int = 0
    burstable: bool = False


EC2_ROWS = (
    Row("CPUUtilization", (Measure.CPU,), 100),
    Row("NetworkIn", (Measure.RECEIVED,), 60),
    Row("NetworkOut", (Measure.SENT,), 60),
    Row("NetworkPacketsIn", (Measure.RECEIVED,), 60 / 900),
    Row("NetworkPacketsOut", (Measure.SENT,), 60 / 900),
    Row("EBSReadBytes", (Measure.READ_BYTES,), 60),
    Row("EBSWriteBytes", (Measure.WRITTEN_BYTES,), 60),
    Row("EBSReadOps", (Measure.READS,), 60),
    Row("EBSWriteOps", (Measure.WRITES,), 60),
    Row("StatusCheckFailed_System", (Measure.CHECK_SYSTEM,), 1, 60),
    Row("StatusCheckFailed_Instance", (Measure.CHECK_INSTANCE,), 1, 60),
    Row("StatusCheckFailed_AttachedEBS", (Measure.CHECK_DISK,), 1, 60),
    Row("StatusCheckFailed", (Measure.CHECK_SYSTEM, Measure.CHECK_INSTANCE, Measure.CHECK_DISK), 1, 60),
    Row("CPUCreditBalance", (Measure.CREDITS,), 1, 300, burstable=True),
    Row("CPUCreditUsage", (Measure.CPU,), 0.2, 300, burstable=True),
)
AGENT_ROWS = (
    Row("mem_used_percent", (Measure.MEMORY,), 100, 60),
    Row("disk_used_percent", (Measure.FILESYSTEM,), 100, 60),
)
STORAGE_TYPES = {"standard": "StandardStorage", "infrequent": "StandardIAStorage", "archive": "GlacierStorage"}
"""Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html"""


@dataclass(frozen=True, slots=True)
class MachineStream:
    key: MetricKey
    period: int
    fleet: Fleet
    instance: Instance
    row: Row
    _known: dict[int, Summary | None] = field(default_factory=dict, repr=False, compare=False)

    def stored(self, start: int, end: int, now: float) -> Iterator[tuple[int, Summary]]:
        for at in range(start + -start % self.period, end, self.period):
            if self.seen_at(at) > now:
                continue
            if (summary := self._summary(at)) is not None:
                yield at, summary

    def _summary(self, at: int) -> Summary | None:
        """Remembered, as it never changes: a window is read again and again."""
        if at not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            samples = [value for minute in self._minutes(at) if (value := self._sample(minute)) is not None]
            self._known[at] = Summary.of(samples) if samples else None
        return self._known[at]

    def seen_at(self, at: int) -> float:
        """When the point of the period that starts at `at` can be read: 30 to 60 s after the period's end, later
        while its region's points come late."""
        late = [
            incident.seconds
            for incident in self.fleet.incidents(Happening.LATE_POINTS, self.instance.account, self.instance.region, at)
        ]
        return at + self.period + 30 + 30 * noise(self.instance.number, at) + max(late, default=0)

    def active(self, since: float, now: float) -> bool:
        probes = (now - back for back in _PROBES if now - back >= since)
        return any(self._sample(int(at) - int(at) % _MINUTE) is not None for at in probes)

    def _minutes(self, at: int) -> range:
        # Credits are a level that is read once in its period; everything else is sampled each minute.
        return range(at, at + (_MINUTE if self.row.burstable else self.period), _MINUTE)

    def _sample(self, minute: int) -> float | None:
        values = [self.fleet.value(self.instance.id, measure, minute) for measure in self.row.measures]
        known = [value for value in values if value is not None]
        return max(known) * self.row.scale if known else None


@dataclass(frozen=True, slots=True)
class BucketStream:
    """One point a day, at midnight UTC; it can be read some hours into the day after."""

    key: MetricKey
    fleet: Fleet
    bucket: Bucket
    storage: str  # ours; empty: the number of objects
    period: int = _DAY

    def stored(self, start: int, end: int, now: float) -> Iterator[tuple[int, Summary]]:
        for at in range(start + -start % _DAY, end, _DAY):
            published = at + _DAY + 5 * 3600 * noise(self.bucket.number, at)
            if at >= self.bucket.created_at and published <= now:
                yield at, Summary.of([self._value(at)])

    def active(self, since: float, now: float) -> bool:
        """Daily metrics are listed as long as the bucket has been there for a day: RecentlyActive looks at three hours,
        and AWS leaves storage metrics out of it."""
        return now - since > _DAY and now - self.bucket.created_at > _DAY

    def _value(self, at: int) -> float:
        sizes = self.fleet.stored(self.bucket, at)
        if self.storage:
            return sizes[self.storage]
        return float(round(self.bucket.objects * sum(sizes.values()) / sum(self.bucket.classes.values())))


class FleetMetrics:
    """Every stream of the fleet in one account and region, found by name and dimensions."""

    def __init__(self, fleet: Fleet, account: str, region: str) -> None:
        self._fleet = fleet
        self._members = fleet.members(account, region)
        self._buckets = [bucket for bucket in fleet.buckets if (bucket.account, bucket.region) == (account, region)]
        self._made: dict[tuple[str, str], dict[MetricKey, MachineStream | BucketStream]] = {}

    def find(self, key: MetricKey) -> MachineStream | BucketStream | None:
        return self._all(key.namespace, key.name).get(key)

    def named(self, namespace: str = "", name: str = "") -> Iterator[MachineStream | BucketStream]:
        """All of a namespace and a name; of every one where empty. In order of the fleet."""
        for place, names in _NAMES.items():
            for row in names if namespace in ("", place) else ():
                if name in ("", row):
                    yield from self._all(place, row).values()

    def _all(self, namespace: str, name: str) -> Mapping[MetricKey, MachineStream | BucketStream]:
        """Made when first asked for; two threads at once make the same."""
        made = self._made.get((namespace, name))
        if made is None and name in _NAMES.get(namespace, ()):
            made = self._made[namespace, name] = {stream.key: stream for stream in _MAKERS[namespace](self, name)}
        return made or {}

    def ec2(self, name: str) -> Iterator[MachineStream]:
        row = next(row for row in EC2_ROWS if row.name == name)
        for instance in self._members:
            if row.burstable and not instance.type.startswith("t"):
                continue
            key = MetricKey("AWS/EC2", name, (("InstanceId", instance.id),))
            yield MachineStream(key, row.period or (60 if instance.fine else 300), self._fleet, instance, row)

    def agent(self, name: str) -> Iterator[MachineStream]:
        row = next(row for row in AGENT_ROWS if row.name == name)
        for instance in self._members:
            for dimensions in _agent_dimensions(instance, row) if instance.agent else ():
                key = MetricKey("CWAgent", name, tuple(sorted(dimensions.items())))
                yield MachineStream(key, 60, self._fleet, instance, row)

    def s3(self, name: str) -> Iterator[BucketStream]:
        for bucket in self._buckets:
            kinds = {"": "AllStorageTypes"} if name == "NumberOfObjects" else STORAGE_TYPES
            for storage, word in kinds.items():
                if not storage or storage in bucket.classes:
                    dimensions = (("BucketName", bucket.name), ("StorageType", word))
                    yield BucketStream(MetricKey("AWS/S3", name, dimensions), self._fleet, bucket, storage)


_NAMES: Mapping[str, tuple[str, ...]] = {
    "AWS/EC2": tuple(row.name for row in EC2_ROWS),
    "AWS/S3": ("BucketSizeBytes", "NumberOfObjects"),
    "CWAgent": tuple(row.name for row in AGENT_ROWS),
}
_MAKERS: Mapping[str, Callable[[FleetMetrics, str], Iterator[MachineStream | BucketStream]]] = {
    "AWS/EC2": FleetMetrics.ec2,
    "AWS/S3": FleetMetrics.s3,
    "CWAgent": FleetMetrics.agent,
}


def _agent_dimensions(instance: Instance, row: Row) -> Iterator[dict[str, str]]:
    """Three agents, set up by three people: the id only; what the wizard proposes; with an autoscaling group."""
    labels = {"InstanceId": instance.id}
    if instance.agent >= 2:
        labels |= {"ImageId": f"ami-{instance.number:016x}a", "InstanceType": instance.type}
    if instance.agent == 3:
        labels |= {"AutoScalingGroupName": f"{instance.role}-{instance.region}"}
    if row.measures[0] not in IN_GUEST or row.measures[0] is Measure.MEMORY:
        yield labels
        return
    yield labels | {"device": "nvme0n1p1", "fstype": "xfs", "path": "/"}
    if instance.agent == 3:
        yield labels | {"device": "nvme1n1", "fstype": "ext4", "path": "/data"}
