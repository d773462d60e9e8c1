"""A line of the bill, the whole of it, and how often what is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.metric import Metric, Source
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Scope
from nephoscope.model.time import HOUR, ceil_div
from nephoscope.pipeline.need import kept_of, metrics_of, rules_for

HOURS_A_MONTH = 730

Fleet = Mapping[Scope, Sequence[Resource]]


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


@dataclass(frozen=True, slots=True)
class Read:
    """One metric of one resource, as its rules need it."""

    resource: Resource
    metric: Metric
    source: Source

    @property
    def period(self) -> int:
        return self.source.period_of(fine=self.resource.fine)

    @property
    def an_hour(self) -> float:
        """How often it is read in an hour: as its points come, or more seldom where the row says so."""
        return HOUR / max(self.period, self.source.every)


def reads_of(config: Config, resources: Sequence[Resource], metrics: Mapping[str, Metric]) -> Iterator[Read]:
    """Everything that is read of these resources; nothing of those that do not run."""
    for resource in resources:
        if not resource.measured:
            continue
        ruled = metrics_of(rules_for(resource, config.rules))
        for name in sorted(ruled.union(kept_of(resource, config.kept_metrics, metrics))):
            source = metrics[name].sources.get(resource.scope.cloud)
            if source is not None:
                yield Read(resource, metrics[name], source)


def metrics_needed(config: Config, resources: Sequence[Resource]) -> frozenset[str]:
    """The metrics that some rule needs of some of these resources."""
    rules = {rule.name: rule for resource in resources for rule in rules_for(resource, config.rules)}
    return metrics_of(rules.values())


def pages(resources: Sequence[Resource], kind: Kind, page: int) -> int:
    """Pages of a listing; an empty one is a page."""
    return max(1, ceil_div(sum(resource.kind is kind for resource in resources), page))


def beyond_free(catalog: Catalog, thing: str, a_month: float) -> float:
    """Dollars for what a month has more of a thing than is free."""
    return catalog.cost(thing, max(0.0, a_month - catalog.prices[thing].get("free", 0)))
