"""What pages show of a scope without asking its cloud: written every five minutes, or when the inventory changes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping

from nephoscope.model.alert import AlertRecord
from nephoscope.model.memory import Progress, Snapshot
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Rule
from nephoscope.model.series import Facts
from nephoscope.model.time import DAY, floor_to, iso

VALUES_EVERY = 300
KEEP_VALUES = 3 * DAY
"""Values that nothing has renewed for so long are no longer shown; daily metrics come up to two days late."""


def snapshot_due(facts: Facts, progress: Progress) -> bool:
    """Whether a page would show something old. Never with a listing that is not whole: the last good one stays,
    and its age is shown."""
    if facts.inventory.gaps and progress.generation:
        return False
    return (
        progress.generation == 0
        or floor_to(facts.slot, VALUES_EVERY) > floor_to(progress.values_slot, VALUES_EVERY)
        or inventory_hash(facts.inventory.resources) != progress.inventory_hash
    )


def inventory_hash(resources: Iterable[Resource]) -> str:
    """Changes when any resource changes in a way that a page shows; the order does not matter."""
    lines = sorted(
        json.dumps([r.kind, r.id, r.name, r.type, r.zone, r.state, r.vendor_state, sorted(r.tags.items())])
        for r in resources
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def render_snapshot(
    facts: Facts,
    before: Snapshot | None,
    firing: Iterable[AlertRecord],
    rules: Mapping[str, Rule],
    coverage: tuple[int, int],
) -> Snapshot:
    """The scope as of its slot; the newest value of each series, kept from `before` where nothing newer was read."""
    return Snapshot(
        scope=facts.scope,
        slot=facts.slot,
        resources=facts.inventory.resources,
        values=_newest(facts, before),
        counts=count_states(facts.inventory.resources),
        gaps=tuple(map(str, facts.gaps)),
        firing=tuple(firing_line(record, rules.get(record.rule)) for record in firing),
        coverage=coverage,
    )


def count_states(resources: Iterable[Resource]) -> Mapping[str, int]:
    """State group -> instances in it; groups without any are left out."""
    return Counter(
        str(resource.state.group) for resource in resources if resource.kind is Kind.INSTANCE and resource.state
    )


def _newest(facts: Facts, before: Snapshot | None) -> Mapping[str, Mapping[str, tuple[int, float]]]:
    """For a metric with several series of one resource (devices, storage classes) the largest stands for it."""
    present = {resource.id for resource in facts.inventory.resources}
    values: dict[str, dict[str, tuple[int, float]]] = {}
    for metric, by_resource in (before.values if before else {}).items():
        kept = {
            resource: (at, value)
            for resource, (at, value) in by_resource.items()
            if resource in present and facts.slot - at < KEEP_VALUES
        }
        if kept:
            values[metric] = kept
    for series in facts.readings.series:
        if not series.times:
            continue
        newest = (series.times[-1], series.values[-1])
        known = values.setdefault(series.key.metric, {})
        known[series.key.resource_id] = max(newest, known.get(series.key.resource_id, newest))
    return values


def firing_line(record: AlertRecord, rule: Rule | None) -> Mapping[str, object]:
    """One open alert as pages show it. rule: None where it was removed since."""
    return {
        "alert_key": record.alert_key,
        "rule": record.rule,
        "severity": rule.severity if rule else "warning",
        "resource_id": record.resource_id,
        "attributes": dict(record.attributes),
        "state": record.state,
        "since": iso(record.fired_at or record.since),
        "value": record.value,
    }
