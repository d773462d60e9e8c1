"""`nephoscope status`: how it stands, from the alert memory alone; no cloud is asked for its machines."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.app.outside import Outside
from nephoscope.app.unreached import unreached_slots
from nephoscope.app.watching import silent_functions
from nephoscope.cli.alerts import SHORTEST
from nephoscope.cli.call import FAILED, WELL, Call, add_cloud_argument
from nephoscope.cli.memory import NOTHING_YET, about_words, open_existing, registered, value_words, watching
from nephoscope.cli.table import Cell, Column
from nephoscope.cli.terminal import SEVERITY_STYLES
from nephoscope.model.alert import OPEN_STATES, AlertRecord, OutboxItem, Owed
from nephoscope.model.history import Kept
from nephoscope.model.memory import Progress, Snapshot
from nephoscope.model.resource import StateGroup
from nephoscope.model.rule import Rule
from nephoscope.model.scope import Scope
from nephoscope.model.time import HOUR, iso
from nephoscope.pipeline.groups import group_named, group_resource
from nephoscope.pipeline.keeping import owed_seconds
from nephoscope.pipeline.wording import clean, render_duration

HELP = "Show how it stands: scopes, coverage, alerts, notifications that are owed."
EXAMPLES = """\
examples:
  nephoscope status
  nephoscope status --table TableName
  nephoscope status --json | jq '.[].firing[]'

