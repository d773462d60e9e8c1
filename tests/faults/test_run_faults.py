"""Whole runs, in process, with the real SDK over the local AWS, a real store and a real receiver: doubled, overlapping,
lost, blind, without their store. What people are told must not depend on any of it."""

import json
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import SystemClock, open_outside
from nephoscope.app.run import collect, sweep
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import simulate
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.receivers import Receiver, Reply
from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.resource import Kind
from nephoscope.model.time import Deadline

NOON = 1_795_435_200
CONFIG = """
fleet: acme
gather: {{aws: {{regions: [eu-central-1, eu-west-1]}}}}
rules:
  - {{name: cpu-hot, on: instance, when: cpu.utilization > 90 %, for: 3 of 5 min, severity: critical}}
tell:
  chat: {{webhook: "{url}", format: json, allow: [http, private]}}
"""


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture
def aws(monkeypatch):
    """Twelve machines in two regions; one with detailed monitoring is saturated from minute 5 to 15."""
    calm = simulate(5, 12, ("eu-central-1", "eu-west-1"), start=NOON, script=())
    hot = next(one for one in calm.instances if one.fine and not one.parked)
    fleet = calm.with_script([Incident(Happening.CPU_SATURATED, 300, 900, (hot.id,))])
    with LocalAws(fleet, with_ministack=False) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def open_again(aws, receiver, tmp_path):
    """A function's process: each call opens a new one on the same memory."""
    (tmp_path / "nephoscope.yaml").write_text(CONFIG.format(url=receiver.webhook_url("chat")))
    config = compile_file(tmp_path / "nephoscope.yaml").config
    settings = Settings(store="sqlite", table=str(tmp_path / "memory.sqlite"), home_region="eu-central-1")
    return lambda: open_outside(config, settings, SystemClock())


def deadline(seconds=30):
    return Deadline(time.monotonic() + seconds, time.monotonic)


def live(aws, outside, minutes):
    reports = []
    for minute in minutes:
        aws.set_time(NOON + 60 * minute)
        reports.append(collect(outside, NOON + 60 * minute, deadline()))
    return reports


def told(receiver):
    """(transition, rule, id) of what the receiver took, in its order."""
    messages = [one.json() for one in receiver.received("chat")]
    return [(message["data"]["transition"], message["data"]["rule"], message["id"]) for message in messages]


def kinds(receiver):
    return [kind for kind, _, _ in told(receiver)]


