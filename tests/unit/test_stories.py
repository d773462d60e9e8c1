"""Stories of users: what a file says, what is wrong with it, and what a failing one shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from nephoscope.app.stories.config import Rulebook
from nephoscope.app.stories.judging import Result, folded, judge_story
from nephoscope.app.stories.reading import read_stories
from nephoscope.model.config import Config
from nephoscope.model.errors import ConfigError

RULES = """\
fleet: acme
gather: {aws: {regions: [eu-west-1], resources: [instance, bucket]}}
rules:
  - {name: hot, on: instance, when: cpu.utilization > 90 %, for: 2 min, clear: cpu.utilization < 80 %, tell: [chat]}
  - {name: down, on: instance, when: state is stopped, for: 3 min, tell: [chat]}
tell:
  chat: {webhook: "https://chat.example/x", repeat: 10 min}
"""


def no_config() -> Config:
    raise AssertionError("every story here names its rules")


@pytest.fixture
def told(tmp_path: Path):
    """The results of a story file beside a configuration; each story names it."""

    def tell(text: str, *, watch: bool = False) -> list[Result]:
        (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
        path = tmp_path / "story.yaml"
        path.write_text(text, encoding="utf-8")
        return [judge_story(story, watch=watch) for story in read_stories(path, Rulebook(no_config))]

    return tell


def problems(told, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        told(text)
    return [f"{each.line}:{each.column}: {each.text}" for each in refused.value.problems]


def mismatches(results: list[Result]) -> list[tuple[int, str]]:
    return [(each.place.line, each.text) for result in results for each in result.mismatches]


STORY = """\
name: Hot, then stopped
rules: rules.yaml
machines:
  web-1:
    detailed: true
    series:
      cpu.utilization: 10x3 95x4 70x5
expect:
  - {fired: hot, on: web-1, at: 5, told: 7, tell: [chat]}
  - {resolved: hot, on: web-1, at: 9, told: 11, tell: [chat]}
"""
# Points 3 and 4 are the first two above 90 %: the boundary 5, and EC2's detailed points are final 2 min later. Points 7
# and 8 are the first two below 80 % (clear takes the rule's own window): the boundary 9.


def test_a_story_that_goes_as_it_should(told) -> None:
    (result,) = told(STORY)
    assert (result.well, result.story.name, result.story.until) == (True, "Hot, then stopped", 15)


def test_a_wrong_minute_is_told_with_the_line_and_what_came_instead(told) -> None:
    text = STORY.replace("at: 5, told: 7", "at: 6").replace("told: 11, tell: [chat]", "tell: []")
    assert mismatches(told(text)) == [
        (9, "expected fired hot on web-1 at 6, told to chat; got it at 5, told at 7 to chat (threshold_crossed)"),
        (10, "expected resolved hot on web-1 at 9, told to nobody; got it at 9, told at 11 to chat (recovered)"),
    ]


def test_the_time_of_data_and_the_time_of_the_run_are_two_things(told) -> None:
    text = STORY.replace("at: 5, told: 7", "told: 8")
    assert mismatches(told(text)) == [
        (9, "expected fired hot on web-1 told at 8 to chat; got it at 5, told at 7 to chat (threshold_crossed)")
    ]


def test_what_nobody_expected_and_what_never_came(told) -> None:
    text = STORY.replace("resolved: hot, on: web-1, at: 9", "fired: down, on: web-1, at: 9")
    assert mismatches(told(text)) == [
        (10, "expected fired down on web-1 at 9, told at 11 to chat; it never happened"),
        (1, "not expected: resolved hot on web-1 at 9, told at 11 to chat (recovered)"),
    ]


def test_the_course_of_the_alert_is_shown_period_by_period(told) -> None:
    (result,) = told(STORY.replace("at: 5, told: 7", "at: 6"))
    (lane,) = result.lanes
    assert lane.title == "hot on web-1"
    assert [(r.at, last, r.value, r.verdict, r.run, r.state, r.told) for r, last in folded(lane.rows)] == [
        (1, None, "10 %", "held 0 of 2", 3, "ok", ""),  # one low point is no two
        (2, 3, "10 %", "clear 0 of 2", 4, "ok", ""),
        (4, None, "95 %", "held 1 of 2", 6, "ok", ""),
        (5, None, "95 %", "breaching 2 of 2", 7, "firing", "fired (threshold_crossed) to chat at 7"),
        (6, 7, "95 %", "breaching 2 of 2", 8, "firing", ""),
        (8, None, "70 %", "held 1 of 2", 10, "recovering", ""),
        (9, None, "70 %", "clear 0 of 2", 11, "ok", "resolved (recovered) to chat at 11"),
        (10, 12, "70 %", "clear 0 of 2", 12, "ok", ""),
    ]


def test_a_missing_point_and_an_unknown_one_are_two_things(told) -> None:
    """Absent twice: no news, as the rule ignores it. Unknown: nothing is decided until it is known."""
    (absent,) = told(STORY.replace("10x3 95x4 70x5", "95 _ 95 _"), watch=True)
    (unknown,) = told(STORY.replace("10x3 95x4 70x5", "95 ? 95"), watch=True)
    lanes = [next(lane for lane in result.lanes if lane.title == "hot on web-1") for result in (absent, unknown)]
    shown = [[(row.at, row.value, row.verdict) for row in lane.rows] for lane in lanes]
    assert [each.kind for each in absent.told.events] == ["fired"]
    assert shown[0][1] == (2, "_", "keep 1 of 2")
    assert unknown.told.events == ()
    assert (2, "?", "not judged") in shown[1]


def test_states_acknowledgements_silences_and_repeats_at_minutes(told) -> None:
    """Stopped from minute 2, for three minutes: told at 5. Repeats every 10 min, unless somebody has acknowledged it
    or nobody is to hear; what is open when a silence ends is announced."""
    text = """\
