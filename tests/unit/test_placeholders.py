"""A rule's own sentence: its blanks, what stands in them, and what is said of a wrong one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.model.alert import AlertRecord, AlertState, Notification, Transition, TransitionKind, Why
from nephoscope.model.errors import ConfigError
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Comparison, Rule, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.notifiers.formats import FORMATS
from nephoscope.notifiers.formats.slack import render_slack
from nephoscope.pipeline.notify import Stamp, plan_notifications
from nephoscope.pipeline.placeholders import render_summary
from tests.unit.test_format_bodies import FIRED, MACHINE


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("{resource} at {value} in {region}", "web-1 at 93.4 % in eu-west-1"),
        ("{id} ({type}, {zone})", "i-0abc (m5.large, eu-west-1a)"),
        ("{cloud} {account}: {rule} is {severity}", "aws 111111111111: cpu-hot is critical"),
        ("over {threshold}", "over 90 %"),
        ("ask {tag:role}, not {tag:owner}", "ask web, not none"),
        ("no blanks at all", "no blanks at all"),
        ("{{resource}} is written so, {{ and }} too", "{resource} is written so, { and } too"),
        ("{unknown} stays, a { stays", "{unknown} stays, a { stays"),
        ("{resource!r} {value:.3f} {subject.__class__} {0}", "{resource!r} {value:.3f} {subject.__class__} {0}"),
        ("", ""),
    ],
)
def test_blanks_are_filled_in(sentence: str, said: str) -> None:
    assert render_summary(sentence, FIRED) == said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"value": None, "threshold": None, "condition": "state is stopped"}, "web-1: running, state is stopped"),
        ({"value": float("nan")}, "web-1: not a number, 90 %"),
        ({"subject": replace(MACHINE, name="")}, "i-0abc: 93.4 %, 90 %"),
    ],
)
def test_what_is_not_measured_or_has_no_name_says_what_there_is(changed: dict[str, Any], said: str) -> None:
    assert render_summary("{resource}: {value}, {threshold}", replace(FIRED, **changed)) == said


def test_what_is_put_in_is_not_read_again_and_writes_no_line_of_its_own() -> None:
    foreign = replace(MACHINE, name="{tag:env}\nAll is well\u202e", tags={"env": "{id}"})
    assert render_summary("{resource}/{tag:env}", replace(FIRED, subject=foreign)) == "{tag:env} All is well/{id}"
    long = replace(FIRED, subject=replace(MACHINE, name="x" * 4000))
    assert len(render_summary("{resource}", long)) == 120


def test_markup_in_what_is_put_in_is_as_harmless_as_everywhere() -> None:
    foreign = replace(FIRED, subject=replace(MACHINE, tags={"owner": "<!channel> & <@U1>"}))
    shown = replace(foreign, summary=render_summary("Owner: {tag:owner}", foreign))
    texts = [
        block["text"]["text"]
        for block in render_slack(shown)["blocks"]
        if block["type"] == "section" and "text" in block
    ]
    assert "Owner: &lt;!channel&gt; &amp; &lt;@U1&gt;" in texts


def told(summary: str) -> Notification:
    scope = Scope(Cloud.AWS, "111111111111", "eu-west-1")
    rule = Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9), summary=summary)
    record = AlertRecord("k" * 32, "cpu-hot", "i-0abc", ver=3, state=AlertState.FIRING, episode=1)
    change = Transition(
        "k" * 32, TransitionKind.FIRED, AlertState.OK, AlertState.FIRING, Why.THRESHOLD_CROSSED, 60, value=0.934
    )
    machine = Resource(scope, Kind.INSTANCE, "i-0abc", name="web-1", tags={"team": "blue"})
    (message,) = plan_notifications(change, record, rule, machine, ["chat"], Stamp("acme", 60, "run", 61))
    return message


def test_a_message_carries_its_sentence_ready_so_that_a_rule_that_is_changed_meanwhile_changes_no_message() -> None:
    assert told("{resource} of {tag:team}").summary == "web-1 of blue"
    assert told("").summary == ""
    assert "web-1 of blue" in FORMATS["json"].body(told("{resource} of {tag:team}")).decode()


RULE = """\
fleet: acme
gather: {aws: {regions: [eu-west-1]}}
rules:
  - name: one
    on: instance
    when: cpu.utilization > 90 %
"""
KNOWN = (
    "known are {resource}, {id}, {value}, {threshold}, {region}, {zone}, {account}, {cloud}, {type}, {severity}, "
    "{rule} and {tag:NAME}"
)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("{resouce} is hot", "summary: unknown placeholder {resouce}; did you mean {resource}?"),
        ("{Value}", "summary: unknown placeholder {Value}; did you mean {value}?"),
        ("{ value }", "summary: unknown placeholder { value }; did you mean {value}?"),
        ("{tags:env}", "summary: unknown placeholder {tags:env}; did you mean {tag:NAME}?"),
        ("{tag:}", "summary: unknown placeholder {tag:}; did you mean {tag:NAME}?"),
        ("{qqq}", f"summary: unknown placeholder {{qqq}}; {KNOWN}"),
        ("{}", f"summary: unknown placeholder {{}}; {KNOWN}"),
        ("50 % of {", "summary: a brace that belongs to no pair; for the sign itself write {{ or }}"),
        ("done}", "summary: a brace that belongs to no pair; for the sign itself write {{ or }}"),
    ],
)
def test_a_wrong_blank_is_told_with_its_place_and_the_nearest_word(tmp_path: Path, sentence: str, said: str) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text(f'{RULE}    summary: "{sentence}"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        compile_file(path, environment={})
    assert [str(problem) for problem in caught.value.problems] == [f"{path}:7:14: {said}"]


def test_two_mistakes_are_two_findings_and_a_right_sentence_is_none(tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text(f'{RULE}    summary: "{{a1}} {{a1}} {{regio}}"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        compile_file(path, environment={})
    assert len(caught.value.problems) == 2
    path.write_text(f'{RULE}    summary: "{{resource}} of {{tag:aws:autoscaling:groupName}} {{{{"\n', encoding="utf-8")
    (rule,) = [rule for rule in compile_file(path, environment={}).config.rules if rule.name == "one"]
    assert rule.summary == "{resource} of {tag:aws:autoscaling:groupName} {{"
