"""`nephoscope test` as a person calls it: what is printed, and the exit codes."""

from __future__ import annotations

import json
from typing import Any

CONFIG = """\
fleet: acme
gather: {aws: {regions: [eu-central-1]}}
rules:
  - {name: hot, on: instance, when: cpu.utilization > 90 %, for: 2 min, tell: [chat]}
tell:
  chat: {webhook: "${env:CHAT_URL}"}
"""
STORY = """\
name: Two hot minutes
machines:
  web-1: {detailed: true, series: {cpu.utilization: 10x2 95x2 10x2}}
expect:
  - {fired: hot, on: web-1, at: 4, told: 6, tell: [chat]}
  - {resolved: hot, on: web-1, at: 5}
"""


def prepared(shell: Any, story: str) -> Any:
    shell.write(CONFIG)
    (shell.folder / "stories").mkdir()
    shell.write(story, "stories/hot.yaml")
    return shell


def test_a_story_that_goes_well_says_so_and_asks_no_cloud(shell: Any, aws: Any) -> None:
    done = prepared(shell, STORY)("test")
    assert (done.returncode, done.stdout) == (0, "ok  Two hot minutes  (stories/hot.yaml:1)\n")
    assert done.stderr == "1 story, all as expected\n"
    assert aws.ledger.entries() == ()


def test_one_that_does_not_shows_the_values_and_the_verdicts(shell: Any) -> None:
    done = prepared(shell, STORY.replace("at: 4, told: 6", "at: 3"))("test")
    assert done.returncode == 1
    assert done.stderr == "nephoscope: 1 of 1 story went another way\n"
    assert done.stdout == (
        "FAILED  Two hot minutes  (stories/hot.yaml:1)\n"
        "  stories/hot.yaml:5: expected fired hot on web-1 at 3, told to chat; got it at 4, told at 6 to chat "
        "(threshold_crossed)\n"
        "\n"
        "hot on web-1\n"
        "hot: every instance: fires when cpu.utilization > 90 % at 2 of 2 one-minute points or 1 of 1 five-minute "
        "point; clears when that no longer holds for as many points; a missing point changes nothing; warning; told "
        "to chat.\n"
        " AT  VALUE  VERDICT           RUN  STATE   TOLD\n"
        "1-2   10 %  clear 0 of 2        3  ok\n"
        "  3   95 %  partly 1 of 2       5  ok\n"
        "  4   95 %  breaching 2 of 2    6  firing  fired (threshold_crossed) to chat at 6\n"
        "  5   10 %  clear 1 of 2        7  ok      resolved (recovered) to chat at 7\n"
        "  6   10 %  clear 0 of 2        8  ok\n"
        "\n"
    )


def test_for_programs_each_story_is_an_object(shell: Any) -> None:
    done = prepared(shell, STORY.replace("at: 5", "at: 6"))("test", "stories/hot.yaml", "--json")
    (story,) = json.loads(done.stdout)
    assert (done.returncode, story["passed"], story["mismatches"][0]["line"]) == (1, False, 6)
    assert [(event["kind"], event["at"], event["told"], event["tell"]) for event in story["events"]] == [
        ("fired", 4, 6, ["chat"]),
        ("resolved", 5, 7, ["chat"]),
    ]
    assert story["courses"][0]["rows"][3] == {
        "at": 4,
        "value": "95 %",
        "verdict": "breaching 2 of 2",
        "run": 6,
        "state": "firing",
        "told": "fired (threshold_crossed) to chat at 6",
    }


def test_a_wrong_story_is_refused_with_its_lines(shell: Any) -> None:
    done = prepared(shell, STORY.replace("hot, on: web-1, at: 4", "hott, on: web-1, at: 4"))("test")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'stories/hot.yaml:5:13: expect: no rule is called "hott"; did you mean hot?' in done.stderr


def test_without_stories_it_says_where_to_begin(shell: Any) -> None:
    nothing, nowhere = shell("test"), shell("test", "no.yaml")
    assert (nothing.returncode, nowhere.returncode) == (2, 2)
    assert "there is no folder stories here, and no story was named" in nothing.stderr
    assert "no.yaml: there is no such file" in nowhere.stderr


def test_the_starter_rules_have_theirs(shell: Any) -> None:
    done = shell("test", "--starter")
    assert (done.returncode, "FAILED" in done.stdout) == (0, False)
    assert "(starter_stories/cpu-hot.yaml:1)" in done.stdout
