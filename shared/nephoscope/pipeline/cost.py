"""What a configuration will cost before anything is deployed: calls, billed units, series, dollars at list price.

Counted with the same functions that plan the reads, so that the forecast and the provider's bill speak of the same
thing; a test holds it against the ledger of the local cloud. Not in it: Lambda, DynamoDB and SNS, which stay within a
few dollars whatever the fleet, and data that discovered metrics add (each device or storage class is a series).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.metric import Metric
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import HOUR, ceil_div
from nephoscope.pipeline.need import metrics_of, rules_for

HOURS_A_MONTH = 730

READ = "cloudwatch:GetMetricData"
SERIES = "custom series"


@dataclass(frozen=True, slots=True)
class Line:
    """calls, units: in an hour; units are what the provider bills (0 where the call is free). usd: in a month."""

    what: str
    calls: float
    units: float
    usd: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bill:
    """series: custom series published. lines: by action, the dearest first."""

    lines: tuple[Line, ...]
    series: int
    resources: int

    @property
    def usd(self) -> float:
        return sum(line.usd for line in self.lines)

    @property
    def calls(self) -> float:
        return sum(line.calls for line in self.lines)


def forecast(config: Config, fleet: Mapping[Scope, Sequence[Resource]], catalog: Catalog, dashboards: int) -> Bill:
    """The bill of an hour in which everything goes well, and of a month of such hours.

    fleet: the resources by scope, real or assumed; a scope may be empty. dashboards: how many the renderer makes.
    """
    runs = HOUR / config.gather.every
    lines = [
        *_listing(config, fleet, runs, catalog),
        *_reading(config, fleet, catalog),
        *_publishing(config, fleet, runs, catalog),
        _dashboards(dashboards, catalog),
    ]
    ordered = sorted(lines, key=lambda line: (-line.usd, line.what))
    return Bill(tuple(ordered), count_series(config, fleet, catalog), sum(map(len, fleet.values())))


def assumed_fleet(scopes: Iterable[Scope], instances: int, tags: Mapping[str, str]) -> dict[Scope, list[Resource]]:
    """So many running machines spread evenly over scopes, each with these tags; without detailed monitoring."""
    ordered = sorted(scopes)
    return {
        scope: [
            Resource(scope, Kind.INSTANCE, f"i-{index:017x}", tags=tags)
            for index in range(number, instances, len(ordered))
        ]
        for number, scope in enumerate(ordered)
    }


def count_series(config: Config, fleet: Mapping[Scope, Sequence[Resource]], catalog: Catalog) -> int:
    """Custom series: four counts a scope, a distribution for each metric that is listed and read there, and our own
    figures once for each cloud."""
    clouds = {scope.cloud for scope in fleet}
    distributed = sum(
        len(_published(config, scope, catalog) & metrics_needed(config, resources))
        for scope, resources in fleet.items()
    )
    return 4 * len(fleet) + distributed + OWN_SERIES * len(clouds)


OWN_SERIES = 10
"""heartbeat, coverage, api_calls, billable_units, run_seconds, scopes_failed, lag, alerts_firing, owed, oldest_owed."""


SWEEPS = 12
"""Times an hour that the sweeper says that nothing is owed."""

LISTED_AGAIN = 4
"""Times an hour that a warm function lists the series whose dimensions vary."""


def metrics_needed(config: Config, resources: Sequence[Resource]) -> frozenset[str]:
    """The metrics that some rule needs of some of these resources."""
    rules = {rule.name: rule for resource in resources for rule in rules_for(resource, config.rules)}
    return metrics_of(rules.values())


def _published(config: Config, scope: Scope, catalog: Catalog) -> frozenset[str]:
    everything = scope.cloud is not Cloud.AWS
    return frozenset(catalog.metrics) if everything else frozenset(config.publish.distributions)


def _listing(
    config: Config, fleet: Mapping[Scope, Sequence[Resource]], runs: float, catalog: Catalog
) -> Iterable[Line]:
    aws = {scope: resources for scope, resources in fleet.items() if scope.cloud is Cloud.AWS}
    kinds = config.gather.aws.resources if config.gather.aws else ()
    if Kind.INSTANCE in kinds:
        for action, limit in (
            ("ec2:DescribeInstances", "ec2.describe_instances"),
            ("ec2:DescribeInstanceStatus", "ec2.describe_instance_status"),
        ):
            page = catalog.limit(limit, "page")
            pages = sum(max(1, ceil_div(_count(resources, Kind.INSTANCE), page)) for resources in aws.values())
            yield Line(action, pages * runs, 0, 0.0, "free")
    if Kind.BUCKET in kinds:
        usd = catalog.cost("s3.list_request", len(aws) * HOURS_A_MONTH)
        yield Line("s3:ListAllMyBuckets", len(aws), len(aws), usd, "once an hour in each scope")


def _count(resources: Sequence[Resource], kind: Kind) -> int:
    return sum(resource.kind is kind for resource in resources)


def _reading(config: Config, fleet: Mapping[Scope, Sequence[Resource]], catalog: Catalog) -> Iterable[Line]:
    """One billed unit for each metric of each resource, as often as its points come."""
    limit = catalog.limit("cloudwatch.get_metric_data", "queries")
    calls = units = 0.0
    for resources in fleet.values():
        for (period, every), count in _series_by_pace(config, resources, catalog.metrics).items():
            reads = HOUR / max(period, every)
            calls += ceil_div(count, limit) * reads
            units += count * reads
    yield from _discovery(config, fleet, catalog)
    usd = catalog.cost("cloudwatch.get_metric_data_metric", units * HOURS_A_MONTH)
    yield Line(READ, calls, units, usd, "a metric requested is a unit, however many points")


def _discovery(config: Config, fleet: Mapping[Scope, Sequence[Resource]], catalog: Catalog) -> Iterable[Line]:
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
        yield Line(
            "cloudwatch:ListMetrics", calls, calls, usd, "for metrics of an agent and of buckets; up to 500 series"
        )


def _series_by_pace(
    config: Config, resources: Sequence[Resource], metrics: Mapping[str, Metric]
) -> Counter[tuple[int, int]]:
    """(period, least seconds between reads) -> series, the groups in which the reader batches."""
    groups: Counter[tuple[int, int]] = Counter()
    for resource in resources:
        if not resource.measured:
            continue
        for name in metrics_of(rules_for(resource, config.rules)):
            source = metrics[name].sources.get(resource.scope.cloud)
            if source is not None:
                groups[source.period_of(fine=resource.fine), source.every] += 1
    return groups


def _publishing(
    config: Config, fleet: Mapping[Scope, Sequence[Resource]], runs: float, catalog: Catalog
) -> Iterable[Line]:
    series = count_series(config, fleet, catalog)
    requests = runs * ceil_div(max(1, series), catalog.limit("cloudwatch.put_metric_data", "metrics")) + SWEEPS
    yield Line(SERIES, 0, series, catalog.cost("cloudwatch.custom_metric_month", series), "published by nephoscope")
    usd = catalog.cost("cloudwatch.request", requests * HOURS_A_MONTH)
    yield Line("cloudwatch:PutMetricData", requests, requests, usd, "where nothing is owed")


def _dashboards(count: int, catalog: Catalog) -> Line:
    free = int(catalog.prices["cloudwatch.dashboard_month"]["free"])
    usd = catalog.cost("cloudwatch.dashboard_month", max(0, count - free))
    return Line("dashboards", 0, count, usd, f"{free} of an account are free; those of others are not counted")
