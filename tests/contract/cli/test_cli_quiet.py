"""Silences, acknowledgements and timelines from the command line, between real runs on one memory."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.machines import Instance
from nephoscope.localcloud.receivers import Receiver

CONFIG = """\
fleet: acme
gather: {aws: {regions: [eu-central-1, eu-west-1]}}
rules:
  - {name: down, on: instance, where: {tags: {Name: NAME}}, when: state is stopped, tell: [chat]}
tell:
  chat: {webhook: "${env:CHAT_URL}", allow: [http, private], repeat: 1 h}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def telling(shell: Any, aws: LocalAws, receiver: Receiver, victim: Instance) -> Any:
    """One rule that holds for one machine; the fleet's time is the wall's, as silences are."""
    aws.set_time(None)
    shell.write(CONFIG.replace("NAME", victim.name))
    shell.environment["CHAT_URL"] = receiver.webhook_url("chat")
    return shell


def run(shell: Any, ago: int = 0) -> None:
    """A run for the slot that was `ago` minutes ago."""
    moment = int(time.time()) // 60 * 60 - 60 * ago
    done = shell("run", "--slot", datetime.fromtimestamp(moment, UTC).isoformat())
    assert done.returncode == 0, done.stderr


def why(receiver: Receiver) -> list[str]:
    return [one.json()["data"]["why"] for one in receiver.received("chat")]


def test_a_silence_keeps_quiet_until_it_is_ended(telling: Any, receiver: Receiver, victim: Instance) -> None:
    run(telling, 61)
    assert why(receiver) == ["state_held"]
    said = telling("silence", "add", "--resource", victim.name, "--for", "2h", "--why", "deploy", "--by", "ana")
    assert said.returncode == 0, said.stderr
    assert f"resource {victim.name}, until " in said.stdout
    (silence,) = json.loads(telling("silence", "list", "--json").stdout)
    assert (silence["by"], silence["why"], silence["match"]["resources"]) == ("ana", "deploy", [victim.name])
    run(telling)  # the hourly repeat is due, and muted
    assert why(receiver) == ["state_held"]
    ended = telling("silence", "expire", silence["id"][:3])
    assert f"Silence {silence['id']} is over" in ended.stdout
    assert "nothing is silenced" in telling("silence", "list").stderr


def test_an_acknowledgement_stops_the_repeats(telling: Any, receiver: Receiver, victim: Instance) -> None:
    run(telling, 61)
    (letters,) = [
        firing["alert"] for each in json.loads(telling("status", "--json").stdout) for firing in each["firing"]
    ]
    assert letters[:6] in telling("status").stdout
    said = telling("ack", letters[:6], "--by", "ana")
    assert (said.returncode, said.stdout) == (0, f"down on {victim.id} is acknowledged by ana.\n")
    run(telling)  # the hourly repeat is due
    assert why(receiver) == ["state_held"]
    shown = telling("timeline", "down", victim.name)
    assert shown.returncode == 0
    assert f"down on {victim.id} ({victim.name}), aws 111111111111 {victim.region}" in shown.stdout
    assert "acknowledged by ana" in shown.stdout
    (entry,) = json.loads(telling("timeline", letters[:8], "--json").stdout)
    assert (entry["kind"], entry["why"], entry["told"], entry["seq"]) == ("fired", "state_held", ["chat"], 1)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("ack", "ffffff"), 'no alert that is open is called "ffffff"'),
        (("ack", "down", "nobody"), 'no alert that is open is called "down nobody"'),
        (("timeline", "up", "web"), 'no alert is called "up web"'),
        (("silence", "add", "--for", "2h"), "a silence of everything"),
        (("silence", "add", "--rule", "down"), "how long?"),
        (("silence", "add", "--rule", "down", "--for", "2y"), '--for "2y" is no duration'),
        (("silence", "add", "--rule", "down", "--for", "60d"), "60d is not between a minute and 30 days"),
        (("silence", "add", "--tag", "env", "--for", "2h"), '--tag "env" is no NAME=VALUE'),
        (("silence", "expire"), "silence expire needs to know which"),
        (("silence", "expire", "abc"), 'no silence in force begins with "abc"'),
    ],
)
def test_what_cannot_be_meant_is_said(telling: Any, call: tuple[str, ...], said: str) -> None:
    run(telling)
    done = telling(*call)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_silence_for_a_rule_that_is_not_there_says_so_and_stands(telling: Any) -> None:
    run(telling)
    done = telling("silence", "add", "--rule", "dwon", "--for", "30m")
    assert done.returncode == 0
    assert "no rule has such a name" in done.stderr


def test_without_either_the_repeat_is_told(telling: Any, receiver: Receiver) -> None:
    run(telling, 61)
    run(telling)
    assert why(receiver) == ["state_held", "repeated"]
