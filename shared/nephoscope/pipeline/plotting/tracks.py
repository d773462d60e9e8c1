"""The series of one metric, each with the machine it is of, cut to the time that is looked at."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from nephoscope.model.metric import Metric
from nephoscope.model.resource import Resource
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import DAY, floor_to
from nephoscope.pipeline.replay import Recording, Stretch
from nephoscope.pipeline.wording import clean, render_id


@dataclass(frozen=True, slots=True)
class Track:
    """times: the periods' starts (epoch seconds), ascending; values: the catalog's unit, each a finite number. A period
    without a point is a gap, whether it is absent or unknown."""

    resource: Resource
    metric: str
    period: int
    attributes: tuple[tuple[str, str], ...] = ()
    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    @property
    def name(self) -> str:
        """`web-1`; where a metric has several series of a machine, `web-1 [/]`."""
        own = clean(self.resource.name) or clean(render_id(self.resource.id))
        attributes = ", ".join(clean(value) for _, value in self.attributes)
        return f"{own} [{attributes}]" if attributes else own

    def connects(self, index: int) -> bool:
        """Whether the point at `index` (> 0) follows the one before without a gap."""
        return self.times[index] - self.times[index - 1] <= self.period


def plan_tracks(
    resources: Iterable[Resource], metrics: Iterable[Metric], begin: int, now: int
) -> tuple[SeriesRequest, ...]:
    """A request for each series and each window of a day of [begin, now), as far as its points are settled."""
    wanted = list(metrics)
    return tuple(
        request
        for resource in resources
        for metric in wanted
        if metric.on is resource.kind
        for request in _windows(resource, metric, begin, now)
    )


def _windows(resource: Resource, metric: Metric, begin: int, now: int) -> Iterator[SeriesRequest]:
    source = metric.sources.get(resource.scope.cloud)
    if source is None:
        return
    period = source.period_of(fine=resource.fine)
    end, width = source.horizon(now, period), max(DAY, period)
    for at in range(floor_to(begin, period), end, width):
        yield SeriesRequest(resource.id, metric.name, source, period, at, min(at + width, end))


def tracks_of(
    recordings: Iterable[Recording],
    metric: str,
    begin: int,
    end: int,
    wanted: Callable[[Resource], bool] = lambda _: True,
) -> tuple[Track, ...]:
    """Those of one metric within [begin, end), by name. A machine that was asked for and gave no point is an empty
    track: that it has none is news."""
    found = [track for recording in recordings for track in _of(recording, metric, begin, end, wanted)]
    return tuple(sorted(found, key=lambda track: (track.name, track.resource.scope, track.resource.id)))


def _of(recording: Recording, metric: str, begin: int, end: int, wanted: Callable[[Resource], bool]) -> Iterator[Track]:
    stretches: dict[str, list[Stretch]] = {}
    for stretch in recording.stretches:
        if stretch.key.metric == metric:
            stretches.setdefault(stretch.key.resource_id, []).append(stretch)
    for resource in recording.resources:
        if not wanted(resource):
            continue
        for stretch in stretches.get(resource.id, ()):
            yield cut(resource, stretch, begin, end)
        if resource.id not in stretches and (period := recording.asked.get((resource.id, metric))):
            yield Track(resource, metric, period)


def cut(resource: Resource, stretch: Stretch, begin: int, end: int) -> Track:
    """The part within [begin, end); what is no number is left out, as if it were not there."""
    first, last = bisect_left(stretch.times, begin), bisect_left(stretch.times, end)
    times, values = stretch.times[first:last], stretch.values[first:last]
    if not math.isfinite(sum(values)):
        kept = [index for index, value in enumerate(values) if math.isfinite(value)]
        times, values = array("q", [times[index] for index in kept]), array("d", [values[index] for index in kept])
    return Track(resource, stretch.key.metric, stretch.period, stretch.key.attributes, times, values)


def span_of(recordings: Sequence[Recording]) -> tuple[int, int]:
    """From the first beginning to the last end; (0, 0) for nothing."""
    return (
        min((recording.begin for recording in recordings), default=0),
        max((recording.end for recording in recordings), default=0),
    )
