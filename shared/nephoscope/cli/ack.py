"""`nephoscope ack`: somebody has seen an alert, and the others need not hear of it again."""

from __future__ import annotations

import argparse
import getpass
from dataclasses import asdict

from nephoscope.cli.alerts import find_alert
from nephoscope.cli.call import WELL, Call
from nephoscope.cli.memory import about_words, open_existing
from nephoscope.model.quiet import Acknowledgement
from nephoscope.model.time import iso
from nephoscope.pipeline.wording import clean

HELP = "Acknowledge an alert: no repeats and no escalation until it ends."
EXAMPLES = """\
examples:
  nephoscope ack 3f2a91                      by its letters, as `nephoscope status` shows them
  nephoscope ack cpu-hot web-1               by its rule and the machine's name or id
  nephoscope ack 3f2a91 --by ana

The end of the alert is told all the same. When it fires another time, that is another
episode, and is told, repeated and escalated anew."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alert", help="first letters of its key, or its rule")
    parser.add_argument("resource", nargs="?", default="", help="with a rule: the machine's name or id")
    parser.add_argument("--by", default="", help="who has seen it; default: who is signed in here")
    parser.add_argument("--json", action="store_true", help="one JSON document: what is remembered of it")


def run(call: Call) -> int:
    outside = open_existing(call)
    known = find_alert(outside, call.args.alert, call.args.resource, open_only=True)
    record, who = known.record, person(call.args.by)
    said = Acknowledgement(record.alert_key, record.episode, who, int(call.clock.wall()))
    outside.memory.acknowledge(known.scope, said)
    if call.args.json:
        call.terminal.json({**asdict(said), "at": iso(said.at)})
    else:
        call.terminal.line(f"{record.rule} on {about_words(record)} is acknowledged by {clean(who)}.", "green")
    call.terminal.note("nobody hears of it again until it ends")
    return WELL


def person(said: str) -> str:
    """Who acts: as they say, or as this machine knows them."""
    if said:
        return said
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user, as in some containers
        return "somebody"
