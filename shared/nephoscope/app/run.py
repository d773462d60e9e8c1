"""The run, on one page: gather facts, decide purely, deliver. Read this first.

`collect` is what the schedule calls. With few scopes it does everything itself, scopes side by side; with many it puts
one message a scope on the provider's queue, and `work` does each. Whatever happens twice, late or half is safe: what is
decided follows the slot, every commit is conditional on what was read, and publishing is claimed before it is done.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from nephoscope.app.deliver import DeliveryReport, deliver
from nephoscope.app.drawing import draw
from nephoscope.app.fleet import judges_groups, run_groups
from nephoscope.app.keeping import Ran, keep
from nephoscope.app.outside import Outside
from nephoscope.app.publishing import delivered, publish
from nephoscope.app.report import UNREACHED, RunReport, ScopeReport
from nephoscope.app.scopes import FINDING, registered, survey
from nephoscope.app.watching import leave_beat, leave_beat_once, watch, watch_places
from nephoscope.model.alert import Notification
from nephoscope.model.errors import DeliveryError, StoreError
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.publish import Datum
from nephoscope.model.scope import Scope
from nephoscope.model.series import Facts, SeriesRequest
from nephoscope.model.time import MINUTE, Deadline, floor_to
from nephoscope.pipeline.digest import BUCKET, plan_digest
from nephoscope.pipeline.links import links_for
from nephoscope.pipeline.need import plan_reads
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.plan import Plan, plan, skipped_slots
from nephoscope.pipeline.publish import Figures
from nephoscope.pipeline.snapshot import snapshot_due
from nephoscope.ports import FoundScopes, Written

logger = logging.getLogger("nephoscope")

SCOPES_IN_ONE_FUNCTION = 9
"""More scopes than this are fanned out over the queue, where there is one."""

SIDE_BY_SIDE = 8
"""Scopes that one function runs at the same time."""

PUBLISHING_TAKES = 3.0
"""Seconds that the sweeper keeps back for its own figures."""

OWED_EVERY = 300
"""Seconds between two figures that nothing is owed; where something is, each sweep says so."""

LEAST_READING = 0.3
"""Seconds. With less left for reading a scope is not begun: no call to its provider would be."""

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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one scope. claimed: what this run alone publishes. ran: None where nothing is kept of it."""

    report: ScopeReport
    claimed: tuple[Datum, ...] = ()
    ran: Ran | None = None


def collect(outside: Outside, slot: int, deadline: Deadline) -> RunReport:
    """The scheduled run for `slot` (epoch seconds, a multiple of the configured period)."""
    started = outside.clock.monotonic()
    run_id = outside.new_run_id()
    watched = watch(outside, slot, run_id)
    ground = survey(outside, deadline)
    ended = tuple(_withdraw(outside, scope, slot, run_id) for scope in ground.withdrawn)
    queued, refused = _fan_out(outside, ground.found.scopes, slot)
    over = ground.shown if judges_groups(outside) else ()
    ran: tuple[Ran, ...] = ()
    if queued:
        groups = run_groups(outside, over, _stamp(outside, slot, run_id)) if over else ()
        report = RunReport(slot, run_id, groups, gaps=ground.found.gaps, queued=queued)
    else:
        report, ran = _run_here(outside, ground.found, slot, run_id, deadline, watched.places, over)
    left = leave_beat(outside, watched, slot, ran=report.ran)
    drawn = draw(outside, ground.shown, deadline)
    of_groups = [each for each in report.scopes if each.scope.is_fleet]
    told = [(each.scope, each.transitions) for each in (*of_groups, *ended)]
    told += [(place, watched.told) for place in watched.places]
    kept = keep(outside, (*ran, *(Ran(scope, slot, entries) for scope, entries in told)), deadline)
    return replace(
        report,
        kept=kept.taken if kept.asked else None,
        scopes=(*report.scopes, *ended),
        dashboards=drawn.changed,
        undrawn=drawn.unreached,
        watched=watched.told,
        errors=(*report.errors, *ground.errors, *refused, *watched.errors, *left, *drawn.errors, *kept.errors),
        seconds=outside.clock.monotonic() - started,
    )


def work(outside: Outside, scope: Scope, slot: int, deadline: Deadline) -> RunReport:
    """One scope of a run that was fanned out."""
    started = outside.clock.monotonic()
    report, ran = _run_here(outside, FoundScopes((scope,)), slot, outside.new_run_id(), deadline)
    left = leave_beat_once(outside, slot) if report.ran else ()
    kept = keep(outside, ran, deadline)
    return replace(
        report,
        kept=kept.taken if kept.asked else None,
        errors=(*report.errors, *left, *kept.errors),
        seconds=outside.clock.monotonic() - started,
    )


