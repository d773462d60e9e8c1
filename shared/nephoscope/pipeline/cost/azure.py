"""Reading Azure: a call is a unit, for up to 50 resources and 20 metrics at once; a million a month are free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config, GatherAzure
from nephoscope.model.resource import Kind
from nephoscope.model.time import HOUR, ceil_div
from nephoscope.pipeline.cost.bill import HOURS_A_MONTH, Fleet, Line, Read, beyond_free, pages, reads_of

READ = "Microsoft.Insights/metrics/read"
LIST = "Microsoft.ResourceGraph/resources/read"
BILLED = "azure_monitor.metrics_call"


def azure_lines(config: Config, fleet: Fleet, runs: float, catalog: Catalog) -> Iterator[Line]:
    """fleet: of Azure only. runs: in an hour."""
    if config.gather.azure is None:
        return
    yield _listing(config.gather.azure, fleet, runs, catalog)
    yield _reading(config, fleet, catalog)


def _listing(gather: GatherAzure, fleet: Fleet, runs: float, catalog: Catalog) -> Line:
    """Resource Graph answers for many subscriptions at once. Asked in a run: which subscriptions answer; machines, and
    those of scale sets, which have a table of their own; storage accounts."""
    page = catalog.limit("resource_graph.resources", "page")
    areas = max(1, ceil_div(len(gather.subscriptions), catalog.limit("resource_graph.resources", "subscriptions")))
    everything = [resource for resources in fleet.values() for resource in resources]
    questions = areas
    if Kind.INSTANCE in gather.resources:
        questions += areas + areas - 1 + pages(everything, Kind.INSTANCE, page)
    if Kind.BUCKET in gather.resources:
        questions += areas - 1 + pages(everything, Kind.BUCKET, page)
    return Line(LIST, questions * runs, 0, 0.0, "free")


def _reading(config: Config, fleet: Fleet, catalog: Catalog) -> Line:
    calls = sum(_calls(list(reads_of(config, resources, catalog.metrics)), catalog) for resources in fleet.values())
    usd = beyond_free(catalog, BILLED, calls * HOURS_A_MONTH)
    free = int(catalog.prices[BILLED]["free"])
    return Line(READ, calls, calls, usd, f"{free:,} a month of a subscription are free")


def _calls(reads: Sequence[Read], catalog: Catalog) -> float:
    """In an hour, in one scope. Resources of one type and metrics whose points settle at once share a call; the members
    of uniform scale sets are a type of their own."""
    groups: dict[tuple[Kind, bool, int, int, int], list[Read]] = {}
    for read in reads:
        member = "/virtualmachinescalesets/" in read.resource.id
        pace = read.period, read.source.delay_of(read.period), read.source.every
        groups.setdefault((read.metric.on, member, *pace), []).append(read)
    return sum(
        _batches(group, catalog) * HOUR / max(period, every) for (_, _, period, _, every), group in groups.items()
    )


def _batches(reads: Sequence[Read], catalog: Catalog) -> int:
    resources = {read.resource.id for read in reads}
    metrics = {read.metric.name for read in reads}
    limit = "azure_monitor.metrics_batch"
    return ceil_div(len(resources), catalog.limit(limit, "resources")) * ceil_div(
        len(metrics), catalog.limit(limit, "metrics")
    )
