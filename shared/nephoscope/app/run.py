"""The run, on one page: gather facts, decide purely, deliver. Read this first.

`collect` is what the schedule calls. With few scopes it does everything itself, scopes side by side; with many it puts
one message a scope on the provider's queue, and `work` does each. Whatever happens twice, late or half is safe: what is
decided follows the slot, every commit is conditional on what was read, and publishing is claimed before it is done.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from nephoscope.app.deliver import DeliveryReport, deliver
from nephoscope.app.outside import Outside
from nephoscope.app.report import RunReport, ScopeReport
from nephoscope.model.errors import DeliveryError, Reason, StoreError
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.publish import Dashboard, Datum
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Gap, SeriesRequest
from nephoscope.model.time import MINUTE, Deadline, floor_to
from nephoscope.pipeline.dashboard import render_dashboards
from nephoscope.pipeline.digest import BUCKET, plan_digest
from nephoscope.pipeline.links import links_for
from nephoscope.pipeline.need import plan_reads
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.plan import Plan, plan
from nephoscope.pipeline.publish import Figures, plan_self_metrics
from nephoscope.pipeline.snapshot import snapshot_due
from nephoscope.ports import FoundScopes, Written

logger = logging.getLogger("nephoscope")

SCOPES_IN_ONE_FUNCTION = 9
"""More scopes than this are fanned out over the queue, where there is one."""

PUBLISHING_TAKES = 3.0
"""Seconds that the sweeper keeps back for its own figures."""

OWED_EVERY = 300
"""Seconds between two figures that nothing is owed; where something is, each sweep says so."""

FINDING = "read_scopes"
KEPT_FROM_FINDING = 0.5
"""The share of the time that finding the scopes may not use, where several clouds are asked."""

KEPT_BACK = 0.35
"""The share of the time that reading may not use: deciding, committing and delivering come after it."""


KEPT_FOR_DELIVERY = 0.6
"""The share of what is left then that publishing may not use: an alert does not wait for a slow CloudWatch."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a scope's run knows before it decides."""

    facts: Facts
    requests: tuple[SeriesRequest, ...]
    remembered: Remembered


def collect(outside: Outside, slot: int, deadline: Deadline) -> RunReport:
    """The scheduled run for `slot` (epoch seconds, a multiple of the configured period)."""
    started = outside.clock.monotonic()
    run_id = outside.new_run_id()
    found = find_scopes(outside, deadline)
    known, errors = _register(outside, found.scopes)
    queued, refused = _fan_out(outside, found.scopes, slot)
    if queued:
        report = RunReport(slot, run_id, gaps=found.gaps, queued=queued)
    else:
        report = _run_here(outside, found, slot, run_id, deadline)
    dashboards, more = _draw(outside, known, deadline)
    seconds = outside.clock.monotonic() - started
    return replace(report, dashboards=dashboards, errors=(*report.errors, *errors, *refused, *more), seconds=seconds)


def work(outside: Outside, scope: Scope, slot: int, deadline: Deadline) -> RunReport:
    """One scope of a run that was fanned out."""
    started = outside.clock.monotonic()
    report = _run_here(outside, FoundScopes((scope,)), slot, outside.new_run_id(), deadline)
    return replace(report, seconds=outside.clock.monotonic() - started)


def sweep(outside: Outside, deadline: Deadline) -> DeliveryReport:
    """Deliver what this function's clouds owe, every minute, whatever becomes of the runs; and publish what is owed
    still, so that an alarm of the provider's own can tell. Raises StoreError when the registry cannot be read."""
    scopes, until = registered(outside, outside.readers), deadline.earlier(PUBLISHING_TAKES)
    report = deliver(outside.memory, scopes, outside.notifier_for, outside.config, outside.clock, until)
    now = int(outside.clock.wall())
    errors: list[str] = []
    if report.owed or now % OWED_EVERY < MINUTE:
        figures = Figures(owed=report.owed, oldest_owed=report.oldest_owed, heartbeat=False)
        _, errors = _publish(outside, (), now, figures, deadline)
    return replace(report, errors=(*report.errors, *errors))


def registered(outside: Outside, clouds: Iterable[Cloud]) -> list[Scope]:
    """The scopes that runs have noted, of these clouds. Raises StoreError."""
    return [row.scope for cloud in clouds for row in outside.memory.read_registry(cloud)]


def find_scopes(outside: Outside, deadline: Deadline) -> FoundScopes:
    """The scopes of all configured clouds, sorted. Several clouds are asked side by side: one that does not answer, or
    whose room cannot be opened, leaves the others their time."""
    clouds = tuple(outside.readers)
    until = deadline.earlier(deadline.remaining * KEPT_FROM_FINDING) if len(clouds) > 1 else deadline
    with ThreadPoolExecutor(max_workers=max(1, len(clouds))) as pool:
        found = list(pool.map(lambda cloud: _find_scopes(outside, cloud, until), clouds))
    scopes = sorted(scope for each in found for scope in each.scopes)
    return FoundScopes(tuple(scopes), tuple(gap for each in found for gap in each.gaps))


