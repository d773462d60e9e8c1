"""`nephoscope timeline`: what became of an alert, when, and who was told."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from nephoscope.app.outside import Outside
from nephoscope.cli.alerts import Known, find_alert
from nephoscope.cli.call import WELL, Call
from nephoscope.cli.memory import about_words, open_existing
from nephoscope.cli.table import Cell, Column
from nephoscope.model.alert import HistoryEntry, TransitionKind
from nephoscope.model.time import iso
from nephoscope.pipeline.notify import measured_of
from nephoscope.pipeline.wording import clean, render_duration, render_time, render_value

HELP = "Show the history of one alert: what happened, when, who was told and why not."
EXAMPLES = """\
examples:
  nephoscope timeline 3f2a91                 by its letters, as `nephoscope status` shows them
  nephoscope timeline cpu-hot web-1          by its rule and the machine's name or id
  nephoscope timeline cpu-hot web-1 --json

The history is kept for 90 days, also of alerts that are well again."""

STYLES = {TransitionKind.FIRED: "red", TransitionKind.WENT_SILENT: "yellow"}
COLUMNS = (
    Column("AT"),
    Column("WHAT"),
    Column("WHY"),
    Column("VALUE", rank=1, right=True),
    Column("WORST", rank=3, right=True),
    Column("TOLD", rank=2),
    Column("SEQ", rank=4, right=True),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alert", help="first letters of its key, or its rule")
    parser.add_argument("resource", nargs="?", default="", help="with a rule: the machine's name or id")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="the newest N entries; default: 100")
    parser.add_argument("--json", action="store_true", help="one JSON list, oldest first")


def run(call: Call) -> int:
    outside = open_existing(call)
    known = find_alert(outside, call.args.alert, call.args.resource)
    entries = outside.memory.read_history(known.scope, known.record.alert_key, max(1, call.args.limit))[::-1]
    if call.args.json:
        call.terminal.json_list({**asdict(each), "at": iso(each.at), "slot": iso(each.slot)} for each in entries)
        return WELL
    call.terminal.heading(_title(known))
    call.terminal.line(_state(call, outside, known))
    if entries:
        call.terminal.line()
        call.terminal.table(COLUMNS, [history_row(entry, _unit(outside, entry.rule)) for entry in entries])
    return WELL


def _title(known: Known) -> str:
    name = f" ({clean(known.names[0])})" if known.names and known.names[0] else ""
    return f"{clean(known.record.rule)} on {about_words(known.record)}{name}, {known.scope}"


def _state(call: Call, outside: Outside, known: Known) -> str:
    record = known.record
    lasted = render_duration(call.clock.wall() - record.since)
    said = f"{record.state} for {lasted}; episode {record.episode}, key {record.alert_key}"
    ack = outside.memory.read_acknowledged(known.scope).get(record.alert_key)
    if ack is not None and ack.episode == record.episode:
        said += f"; acknowledged by {clean(ack.by)} at {render_time(ack.at)}"
    return said


def _unit(outside: Outside, name: str) -> str:
    rule = next((rule for rule in outside.config.rules if rule.name == name), None)
    return measured_of(rule, outside.catalog.metrics)[1] if rule else ""


def history_row(entry: HistoryEntry, unit: str) -> list[Cell | str]:
    told = ", ".join(map(clean, entry.told)) or ("nobody" if entry.muted else "shown only")
    told += f": {clean(entry.muted)}" if entry.muted and not entry.told else ""
    told += f"; not all: {clean(entry.muted)}" if entry.muted and entry.told else ""
    return [
        render_time(entry.at),
        Cell(str(entry.kind), STYLES.get(entry.kind, "green")),
        str(entry.why),
        "" if entry.value is None else render_value(entry.value, unit),
        "" if entry.worst is None else render_value(entry.worst, unit),
        told,
        str(entry.seq),
    ]
