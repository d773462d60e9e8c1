"""Whom and what a dashboard is about: which scopes, in groups that one graph can hold, and which it can look into."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.metric import Metric
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.board import Board, board_of
from nephoscope.pipeline.board.bounds import CLOUD_NAMES
from nephoscope.pipeline.dashboard.expressions import search
from nephoscope.pipeline.dashboard.variables import ANY_ACCOUNT, ANY_REGION, Variable, variables_of
from nephoscope.pipeline.distributions import published_metrics
from nephoscope.pipeline.need import metrics_of

_PROVIDER, _ACCOUNT, _REGION = (
    f"${{PROP('Dim.{name}')}}" for name in ("cloud_provider", "cloud_account_id", "cloud_region")
)
"""CloudWatch fills these in for each series that a search finds (user guide, "Use dynamic labels")."""

SCOPES_IN_A_GRAPH = 100
"""More scopes than this, and each account has graphs of its own: four searches over them stay within a widget."""

_CHOSEN_BY = {ANY_ACCOUNT: "cloud_account_id", ANY_REGION: "cloud_region"}


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
    the fleet that it does not show. board: what is shown, and in which order. widget: ARN of the custom widget's
    function, empty = none. alarms: ARNs of those that watch nephoscope."""

    config: Config
    catalog: Catalog
    scopes: tuple[Scope, ...]
    linked: frozenset[str]
    hidden: frozenset[str]
    board: Board
    variables: tuple[Variable, ...] = ()
    widget: str = ""
    alarms: tuple[str, ...] = ()

    @property
    def clouds(self) -> tuple[Cloud, ...]:
        return tuple(dict.fromkeys(scope.cloud for scope in self.scopes))

    @property
    def scope_label(self) -> str:
        """An account stands in it only where a cloud has several: Azure's are long."""
        accounts = {(scope.cloud, scope.account) for scope in self.scopes}
        return " ".join([_PROVIDER, *([_ACCOUNT] if len(accounts) > len(self.clouds) else []), _REGION])

    @property
    def everything(self) -> Group:
        return Group("", {"fleet": self.config.fleet}, self.scopes)

    @property
    def groups(self) -> tuple[Group, ...]:
        fleet = {"fleet": self.config.fleet}
        if len(self.scopes) <= SCOPES_IN_A_GRAPH:
            return (self.everything,) if self.scopes else ()
        accounts: dict[tuple[Cloud, str], list[Scope]] = {}
        for scope in self.scopes:
            accounts.setdefault((scope.cloud, scope.account), []).append(scope)
        return tuple(
            Group(
                f"{CLOUD_NAMES[cloud]} {account}",
                fleet | {"cloud_provider": str(cloud), "cloud_account_id": account},
                tuple(own),
            )
            for (cloud, account), own in accounts.items()
        )

    @property
    def open_regions(self) -> tuple[str, ...]:
        """AWS regions with at least one account whose own metrics this account's CloudWatch shows."""
        seen = {s.region for s in self.scopes if s.cloud is Cloud.AWS and s.account not in self.hidden}
        return tuple(sorted(seen))

    def ours(self, metric: str, group: Group, statistic: str, period: int, *, whole: bool = False) -> str:
        """A search for what we publish of these scopes, one result each. whole: whatever a person has chosen."""
        choosable = {
            _CHOSEN_BY[one.pattern]: one.pattern
            for one in self.variables
            if not whole and _CHOSEN_BY[one.pattern] not in group.where
        }
        return search(self.config.publish.namespace, metric, group.where, statistic, period, choosable)

    def scopes_of(self, cloud: Cloud) -> int:
        return sum(scope.cloud is cloud for scope in self.scopes)

    def distributed_on_aws(self, metric: Metric) -> bool:
        """Whether our own distribution of AWS's machines stands for their course."""
        read = metric.name in metrics_of(self.config.rules)
        return read and metric.name in published_metrics(self.config, self.catalog, Cloud.AWS)


def audience(
    config: Config,
    scopes: Iterable[Scope],
    catalog: Catalog,
    home_account: str,
    linked_accounts: Collection[str],
    widget: str = "",
    alarms: Sequence[str] = (),
) -> Audience:
    """home_account: where the dashboard stands; empty: whatever account no role is assumed for."""
    known = tuple(sorted(scope for scope in set(scopes) if not scope.is_fleet))
    entered = {account.id for account in config.gather.aws.accounts} if config.gather.aws else set()
    foreign = {s.account for s in known if s.cloud is Cloud.AWS and s.account in entered and s.account != home_account}
    linked = frozenset(foreign & set(linked_accounts))
    return Audience(
        config,
        catalog,
        known,
        linked,
        frozenset(foreign) - linked,
        board_of(config, catalog, known),
        variables_of(config.fleet, known),
        widget,
        tuple(alarms),
    )
