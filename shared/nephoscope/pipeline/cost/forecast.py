"""All of the bill together: reading each cloud, and what is published in CloudWatch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import HOUR, ceil_div
from nephoscope.pipeline.cost.aws import aws_lines
from nephoscope.pipeline.cost.azure import azure_lines
from nephoscope.pipeline.cost.bill import HOURS_A_MONTH, Bill, Fleet, Line, metrics_needed, reads_of
from nephoscope.pipeline.cost.gcp import gcp_lines
from nephoscope.pipeline.distributions import published_metrics
from nephoscope.pipeline.publish import REASONS

SERIES = "custom series"

COUNTS = 4
"""Series of each scope: instances running, stopped, changing, gone."""

OWN_SERIES = 10
"""Of each cloud: heartbeat, coverage, api_calls, billable_units, run_seconds, scopes_failed, lag, alerts_firing, owed,
oldest_owed."""

HISTORY_SERIES = 1
"""More of each cloud where history is kept: history_owed."""

DELIVERY_SERIES = 2 + REASONS + 1
"""Of each cloud in an hour in which messages are sent and refused: sent, dead, refused by reason. Where everything goes
well and nothing is told there are none of them, and the forecast has none."""

SWEEPS = 12
"""Times an hour that a cloud's sweeper says that nothing is owed."""


def forecast(config: Config, fleet: Fleet, catalog: Catalog, dashboards: int) -> Bill:
    """The bill of an hour in which everything goes well, and of a month of such hours.

    fleet: the resources by scope, real or assumed; a scope may be empty. dashboards: how many the renderer makes.
    """
    runs = HOUR / config.gather.every
    lines = [
        *aws_lines(config, _of(Cloud.AWS, fleet), runs, catalog),
        *gcp_lines(config, _of(Cloud.GCP, fleet), runs, catalog),
        *azure_lines(config, _of(Cloud.AZURE, fleet), runs, catalog),
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


def count_series(config: Config, fleet: Fleet, catalog: Catalog) -> int:
    """Custom series: the counts of each scope, a distribution for each metric that is read and published there, and our
    own figures once for each cloud. With detail: resource, outside AWS a series for each resource and metric, too."""
    of_scopes = sum(_count_in_scope(config, scope, resources, catalog) for scope, resources in fleet.items())
    own = OWN_SERIES + (HISTORY_SERIES if config.history else 0)
    return of_scopes + own * len({scope.cloud for scope in fleet})


def _count_in_scope(config: Config, scope: Scope, resources: Sequence[Resource], catalog: Catalog) -> int:
    published = published_metrics(config, catalog, scope.cloud)
    needed = metrics_needed(config, resources)
    there = {name for name in needed & published if scope.cloud in catalog.metrics[name].sources}
    each = config.publish.detail == "resource" and scope.cloud is not Cloud.AWS
    return COUNTS + len(there) + (sum(1 for _ in reads_of(config, resources, catalog.metrics)) if each else 0)


def _of(cloud: Cloud, fleet: Fleet) -> Fleet:
    return {scope: resources for scope, resources in fleet.items() if scope.cloud is cloud}


def _publishing(config: Config, fleet: Fleet, runs: float, catalog: Catalog) -> Iterable[Line]:
    """Each cloud's own function writes its part."""
    most = catalog.limit("cloudwatch.put_metric_data", "metrics")
    clouds = sorted({scope.cloud for scope in fleet}) or [Cloud.AWS]
    parts = [count_series(config, _of(cloud, fleet), catalog) for cloud in clouds]
    requests = sum(runs * ceil_div(max(1, part), most) + SWEEPS for part in parts)
    usd = catalog.cost("cloudwatch.custom_metric_month", sum(parts))
    yield Line(SERIES, 0, sum(parts), usd, "published by nephoscope")
    usd = catalog.cost("cloudwatch.request", requests * HOURS_A_MONTH)
    yield Line("cloudwatch:PutMetricData", requests, requests, usd, "where nothing is owed")


def _dashboards(count: int, catalog: Catalog) -> Line:
    free = int(catalog.prices["cloudwatch.dashboard_month"]["free"])
    usd = catalog.cost("cloudwatch.dashboard_month", max(0, count - free))
    return Line("dashboards", 0, count, usd, f"{free} of an account are free; those of others are not counted")
