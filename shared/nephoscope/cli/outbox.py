"""`nephoscope outbox`: notifications that are owed or were given up: look, send again, or let go."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from nephoscope.app.outside import Outside
from nephoscope.cli.call import FAILED, WELL, Call, CallError
from nephoscope.cli.memory import open_existing, places, registered
from nephoscope.cli.owed import Entry, drop, find, read_entries, replay
from nephoscope.cli.table import Cell, Column
from nephoscope.model.alert import Owed
from nephoscope.model.time import iso
from nephoscope.pipeline.wording import clean, render_duration, render_headline, render_id

HELP = "Show notifications that are owed or were given up; send them again or let them go."
EXAMPLES = """\
examples:
  nephoscope outbox                          what is owed, oldest first
  nephoscope outbox show msg_4f2a            the whole message; the first letters are enough;
                                             of a group every member
  nephoscope outbox replay msg_4f2a          due again now; the next run or sweep sends it
  nephoscope outbox drop msg_4f2a            let it go: nobody will be told
  nephoscope outbox enable chat              its receiver asked for no more messages (HTTP
                                             410), and is put right

Exit code 1 while a notification stands there given up."""

SHORTEST = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", default="list", choices=["list", "show", "replay", "drop", "enable"], help="default: list"
    )
    parser.add_argument("id", nargs="*", help="a notification's id, or the first letters of it; for enable a channel")
    parser.add_argument("--json", action="store_true", help="of list one JSON list, of show a document for each")


def run(call: Call) -> int:
    if (call.args.action == "list") == bool(call.args.id):
        wanted = "takes no id" if call.args.id else "needs to know which"
        raise CallError(f"outbox {call.args.action} {wanted}", "nephoscope outbox lists them.")
    outside = open_existing(call)
    entries = read_entries(outside)
    if call.args.action == "list":
        _note_unreadable(call, outside)
        return _list(call, entries)
    if call.args.action == "enable":
        return max(_enable(call, outside, name) for name in call.args.id)
    chosen = [find(prefix, entries) for prefix in call.args.id]
    return max(_ACTIONS[call.args.action](call, outside, entry) for entry in chosen)


# --- list ---------------------------------------------------------------------------------------------------------

COLUMNS = (
    Column("ID"),
    Column("STATUS"),
    Column("CHANNEL", rank=1),
    Column("RULE", rank=2),
    Column("EVENT", rank=4),
    Column("RESOURCE", rank=3),
    Column("TRIES", rank=6, right=True),
    Column("AGE", rank=5, right=True),
    Column("LAST REASON", rank=7, flows=True),
)


def _list(call: Call, entries: Sequence[Entry]) -> int:
    if call.args.json:
        call.terminal.json_list(map(_object, entries))
    elif entries:
        length = _shortest([entry.id for entry in entries]) if call.terminal.fitted else None
        now = call.clock.wall()
        call.terminal.table(COLUMNS, [_row(entry, length, now) for entry in entries])
    dead = sum(entry.notifications for entry in entries if entry.item.status is Owed.DEAD)
    owed = sum(entry.notifications for entry in entries) - dead
    call.terminal.note(f"{owed} owed, {dead} given up" if entries else "nothing is owed to anybody")
    if dead:
        call.terminal.problem(f"{dead} given up", "`outbox show ID` tells why; `outbox replay ID` sends it again.")
    return FAILED if dead else WELL


def _note_unreadable(call: Call, outside: Outside) -> None:
    for scope in places(outside):
        for row in outside.memory.read_unreadable(scope):
            call.terminal.note(f"{scope}: {row.sk}: cannot be read: {row.problem}")


def _shortest(ids: Sequence[str]) -> int:
    """So many letters tell them apart, and a few more."""
    return next((n for n in range(SHORTEST, 64) if len({each[:n] for each in ids}) == len(set(ids))), 64)


def _row(entry: Entry, length: int | None, now: float) -> list[Cell | str]:
    item, notification = entry.item, entry.item.notification
    return [
        entry.id[:length],
        Cell(item.status, "red" if item.status is Owed.DEAD else ""),
        clean(notification.channel),
        clean(notification.rule),
        notification.kind,
        f"a group of {len(entry.members)}" if item.group is not None else clean(render_id(notification.subject.id)),
        str(item.attempts),
        render_duration(now - item.created_at),
        clean(item.last),
    ]


# --- one of them --------------------------------------------------------------------------------------------------


def _show(call: Call, outside: Outside, entry: Entry) -> int:  # noqa: ARG001 - all actions have one shape
    if call.args.json:
        call.terminal.json(_object(entry), pretty=True)
        return WELL
    item, notification = entry.item, entry.item.notification
    call.terminal.heading(render_headline(notification))
    facts = {
        "id": notification.id,
        "status": item.status,
        "channel": notification.channel,
        "rule": f"{notification.rule}: {notification.condition}",
        "event": f"{notification.kind} ({notification.why}) at {iso(notification.at)}",
        "scope": entry.scope,
        "owed since": iso(item.created_at),
        "tries": item.attempts,
        "next try": iso(item.next_at) if item.next_at and item.status is Owed.READY else "",
        "last reason": item.last,
        "runbook": notification.runbook,
        **notification.links,
    }
    for name, fact in facts.items():
        if str(fact):
            call.terminal.line(f"{name + ':':<14}{clean(str(fact))}")
    for member in entry.members:
        told = member.notification
        call.terminal.line(f"  {told.id}  {told.kind:<12}  {render_headline(told)}")
    return WELL


def _replay(call: Call, outside: Outside, entry: Entry) -> int:
    if not replay(outside, entry):
        return _changed(call, entry)
    call.terminal.line(f"{entry.id} is due again: the next run or sweep sends it to {entry.item.notification.channel}")
    return WELL


def _drop(call: Call, outside: Outside, entry: Entry) -> int:
    if not drop(outside, entry):
        return _changed(call, entry)
    call.terminal.line(f"{entry.id} is let go: {entry.item.notification.channel} will not be told of it")
    return WELL


def _enable(call: Call, outside: Outside, name: str) -> int:
    if name not in outside.config.channels:
        raise CallError(f'there is no channel "{clean(name)}"', f"There are: {', '.join(outside.config.channels)}.")
    clouds = {scope.cloud for scope in registered(outside)}
    enabled = [cloud for cloud in clouds if outside.memory.enable_channel(cloud, name)]
    call.terminal.line(f"{name} is told again from now on" if enabled else f"{name} was not switched off")
    return WELL


def _changed(call: Call, entry: Entry) -> int:
    call.terminal.problem(
        f"{entry.id} has changed meanwhile: a run or a sweep had its hands on it",
        "Look again with `nephoscope outbox`; nothing was done.",
    )
    return FAILED


_ACTIONS = {"show": _show, "replay": _replay, "drop": _drop}


def _object(entry: Entry) -> dict[str, object]:
    item = entry.item
    return {
        "scope": entry.scope.key,
        "status": item.status,
        "attempts": item.attempts,
        "created_at": iso(item.created_at),
        "next_at": iso(item.next_at) if item.next_at else None,
        "last": item.last,
        "notification": asdict(item.notification),
        **({"members": [asdict(member.notification) for member in entry.members]} if entry.members else {}),
    }
