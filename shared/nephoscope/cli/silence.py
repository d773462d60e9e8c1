"""`nephoscope silence`: keep quiet about something for a while."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace

from nephoscope.app.outside import Outside
from nephoscope.cli.ack import person
from nephoscope.cli.call import WELL, Call, CallError, add_cloud_argument
from nephoscope.cli.memory import open_existing
from nephoscope.cli.table import Cell, Column
from nephoscope.model.quiet import Matcher, Silence
from nephoscope.model.rule import Selector, Severity
from nephoscope.model.scope import Cloud
from nephoscope.model.time import DAY, MINUTE, floor_to, iso
from nephoscope.pipeline.wording import clean, render_duration

HELP = "Silence alerts for a while; list silences; end one early."
EXAMPLES = """\
examples:
  nephoscope silence add --rule cpu-hot --resource 'web-*' --for 2h --why deploy
  nephoscope silence add --tag env=staging --for 1d
  nephoscope silence list
  nephoscope silence expire 4f2a

What fires meanwhile is shown and not sent; what is still there at the end is announced
then. What was told before stays told: its end is sent, quiet or not."""

LONGEST = 30 * DAY
_UNITS = {"m": 60, "min": 60, "h": 3600, "d": DAY}
COLUMNS = (
    Column("ID"),
    Column("WHAT"),
    Column("LEFT", right=True),
    Column("BY", rank=2),
    Column("WHY", rank=1),
    Column("UNTIL", rank=3),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["add", "list", "expire"])
    parser.add_argument("id", nargs="*", help="with expire: a silence's id, or its first letters")
    for option, what in (
        ("--rule", "a rule's name; * stands for any part of it"),
        ("--resource", "a resource's name or id; * stands for any part of it"),
        ("--account", "an account, project or subscription"),
        ("--region", "a region; * stands for any part of it"),
    ):
        parser.add_argument(option, action="append", default=[], help=what)
    parser.add_argument("--severity", action="append", default=[], choices=[each.value for each in Severity])
    parser.add_argument("--tag", action="append", default=[], metavar="NAME=VALUE", help="a tag that the resource has")
    add_cloud_argument(parser)
    parser.add_argument("--all", action="store_true", help="with add: everything; it must be said")
    parser.add_argument("--for", dest="duration", default="", metavar="2h", help="how long: 30m, 2h, 1d; 30d at most")
    parser.add_argument("--why", default="", help="stands in the list")
    parser.add_argument("--by", default="", help="who says so; default: who is signed in here")
    parser.add_argument("--json", action="store_true", help="of list one JSON list, of add the silence")


def run(call: Call) -> int:
    if call.args.action != "expire" and call.args.id:
        raise CallError(f"silence {call.args.action} takes no id", "nephoscope silence --help")
    outside = open_existing(call)
    if call.args.action == "add":
        return _add(call, outside)
    if call.args.action == "expire":
        return _expire(call, outside)
    return _list(call, outside)


def _add(call: Call, outside: Outside) -> int:
    now = int(call.clock.wall())
    match = _matcher(call.args)
    said = Silence(
        id=secrets.token_hex(4),
        match=match,
        starts=floor_to(now, MINUTE),  # the run of this very minute may be on its way
        ends=now + duration_of(call.args.duration),
        by=person(call.args.by),
        why=call.args.why,
    )
    for cloud in outside.config.gather.kinds:
        outside.memory.write_silence(cloud, said)
    if call.args.json:
        call.terminal.json(_object(said))
    else:
        call.terminal.line(f"Silence {said.id}: {what_words(match)}, until {iso(said.ends)}.")
    if not any(map(match.names_rule, outside.config.rules)):
        call.terminal.problem("no rule has such a name", "nephoscope validate --explain lists them.")
    call.terminal.note(f"nephoscope silence expire {said.id} ends it early")
    return WELL


def _matcher(args: argparse.Namespace) -> Matcher:
    """Raises CallError where nothing is named and --all is not said, or a tag is none."""
    tags: dict[str, tuple[str, ...]] = {}
    for text in args.tag:
        name, found, value = text.partition("=")
        if not found or not name:
            raise CallError(f'--tag "{clean(text)}" is no NAME=VALUE', "For any value: --tag NAME='*'")
        tags[name] = (*tags.get(name, ()), value)
    match = Matcher(
        rules=tuple(args.rule),
        resources=tuple(args.resource),
        severities=tuple(args.severity),
        clouds=tuple(args.cloud),
        accounts=tuple(args.account),
        regions=tuple(args.region),
        where=Selector(tags),
    )
    if match == Matcher() and not args.all:
        raise CallError("a silence of everything", "Name a --rule, --resource, --tag ...; or say --all.")
    return match


def duration_of(text: str) -> int:
    """Seconds. Raises CallError."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz ").strip()
    unit = text[len(number) :].strip()
    if not number.isdecimal() or unit not in _UNITS:
        raise CallError(f'--for "{clean(text)}" is no duration' if text else "how long?", "For example: --for 2h")
    seconds = int(number[:9]) * _UNITS[unit]
    if not 0 < seconds <= LONGEST:
        raise CallError(
            f"{clean(text)} is not between a minute and 30 days", "A rule that is never heard has `tell: []`."
        )
    return seconds


