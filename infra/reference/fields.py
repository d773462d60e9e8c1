"""The fields of what is kept, as a page beside the indices that have them: sinks/elasticsearch/fields.md.

python -m infra.reference.fields [--check]

Types are the indices' own, examples those of documents that are made here as a run makes them; only what a field means
is written down. Sources: Elastic Common Schema, field reference (`cloud`, `host`, `event`, `rule`, base fields);
OpenTelemetry, resource semantic conventions (cloud, host).
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.alert import HistoryEntry, TransitionKind, Why, alert_key
from nephoscope.model.history import HistoryKind
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Rule, Severity, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Series, SeriesKey
from nephoscope.pipeline.documents import StateSeen, Telling, alert_document, point_documents, state_document
from nephoscope.sinks.elasticsearch.indices import PROPERTIES

PAGE = Path(__file__).resolve().parents[2] / "shared/nephoscope/sinks/elasticsearch/fields.md"
NOON = 1_795_694_400  # 2026-11-26 12:00 UTC
BOTH, ECS, OTEL, OURS = "ECS, OpenTelemetry", "ECS", "OpenTelemetry", "nephoscope"

MEANINGS: Mapping[str, tuple[str, str]] = {
    # field: (what it means, whose name it is)
    "@timestamp": (
        "Data time, UTC: of a point its period's beginning, of a state when it was seen, of an alert when it changed.",
        ECS,
    ),
    "nephoscope.fleet": ("`fleet` of the configuration: several may be kept on one server.", OURS),
    "cloud.provider": ("`aws`, `gcp` or `azure`.", BOTH),
    "cloud.account.id": ("Account, project or subscription.", BOTH),
    "cloud.region": ("Region, as its provider names it.", BOTH),
    "cloud.availability_zone": ("Zone, where the provider tells.", BOTH),
    "cloud.resource_id": ("The provider's id of the resource; of Azure the whole path.", OTEL),
    "host.id": ("The machine's id. `host` stands with machines alone.", BOTH),
    "host.name": ("The machine's name; its id where it has none.", BOTH),
    "host.type": ("The machine's type.", BOTH),
    "resource.kind": ("`instance` or `bucket`; left out where the resource was gone.", OURS),
    "resource.id": ("As `cloud.resource_id`; of an alert on a group its labels.", OURS),
    "resource.name": ("The resource's name, where it has one.", OURS),
    "labels.*": ("Its tags that `publish.elasticsearch.tags` names: in small letters, a dot as `_`.", ECS),
    "attributes.*": ("What tells several series of one resource apart: device, file system, storage class.", OTEL),
    "metric.name": ("The metric, as in [metrics.md](../../catalog/metrics.md).", OURS),
    "metric.unit": ("Its unit, UCUM: shares are from 0 to 1 (`1`), rates per second.", OURS),
    "metric.period": ("Seconds from point to point.", OURS),
    "metric.value": ("The value, in that unit.", OURS),
    "event.kind": ("`state` or `alert`.", ECS),
    "event.action": (
        "Of a state `first_seen`, `state_changed`, `restarted`, `seen` (once a day), `gone`; "
        "of an alert `fired`, `resolved`, `went_silent`, `back`.",
        ECS,
    ),
    "event.reason": ("Why the alert changed, in one word.", ECS),
    "event.sequence": ("The alert's changes, counted.", ECS),
    "state.name": ("State, in one vocabulary for all clouds.", OURS),
    "state.vendor": ("The provider's own word for it.", OURS),
    "state.previous": ("State until then, where it was known.", OURS),
    "state.launched_at": ("When it was last started, where the provider tells.", OURS),
    "rule.name": ("The rule.", ECS),
    "alert.key": ("The same for one rule on one resource for ever.", OURS),
    "alert.severity": ("`critical`, `warning` or `info`.", OURS),
    "alert.value": ("The value that decided, in the metric's unit.", OURS),
    "alert.worst": ("The furthest while it was open.", OURS),
    "alert.told": ("Channels that were owed word of it.", OURS),
    "alert.muted": ("Why nobody was told.", OURS),
}  # fmt: skip
OPEN = ("labels", "attributes")
"""Whatever names stand below these, each is a keyword."""


def main(arguments: Sequence[str]) -> int:
    """1 when the page differs from what would be written, and --check asks; otherwise it is written."""
    after = render_page()
    if "--check" in arguments:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != after)
    PAGE.write_text(after, encoding="utf-8")
    return 0


def render_page() -> str:
    """Raises KeyError for a field of the indices of which nobody has written what it means."""
    types = {kind: dict(fields_of(PROPERTIES[kind])) for kind in HistoryKind}
    examples = _examples()
    rows = []
    for field in dict.fromkeys(name for kind in HistoryKind for name in types[kind]):
        meaning, origin = MEANINGS[field]
        within = [kind for kind in HistoryKind if field in types[kind]]
        rows.append(
            f"| `{field}` | {', '.join(within)} | {types[within[0]][field]} | {meaning} | {origin} "
            f"| `{json.dumps(examples[field], ensure_ascii=False)}` |\n"
        )
    return _HEAD + "".join(rows)


_HEAD = """\
# Fields of what is kept

