"""A channel that groups, from the command line: what waits, what is under way as one message, what was given up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.clock import SystemClock
from nephoscope.app.deliver import deliver
from nephoscope.localcloud.machines import Instance
from nephoscope.localcloud.receivers import Receiver
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.scope import Cloud
from nephoscope.model.time import Deadline, iso
from nephoscope.stores import sqlite
from nephoscope.stores.memory import Memory

GROUPING = """\
fleet: acme
gather: {aws: {regions: [eu-central-1, eu-west-1]}}
rules:
  - {name: down, on: instance, where: {tags: {Name: NAME}}, when: state is stopped, tell: [chat]}
  - {name: away, on: instance, where: {tags: {Name: NAME}}, when: state is not running, tell: [chat]}
tell:
  chat: {webhook: "${env:CHAT_URL}", allow: [http, private], group_by: []}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def grouping(shell: Any, receiver: Receiver, victim: Instance, noon: int) -> Any:
    """Two rules hold for one machine, a run has seen it, and the channel's wait is not over."""
    shell.write(GROUPING.replace("NAME", victim.name))
    shell.environment["CHAT_URL"] = receiver.webhook_url("chat")
    assert shell("run", *at(noon)).returncode == 0
    assert receiver.deliveries("chat") == ()
    return shell


def at(moment: int) -> tuple[str, str]:
    """The option that makes a run for this time."""
    return "--slot", iso(moment)


class Later(SystemClock):
    """A minute from now: the wait is over."""

    def wall(self) -> float:
        return super().wall() + 61


def sweep(shell: Any, reason: Reason) -> None:
    """A sweeper a minute later, whose receiver says no."""

    class Refusing:
        def send(self, _message: object, _deadline: Deadline) -> None:
            raise DeliveryError(destination="chat", reason=reason)

    config, clock = compile_file(shell.folder / "nephoscope.yaml", {}).config, Later()
    with closing(sqlite.open_table(str(shell.folder / "nephoscope.sqlite"))) as table:
        memory = Memory(table, clock)
        scopes = [known.scope for known in memory.read_registry(Cloud.AWS)]
        deadline = Deadline(clock.monotonic() + 30, clock.monotonic)
        deliver(memory, scopes, lambda _name: Refusing(), config, clock, deadline, sweeping=True)


def listed(shell: Any) -> list[dict[str, Any]]:
    return list(json.loads(shell("outbox", "--json").stdout))


def test_what_waits_for_company_is_listed_singly(grouping: Any) -> None:
    owed = listed(grouping)
    assert sorted((each["status"], each["notification"]["rule"]) for each in owed) == [
        ("ready", "away"),
        ("ready", "down"),
    ]
    assert all("members" not in each for each in owed)


def test_a_message_under_way_is_one_entry_with_its_members(grouping: Any, receiver: Receiver, noon: int) -> None:
    sweep(grouping, Reason.UNAVAILABLE)
    (message,) = listed(grouping)
    members = sorted(member["rule"] for member in message["members"])
    assert (message["status"], message["attempts"], members) == ("ready", 1, ["away", "down"])
    name, member = message["notification"]["id"], message["members"][0]["id"]
    table = grouping("outbox")
    assert table.stdout.splitlines()[1].split()[:6] == [name, "ready", "chat", "away", "and", "down"]
    assert "a group of 2" in table.stdout
    assert table.stderr == "2 owed, 0 given up\n"
    shown = grouping("outbox", "show", name[:12]).stdout
    assert shown.count("state is") == 2
    refused = grouping("outbox", "drop", member)
    assert refused.returncode != 0
    assert f"leaves with others, in {name}" in refused.stderr
    assert grouping("outbox", "replay", name).returncode == 0
    assert grouping("run", *at(noon)).returncode == 0
    (delivery,) = receiver.deliveries("chat")
    event = json.loads(delivery.body)
    assert (event["type"], event["id"], event["data"]["firing"]) == ("nephoscope.alert.group", name, 2)
    assert listed(grouping) == []


def test_a_message_is_let_go_with_all_its_members(grouping: Any) -> None:
    sweep(grouping, Reason.UNAVAILABLE)
    (message,) = listed(grouping)
    assert grouping("outbox", "drop", message["notification"]["id"]).returncode == 0
    assert grouping("outbox").stderr == "nothing is owed to anybody\n"


def test_what_was_given_up_together_is_replayed_together(grouping: Any) -> None:
    sweep(grouping, Reason.GONE)
    (message,) = listed(grouping)
    assert (message["status"], len(message["members"])) == ("dead", 2)
    table = grouping("outbox")
    assert table.returncode == 1
    assert "0 owed, 2 given up" in table.stderr
    status = json.loads(grouping("status", "--json").stdout)
    assert sum(scope["dead"] for scope in status) == 2
    one = message["members"][0]["id"]
    assert grouping("outbox", "drop", one).returncode == 0, "of the dead a single one may be let go"
    assert grouping("outbox", "replay", message["notification"]["id"]).returncode == 0
    (again,) = listed(grouping)
    assert (again["status"], again["notification"]["id"]) == ("ready", message["members"][1]["id"])
