"""What could stand at the cursor: asked by a shell at the press of a key, so quick, silent, and without any cloud.

Only the module of the command that is being written is imported. What cannot be found out (a configuration with a
mistake in it, a memory that is no memory) is not offered, and nothing is said of it: the line is not even finished.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import NoReturn

import argcomplete
from argcomplete.completers import FilesCompleter, SuppressCompleter

from nephoscope.cli.completing_names import NAMES, Names
from nephoscope.cli.parsing import build_parser

_FILES = ("FILE", "FOLDER")


def complete(commands: Mapping[str, str]) -> NoReturn:
    """Answers the shell on the descriptor that it listens to, and ends the process."""
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            parser = _parser(commands, os.environ.get("COMP_LINE", ""))
            argcomplete.autocomplete(
                parser, always_complete_options=False, exit_method=_leave, default_completer=SuppressCompleter()
            )
    except SystemExit:
        raise
    except BaseException:  # noqa: BLE001 - whatever it is, a person in the middle of a line is not told of it
        _leave(0)
    _leave(0)


def _leave(code: int) -> NoReturn:
    """Without the interpreter's orderly end: that takes as long as the answer did."""
    os._exit(code)


def _parser(commands: Mapping[str, str], line: str) -> argparse.ArgumentParser:
    """With the arguments of the command that the line names, and who knows their values."""
    words = line.split()[1:]
    written = next((word for word in words if word in commands), "")
    whole = written and not line.endswith(written)
    parser = build_parser(commands, only=[written] if whole else [])
    for name, own in _commands_of(parser):
        for action in own._actions:
            _teach(action, name)
    for action in parser._actions:
        _teach(action, "")
    return parser


def _commands_of(parser: argparse.ArgumentParser) -> Iterable[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _teach(action: argparse.Action, command: str) -> None:
    """argcomplete reads an action's attribute of this name."""
    names = NAMES.get((command, action.dest)) or NAMES.get(("", action.dest))
    if names is not None and not action.choices:
        action.completer = _Quiet(names)  # type: ignore[attr-defined]
    elif action.metavar in _FILES:
        action.completer = FilesCompleter()  # type: ignore[attr-defined]


class _Quiet:
    """A completer out of a function of what has been written so far. Where that fails, what it had found is offered."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __call__(self, prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
        found: dict[str, None] = {}
        try:
            for name in self._names(parsed_args):
                if name.startswith(prefix):
                    found[name] = None
        except Exception:  # noqa: BLE001 - as above
            return list(found)
        return list(found)
