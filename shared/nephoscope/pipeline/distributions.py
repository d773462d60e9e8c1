"""Distributions: all of a scope's points of one period as one datum, with percentiles, at the price of one series.

What is published once cannot be taken back, and CloudWatch adds a second write to the first. So each (metric, period)
has a range that is *claimed* before it is written: from where the last claim ended to the newest settled boundary. A
point that comes after its period was claimed stays out, and is counted as late.

A sample weighs as many of the metric's finest periods as its own has: a machine measured every five minutes counts
five where its neighbour, measured every minute, counts one five times. Otherwise percentiles over five minutes would
be those of the machines with detailed monitoring.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.memory import Progress
from nephoscope.model.metric import Metric, Source
from nephoscope.model.publish import Datum
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Gap, Series
from nephoscope.model.time import floor_to
from nephoscope.pipeline.histogram import pack
from nephoscope.pipeline.units import SHOWN

WAIT_FOR_GAPS = 3
"""Periods that a claim waits while some machines could not be read; then what is known is published without them."""

Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Distributions:
    """until, points: what Progress.published_until and .published_points become for these metrics."""

    data: tuple[Datum, ...] = ()
    until: Mapping[str, int] = field(default_factory=dict)
    points: Mapping[str, int] = field(default_factory=dict)
    late: int = 0


def scope_dimensions(fleet: str, scope: Scope) -> Dimensions:
    """The dimensions of a scope's series, sorted."""
    return (
        ("cloud_account_id", scope.account),
        ("cloud_provider", str(scope.cloud)),
        ("cloud_region", scope.region),
        ("fleet", fleet),
    )


def published_metrics(config: Config, catalog: Catalog, cloud: Cloud) -> frozenset[str]:
    """The allow-list: on AWS what the configuration lists, for CloudWatch shows the rest as it is; elsewhere all."""
    if cloud is not Cloud.AWS:
        return frozenset(catalog.metrics)
    return frozenset(config.publish.distributions)


def plan_distributions(facts: Facts, config: Config, catalog: Catalog, progress: Progress) -> Distributions:
    """One datum for each (metric, period's start) that is settled and not yet claimed; in time order."""
    wanted = published_metrics(config, catalog, facts.scope.cloud)
    data: list[Datum] = []
    until: dict[str, int] = {}
    points: dict[str, int] = {}
    late = 0
    for (name, period), series in sorted(_by_pace(facts.readings.series, wanted).items()):
        metric = catalog.metrics[name]
        key = f"{name}@{period}"
        start, end = claim(facts, metric, period, series, progress.published_until.get(key))
        late += _late(series, start - period, progress.published_points.get(key))
        if end <= start:
            continue
        data += _data(metric, period, series, (start, end), scope_dimensions(config.fleet, facts.scope))
        if config.publish.detail == "resource" and facts.scope.cloud is not Cloud.AWS:
            data += _series_each(metric, series, (start, end), scope_dimensions(config.fleet, facts.scope))
        until[key] = end
        points[key] = _points_at(series, end - period)
    return Distributions(tuple(sorted(data, key=lambda datum: (datum.at, datum.name))), until, points, late)


def claim(facts: Facts, metric: Metric, period: int, series: Sequence[Series], until: int | None) -> tuple[int, int]:
    """The half-open range to publish now. Empty (end <= start) where nothing new is settled.

    A first claim begins where the read began. While a gap hides machines, the newest periods wait for the next run.
    """
    start = min(one.start for one in series) if until is None else until
    end = min(metric.sources[facts.scope.cloud].horizon(facts.slot, period), max(one.end for one in series))
    if any(not one.complete for one in series) or any(_hides(gap, metric.name) for gap in facts.gaps):
        end = min(end, floor_to(facts.slot, period) - WAIT_FOR_GAPS * period)
    return start, end


def weight(source: Source, period: int) -> float:
    """How many of the metric's finest periods a sample of this period stands for."""
    return period / (source.fine_period or source.period)


def _hides(gap: Gap, metric: str) -> bool:
    return not gap.affected or metric in gap.affected


def _by_pace(series: Iterable[Series], wanted: frozenset[str]) -> dict[tuple[str, int], list[Series]]:
    paces: defaultdict[tuple[str, int], list[Series]] = defaultdict(list)
    for one in series:
        if one.key.metric in wanted:
            paces[one.key.metric, one.period].append(one)
    return paces


def _data(
    metric: Metric, period: int, series: Sequence[Series], span: tuple[int, int], dimensions: Dimensions
) -> Iterator[Datum]:
    shown = SHOWN[metric.unit]
    scope_weight = weight(metric.sources[Cloud(dict(dimensions)["cloud_provider"])], period)
    samples: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for one in series:
        for at, value in _within(one, span):
            samples[at].append((value * shown.factor, scope_weight))
    for at in sorted(samples):
        values, counts = pack(samples[at])
        yield Datum(metric.name, dimensions, at, shown.word, values, counts)


def _series_each(
    metric: Metric, series: Sequence[Series], span: tuple[int, int], dimensions: Dimensions
) -> Iterator[Datum]:
    """`detail: resource`: a series for each resource, only for clouds whose own series CloudWatch does not hold."""
    shown = SHOWN[metric.unit]
    for one in series:
        own = tuple(sorted((*dimensions, ("cloud_resource_id", one.key.resource_id), *one.key.attributes)))
        for at, value in _within(one, span):
            yield Datum(metric.name, own, at, shown.word, array("d", [value * shown.factor]), array("d", [1.0]))


def _within(series: Series, span: tuple[int, int]) -> Iterator[tuple[int, float]]:
    start, end = span
    return ((at, value) for at, value in zip(series.times, series.values, strict=True) if start <= at < end)


def _points_at(series: Sequence[Series], at: int) -> int:
    return sum(at in one.times for one in series)


def _late(series: Sequence[Series], at: int, published: int | None) -> int:
    """Points of the newest published period that were not there when it was published."""
    return 0 if published is None else max(0, _points_at(series, at) - published)