--json prints a list, an object a scope. Exit code 1 where a scope's runs have stopped, where
something could not be read in its last run or not be kept, or a notification was given up."""

SKIPPED_SHOWN = HOUR
"""Seconds for which slots without a run are shown."""

LATE_RUNS = 3
"""So many runs without a heartbeat, and the scope is called late."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A scope as it is remembered. age: seconds since its last run; None = it never ran. kept: None where no history
    is."""

    scope: Scope
    progress: Progress
    snapshot: Snapshot | None
    firing: tuple[AlertRecord, ...]
    outbox: tuple[OutboxItem, ...]
    age: float | None
    kept: Kept | None = None

    def late(self, every: int) -> bool:
        return self.age is None or self.age > every * LATE_RUNS

    @property
    def dead(self) -> tuple[OutboxItem, ...]:
        return tuple(item for item in self.outbox if item.status is Owed.DEAD)

    @property
    def owed(self) -> tuple[OutboxItem, ...]:
        return tuple(item for item in self.outbox if item.status is not Owed.DEAD)

    @property
    def gaps(self) -> tuple[str, ...]:
        return self.snapshot.gaps if self.snapshot else ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_cloud_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON list, an object a scope")


def run(call: Call) -> int:
    outside = open_existing(call)
    scopes = [scope for scope in registered(outside) if not call.args.cloud or scope.cloud in call.args.cloud]
    standings = [_standing(outside, scope) for scope in scopes]
    if not standings:
        call.terminal.problem("no run has been remembered yet", NOTHING_YET)
        return FAILED
    rules = {rule.name: rule for rule in outside.config.rules}
    watchers = [_standing(outside, scope) for scope in watching(outside)]
    if call.args.json:
        call.terminal.json_list(_object(standing, rules) for standing in standings)
    else:
        _show(call, outside, standings, watchers, rules)
    _note_skipped(call, outside, standings)
    wrong = [text for standing in standings for text in _complaints(standing, outside.config.gather.every)]
    wrong += [text for watcher in watchers for text in _given_up(watcher)]
    return _complain(call, [*wrong, *_stopped(outside), *_switched_off(outside, standings)])


def _standing(outside: Outside, scope: Scope) -> Standing:
    memory = outside.memory
    progress = memory.read_progress(scope)
    alerts = memory.read_alerts(scope).values()
    return Standing(
        scope=scope,
        progress=progress,
        snapshot=memory.read_snapshot(scope),
        firing=tuple(sorted((a for a in alerts if a.state in OPEN_STATES), key=lambda a: a.fired_at or a.since)),
        outbox=tuple(memory.read_outbox(scope)),
        age=outside.clock.wall() - progress.heartbeat if progress.heartbeat else None,
        kept=memory.read_kept(scope) if outside.history else None,
    )


# --- for programs -------------------------------------------------------------------------------------------------


def _object(standing: Standing, rules: Mapping[str, Rule]) -> dict[str, object]:
    fresh, discovered = standing.snapshot.coverage if standing.snapshot else (0, 0)
    return {
        "cloud_provider": standing.scope.cloud,
        "cloud_account_id": standing.scope.account,
        "cloud_region": standing.scope.region,
        "slot": iso(standing.progress.slot) if standing.progress.slot else None,
        "heartbeat": iso(standing.progress.heartbeat) if standing.progress.heartbeat else None,
        "age_seconds": None if standing.age is None else round(standing.age),
        "coverage": {"fresh": fresh, "discovered": discovered},
        "instances": _counts(standing),
        "firing": [_alert_object(record, rules) for record in standing.firing],
        "owed": len(standing.owed),
        "dead": len(standing.dead),
        "history_owed_seconds": owed_seconds(standing.kept, standing.progress) if standing.kept else None,
        "gaps": list(standing.gaps),
        "skipped": list(map(iso, standing.progress.skipped)),
    }


def _counts(standing: Standing) -> dict[str, int]:
    counts = standing.snapshot.counts if standing.snapshot else {}
    return {str(group): counts.get(str(group), 0) for group in StateGroup}


def _alert_object(record: AlertRecord, rules: Mapping[str, Rule]) -> dict[str, object]:
    rule = rules.get(record.rule)
    return {
        "alert": record.alert_key,
        "rule": record.rule,
        "severity": rule.severity if rule else None,
        "resource": record.resource_id,
        "attributes": dict(record.attributes),
        "state": record.state,
        "since": iso(record.fired_at or record.since),
        "value": record.value,
        "told": list(record.told),
        "episode": record.episode,
    }


# --- for people ---------------------------------------------------------------------------------------------------

COLUMNS = (
    Column("SCOPE"),
    Column("LAST RUN", rank=1, right=True),
    Column("COVERED", rank=3, right=True),
    Column("RUNNING", rank=5, right=True),
    Column("STOPPED", rank=6, right=True),
    Column("CHANGING", rank=7, right=True),
    Column("GONE", rank=8, right=True),
    Column("FIRING", right=True),
    Column("OWED", rank=4, right=True),
    Column("DEAD", rank=2, right=True),
)
ALERT_COLUMNS = (
    Column("SEVERITY", rank=1),
    Column("RULE"),
    Column("NAME", rank=3, flows=True),
    Column("RESOURCE"),
    Column("VALUE", rank=1, right=True),
    Column("FOR", rank=2, right=True),
    Column("STATE", rank=5),
    Column("REGION", rank=4),
    Column("ACCOUNT", rank=6),
    Column("CLOUD", rank=7),
    Column("ALERT"),
)


def _show(
    call: Call,
    outside: Outside,
    standings: Sequence[Standing],
    watchers: Sequence[Standing],
    rules: Mapping[str, Rule],
) -> None:
    """watchers: what each cloud's functions tell of the others'."""
    terminal = call.terminal
    terminal.table(COLUMNS, [_row(standing, outside.config.gather.every) for standing in standings])
    firing = [(standing, record) for standing in (*standings, *watchers) for record in standing.firing]
    terminal.line()
    if not firing:
        terminal.line("Nothing is firing.", "green")
        return
    terminal.heading(f"Firing: {len(firing)}")
    terminal.table(ALERT_COLUMNS, [_alert_row(standing, record, rules, outside) for standing, record in firing])


def _row(standing: Standing, every: int) -> list[Cell | str]:
    fresh, discovered = standing.snapshot.coverage if standing.snapshot else (0, 0)
    age = "never" if standing.age is None else f"{render_duration(standing.age)} ago"
    age += ", late" if standing.age is not None and standing.late(every) else ""
    covered = Cell(f"{fresh} of {discovered}", "" if fresh == discovered else "yellow")
    return [
        "groups" if standing.scope.is_fleet else str(standing.scope),
        Cell(age, "red" if standing.late(every) else ""),
        covered if standing.snapshot else "" if standing.scope.is_fleet else "unknown",
        *(str(number) for number in _counts(standing).values()),
        _number(len(standing.firing), "red"),
        _number(len(standing.owed), "yellow"),
        _number(len(standing.dead), "red"),
    ]


def _number(number: int, style: str) -> Cell:
    return Cell(str(number), style if number else "")


def _alert_row(
    standing: Standing, record: AlertRecord, rules: Mapping[str, Rule], outside: Outside
) -> list[Cell | str]:
    rule, scope = rules.get(record.rule), standing.scope
    severity = str(rule.severity) if rule else "withdrawn"
    return [
        Cell(severity, SEVERITY_STYLES.get(severity, "")),
        clean(record.rule),
        *_called(standing, record, rule),
        value_words(record, rules, outside.catalog.metrics),
        render_duration(outside.clock.wall() - (record.fired_at or record.since)),
        record.state,
        scope.region,
        scope.account,
        scope.cloud,
        record.alert_key[:SHORTEST],
    ]


def _called(standing: Standing, record: AlertRecord, rule: Rule | None) -> tuple[str, str]:
    """Its name, and the id with the device; of a group what it is called."""
    if standing.scope.is_fleet and rule is not None:
        return "", clean(group_resource(rule, group_named(rule, record.resource_id), standing.scope).name)
    resources = standing.snapshot.resources if standing.snapshot else ()
    name = next((one.name for one in resources if one.id == record.resource_id), "")
    return clean(name), about_words(record)


def _complain(call: Call, wrong: Sequence[str]) -> int:
    """What is not as it should be, each said on stderr; the exit code that follows."""
    if not wrong:
        return WELL
    call.terminal.listed(wrong)
    call.terminal.problem(
        "1 thing needs a look" if len(wrong) == 1 else f"{len(wrong)} things need a look",
        "nephoscope doctor checks permissions and receivers; nephoscope outbox lists what is owed.",
    )
    return FAILED


def _switched_off(outside: Outside, standings: Sequence[Standing]) -> Iterator[str]:
    for cloud in dict.fromkeys(standing.scope.cloud for standing in standings):
        for name, state in outside.memory.read_channel_states(cloud).items():
            if state.disabled:
                why = clean(state.reason)
                yield f"channel {name} is switched off ({why}); `nephoscope outbox enable {name}` when it is put right"


def _complaints(standing: Standing, every: int) -> Iterable[str]:
    if standing.age is None:
        yield f"{standing.scope}: no run has ended here yet"
    elif standing.late(every):
        age, due = render_duration(standing.age), render_duration(every)
        yield f"{standing.scope}: the last run was {age} ago; one is due every {due}"
    yield from standing.gaps
    yield from _unkept(standing)
    yield from _given_up(standing)


def _unkept(standing: Standing) -> Iterator[str]:
    kept = standing.kept
    if kept and kept.problem:
        owed = owed_seconds(kept, standing.progress)
        yield f"{standing.scope}: {render_duration(owed)} of history are not kept yet: {clean(kept.problem, 300)}"


def _note_skipped(call: Call, outside: Outside, standings: Sequence[Standing]) -> None:
    """Runs that were killed or never called, lately; what they did not judge is judged since."""
    now, every = outside.clock.wall(), outside.config.gather.every
    for standing in standings:
        skipped = standing.progress.skipped
        if skipped and now - skipped[-1] < SKIPPED_SHOWN:
            for each in unreached_slots(standing.scope, skipped, every):
                call.terminal.note(f"{each}: no run came to its end; the next one made up for them")


def _stopped(outside: Outside) -> Iterator[str]:
    for cloud, silent in silent_functions(outside):
        yield f"{cloud}: its functions have been silent for {render_duration(silent)}"


def _given_up(standing: Standing) -> Iterator[str]:
    if standing.dead:
        number = len(standing.dead)
        yield f"{standing.scope}: {number} notification{'' if number == 1 else 's'} given up"
