"""Whom and what a dashboard is about: which scopes, in groups that one graph can hold, and which it can look into."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.metric import Metric
from nephoscope.model.rule import Rule, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.dashboard.expressions import search
from nephoscope.pipeline.distributions import published_metrics
from nephoscope.pipeline.need import metrics_of

SCOPE_LABEL = "${PROP('Dim.cloud_provider')} ${PROP('Dim.cloud_account_id')} ${PROP('Dim.cloud_region')}"
"""CloudWatch fills it in for each series that a search finds (user guide, "Use dynamic labels")."""

SCOPES_IN_A_GRAPH = 100
"""More scopes than this, and each account has graphs of its own: four searches over them stay within a widget."""


@dataclass(frozen=True, slots=True)
class Group:
    """Scopes that share a graph. where: what narrows a search to them. title: empty where they are all there are."""

    title: str
    where: Mapping[str, str]
    scopes: tuple[Scope, ...]

    @property
    def suffix(self) -> str:
        return f" of {self.title}" if self.title else ""


@dataclass(frozen=True, slots=True)
class Audience:
    """scopes: sorted, unique. linked: accounts whose own metrics CloudWatch shows here (OAM). hidden: AWS accounts of
    the fleet that it does not show."""

    config: Config
    catalog: Catalog
    scopes: tuple[Scope, ...]
    linked: frozenset[str]
    hidden: frozenset[str]

    @property
    def clouds(self) -> tuple[Cloud, ...]:
        return tuple(dict.fromkeys(scope.cloud for scope in self.scopes))

    @property
    def groups(self) -> tuple[Group, ...]:
        fleet = {"fleet": self.config.fleet}
        if len(self.scopes) <= SCOPES_IN_A_GRAPH:
            return (Group("", fleet, self.scopes),) if self.scopes else ()
        accounts: dict[tuple[Cloud, str], list[Scope]] = {}
        for scope in self.scopes:
            accounts.setdefault((scope.cloud, scope.account), []).append(scope)
        return tuple(
            Group(f"{cloud} {account}", fleet | {"cloud_provider": str(cloud), "cloud_account_id": account}, tuple(own))
            for (cloud, account), own in accounts.items()
        )

    @property
    def open_regions(self) -> tuple[str, ...]:
        """AWS regions with at least one account whose own metrics this account's CloudWatch shows."""
        seen = {s.region for s in self.scopes if s.cloud is Cloud.AWS and s.account not in self.hidden}
        return tuple(sorted(seen))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Those that a rule reads or a distribution is published of, and some cloud has; in the catalog's order."""
        needed = metrics_of(self.config.rules) | set(self.config.publish.distributions)
        return tuple(metric for name, metric in self.catalog.metrics.items() if name in needed and metric.sources)

    def ours(self, metric: str, group: Group, statistic: str, period: int) -> str:
        """A search for what we publish of these scopes, one result each."""
        return search(self.config.publish.namespace, metric, group.where, statistic, period)

    def distributed(self, metric: Metric) -> bool:
        """Whether our own distributions of it exist: published on one of the clouds, and read for a rule."""
        read = metric.name in metrics_of(self.config.rules)
        return read and any(metric.name in published_metrics(self.config, self.catalog, cloud) for cloud in self.clouds)

    def rules_on(self, metric: Metric) -> Sequence[tuple[Rule, Threshold]]:
        conditions = ((rule, rule.when) for rule in self.config.rules)
        return [(rule, when) for rule, when in conditions if isinstance(when, Threshold) and when.metric == metric.name]


def audience(
    config: Config, scopes: Iterable[Scope], catalog: Catalog, home_account: str, linked_accounts: Collection[str]
) -> Audience:
    """home_account: where the dashboard stands; empty: whatever account no role is assumed for."""
    known = tuple(sorted(set(scopes)))
    entered = {account.id for account in config.gather.aws.accounts} if config.gather.aws else set()
    foreign = {s.account for s in known if s.cloud is Cloud.AWS and s.account in entered and s.account != home_account}
    linked = frozenset(foreign & set(linked_accounts))
    return Audience(config, catalog, known, linked, frozenset(foreign) - linked)
