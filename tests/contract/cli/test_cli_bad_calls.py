"""A wrong call and a wrong configuration: exit code 2, a sentence with what to do, and nothing is read or made.

In this process: nothing here gets as far as a cloud (tests/conftest.py points every SDK at a port that refuses).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from nephoscope.cli.main import COMMANDS, main

GOOD = "fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nephoscope.yaml").write_text(GOOD, encoding="utf-8")


def code_of(arguments: Sequence[str]) -> object:
    """The exit code, whether it was returned or argparse left with it."""
    try:
        return main(arguments)
    except SystemExit as exit_:
        return exit_.code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "usage: nephoscope"),
        (("lits",), "invalid choice: 'lits'"),
        (("list", "--config", "nowhere.yaml"), "there is no configuration nowhere.yaml"),
        (("list", "--config", "."), ". is a folder"),
        (("list", "--state", "dead"), "invalid choice: 'dead'"),
        (("metrics", "--metric", "cpu.utilisation"), "did you mean cpu.utilization?"),
        (("run", "--slot", "noon"), '"noon" is no time'),
        (("run", "--slot", "2999-01-01T00:00:00Z"), "has not come yet"),
        (("run", "--dry-run", "--slot", "noon"), '"noon" is no time'),
        (("status",), "nothing is remembered here: there is no nephoscope.sqlite"),
        (("outbox",), "nothing is remembered here: there is no nephoscope.sqlite"),
        (("status", "--store", "a", "--table", "b"), "not allowed with argument"),
        (("--store", "a", "status", "--table", "b"), "name two memories"),
        (("outbox", "show"), "needs to know which"),
        (("outbox", "list", "msg_1"), "takes no id"),
        (("validate", "--instances", "0"), "is not a number of at least 1"),
        (("demo", "--minutes", "x"), "is not a number of at least 1"),
        (("dashboard", "--print", "--push"), "not allowed with argument"),
    ],
)
def test_a_wrong_call_is_told_with_what_to_do(
    arguments: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert [path.name for path in Path().iterdir()] == ["nephoscope.yaml"]


@pytest.mark.parametrize("command", ["list", "validate", "run", "doctor"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fleet: acme\ngather: {aws: {regions: [eu-wset-1]}}\n", 'nephoscope.yaml:2:26: unknown region "eu-wset-1"'),
        ("fleet: acme\ngather: {aws: {regions: []}}\n", "nephoscope.yaml:2:25: gather.aws.regions: no region"),
        (GOOD + "watch: {}\n", 'unknown key "watch"'),
        (GOOD + "rules:\n- {name: a, on: instance, when: cpu.utilization > 101 %}\n", "nephoscope.yaml:4:"),
        ("", "nephoscope.yaml:1:1: the file is empty"),
        ("a: [", "nephoscope.yaml:1:"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_place(
    command: str, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("nephoscope.yaml").write_text(text, encoding="utf-8")
    assert code_of([command]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert "1 problem\nNothing was read or changed.\n" in shown.err


def test_all_problems_are_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    rules = (
        "rules:\n- {name: a, on: instance, when: cpu.utilisation > 1 %}\n- {name: a, on: instance, when: size > 1 B}\n"
    )
    Path("nephoscope.yaml").write_text("flet: acme\n" + GOOD + rules, encoding="utf-8")
    assert code_of(["validate"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if line.startswith("nephoscope.yaml:")]) >= 3
    assert lines[0].startswith("nephoscope.yaml:1:1: ")


def test_a_compiled_configuration_of_another_version_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.json").write_text('{"rules": [], "what": 1}', encoding="utf-8")
    assert code_of(["list", "--config", "config.json"]) == 2
    assert "config.json:1:1: not a compiled configuration of this version" in capsys.readouterr().err


def test_a_file_that_is_no_memory_is_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(["status", "--store", "nephoscope.yaml"]) == 1
    shown = capsys.readouterr()
    assert "file is not a database" in shown.err
    assert "--store FILE" in shown.err


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        assert code_of([command, "--help"]) == 0
        assert f"\nexamples:\n  nephoscope {command}" in capsys.readouterr().out
