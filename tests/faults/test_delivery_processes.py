"""Real processes on one SQLite file, killed with SIGKILL or side by side; real threads on DynamoDB."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alert_records import a_commit
from delivery_world import Arrival, Process, World, settle, violations
from nephoscope.model.alert import AlertState
from nephoscope.model.scope import Cloud, Scope
from nephoscope.ports import Table
from nephoscope.stores import dynamodb, sqlite

KEYS = tuple(f"a{number}" for number in range(12))

RUN = """
import json, os, sys, time
sys.path.insert(0, sys.argv[1])
from contextlib import closing
from delivery_world import Process, World
from nephoscope.model.alert import AlertState
from nephoscope.model.scope import Scope
from nephoscope.stores import sqlite

_, tests, folder, scope, slot, keys, later = sys.argv
log = os.open(folder + "/arrivals", os.O_APPEND | os.O_CREAT | os.O_WRONLY)

class Real(Process):
    def _arrive(self, notification):
        told = [notification.channel, notification.alert_key, notification.seq]
        os.write(log, (json.dumps(told) + "\\n").encode())
        time.sleep(0.003)
    def wall(self):
        return time.time() + float(later)
    def monotonic(self):
        return time.monotonic()

with closing(sqlite.open_table(folder + "/memory.db")) as table:
    print("ready", flush=True)
    Real(World(table, Scope.from_key(scope))).run(int(slot), keys.split(","))
"""


def start(folder: Path, scope: Scope, slot: int, later: float) -> subprocess.Popen[str]:
    tests = str(Path(__file__).parents[1])
    arguments = [sys.executable, "-c", RUN, tests, str(folder), scope.key, str(slot), ",".join(KEYS), str(later)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def world_after(folder: Path, scope: Scope, table: Table, faults: int) -> World:
    """The same world as seen from here, with what has arrived so far."""
    world = World(table, scope, faults=faults, now=time.time() + 100_000)
    for line in (folder / "arrivals").read_text().splitlines():
        channel, key, seq = json.loads(line)
        state = AlertState.FIRING if seq % 2 else AlertState.OK
        (notification,) = a_commit(key, seq, state, (channel,), scope=scope, at=seq).notifications
        world.arrivals.append(Arrival(channel, notification))
    return world


@pytest.fixture
def scope() -> Scope:
    return Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1")


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_outright_four_times(tmp_path: Path, scope: Scope, seed: int) -> None:
    """Each has at least 72 ms of work, and is killed somewhere in the first 60; the next begins when the last one's
    leases are over."""
    chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
    killed = 0
    for number in range(4):
        process = start(tmp_path, scope, number + 1, later=number * 1000.0)
        time.sleep(chance.uniform(0.005, 0.06))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed >= 2, "the runs were too quick to be killed"
    (tmp_path / "arrivals").touch()
    with closing(sqlite.open_table(str(tmp_path / "memory.db"))) as table:
        world = world_after(tmp_path, scope, table, faults=killed)
        settle(world, 4, KEYS)
        assert violations(world, 4, KEYS) == []


def test_four_processes_at_once_tell_everything_once(tmp_path: Path, scope: Scope) -> None:
    processes = [start(tmp_path, scope, 2, later=0.0) for _ in range(4)]
    said = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
    with closing(sqlite.open_table(str(tmp_path / "memory.db"))) as table:
        world = world_after(tmp_path, scope, table, faults=0)
        settle(world, 2, KEYS)
        assert violations(world, 2, KEYS) == []
        assert len(world.arrivals) == len(KEYS) * 2 * 2


# --- DynamoDB -----------------------------------------------------------------------------------------------------


@pytest.fixture
def dynamodb_table(ministack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for variable, value in ministack.environment().items():
        monkeypatch.setenv(variable, value)
    client = dynamodb.open_client()
    name = f"processes-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(client, name)
    yield dynamodb.open_table(name, client=client)
    client.close()


@pytest.mark.parametrize("runs", [2, 6])
def test_runs_at_once_on_dynamodb_tell_everything_once(dynamodb_table: Table, scope: Scope, runs: int) -> None:
    world = World(dynamodb_table, scope)
    keys = KEYS[:4]
    threads = [threading.Thread(target=lambda: Process(world).run(2, keys)) for _ in range(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settle(world, 2, keys)
    assert violations(world, 2, keys) == []
    assert len(world.arrivals) == len(keys) * 2 * 2
