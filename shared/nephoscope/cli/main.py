"""`nephoscope`: the entrance for people. Commands are listed here, each in a file of its own name.

No command decides anything: what it shows comes from the floors below. Every failure that is ours ends as a sentence
on stderr with an exit code, never as a traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from typing import NoReturn, cast

from nephoscope.cli.call import DEFAULT_CONFIG, DEFAULT_STORE, FAILED, WRONG, Call, CallError, Command
from nephoscope.cli.terminal import Terminal
from nephoscope.model.errors import ConfigError, NephoscopeError, Reason, StoreError
from nephoscope.pipeline.wording import clean

COMMANDS: Mapping[str, str] = {
    "demo": "nephoscope.cli.show",
    "validate": "nephoscope.cli.validate",
    "test": "nephoscope.cli.test",
    "backtest": "nephoscope.cli.backtest",
    "doctor": "nephoscope.cli.doctor",
    "list": "nephoscope.cli.list",
    "metrics": "nephoscope.cli.metrics",
    "plot": "nephoscope.cli.plot",
    "run": "nephoscope.cli.run",
    "status": "nephoscope.cli.status",
    "timeline": "nephoscope.cli.timeline",
    "explain": "nephoscope.cli.explain",
    "ack": "nephoscope.cli.ack",
    "silence": "nephoscope.cli.silence",
    "outbox": "nephoscope.cli.outbox",
    "send-test": "nephoscope.cli.send_test",
    "dashboard": "nephoscope.cli.dashboard",
}
"""In the order in which a newcomer meets them."""

INTERRUPTED = 130
CLOSED_PIPE = 141
"""128 and the number of SIGINT and SIGPIPE: what a shell expects of a program that was stopped so."""

DESCRIPTION = """\
Gathers the states and metrics of cloud instances, shows them on one CloudWatch
dashboard, and raises alerts that are neither lost nor doubled."""

EPILOG = """\
examples:
  nephoscope demo                    a simulated fleet on a local cloud, no account
  nephoscope validate --explain      what nephoscope.yaml means and will cost
  nephoscope doctor                  are all permissions there?
  nephoscope list --state stopped    which machines are stopped
  nephoscope run --dry-run           what a run would do now

exit codes: 0 well · 1 something could not be read or delivered · 2 the call or
the configuration is wrong"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script. Returns the exit code; argparse itself exits with 2 on a wrong call and 0 after --help."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name in a script that the terminal's encoding lacks
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_pipe()
        return CLOSED_PIPE
    except KeyboardInterrupt:
        _stop()
    return code


def _stop() -> NoReturn:
    """At once: calls that other threads still wait for would hold up an orderly end for as long as they take."""
    sys.stderr.write("\nnephoscope: stopped\n")
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(INTERRUPTED)


def _run(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help(sys.stderr)
        return WRONG
    args = parser.parse_args(arguments)
    terminal = Terminal(color=not args.no_color)
    call = Call(args, terminal)
    try:
        return cast(Command, args.command).run(call)
    except CallError as error:
        terminal.problem(str(error), error.hint)
        return WRONG
    except ConfigError as error:
        _show_problems(error, terminal)
        return WRONG
    except NephoscopeError as error:
        terminal.problem(clean(str(error)), _hint(error))
        return FAILED


def _hint(error: NephoscopeError) -> str:
    return _STORE_HINTS.get(error.reason, "") if isinstance(error, StoreError) else ""


_STORE_HINTS: Mapping[Reason, str] = {
    Reason.NOT_FOUND: "Is the table in this region and account? The stack's output TableName names it: --table NAME.",
    Reason.DENIED: "nephoscope doctor --table NAME tells what these credentials may do.",
    Reason.MALFORMED: "Is it a memory that nephoscope wrote? Name another with --store FILE.",
    Reason.UNAVAILABLE: "Nothing was decided. Try again; nephoscope doctor tells whether it is reached at all.",
}


def _show_problems(error: ConfigError, terminal: Terminal) -> None:
    terminal.listed([str(problem) for problem in error.problems])
    number = len(error.problems)
    terminal.problem("1 problem" if number == 1 else f"{number} problems", "Nothing was read or changed.")


def _leave_pipe() -> None:
    """The reader is gone (`| head`). Python flushes stdout at its end: into nothing, so that it does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"nephoscope: {message}\n{self.prog} --help shows how it is called\n")


def _parser() -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="nephoscope", description=DESCRIPTION, epilog=EPILOG, formatter_class=shape)
    parser.add_argument("--version", action="version", version=f"nephoscope {version('nephoscope')}")
    _add_global(parser, first=True)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = cast(Command, import_module(module))
        own = commands.add_parser(
            name, help=command.HELP, description=command.HELP, epilog=command.EXAMPLES, formatter_class=shape
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


if __name__ == "__main__":
    sys.exit(main())
