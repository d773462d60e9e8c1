"""What a message says of its place in an alert's life, and the commands that can be copied out of it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import pytest

from nephoscope.cli import ack, silence, timeline
from nephoscope.cli.silence import _matcher
from nephoscope.model.alert import Notification, TransitionKind, Why
from nephoscope.model.quiet import Matcher
from nephoscope.model.resource import Kind
from nephoscope.notifiers.formats import FORMATS
from nephoscope.notifiers.formats.discord import render_discord
from nephoscope.pipeline.acting import render_life, ways
from tests.unit.test_format_bodies import AT, FIRED, MACHINE, RESOLVED

TWO_HOURS = 7200


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "first told (episode 2, message 3)"),
        ({"why": Why.STATE_HELD, "seq": 1, "episode": 1}, "first told (episode 1, message 1)"),
        ({"why": Why.REPEATED, "seq": 7, "slot": AT + TWO_HOURS}, "told again; open for 2 h (episode 2, message 7)"),
        ({"why": Why.ESCALATED, "slot": AT + 1800}, "escalated; open for 30 min (episode 2, message 3)"),
        (
            {"why": Why.QUIET_OVER, "slot": AT + 5400},
            "told after a quiet time; open for 1 h 30 min (episode 2, message 3)",
        ),
        ({"kind": TransitionKind.RESOLVED, "why": Why.RECOVERED}, "the end (episode 2, message 3)"),
        ({"kind": TransitionKind.WENT_SILENT, "why": Why.NO_DATA}, "no data any more (episode 2, message 3)"),
        ({"kind": TransitionKind.BACK, "why": Why.DATA_BACK}, "data are back (episode 2, message 3)"),
        ({"why": Why.TEST}, ""),
        ({"rule": "nephoscope-delivery", "why": Why.DELIVERY_REFUSED}, ""),
        ({"episode": 0}, ""),
    ],
)
def test_each_message_tells_its_place_in_the_alerts_life(changed: dict[str, Any], said: str) -> None:
    assert render_life(replace(FIRED, **changed)) == said


def parsed(command: str) -> argparse.Namespace:
    """As the command line itself reads what was copied into it."""
    program, verb, *rest = command.split()
    assert program == "nephoscope"
    parser = argparse.ArgumentParser(exit_on_error=False)
    {"ack": ack, "silence": silence, "timeline": timeline}[verb].add_arguments(parser)
    return parser.parse_args(rest)


def test_the_commands_are_those_that_the_command_line_takes() -> None:
    said = dict(ways(FIRED))
    assert list(said) == ["Acknowledge", "Silence", "Timeline"]
    assert FIRED.alert_key.startswith(parsed(said["Acknowledge"]).alert)
    assert FIRED.alert_key.startswith(parsed(said["Timeline"]).alert)
    args = parsed(said["Silence"])
    assert (args.action, args.duration) == ("add", "2h")
    assert _matcher(args) == Matcher(rules=("cpu-hot",), resources=("i-0abc",))


def test_of_a_scope_its_account_and_region_are_meant() -> None:
    blind = replace(FIRED, rule="scope-blind", subject=replace(MACHINE, kind=Kind.SCOPE, id="aws#1#eu-west-1"))
    args = parsed(dict(ways(blind))["Silence"])
    assert _matcher(args) == Matcher(rules=("scope-blind",), accounts=("111111111111",), regions=("eu-west-1",))


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        ({"kind": TransitionKind.RESOLVED}, ["Timeline"]),
        ({"kind": TransitionKind.WENT_SILENT}, ["Silence", "Timeline"]),
        ({"why": Why.TEST}, []),
        ({"rule": "nephoscope-delivery"}, []),
        ({"why": Why.MEMORY_UNAVAILABLE}, []),
    ],
)
def test_only_what_can_be_done_is_offered(changed: dict[str, Any], left: list[str]) -> None:
    assert list(dict(ways(replace(FIRED, **changed)))) == left


@pytest.mark.parametrize(
    "odd", ["$(reboot)", "a b", "a;b", "`x`", "--all", "x\ny", "é", "'", '"', "a|b", "a&b", "", "x" * 201, "*", "a#b"]
)
def test_nothing_that_a_shell_would_act_upon_stands_in_a_command(odd: str) -> None:
    for foreign in (replace(FIRED, rule=odd), replace(FIRED, subject=replace(MACHINE, id=odd))):
        assert list(dict(ways(foreign))) == ["Acknowledge", "Timeline"]


AZURE = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/production-web/providers/"
    "microsoft.compute/virtualmachines/web-1"
)


def test_an_azure_machine_is_meant_by_its_whole_id() -> None:
    assert f"--resource {AZURE} --for" in dict(ways(replace(FIRED, subject=replace(MACHINE, id=AZURE))))["Silence"]


def crowded() -> Notification:
    """Everything at once and as long as it may be, links and commands included."""
    most = "-" * 4000
    subject = replace(MACHINE, name=most, id="/" + "-_" * 99 + "x", type=most, zone=most, state=most, account=most)
    links = {name: f"https://x.example/{name}/" + "a" * 800 for name in ("instance", "metric", "dashboard")}
    return replace(
        RESOLVED,
        kind=TransitionKind.FIRED,
        why=Why.REPEATED,
        subject=subject,
        rule="r-" * 32,
        condition=most,
        summary=most,
        fleet=most,
        runbook="https://x.example/" + "b" * 800,
        links=links,
    )


def test_the_most_that_a_message_can_say_fits_into_discords_embed_and_no_command_is_cut() -> None:
    """Discord, "Embed Limits": 6,000 characters together; description 4,096; a field's value 1,024."""
    (embed,) = render_discord(crowded())["embeds"]
    texts = [embed["title"], embed["description"], embed["footer"]["text"]]
    texts += [text for field in embed["fields"] for text in (field["name"], field["value"])]
    assert 3000 < sum(map(len, texts)) <= 6000
    assert len(embed["description"]) <= 4096
    assert embed["description"].count("](https://") == 1  # the runbook; the others found no room, and none is cut
    shown = {field["name"]: field["value"].replace("\\", "") for field in embed["fields"]}
    assert {name: shown[name] for name in ("Acknowledge", "Silence", "Timeline")} == dict(ways(crowded()))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_how_to_acknowledge_it_and_which_time_this_is(name: str) -> None:
    body = FORMATS[name].body(FIRED).decode()
    assert "nephoscope ack 0123456789" in body
    assert "nephoscope timeline 0123456789" in body
    assert "message 3" in body or '"seq":3' in body
