"""Reading Google Cloud: billed is each time series that comes back, however many points it has; calls are free.

A question that would name too many machines names their region instead; then those that no rule selects come back
too, which is not counted here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config, GatherGcp
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.time import HOUR, ceil_div
from nephoscope.pipeline.cost.bill import HOURS_A_MONTH, Fleet, Line, beyond_free, metrics_needed, pages, reads_of
from nephoscope.pipeline.need import reach_of

READ = "monitoring.timeSeries.list"
BILLED = "monitoring.time_series_returned"

SEARCHED_AGAIN = 4
"""Times an hour that a warm function looks for projects below a folder or organization."""


def gcp_lines(config: Config, fleet: Fleet, runs: float, catalog: Catalog) -> Iterator[Line]:
    """fleet: of Google only. runs: in an hour."""
    if config.gather.gcp is None:
        return
    yield from _listing(config.gather.gcp, _by_project(fleet), runs, catalog)
    yield from _descriptors(config, fleet, catalog)
    yield _reading(config, fleet, catalog)


def _by_project(fleet: Fleet) -> dict[str, list[Resource]]:
    """One listing answers for all regions of a project."""
    projects: dict[str, list[Resource]] = {}
    for scope, resources in fleet.items():
        projects.setdefault(scope.account, []).extend(resources)
    return projects


def _listing(gather: GatherGcp, projects: dict[str, list[Resource]], runs: float, catalog: Catalog) -> Iterator[Line]:
    if Kind.INSTANCE in gather.resources:
        page = catalog.limit("compute.instances", "page")
        calls = sum(pages(resources, Kind.INSTANCE, page) for resources in projects.values())
        yield Line("compute.instances.list", calls * runs, 0, 0.0, "free")
    if Kind.BUCKET in gather.resources:
        page = catalog.limit("storage.buckets", "page")
        calls = sum(pages(resources, Kind.BUCKET, page) for resources in projects.values())
        usd = catalog.cost("storage.class_a_operation", calls * HOURS_A_MONTH)
        yield Line("storage.buckets.list", calls, calls, usd, "once an hour in each project")
    if gather.parent:
        yield Line("cloudasset.assets.searchAllResources", SEARCHED_AGAIN, 0, 0.0, "free")


def _descriptors(config: Config, fleet: Fleet, catalog: Catalog) -> Iterator[Line]:
    """A metric's descriptor is asked for once a day in each project."""
    asked = {
        (scope.account, name)
        for scope, resources in fleet.items()
        for name in metrics_needed(config, resources)
        if scope.cloud in catalog.metrics[name].sources
    }
    if asked:
        yield Line("monitoring.metricDescriptors.get", len(asked) / 24, 0, 0.0, "free")


def _reading(config: Config, fleet: Fleet, catalog: Catalog) -> Line:
    """One question for each metric of each scope, as often as its points come; one unit for each series in it."""
    page = catalog.limit("monitoring.time_series", "page")
    calls = units = 0.0
    for resources in fleet.values():
        for (name, period, every), count in _by_question(config, resources, catalog).items():
            reads = HOUR / max(period, every)
            points = count * (reach_of(catalog.metrics[name], config.rules, period) + 1)
            calls += ceil_div(points, page) * reads
            units += count * reads
    usd = beyond_free(catalog, BILLED, units * HOURS_A_MONTH)
    free = int(catalog.prices[BILLED]["free"])
    note = f"a series that comes back is a unit; {free:,} a month of a billing account are free"
    return Line(READ, calls, units, usd, note)


def _by_question(config: Config, resources: Sequence[Resource], catalog: Catalog) -> Counter[tuple[str, int, int]]:
    """(metric, period, least seconds between reads) -> series, the groups in which the reader asks."""
    reads = reads_of(config, resources, catalog.metrics)
    return Counter((read.metric.name, read.period, read.source.every) for read in reads)
