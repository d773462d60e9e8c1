"""`nephoscope run`: one run, here and now, exactly as the function does it; or only what it would do."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from nephoscope.app.deliver import deliver
from nephoscope.app.outside import Outside
from nephoscope.app.report import RunReport, ScopeReport
from nephoscope.app.run import Gathered, collect, decide, gather
from nephoscope.app.scopes import find_scopes
from nephoscope.app.settings import Settings
from nephoscope.app.unreached import SLOTS
from nephoscope.cli.call import FAILED, Call, CallError, add_cloud_argument
from nephoscope.cli.counting import counted
from nephoscope.cli.dashboard import differing
from nephoscope.cli.memory import about_words, registered, value_words
from nephoscope.cli.plan_text import render_plan
from nephoscope.cli.reading import each_scope, report_gaps
from nephoscope.cli.table import Cell, Column
from nephoscope.model.alert import TransitionKind
from nephoscope.model.errors import NephoscopeError
from nephoscope.model.history import Taken
from nephoscope.model.publish import Dashboard
from nephoscope.model.rule import Rule
from nephoscope.model.scope import Scope
from nephoscope.model.series import Gap
from nephoscope.model.time import Deadline, floor_to, iso
from nephoscope.pipeline.wording import clean

HELP = "Do one run here and now; with --dry-run only say what it would do."
EXAMPLES = """\
examples:
  nephoscope run --dry-run                          reads, decides, writes nothing
  nephoscope run                                    remembers in nephoscope.sqlite
  nephoscope run --table nephoscope-prod            with the deployment's own memory
  nephoscope run --slot 2026-11-23T20:45:00Z        for a time that was missed
  nephoscope run --json | jq '.transitions[]'       what changed

A run publishes metrics, writes the dashboard and sends what is owed. A slot that was
run already is not run again. With --cloud the dashboard is left as it stands: it shows
all clouds. Exit code 1 where something could not be read or sent."""

SECONDS = 870.0
"""What a function has at most, less a little."""

SWEEP_SECONDS = 50.0

_STYLES = {TransitionKind.FIRED: "red", TransitionKind.RESOLVED: "green", TransitionKind.WENT_SILENT: "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_cloud_argument(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the plan; change and send nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document: what was done, or would be")
    parser.add_argument("--slot", metavar="TIME", help="the time that the run is for, ISO 8601 (default: now)")


def run(call: Call) -> int:
    at = time_of(call.args.slot, call.clock.wall())
    if call.args.dry_run:
        return _dry(call, at)
    outside = replace(call.outside(_here), queue=None)
    if not _whole(outside):
        outside = replace(outside, dashboards=LeftAlone())
    slot = floor_to(at, outside.config.gather.every)
    with call.terminal.progress(f"running for {iso(slot)}, scopes") as steps:
        watched = replace(outside, readers=counted(outside.readers, steps))
        report = _with_groups(outside, collect(watched, slot, call.deadline(SECONDS)), call)
    if call.args.json:
        call.terminal.json(report.as_dict(), pretty=True)
    else:
        _show(call, outside, report)
    return _say_failures(call, report)


def _with_groups(outside: Outside, report: RunReport, call: Call) -> RunReport:
    """No sweeper comes by on a laptop: what groups have waited for goes out with the run."""
    if not outside.config.grouped_channels or report.delivery is None:
        return report
    swept = deliver(
        outside.memory,
        [each.scope for each in report.scopes],
        outside.notifier_for,
        outside.config,
        outside.clock,
        call.deadline(SWEEP_SECONDS),
        sweeping=True,
    )
    return replace(report, delivery=replace(swept, sent=report.delivery.sent + swept.sent))


def time_of(text: str | None, now: float) -> int:
    """What was asked for in epoch seconds; without a zone it is UTC. Raises CallError for what is no time, and for a
    time to come."""
    if text is None:
        return int(now)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CallError(f'"{clean(text)}" is no time', "Write it like this: --slot 2026-11-23T20:45:00Z") from error
    at = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    if at > now:
        raise CallError(f"{iso(at)} has not come yet; nothing can be read of it")
    return at


def _whole(outside: Outside) -> bool:
    """Whether every cloud is run: a dashboard of some would take the others off."""
    return set(outside.readers) == set(outside.config.gather.kinds)


class LeftAlone:
    """ports.DashboardSink that leaves what stands there."""

    def write_dashboards(self, dashboards: Sequence[Dashboard], deadline: Deadline) -> int:  # noqa: ARG002
        return 0


def _here(settings: Settings) -> Settings:
    """A run from the command line does every scope itself."""
    return replace(settings, queue_url="")


# --- what it did --------------------------------------------------------------------------------------------------

COLUMNS = (
    Column("SCOPE"),
    Column("ENDED", rank=1),
    Column("RESOURCES", rank=2, right=True),
    Column("SERIES", rank=4, right=True),
    Column("POINTS", rank=6, right=True),
    Column("COVERED", rank=5, right=True),
    Column("CHANGES", rank=3, right=True),
    Column("FIRING", right=True),
)


def _show(call: Call, outside: Outside, report: RunReport) -> None:
    terminal = call.terminal
    terminal.line(f"Run {report.run_id} for {iso(report.slot)}, {report.seconds:.1f} s")
    if report.scopes:
        terminal.line()
        terminal.table(COLUMNS, [_row(scope) for scope in report.scopes])
    lines = list(_transitions(outside, report))
    if lines:
        terminal.line()
    for text, style in lines:
        terminal.line(text, style)
    terminal.line()
    published = report.published
    terminal.line(
        f"Published: {published.accepted} data in {_counted(published.requests, 'request')}. "
        f"Dashboards written: {report.dashboards}. {_delivered(report)}"
    )
    if report.kept:
        terminal.line(_kept(report.kept))
    for each in report.unreached:
        if each.what != SLOTS:  # a person runs when a person likes
            terminal.note(f"not reached, left for the next run: {clean(str(each))}")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _row(report: ScopeReport) -> list[Cell | str]:
    ended = Cell(report.ended, {"done": "green", "failed": "red"}.get(report.ended, "yellow"))
    if report.ended in ("repeated", "failed"):  # nothing was read
        return [str(report.scope), ended, *[""] * (len(COLUMNS) - 2)]
    return [
        str(report.scope),
        ended,
        str(report.resources),
        str(report.series),
        str(report.points),
        f"{report.coverage.fresh} of {report.coverage.discovered}",
        str(len(report.transitions)),
        Cell(str(len(report.firing)), "red" if report.firing else ""),
    ]


def _transitions(outside: Outside, report: RunReport) -> Iterator[tuple[str, str]]:
    rules: Mapping[str, Rule] = {rule.name: rule for rule in outside.config.rules}
    for scope in report.scopes:
        records = outside.memory.read_alerts(scope.scope) if scope.transitions else {}
        for transition in scope.transitions:
            record = records[transition.alert_key]
            value = value_words(replace(record, value=transition.value), rules, outside.catalog.metrics)
            why = ", ".join(filter(None, (transition.why, value)))
            text = f"{transition.kind} {clean(record.rule)} on {about_words(record)} ({why})"
            yield text, _STYLES.get(transition.kind, "")


def _delivered(report: RunReport) -> str:
    sent, owed = (report.delivery.sent, report.delivery.owed) if report.delivery else (0, 0)
    return f"Notifications: {sent} sent, {owed} still owed."


def _say_failures(call: Call, report: RunReport) -> int:
    """Each failure on stderr; the exit code that follows."""
    code = report_gaps(call.terminal, report.all_gaps)
    failures = [*report.errors, *(f"{scope.scope}: {scope.error}" for scope in report.scopes if scope.error)]
    failures += _undelivered(report)
    failures += [f"publishing: {number} data refused: {reason}" for reason, number in report.published.refused.items()]
    if not report.scopes and not report.gaps:
        failures.append("no scope: the configuration names no account and region that can be read")
    for failure in failures:
        call.terminal.problem(failure)
    return FAILED if failures else code


def _kept(taken: Taken) -> str:
    """What was there already is what runs send again for late points' sake: no news."""
    owed = "; what is owed is sent by the next run" if taken.owed else ""
    return f"History: {_counted(taken.taken - taken.again, 'new document')} kept{owed}."


