"""The button of the dashboard's widget: what it asks, what it does to the alert memory, and what it never does."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from alert_records import SCOPE, VirtualClock, a_commit
from nephoscope.app import pages
from nephoscope.app.outside import Outside, open_outside
from nephoscope.app.settings import Settings
from nephoscope.model.alert import AlertState
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.memory import Snapshot
from nephoscope.model.quiet import Acknowledgement
from nephoscope.model.resource import Kind, Resource

ARN = "arn:aws:lambda:eu-west-1:111111111111:function:nephoscope-prod-widget"
CONTEXT: dict[str, Any] = {"dashboardName": "acme", "accountId": "111111111111", "params": {"page": "alerts"}}


def an_outside(folder: Path, name: str = "web-1") -> Outside:
    """One alert that is open, episode 1, and a snapshot with its machine."""
    config = Config("acme", Gather(aws=GatherAws(("eu-west-1",))), PublishCloudWatch("eu-west-1", "acme"))
    settings = Settings(store="sqlite", table=str(folder / "memory.sqlite"), home_region="eu-west-1")
    clock = VirtualClock()
    outside = open_outside(config, settings, clock)
    memory = outside.memory
    memory.register(SCOPE)
    fire(outside)
    machine = Resource(SCOPE, Kind.INSTANCE, "i-0abc", name=name)
    memory.write_snapshot(Snapshot(SCOPE, int(clock.now) - 60, (machine,)), 1)
    progress = memory.read_progress(SCOPE)
    assert memory.write_progress(replace(progress, ver=1, generation=1))
    return outside


def fire(outside: Outside, key: str = "a1", ver: int = 1, episode: int = 1) -> None:
    commit = a_commit(key, ver)
    outside.memory.commit(replace(commit, record=replace(commit.record, episode=episode)))


def end(outside: Outside, ver: int = 2) -> None:
    outside.memory.commit(a_commit("a1", ver, AlertState.OK))


class Actions(HTMLParser):
    """Each cwdb-action with its attributes, its text, and the element that stands just before it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str, str]] = []
        self._last = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "cwdb-action":
            self.found.append((dict(attrs), "", self._last))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open == "cwdb-action":
            attrs, text, before = self.found[-1]
            self.found[-1] = (attrs, text + data, before)

    def handle_endtag(self, tag: str) -> None:
        self._last, self._open = tag, ""


def shown(outside: Outside, endpoint: str = ARN, **event: Any) -> str:
    return pages.widget(outside, {"page": "alerts", "widgetContext": CONTEXT, **event}, endpoint)


def click(outside: Outside) -> str:
    """As the console does: the JSON of the action is the event, with a context of its own."""
    (action,) = Actions(shown(outside)).found
    return shown(outside, **json.loads(action[1]))


def acknowledged(outside: Outside) -> dict[str, Acknowledgement]:
    return outside.memory.read_acknowledged(SCOPE)


def test_the_button_is_as_cloudwatch_documents_it(tmp_path: Path) -> None:
    """AmazonCloudWatch user guide, "Interactivity in the custom widget"."""
    ((attributes, params, before),) = Actions(shown(an_outside(tmp_path))).found
    assert attributes == {
        "action": "call",
        "display": "widget",
        "confirmation": "Acknowledge cpu-hot on web-1? No repeats and no escalation until it ends.",
        "endpoint": ARN,
    }
    assert json.loads(params) == {"page": "alerts", "action": "acknowledge", "alert": "a1", "episode": 1}
    assert before == "a"  # what is clicked stands immediately before


def test_a_click_acknowledges_and_answers_with_the_table_that_says_so(tmp_path: Path) -> None:
    outside = an_outside(tmp_path)
    answer = click(outside)
    assert acknowledged(outside) == {"a1": Acknowledgement("a1", 1, "dashboard", 4_000_000_000)}
    assert "cpu-hot on i-0abc is acknowledged: no repeats and no escalation until it ends." in answer
    assert '<span class="faint" title="acknowledged by dashboard">✓ dashboard</span>' in answer
    assert Actions(answer).found == []
    assert "is acknowledged" not in shown(outside)  # the next refresh shows the table alone