name: Down
rules: rules.yaml
machines: {db-1: {state: {0: running, 2: stopped, 40: running}}}
ack: [{at: 20, rule: down, on: db-1, by: ana}]
until: 45
expect:
  - {fired: down, on: db-1, at: 5, told: 5, why: state_held}
  - {fired: down, on: db-1, told: 15, why: repeated}
  - {resolved: down, on: db-1, told: 40}
---
"""
    text = text.replace("---\n", "")
    assert mismatches(told(text)) == []
    silenced = text.replace("ack: [{at: 20, rule: down, on: db-1, by: ana}]", "silence: [{at: 0, for: 12 min}]")
    silenced = silenced.replace("told: 5, why: state_held", "told: 5, tell: []")
    silenced = silenced.replace("told: 15, why: repeated", "told: 12, why: quiet_over, tell: [chat]")
    assert mismatches(told(silenced)) == [
        (1, "not expected: fired down on db-1 at 5, told at 22 to chat (repeated)"),
        (1, "not expected: fired down on db-1 at 5, told at 32 to chat (repeated)"),
    ]


def test_a_run_that_can_read_nothing_tells_later(told) -> None:
    text = STORY.replace("expect:", "unread: 7-9\nexpect:").replace("told: 7", "told: 10")
    assert mismatches(told(text)) == []


def test_a_list_of_rules_in_the_story_itself(told) -> None:
    text = STORY.replace(
        "rules: rules.yaml", "rules: [{name: hot, on: instance, when: cpu.utilization > 90 %, for: 4 min}]"
    ).replace("at: 5, told: 7, tell: [chat]", "at: 7, told: 9, tell: [everyone]")
    assert mismatches(told(text.replace("at: 9, told: 11, tell: [chat]", "at: 8"))) == []


def test_what_a_story_does_not_say_is_unknown_and_no_absence(told) -> None:
    """Behind the last value, and of a metric that it does not name. A written absence is one."""
    text = """\
name: Silent
rules: [{name: hot, on: instance, when: cpu.utilization > 90 %, for: 2 min, missing: breaching}]
machines:
  web-1: {detailed: true, series: {cpu.utilization: 10x5}}
  web-2: {detailed: true}