def _undelivered(report: RunReport) -> Iterator[str]:
    delivery = report.delivery
    if delivery is None:
        return
    yield from delivery.errors
    reasons = ", ".join(delivery.refused)
    for name, channel in delivery.channels.items():
        if channel.retried:
            yield f"channel {name}: {channel.retried} not taken ({reasons}), to be tried again; see `nephoscope outbox`"
        if channel.dead:
            yield f"channel {name}: {channel.dead} given up ({reasons}); `nephoscope outbox` tells why"
    for name in delivery.disabled:
        yield f"channel {clean(name)} is switched off: its receiver asked for no more; see `nephoscope status`"


# --- what it would do ---------------------------------------------------------------------------------------------


def _dry(call: Call, at: int) -> int:
    outside = call.outside_looking(_here)
    slot = floor_to(at, outside.config.gather.every)
    deadline = call.deadline(SECONDS)
    found = find_scopes(outside, deadline)
    gathered = each_scope(call, "reading", found.scopes, lambda scope: gather(outside, scope, slot, deadline))
    plans = {scope: _planned(outside, each, slot) for scope, each in gathered.items()}
    dashboard = _dashboard_words(call, outside, found.scopes)
    if call.args.json:
        lines = [{"scope": scope.key, "plan": [line.strip() for line in plan]} for scope, plan in plans.items()]
        call.terminal.json({"slot": iso(slot), "scopes": lines, "dashboard": dashboard}, pretty=True)
    else:
        _show_plans(call, slot, list(plans.values()), dashboard)
    gaps: tuple[Gap, ...] = found.gaps + tuple(gap for each in gathered.values() for gap in each.facts.gaps)
    call.terminal.note("Nothing was written or sent.")
    code = report_gaps(call.terminal, gaps)
    return code if found.scopes else FAILED


def _planned(outside: Outside, gathered: Gathered, slot: int) -> Sequence[str]:
    """In lines, the first one a heading."""
    if gathered.remembered.progress.slot >= slot:
        return (f"{gathered.facts.scope}: nothing, this slot was already run",)
    return render_plan(gathered, decide(outside, gathered, "dry-run"), outside.catalog.metrics)


def _show_plans(call: Call, slot: int, plans: Sequence[Sequence[str]], dashboard: str) -> None:
    call.terminal.line(f"A run for {iso(slot)} would do this:")
    for heading, *lines in plans:
        call.terminal.line()
        call.terminal.heading(heading)
        for line in lines:
            call.terminal.line(line)
    call.terminal.line()
    call.terminal.line(dashboard)


def _dashboard_words(call: Call, outside: Outside, found: Sequence[Scope]) -> str:
    """Whether the dashboard would be written."""
    if not _whole(outside):
        return "It leaves the dashboard alone, which shows all clouds."
    scopes = sorted({*registered(outside), *found})
    try:
        names = differing(call, outside, scopes)
    except NephoscopeError as error:
        return f"Whether it writes the dashboard is not known: {error}"
    return f"It writes the dashboard: {', '.join(names)}." if names else "It leaves the dashboard as it stands."
