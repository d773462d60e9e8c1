"""The fleets whose dashboards are kept as files, and the command that writes them anew:

    python tests/golden/dashboard/fleets.py

Read the difference before it is committed: the files are what people will see.
"""

from __future__ import annotations

import json
from pathlib import Path

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import AwsAccount, Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.publish import Dashboard
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Comparison, Observation, Rule, Selector, Severity, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.dashboard import render_dashboards

HERE = Path(__file__).parent
HOME = "111111111111"
WIDGET = f"arn:aws:lambda:eu-west-1:{HOME}:function:nephoscope-widget"
REGIONS = [
    f"{area}-{number}"
    for area in ("eu-west", "us-east", "ap-southeast", "eu-central", "us-west", "ap-northeast", "sa-east")
    for number in (1, 2, 3)
][:20]
CPU = Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9), severity=Severity.CRITICAL)
RULES = (
    CPU,
    Rule("down", Kind.INSTANCE, Observation("state", ("stopped",))),
    Rule("memory-full", Kind.INSTANCE, Threshold("memory.utilization", Comparison.GREATER_OR_EQUAL, 0.95)),
    Rule("network-busy", Kind.INSTANCE, Threshold("network.receive", Comparison.GREATER, 10 * 1024**2)),
    Rule("bucket-large", Kind.BUCKET, Threshold("size", Comparison.GREATER, 5 * 1024**4), severity=Severity.INFO),
)


ANY = Selector()


def _scopes(accounts: int, regions: int) -> list[Scope]:
    names = [HOME, "222222222222", "333333333333", *(f"4{number:011d}" for number in range(accounts))][:accounts]
    return [Scope(Cloud.AWS, account, region) for account in names for region in REGIONS[:regions]]


def _config(rules: tuple[Rule, ...], accounts: tuple[str, ...], where: Selector = ANY) -> Config:
    roles = tuple(AwsAccount(f"arn:aws:iam::{account}:role/nephoscope-reader") for account in accounts)
    gather = GatherAws(("all",), (AwsAccount(), *roles), (Kind.INSTANCE, Kind.BUCKET), where)
    publish = PublishCloudWatch("eu-west-1", "acme", distributions=("cpu.utilization",))
    return Config("acme", Gather(60, gather), publish, rules)


def fleets() -> dict[str, tuple[Dashboard, ...]]:
    """20 machines in one scope, 2,000 in nine, 20,000 in sixty; and as many scopes as no dashboard can hold."""
    catalog = load_catalog()
    members = ("222222222222", "333333333333")
    tagged = Selector({"env": ("prod",)})
    return {
        "20": render_dashboards(_config((CPU,), ()), _scopes(1, 1), catalog, WIDGET, HOME),
        "2000": render_dashboards(_config(RULES, members), _scopes(3, 3), catalog, WIDGET, HOME, members),
        "20000": render_dashboards(_config(RULES, members, tagged), _scopes(3, 20), catalog, WIDGET, HOME),
        "many": render_dashboards(_config(RULES, members), _scopes(20, 20), catalog, WIDGET, HOME),
        "new": render_dashboards(_config((CPU,), ()), [], catalog, WIDGET, HOME),
    }


KEPT = ("20", "2000", "20000", "new")


def text_of(dashboards: tuple[Dashboard, ...]) -> str:
    return json.dumps({one.name: one.body for one in dashboards}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, rendered in fleets().items():
        if name in KEPT:
            (HERE / f"{name}.json").write_text(text_of(rendered), encoding="utf-8")