def sweep(outside: Outside, deadline: Deadline) -> DeliveryReport:
    """Deliver what this function's clouds owe, every minute, whatever becomes of the runs; and publish what is owed
    still, so that an alarm of the provider's own can tell. Raises StoreError when the registry cannot be read."""
    scopes, until = [*registered(outside, outside.readers), *watch_places(outside)], deadline.earlier(PUBLISHING_TAKES)
    report = deliver(outside.memory, scopes, outside.notifier_for, outside.config, outside.clock, until, sweeping=True)
    now = int(outside.clock.wall())
    errors: list[str] = []
    if report.owed or report.tried or now % OWED_EVERY < MINUTE:
        figures = replace(delivered(report), owed=report.owed, oldest_owed=report.oldest_owed)
        _, errors = publish(outside, (), now, figures, deadline)
    return replace(report, errors=(*report.errors, *errors))


def gather(outside: Outside, scope: Scope, slot: int, deadline: Deadline) -> Gathered:
    """Read what is remembered, what there is, and what must be known of it. Raises StoreError only."""
    memory = outside.memory
    remembered = Remembered(
        memory.read_progress(scope),
        memory.read_alerts(scope),
        acknowledged=memory.read_acknowledged(scope),
        silences=memory.read_silences(scope.cloud),
        kept=memory.read_kept(scope) if outside.history else None,
    )
    gathered = _read(outside, remembered, slot, deadline)
    if not snapshot_due(gathered.facts, remembered.progress):
        return gathered
    return replace(gathered, remembered=replace(remembered, snapshot=outside.memory.read_snapshot(scope)))


def _read(outside: Outside, remembered: Remembered, slot: int, deadline: Deadline) -> Gathered:
    """What there is in a scope, and what must be known of it. Raises nothing: failures are gaps."""
    scope, config = remembered.progress.scope, outside.config
    reader = outside.readers[scope.cloud]
    inventory = reader.read_inventory(scope, config, deadline)
    requests = plan_reads(
        inventory.resources,
        config.rules,
        outside.catalog.metrics,
        remembered.progress,
        slot,
        also=config.kept_metrics,
        kept=remembered.kept,
    )
    readings = reader.read_series(scope, config, requests, deadline)
    return Gathered(Facts(scope, slot, inventory, readings), requests, remembered)


def decide(outside: Outside, gathered: Gathered, run_id: str) -> Plan:
    """Everything that follows from what was gathered, as a value."""
    stamp = _stamp(outside, gathered.facts.slot, run_id)
    return plan(gathered.facts, gathered.requests, gathered.remembered, outside.config, outside.catalog, stamp)


def _stamp(outside: Outside, slot: int, run_id: str) -> Stamp:
    where = outside.config.publish
    return Stamp(
        fleet=outside.config.fleet,
        slot=slot,
        run_id=run_id,
        committed_at=int(outside.clock.wall()),
        metrics=outside.catalog.metrics,
        links=lambda resource, metric, attributes: links_for(
            resource,
            metric,
            attributes=attributes,
            dashboard=where.dashboard,
            dashboard_region=where.region,
            page=outside.config.page,
        ),
    )


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


