"""Reading AWS: billed is each metric that is requested, however many points come back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.time import HOUR, ceil_div
from nephoscope.pipeline.cost.bill import HOURS_A_MONTH, Fleet, Line, metrics_needed, pages, reads_of

READ = "cloudwatch:GetMetricData"

LISTED_AGAIN = 4
"""Times an hour that a warm function lists the series whose dimensions vary."""


def aws_lines(config: Config, fleet: Fleet, runs: float, catalog: Catalog) -> Iterator[Line]:
    """fleet: of AWS only. runs: in an hour."""
    if config.gather.aws is None:
        return
    yield from _listing(config.gather.aws.resources, fleet, runs, catalog)
    yield from _discovery(config, fleet, catalog)
    yield _reading(config, fleet, catalog)


def _listing(kinds: tuple[Kind, ...], fleet: Fleet, runs: float, catalog: Catalog) -> Iterator[Line]:
    if Kind.INSTANCE in kinds:
        for action, limit in (
            ("ec2:DescribeInstances", "ec2.describe_instances"),
            ("ec2:DescribeInstanceStatus", "ec2.describe_instance_status"),
        ):
            page = catalog.limit(limit, "page")
            calls = sum(pages(resources, Kind.INSTANCE, page) for resources in fleet.values())
            yield Line(action, calls * runs, 0, 0.0, "free")
    if Kind.BUCKET in kinds:
        usd = catalog.cost("s3.list_request", len(fleet) * HOURS_A_MONTH)
        yield Line("s3:ListAllMyBuckets", len(fleet), len(fleet), usd, "once an hour in each scope")


def _reading(config: Config, fleet: Fleet, catalog: Catalog) -> Line:
    """One billed unit for each metric of each resource, as often as its points come."""
    limit = catalog.limit("cloudwatch.get_metric_data", "queries")
    calls = units = 0.0
    for resources in fleet.values():
        for (period, every), count in _by_pace(config, resources, catalog).items():
            reads = HOUR / max(period, every)
            calls += ceil_div(count, limit) * reads
            units += count * reads
    usd = catalog.cost("cloudwatch.get_metric_data_metric", units * HOURS_A_MONTH)
    return Line(READ, calls, units, usd, "a metric requested is a unit, however many points")


def _by_pace(config: Config, resources: Sequence[Resource], catalog: Catalog) -> Counter[tuple[int, int]]:
    """(period, least seconds between reads) -> series, the groups in which the reader batches."""
    return Counter((read.period, read.source.every) for read in reads_of(config, resources, catalog.metrics))


def _discovery(config: Config, fleet: Fleet, catalog: Catalog) -> Iterator[Line]:
    """Metrics whose dimensions vary are listed first, in each scope, whatever the number of machines."""
    listed = sum(
        source.discover
        for scope, resources in fleet.items()
        for name in metrics_needed(config, resources)
        if (source := catalog.metrics[name].sources.get(scope.cloud))
    )
    if listed:
        calls = listed * LISTED_AGAIN
        usd = catalog.cost("cloudwatch.request", calls * HOURS_A_MONTH)
        note = "for metrics of an agent and of buckets; up to 500 series"
        yield Line("cloudwatch:ListMetrics", calls, calls, usd, note)
