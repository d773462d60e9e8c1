"""The parser of the whole command line: every command with its own arguments, and what all of them understand."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, NoReturn, cast

from nephoscope.cli.defaults import DEFAULT_CONFIG, DEFAULT_STORE, WRONG
from nephoscope.cli.help_text import HelpText

if TYPE_CHECKING:
    from nephoscope.cli.call import Command

DESCRIPTION = """\
Gathers the states and metrics of cloud instances, shows them on one CloudWatch
dashboard, and raises alerts that are neither lost nor doubled."""

EXAMPLES = """\
examples:
  nephoscope demo                    a simulated fleet on a local cloud, no account
  nephoscope validate --explain      what nephoscope.yaml means and will cost
  nephoscope doctor                  are all permissions there?
  nephoscope list --state stopped    which machines are stopped
  nephoscope plot cpu.utilization    their load over a day, in the terminal
  nephoscope run --dry-run           what a run would do now
  nephoscope completion bash         words completed by the Tab key

exit codes: 0 well · 1 something could not be read or delivered · 2 the call or
the configuration is wrong"""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"nephoscope: {message}\n{self.prog} --help shows how it is called\n")


class _Version(argparse.Action):
    """Looked up only when it is asked for: that reads the packages' metadata."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        parser.exit(0, f"nephoscope {version('nephoscope')}\n")


def build_parser(commands: Mapping[str, str], only: Collection[str] | None = None) -> Parser:
    """commands: name -> module. only: those whose modules are imported, the others have a name and nothing else; None:
    all."""
    parser = Parser(prog="nephoscope", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=HelpText)
    parser.add_argument("--version", action=_Version, nargs=0, help="say which version this is")
    _add_global(parser, first=True)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in commands.items():
        if only is not None and name not in only:
            subparsers.add_parser(name, add_help=False)
            continue
        command = cast("Command", import_module(module))
        own = subparsers.add_parser(
            name, help=command.HELP, description=command.HELP, epilog=command.EXAMPLES, formatter_class=HelpText
        )
        own.set_defaults(command=command)
        command.add_arguments(own)
        _add_global(own)
    return parser


def _add_global(parser: argparse.ArgumentParser, *, first: bool = False) -> None:
    """Understood before and behind the command's name; behind it, what stood before it is kept when nothing is said."""
    group = parser.add_argument_group("for every command")
    unsaid = None if first else argparse.SUPPRESS
    group.add_argument(
        "--config",
        metavar="FILE",
        default=DEFAULT_CONFIG if first else unsaid,
        help=f"YAML, or the compiled JSON (default: {DEFAULT_CONFIG})",
    )
    memory = group.add_mutually_exclusive_group()
    memory.add_argument(
        "--store",
        metavar="FILE",
        default=unsaid,
        help=f"remember in this SQLite file (default: {DEFAULT_STORE}, where no table is named)",
    )
    memory.add_argument(
        "--table", metavar="NAME", default=unsaid, help="remember in this DynamoDB table: the deployment's own"
    )
    group.add_argument(
        "--no-color", action="store_true", default=False if first else argparse.SUPPRESS, help="like NO_COLOR=1"
    )
