"""Every command that stands in a Markdown file of this repository exists, with the options that it is written with."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

import pytest

from nephoscope.cli import main as cli

ROOT = Path(__file__).resolve().parents[2]
NODE, OSLS = ROOT / ".venv/bin/node", ROOT / "node_modules/osls/lib/cli/commands-schema/aws-service.js"
WRITTEN_FOR_OTHERS = {"tests/outgoing.md"}
FOLDERS = ("", "functions", "infra", "shared", "tests")

_PROGRAM = r"(?:\.venv/bin/|node_modules/\.bin/)?(nephoscope|make|osls|pytest|python -m infra[\w.]*)"
_COMMAND = re.compile(rf"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:nice )?{_PROGRAM}(?: (.*))?$")


@dataclass(frozen=True, slots=True)
class Written:
    """A command as it stands somewhere. whole: a line of its own, so that it can be typed as it is."""

    page: str
    program: str
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.page}: {self.program} {' '.join(self.words)}"


def pages() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).glob("**/*.md" if folder else "*.md")]
    return [path for path in found if str(path.relative_to(ROOT)) not in WRITTEN_FOR_OTHERS]


def texts_of(page: str) -> Iterator[tuple[str, bool]]:
    """Lines of code blocks, continued ones joined; and code within sentences, which may run over a line's end."""
    lines = re.sub(r"\\\n\s*", " ", page).split("\n")
    fenced, prose = False, []
    for line in lines:
        if line.strip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line.strip(), True
        prose.append("" if fenced else line)
    for paragraph in "\n".join(prose).split("\n\n"):
        for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", paragraph):
            yield " ".join(code.split()), False


def commands_in(page: str, name: str = "") -> Iterator[Written]:
    for text, whole in texts_of(page):
        plain = re.sub(r"<[^>]*>", "X", text)  # <output TableName>
        for part in re.split(r" && | \| |; | > ", re.split(r"\s#\s", plain)[0]):
            if found := _COMMAND.match(part.strip()):
                yield Written(name, found[1], tuple(shlex.split(found[2] or "")), whole)


