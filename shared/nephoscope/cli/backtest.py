"""`nephoscope backtest`: what the rules would have told on the history that the providers keep."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from nephoscope.app.outside import Outside
from nephoscope.catalog.loader import Catalog, load_catalog
from nephoscope.cli.call import FAILED, Call, CallError, add_cloud_argument
from nephoscope.cli.kept_history import kept_recordings
from nephoscope.cli.provider_history import add_spend_argument, check_price, gaps_of, keep, read_windows, recorded
from nephoscope.cli.reading import look, report_gaps
from nephoscope.cli.show import positive
from nephoscope.cli.table import Cell, Column
from nephoscope.model.config import Config
from nephoscope.model.series import Gap
from nephoscope.model.time import DAY, MINUTE, floor_to, iso
from nephoscope.pipeline.firings import Firing, Noise, sum_up
from nephoscope.pipeline.notify import measured_of
from nephoscope.pipeline.replay import Recording, plan_history, record, replay, replayable, steps
from nephoscope.pipeline.wording import clean, render_duration, render_time, render_value

HELP = "Replay the rules on real history: what would have fired, how often, for how long."
EXAMPLES = """\
examples:
  nephoscope backtest                        the last 7 days, every rule on a metric
  nephoscope backtest --days 14 --rule cpu-hot --list
  nephoscope backtest --record week.jsonl    keep what was read
  nephoscope backtest --from week.jsonl      try other rules on it; no cloud is asked
  nephoscope backtest --from-history         on what Elasticsearch keeps; nothing costs
  nephoscope backtest --json

Each series that a rule needs is read once for each day; what that costs at list price is
said first, and nothing is read where it is more than --spend. Machines are those that
run now. Rules on states and checks are left out, for no provider keeps their history.

