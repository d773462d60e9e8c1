"""Each example that a help shows is a call that the parser takes, and every command shows some."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import import_module

import pytest

from nephoscope.cli import parsing
from nephoscope.cli.help_text import fold_help
from nephoscope.cli.main import COMMANDS

_REMARK = re.compile(r"\s{2,}\S.*$")
_ONWARDS = re.compile(r"\s[|>]\s.*$")


def examples(text: str) -> Iterator[str]:
    """Calls without the remark behind them, and without what a shell does with their output."""
    for line in text.splitlines():
        if line.startswith("  nephoscope "):
            yield _ONWARDS.sub("", _REMARK.sub("", line.strip()))


EVERY = {name: import_module(module).EXAMPLES for name, module in COMMANDS.items()} | {"": parsing.EXAMPLES}
CALLS = [(name, call) for name, text in EVERY.items() for call in examples(text)]


def test_a_remark_and_a_pipe_are_no_part_of_the_call() -> None:
    text = "examples:\n  nephoscope list --json | jq '.[]'\n  nephoscope plot cpu  in the terminal\n  other line"
    assert list(examples(text)) == ["nephoscope list --json", "nephoscope plot cpu"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_of_its_own(name: str) -> None:
    assert [call for call in examples(EVERY[name]) if call.split()[1] == name]


@pytest.mark.parametrize(("name", "call"), CALLS)
def test_every_example_parses(name: str, call: str) -> None:
    _, *words = shlex.split(call)
    args = parsing.build_parser(COMMANDS).parse_args(words)
    assert EVERY[name] == args.command.EXAMPLES or not name


@pytest.mark.parametrize("width", [40, 78, 158])
@pytest.mark.parametrize("name", EVERY)
def test_help_fits_but_for_calls_which_are_never_broken(name: str, width: int) -> None:
    text = EVERY[name]
    lines = fold_help(text, width).splitlines()
    calls = {part for line in text.splitlines() if line.startswith("  ") for part in (line.strip(), _whole(line))}
    assert all(len(line) <= width or line.strip() in calls for line in lines)
    assert "".join(text.split()) == "".join(" ".join(lines).split())


def _whole(line: str) -> str:
    return _REMARK.sub("", line.strip())


def test_a_remark_without_room_stands_below_its_example() -> None:
    call = "  nephoscope ack 3f2a91     by its letters,\n                            as status shows"
    text = f"examples:\n{call}\n\nSome\nprose."
    assert fold_help(text, 36).splitlines() == [
        "examples:",
        "  nephoscope ack 3f2a91",
        "      by its letters, as status",
        "      shows",
        "",
        "Some prose.",
    ]
