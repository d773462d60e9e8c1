"""Secrets and a receiver's own words, planted, and looked for in all that a whole run leaves behind: the alert memory,
its reports, what is published, logs, what the command line shows."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import SystemClock, open_outside
from nephoscope.app.run import collect, sweep
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import simulate
from nephoscope.model.scope import Cloud
from nephoscope.model.time import Deadline
from tests.alert_records import a_notification

NOON = 1_795_435_200
KEY = "whsec_" + "Q0FOQVJZ" * 4  # base64 of CANARY, four times
PATH = "CANARY-path"
CANARIES = ("CANARY", "Q0FOQVJZ")
CONFIG = """
fleet: acme
gather: {aws: {regions: [eu-central-1]}}
rules: []
tell:
  chat: {webhook: "${env:CHAT}", secret: "${env:KEY}", format: json, allow: [http, private]}
"""
ANSWERS = {
    "takes": b"HTTP/1.1 200 CANARY-fine\r\nX-Note: CANARY-header\r\nContent-Length: 11\r\n\r\nCANARY-body",
    "refuses": b"HTTP/1.1 400 CANARY-reason\r\nX-Note: CANARY-header\r\nContent-Length: 11\r\n\r\nCANARY-body",
    "sends on": b"HTTP/1.1 302 CANARY\r\nLocation: http://169.254.169.254/CANARY\r\nContent-Length: 0\r\n\r\n",
    "is gone": b"HTTP/1.1 410 CANARY-gone\r\nContent-Length: 11\r\n\r\nCANARY-body",
    "is busy": b"HTTP/1.1 503 CANARY\r\nRetry-After: CANARY\r\nContent-Length: 11\r\n\r\nCANARY-body",
    "talks nonsense": b"CANARY/9.9 no status at all\r\n\r\nCANARY-body",
}


def answering(answer: bytes) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.recv(65_536)
                    connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


@pytest.fixture(params=ANSWERS)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    yield from answering(ANSWERS[request.param])


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    with LocalAws(simulate(5, 4, ("eu-central-1",), start=NOON, script=()), with_ministack=False) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        running.set_time(NOON + 600)
        yield running


def soon() -> Deadline:
    return Deadline(time.monotonic() + 30, time.monotonic)


def test_nothing_that_a_run_leaves_behind_holds_a_secret_or_a_receivers_words(
    aws: LocalAws,
    port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHAT", f"http://127.0.0.1:{port}/{PATH}?token=CANARY-token")
    monkeypatch.setenv("KEY", KEY)
    caplog.set_level(logging.DEBUG)
    (tmp_path / "nephoscope.yaml").write_text(CONFIG)
    settings = Settings(store="sqlite", table=str(tmp_path / "nephoscope.sqlite"), home_region="eu-central-1")
    outside = open_outside(compile_file(tmp_path / "nephoscope.yaml").config, settings, SystemClock())
    collect(outside, NOON + 600, soon())
    (scope,) = (row.scope for row in outside.memory.read_registry(Cloud.AWS))
    for number in range(3):
        outside.memory.enqueue(scope, a_notification(key=f"a{number}", channel="chat"))
    aws.set_time(NOON + 660)
    swept = sweep(outside, soon())
    assert swept.sent + sum(swept.refused.values()) + swept.dead > 0, "it was told to somebody"
    report = collect(outside, NOON + 660, soon())

    shown = [call(tmp_path, "status"), call(tmp_path, "outbox", "list", "--json"), call(tmp_path, "outbox", "list")]
    printed = capfd.readouterr()
    metrics = aws.client("cloudwatch", "eu-central-1").list_metrics(Namespace="nephoscope")["Metrics"]
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("nephoscope.sqlite*"))
    left_behind = {
        "the alert memory": stored.decode("utf-8", "replace"),
        "the run's report": json.dumps(report.as_dict()) + repr(report),
        "the sweeper's report": json.dumps(asdict(swept)) + repr(swept),
        "what is published": json.dumps(metrics),
        "the log": caplog.text,
        "what was printed": printed.out + printed.err,
        "the command line": "".join(shown),
        "the opened outside": repr(outside),
    }
    found = [where for where, text in left_behind.items() if any(canary in text for canary in CANARIES)]
    assert found == []

    outside.memory.enqueue(scope, a_notification(key="control", channel="chat", summary="CANARY"))
    assert any(b"CANARY" in path.read_bytes() for path in tmp_path.glob("nephoscope.sqlite*")), "the search finds"
    assert "CANARY" in call(tmp_path, "outbox", "list", "--json")


def call(folder: Path, *arguments: str) -> str:
    script = Path(sys.executable).with_name("nephoscope")
    done = subprocess.run(
        [script, *arguments], cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout + done.stderr
    return done.stdout + done.stderr
