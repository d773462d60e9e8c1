"""`nephoscope states`: the life of one machine, out of Elasticsearch: states, restarts, alerts."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import closing

from nephoscope.app.authoring.findings import did_you_mean
from nephoscope.app.history import SECONDS, open_reader
from nephoscope.cli.call import FAILED, WELL, Call, CallError
from nephoscope.cli.show import positive
from nephoscope.cli.table import Cell, Column
from nephoscope.cli.terminal import SEVERITY_STYLES, STATE_STYLES, Terminal
from nephoscope.model.time import DAY, MINUTE, floor_to, iso
from nephoscope.pipeline.asking.life import Happened, Machine, Stay, shares_of, stays_of, strip_of, told
from nephoscope.pipeline.wording import clean, render_duration, render_id, render_time

HELP = "Show the life of one machine out of Elasticsearch: its states, restarts and alerts."
EXAMPLES = """\
examples:
  nephoscope states web-1                    the last 7 days, by its name
  nephoscope states i-0abc1234 --days 30     by its id
  nephoscope states web-1 --json

What publish.elasticsearch keeps is asked; no provider is. A state lasts until the next
that was seen: what came and went between two runs nobody has seen.

--json prints one document: machine, begin, end, stays (state, begin, end, seconds),
shares (state -> seconds) and events, in order of time."""

DAYS = 7
STRIP = 60
"""Cells of the strip in a pipe, and at the most."""

MARKS: Mapping[str, str] = {
    "running": "█",
    "stopped": "▁",
    "suspended": "▁",
    "starting": "▅",
    "stopping": "▃",
    "repairing": "▄",
    "terminating": "▂",
    "terminated": " ",
    "gone": " ",
    "unknown": "?",
    "": "·",
}
COLUMNS = (
    Column("AT"),
    Column("WHAT"),
    Column("LASTED", rank=1, right=True),
    Column("DETAIL", rank=2, flows=True),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("host", metavar="HOST", help="a machine's name or id")
    parser.add_argument("--days", type=positive, default=DAYS, metavar="N", help=f"how far back; default: {DAYS}")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(call: Call) -> int:
    from nephoscope.sinks.elasticsearch.life import read_life, read_machines  # noqa: PLC0415 - only here

    config = call.config()
    call.history(config)
    reader = open_reader(config, call.environment, call.clock)
    deadline = call.deadline(SECONDS)
    end = floor_to(int(call.clock.wall()), MINUTE) + MINUTE
    begin = end - call.args.days * DAY
    with closing(reader):
        machine = _found(call.args.host, read_machines(reader, config.fleet, deadline))
        first, events = read_life(reader, config.fleet, machine, begin, end, deadline)
    if first is None and not events:
        call.terminal.problem(
            f"nothing is kept of {_name(machine)} in the last {call.args.days} days", "--days N looks further back."
        )
        return FAILED
    stays = stays_of(events, first, begin, end)
    if call.args.json:
        call.terminal.json(_object(machine, begin, end, stays, events), pretty=True)
        return WELL
    _show(call.terminal, machine, begin, end, stays, events)
    return WELL


def _found(word: str, machines: Sequence[Machine]) -> Machine:
    """Raises CallError for none and for several."""
    own = [each for each in machines if word in (each.id, render_id(each.id))]
    found = own or [each for each in machines if each.name == word]
    if not found:
        if not machines:
            raise CallError("no state of any machine is kept yet", "Each run keeps what it sees.")
        known = [name for each in machines for name in (each.name, render_id(each.id)) if name]
        raise CallError(
            f'no machine is called "{clean(word, 60)}"{did_you_mean(word, known)}',
            f"States of {len(machines):,} machines are kept.",
        )
    if len(found) > 1:
        each = "\n".join(f"  {clean(one.id)}  {' '.join(filter(None, one.key[:-1]))}" for one in found[:20])
        raise CallError(f'{len(found)} machines are called "{clean(word, 60)}"', f"Say which, by its id:\n{each}")
    return found[0]


def _name(machine: Machine) -> str:
    own = clean(render_id(machine.id))
    return f"{clean(machine.name)} ({own})" if machine.name and machine.name != own else own


# --- showing ------------------------------------------------------------------------------------------------------


def _show(
    terminal: Terminal, machine: Machine, begin: int, end: int, stays: Sequence[Stay], events: Sequence[Happened]
) -> None:
    terminal.heading(f"{_name(machine)}, {' '.join(filter(None, machine.key[:-1]))}")
    cells = max(10, min(STRIP, terminal.width)) if terminal.fitted else STRIP
    if terminal.draws_blocks:
        strip = strip_of(stays, begin, end, cells)
        terminal.line("".join(MARKS.get(state, "?") for state in strip))
    whole = max(1, end - begin)
    shares = [f"{_word(state)} {_share(seconds / whole)}" for state, seconds in shares_of(stays).items() if seconds]
    restarts = sum(each.action == "restarted" for each in events)
    fired = sum(each.kind == "alert" and each.action == "fired" for each in events)
    counts = f"{_number(restarts, 'restart')}, {_number(fired, 'alert')} fired"
    terminal.line(f"{', '.join(shares)}; {counts}")
    terminal.line()
    terminal.table(COLUMNS, [_row(each, stays) for each in told(events)])
    terminal.note(f"{render_time(begin)} to {render_time(end)}")


def _share(part: float) -> str:
    return f"{100 * part:.1f} %" if part >= LEAST else f"under {100 * LEAST:g} %"


LEAST = 0.001


def _word(state: str) -> str:
    return state or "not known"


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _row(event: Happened, stays: Sequence[Stay]) -> list[Cell | str]:
    if event.kind == "alert":
        style = SEVERITY_STYLES.get(event.severity, "") if event.action == "fired" else "green"
        said = ", ".join(filter(None, (event.severity, event.reason)))
        return [render_time(event.at), Cell(f"alert {event.action}", style), "", clean(f"{event.rule}: {said}")]
    state = "gone" if event.action == "gone" else event.what
    stay = next((each for each in stays if each.begin <= event.at < each.end), None)
    begins = stay is not None and stay.begin == event.at
    lasted = render_duration(stay.end - stay.begin) if stay and begins else ""
    what = "restarted" if event.action == "restarted" else state
    detail = {"first_seen": "first seen", "restarted": f"still {state}"}.get(event.action, "")
    before = f"was {event.before}" if event.before and event.before != state else ""
    vendor = f"as its provider says: {event.vendor}" if event.vendor and event.vendor != state else ""
    words = ", ".join(filter(None, (detail, before, vendor)))
    return [render_time(event.at), Cell(what, STATE_STYLES.get(what, "")), lasted, clean(words)]


def _object(
    machine: Machine, begin: int, end: int, stays: Sequence[Stay], events: Sequence[Happened]
) -> dict[str, object]:
    cloud, account, region, own = machine.key
    return {
        "machine": {"id": own, "name": machine.name, "cloud": cloud, "account": account, "region": region},
        "begin": iso(begin),
        "end": iso(end),
        "stays": list(map(_stay_object, stays)),
        "shares": {_word(state): seconds for state, seconds in shares_of(stays).items()},
        "events": [_event_object(each) for each in events],
    }


def _stay_object(stay: Stay) -> dict[str, object]:
    seconds = stay.end - stay.begin
    return {"state": stay.state or None, "begin": iso(stay.begin), "end": iso(stay.end), "seconds": seconds}


def _event_object(event: Happened) -> dict[str, object]:
    own: dict[str, object] = {"at": iso(event.at), "kind": event.kind, "action": event.action}
    if event.kind == "alert":
        return own | {
            "rule": event.rule, "severity": event.severity, "reason": event.reason, "value": event.value,
        }  # fmt: skip
    return own | {"state": event.what, "previous": event.before, "vendor": event.vendor}
