"""What runs keep as history, in a real Elasticsearch that is slow, away or killed: nothing is lost and nothing doubled.

The real SDK reads a local AWS, a real store remembers, a real receiver is told. What must stand there in the end is
asked of CloudWatch itself, point by point.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import Outside, SystemClock, open_outside
from nephoscope.app.run import collect
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.localcloud.fleet import Fleet, simulate
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance
from nephoscope.localcloud.receivers import Receiver
from nephoscope.model.time import DAY, Deadline
from nephoscope.sinks.elasticsearch import bodies
from tests.history_server import standing

NOON = 1_795_435_200  # 2026-11-23T12:00:00Z
REGION = "eu-central-1"
CONFIG = """
fleet: acme
gather: {{aws: {{regions: [{region}]}}}}
publish:
  cloudwatch: {{region: {region}}}
  elasticsearch: {{url: "{search}", index: {index}, tags: [role]}}
rules:
  - {{name: cpu-hot, on: instance, when: cpu.utilization > 1 %, for: 3 of 5 min, severity: critical}}
tell:
  chat: {{webhook: "{url}", format: json, allow: [http, private]}}
"""


@pytest.fixture(scope="module")
def elastic() -> Iterator[ElasticServer]:
    with standing(ElasticServer()) as server:
        yield server


@pytest.fixture
def up(elastic: ElasticServer) -> Iterator[ElasticServer]:
    yield elastic
    if not elastic.running:
        elastic.start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    fleet = simulate(5, 12, (REGION,), start=NOON, script=())
    victim = victim_of(fleet)
    stop = Incident(Happening.STOPPED, 720, 900, instances=(victim.id,))
    with LocalAws(fleet.with_script((stop,)), with_ministack=False) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        running.set_time(NOON + 600)
        yield running


def victim_of(fleet: Fleet) -> Instance:
    """The machine that is stopped at 12:12."""
    return next(each for each in fleet.instances if each.fine and not each.parked)


class World:
    """One deployment with an index prefix and a memory of its own; each `run` is a new process' first."""

    def __init__(self, aws: LocalAws, receiver: Receiver, search: str, folder: Path) -> None:
        self.aws, self.folder, self.index = aws, folder, f"t{uuid.uuid4().hex[:8]}"
        text = CONFIG.format(url=receiver.webhook_url("chat"), region=REGION, search=search, index=self.index)
        (folder / "nephoscope.yaml").write_text(text, encoding="utf-8")
        self.slots: list[int] = []

    def outside(self) -> Outside:
        config = compile_file(self.folder / "nephoscope.yaml").config
        settings = Settings(store="sqlite", table=str(self.folder / "memory.sqlite"), home_region=REGION)
        return open_outside(config, settings, SystemClock())

    def run(self, minute: int, seconds: float = 30.0) -> Any:
        slot = NOON + 60 * minute
        self.aws.set_time(slot)
        self.slots.append(slot)
        return collect(self.outside(), slot, soon(seconds))

    def says(self, command: str) -> str:
        """What a person reads; the sentences on stderr alone."""
        path = str(self.folder / "nephoscope.yaml")
        words = [
            sys.executable,
            "-m",
            "nephoscope.cli.main",
            command,
            "--config",
            path,
            "--store",
            str(self.folder / "memory.sqlite"),
        ]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=30).stderr

    def script(self, before: str, minute: int) -> str:
        """A process that runs the slot of this minute, after `before`."""
        return textwrap.dedent(f"""
            import os, signal, time
            from pathlib import Path
            from nephoscope.app.authoring.compile import compile_file
            from nephoscope.app.outside import SystemClock, open_outside
            from nephoscope.app.run import collect
            from nephoscope.app.settings import Settings
            from nephoscope.model.time import Deadline
            from nephoscope.sinks.elasticsearch import bodies, client
            {before}
            config = compile_file(Path({str(self.folder / "nephoscope.yaml")!r})).config
            settings = Settings(store="sqlite", table={str(self.folder / "memory.sqlite")!r}, home_region={REGION!r})
            outside = open_outside(config, settings, SystemClock())
            print(collect(outside, {NOON + 60 * minute}, Deadline(time.monotonic() + 30, time.monotonic)).kept)
        """)


