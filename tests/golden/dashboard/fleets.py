"""The fleets whose dashboards are kept as files, and the command that writes them anew:

    python tests/golden/dashboard/fleets.py

Each is kept as an outline, a line for each widget; one of each size also whole, as CloudWatch gets it. Read the
difference before it is committed: the files are what people will see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import (
    AwsAccount,
    Config,
    Gather,
    GatherAws,
    GatherAzure,
    GatherGcp,
    PublishCloudWatch,
)
from nephoscope.model.publish import Dashboard
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Comparison, Observation, Rule, Selector, Severity, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.dashboard import render_dashboards

HERE = Path(__file__).parent
HOME = "111111111111"
WIDGET = f"arn:aws:lambda:eu-west-1:{HOME}:function:nephoscope-widget"
ALARMS = [
    f"arn:aws:cloudwatch:eu-west-1:{HOME}:alarm:nephoscope-prod-{name}"
    for name in ("NoHeartbeat", "OwedTooLong", "ScopesFail", "EventsLost", "CollectFails")
]
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


def _three_clouds() -> tuple[Config, list[Scope]]:
    kinds = (Kind.INSTANCE, Kind.BUCKET)
    subscription = "5ca1ab1e-0000-4000-8000-000000000001"
    azure = GatherAzure(subscriptions=(subscription,), resources=kinds)
    gather = Gather(60, GatherAws(("all",), resources=kinds), GatherGcp(projects=("acme-web",), resources=kinds), azure)
    scopes = [
        *_scopes(1, 2),
        Scope(Cloud.GCP, "acme-web", "europe-west1"),
        Scope(Cloud.AZURE, subscription, "northeurope"),
        Scope(Cloud.AZURE, subscription, "westeurope"),
    ]
    return Config("acme", gather, PublishCloudWatch("eu-west-1", "acme"), RULES), scopes


def fleets() -> dict[str, tuple[Dashboard, ...]]:
    """20 machines in one scope, 2,000 in nine, 20,000 in sixty; as many scopes as no dashboard can hold; three clouds;
    and one of which nothing was seen yet."""
    catalog = load_catalog()
    members = ("222222222222", "333333333333")
    tagged = Selector({"env": ("prod",)})
    config, places = _three_clouds()
    return {
        "20": render_dashboards(_config((CPU,), ()), _scopes(1, 1), catalog, WIDGET, HOME),
        "2000": render_dashboards(_config(RULES, members), _scopes(3, 3), catalog, WIDGET, HOME, members, ALARMS),
        "20000": render_dashboards(_config(RULES, members, tagged), _scopes(3, 20), catalog, WIDGET, HOME),
        "many": render_dashboards(_config(RULES, members), _scopes(20, 20), catalog, WIDGET, HOME, (), ALARMS),
        "clouds": render_dashboards(config, places, catalog, WIDGET, HOME, (), ALARMS),
        "new": render_dashboards(_config((CPU,), ()), [], catalog, WIDGET, HOME, (), ALARMS),
    }


WHOLE = ("20", "2000", "20000", "new")


# --- files -------------------------------------------------------------------------------------------------------


def texts_of(name: str, dashboards: tuple[Dashboard, ...]) -> dict[Path, str]:
    """File -> what stands in it."""
    texts = {HERE / f"{name}.txt": "\n".join(line for one in dashboards for line in outline(one)) + "\n"}
    if name in WHOLE:
        bodies = {one.name: one.body for one in dashboards}
        texts[HERE / f"{name}.json"] = json.dumps(bodies, indent=1, ensure_ascii=False) + "\n"
    return texts


def outline(dashboard: Dashboard) -> Iterator[str]:
    """Where each widget stands, what it is called, what it asks, and where its thresholds lie."""
    body: Any = dashboard.body
    yield f"=== {dashboard.name}"
    for one in body.get("variables", ()):
        choices = one.get("values", ())
        yield f"variable {one['label']} ({one['pattern']}): {len(choices)} values, {choices[0]['label']} at first"
    for widget in body["widgets"]:
        at = f"{widget['x']:>2},{widget['y']:<4} {widget['width']:>2}x{widget['height']:<2}"
        yield f"{at} {widget['type']:<6} {' | '.join(_told(widget['type'], widget['properties']))}"


def _told(kind: str, properties: Any) -> Iterator[str]:
    match kind:
        case "text":
            yield properties["markdown"].replace("\n", " / ")
        case "custom":
            yield properties.get("title", "(no title)")
            yield " ".join(f"{key}={value}" for key, value in properties["params"].items())
        case "alarm":
            yield properties["title"]
            yield " ".join(arn.rpartition("-")[2] for arn in properties["alarms"])
        case "metric":
            yield f"{properties['title']} [{properties['region']}, {properties['period']} s]"
            yield "; ".join(_asked(line) for line in properties["metrics"])
            for line in properties.get("annotations", {}).get("horizontal", ()):
                yield f"{line['label']} at {line['value']:g}, shade {line['fill']}"


def _asked(line: list[Any]) -> str:
    if not isinstance(line[0], dict):
        return f"{line[1]} {line[3]}"
    return re.sub(r"\{nephoscope[^}]*\} MetricName=\"([^\"]*)\" ?", r"\1 ", line[0]["expression"])


if __name__ == "__main__":
    for fleet, rendered in fleets().items():
        for path, content in texts_of(fleet, rendered).items():
            path.write_text(content, encoding="utf-8")
