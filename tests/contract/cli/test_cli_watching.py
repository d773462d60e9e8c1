"""What `status` and `outbox` say of functions that have stopped, and of runs that were killed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from nephoscope.app.outside import SystemClock
from nephoscope.model.alert import AlertRecord, AlertState, Commit
from nephoscope.model.beat import Beat, watch_scope
from nephoscope.model.memory import Progress
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.watching import key_of
from nephoscope.stores.memory import Memory
from nephoscope.stores.sqlite import open_table
from tests.alert_records import a_notification

WEB = Scope(Cloud.AWS, "111111111111", "eu-central-1")
TWO = """\
fleet: acme
gather: {aws: {regions: [eu-central-1]}, gcp: {projects: [acme-web]}}
tell: {chat: {webhook: "https://chat.example/hook", format: slack}}
"""


@pytest.fixture
def memory(shell: Any) -> Memory:
    """Of a deployment whose Google functions were last heard of twenty minutes ago, which AWS's have told."""
    shell.write(TWO)
    memory, now = Memory(open_table(str(shell.folder / "nephoscope.sqlite")), SystemClock()), int(time.time())
    memory.register(WEB)
    memory.write_progress(Progress(WEB, ver=1, slot=now, heartbeat=now, skipped=(now - 300, now - 180)))
    memory.write_beat(Beat(Cloud.AWS, 1, now, now, now, {}, ("gcp",)))
    memory.write_beat(Beat(Cloud.GCP, 1, now - 1200, now - 1200))
    key = key_of(Cloud.AWS, "gcp")
    open_since = AlertRecord(key, "nephoscope-watch", "gcp", ver=1, state=AlertState.FIRING, fired_at=now - 900)
    told = a_notification(key, channel="chat", rule="nephoscope-watch")
    memory.commit(Commit(watch_scope(Cloud.AWS), 0, open_since, (told,)))
    return memory


def test_status_says_whose_functions_are_silent(shell: Any, memory: Memory) -> None:
    done = shell("status")
    assert done.returncode == 1
    assert "gcp: its functions have been silent for 20 min" in done.stderr
    assert "aws: its functions" not in done.stderr
    assert "nephoscope-watch" in done.stdout  # among what fires
    assert "no run has ended here yet" not in done.stderr  # where watchers write there is no scope


def test_status_names_the_slots_that_no_run_has_ended(shell: Any, memory: Memory) -> None:
    assert "aws 111111111111 eu-central-1: slots 3 (" in shell("status").stderr
    (standing,) = json.loads(shell("status", "--json").stdout)
    assert len(standing["skipped"]) == 2


def test_outbox_lists_what_the_watchers_owe(shell: Any, memory: Memory) -> None:
    (owed,) = json.loads(shell("outbox", "list", "--json").stdout)
    assert (owed["notification"]["rule"], owed["scope"]) == ("nephoscope-watch", "aws#nephoscope#functions")