until: 30
expect: nothing
"""
    assert mismatches(told(text)) == []
    assert mismatches(told(text.replace("10x5", "10x5 _x5"))) == [
        (1, "not expected: fired hot on web-1 at 9, told at 11 to everyone (threshold_crossed)")
    ]


def test_a_machine_that_is_not_there_yet_or_no_more(told) -> None:
    """Two whole listings in a row without it: gone."""
    text = """\
name: Gone
rules: rules.yaml
machines: {db-1: {state: {3: stopped, 10: absent}}}
expect:
  - {fired: down, on: db-1, told: 6}
  - {resolved: down, told: 11, why: resource_gone}
"""
    assert mismatches(told(text)) == []


def test_all_problems_of_a_file_at_once_with_the_nearest_word(told) -> None:
    text = """\
name: Wrong
rules: rules.yaml
machins: {}
machines:
  web-1:
    cloud: gcp
    stat: running
    state: {0: runing, x: stopped}
    seen: {check.sytem: ok}
    series:
      cpu.utilisation: 10
      cpu.credit.balance: 10
  web-2:
    series: {cpu.utilization: 10 95}
  web-3:
    series: {cpu.utilization: {every: 5 min, values: hot}}
only: [hott]
blind: soon
expect:
  - {fired: hott, at: 5}
  - {fired: hot, on: web-9, told: later, tell: [chatt]}
  - {fired: hot, resolved: hot, at: 3}
  - {fired: hot, why: because}
  - {on: web-1, at: 3}
"""
    assert problems(told, text) == [
        '3:1: story: unknown key "machins"; did you mean machines?',
        "6:5: web-1: the configuration gathers no instance on gcp",
        '7:5: machine: unknown key "stat"; did you mean state?',
        '8:16: state is never "runing"; did you mean running?',
        '8:24: state: expected a minute such as 12, found "x"',
        '9:12: seen: unknown attribute "check.sytem"; did you mean check.system?',
        '11:7: series: unknown metric "cpu.utilisation" for instance; did you mean cpu.utilization? '
        "(nephoscope metrics --catalog lists them)",
        "12:7: series: cpu.credit.balance is not measured on gcp",
        "14:31: cpu.utilization has one point in 5 min here; write {every: 5 min, values: ...}, or `detailed: true` "
        "for the machine",
        '16:54: cpu.utilization: "hot" is no value; write a number, _ for no point or ? for unknown',
        '17:8: only: no rule is called "hott"; did you mean hot?',
        '18:8: blind: expected minutes such as 5 or 5-9, found "soon"',
        '20:13: expect: no rule is called "hott"; did you mean hot?',
        '21:22: expect: no machine is called "web-9"; did you mean web-3?',
        '21:35: told: expected a minute such as 12, found "later"',
        '21:49: expect: unknown channel "chatt"; did you mean chat?',
        "22:5: expect: one of fired, resolved, went_silent or back names the rule; found fired and resolved",
        "23:5: expect: when? `at` is a minute of data time, `told` that of the run that tells",
        "23:23: expect.why: expected threshold_crossed, state_held, recovered, no_data, data_back, resource_stopped, "
        "resource_gone, rule_withdrawn, quiet_over, repeated, flapping, settled, escalated, delivery_given_up, "
        "channel_disabled, "
        'memory_unavailable, test or delivery_refused, found "because"',
        "24:5: expect: one of fired, resolved, went_silent or back names the rule; none is there",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: the file is empty; it needs name, machines and expect"),
        ("a", '1:1: story: expected keys and values, found "a"'),
        (STORY.replace("rules.yaml", "no.yaml"), "2:8: rules: there is no "),
        (STORY.replace("expect:\n", "expect: []\nonly:\n"), "8:9: expect: an empty list; write nothing"),
        (
            STORY.replace("rules: rules.yaml", "begins: noon\nrules: rules.yaml"),
            '2:9: begins: "noon" is no whole minute',
        ),
    ],
)
def test_what_is_no_story(told, text: str, said: str) -> None:
    assert any(each.startswith(said) for each in problems(told, text))