def _silences(outside: Outside) -> list[Silence]:
    """Each once, though it stands in every cloud's partition."""
    found = {said.id: said for cloud in _clouds(outside) for said in outside.memory.read_silences(cloud)}
    return sorted(found.values(), key=lambda said: (said.ends, said.id))


def _clouds(outside: Outside) -> Sequence[Cloud]:
    return tuple(outside.config.gather.kinds)


def _list(call: Call, outside: Outside) -> int:
    now = call.clock.wall()
    open_ones = [said for said in _silences(outside) if said.ends > now]
    if call.args.json:
        call.terminal.json_list(map(_object, open_ones))
    elif open_ones:
        call.terminal.table(COLUMNS, [_row(said, now) for said in open_ones])
    call.terminal.note(f"{len(open_ones)} in force" if open_ones else "nothing is silenced")
    return WELL


def _object(said: Silence) -> dict[str, object]:
    return {**asdict(said), "starts": iso(said.starts), "ends": iso(said.ends)}


def _row(said: Silence, now: float) -> list[Cell | str]:
    left = render_duration(said.ends - now)
    return [said.id, what_words(said.match), left, clean(said.by), clean(said.why), iso(said.ends)]


def _expire(call: Call, outside: Outside) -> int:
    now = int(call.clock.wall())
    if not call.args.id:
        raise CallError("silence expire needs to know which", "nephoscope silence list shows them.")
    for word in call.args.id:
        found = [said for said in _silences(outside) if said.ends > now and said.id.startswith(word.lower())]
        if len(found) != 1:
            many = f"{len(found)} silences begin with" if found else "no silence in force begins with"
            raise CallError(f'{many} "{clean(word)}"', "nephoscope silence list shows them.")
        for cloud in _clouds(outside):
            outside.memory.write_silence(cloud, replace(found[0], ends=now))
        call.terminal.line(f"Silence {found[0].id} is over; what is still there is announced by the next run.")
    return WELL


def what_words(match: Matcher) -> str:
    """`rule cpu-hot, resource web-*, env=staging`; `everything`."""
    named = {
        "rule": match.rules,
        "resource": match.resources,
        "severity": match.severities,
        "cloud": match.clouds,
        "account": match.accounts,
        "region": match.regions,
    }
    words = [f"{name} {' or '.join(values)}" for name, values in named.items() if values]
    words += [f"{name}={' or '.join(values)}" for name, values in match.where.tags.items()]
    return clean(", ".join(words)) or "everything"
