"""Runs whose time does not suffice: each says what it did not reach, and the next one makes up for it. The real SDK
over a slow local AWS, a real store, a real receiver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import Outside, SystemClock, open_outside
from nephoscope.app.run import SIDE_BY_SIDE, collect, in_turn, sweep
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import simulate
from nephoscope.localcloud.receivers import Receiver, Reply
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline
from tests.alert_records import a_notification

NOON = 1_795_435_200
REGIONS = ("eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "us-east-1", "us-east-2",
           "us-west-1", "us-west-2", "ca-central-1", "sa-east-1")  # fmt: skip
CONFIG = """
fleet: acme
gather: {{aws: {{regions: [{regions}]}}}}
publish: {{cloudwatch: {{region: eu-central-1}}}}
rules:
  - {{name: cpu-hot, on: instance, when: cpu.utilization > 90 %, for: 3 of 5 min, severity: critical}}
tell:
  chat: {{webhook: "{url}", format: json, allow: [http, private]}}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    with LocalAws(simulate(5, 24, REGIONS, start=NOON, script=()), with_ministack=False) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        running.set_time(NOON + 600)
        yield running


@pytest.fixture
def opened(aws: LocalAws, receiver: Receiver, tmp_path: Path) -> Callable[..., Outside]:
    def open_with(regions: tuple[str, ...]) -> Outside:
        text = CONFIG.format(url=receiver.webhook_url("chat"), regions=", ".join(regions))
        (tmp_path / "nephoscope.yaml").write_text(text)
        config = compile_file(tmp_path / "nephoscope.yaml").config
        settings = Settings(store="sqlite", table=str(tmp_path / "memory.sqlite"), home_region="eu-central-1")
        return open_outside(config, settings, SystemClock())

    return open_with