def written() -> list[Written]:
    return [
        each
        for path in pages()
        for each in commands_in(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
        if each.words or each.program.startswith("python")
    ]


# --- what each program knows ------------------------------------------------------------------------------------


class _Caught(Exception):  # noqa: N818 - no error: a way out with a parser in hand
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


@cache
def parser_for(command: str) -> argparse.ArgumentParser:
    """What the command line parses a call of this command with, caught on its way."""

    def catch(parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise _Caught(parser)

    with patch.object(argparse.ArgumentParser, "parse_args", catch), pytest.raises(_Caught) as caught:
        cli.main([command])
    return caught.value.parser


def subparser(command: str) -> argparse.ArgumentParser:
    (commands,) = [each for each in parser_for(command)._actions if isinstance(each, argparse._SubParsersAction)]
    own: argparse.ArgumentParser = commands.choices[command]
    return own


def wrong_nephoscope(command: Written) -> str:
    parser = parser_for("status")
    words = [word.rstrip(".,") for word in command.words]
    while words and words[0].startswith("--"):
        option = words.pop(0)
        if option not in parser._option_string_actions:
            return f"no option {option}"
        if parser._option_string_actions[option].nargs != 0 and words:
            words.pop(0)
    if not words:
        return ""
    name, rest = words[0], words[1:]
    if name not in cli.COMMANDS:
        return f"no command {name}"
    own = subparser(name)
    unknown = [word for word in rest if word.startswith("--") and word not in own._option_string_actions]
    if unknown:
        return f"no option {', '.join(unknown)}"
    return _wrong_choice(own, rest) or (_wrong_as_a_whole(name, command) if command.whole else "")


def _wrong_choice(parser: argparse.ArgumentParser, rest: list[str]) -> str:
    first = next((action for action in parser._actions if not action.option_strings), None)
    if first is None or first.choices is None or not rest or rest[0].startswith("--"):
        return ""
    return "" if rest[0] in first.choices else f"{rest[0]} is none of {', '.join(first.choices)}"


def _wrong_as_a_whole(name: str, command: Written) -> str:
    try:
        parser_for(name).parse_args(list(command.words))
    except SystemExit as stopped:
        return "" if stopped.code == 0 else "it cannot be typed so"
    return ""


@cache
def targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def wrong_make(command: Written) -> str:
    named = [word for word in command.words if "=" not in word and not word.startswith("-")]
    unknown = [
        word.rstrip(".,")
        for word in named
        if word.rstrip(".,") not in targets() and word not in (".venv/.ready", "node_modules/.ready")
    ]
    variables = {word.partition("=")[0] for word in command.words if "=" in word}
    strange = sorted(variables - {"ARGS", "CONFIG", "PARALLEL", "PYTHON"})
    return f"no target {', '.join(unknown)}" if unknown else f"no variable {', '.join(strange)}" if strange else ""


@cache
def osls_commands() -> Mapping[str, list[str]]:
    script = (
        f"const all = {{}}; for (const [name, {{ options }}] of require({json.dumps(str(OSLS))})) "
        "all[name] = Object.keys(options); console.log(JSON.stringify(all));"
    )
    done = subprocess.run([NODE, "-e", script], check=True, capture_output=True, text=True)
    known: Mapping[str, list[str]] = json.loads(done.stdout)
    return known


def wrong_osls(command: Written) -> str:
    if not OSLS.exists():
        pytest.skip("the framework is not installed: make node_modules/.ready")
    plain = [word.rstrip(".,") for word in command.words]
    name = " ".join(word for word in plain[:2] if not word.startswith("--"))
    name = name if name in osls_commands() else plain[0]
    if name not in osls_commands():
        return f"no command {name}"
    unknown = [word for word in plain if word.startswith("--") and word[2:] not in osls_commands()[name]]
    return f"no option {', '.join(unknown)}" if unknown else ""


def wrong_pytest(command: Written) -> str:
    paths = [word.split("::")[0] for word in command.words if word.startswith("tests")]
    missing = [path for path in paths if not list(ROOT.glob(path))]
    return f"no such file: {', '.join(missing)}" if missing else ""


def wrong_module(command: Written) -> str:
    path = ROOT / command.program.removeprefix("python -m ").replace(".", "/")
    return "" if path.with_suffix(".py").exists() else f"no module {path.name}"


JUDGES: Mapping[str, Callable[[Written], str]] = {
    "nephoscope": wrong_nephoscope,
    "make": wrong_make,
    "osls": wrong_osls,
    "pytest": wrong_pytest,
}


def wrong(command: Written) -> str:
    return JUDGES.get(command.program, wrong_module)(command)


@pytest.mark.parametrize("program", ["nephoscope", "make", "osls", "pytest", "python"])
def test_every_command_that_is_written_exists(program: str) -> None:
    commands = [each for each in written() if each.program.split()[0] == program]
    assert commands
    assert {str(each): why for each in commands if (why := wrong(each))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "Say `nephoscope explode`.",
        "Say `nephoscope status --explode`.",
        "Say `nephoscope --explode status`.",
        "Say `nephoscope outbox explode msg_4f2a`.",
        "    nephoscope silence list --for",
        "Say `make explosion`.",
        'Say `make demo ARG="--seed 7"`.',
        "    node_modules/.bin/osls explode",
        "    node_modules/.bin/osls deploy --explode",
        "    .venv/bin/pytest tests/explosions",
        "    .venv/bin/python -m infra.explosion --keep",
        "```\nnephoscope explode\n```",
        "`nephoscope\nexplode`",
    ],
)
def test_a_command_that_does_not_exist_is_noticed(text: str) -> None:
    (command,) = commands_in(text)
    assert wrong(command)


@pytest.mark.parametrize(
    "text",
    [
        "The rule `nephoscope-watch`, the file `nephoscope.yaml` and the word `nephoscope`.",
        "`nephoscope outbox` and `nephoscope --table <output TableName> doctor` and `nephoscope ack cpu-hot web-1`",
        "    nephoscope status --json | jq .firing   # as JSON",
        "    nephoscope dashboard --part 2 > body.json",
        '    make demo ARGS="--seed 7 --instances 600"',
        "    node_modules/.bin/osls deploy --stage test",
    ],
)
def test_what_exists_is_well(text: str) -> None:
    assert [wrong(each) for each in commands_in(text) if each.words] == ["" for each in commands_in(text) if each.words]