def test_looking_does_nothing(tmp_path: Path) -> None:
    outside = an_outside(tmp_path)
    shown(outside)
    asked = {"action": "acknowledge", "alert": "a1", "episode": 1}
    assert pages.widget(outside, {"describe": True, **asked}, ARN).startswith("## nephoscope")
    assert acknowledged(outside) == {}


def test_an_action_in_the_dashboards_own_body_is_none(tmp_path: Path) -> None:
    """It would be done with each refresh, by nobody."""
    outside = an_outside(tmp_path)
    params = {"page": "alerts", "action": "acknowledge", "alert": "a1", "episode": 1}
    answer = shown(outside, widgetContext={**CONTEXT, "params": params}, **params)
    assert "own parameters ask for an action" in answer
    assert acknowledged(outside) == {}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"alert": "gone"}, "There is no such alert any more"),
        ({"alert": None}, "There is no such alert any more"),
        ({"alert": {"x": 1}}, "There is no such alert any more"),
        ({"episode": 2}, "has ended and fired again since this page was drawn"),
        ({"episode": None}, "has ended and fired again since this page was drawn"),
        ({"action": "reboot"}, "There is no action &#x27;reboot&#x27;"),
        ({"action": "<script>"}, "There is no action &#x27;&lt;script&gt;&#x27;"),
    ],
)
def test_what_cannot_be_done_is_said_and_not_done(tmp_path: Path, asked: dict[str, Any], said: str) -> None:
    outside = an_outside(tmp_path)
    answer = shown(outside, **({"action": "acknowledge", "alert": "a1", "episode": 1} | asked))
    assert said in answer
    assert "nothing was done" in answer
    assert acknowledged(outside) == {}


def test_a_page_that_is_old_acknowledges_neither_an_end_nor_another_episode(tmp_path: Path) -> None:
    outside = an_outside(tmp_path)
    old = json.loads(Actions(shown(outside)).found[0][1])
    end(outside)
    assert "cpu-hot on i-0abc has ended; nothing was done." in shown(outside, **old)
    fire(outside, ver=3, episode=2)
    assert "has ended and fired again" in shown(outside, **old)
    assert acknowledged(outside) == {}


def test_who_was_first_stays(tmp_path: Path) -> None:
    outside = an_outside(tmp_path)
    old = json.loads(Actions(shown(outside)).found[0][1])
    outside.memory.acknowledge(SCOPE, Acknowledgement("a1", 1, "ana", 5))
    assert "✓ ana" in shown(outside)
    assert "was acknowledged by ana already" in shown(outside, **old)
    assert acknowledged(outside)["a1"].by == "ana"


def test_an_acknowledgement_of_the_episode_before_is_none_of_this_one(tmp_path: Path) -> None:
    outside = an_outside(tmp_path)
    click(outside)
    end(outside)
    fire(outside, ver=3, episode=2)
    assert "✓" not in shown(outside)
    assert "is acknowledged: no repeats" in click(outside)
    assert acknowledged(outside)["a1"].episode == 2


def test_where_no_function_is_known_there_is_no_button(tmp_path: Path) -> None:
    assert "cwdb-action" not in re.sub(r"<style>.*?</style>", "", shown(an_outside(tmp_path), endpoint=""))


NASTY = "\"></cwdb-action><script>alert(1)</script>' onclick=x <!--"


def test_a_hostile_name_leaves_neither_the_question_nor_the_answer(tmp_path: Path) -> None:
    outside = an_outside(tmp_path, NASTY)
    page = shown(outside)
    assert "<script" not in page
    ((attributes, params, _),) = Actions(page).found
    assert set(attributes) == {"action", "display", "confirmation", "endpoint"}
    assert NASTY[:20] in str(attributes["confirmation"])
    assert json.loads(params)["alert"] == "a1"
    outside.memory.acknowledge(SCOPE, Acknowledgement("a1", 1, NASTY, 5))
    assert "<script" not in shown(outside)
    assert html.escape(NASTY[:10]) in shown(outside)
