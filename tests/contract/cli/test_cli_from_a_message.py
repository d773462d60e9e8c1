"""What stands in a message is typed into a shell, and works; and a silence meets what is owed already."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.machines import Instance
from nephoscope.localcloud.receivers import Receiver, Reply

CONFIG = """\
fleet: acme
gather: {aws: {regions: [eu-central-1, eu-west-1]}}
rules:
  - {name: down, on: instance, where: {tags: {Name: NAME}}, when: state is stopped, tell: [chat],
     summary: "{resource} ({type}) is {value} in {zone}"}
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
    moment = int(time.time()) // 60 * 60 - 60 * ago
    done = shell("run", "--slot", datetime.fromtimestamp(moment, UTC).isoformat())
    assert done.returncode in (0, 1), done.stderr


def heard(receiver: Receiver) -> list[dict[str, Any]]:
    return [one.json()["data"] for one in receiver.received("chat")]


def typed(shell: Any, command: str) -> Any:
    program, *arguments = command.split()
    assert program == "nephoscope"
    done = shell(*arguments)
    assert done.returncode == 0, done.stderr
    return done


def test_each_command_of_a_message_does_what_it_says(telling: Any, receiver: Receiver, victim: Instance) -> None:
    run(telling, 61)
    (message,) = heard(receiver)
    assert message["summary"] == f"{victim.name} ({victim.type}) is stopped in {victim.zone}"
    commands = message["commands"]
    assert f"down on {victim.id} is acknowledged by" in typed(telling, commands["acknowledge"]).stdout
    assert f"resource {victim.id}, until " in typed(telling, commands["silence"]).stdout
    assert "acknowledged by" in typed(telling, commands["timeline"]).stdout
    (silence,) = json.loads(telling("silence", "list", "--json").stdout)
    assert (silence["match"]["rules"], silence["match"]["resources"]) == (["down"], [victim.id])


def test_a_silence_meets_what_is_owed_already(telling: Any, receiver: Receiver, victim: Instance) -> None:
    receiver.script("chat", [Reply(503)])
    run(telling, 30)  # it fires, and the receiver does not take it
    (owed,) = json.loads(telling("outbox", "--json").stdout)
    assert telling("silence", "add", "--rule", "down", "--for", "2h").returncode == 0
    assert telling("outbox", "replay", owed["notification"]["id"]).returncode == 0  # due at once
    run(telling)
    assert heard(receiver) == []
    assert telling("outbox", "--json").stdout == "[]\n"
    (fired,) = json.loads(telling("timeline", "down", victim.name, "--json").stdout)
    assert (fired["told"], fired["muted"].endswith(" (chat)")) == ([], True)
    assert "nobody: silence " in telling("timeline", "down", victim.name).stdout
