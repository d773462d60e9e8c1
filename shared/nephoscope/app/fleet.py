"""Rules on groups of resources: read what the scopes have noted, decide purely, commit. AWS's
function does it for all clouds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nephoscope.app.outside import Outside
from nephoscope.app.report import ScopeReport
from nephoscope.model.alert import HistoryEntry
from nephoscope.model.errors import StoreError
from nephoscope.model.memory import Remembered
from nephoscope.model.scope import Cloud, Scope, fleet_scope
from nephoscope.pipeline.groups import GroupPlan, plan_groups
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.partials import group_rules


def judges_groups(outside: Outside) -> bool:
    """Whether this function is the one: AWS's, for all clouds; where there is none, each for its own cloud."""
    return outside.settings.writes_dashboard or Cloud.AWS not in outside.config.gather.functions


def fleet_home(outside: Outside) -> Scope:
    return fleet_scope(next(iter(outside.readers), Cloud.AWS))


def run_groups(outside: Outside, scopes: Iterable[Scope], stamp: Stamp) -> tuple[ScopeReport, ...]:
    """Judge the groups over these scopes; nothing where no rule is on a group and none was. Raises nothing."""
    home = fleet_home(outside)
    try:
        before = outside.memory.read_progress(home)
        if not group_rules(outside.config.rules) and not before.ver:
            return ()
        if before.slot >= stamp.slot:
            return (ScopeReport(home, "repeated"),)
        outside.memory.register(home)
        remembered = Remembered(
            before,
            outside.memory.read_alerts(home),
            acknowledged=outside.memory.read_acknowledged(home),
            silences=outside.memory.read_silences(home.cloud),
        )
        parts = [outside.memory.read_progress(scope) for scope in scopes if not scope.is_fleet]
        decided = plan_groups(parts, remembered, outside.config, outside.catalog.metrics, stamp)
        return (_report(home, decided, _commit(outside, decided)),)
    except StoreError as error:
        return (ScopeReport(home, "failed", error=str(error)),)


def _commit(outside: Outside, decided: GroupPlan) -> str:
    """As a scope's run does it (app/run.py): alerts first, then the progress that says they are written."""
    outcomes = [outside.memory.commit(change.commit) for change in decided.changes]
    if any(outcome == "lost" for outcome in outcomes):
        return "superseded"
    return "done" if outside.memory.write_progress(decided.progress) else "superseded"


def _report(home: Scope, decided: GroupPlan, ended: str) -> ScopeReport:
    transitions: tuple[HistoryEntry, ...] = tuple(c.commit.history for c in decided.changes if c.commit.history)
    report = ScopeReport(home, ended, resources=decided.groups, firing=decided.firing)
    return replace(report, transitions=transitions if ended == "done" else ())