def _find_scopes(outside: Outside, cloud: Cloud, deadline: Deadline) -> FoundScopes:
    """A fault of our own in one cloud must not blind us in the others: its known scopes are run, and fail for all to
    see."""
    try:
        return outside.readers[cloud].read_scopes(outside.config, deadline)
    except Exception as error:
        if len(outside.readers) == 1:
            raise
        logger.exception("%s: a fault of our own", cloud)
        said = str(error) if isinstance(error, ImportError) else type(error).__name__
        gap = Gap(Scope(cloud, "", ""), FINDING, Reason.UNAVAILABLE, said)
    try:
        return FoundScopes(tuple(registered(outside, (cloud,))), (gap,))
    except StoreError:
        return FoundScopes((), (gap,))


def gather(outside: Outside, scope: Scope, slot: int, deadline: Deadline) -> Gathered:
    """Read what is remembered, what there is, and what must be known of it. Raises StoreError only."""
    remembered = Remembered(outside.memory.read_progress(scope), outside.memory.read_alerts(scope))
    gathered = _read(outside, remembered, slot, deadline)
    if not snapshot_due(gathered.facts, remembered.progress):
        return gathered
    return replace(gathered, remembered=replace(remembered, snapshot=outside.memory.read_snapshot(scope)))


def _read(outside: Outside, remembered: Remembered, slot: int, deadline: Deadline) -> Gathered:
    """What there is in a scope, and what must be known of it. Raises nothing: failures are gaps."""
    scope, config = remembered.progress.scope, outside.config
    reader = outside.readers[scope.cloud]
    inventory = reader.read_inventory(scope, config, deadline)
    requests = plan_reads(inventory.resources, config.rules, outside.catalog.metrics, remembered.progress, slot)
    readings = reader.read_series(scope, config, requests, deadline)
    return Gathered(Facts(scope, slot, inventory, readings), requests, remembered)


def decide(outside: Outside, gathered: Gathered, run_id: str) -> Plan:
    """Everything that follows from what was gathered, as a value."""
    publish = outside.config.publish
    stamp = Stamp(
        fleet=outside.config.fleet,
        slot=gathered.facts.slot,
        run_id=run_id,
        committed_at=int(outside.clock.wall()),
        metrics=outside.catalog.metrics,
        links=lambda resource, metric, attributes: links_for(
            resource, metric, attributes=attributes, dashboard=publish.dashboard, dashboard_region=publish.region
        ),
    )
    return plan(gathered.facts, gathered.requests, gathered.remembered, outside.config, outside.catalog, stamp)


def _fan_out(outside: Outside, scopes: Sequence[Scope], slot: int) -> tuple[int, list[str]]:
    """Hand many scopes to other functions; how many, and what went wrong. A queue that does not take them is no reason
    not to look: as many as time allows are run here then, and the next run makes up for the others."""
    if outside.queue is None or len(scopes) <= SCOPES_IN_ONE_FUNCTION:
        return 0, []
    try:
        outside.queue.send_scopes(scopes, slot)
    except DeliveryError as error:
        return 0, [str(error)]
    return len(scopes), []


def _run_here(outside: Outside, found: FoundScopes, slot: int, run_id: str, deadline: Deadline) -> RunReport:
    started = outside.clock.monotonic()
    reading = deadline.earlier(deadline.remaining * KEPT_BACK)
    with ThreadPoolExecutor(max_workers=max(1, min(8, len(found.scopes)))) as pool:
        outcomes = list(pool.map(lambda scope: _run_scope(outside, scope, slot, run_id, reading), found.scopes))
    reports = tuple(report for report, _ in outcomes)
    data = [datum for _, claimed in outcomes for datum in claimed]
    figures = Figures(
        run_seconds=outside.clock.monotonic() - started,
        scopes_failed=sum(report.ended == "failed" for report in reports) + _unfound(found),
        heartbeat=False,
    )
    news = any(report.ended in ("done", "failed") for report in reports) or _unfound(found) > 0
    publishing = deadline.earlier(deadline.remaining * KEPT_FOR_DELIVERY)
    published, errors = _publish(outside, data, slot, figures, publishing) if news else (Written(), [])
    delivery = deliver(
        outside.memory, found.scopes, outside.notifier_for, outside.config, outside.clock, deadline.earlier(1.0)
    )
    return RunReport(slot, run_id, reports, found.gaps, published=published, delivery=delivery, errors=tuple(errors))


def _unfound(found: FoundScopes) -> int:
    """Clouds whose scopes a fault of ours kept from being found: at least one scope fails in each."""
    return sum(gap.operation == FINDING for gap in found.gaps)