def soon(seconds: float = 30.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def said(report: Any) -> list[str]:
    return list(report.as_dict()["unreached"])


def test_a_whole_run_has_reached_everything(aws: LocalAws, opened: Callable[..., Outside]) -> None:
    assert said(collect(opened(REGIONS[:2]), NOON + 600, soon())) == []


def test_scopes_whose_turn_did_not_come_are_named_and_are_first_in_the_next_run(
    aws: LocalAws, opened: Callable[..., Outside]
) -> None:
    outside = opened(REGIONS)
    aws.faults.add(Fault(Failing.SLOW, "ec2:DescribeInstances", seconds=20.0))
    report = collect(outside, NOON + 600, soon(4.0))  # 2.6 s of it for reading
    missed = {each.scope for each in report.scopes if each.ended == "unreached"}
    assert len(missed) == len(REGIONS) - SIDE_BY_SIDE
    assert said(report)[0] == f"scopes 4 ({', '.join(map(str, sorted(missed)))})"
    assert all(outside.memory.read_progress(scope).ver == 0 for scope in missed)  # nothing is claimed of them

    aws.faults.clear()
    aws.set_time(NOON + 660)
    after = collect(opened(REGIONS), NOON + 660, soon())
    assert {each.scope for each in after.scopes if each.ended == "done"} >= missed
    assert not [text for text in said(after) if text.startswith("scopes")]


def test_no_scope_is_left_out_for_ever() -> None:
    scopes = tuple(Scope(Cloud.AWS, "111111111111", f"r-{number:02d}") for number in range(30))
    first = [in_turn(scopes, number)[:SIDE_BY_SIDE] for number in range(15)]
    assert {scope for few in first for scope in few} == set(scopes)
    assert all(sorted(in_turn(scopes, number)) == sorted(scopes) for number in range(15))


def test_metrics_that_were_not_read_are_counted_by_scope(aws: LocalAws, opened: Callable[..., Outside]) -> None:
    aws.faults.add(Fault(Failing.SLOW, "cloudwatch:GetMetricData", region="eu-west-1", seconds=20.0))
    report = collect(opened(("eu-central-1", "eu-west-1")), NOON + 600, soon(6.0))
    (text,) = said(report)
    scope = next(each for each in report.scopes if each.scope.region == "eu-west-1")
    assert "eu-west-1: cloudwatch:GetMetricData" in text
    assert "cpu.utilization" in text
    assert scope.ended == "done"  # what is unknown is unknown: the next run reads a wider window
    aws.faults.clear()
    aws.set_time(NOON + 660)
    assert said(collect(opened(("eu-central-1", "eu-west-1")), NOON + 660, soon())) == []


def test_data_that_were_not_published_are_counted(aws: LocalAws, opened: Callable[..., Outside]) -> None:
    outside = opened(REGIONS[:1])
    sink, given = outside.sink, []

    class Late:
        """CloudWatch is reached when the time for it is over."""

        def write_metrics(self, data: Any, deadline: Deadline) -> Any:
            given.append(len(data))
            time.sleep(max(0.0, deadline.remaining))
            return sink.write_metrics(data, deadline)

    report = collect(replace(outside, sink=Late()), NOON + 600, soon(3.0))
    assert given[0] > 0
    assert said(report) == [f"publishing {given[0]}"]
    assert aws.ledger.calls("cloudwatch:PutMetricData") == 0


def test_a_dashboard_that_was_not_drawn_is_said(aws: LocalAws, opened: Callable[..., Outside]) -> None:
    outside = opened(REGIONS[:1])
    aws.faults.add(Fault(Failing.SLOW, "ec2:DescribeInstances", seconds=1.0))
    spent = Deadline(time.monotonic() + 3.0, time.monotonic)
    sink = outside.sink

    class Slow:
        def write_metrics(self, data: Any, deadline: Deadline) -> Any:
            written = sink.write_metrics(data, deadline)
            time.sleep(max(0.0, spent.remaining))
            return written

    report = collect(replace(outside, sink=Slow()), NOON + 600, spent)
    assert "dashboard" in said(report)
    again = collect(opened(REGIONS[:1]), NOON + 660, soon())
    assert again.dashboards == 1


def test_messages_that_were_due_and_not_sent_are_counted(
    aws: LocalAws, opened: Callable[..., Outside], receiver: Receiver
) -> None:
    outside = opened(REGIONS[:1])
    collect(outside, NOON + 600, soon())
    (scope,) = (row.scope for row in outside.memory.read_registry(Cloud.AWS))
    for number in range(40):
        outside.memory.enqueue(scope, a_notification(key=f"a{number}", channel="chat"))
    receiver.script("chat", [Reply(200, wait=1.0)] * 40)
    report = sweep(outside, soon(8.0))
    assert 0 < report.left < 40
    assert report.left == report.owed
    assert report.sent == 40 - report.left
    assert sweep(outside, soon(60.0)).left == 0


KILLED = """
import os, sys, time, signal
from pathlib import Path
from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import SystemClock, open_outside
from nephoscope.app.run import collect
from nephoscope.app.settings import Settings
from nephoscope.model.time import Deadline

folder, slot = Path(sys.argv[1]), int(sys.argv[2])
config = compile_file(folder / "nephoscope.yaml").config
settings = Settings(store="sqlite", table=str(folder / "memory.sqlite"), home_region="eu-central-1")
print("began", flush=True)
collect(open_outside(config, settings, SystemClock()), slot, Deadline(time.monotonic() + 60, time.monotonic))
"""


def test_runs_that_were_killed_are_said_by_the_next_and_in_the_memory(
    aws: LocalAws, opened: Callable[..., Outside], tmp_path: Path
) -> None:
    """As Lambda does when the time is up: no signal that could be handled, no last word."""
    outside = opened(REGIONS[:1])
    collect(outside, NOON + 600, soon())
    aws.faults.add(Fault(Failing.SLOW, "ec2:DescribeInstances", seconds=30.0))
    for minute in (11, 12, 13):
        aws.set_time(NOON + 60 * minute)
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), str(NOON + 60 * minute)]
        process = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "began\n"
        time.sleep(0.5)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    aws.faults.clear()
    aws.set_time(NOON + 60 * 14)
    report = collect(opened(REGIONS[:1]), NOON + 60 * 14, soon())
    scope = report.scopes[0].scope
    assert said(report) == [f"{scope}: slots 3 (2026-11-23T12:11:00Z, 2026-11-23T12:13:00Z)"]
    assert outside.memory.read_progress(scope).skipped == (NOON + 60 * 11, NOON + 60 * 13)
    aws.set_time(NOON + 60 * 15)
    assert said(collect(opened(REGIONS[:1]), NOON + 60 * 15, soon())) == []


def test_the_first_run_of_all_has_skipped_nothing(aws: LocalAws, opened: Callable[..., Outside]) -> None:
    (report,) = collect(opened(REGIONS[:1]), NOON + 600, soon()).scopes
    assert report.skipped == ()
