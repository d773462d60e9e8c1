"""`nephoscope demo`: the arguments; the demonstration itself is in demo.py, with all that it imports."""

from __future__ import annotations

import argparse
from importlib import import_module

from nephoscope.cli.call import Call, CallError

HELP = "Show everything on this machine: a simulated fleet, a local AWS, alerts that arrive."
EXAMPLES = """\
examples:
  nephoscope demo
  nephoscope demo --instances 1000 --minutes 60 --seed 7
  nephoscope demo --serve              keep the page up until Ctrl-C
  nephoscope demo --with-history       keep what is gathered in a real Elasticsearch, and ask it"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=1, help="another number is another fleet (default: 1)")
    parser.add_argument("--instances", type=positive, default=300, help="machines in the fleet (default: 300)")
    parser.add_argument("--minutes", type=positive, default=45, help="minutes that are lived through (default: 45)")
    parser.add_argument("--out", metavar="FOLDER", default="build/demo", help="where results go (default: build/demo)")
    parser.add_argument(
        "--with-history", action="store_true", help="keep history in a real Elasticsearch on this machine (Java, Maven)"
    )
    parser.add_argument("--serve", action="store_true", help="keep the page up until Ctrl-C; a terminal does so anyway")


def positive(text: str) -> int:
    """argparse's type for a number of things. Raises ArgumentTypeError."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return number


def run(call: Call) -> int:
    try:
        demo = import_module("nephoscope.cli.demo")
    except ModuleNotFoundError as error:
        raise CallError(
            f"the demonstration needs {error.name}", "Install it with: pip install 'nephoscope[cli,local]'"
        ) from error
    code: int = demo.run(call.args, call.terminal)
    return code
