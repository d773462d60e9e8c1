"""Time series of the fleet as Google stores them, and which of their points can be read yet.

A minute's measure is a point that *ends* with the minute (a reader of (start, end] sees it by its end time). It can be
read in the last minute before `delay` seconds have passed: the descriptor promises no more than that it is there by
then. Where the script says so, points of a region come later still.
Source: google/api/metric.proto (MetricDescriptorMetadata), google/monitoring/v3/common.proto (TimeInterval)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from nephoscope.localcloud.curves import noise
from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.metric_rows import BUCKET_ROWS, INSTANCE_ROWS, BucketRow, Kind, Row, booted_at
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Bucket, Instance

_REMEMBERED = 600
_LATEST = 60


class Sample(NamedTuple):
    """start: equal to end for a gauge; the last reset for a cumulative."""

    start: int
    end: int
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """metric, resource, user: labels. number: of the machine or bucket. value: of the sample that ends then, None where
    there is none. reset: when a cumulative began to count."""

    row: Row | BucketRow
    project: str
    region: str
    metric: Mapping[str, str]
    resource: Mapping[str, str]
    user: Mapping[str, str]
    number: int
    value: Callable[[int], float | None]
    reset: Callable[[int], int]
    late: tuple[tuple[int, int, int], ...]
    _known: dict[int, float | None] = field(default_factory=dict, repr=False, compare=False)

    def facts(self) -> dict[str, str]:
        """What a filter can ask for."""
        return {
            "project": self.project,
            "metric.type": self.row.type,
            "resource.type": self.row.resource,
            **{f"metric.labels.{key}": value for key, value in self.metric.items()},
            **{f"resource.labels.{key}": value for key, value in self.resource.items()},
            **{f"metadata.user_labels.{key}": value for key, value in self.user.items()},
        }

    def samples(self, after: int, until: int, now: float) -> list[Sample]:
        """Those that end in (after, until] and can be read at `now`, oldest first."""
        period = self.row.sample
        first = after - after % period + period
        return [
            Sample(self._start(end), end, value)
            for end in range(first, until + 1, period)
            if self.readable_at(end) <= now and (value := self._value(end)) is not None
        ]

    def readable_at(self, end: int) -> float:
        late = [seconds for start, stop, seconds in self.late if start <= end - self.row.sample < stop]
        return end + self.row.delay - _LATEST * noise(self.number, end) + max(late, default=0)

    def _start(self, end: int) -> int:
        if self.row.kind is Kind.GAUGE:
            return end
        return end - self.row.sample if self.row.kind is Kind.DELTA else self.reset(end)

    def _value(self, end: int) -> float | None:
        """Remembered, as it never changes: a window is read again and again."""
        if end not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            value = self.value(end)
            self._known[end] = round(value) if value is not None and self.row.whole else value
        return self._known[end]


def series_of(fleet: Fleet, project: str, metric_type: str) -> tuple[Series, ...]:
    """Every series of a type that a project ever has, in the fleet's order."""
    machines = [row for row in fleet.instances if row.account == project]
    buckets = [row for row in fleet.buckets if row.account == project]
    return tuple(
        made
        for row in INSTANCE_ROWS
        if row.type == metric_type
        for instance in machines
        for made in _of_machine(fleet, row, instance)
    ) + tuple(
        made
        for row in BUCKET_ROWS
        if row.type == metric_type
        for bucket in buckets
        for made in _of_bucket(fleet, row, bucket)
    )


def _of_machine(fleet: Fleet, row: Row, instance: Instance) -> Sequence[Series]:
    resource = {
        "project_id": instance.account,
        "instance_id": names.machine_id(instance),
        "zone": names.zone_of(instance),
    }

    def reader(share: Callable[[float], float]) -> Callable[[int], float | None]:
        def value(end: int) -> float | None:
            measured = row.read(fleet, instance, end - row.sample)
            return None if measured is None else share(measured)

        return value

    return [
        Series(
            row=row,
            project=instance.account,
            region=instance.region,
            metric=labels,
            resource=resource,
            user=names.labels_of(instance),
            number=instance.number,
            value=reader(share),
            reset=lambda end: booted_at(fleet, instance, end - 60),
            late=_late(fleet, instance.account, instance.region),
        )
        for labels, share in row.parts(instance)
    ]


def _of_bucket(fleet: Fleet, row: BucketRow, bucket: Bucket) -> Sequence[Series]:
    """A bucket is weighed once a day; that day's figure is repeated at every sample of the day after."""
    resource = {"project_id": bucket.account, "bucket_name": bucket.name, "location": bucket.region}

    def reader(wanted: Mapping[str, str]) -> Callable[[int], float | None]:
        def value(end: int) -> float | None:
            weighed = end - end % 86_400 - 86_400
            if weighed < bucket.created_at:
                return None
            return next(size for labels, size in row.stored(fleet, bucket, weighed) if labels == wanted)

        return value

    return [
        Series(
            row=row,
            project=bucket.account,
            region=bucket.region,
            metric=labels,
            resource=resource,
            user=names.labels_of(bucket),
            number=bucket.number,
            value=reader(labels),
            reset=lambda end: end,
            late=_late(fleet, bucket.account, bucket.region),
        )
        for labels, _ in row.stored(fleet, bucket, fleet.start)
    ]


def _late(fleet: Fleet, project: str, region: str) -> tuple[tuple[int, int, int], ...]:
    """Start, stop and how much later, for each stretch of points that come late."""

    def concerned(incident: Incident) -> bool:
        return incident.what is Happening.LATE_POINTS and incident.concerns(project, region)

    return tuple(
        (fleet.start + row.start, fleet.start + row.end, row.seconds) for row in fleet.script if concerned(row)
    )