def _run_scope(
    outside: Outside, scope: Scope, slot: int, run_id: str, deadline: Deadline
) -> tuple[ScopeReport, tuple[Datum, ...]]:
    """One scope from reading to commit; and the data that this run has claimed to publish."""
    try:
        if outside.memory.read_progress(scope).slot >= slot:
            return ScopeReport(scope, "repeated"), ()
        gathered = gather(outside, scope, slot, deadline)
        decided = decide(outside, gathered, run_id)
        ended = commit(outside, decided)
    except StoreError as error:
        told = tell_without_memory(outside, scope, slot, str(error), deadline)
        return ScopeReport(scope, "failed", error="; ".join([str(error), *told])), ()
    except Exception as error:
        logger.exception("%s: a fault of our own", scope)  # it must not blind us in the other scopes
        return ScopeReport(scope, "failed", error=f"{scope}: {type(error).__name__}"), ()
    return _report(gathered, decided, ended), decided.data if ended == "done" else ()


def commit(outside: Outside, decided: Plan) -> str:
    """Write the plan: alerts first, each in its own transaction, then the progress that says they are written and
    claims what is published. Returns how it ended (ScopeReport.ended). Raises StoreError.

    When another run has won an alert, this run's progress is not written: whatever the other one did not see is judged
    again by the next.
    """
    outcomes = [outside.memory.commit(change.commit) for change in decided.changes]
    if any(outcome == "lost" for outcome in outcomes):
        return "superseded"
    if decided.snapshot is not None:
        outside.memory.write_snapshot(decided.snapshot, decided.progress.generation)
    return "done" if outside.memory.write_progress(decided.progress) else "superseded"


def tell_without_memory(outside: Outside, scope: Scope, slot: int, problem: str, deadline: Deadline) -> list[str]:
    """The store or AWS is out of reach: look all the same, and tell the fallback channels what holds now. Straight to
    them, for there is no outbox; once for each quarter of an hour in a warm function. Returns what went wrong."""
    channels = outside.config.fallback_channels
    bucket = (scope, floor_to(slot, BUCKET))
    if not channels or bucket in outside.digests:
        return []
    try:
        gathered = _read(outside, Remembered(Progress(scope)), slot, deadline)
        decided = decide(outside, gathered, run_id="")
        for digest in plan_digest(outside.config.fleet, scope, slot, problem, decided.changes, channels):
            outside.notifier_for(digest.channel).send(digest, deadline)
    except (DeliveryError, StoreError) as error:
        return [str(error)]
    outside.digests.add(bucket)
    return []


def _report(gathered: Gathered, decided: Plan, ended: str) -> ScopeReport:
    facts = gathered.facts
    transitions = tuple(change.commit.history for change in decided.changes if change.commit.history)
    return ScopeReport(
        scope=facts.scope,
        ended=ended,
        resources=len(facts.inventory.resources),
        series=len(facts.readings.series),
        points=sum(len(series.times) for series in facts.readings.series),
        coverage=decided.coverage,
        gaps=facts.gaps,
        transitions=transitions if ended == "done" else (),
        firing=decided.firing,
        lag=max((facts.slot - request.end for request in gathered.requests), default=0),
    )


def _publish(
    outside: Outside, claimed: Sequence[Datum], slot: int, figures: Figures, deadline: Deadline
) -> tuple[Written, list[str]]:
    """What the scopes have claimed, and figures of ours that no scope can know; all in one go."""
    cloud = next(iter(outside.readers), Cloud.AWS)
    own = plan_self_metrics(outside.config, cloud, slot, figures, Progress(Scope(cloud, "", "")))
    data = [*claimed, *own.data]
    try:
        return outside.sink.write_metrics(data, deadline), []
    except DeliveryError as error:
        return Written(refused={error.reason: len(data)}), [str(error)]


def _register(outside: Outside, scopes: Iterable[Scope]) -> tuple[tuple[Scope, ...], list[str]]:
    """Note scopes that the registry does not know yet: the sweeper and the pages look there. Returns all that are
    known now, and what went wrong."""
    try:
        known = set(registered(outside, _drawn(outside)))
        for scope in scopes:
            if scope not in known:
                outside.memory.register(scope)
    except StoreError as error:
        return tuple(scopes), [str(error)]
    return tuple(sorted(known.union(scopes))), []


def _drawn(outside: Outside) -> Iterable[Cloud]:
    """The clouds whose scopes this run must know: all of them where it draws the dashboard, else its own."""
    return outside.config.gather.kinds if outside.settings.writes_dashboard else outside.readers


def _draw(outside: Outside, scopes: Sequence[Scope], deadline: Deadline) -> tuple[int, list[str]]:
    """The dashboard follows the configuration and the registry; it is written when it differs from what stands."""
    if not outside.settings.writes_dashboard:
        return 0, []
    try:
        return outside.dashboards.write_dashboards(dashboards_of(outside, scopes), deadline), []
    except DeliveryError as error:
        return 0, [str(error)]


def dashboards_of(outside: Outside, scopes: Sequence[Scope]) -> tuple[Dashboard, ...]:
    """The dashboards as they should stand for these scopes."""
    gathered = outside.config.gather.aws
    linked = [account.id for account in gathered.accounts if account.linked] if gathered else []
    settings = outside.settings
    return render_dashboards(outside.config, scopes, outside.catalog, settings.widget_arn, settings.account, linked)
