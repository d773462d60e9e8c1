"""`--json` is one document everywhere, whatever there is; an error is a sentence on stderr, and no document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nephoscope.cli.main import COMMANDS
from nephoscope.cli.parsing import build_parser
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.machines import Instance

WITHOUT = {"demo", "dashboard", "web", "completion"}
"""demo writes summary.json; dashboard prints CloudWatch's own JSON as it is; completion prints a script."""

CONFIG = """\
fleet: acme
gather: {aws: {regions: [eu-central-1, eu-west-1]}}
rules: [{name: down, on: instance, when: state is stopped, tell: [chat]}]
tell: {chat: {webhook: "http://127.0.0.1:9/hook", allow: [http, private]}}
"""


def test_every_command_that_prints_data_has_the_option() -> None:
    parser = build_parser(COMMANDS)
    (commands,) = (action.choices for action in parser._actions if action.dest == "==SUPPRESS==" and action.choices)
    having = {name for name, own in commands.items() if any("--json" in each.option_strings for each in own._actions)}
    assert having == set(COMMANDS) - WITHOUT


def document(shell: Any, *words: str) -> Any:
    return json.loads(shell(*words, "--json").stdout)


def test_after_a_run_each_is_one_document(shell: Any, victim: Instance) -> None:
    shell.write(CONFIG)
    ran = document(shell, "run")
    assert [each["rule"] for each in ran["transitions"] if each["resource"] == victim.id] == ["down"]
    assert document(shell, "run", "--dry-run").keys() == {"slot", "scopes", "dashboard"}
    assert {each["cloud_region"] for each in document(shell, "status")} == {"eu-central-1", "eu-west-1"}
    assert {each["notification"]["rule"] for each in document(shell, "outbox")} == {"down"}
    assert [each["kind"] for each in document(shell, "timeline", "down", victim.name)] == ["fired"]
    assert document(shell, "explain", "down", victim.name)["state"] == "firing"
    assert document(shell, "ack", "down", victim.name, "--by", "ana").keys() == {"alert_key", "episode", "by", "at"}
    added = document(shell, "silence", "add", "--rule", "down", "--for", "2h")
    assert document(shell, "silence", "list") == [added]
    assert document(shell, "validate")["valid"] is True
    (fired, resolved) = document(shell, "send-test", "chat", "--dry-run")
    assert (fired["channel"], fired["message"], resolved["message"]) == ("chat", "fired", "resolved")


def test_nothing_is_an_empty_list(shell: Any) -> None:
    shell.write("fleet: acme\ngather: {aws: {regions: [af-south-1]}}\nrules: []\n")
    assert document(shell, "list") == []
    assert document(shell, "metrics") == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("status",), 2),  # no memory yet
        (("plot", "cpu.utilisation"), 2),
        (("explain", "down"), 2),
        (("backtest", "--rule", "none"), 2),
        (("send-test", "none"), 2),
    ],
)
def test_an_error_is_a_sentence_and_no_document(shell: Any, aws: LocalAws, words: tuple[str, ...], code: int) -> None:
    done = shell(*words, "--json")
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("nephoscope: ")
