"""What the custom widget's pages are made of: what is remembered of the scopes, and what of it was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.memory import Snapshot
from nephoscope.model.metric import Metric
from nephoscope.model.rule import Aggregate, Rule, Threshold
from nephoscope.model.scope import Scope
from nephoscope.pipeline.dashboard.variables import ANY_ACCOUNT, ANY_REGION

STALE = 900
"""Seconds after which a snapshot is called old: it is written every five minutes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """snapshots, unseen: of the chosen accounts and regions; unseen: registered scopes without a snapshot. now: epoch
    seconds. metric: only this one, empty = all. endpoint: this function's ARN. account, region: what was chosen, empty
    = all."""

    snapshots: Sequence[Snapshot]
    unseen: Sequence[Scope]
    config: Config
    catalog: Catalog
    now: int
    metric: str = ""
    endpoint: str = ""
    account: str = ""
    region: str = ""

    @property
    def stale(self) -> list[Snapshot]:
        return [one for one in self.snapshots if self.now - one.slot > STALE]

    def rule(self, name: object) -> Rule | None:
        return next((rule for rule in self.config.rules if rule.name == name), None)

    def metric_of(self, rule: Rule | None) -> Metric | None:
        """What the rule's number is of; None where it has none, or counts."""
        match rule.when if rule else None:
            case Threshold(metric=name) | Aggregate(metric=name, counted=None):
                return self.catalog.metrics.get(name)
        return None

    def limits_on(self, metric: Metric) -> list[tuple[Rule, Threshold]]:
        """Rules whose threshold is on the metric's own value."""
        conditions = ((rule, rule.when) for rule in self.config.rules)
        return [
            (rule, when)
            for rule, when in conditions
            if isinstance(when, Threshold) and when.metric == metric.name and not when.over
        ]


def chosen(event: Mapping[str, Any], name: str, config: Config) -> str:
    """The account or region that the dashboard's variable has; empty for all. The fleet's own name stands for all, and
    so does the pattern, where a console does not know variables."""
    value = str(event.get(name) or "")
    return "" if value in (config.fleet, ANY_ACCOUNT, ANY_REGION) else value


def narrowed(scopes: Sequence[Scope], account: str, region: str) -> set[Scope]:
    """Those of the chosen account and region."""
    return {one for one in scopes if account in ("", one.account) and region in ("", one.region)}