--from-history asks no provider, but the points that publish.elasticsearch keeps, as far
back as it keeps them. Machines are those that were kept, gone ones as well; of their tags
those that are kept, so rules that choose by others find nothing. When nothing was kept,
what was is unknown, and no rule fires or ends."""

DAYS = 7
MOST_DAYS = 14
"""CloudWatch keeps one-minute points for 15 days, Google for six weeks, Azure for 93 days. What is no longer kept would
be taken for absent. Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html"""

COLUMNS = (
    Column("RULE"),
    Column("FIRED", right=True),
    Column("A DAY", rank=2, right=True),
    Column("RESOLVED", rank=4, right=True),
    Column("SILENT", rank=5, right=True),
    Column("MEDIAN", rank=1, right=True),
    Column("LONGEST", rank=1, right=True),
    Column("RESOURCES", rank=3, right=True),
)
LIST_COLUMNS = (
    Column("FROM"),
    Column("LASTED", right=True),
    Column("RULE"),
    Column("ON", flows=True),
    Column("WORST", rank=1, right=True),
    Column("REGION", rank=2),
    Column("ACCOUNT", rank=3),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=positive, default=DAYS, metavar="N", help=f"how far back; default: {DAYS}")
    parser.add_argument("--rule", action="append", default=[], metavar="NAME", help="only this rule; may be repeated")
    parser.add_argument("--list", action="store_true", help="each firing, the oldest first")
    parser.add_argument("--from", dest="recorded", type=Path, metavar="FILE", help="history that was recorded")
    parser.add_argument("--from-history", action="store_true", help="history that Elasticsearch keeps; costs nothing")
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep what is read, as JSON lines")
    add_spend_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    add_cloud_argument(parser)


def run(call: Call) -> int:
    if call.args.recorded and call.args.from_history:
        raise CallError("--from and --from-history name two histories; one of them is meant")
    if call.args.days > MOST_DAYS and not call.args.from_history:
        raise CallError(f"--days {call.args.days} is more than {MOST_DAYS}: one-minute points are kept for 15 days")
    if call.args.recorded and call.args.record:
        raise CallError("--from reads no cloud: there is nothing to --record")
    if call.args.recorded:
        config = _config(call, call.config())
        recordings = recorded(call.args.recorded)
        gaps: tuple[Gap, ...] = ()
        catalog = load_catalog().configured(config)
    elif call.args.from_history:
        config = _config(call, call.config())
        catalog = load_catalog().configured(config)
        recordings, gaps = kept_recordings(call, config, catalog), ()
        if call.args.record:
            keep(call, recordings)
    else:
        outside = call.outside_only()
        config, catalog = _config(call, outside.config), outside.catalog
        recordings, gaps = _read(call, outside, config)
    firings, lines = _replayed(call, recordings, config, catalog)
    _show(call, recordings, firings, lines, catalog, config)
    code = report_gaps(call.terminal, gaps)
    return code if recordings else FAILED


def _config(call: Call, config: Config) -> Config:
    """With the rules that are meant and that history can answer. Raises CallError."""
    names = {rule.name for rule in config.rules}
    for name in call.args.rule:
        if name not in names:
            raise CallError(f'no rule is called "{clean(name)}"; there are {", ".join(sorted(names))}')
    meant = tuple(rule for rule in config.rules if not call.args.rule or rule.name in call.args.rule)
    kept = replayable(replace(config, rules=meant))
    left = [rule.name for rule in meant if rule not in kept.rules and rule.origin != "built-in"]
    if left:
        call.terminal.note(f"left out, for what was seen is kept nowhere: {', '.join(left)}")
    if not kept.rules:
        raise CallError("no rule on a metric is left to be tried")
    return kept


# --- reading ------------------------------------------------------------------------------------------------------


def _read(call: Call, outside: Outside, config: Config) -> tuple[tuple[Recording, ...], tuple[Gap, ...]]:
    now = floor_to(int(call.clock.wall()), MINUTE)
    begin = now - DAY * call.args.days
    looked = look(call, outside)
    requests = {
        scope: plan_history(inventory.resources, config, outside.catalog, begin, now)
        for scope, inventory in looked.inventories.items()
    }
    check_price(call, requests, outside.catalog, "--days and --rule make it less.")
    reads = read_windows(call, outside, requests)
    recordings = tuple(
        record(scope, inventory.resources, begin, now, reads.get(scope, []))
        for scope, inventory in looked.inventories.items()
    )
    if call.args.record:
        keep(call, recordings)
    return recordings, gaps_of(looked, reads)


# --- replaying ----------------------------------------------------------------------------------------------------


def _replayed(
    call: Call, recordings: Sequence[Recording], config: Config, catalog: Catalog
) -> tuple[tuple[Firing, ...], tuple[Noise, ...]]:
    with call.terminal.progress("replaying", steps(recordings, config, catalog)) as bar:
        firings, silent = replay(recordings, config, catalog, bar.step)
    end = max((recording.end for recording in recordings), default=0)
    return firings, sum_up([rule.name for rule in config.rules], firings, silent, end)


# --- showing ------------------------------------------------------------------------------------------------------


def _show(
    call: Call,
    recordings: Sequence[Recording],
    firings: Sequence[Firing],
    lines: Sequence[Noise],
    catalog: Catalog,
    config: Config,
) -> None:
    begin = min((recording.begin for recording in recordings), default=0)
    end = max((recording.end for recording in recordings), default=0)
    units = _units(config, catalog)
    if call.args.json:
        call.terminal.json(_object(recordings, firings, lines, begin, end), pretty=True)
        return
    resources = sum(len(recording.resources) for recording in recordings)
    number = sum(len(recording.stretches) for recording in recordings)
    call.terminal.heading(f"{render_time(begin)} to {render_time(end)}: {resources} resources, {number} series")
    days = max(1.0, (end - begin) / DAY)
    call.terminal.table(COLUMNS, [_row(noise, days) for noise in lines])
    if call.args.list and firings:
        call.terminal.line()
        call.terminal.table(LIST_COLUMNS, [_firing_row(firing, end, units[firing.rule]) for firing in firings])


def _units(config: Config, catalog: Catalog) -> Mapping[str, str]:
    return {rule.name: measured_of(rule, catalog.metrics)[1] for rule in config.rules}


def _row(noise: Noise, days: float) -> list[Cell | str]:
    lasted = [render_duration(seconds) if noise.fired else "" for seconds in (noise.median, noise.longest)]
    return [
        noise.rule,
        Cell(str(noise.fired), "red" if noise.fired else "green"),
        f"{noise.fired / days:.1f}",
        str(noise.resolved),
        str(noise.silent),
        *lasted,
        str(noise.resources),
    ]


def _firing_row(firing: Firing, end: int, unit: str) -> list[Cell | str]:
    lasted = render_duration((firing.end or end) - firing.begin)
    attributes = ", ".join(clean(value) for _, value in firing.attributes)
    on = clean(firing.name or firing.resource_id) + (f" [{attributes}]" if attributes else "")
    return [
        render_time(firing.begin),
        lasted if firing.end else f"{lasted}, open",
        firing.rule,
        on,
        "" if firing.worst is None else render_value(firing.worst, unit),
        firing.scope.region,
        firing.scope.account,
    ]


def _object(
    recordings: Sequence[Recording], firings: Sequence[Firing], lines: Sequence[Noise], begin: int, end: int
) -> dict[str, object]:
    return {
        "begin": iso(begin),
        "end": iso(end),
        "resources": sum(len(recording.resources) for recording in recordings),
        "series": sum(len(recording.stretches) for recording in recordings),
        "rules": [asdict(noise) for noise in lines],
        "firings": [
            asdict(firing)
            | {
                "scope": firing.scope.key,
                "attributes": dict(firing.attributes),
                "begin": iso(firing.begin),
                "end": iso(firing.end) if firing.end else None,
            }
            for firing in firings
        ],
    }
