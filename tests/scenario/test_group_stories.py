"""Rules on groups of machines over several scopes, told as minutes and worked out by hand.

Each scope lives its own story (tests/scenario/conftest.py); after each minute the fleet adds up what they have noted. A
one-minute point is settled two minutes after its period's end, a five-minute one five minutes after it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.alert import AlertState
from nephoscope.model.config import Config, Gather, GatherAws, GatherGcp, PublishCloudWatch
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.quiet import Acknowledgement, Matcher, Silence
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Aggregate, Comparison, Observation, Rule, Threshold, Window
from nephoscope.model.scope import Cloud, Scope, fleet_scope
from nephoscope.pipeline.groups import plan_groups
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.wording import render_headline

START = 1_790_000_400
CPU = "cpu.utilization"
IRELAND = Scope(Cloud.AWS, "111111111111", "eu-west-1")
VIRGINIA = Scope(Cloud.AWS, "111111111111", "us-east-1")
BELGIUM = Scope(Cloud.GCP, "acme-web", "europe-west1")
HOME = fleet_scope(Cloud.AWS)

FEW_WEB = Rule(
    "few-web",
    Kind.INSTANCE,
    Aggregate("count", Comparison.LESS, 3, counted=Observation("state", ("running",))),
    tell=("chat",),
    by=("cloud_provider", "cloud_region"),
)
FLEET_HOT = Rule(
    "fleet-hot",
    Kind.INSTANCE,
    Aggregate("avg", Comparison.GREATER, 0.8, metric=CPU),
    Window(),
    tell=("chat",),
)


def web(number, scope=IRELAND, state=State.RUNNING, **more):
    words = {"state": str(state)}
    return Resource(scope, Kind.INSTANCE, f"i-{number}", f"web-{number}", state=state, observations=words, **more)


class Fleet:
    """Several scopes' stories and the fleet's evaluation after each minute."""

    def __init__(self, story, rules, scopes):
        self.rules = tuple(rules)
        self.scopes = {scope: self._story(story, scope, told) for scope, told in scopes.items()}
        self.remembered = Remembered(Progress(HOME))
        self.told = []
        self.plans = []

    def _story(self, story, scope, told):
        return story(self.rules, remembered=Remembered(Progress(scope)), scope=scope, config=self.config, **told)

    @property
    def config(self):
        gather = Gather(60, GatherAws(("eu-west-1", "us-east-1")), GatherGcp(("acme-web",)))
        return Config("acme", gather, PublishCloudWatch("eu-west-1", "acme"), self.rules)

    def run(self, *minutes, without=()):
        for minute in minutes:
            for scope, story in self.scopes.items():
                if scope not in without:
                    story.run(minute)
            self.judge(minute)
        return self

    def judge(self, minute):
        slot = START + 60 * minute
        catalog = load_catalog()
        parts = [story.remembered.progress for story in self.scopes.values()]
        stamp = Stamp("acme", slot, f"run-{minute}", slot, catalog.metrics)
        decided = plan_groups(parts, self.remembered, self.config, catalog.metrics, stamp)
        self.plans.append(decided)
        alerts = {c.commit.record.alert_key: c.commit.record for c in decided.changes}
        assert all(change.commit.scope == HOME for change in decided.changes)
        self.remembered = replace(
            self.remembered, progress=decided.progress, alerts={**self.remembered.alerts, **alerts}
        )
        for change in decided.changes:
            for message in change.commit.notifications:
                self.told.append((minute, message.subject.name, message.kind.value, message.value))

    def messages(self):
        return [n for plan in self.plans for change in plan.changes for n in change.commit.notifications]


@pytest.fixture
def fleet(story):
    return lambda rules, scopes: Fleet(story, rules, scopes)


def steady(percent, count, until=40, start=-20, step=1):
    """The same CPU for machines 1 to count, all the time."""
    points = dict.fromkeys(range(start, until, step), percent / 100)
    return {(f"i-{number}", CPU): points for number in range(1, count + 1)}


def machines(count, scope=IRELAND, **more):
    return {f"web-{number}": web(number, scope, **more) for number in range(1, count + 1)}


# --- how many -------------------------------------------------------------------------------------------------------


def stops_at(minute, number, scope=IRELAND):
    return lambda now: web(number, scope, State.RUNNING if now < minute else State.STOPPED)


def test_too_few_running_machines_of_a_region_are_told_and_the_other_region_is_not_concerned(fleet):
    there = {**machines(2), "web-3": stops_at(5, 3)}
    lived = fleet([FEW_WEB], {IRELAND: {"machines": there}, VIRGINIA: {"machines": machines(4, VIRGINIA)}})
    assert lived.run(*range(2, 12)).told == [(5, "instances in aws eu-west-1", "fired", 2.0)]
    (message,) = lived.messages()
    assert render_headline(message) == (
        "instances in aws eu-west-1: count(state is running) is 2, below 3, since 2026-09-21 14:25 UTC"
    )
    assert message.condition == "count(state is running) < 3"
    assert (message.subject.cloud, message.subject.region) == ("aws", "eu-west-1")


def test_the_last_machines_of_a_region_may_vanish_altogether_and_their_group_is_still_counted(fleet):
    def vanishes(number):
        return lambda now: web(number) if now < 6 else None

    lived = fleet([FEW_WEB], {IRELAND: {"machines": {f"web-{n}": vanishes(n) for n in (1, 2, 3)}}})
    assert lived.run(*range(2, 12)).told == [(6, "instances in aws eu-west-1", "fired", 0.0)]


def test_a_group_that_has_had_no_member_for_a_day_ends_as_gone(fleet):
    lived = fleet([FEW_WEB], {IRELAND: {"machines": {"web-1": lambda now: web(1) if now < 6 else None}}})
    lived.run(*range(2, 8), 60, 1439, 1446, 1447, 1448)
    assert [(minute, kind) for minute, _, kind, _ in lived.told] == [(2, "fired"), (1447, "resolved")]
    assert lived.messages()[-1].why == "resource_gone"


def test_a_scope_that_cannot_be_listed_neither_raises_nor_ends_an_alert(fleet):
    there = {**machines(2), "web-3": stops_at(5, 3), "web-4": lambda now: web(4) if now > 8 else None}
    blind = frozenset({3, 9, 10})
    lived = fleet([FEW_WEB], {IRELAND: {"machines": there, "blind": blind}})
    lived.run(*range(2, 14))
    # at 3 nothing is listed, and nothing is told; at 9 and 10 the third is back, which is seen at 11
    assert [(minute, kind) for minute, _, kind, _ in lived.told] == [(5, "fired"), (11, "resolved")]


def test_it_is_counted_over_all_clouds_where_no_label_parts_them(fleet):
    rule = replace(FEW_WEB, by=(), when=replace(FEW_WEB.when, value=5))
    scopes = {
        IRELAND: {"machines": machines(3)},
        BELGIUM: {"machines": {**machines(1, BELGIUM), "web-2": stops_at(7, 2, BELGIUM)}},
    }
    lived = fleet([rule], scopes)
    assert lived.run(*range(2, 12)).told == [(7, "all instances", "fired", 4.0)]


def test_a_scope_whose_function_has_stopped_is_unknown_and_decides_nothing(fleet):
    rule = replace(FEW_WEB, by=(), when=replace(FEW_WEB.when, value=4))
    lived = fleet([rule], {IRELAND: {"machines": machines(3)}, BELGIUM: {"machines": machines(2, BELGIUM)}})
    lived.run(*range(2, 5))
    lived.run(*range(5, 40), without=(BELGIUM,))
    assert lived.told == []


def test_what_is_counted_must_last_as_long_as_the_rule_says(fleet):
    rule = replace(FEW_WEB, window=Window(300, 300))
    short = lambda now: web(3, state=State.STOPPED if 4 <= now < 8 else State.RUNNING)  # noqa: E731
    long = lambda now: web(3, state=State.STOPPED if now >= 4 else State.RUNNING)  # noqa: E731
    assert fleet([rule], {IRELAND: {"machines": {**machines(2), "web-3": short}}}).run(*range(2, 20)).told == []
    told = fleet([rule], {IRELAND: {"machines": {**machines(2), "web-3": long}}}).run(*range(2, 20)).told
    assert [(minute, kind) for minute, _, kind, _ in told] == [(9, "fired")]


def test_groups_by_a_tag_over_two_regions(fleet):
    rule = replace(FEW_WEB, by=("tag:role",), when=replace(FEW_WEB.when, value=2))
    one = {"a": web(1, tags={"role": "web"}), "b": web(2, tags={"role": "db"})}
    two = {"a": web(1, VIRGINIA, tags={"role": "web"})}
    told = fleet([rule], {IRELAND: {"machines": one}, VIRGINIA: {"machines": two}}).run(2, 3).told
    assert told == [(2, "instances with role=db", "fired", 1.0)]


# --- figures over metrics -------------------------------------------------------------------------------------------


def test_the_mean_over_scopes_is_of_machines_not_of_scopes(fleet):
    """One machine at 100 % and three at 70 % are 77.5 % on the mean of machines, 85 % on the mean of regions."""
    scopes = {
        IRELAND: {"machines": machines(1), "values": steady(100, 1, step=5)},
        VIRGINIA: {"machines": machines(3, VIRGINIA), "values": steady(70, 3, step=5)},
    }
    lived = fleet([FLEET_HOT], scopes)
    assert lived.run(*range(2, 30)).told == []
    hotter = {**scopes, VIRGINIA: {"machines": machines(3, VIRGINIA), "values": steady(74, 3, step=5)}}
    told = fleet([FLEET_HOT], hotter).run(*range(2, 30)).told
    assert [(kind, value) for _, _, kind, value in told] == [("fired", pytest.approx((1.0 + 3 * 0.74) / 4))]


def test_members_with_points_at_different_paces_make_one_figure_at_the_slowest(fleet):
    """A machine with a point each minute counts as its mean of the five minutes: (4 x 100 + 50) / 5 = 90 %; with one
    of 71 % that is 80.5 %."""
    there = {"web-1": web(1, fine=True), "web-2": web(2)}
    fine = {minute: 0.5 if minute % 5 == 0 else 1.0 for minute in range(-30, 40)}
    slow = dict.fromkeys(range(-30, 40, 5), 0.71)
    values = {("i-1", CPU): fine, ("i-2", CPU): slow}
    told = fleet([FLEET_HOT], {IRELAND: {"machines": there, "values": values}}).run(*range(2, 30)).told
    assert [(kind, value) for _, _, kind, value in told] == [("fired", pytest.approx(0.805))]


def test_a_machine_that_could_not_be_read_is_no_reason_to_stop_judging_where_it_makes_no_difference(fleet):
    """Nine at 95 % and one unread: the mean is between 85.5 and 95.5 %, above 80 whatever it is."""
    scopes = {
        IRELAND: {"machines": machines(9), "values": steady(95, 9, step=5)},
        VIRGINIA: {"machines": machines(1, VIRGINIA), "unread": frozenset(range(60))},
    }
    told = fleet([FLEET_HOT], scopes).run(*range(2, 30)).told
    assert [kind for _, _, kind, _ in told] == ["fired"]
    fewer = {**scopes, IRELAND: {"machines": machines(3), "values": steady(95, 3, step=5)}}  # 71 to 96 %
    assert fleet([FLEET_HOT], fewer).run(*range(2, 30)).told == []


def test_stopped_machines_are_not_part_of_a_mean(fleet):
    there = {**machines(1), "web-2": web(2, state=State.STOPPED)}
    told = fleet([FLEET_HOT], {IRELAND: {"machines": there, "values": steady(90, 1, step=5)}}).run(*range(2, 12)).told
    assert [(kind, value) for _, _, kind, value in told] == [("fired", pytest.approx(0.9))]


@pytest.mark.parametrize(
    ("function", "threshold", "fires"),
    [("max", 0.98, True), ("max", 0.99, False), ("p90", 0.89, True), ("p90", 0.9, False), ("p50", 0.49, True)],
)
def test_maximum_and_percentiles_over_two_scopes(fleet, function, threshold, fires):
    """Machines at 10, 20, ... 50 % and at 60, 70, 80, 90, 99 %: the ninth of ten is 90 %, the fifth 50 %."""
    low = {(f"i-{n}", CPU): dict.fromkeys(range(-20, 40, 5), n / 10) for n in (1, 2, 3, 4, 5)}
    high = {(f"i-{n}", CPU): dict.fromkeys(range(-20, 40, 5), (5 + n) / 10 if n < 5 else 0.99) for n in (1, 2, 3, 4, 5)}
    rule = replace(FLEET_HOT, when=Aggregate(function, Comparison.GREATER, threshold, metric=CPU))
    scopes = {
        IRELAND: {"machines": machines(5), "values": low},
        VIRGINIA: {"machines": machines(5, VIRGINIA), "values": high},
    }
    assert bool(fleet([rule], scopes).run(*range(2, 15)).told) is fires


def test_how_many_machines_are_hot(fleet):
    rule = replace(
        FLEET_HOT,
        when=Aggregate("count", Comparison.GREATER_OR_EQUAL, 3, counted=Threshold(CPU, Comparison.GREATER, 0.9)),
    )
    scopes = {
        IRELAND: {"machines": machines(2), "values": steady(95, 2, step=5)},
        VIRGINIA: {"machines": machines(2, VIRGINIA), "values": steady(95, 1, step=5) | {("i-2", CPU): {}}},
    }
    told = fleet([rule], scopes).run(*range(2, 15)).told
    assert [(kind, value) for _, _, kind, value in told] == [("fired", 3.0)]


def test_a_figure_clears_at_its_own_threshold_and_tells_the_worst(fleet):
    rule = replace(FLEET_HOT, clear=Aggregate("avg", Comparison.LESS, 0.6, metric=CPU))
    course = {("i-1", CPU): {0: 0.9, 5: 0.95, 10: 0.7, 15: 0.5, 20: 0.5} | dict.fromkeys(range(-20, 0, 5), 0.2)}
    lived = fleet([rule], {IRELAND: {"machines": machines(1), "values": course}}).run(*range(2, 32))
    # the point of minute 0 is settled at 10, that of 15 at 25
    assert [(minute, kind) for minute, _, kind, _ in lived.told] == [(10, "fired"), (25, "resolved")]
    assert lived.messages()[-1].worst == pytest.approx(0.95)


def test_a_doubled_run_of_the_fleet_decides_the_same(fleet):
    lived = fleet([FEW_WEB], {IRELAND: {"machines": machines(2)}})
    lived.scopes[IRELAND].run(2)
    lived.judge(2)
    first, lived.remembered = lived.plans[-1], Remembered(Progress(HOME))
    lived.judge(2)
    assert [c.commit for c in lived.plans[-1].changes] == [c.commit for c in first.changes] != []


def test_a_rule_that_is_removed_ends_the_alerts_of_its_groups(fleet):
    lived = fleet([FEW_WEB], {IRELAND: {"machines": machines(1)}}).run(2, 3)
    lived.rules = ()
    lived.judge(4)
    assert [(n.kind.value, n.why.value) for n in lived.messages()] == [
        ("fired", "threshold_crossed"),
        ("resolved", "rule_withdrawn"),
    ]


def test_silences_and_acknowledgements_are_for_groups_too(fleet):
    silence = Silence("s1", Matcher(regions=("eu-west-1",)), START, START + 600)
    lived = fleet([FEW_WEB], {IRELAND: {"machines": machines(1)}})
    lived.remembered = replace(lived.remembered, silences=(silence,))
    lived.run(*range(2, 12))
    assert [(minute, kind) for minute, _, kind, _ in lived.told] == [(10, "fired")]
    (record,) = lived.remembered.alerts.values()
    assert record.state is AlertState.FIRING
    assert Acknowledgement(record.alert_key, record.episode).episode == 1
