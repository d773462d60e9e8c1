"""Completion as the shells do it: by bash's and fish's own machinery, and zsh's function with its list caught."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.cli.main import COMMANDS
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.machines import Instance

NOWHERE = "http://127.0.0.1:9"
CONFIG = """\
fleet: acme
gather: {aws: {regions: [eu-central-1, eu-west-1]}}
rules:
  - {name: cpu-hot, on: instance, when: cpu.utilization > 90 %, tell: []}
  - {name: down, on: instance, when: state is stopped, tell: [chat]}
tell:
  chat: {sns: "arn:aws:sns:eu-west-1:111111111111:chat"}
  oncall: {sns: "arn:aws:sns:eu-west-1:111111111111:oncall", fallback: true}
"""
BASH = """\
source {script}
COMP_LINE={line} COMP_POINT={point} COMP_TYPE=9
_python_argcomplete nephoscope
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """\
compdef() {{ :; }}
_describe() {{ print -rl -- ${{(P)2}} }}
source {script}
words=(nephoscope) BUFFER={line} CURSOR={point}
_python_argcomplete
"""
FISH = "source {script}; complete -C {line}"


@cache
def printed(shell: str) -> str:
    """What the command prints for it."""
    script = Path(sys.executable).with_name("nephoscope")
    return subprocess.run([script, "completion", shell], capture_output=True, text=True, check=True).stdout


class Line:
    """What a shell offers for a line with the cursor at its end."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        scripts = str(Path(sys.executable).parent)
        path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
        self.environment = {"PATH": path, "HOME": str(folder), "TERM": "dumb", **environment}

    def __call__(self, line: str, shell: str = "bash") -> list[str]:
        template = {"bash": BASH, "zsh": ZSH, "fish": FISH}[shell]
        options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
        script = self._folder / shell
        script.write_text(printed(shell), encoding="utf-8")
        asked = template.format(line=shlex.quote(line), point=len(line), script=shlex.quote(str(script)))
        done = subprocess.run(
            [shell, *options, "-c", asked],
            cwd=self._folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stderr == ""
        # zsh and fish show what a word means behind it; argcomplete ends what is alone with a blank
        words = (each.split("\t")[0].strip() for each in done.stdout.splitlines())
        return [word.partition(":")[0] if shell == "zsh" else word for word in words if word]


@pytest.fixture
def line(tmp_path: Path) -> Line:
    """No cloud can be reached, and there is a configuration."""
    (tmp_path / "nephoscope.yaml").write_text(CONFIG, encoding="utf-8")
    return Line(tmp_path, AWS_ENDPOINT_URL=NOWHERE, AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")


def installed(shell: str) -> Any:
    why = f"{shell} is not installed here; Debian has it as `{shell}`"
    return pytest.param(shell, marks=pytest.mark.skipif(shutil.which(shell) is None, reason=why))


SHELLS = [installed(shell) for shell in ("bash", "zsh", "fish")]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_completes_commands_options_and_names(line: Line, shell: str) -> None:
    assert set(line("nephoscope ", shell)) == set(COMMANDS)
    assert line("nephoscope backtest --rule cpu", shell) == ["cpu-hot"]
    assert {"--hours", "--out", "--zone", "--config"} <= set(line("nephoscope plot --", shell))


@pytest.mark.parametrize(
    ("written", "offered"),
    [
        ("nephoscope pl", {"plot"}),
        ("nephoscope --config other.yaml pl", {"plot"}),
        ("nephoscope plot --the", {"--theme"}),
        ("nephoscope plot cpu.utilization --theme ", {"light", "dark"}),
        ("nephoscope plot ", set(load_catalog().metrics)),
        ("nephoscope plot cpu.utilization --zone Europe/Berl", {"Europe/Berlin"}),
        ("nephoscope plot cpu.utilization --by reg", {"region"}),
        ("nephoscope send-test ", {"chat", "oncall"}),
        ("nephoscope outbox enable on", {"oncall"}),
        ("nephoscope list --cloud g", {"gcp"}),
        ("nephoscope completion ", {"bash", "zsh", "fish"}),
        ("nephoscope --config nephoscope.y", {"nephoscope.yaml"}),
        ("nephoscope ack cpu", {"cpu-hot"}),
        ("nephoscope plot cpu.utilization --hours ", set()),
    ],
)
def test_bash_completes(line: Line, written: str, offered: set[str]) -> None:
    assert set(line(written)) == offered


def test_alerts_and_machines_come_from_the_memory_here(shell: Any, aws: LocalAws, victim: Instance, noon: int) -> None:
    """Written by a real run; afterwards no cloud is there to be asked."""
    shell.write(CONFIG.replace("tell: [chat]", "tell: []"))
    assert shell("run", "--slot", _iso(noon)).returncode == 0
    (letters,) = {alert["alert"][:6] for alert in _firing(shell) if alert["resource"] == victim.id}
    aws.ledger.clear()
    line = Line(shell.folder, **{name: value for name, value in shell.environment.items() if name != "PATH"})
    assert line(f"nephoscope ack {letters[:3]}") == [letters]
    assert set(line("nephoscope explain down ")) >= {victim.name, victim.id}
    assert victim.name in line(f"nephoscope plot cpu.utilization --resource {victim.name[:4]}")
    assert aws.ledger.entries() == ()


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _firing(shell: Any) -> list[dict[str, Any]]:
    return [alert for each in json.loads(shell("status", "--json").stdout) for alert in each["firing"]]


@pytest.mark.parametrize(
    "broken",
    ["rules: [", "\x00", "fleet: acme\ngather: {mars: {}}\n", "rules: !include /dev/zero\n"],
)
def test_with_a_broken_configuration_names_are_missing_and_nothing_is_said(
    line: Line, tmp_path: Path, broken: str
) -> None:
    (tmp_path / "nephoscope.yaml").write_text(broken, encoding="utf-8")
    (tmp_path / "nephoscope.sqlite").write_text("no memory", encoding="utf-8")
    assert line("nephoscope backtest --rule ") == []
    assert line("nephoscope explain ") == []
    assert line("nephoscope pl") == ["plot"]


def test_a_command_name_costs_no_sdk_and_no_table(line: Line) -> None:
    """At the press of a key: what is imported is what takes the time."""
    code = (
        "import os, sys; os.environ |= {'_ARGCOMPLETE': '1', 'COMP_LINE': 'nephoscope pl', 'COMP_POINT': '13'};"
        "import nephoscope.cli.completing as c; from nephoscope.cli.main import COMMANDS;"
        "c._parser(COMMANDS, 'nephoscope pl');"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in ('rich', 'boto3', 'yaml', 'botocore')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