def soon(seconds: float = 30.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def documents(elastic: ElasticServer, alias: str) -> list[dict[str, Any]]:
    """Everything that stands under an alias, with its id and index."""

    def ask(method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", elastic.port, timeout=20)
        data = json.dumps(body) if body is not None else None
        connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    ask("POST", f"/{alias}/_refresh")
    found = ask("POST", f"/{alias}/_search", {"size": 10_000, "track_total_hits": True})
    hits = found["hits"]["hits"]
    assert found["hits"]["total"]["value"] == len(hits)
    return [hit["_source"] | {"_id": hit["_id"], "_index": hit["_index"]} for hit in hits]


def points(elastic: ElasticServer, world: World) -> dict[tuple[str, int], float]:
    """(machine, time) -> value of the processor's load; a point that stands twice is no point."""
    found: dict[tuple[str, int], float] = {}
    for each in documents(elastic, f"{world.index}-metrics"):
        if each["metric"]["name"] == "cpu.utilization":
            at = int(datetime.fromisoformat(each["@timestamp"]).timestamp())
            key = (each["host"]["id"], at)
            assert key not in found, "one point, two documents"
            found[key] = each["metric"]["value"]
    return found


def truth(aws: LocalAws, since: int, until: int) -> dict[tuple[str, int], float]:
    """The same of CloudWatch itself, asked as anybody would."""
    found: dict[tuple[str, int], float] = {}
    client = boto3.client("cloudwatch", region_name=REGION)
    for instance in aws.fleet.instances:
        period = 60 if instance.fine else 300
        metric = {
            "Namespace": "AWS/EC2",
            "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "InstanceId", "Value": instance.id}],
        }
        query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": period, "Stat": "Average"}}
        start, end = (datetime.fromtimestamp(each, UTC) for each in (since, until))
        (result,) = client.get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=end)["MetricDataResults"]
        for at, value in zip(result["Timestamps"], result["Values"], strict=True):
            found[instance.id, int(at.timestamp())] = value / 100
    return found


def assert_complete(elastic: ElasticServer, world: World) -> None:
    """Everything between the first and the last point that is kept of a machine, and nothing else, each once."""
    kept = points(elastic, world)
    times: dict[str, list[int]] = {}
    for host, at in kept:
        times.setdefault(host, []).append(at)
    real = truth(world.aws, min(at for _, at in kept), max(world.slots))
    wanted = {(host, at): v for (host, at), v in real.items() if min(times[host]) <= at <= max(times[host])}
    assert kept == pytest.approx(wanted)
    fine = [instance.id for instance in world.aws.fleet.instances if instance.fine]
    assert max(at for host, at in kept if host in fine) == max(world.slots) - 180  # EC2's newest settled minute


@pytest.fixture
def world(aws: LocalAws, receiver: Receiver, up: ElasticServer, tmp_path: Path) -> World:
    return World(aws, receiver, up.url, tmp_path)


def test_runs_keep_every_point_that_they_read_once(world: World, up: ElasticServer) -> None:
    reports = [world.run(minute) for minute in (10, 11, 12, 13)]
    assert [report.errors for report in reports] == [()] * 4
    assert all(report.kept.owed == {} and report.kept.dead == 0 for report in reports)
    assert_complete(up, world)
    assert len(points(up, world)) == sum(report.kept.taken - report.kept.again for report in reports) - len(
        documents(up, f"{world.index}-states")
    ) - len(documents(up, f"{world.index}-alerts"))


def test_a_point_says_what_it_is_of_in_standard_words(world: World, up: ElasticServer) -> None:
    world.run(10)
    machine = next(each for each in world.aws.fleet.instances if each.fine)
    found = [each for each in documents(up, f"{world.index}-metrics") if each["host"]["id"] == machine.id]
    newest = max(found, key=lambda each: each["@timestamp"])
    assert newest["@timestamp"] == "2026-11-23T12:07:00Z"
    assert newest["_index"] == f"{world.index}-metrics-2026.11.23"
    assert newest["cloud"] == {
        "provider": "aws",
        "account": {"id": machine.account},
        "region": REGION,
        "availability_zone": machine.zone,
        "resource_id": machine.id,
    }
    assert newest["host"] == {"id": machine.id, "name": machine.name, "type": machine.type}
    assert newest["labels"] == {"role": machine.tags["role"]}
    assert newest["nephoscope"] == {"fleet": "acme"}
    assert {name: newest["metric"][name] for name in ("name", "unit", "period")} == {
        "name": "cpu.utilization",
        "unit": "1",
        "period": 60,
    }


def test_states_tell_a_machines_life_and_transitions_an_alerts(world: World, up: ElasticServer) -> None:
    for minute in (10, 11, 12, 13, 14, 15):
        assert world.run(minute).errors == ()
    victim = victim_of(world.aws.fleet).id
    states = [each for each in documents(up, f"{world.index}-states") if each["host"]["id"] == victim]
    lived = [(each["event"]["action"], each["state"]["name"]) for each in sorted(states, key=lambda s: s["@timestamp"])]
    assert lived == [
        ("first_seen", "running"),
        ("state_changed", "stopping"),
        ("state_changed", "stopped"),
        ("state_changed", "starting"),
    ]
    transitions = documents(up, f"{world.index}-alerts")
    scope = next(iter(world.outside().memory.read_registry(next(iter(world.outside().readers))))).scope
    remembered = world.outside().memory.read_history(scope, limit=1000)
    told = {(each["rule"]["name"], each["event"]["action"], each["resource"]["id"]) for each in transitions}
    assert {(entry.rule, str(entry.kind), entry.resource_id) for entry in remembered} == told
    assert ("cpu-hot", "fired") in {(rule, action) for rule, action, _ in told}
    assert len(transitions) == len(remembered)


def test_the_same_slots_run_twice_give_equal_documents(
    aws: LocalAws, receiver: Receiver, up: ElasticServer, tmp_path: Path
) -> None:
    """As by a schedule that fires twice into two places that share no memory."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = (World(aws, receiver, up.url, tmp_path / each) for each in ("a", "b"))
    text = (one.folder / "nephoscope.yaml").read_text(encoding="utf-8")
    (other.folder / "nephoscope.yaml").write_text(text, encoding="utf-8")
    for minute in (10, 11):
        assert one.run(minute).errors == ()
    before = {kind: documents(up, f"{one.index}-{kind}") for kind in ("metrics", "states", "alerts")}
    for minute in (10, 11):
        report = other.run(minute)
        assert report.errors == ()
        assert report.kept.again == report.kept.taken > 0
    after = {kind: documents(up, f"{one.index}-{kind}") for kind in ("metrics", "states", "alerts")}
    for kind, found in before.items():
        assert sorted(found, key=lambda each: each["_id"]) == sorted(after[kind], key=lambda each: each["_id"])
        assert found


# --- a server that is away ----------------------------------------------------------------------------------------


def test_what_a_server_that_is_away_has_missed_is_sent_when_it_is_back(
    world: World, up: ElasticServer, receiver: Receiver
) -> None:
    world.run(10)
    up.stop()
    for minute in (11, 12, 13, 17, 18):  # it stops a machine at 12, and three runs are missing as well
        report = world.run(minute)
        assert any("Elasticsearch at 127.0.0.1" in error and "refused" in error for error in report.errors)
        assert all(scope.ended == "done" for scope in report.scopes)
        assert report.dashboards == 0  # it stood, and was looked at
    scope = report.scopes[0].scope
    kept = world.outside().memory.read_kept(scope)
    assert kept.marks["cpu.utilization@60"] == NOON + 480  # the end of the last minute that was settled at 12:10
    assert kept.failures == 5
    assert world.says("status").count("8 min of history are not kept yet: Elasticsearch at 127.0.0.1") == 1
    up.start()
    report = world.run(19)
    assert report.errors == ()
    assert report.kept.owed == {}
    assert "history" not in world.says("status")
    assert_complete(up, world)
    # Each run says what was owed when it began, seconds of EC2's fine points: nothing at 12:11, for 12:10 kept all.
    assert owed_figures(world) == {10: 0, 11: 0, 12: 60, 13: 120, 17: 180, 18: 420, 19: 480}
    victim = victim_of(world.aws.fleet).id
    states = [each for each in documents(up, f"{world.index}-states") if each["host"]["id"] == victim]
    assert {each["state"]["name"] for each in states} >= {"running", "stopped"}
    memory = world.outside().memory
    assert memory.read_parcels(scope) == {}
    assert len(documents(up, f"{world.index}-alerts")) == len(memory.read_history(scope, limit=1000))


def owed_figures(world: World) -> dict[int, float]:
    """Minute -> seconds, as the dashboard reads them."""
    dimensions = [{"Name": "cloud_provider", "Value": "aws"}, {"Name": "fleet", "Value": "acme"}]
    metric = {"Namespace": "nephoscope", "MetricName": "nephoscope.history_owed", "Dimensions": dimensions}
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
    start, end = (datetime.fromtimestamp(each, UTC) for each in (NOON, NOON + 3600))
    client = boto3.client("cloudwatch", region_name=REGION)
    (found,) = client.get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=end)["MetricDataResults"]
    return {
        (int(at.timestamp()) - NOON) // 60: value
        for at, value in zip(found["Timestamps"], found["Values"], strict=True)
    }


@contextmanager
def black_hole() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        for each in held:
            each.close()


def test_a_clock_that_is_a_year_ahead_deletes_nothing(
    aws: LocalAws, elastic: ElasticServer, receiver: Receiver, tmp_path: Path
) -> None:
    """`keep` counts from the slot, which the provider's scheduler gives: a function whose clock is wrong would delete
    all that is kept."""

    class Ahead(SystemClock):
        def wall(self) -> float:
            return super().wall() + 365 * DAY

    world = World(aws, receiver, elastic.url, tmp_path)
    world.run(10)
    before = {each["_id"] for each in documents(elastic, f"{world.index}-metrics")}
    assert len(before) > 0
    aws.set_time(NOON + 660)
    report = collect(replace(world.outside(), clock=Ahead()), NOON + 660, soon())
    assert report.kept is not None and report.kept.owed == {}
    assert before <= {each["_id"] for each in documents(elastic, f"{world.index}-metrics")}


def test_alerts_and_the_dashboard_do_not_wait_for_it(aws: LocalAws, receiver: Receiver, tmp_path: Path) -> None:
    with black_hole() as url:
        world = World(aws, receiver, url, tmp_path)
        outside = world.outside()
        begun: list[float] = []
        history = outside.history
        assert history is not None

        class Watched:
            def prepare(self, slot: int, deadline: Deadline) -> None:
                begun.append(time.time())
                assert len(receiver.received("chat")) > 0  # everybody was told before
                assert aws.ledger.calls("cloudwatch:PutDashboard") == 1
                history.prepare(slot, deadline)

            def write_documents(self, *args: Any) -> Any:
                return history.write_documents(*args)

            def close(self) -> None:
                history.close()

        report = collect(replace(outside, history=Watched()), NOON + 600, soon(12.0))
        assert len(begun) == 1
        assert report.delivery.sent > 0
        assert any("no answer in time" in error for error in report.errors)
        assert report.seconds < 14


# --- killed in the middle -----------------------------------------------------------------------------------------


@pytest.fixture
def small_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_DOCUMENTS", 20)


KILL = """
            bodies.BODY_DOCUMENTS = {body}
            exchange, sent = client.Client.exchange, []
            def one_more(self, method, path, *args, **kwargs):
                answer = exchange(self, method, path, *args, **kwargs)
                if path == "/_bulk":
                    sent.append(path)
                    if len(sent) == 3:
                        os.kill(os.getpid(), signal.SIGKILL)
                return answer
            client.Client.exchange = one_more
"""


@pytest.mark.parametrize(("minute", "body"), [(10, 20), (11, 3)])
def test_a_process_killed_in_the_middle_of_it_loses_and_doubles_nothing(
    world: World, up: ElasticServer, minute: int, body: int
) -> None:
    if minute > 10:
        world.run(10)
    world.aws.set_time(NOON + 60 * minute)
    script = world.script(KILL.format(body=body), minute)
    died = subprocess.run([sys.executable, "-c", script], env=dict(os.environ), check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    some = len(points(up, world))
    assert some > 0
    report = world.run(minute + 1)
    assert report.errors == ()
    assert len(points(up, world)) > some
    assert_complete(up, world)
    scope = report.scopes[0].scope
    assert len(documents(up, f"{world.index}-alerts")) == len(world.outside().memory.read_history(scope, limit=1000))
    assert len({each["host"]["id"] for each in documents(up, f"{world.index}-states")}) == 12


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_server_that_ends_in_the_middle_of_it_loses_and_doubles_nothing(
    world: World, up: ElasticServer, how: str, monkeypatch: pytest.MonkeyPatch, small_bodies: None
) -> None:
    outside = world.outside()
    client: Any = outside.history.client  # type: ignore[union-attr]
    exchange, sent = client.exchange, list[str]()

    def ends(method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        if path == "/_bulk":
            sent.append(path)
            if len(sent) == 3:
                getattr(up, how)()
        return exchange(method, path, *args, **kwargs)

    monkeypatch.setattr(client, "exchange", ends)
    world.aws.set_time(NOON + 600)
    world.slots.append(NOON + 600)
    report = collect(outside, NOON + 600, soon(7.0))
    assert report.kept is not None
    assert report.kept.owed
    assert any("history:" in error for error in report.errors)
    up.start()
    report = world.run(11)
    assert report.errors == ()
    assert_complete(up, world)
    scope = report.scopes[0].scope
    assert len(documents(up, f"{world.index}-alerts")) == len(world.outside().memory.read_history(scope, limit=1000))
