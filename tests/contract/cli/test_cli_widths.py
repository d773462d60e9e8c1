"""Every command on a narrow and a usual terminal: no line is wider, and no meaning hangs on a colour alone."""

from __future__ import annotations

import io
import re
import sys
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from nephoscope.cli.main import main
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.machines import Instance

CONFIG = """\
fleet: acme
gather: {aws: {regions: [eu-central-1, eu-west-1]}}
rules:
  - {name: cpu-hot, on: instance, when: cpu.utilization > 0 %, for: 10 min, tell: [chat], severity: critical}
  - {name: down, on: instance, when: state is stopped, tell: [chat]}
tell:
  chat: {webhook: "http://127.0.0.1:9/hook", allow: [http, private]}
"""
CALLS = (
    "validate",
    "validate --explain",
    "list",
    "metrics",
    "metrics --catalog",
    "plot cpu.utilization --hours 1",
    "run --dry-run",
    "status",
    "timeline down NAME",
    "explain down NAME",
    "explain cpu-hot ID",
    "outbox",
    "silence list",
    "doctor",
    "test --starter",
)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Screen(io.StringIO):
    """A stream that says it is a terminal. encoding: of one that shows every sign."""

    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def remembered(_running_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A memory after one run, with alerts that are open and messages that nobody took."""
    from tests.contract.cli.conftest import Shell

    folder = tmp_path_factory.mktemp("widths")
    _running_aws.reset()
    _running_aws.set_time(None)
    shell = Shell(folder, {"HOME": str(folder), "PATH": "/usr/bin:/bin", **_running_aws.environment()})
    shell.write(CONFIG)
    moment = int(datetime.now(UTC).timestamp()) // 60 * 60
    assert shell("run", "--slot", datetime.fromtimestamp(moment, UTC).isoformat()).returncode == 1
    return shell


@pytest.fixture
def seen(remembered: Any, aws: LocalAws, victim: Instance, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls in this process on a terminal of a width; what stands there at the end, line by line, escapes left out."""
    aws.set_time(None)
    monkeypatch.chdir(remembered.folder)
    for name, value in remembered.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TERM", "xterm-256color")
    hot = next(each for each in aws.fleet.instances if each.id != victim.id and not each.parked)

    def call(words: str, width: int, *, colours: bool) -> tuple[int, list[str], str]:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("NO_COLOR", "" if colours else "1")
        out, err = Screen(), Screen()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        code = main(words.replace("NAME", victim.name).replace("ID", hot.id).split())
        raw = out.getvalue() + re.split(r"\x1b\[2K", err.getvalue())[-1]
        return code, _ESCAPES.sub("", raw).replace("\r", "\n").split("\n"), out.getvalue()

    return call


@pytest.mark.parametrize(("words", "width"), [*product(CALLS, (40, 80)), ("status", 160), ("list", 160)])
def test_no_line_is_wider_than_the_terminal(seen: Any, words: str, width: int) -> None:
    code, lines, _ = seen(words, width, colours=False)
    assert code in (0, 1)
    assert len([line for line in lines if line.strip()]) > 0
    assert [line for line in lines if len(line) > width] == []


@pytest.mark.parametrize("words", ["status", "outbox", "timeline down NAME", "explain cpu-hot ID", "doctor", "list"])
def test_without_colours_the_same_words_are_there(seen: Any, words: str) -> None:
    """Whatever is coloured is told by a word, too: nothing else differs."""
    _, _, coloured = seen(words, 160, colours=True)
    _, _, plain = seen(words, 160, colours=False)
    ago = re.compile(r"\d+ (?:s|min)\b[ ,\d]*(?:s\b)?")
    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
    assert ago.sub("", _ESCAPES.sub("", coloured)).split() == ago.sub("", plain).split()
