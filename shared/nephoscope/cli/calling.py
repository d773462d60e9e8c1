"""One call: its arguments understood, its command done, every failure that is ours turned into words and a code."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import cast

from nephoscope.cli.call import Call, CallError, Command
from nephoscope.cli.defaults import FAILED, WRONG
from nephoscope.cli.parsing import build_parser
from nephoscope.cli.terminal import Terminal
from nephoscope.model.errors import ConfigError, NephoscopeError, Reason, StoreError
from nephoscope.pipeline.wording import clean


def run(commands: Mapping[str, str], arguments: Sequence[str] | None) -> int:
    """The exit code; argparse itself exits with 2 on a wrong call and 0 after --help."""
    parser = build_parser(commands)
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
