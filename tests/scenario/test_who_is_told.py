"""Who hears what, and when nobody does: told as minutes, worked out by hand.

The machine is out of CPU from minute 5 on; a point is known two minutes after its period's end, so one-minute rules
fire at minute 8 (point 5, boundary 6) unless a test says otherwise.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from nephoscope.model.config import Channel
from nephoscope.model.quiet import Acknowledgement, Matcher, QuietWindow, Route, Silence
from nephoscope.model.resource import Kind, State
from nephoscope.model.rule import Comparison, Rule, Selector, Threshold, Window
from nephoscope.pipeline.wording import render_headline

START = 1_790_000_400
CPU = "cpu.utilization"
HOT = Rule("cpu-hot", Kind.INSTANCE, Threshold(CPU, Comparison.GREATER, 0.9), Window(), tell=("oncall",))
CHANNELS = {
    name: Channel(name, sns=f"arn:aws:sns:eu-west-1:111111111111:{name}") for name in ("oncall", "chat", "boss")
}


def hot(*stretches, until=120):
    """Percent for each minute: 95 within the stretches [from, to), 10 elsewhere."""
    inside = {minute for first, last in stretches for minute in range(first, last)}
    return {("i-web-1", CPU): {minute: 0.95 if minute in inside else 0.1 for minute in range(-5, until)}}


def minute(number):
    return START + 60 * number


@pytest.fixture
def lived(story, a_machine):
    """A story of the one machine, with these channels."""

    def made(rule=HOT, values=None, machine=None, channels=CHANNELS, **more):
        found = {"web-1": machine or a_machine(tags={"env": "staging", "owner": "data"})}
        return story([rule], found, hot((5, 100)) if values is None else values, channels=channels, **more)

    return made


def window(first, last, **match):
    return QuietWindow("move", Matcher(**match), starts=minute(first), ends=minute(last))


def test_without_quiet_it_is_told_once(lived):
    assert lived().run(*range(2, 60)).hears("oncall") == [(8, "fired", "threshold_crossed")]


def test_what_fires_in_a_window_is_announced_at_its_end_if_it_is_still_there(lived):
    told = lived(quiet=(window(0, 30),)).run(*range(2, 60))
    assert told.hears("oncall") == [(30, "fired", "quiet_over")]


def test_what_came_and_went_in_a_window_is_never_told_and_stands_in_the_history(lived):
    told = lived(values=hot((5, 15)), quiet=(window(0, 30),)).run(*range(2, 60))
    assert told.hears("oncall") == []
    history = [change.commit.history for plan in told.plans for change in plan.changes if change.commit.history]
    assert [(each.kind.value, each.muted) for each in history] == [("fired", "window move"), ("resolved", "")]


def test_what_was_broken_before_a_window_stays_quiet_after_it(lived):
    told = lived(quiet=(window(20, 30),)).run(*range(2, 60))
    assert told.hears("oncall") == [(8, "fired", "threshold_crossed")]


def test_who_was_told_of_the_beginning_is_told_of_an_end_within_the_window(lived):
    told = lived(values=hot((5, 22)), quiet=(window(20, 40),)).run(*range(2, 60))
    assert told.hears("oncall") == [(8, "fired", "threshold_crossed"), (25, "resolved", "recovered")]


def test_a_window_concerns_what_it_names_only(lived):
    assert lived(quiet=(window(0, 30, where=Selector({"env": ("prod",)})),)).run(*range(2, 20)).hears("oncall")
    assert not lived(quiet=(window(0, 30, where=Selector({"env": ("staging",)})),)).run(*range(2, 20)).hears("oncall")


def test_a_silence_works_from_the_next_run_on_and_its_end_announces(lived):
    told = lived().run(*range(2, 5))
    told.say(silences=(Silence("ab12", Matcher(rules=("cpu-*",)), minute(4), minute(25), "ana"),))
    assert told.run(*range(5, 60)).hears("oncall") == [(25, "fired", "quiet_over")]


def test_a_repeat_comes_at_its_interval_until_it_ends(lived):
    often = {**CHANNELS, "oncall": replace(CHANNELS["oncall"], repeat=600)}
    told = lived(values=hot((5, 36)), channels=often).run(*range(2, 80))
    assert told.hears("oncall") == [
        (8, "fired", "threshold_crossed"),
        (18, "fired", "repeated"),
        (28, "fired", "repeated"),
        (38, "fired", "repeated"),  # the point of minute 36, the first that is well, is known at minute 39
        (39, "resolved", "recovered"),
    ]


def test_each_reminder_is_a_message_of_its_own_and_a_doubled_run_makes_none(lived):
    often = {**CHANNELS, "oncall": replace(CHANNELS["oncall"], repeat=600)}
    told = lived(channels=often).run(*range(2, 19))
    messages = [m for plan in told.plans for change in plan.changes for m in change.commit.notifications]
    assert len({message.id for message in messages}) == len(messages) == 2
    assert [message.seq for message in messages] == [1, 2]
    told.run(18)
    assert len(told.hears("oncall")) == 2


def test_an_acknowledgement_stops_repeats_of_this_episode_and_of_no_later_one(lived):
    often = {**CHANNELS, "oncall": replace(CHANNELS["oncall"], repeat=600)}
    told = lived(values=hot((5, 31), (51, 100)), channels=often).run(*range(2, 20))
    (key,) = told.remembered.alerts
    told.say(acknowledged={key: Acknowledgement(key, told.remembered.alerts[key].episode, "ana")})
    assert told.run(*range(20, 70)).hears("oncall") == [
        (8, "fired", "threshold_crossed"),
        (18, "fired", "repeated"),
        (34, "resolved", "recovered"),
        (54, "fired", "threshold_crossed"),
        (64, "fired", "repeated"),
    ]


def test_a_route_tells_others_beside_the_rules_own(lived):
    owners = Route(Matcher(where=Selector({"owner": ("data",)})), tell=("chat",))
    severe = Route(Matcher(severities=("critical",)), tell=("boss",))
    told = lived(routes=(owners, severe)).run(*range(2, 20))
    assert told.hears("oncall") == told.hears("chat") == [(8, "fired", "threshold_crossed")]
    assert told.hears("boss") == []


def test_a_rule_without_channels_is_told_by_its_routes_or_else_to_all(lived):
    rule = replace(HOT, tell=(), tell_default=True)
    owners = Route(Matcher(where=Selector({"owner": ("data",)})), tell=("chat",))
    others = Route(Matcher(where=Selector({"owner": ("web",)})), tell=("boss",))
    routed = lived(rule=rule, routes=(owners,)).run(*range(2, 20))
    assert (routed.hears("chat"), routed.hears("oncall")) == ([(8, "fired", "threshold_crossed")], [])
    missed = lived(rule=rule, routes=(others,)).run(*range(2, 20))
    assert [bool(missed.hears(name)) for name in CHANNELS] == [True, True, True]


def test_a_rule_that_asks_for_silence_gets_it_whatever_the_routes_say(lived):
    told = lived(rule=replace(HOT, tell=()), routes=(Route(tell=("chat",)),)).run(*range(2, 30))
    assert [told.hears(name) for name in CHANNELS] == [[], [], []]


def test_what_nobody_takes_up_is_told_to_somebody_else_once_and_its_end_to_all(lived):
    upwards = Route(escalate_after=900, escalate_to=("boss",))
    told = lived(values=hot((5, 41)), routes=(upwards,)).run(*range(2, 80))
    # it has been firing since the boundary 6: fifteen minutes later is minute 21
    assert told.hears("boss") == [(21, "fired", "escalated"), (44, "resolved", "recovered")]
    assert told.hears("oncall") == [(8, "fired", "threshold_crossed"), (44, "resolved", "recovered")]


def test_an_acknowledged_alert_is_not_escalated(lived):
    told = lived(routes=(Route(escalate_after=900, escalate_to=("boss",)),)).run(*range(2, 15))
    (key,) = told.remembered.alerts
    told.say(acknowledged={key: Acknowledgement(key, 1, "ana")})
    assert told.run(*range(15, 60)).hears("boss") == []


def test_a_reminder_says_that_it_is_one(lived):
    often = {**CHANNELS, "oncall": replace(CHANNELS["oncall"], repeat=600)}
    told = lived(channels=often).run(*range(2, 19))
    (message,) = told.plans[-1].changes[-1].commit.notifications
    assert render_headline(message) == (
        "web-1 (i-web-1, aws eu-west-1): still so: cpu.utilization is 95 %, above 90 %, since 2026-09-21 14:26 UTC"
    )


def test_a_stopped_machines_alert_ends_and_is_not_announced(lived, a_machine):
    def life(at):
        return a_machine(state=State.RUNNING if at < 20 else State.STOPPED)

    told = lived(machine=life, quiet=(window(0, 30),)).run(*range(2, 60))
    assert told.hears("oncall") == []
    assert set(told.states.values()) == {"ok"}