def heartbeats(aws):
    """Sum of our heartbeat over the hour: one for each scope and slot, were it never doubled."""
    answer = aws.client("cloudwatch", "eu-central-1").get_metric_data(
        StartTime=NOON - 3600,
        EndTime=NOON + 7200,
        MetricDataQueries=[
            {
                "Id": "beats",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "nephoscope",
                        "MetricName": "nephoscope.heartbeat",
                        "Dimensions": [
                            {"Name": "cloud_provider", "Value": "aws"},
                            {"Name": "fleet", "Value": "acme"},
                        ],
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
        ],
    )
    return sum(answer["MetricDataResults"][0]["Values"])


def test_one_incident_is_told_twice_its_beginning_and_its_end(aws, open_again, receiver):
    live(aws, open_again(), range(2, 25))
    assert kinds(receiver) == ["fired", "resolved"]


def test_a_slot_that_was_run_is_not_run_again(aws, open_again, receiver):
    outside = open_again()
    live(aws, outside, range(2, 12))
    before = heartbeats(aws)
    again = collect(open_again(), NOON + 60 * 11, deadline())
    assert {report.ended for report in again.scopes} == {"repeated"}
    late = collect(open_again(), NOON + 60 * 4, deadline())
    assert {report.ended for report in late.scopes} == {"repeated"}
    assert heartbeats(aws) == before
    assert kinds(receiver) == ["fired"]


def test_every_run_doubled_at_the_same_moment_tells_and_publishes_once(aws, open_again, receiver):
    twins = [open_again(), open_again()]
    for minute in range(2, 25):
        aws.set_time(NOON + 60 * minute)
        slot = NOON + 60 * minute
        threads = [threading.Thread(target=collect, args=(twin, slot, deadline())) for twin in twins]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sweep(twins[0], deadline())
    assert kinds(receiver) == ["fired", "resolved"]
    assert len({identity for _, _, identity in told(receiver)}) == 2
    assert heartbeats(aws) == 2 * 23  # two scopes, twenty-three minutes, never twice


def test_lost_runs_are_made_up_for(aws, open_again, receiver):
    """Nobody ran while the machine was hot; both ends are told, in order."""
    live(aws, open_again(), [2, 3, 4])
    live(aws, open_again(), [24])
    assert kinds(receiver) == ["fired", "resolved"]


def test_a_receiver_that_is_down_gets_both_in_order_when_it_is_back(aws, open_again, receiver):
    receiver.script("chat", [Reply(503)] * 3)
    outside = replace(open_again(), clock=(clock := LateClock()))
    outside = replace(outside, memory=type(outside.memory)(outside.memory._table, clock))
    live(aws, outside, range(2, 25))
    assert kinds(receiver) == []
    for _ in range(6):  # each pause is over after an hour, however often it has grown
        clock.late += 3600
        sweep(outside, deadline())
    assert kinds(receiver) == ["fired", "resolved"]
    assert len(receiver.deliveries("chat")) == 5


class LateClock(SystemClock):
    late = 0.0

    def wall(self):
        return super().wall() + self.late


def test_a_denied_region_is_a_gap_and_the_other_goes_on(aws, open_again, receiver):
    aws.faults.add(Fault(Failing.DENY, "ec2:DescribeInstances", region="eu-west-1"))
    (report,) = live(aws, open_again(), [5])
    by_region = {each.scope.region: each for each in report.scopes}
    assert [gap.reason for gap in by_region["eu-west-1"].gaps] == [Reason.DENIED]
    assert by_region["eu-central-1"].gaps == ()
    assert by_region["eu-central-1"].series > 0
    assert not report.failed


def test_where_every_read_fails_the_run_says_so_and_tells_of_its_blindness(aws, open_again, receiver):
    live(aws, open_again(), [2])
    aws.faults.add(Fault(Failing.DENY, "ec2:DescribeInstances"))
    reports = live(aws, open_again(), range(3, 10))
    assert {report.coverage for report in reports} == {0.0}
    assert [(kind, rule) for kind, rule, _ in told(receiver)] == [("fired", "scope-blind")] * 2


class Broken:
    """A table that does not answer."""

    def __getattr__(self, name):
        def fail(*_, **__):
            raise StoreError(operation=name, reason=Reason.UNAVAILABLE)

        return fail


def test_without_its_store_a_run_fails_loudly_and_the_next_makes_up_for_it(aws, open_again, receiver):
    live(aws, open_again(), [2, 3, 4])
    broken = open_again()
    broken = replace(broken, memory=type(broken.memory)(Broken(), broken.clock))
    reports = live(aws, broken, range(5, 20))
    assert all(report.failed for report in reports)
    assert "alert memory" in reports[0].scopes[0].error
    assert kinds(receiver) == []
    live(aws, open_again(), [24])
    assert kinds(receiver) == ["fired", "resolved"]


def test_without_its_store_the_fallback_hears_what_holds_once_a_quarter(aws, open_again, receiver):
    broken = open_again()
    channels = {"chat": replace(broken.config.channels["chat"], fallback=True)}
    config = replace(broken.config, channels=channels)
    broken = replace(broken, config=config, memory=type(broken.memory)(Broken(), broken.clock))
    live(aws, broken, range(10, 20))
    digests = [one.json() for one in receiver.received("chat")]
    assert {digest["data"]["why"] for digest in digests} == {"memory_unavailable"}
    by_region = Counter(digest["data"]["resource"]["cloud_region"] for digest in digests)
    assert by_region == {"eu-central-1": 2, "eu-west-1": 2}  # 12:10 to 12:14 and 12:15 to 12:19
    hot = [digest["data"]["summary"] for digest in digests if "cpu-hot on" in digest["data"]["summary"]]
    assert len(hot) == 2
    assert "alert memory: get: unavailable" in hot[0]
    assert len({digest["id"] for digest in digests}) == 4


def test_a_fault_of_our_own_in_one_scope_does_not_blind_the_other(aws, open_again, monkeypatch, caplog):
    outside = open_again()
    (reader,) = outside.readers.values()
    read = type(reader).read_inventory

    def stumble(self, scope, config, until):
        if scope.region == "eu-west-1":
            raise ZeroDivisionError
        return read(self, scope, config, until)

    monkeypatch.setattr(type(reader), "read_inventory", stumble)
    (report,) = live(aws, outside, [5])
    assert {each.scope.region: each.ended for each in report.scopes} == {"eu-central-1": "done", "eu-west-1": "failed"}
    assert "ZeroDivisionError" in caplog.text


def test_buckets_are_listed_once_an_hour_and_instances_each_minute(aws, open_again, receiver, tmp_path):
    outside = open_again()
    gather = outside.config.gather
    both = replace(gather.aws, resources=(Kind.INSTANCE, Kind.BUCKET))
    outside = replace(outside, config=replace(outside.config, gather=replace(gather, aws=both)))
    reports = live(aws, outside, range(2, 7))
    assert len({report.scopes[0].resources for report in reports}) == 1
    assert (aws.ledger.calls("s3:ListBuckets"), aws.ledger.calls("ec2:DescribeInstances")) == (2, 10)


def test_a_report_is_plain_json(aws, open_again):
    (report,) = live(aws, open_again(), [5])
    assert json.loads(json.dumps(report.as_dict()))["slot"] == "2026-11-23T12:05:00Z"
