"""A metric's panels: the machines that went furthest in each cloud, from its own series, which are never published
again; the course of the whole fleet where we publish its distribution, of each cloud where we do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.metric import Metric, Shape
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Threshold
from nephoscope.model.scope import Cloud
from nephoscope.model.time import DAY
from nephoscope.pipeline.board.bounds import CLOUD_NAMES, title_of
from nephoscope.pipeline.board.parts import Figure, Limit, Look, Measure, Panel, Split, Take
from nephoscope.pipeline.distributions import published_metrics
from nephoscope.pipeline.need import metrics_of

WORST = 10
"""Machines in a graph of the worst."""

SLOW_SPAN = 14 * DAY
"""What daily metrics show, whatever range the dashboard is set to."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A metric that is on the board of these clouds."""

    config: Config
    catalog: Catalog
    clouds: tuple[Cloud, ...]
    metric: Metric

    @property
    def places(self) -> tuple[Cloud, ...]:
        return tuple(cloud for cloud in self.clouds if kept_in(self.config, self.metric, cloud))

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Thresholds on the value itself; one on its change is no line in a graph of it."""
        conditions = ((rule, rule.when) for rule in self.config.rules)
        return tuple(
            Limit(rule.name, rule.severity, when.comparison, when.value)
            for rule, when in conditions
            if isinstance(when, Threshold) and when.metric == self.metric.name and not when.over
        )

    @property
    def upward(self) -> bool:
        """Smaller is worse only where every rule says so."""
        return not self.limits or any(limit.comparison.upward for limit in self.limits)

    @property
    def distributed(self) -> bool:
        """Whether our own distributions of it exist: published of one of the clouds, and read for a rule."""
        read = self.metric.name in metrics_of(self.config.rules)
        return read and any(
            self.metric.name in published_metrics(self.config, self.catalog, cloud) for cloud in self.places
        )


def metrics_shown(config: Config, catalog: Catalog) -> list[Metric]:
    """Those that a rule reads or a distribution is published of, and some cloud has; in the catalog's order."""
    needed = metrics_of(config.rules) | set(config.publish.distributions)
    return [metric for name, metric in catalog.metrics.items() if name in needed and metric.sources]


def kept_in(config: Config, metric: Metric, cloud: Cloud) -> bool:
    """Whether the cloud has this metric of a kind that is gathered there, in a place that the configuration names."""
    source = metric.sources.get(cloud)
    kinds = config.gather.kinds.get(cloud, ())
    return source is not None and metric.on in kinds and config.gather.reaches(source)


def worst(shown: Shown) -> Iterator[Panel]:
    side = "highest" if shown.upward else "lowest"
    for cloud in shown.places:
        take = Take.HIGHEST if shown.upward else Take.LOWEST
        ask = Measure(shown.metric, cloud, take, Split.MACHINE, WORST, upward=shown.upward)
        title = f"{title_of(shown.metric)}: the {WORST} {side} in {CLOUD_NAMES[cloud]}"
        yield _panel(shown, title, Look.WORST, ask, cloud=cloud)


def history(shown: Shown) -> Iterator[Panel]:
    """Our distributions over the whole fleet where there are any, then each cloud's own course. A console that draws
    the first may leave out the course in a cloud that they are published of."""
    title, metric = title_of(shown.metric), shown.metric
    if shown.distributed:
        whole = (
            Figure(metric.name, Take.HIGHEST, join=Take.HIGHEST, label="highest"),
            Figure(metric.name, Take.P90, join=Take.HIGHEST, label="p90 of the worst region"),
            Figure(metric.name, Take.AVERAGE, join=Take.AVERAGE, label="average"),
        )
        yield _panel(shown, f"{title}: the whole fleet", Look.LINES, *whole)
        by_scope = Figure(metric.name, Take.P90, Split.SCOPE, Take.HIGHEST, "p90")
        yield _panel(shown, f"{title}: nine in ten are below, by region", Look.LINES, by_scope)
    for cloud in shown.places:
        yield _course(shown, cloud)


def _course(shown: Shown, cloud: Cloud) -> Panel:
    """All machines in one line. A sum over machines has no threshold that is meant for one."""
    take = Take.AVERAGE if shown.metric.shape is Shape.GAUGE and shown.metric.on is Kind.INSTANCE else Take.SUM
    title = f"{title_of(shown.metric)}: {take} over all in {CLOUD_NAMES[cloud]}"
    limits = shown.limits if take is Take.AVERAGE else ()
    return _panel(shown, title, Look.LINES, Measure(shown.metric, cloud, take), cloud=cloud, limits=limits)


def _panel(
    shown: Shown,
    title: str,
    look: Look,
    *asks: Figure | Measure,
    cloud: Cloud | None = None,
    limits: tuple[Limit, ...] | None = None,
) -> Panel:
    places = (cloud,) if cloud else shown.places
    slow = any(shown.metric.sources[place].period >= DAY for place in places)
    return Panel(
        title,
        look,
        asks,
        shown.metric.unit,
        limits=shown.limits if limits is None else limits,
        note=shown.metric.description,
        span=SLOW_SPAN if slow else 0,
    )