Made from `indices.py` and `pipeline/documents.py` by `make generated`. Points are in `nephoscope-metrics-2026.11.26`,
states in `nephoscope-states-...`, alerts in `nephoscope-alerts-...`, by the day of `@timestamp` in UTC; the aliases
`nephoscope-metrics`, `nephoscope-states` and `nephoscope-alerts` are over all days. A field without a value is left
out. What stands in none of these fields is kept and not indexed.

| field | kept with | type | meaning | name from | example |
|---|---|---|---|---|---|
"""


def fields_of(properties: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """(field with its path, type), in the mapping's order."""
    for name, mapping in properties.items():
        if name in OPEN:
            yield f"{name}.*", "keyword"
        elif "properties" in mapping:
            yield from fields_of(mapping["properties"], f"{before}{name}.")
        else:
            yield f"{before}{name}", mapping["type"]


def flat(source: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """(field with its path, value); of tags and attributes the first stands for all."""
    for name, value in source.items():
        if name in OPEN:
            yield f"{name}.*", next(iter(value.values()))
        elif isinstance(value, dict):
            yield from flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _examples() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for source in sample_documents():
        for field, value in flat(source):
            found.setdefault(field, value)
    return found


def sample_documents() -> Iterator[dict[str, Any]]:
    """One of each kind as a run makes it, and an alert that nobody was told of."""
    telling = Telling("acme", ("env",), load_catalog())
    scope = Scope(Cloud.AWS, "111111111111", "eu-west-1")
    machine = Resource(
        scope,
        Kind.INSTANCE,
        "i-0a1b2c3d4e5f60718",
        "web-1",
        "m5.large",
        "eu-west-1a",
        State.RUNNING,
        "running",
        launched_at=NOON - 90,
        tags={"Env": "prod"},
    )
    key = SeriesKey(machine.id, "filesystem.utilization", (("device", "nvme0n1p1"),))
    series = Series(key, 300, NOON, NOON + 300, True, array("q", [NOON]), array("d", [0.41]))
    yield from (json.loads(each.source) for each in point_documents(series, machine, 0, "", telling))
    yield json.loads(state_document(StateSeen(machine, NOON, "state_changed", "stopped"), "", telling).source)
    rule = Rule(
        "cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9), severity=Severity.CRITICAL
    )
    name = alert_key(rule.name, scope, machine.id)
    for told, muted in ((("oncall",), ""), ((), "window: sunday-patching")):
        entry = HistoryEntry(
            name,
            7,
            rule.name,
            machine.id,
            TransitionKind.FIRED,
            Why.THRESHOLD_CROSSED,
            NOON,
            NOON,
            0.93,
            0.97,
            told,
            muted,
        )
        yield json.loads(alert_document(entry, scope, machine, rule, "", telling).source)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
