"""Why an alert is as it is, and why people were told: each sentence from a case that is made up by hand."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace

from nephoscope.model.alert import (
    AlertRecord,
    AlertState,
    HistoryEntry,
    Notification,
    OutboxItem,
    Owed,
    Subject,
    TransitionKind,
    Why,
    notification_id,
)
from nephoscope.model.config import Channel, Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.quiet import Acknowledgement, Matcher, QuietWindow, Route
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, MissingData, Rule, Severity, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Series, SeriesKey
from nephoscope.pipeline.audience import Audience
from nephoscope.pipeline.explanation import Delivery, explain_deliveries, explain_telling, explain_window, message_ids
from nephoscope.pipeline.quiet import active_mutes

NOON = 1_767_614_400  # 2026-01-05 12:00 UTC
CPU = "cpu.utilization"
WEB = Resource(Scope(Cloud.AWS, "1", "eu-west-1"), Kind.INSTANCE, "i-1", "web-1", state=State.RUNNING, fine=True)
HOT = Rule(
    "hot",
    Kind.INSTANCE,
    Threshold(CPU, Comparison.GREATER, 0.9),
    Window(180, 300),
    Threshold(CPU, Comparison.LESS, 0.8),
    Window(120, 120),
    severity=Severity.CRITICAL,
    tell=("chat",),
)
FIRING = AlertRecord("k" * 32, "hot", "i-1", ver=1, state=AlertState.FIRING, since=NOON, episode=1, fired_at=NOON)
TOLD = replace(FIRING, told=("chat",), told_at={"chat": NOON})
FIRED = HistoryEntry("k" * 32, 1, "hot", "i-1", TransitionKind.FIRED, Why.THRESHOLD_CROSSED, NOON, NOON, told=("chat",))


def series(values: dict[int, float], count: int = 10, *, complete: bool = True) -> Series:
    """One-minute points by their number, from noon on."""
    times = array("q", [NOON + 60 * index for index in values])
    key = SeriesKey("i-1", CPU)
    return Series(key, 60, NOON, NOON + 60 * count, complete, times, array("d", values.values()))


def config(*, routes: tuple[Route, ...] = (), quiet: tuple[QuietWindow, ...] = (), repeat: int = 0) -> Config:
    channels = {name: Channel(name, sns="arn:x", repeat=repeat) for name in ("chat", "boss")}
    return Config(
        "acme",
        Gather(60, GatherAws(("eu-west-1",))),
        PublishCloudWatch("eu-west-1", "a"),
        (HOT,),
        channels,
        routes,
        quiet,
    )


def reasons(record: AlertRecord = TOLD, rule: Rule | None = HOT, resource: Resource | None = WEB, **more) -> list[str]:
    made = more.pop("config", config())
    audience = Audience(made, active_mutes(made.quiet, (), NOON))
    history = more.pop("history", (FIRED,))
    return list(explain_telling(record, rule, resource, audience, more.pop("ack", None), history, NOON))


# --- points -------------------------------------------------------------------------------------------------------


def test_the_newest_points_decide_and_those_before_stand_in_for_absent_ones() -> None:
    # N = 5 of 10 points, two more fill in; 3, 5 and 7 are above 90 %, 9 is absent
    points = {index: 0.95 if index in (3, 5, 7) else 0.5 for index in range(9)}
    judged = explain_window(HOT, WEB, series(points), 600)
    shown = [((p.at - NOON) // 60, p.sort.value, p.counts, p.breaching, p.clearing) for p in judged.periods]
    assert shown == [
        (4, "value", False, True, False),
        (5, "value", False, False, True),
        (6, "value", True, True, False),
        (7, "value", True, False, True),
        (8, "value", True, True, False),
        (9, "value", True, False, True),
        (10, "absent", True, None, None),
    ]
    assert (judged.needed, judged.considered) == (3, 5)
    # six real points in range; the newest five of them are 4 to 8, of which 5 and 7 breach
    assert judged.verdict is not None
    assert (judged.verdict.outcome, judged.verdict.breaching, judged.verdict.value) == ("held", 2, 0.5)


def test_an_unknown_period_that_could_decide_leaves_no_verdict() -> None:
    points = {index: 0.95 if index in (6, 7) else 0.5 for index in range(9)} | {9: math.nan}
    judged = explain_window(HOT, WEB, series(points), 600)
    assert (judged.periods[-1].sort, judged.verdict) == ("unknown", None)
    assert explain_window(HOT, WEB, series({}, complete=False), 600).periods[0].sort == "unknown"


def test_what_absence_is_taken_for_is_in_the_verdict() -> None:
    loud = replace(HOT, missing=MissingData.BREACHING)
    outcomes = [explain_window(rule, WEB, series({}), 600).verdict for rule in (HOT, loud)]
    assert [verdict and verdict.outcome for verdict in outcomes] == ["keep", "breaching"]


# --- people -------------------------------------------------------------------------------------------------------


def test_told_by_the_rule_and_by_routes_with_what_comes_next() -> None:
    route = Route(Matcher(severities=("critical",)), ("boss",), 1800, ("boss",))
    assert reasons(config=config(routes=(route,), repeat=14_400)) == [
        "The last change, fired (threshold_crossed) at 2026-01-05 12:00 UTC, was owed to chat.",
        "Told are chat by the rule and boss by routes.",
        "chat hears of it again at 2026-01-05 16:00 UTC, every 4 h.",
        "Unless somebody acknowledges it, boss will be told at 2026-01-05 12:30 UTC.",
    ]


def test_a_window_keeps_it_quiet_and_an_acknowledgement_too() -> None:
    window = QuietWindow("noon", days=(0,), begin=700, end=800)
    muted = replace(FIRED, told=(), muted="window noon")
    assert reasons(FIRING, history=(muted,), config=config(quiet=(window,))) == [
        "The last change, fired (threshold_crossed) at 2026-01-05 12:00 UTC, was told to nobody: it was quiet, by "
        "window noon.",
        "Told are chat by the rule.",
        "It is quiet now, by window noon: nobody is told before that is over; then whatever is open is announced.",
    ]
    seen = Acknowledgement("k" * 32, 1, "ana", NOON)
    acknowledged = "ana acknowledged it at 2026-01-05 12:00 UTC: no repeats and no escalation."
    assert reasons(ack=seen)[-1] == acknowledged
    assert acknowledged not in reasons(replace(TOLD, episode=2), ack=seen)


def test_why_a_change_was_told_to_nobody() -> None:
    silent = replace(FIRED, kind=TransitionKind.WENT_SILENT, why=Why.NO_DATA, told=())
    ended = replace(FIRED, kind=TransitionKind.RESOLVED, why=Why.RECOVERED, told=())
    nobody = replace(FIRED, told=())
    assert [reasons(history=(entry,))[0].split(" UTC, ")[1] for entry in (silent, ended, nobody)] == [
        "is shown and told to nobody: the rule does not say `missing: tell`.",
        "was told to nobody, for nobody had been told that it fired.",
        "was told to nobody: neither the rule nor a route named a channel.",
    ]


def test_a_rule_or_a_resource_that_is_no_more() -> None:
    assert reasons(rule=None)[1].startswith("The configuration has no such rule any more")
    assert reasons(resource=None)[1].startswith("The resource is not listed now")
    assert reasons(replace(TOLD, state=AlertState.OK))[-1] == "It is ok: nothing is to be told."
    assert reasons(rule=replace(HOT, tell=()))[1] == "Nobody is told: the rule says so, or there is no channel."


# --- messages -----------------------------------------------------------------------------------------------------


def test_what_became_of_each_message() -> None:
    entries = [replace(FIRED, seq=seq) for seq in (4, 3, 2, 1)]
    ids = message_ids(entries)
    assert ids[0] == (notification_id("k" * 32, 4, "chat"), 4, "chat")
    subject = Subject("aws", "1", "eu-west-1", Kind.INSTANCE, "i-1")
    told = [
        Notification(
            id_, "k" * 32, seq, channel, "acme", "hot", Severity.CRITICAL, TransitionKind.FIRED,
            Why.THRESHOLD_CROSSED, subject, "", NOON,
        )
        for id_, seq, channel in ids
    ]  # fmt: skip
    items = [
        OutboxItem(told[0], next_at=NOON + 30, attempts=2, last="unavailable"),
        OutboxItem(told[1], status=Owed.DEAD, attempts=9, last="rejected"),
    ]
    assert explain_deliveries(ids, items, {ids[2][0]: NOON + 1.0}) == (
        Delivery(4, "chat", "ready", NOON + 30, 2, "unavailable"),
        Delivery(3, "chat", "dead", None, 9, "rejected"),
        Delivery(2, "chat", "delivered", NOON + 1.0),
        Delivery(1, "chat", "gone"),
    )
