"""Rules on groups in whole runs: the real SDK over the local AWS, a real store, a real receiver, two regions."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import SystemClock, open_outside
from nephoscope.app.run import collect, sweep
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import simulate
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.receivers import Receiver, Reply
from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.scope import Cloud, fleet_scope
from nephoscope.model.time import Deadline

NOON = 1_795_435_200
CONFIG = """
fleet: acme
gather: {{aws: {{regions: [eu-central-1, eu-west-1]}}}}
rules:
  - {{name: few, on: instance, when: count(state is running) < {least}, severity: critical}}
  - {{name: all-warm, on: instance, by: [cloud_region], when: avg(cpu.utilization) > 0.001 %}}
tell:
  chat: {{webhook: "{url}", format: json, allow: [http, private]}}
"""


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture
def aws(monkeypatch):
    """Ten machines in two regions; one of those that run is stopped at minute 6 and started at minute 12."""
    calm = simulate(5, 10, ("eu-central-1", "eu-west-1"), start=NOON, script=())
    parked = next(one for one in calm.instances if not one.parked)
    fleet = calm.with_script([Incident(Happening.STOPPED, 360, 720, (parked.id,))])
    with LocalAws(fleet, with_ministack=False) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def outside(aws, receiver, tmp_path):
    running = sum(not one.parked for one in aws.fleet.instances)
    (tmp_path / "nephoscope.yaml").write_text(CONFIG.format(url=receiver.webhook_url("chat"), least=running))
    config = compile_file(tmp_path / "nephoscope.yaml").config
    settings = Settings(store="sqlite", table=str(tmp_path / "memory.sqlite"), home_region="eu-central-1")
    return open_outside(config, settings, SystemClock())


def live(aws, outside, minutes):
    for minute in minutes:
        aws.set_time(NOON + 60 * minute)
        yield collect(outside, NOON + 60 * minute, Deadline(time.monotonic() + 30, time.monotonic))


def told(receiver, rule):
    data = [one.json()["data"] for one in receiver.received("chat")]
    return [each["transition"] for each in data if each["rule"] == rule]


def test_a_machine_too_few_over_two_regions_is_told_and_told_to_be_over(aws, outside, receiver):
    reports = list(live(aws, outside, range(1, 20)))
    assert told(receiver, "few") == ["fired", "resolved"]
    groups = [one for report in reports for one in report.scopes if one.scope.is_fleet]
    assert {one.ended for one in groups} == {"done"}
    assert [entry.rule for one in groups for entry in one.transitions if entry.rule == "few"] == ["few", "few"]


def test_each_region_has_a_mean_of_its_own(aws, outside, receiver):
    list(live(aws, outside, range(1, 14)))
    assert told(receiver, "all-warm") == ["fired", "fired"]
    names = {one.json()["data"]["resource"]["name"] for one in receiver.received("chat")}
    assert {"instances in aws eu-central-1", "instances in aws eu-west-1"} <= names


def test_a_slot_that_is_run_twice_judges_its_groups_once(aws, outside, receiver):
    twice = [report for minute in range(1, 10) for report in live(aws, outside, (minute, minute))]
    ended = [one.ended for report in twice for one in report.scopes if one.scope.is_fleet]
    assert ended == ["done", "repeated"] * 9
    assert told(receiver, "few") == ["fired"]


def test_the_fleet_is_no_scope_that_is_read_and_its_messages_are_swept(aws, outside, receiver):
    receiver.script("chat", [Reply(503)] * 200)
    list(live(aws, outside, range(1, 9)))
    home = fleet_scope(Cloud.AWS)
    assert home in [row.scope for row in outside.memory.read_registry(Cloud.AWS)]
    owed = outside.memory.read_outbox(home)
    assert [item.notification.rule for item in owed if item.notification.rule == "few"] == ["few"]
    receiver.script("chat", [])
    later = replace(outside, clock=_Later())
    later = replace(later, memory=type(outside.memory)(outside.memory._table, later.clock))
    sweep(later, Deadline(time.monotonic() + 30, time.monotonic))
    assert not later.memory.read_outbox(home)


class _Later(SystemClock):
    """An hour on: whatever waits for its next try is due."""

    def wall(self):
        return super().wall() + 3600


def test_a_store_that_fails_for_the_fleet_alone_leaves_the_scopes_as_they_are(aws, outside, receiver, monkeypatch):
    home = fleet_scope(Cloud.AWS)
    read = outside.memory.read_progress

    def failing(scope):
        if scope == home:
            raise StoreError(operation="read", reason=Reason.THROTTLED)
        return read(scope)

    monkeypatch.setattr(outside.memory, "read_progress", failing)
    (report,) = live(aws, outside, (1,))
    assert [one.ended for one in report.scopes] == ["done", "done", "failed"]
    assert "throttled" in report.scopes[-1].error
