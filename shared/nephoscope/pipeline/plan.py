"""The whole decision of a scope's run, as a value: what run.py must do, printed by --dry-run, compared by tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from nephoscope.catalog.loader import Catalog
from nephoscope.model.alert import OPEN_STATES, AlertRecord
from nephoscope.model.config import Config
from nephoscope.model.memory import Progress, Remembered, Snapshot
from nephoscope.model.publish import Datum
from nephoscope.model.resource import Kind
from nephoscope.model.series import Facts, SeriesRequest
from nephoscope.model.time import HOUR, floor_to
from nephoscope.pipeline.audience import Audience
from nephoscope.pipeline.changes import Change, alerts_after, plan_changes
from nephoscope.pipeline.documents import StateSeen
from nephoscope.pipeline.keeping import find_changes, owed_seconds
from nephoscope.pipeline.need import MOST_BEHIND, behind_key, pace_key
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.partials import plan_partials
from nephoscope.pipeline.publish import Figures, plan_publishing, plan_self_metrics
from nephoscope.pipeline.quiet import active_mutes
from nephoscope.pipeline.reminders import plan_reminders
from nephoscope.pipeline.restarts import find_starts, with_starts
from nephoscope.pipeline.snapshot import inventory_hash, render_snapshot, snapshot_due
from nephoscope.pipeline.verdicts import is_unread, judge_scope, scope_resource
from nephoscope.pipeline.zones import ZONE_DOWN, zone_resources, zones_down

LISTING_WAIT = HOUR
"""Seconds for which what a listing may have left out is waited for: part of a region can be denied for good."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Resources with fresh data, of those discovered."""

    fresh: int
    discovered: int

    @property
    def share(self) -> float:
        """1.0 where there is nothing to cover."""
        return self.fresh / self.discovered if self.discovered else 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run must do after gathering. changes are applied in order; progress is written once they all are, and
    claims what is published; data are published only under that claim; snapshot None: what stands is still true. seen:
    changes of state that history is owed."""

    changes: tuple[Change, ...]
    progress: Progress
    data: tuple[Datum, ...]
    snapshot: Snapshot | None
    coverage: Coverage
    firing: tuple[AlertRecord, ...]
    seen: tuple[StateSeen, ...] = ()


def plan(
    facts: Facts,
    requests: Sequence[SeriesRequest],
    remembered: Remembered,
    config: Config,
    catalog: Catalog,
    stamp: Stamp,
) -> Plan:
    """Decide. Pure: the same arguments give the same plan, on any machine, at any time."""
    starts = find_starts(facts, remembered, config)
    watched = _with_scope(facts, config, starts)
    judgements = judge_scope(watched, requests, remembered, config, catalog.metrics)
    rules = {rule.name: rule for rule in (*config.rules, ZONE_DOWN)}
    mutes = active_mutes(config.quiet, remembered.silences, facts.slot)
    audience = Audience(config, mutes, zones_down(watched.inventory.resources))
    changes = plan_changes(judgements.alerts, watched, remembered, rules, audience, stamp)
    alerts = alerts_after(remembered.alerts, changes)
    present = {resource.id: resource for resource in watched.inventory.resources}
    told = plan_reminders(alerts.values(), rules, present, audience, remembered.acknowledged, stamp)
    changes, alerts = (*changes, *told), alerts_after(alerts, told)
    firing = tuple(record for record in alerts.values() if record.state in OPEN_STATES)
    coverage = measure_coverage(facts, requests)
    held = _half_listed(facts, catalog)
    progress = _progress(facts, requests, remembered.progress, judgements.reached, stamp, held)
    parts, horizons = plan_partials(facts, requests, config, catalog.metrics, remembered.progress)
    watermarks = {**progress.watermarks, **horizons}
    skipped = skipped_slots(remembered.progress, facts.slot, config.gather.every) or progress.skipped
    progress = replace(progress, started=starts, partials=parts, watermarks=watermarks, skipped=skipped)
    publishing = plan_publishing(facts, config, catalog, progress)
    figures = _figures(facts, requests, coverage, len(firing), remembered)
    own = plan_self_metrics(config, facts.scope.cloud, facts.slot, figures, publishing.claimed)
    progress = own.claimed
    snapshot: Snapshot | None = None
    seen: tuple[StateSeen, ...] = ()
    if snapshot_due(facts, remembered.progress):
        seen = find_changes(facts, remembered.snapshot) if config.history else ()
        covered = (coverage.fresh, coverage.discovered)
        snapshot = render_snapshot(facts, remembered.snapshot, firing, rules, covered)
        progress = replace(
            progress,
            generation=progress.generation + 1,
            values_slot=facts.slot,
            inventory_hash=inventory_hash(facts.inventory.resources),
        )
    return Plan(changes, progress, (*publishing.data, *own.data), snapshot, coverage, firing, seen)


def _with_scope(facts: Facts, config: Config, starts: Mapping[str, int]) -> Facts:
    """The scope itself and its zones stand among its resources, so that blindness, or a zone that is down, is an alert
    like any other."""
    kinds = config.gather.kinds.get(facts.scope.cloud, ())
    resources = (*with_starts(facts.inventory.resources, starts), scope_resource(facts, kinds), *zone_resources(facts))
    complete = facts.inventory.complete | ({Kind.GROUP} if Kind.INSTANCE in facts.inventory.complete else set())
    return replace(facts, inventory=replace(facts.inventory, resources=resources, complete=complete))


def measure_coverage(facts: Facts, requests: Sequence[SeriesRequest]) -> Coverage:
    """A resource is fresh when nothing that was asked about it failed. A scope whose listing failed counts as one
    that is not covered."""
    stale = {request.resource_id for request in requests if is_unread(request, facts.readings.gaps)}
    listed = len(facts.inventory.resources)
    missing = 1 if facts.inventory.gaps else 0
    return Coverage(listed - len(stale), listed + missing)


def skipped_slots(before: Progress, slot: int, every: int) -> tuple[int, ...]:
    """The first and the last slot between the run that wrote `before` and this one; empty where they follow on each
    other, or none came before. Those runs were killed, or never called; what they did not judge is judged now."""
    first, last = before.slot + every, floor_to(slot - 1, every)
    return (first, last) if before.slot and first <= last else ()


def _figures(
    facts: Facts, requests: Sequence[SeriesRequest], coverage: Coverage, firing: int, remembered: Remembered
) -> Figures:
    usage, kept = facts.usage, remembered.kept
    return Figures(
        fresh=coverage.fresh,
        discovered=coverage.discovered,
        api_calls=sum(usage.calls.values()),
        billable_units=sum(usage.units.values()),
        lag=max((facts.slot - request.end for request in requests), default=None),
        alerts_firing=firing,
        history_owed=owed_seconds(kept, remembered.progress) if kept else None,
    )


def _progress(
    facts: Facts,
    requests: Sequence[SeriesRequest],
    before: Progress,
    reached: Mapping[str, int],
    stamp: Stamp,
    held: Collection[str],
) -> Progress:
    """Watermarks move to what was asked for; single series that fell short are kept behind, one by one. When too
    many are, the scope waits for them instead: the list must stay small enough for one item. held: metrics of which a
    listing with holes may have left a machine out; they wait for it, too, for a while."""
    asked = {behind_key(r.metric, r.resource_id) for r in requests}
    behind = _without_gone({k: at for k, at in before.behind.items() if k not in asked} | dict(reached), facts)
    watermarks = dict(before.watermarks)
    if len(behind) > MOST_BEHIND:
        behind = before.behind
    else:
        moved = {pace_key(r.metric, r.period): r.end for r in requests}
        kept = {pace_key(r.metric, r.period) for r in requests if r.metric in held}
        waits = {key for key in kept if key in watermarks and moved[key] - watermarks[key] < LISTING_WAIT}
        watermarks |= {key: end for key, end in moved.items() if key not in waits}
    return replace(
        before,
        ver=before.ver + 1,
        slot=facts.slot,
        run_id=stamp.run_id,
        heartbeat=stamp.committed_at,
        watermarks=watermarks,
        behind=behind,
    )


def _half_listed(facts: Facts, catalog: Catalog) -> frozenset[str]:
    """Metrics of kinds that were listed with holes. A machine in a hole is not asked for; were the watermark that it
    shares with the others to move on, what came to pass meanwhile would never be judged for it."""
    return frozenset(name for name, row in catalog.metrics.items() if row.on not in facts.inventory.complete)


def _without_gone(behind: Mapping[str, int], facts: Facts) -> Mapping[str, int]:
    """What a whole listing no longer has will never be read; a listing with holes proves nothing."""
    if facts.inventory.gaps:
        return behind
    present = {resource.id for resource in facts.inventory.resources}
    return {key: at for key, at in behind.items() if key.split("|", 1)[1] in present}
