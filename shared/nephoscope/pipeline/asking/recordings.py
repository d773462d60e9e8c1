"""Points that were kept, as recordings for a replay: each series exactly as it was kept, with its resource.

What was not kept is unknown and never absent: a stretch of time in which no series of a scope has a point (nothing ran,
or nothing was taken), and of each resource the time before its first and after its last point.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesKey
from nephoscope.pipeline.asking.answers import parsed_time
from nephoscope.pipeline.asking.bodies import Body, within
from nephoscope.pipeline.asking.fields import AT
from nephoscope.pipeline.replay import Recording, Stretch

HOLE = 3
"""Periods without a point of any series, after which keeping is taken to have been down."""


def points_body(fleet: str, metrics: Sequence[str], begin: int, end: int) -> Body:
    own = [{"term": {"nephoscope.fleet": {"value": fleet}}}, {"terms": {"metric.name": sorted(metrics)}}]
    source = [AT, "cloud", "resource", "host.type", "labels", "attributes", "metric"]
    return {
        "query": {"bool": {"filter": [*own, within(begin, end)]}},
        "sort": ["_doc"],
        "_source": source,
    }


@dataclass(slots=True)
class _Kept:
    """Points in the order in which they came: 16 bytes each, for a week of a fleet is millions of them."""

    period: int = 0
    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def put_in_order(self) -> None:
        """By time, each once. Two of one time are of two periods (detailed monitoring was switched on between them);
        the later one counts."""
        if all(one < other for one, other in pairwise(self.times)):
            return
        ordered = sorted(dict(zip(self.times, self.values, strict=True)).items())
        self.times = array("q", [at for at, _ in ordered])
        self.values = array("d", [value for _, value in ordered])


@dataclass(slots=True)
class Gathering:
    """Documents put where they belong, as they come, in any order. tags: label -> the tag's name as the configuration
    writes it."""

    tags: Mapping[str, str]
    resources: dict[tuple[Scope, str], tuple[int, Resource]] = field(default_factory=dict)
    series: dict[tuple[Scope, SeriesKey], _Kept] = field(default_factory=dict)

    def add(self, hits: Iterable[Mapping[str, Any]]) -> None:
        for hit in hits:
            source = hit["_source"]
            cloud, metric, at = source["cloud"], source["metric"], parsed_time(source[AT])
            scope = Scope(Cloud(cloud["provider"]), cloud["account"]["id"], cloud["region"])
            resource_id = source["resource"]["id"]
            attributes = tuple(sorted(source.get("attributes", {}).items()))
            kept = self.series.setdefault((scope, SeriesKey(resource_id, metric["name"], attributes)), _Kept())
            kept.period = max(kept.period, metric["period"])
            kept.times.append(at)
            kept.values.append(metric["value"])
            known = self.resources.get((scope, resource_id))
            if known is None or known[0] < at:
                self.resources[scope, resource_id] = at, _resource(scope, source, self.tags)

    @property
    def last(self) -> int:
        """Data time at which the newest point's period ends."""
        return max(max(kept.times) + kept.period for kept in self.series.values())

    def recordings(self, begin: int, end: int) -> tuple[Recording, ...]:
        """One a scope, in order. [begin, end): what is replayed; points before it are what rules look back on."""
        for kept in self.series.values():
            kept.put_in_order()
        scopes = sorted({scope for scope, _ in self.series})
        return tuple(self._recording(scope, begin, end) for scope in scopes)

    def _recording(self, scope: Scope, begin: int, end: int) -> Recording:
        own = {key: kept for (of, key), kept in self.series.items() if of == scope}
        lives: dict[str, tuple[int, int]] = {}
        for key, kept in own.items():
            low, high = lives.get(key.resource_id, (end, 0))
            lives[key.resource_id] = min(low, kept.times[0]), max(high, kept.times[-1] + kept.period)
        holes = {period: _holes(own.values(), period) for period in {kept.period for kept in own.values()}}
        first = min((low for low, _ in lives.values()), default=begin)
        stretches = tuple(
            _stretch(
                key, kept, min(first, begin), end, [*holes[kept.period], *_outside(lives[key.resource_id], first, end)]
            )
            for key, kept in own.items()
        )
        resources = tuple(found for (of, _), (_, found) in self.resources.items() if of == scope)
        asked = {(key.resource_id, key.metric): kept.period for key, kept in own.items()}
        return Recording(scope, begin, end, resources, stretches, asked)


def _resource(scope: Scope, source: Mapping[str, Any], tags: Mapping[str, str]) -> Resource:
    own = source["resource"]
    return Resource(
        scope,
        Kind(own.get("kind", Kind.INSTANCE)),
        own["id"],
        own.get("name", ""),
        source.get("host", {}).get("type", ""),
        source["cloud"].get("availability_zone", ""),
        tags={tags.get(label, label): value for label, value in source.get("labels", {}).items()},
    )


def _stretch(key: SeriesKey, kept: _Kept, start: int, end: int, unknown: Iterable[tuple[int, int]]) -> Stretch:
    lost = tuple(sorted(pair for pair in unknown if pair[0] < pair[1]))
    return Stretch(key, kept.period, start, end, kept.times, kept.values, lost)


def _holes(series: Iterable[_Kept], period: int) -> list[tuple[int, int]]:
    """Times in which no series of this period has a point."""
    times = sorted({at for kept in series if kept.period == period for at in kept.times})
    return [(one + period, other) for one, other in pairwise(times) if other - one > HOLE * period]


def _outside(life: tuple[int, int], start: int, end: int) -> list[tuple[int, int]]:
    return [(start, life[0]), (life[1], end)]