def _run_here(
    outside: Outside,
    found: FoundScopes,
    slot: int,
    run_id: str,
    deadline: Deadline,
    also: Sequence[Scope] = (),
    groups_over: Sequence[Scope] = (),
) -> tuple[RunReport, tuple[Ran, ...]]:
    """The report, and what of it is history. also: further partitions in which messages may be owed. groups_over: the
    scopes whose groups this run judges as well, its own among them."""
    started = outside.clock.monotonic()
    reading = deadline.earlier(deadline.remaining * KEPT_BACK)
    with ThreadPoolExecutor(max_workers=max(1, min(SIDE_BY_SIDE, len(found.scopes)))) as pool:
        scopes = in_turn(found.scopes, slot // outside.config.gather.every)
        outcomes = list(pool.map(lambda scope: _run_scope(outside, scope, slot, run_id, reading), scopes))
    reports = tuple(sorted((outcome.report for outcome in outcomes), key=lambda report: report.scope))
    groups = run_groups(outside, groups_over, _stamp(outside, slot, run_id)) if groups_over else ()
    data = [datum for outcome in outcomes for datum in outcome.claimed]
    figures = Figures(
        run_seconds=outside.clock.monotonic() - started,
        scopes_failed=sum(report.ended in ("failed", UNREACHED) for report in reports) + _unfound(found),
        heartbeat=False,
    )
    news = any(report.ended in ("done", "failed", UNREACHED) for report in reports) or _unfound(found) > 0
    publishing = deadline.earlier(deadline.remaining * KEPT_FOR_DELIVERY)
    published, errors = publish(outside, data, slot, figures, publishing) if news else (Written(), [])
    owing = (*found.scopes, *also, *(report.scope for report in groups))
    delivery = deliver(
        outside.memory, owing, outside.notifier_for, outside.config, outside.clock, deadline.earlier(1.0)
    )
    if delivery.tried:
        _, more = publish(outside, (), slot, delivered(delivery), deadline)
        errors = [*errors, *more]
    report = RunReport(
        slot,
        run_id,
        (*reports, *groups),
        found.gaps,
        published=published,
        delivery=delivery,
        errors=tuple(errors),
        every=outside.config.gather.every,
    )
    return report, tuple(outcome.ran for outcome in outcomes if outcome.ran)


def in_turn(scopes: Sequence[Scope], number: int) -> tuple[Scope, ...]:
    """The order for the run of this number: where the time suffices for some only, the next run begins with others."""
    first = number * SIDE_BY_SIDE % len(scopes) if len(scopes) > SIDE_BY_SIDE else 0
    return (*scopes[first:], *scopes[:first])


def _unfound(found: FoundScopes) -> int:
    """Clouds whose scopes a fault of ours kept from being found: at least one scope fails in each."""
    return sum(gap.operation == FINDING for gap in found.gaps)


def _run_scope(outside: Outside, scope: Scope, slot: int, run_id: str, deadline: Deadline) -> Outcome:
    """One scope from reading to commit; and the data that this run has claimed to publish. What has its turn when the
    time for reading is over is left whole to the next run, rather than called blind."""
    if deadline.remaining < LEAST_READING:
        return Outcome(ScopeReport(scope, UNREACHED))
    try:
        if outside.memory.read_progress(scope).slot >= slot:
            return Outcome(ScopeReport(scope, "repeated"))
        gathered = gather(outside, scope, slot, deadline)
        decided = decide(outside, gathered, run_id)
        ended = commit(outside, decided)
    except StoreError as error:
        told = tell_without_memory(outside, scope, slot, str(error), deadline)
        return Outcome(ScopeReport(scope, "failed", error="; ".join([str(error), *told])))
    except Exception as error:
        logger.exception("%s: a fault of our own", scope)  # it must not blind us in the other scopes
        return Outcome(ScopeReport(scope, "failed", error=f"{scope}: {type(error).__name__}"))
    report = _report(outside, gathered, decided, ended)
    if ended != "done":
        return Outcome(report)
    ran = Ran(scope, slot, report.transitions, gathered.facts, gathered.requests, gathered.remembered)
    return Outcome(report, decided.data, ran if outside.history else None)


def _withdraw(outside: Outside, scope: Scope, slot: int, run_id: str) -> ScopeReport:
    """A scope that the configuration no longer names: nothing is read there, no rule applies, and who was told of an
    alert is told that it ended. The sweeper delivers it."""
    try:
        remembered = Remembered(outside.memory.read_progress(scope), outside.memory.read_alerts(scope))
        gathered = Gathered(Facts(scope, slot), (), remembered)
        decided = decide(replace(outside, config=replace(outside.config, rules=())), gathered, run_id)
        return _report(outside, gathered, decided, commit(outside, decided))
    except StoreError as error:
        return ScopeReport(scope, "failed", error=str(error))


def commit(outside: Outside, decided: Plan) -> str:
    """Write the plan: alerts first, each in its own transaction, then the progress that says they are written and
    claims what is published. Returns how it ended (ScopeReport.ended). Raises StoreError.

    When another run has won an alert, this run's progress is not written: whatever the other one did not see is judged
    again by the next.
    """
    outcomes = [outside.memory.commit(change.commit) for change in decided.changes]
    if any(outcome == "lost" for outcome in outcomes):
        return "superseded"
    if decided.seen:
        outside.memory.write_parcels(decided.progress.scope, decided.progress.slot, decided.seen)
    if decided.snapshot is not None:
        outside.memory.write_snapshot(decided.snapshot, decided.progress.generation)
    return "done" if outside.memory.write_progress(decided.progress) else "superseded"


def tell_without_memory(outside: Outside, scope: Scope, slot: int, problem: str, deadline: Deadline) -> list[str]:
    """The store or AWS is out of reach: look all the same, and tell the fallback channels what holds now. Straight to
    them, for there is no outbox; each once for each quarter of an hour in a warm function. Returns what went wrong."""
    quarter = floor_to(slot, BUCKET)
    channels = [name for name in outside.config.fallback_channels if (scope, quarter, name) not in outside.digests]
    if not channels:
        return []
    gathered = _read(outside, Remembered(Progress(scope)), slot, deadline)
    decided = decide(outside, gathered, run_id="")

    def tell(digest: Notification) -> str:
        try:
            outside.notifier_for(digest.channel).send(digest, deadline)
        except DeliveryError as error:
            return str(error)
        outside.digests.add((scope, quarter, digest.channel))
        return ""

    digests = plan_digest(outside.config.fleet, scope, slot, problem, decided.changes, channels)
    with ThreadPoolExecutor(max_workers=len(channels)) as pool:  # one that hangs with AWS must not keep another waiting
        return [problem for problem in pool.map(tell, digests) if problem]


def _report(outside: Outside, gathered: Gathered, decided: Plan, ended: str) -> ScopeReport:
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
        skipped=skipped_slots(gathered.remembered.progress, facts.slot, outside.config.gather.every),
    )
