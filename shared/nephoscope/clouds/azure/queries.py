"""What the metrics batch is asked, and in which calls: pure, so that the fewest calls can be counted in a test.

A call is for up to 50 resources of one subscription, location and type, and up to 20 metrics; it answers every pair of
them. So resources that are asked for the same metrics go together. Windows that begin apart share a call: what lies
before a request's own window is cut off again.
Source: https://learn.microsoft.com/rest/api/monitor/metrics-batch/batch (2024-02-01)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import DAY, HOUR, MINUTE, iso

VERSION = "2024-02-01"
SCALE_SET_MACHINES = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
FURTHER_PERIODS = 60
"""So many periods more than it asked for a request may get, so that it can share a call."""


@dataclass(frozen=True)
class Batch:
    """One call. requests: those it answers, every one of this namespace, period and end; start: the earliest."""

    namespace: str
    period: int
    start: int
    end: int
    requests: tuple[SeriesRequest, ...]

    @cached_property
    def resources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(request.resource_id for request in self.requests))

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """The vendor's names."""
        return tuple(dict.fromkeys(request.source.vendor_name for request in self.requests))

    @property
    def top(self) -> int:
        """One series more than there can be, so that an answer that holds so many was cut off. The vendor's own default
        is 10, and nothing in the answer tells that there were more."""
        return len(self.resources) * len(self.metrics) + 1

    def halves(self) -> tuple[Batch, ...]:
        """Two, by resources; by metrics where there is one resource only; none where there is one metric, too."""
        members = self.resources if len(self.resources) > 1 else self.metrics
        if len(members) == 1:
            return ()
        first = frozenset(members[: len(members) // 2])
        parted: tuple[list[SeriesRequest], list[SeriesRequest]] = ([], [])
        for request in self.requests:
            parted[request.resource_id not in first and request.source.vendor_name not in first].append(request)
        return tuple(replace(self, requests=tuple(part)) for part in parted)


def plan_batches(requests: Iterable[SeriesRequest], resources: int, metrics: int) -> tuple[Batch, ...]:
    """The calls in which to ask, those that reach back furthest first: what had to be left over comes before the rest.

    resources, metrics: the most in one call.
    """
    groups: dict[tuple[str, int, int], list[SeriesRequest]] = defaultdict(list)
    for request in requests:
        groups[namespace_of(request), request.period, request.end].append(request)
    batches = [
        Batch(namespace, period, min(request.start for request in members), end, tuple(members))
        for (namespace, period, end), group in groups.items()
        for run in near(group, period)
        for members in _packed(run, resources, metrics)
    ]
    return tuple(sorted(batches, key=lambda batch: (batch.start, batch.period)))


def namespace_of(request: SeriesRequest) -> str:
    """The type of the resource: the row's own, or that of a scale set's member, which has the same metrics."""
    return SCALE_SET_MACHINES if "/virtualmachinescalesets/" in request.resource_id else request.source.namespace


def near(group: Sequence[SeriesRequest], period: int) -> Iterator[Sequence[SeriesRequest]]:
    """Runs of requests, sorted by start, whose starts lie near enough together to share calls."""
    ordered = sorted(group, key=lambda request: request.start)
    first = 0
    for place, request in enumerate(ordered):
        if request.start - ordered[first].start > FURTHER_PERIODS * period:
            yield ordered[first:place]
            first = place
    yield ordered[first:]


def _packed(run: Sequence[SeriesRequest], resources: int, metrics: int) -> Iterator[Sequence[SeriesRequest]]:
    """Resources by the metrics that they are asked for, as many as fit; their metrics in as many calls as needed."""
    asked: dict[str, dict[str, SeriesRequest]] = defaultdict(dict)
    for request in run:
        asked[request.resource_id][request.source.vendor_name] = request
    alike = sorted(asked, key=lambda name: (sorted(asked[name]), name))
    for first in range(0, len(alike), resources):
        members = alike[first : first + resources]
        names = sorted({name for member in members for name in asked[member]})
        for start in range(0, len(names), metrics):
            own = names[start : start + metrics]
            yield [asked[member][name] for member in members for name in own if name in asked[member]]


def render_parameters(batch: Batch) -> Mapping[str, str]:
    """The call's query. Times are the periods' starts; the end is not in the window."""
    return {
        "api-version": VERSION,
        "starttime": _moment(batch.start),
        "endtime": _moment(batch.end),
        "interval": interval_of(batch.period),
        "metricnamespace": batch.namespace,
        "metricnames": ",".join(name.replace(",", "%2") for name in batch.metrics),
        "aggregation": ",".join(sorted({request.source.statistic.lower() for request in batch.requests})),
        "top": str(batch.top),
    }


def render_body(batch: Batch) -> Mapping[str, Any]:
    return {"resourceids": list(batch.resources)}


def interval_of(period: int) -> str:
    """ISO 8601, as Azure spells it: PT1M, PT5M, PT1H, P1D."""
    if period % DAY == 0:
        return f"P{period // DAY}D"
    return f"PT{period // HOUR}H" if period % HOUR == 0 else f"PT{period // MINUTE}M"


def _moment(at: int) -> str:
    return iso(at).replace("Z", ".000Z")
