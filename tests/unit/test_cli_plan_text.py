"""`run --dry-run` says what a run would do, in words."""

from __future__ import annotations

from array import array

from nephoscope.app.run import Gathered
from nephoscope.catalog.loader import load_catalog
from nephoscope.cli.plan_text import render_plan
from nephoscope.model.alert import (
    AlertRecord,
    AlertState,
    Commit,
    Notification,
    Subject,
    Transition,
    TransitionKind,
    Why,
)
from nephoscope.model.errors import Reason
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.publish import Datum
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Comparison, Rule, Severity, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Gap, Inventory, Readings, SeriesRequest
from nephoscope.pipeline.changes import Change
from nephoscope.pipeline.plan import Coverage, Plan

SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
NOON = 1_795_435_200  # 2026-11-23T12:00:00Z
METRICS = load_catalog().metrics
WEB = Resource(SCOPE, Kind.INSTANCE, "i-1", name="web-1")
RULE = Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9), tell=("oncall", "chat"))


def request(resource: str) -> SeriesRequest:
    source = METRICS["cpu.utilization"].sources[Cloud.AWS]
    return SeriesRequest(resource, "cpu.utilization", source, 300, NOON - 3600, NOON)


def notification(channel: str) -> Notification:
    subject = Subject("aws", "111111111111", "eu-west-1", Kind.INSTANCE, "i-1")
    return Notification(
        id=f"msg_{channel}",
        alert_key="k",
        seq=1,
        channel=channel,
        fleet="acme",
        rule="cpu-hot",
        severity=Severity.CRITICAL,
        kind=TransitionKind.FIRED,
        why=Why.THRESHOLD_CROSSED,
        subject=subject,
        condition="cpu.utilization > 90 %",
        at=NOON,
    )


def fired() -> Change:
    record = AlertRecord("k", "cpu-hot", "i-1", ver=1, state=AlertState.FIRING)
    transition = Transition(
        "k", TransitionKind.FIRED, AlertState.OK, AlertState.FIRING, Why.THRESHOLD_CROSSED, NOON, value=0.93
    )
    commit = Commit(SCOPE, 0, record, (notification("oncall"), notification("chat")))
    return Change(commit, RULE, WEB, transition)


def gathered(*requests: SeriesRequest, gaps: tuple[Gap, ...] = ()) -> Gathered:
    facts = Facts(SCOPE, NOON, Inventory((WEB,)), Readings(gaps=gaps))
    return Gathered(facts, requests, Remembered(Progress(SCOPE)))


def plan(*changes: Change, data: tuple[Datum, ...] = ()) -> Plan:
    return Plan(changes, Progress(SCOPE, ver=1), data, None, Coverage(1, 1), ())


def datum(name: str) -> Datum:
    return Datum(name, (("fleet", "acme"),), NOON, "Count", array("d", [1.0]), array("d", [1.0]))


def test_a_plan_tells_reads_changes_and_what_is_published() -> None:
    lines = render_plan(
        gathered(request("i-1"), request("i-2")),
        plan(fired(), data=(datum("instances.running"), datum("nephoscope.lag"), datum("instances.running"))),
        METRICS,
    )
    assert lines == (
        "aws 111111111111 eu-west-1: 1 resource, 1 of 1 covered",
        "  reads cpu.utilization: 2 series of 5 min points, 2026-11-23T11:00:00Z to 2026-11-23T12:00:00Z",
        "  fired cpu-hot on i-1, web-1 (threshold_crossed, 93 %): tells oncall, chat",
        "  publishes 3 data: instances.running (2), nephoscope.lag",
        "  keeps the snapshot that stands",
    )


def test_a_plan_that_does_nothing_says_so() -> None:
    assert render_plan(gathered(), plan(), METRICS)[1:] == (
        "  reads no metric: nothing new has settled, or no rule needs one",
        "  changes no alert",
        "  publishes nothing",
        "  keeps the snapshot that stands",
    )


def test_what_could_not_be_read_stands_in_the_plan() -> None:
    gap = Gap(SCOPE, "cloudwatch:GetMetricData", Reason.THROTTLED, "Rate exceeded", ("cpu.utilization",))
    assert render_plan(gathered(gaps=(gap,)), plan(), METRICS)[-1] == (
        "  could not read: aws 111111111111 eu-west-1: cloudwatch:GetMetricData: throttled [cpu.utilization] "
        "(Rate exceeded)"
    )


def test_a_record_that_is_only_brought_up_is_told_to_nobody() -> None:
    record = AlertRecord("k", "down", "i-1", ver=3, state=AlertState.PENDING)
    change = Change(Commit(SCOPE, 2, record), RULE, WEB)
    assert (
        render_plan(gathered(), plan(change), METRICS)[2] == "  brings up down on i-1, web-1: pending, told to nobody"
    )
