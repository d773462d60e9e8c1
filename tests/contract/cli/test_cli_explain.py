"""`nephoscope explain` between real runs on one memory: the points as they are read now, and why people were told."""

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
  - {name: down, on: instance, where: {tags: {Name: NAME}}, when: state is stopped, tell: [chat]}
  - {name: busy, on: instance, when: cpu.utilization > 0 %, for: 10 min, tell: [chat]}
tell:
  chat: {webhook: "${env:CHAT_URL}", allow: [http, private], repeat: 1 h}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def telling(shell: Any, aws: LocalAws, receiver: Receiver, victim: Instance) -> Any:
    """The fleet's time is the wall's: what is explained is read now."""
    aws.set_time(None)
    shell.write(CONFIG.replace("NAME", victim.name))
    shell.environment["CHAT_URL"] = receiver.webhook_url("chat")
    return shell


def run(shell: Any) -> None:
    moment = int(time.time()) // 60 * 60
    shell("run", "--slot", datetime.fromtimestamp(moment, UTC).isoformat())


def busy(shell: Any) -> str:
    """The letters of an alert of the rule on a metric."""
    scopes = json.loads(shell("status", "--json").stdout)
    return next(each["alert"] for scope in scopes for each in scope["firing"] if each["rule"] == "busy")


def test_a_rule_on_a_metric_is_explained_by_its_points(telling: Any, aws: LocalAws) -> None:
    run(telling)
    letters = busy(telling)
    aws.ledger.clear()
    done = telling("explain", letters, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["rule"], said["state"], said["listed"]) == (0, "busy", "firing", True)
    assert said["sentence"].startswith("busy: every instance: fires when cpu.utilization > 0 % at 10 of 10 one-minute")
    window = said["window"]
    counted = [period for period in window["periods"] if period["counts"]]
    breaching = sum(period["breaching"] is True for period in counted)
    assert (window["verdict"], len(counted), breaching >= window["needed"]) == (
        "breaching",
        window["considered"],
        True,
    )
    assert said["deliveries"][0] == said["deliveries"][0] | {"seq": 1, "channel": "chat", "status": "delivered"}
    assert aws.ledger.calls("cloudwatch:GetMetricData") == 1
    shown = telling("explain", letters).stdout
    assert "The points it is judged by now" in shown
    assert f"breach, {window['needed']} needed: breaching." in shown
    assert "- Told are chat by the rule." in shown


def test_an_observation_is_explained_by_what_is_seen(telling: Any, victim: Instance, receiver: Receiver) -> None:
    run(telling)
    shown = telling("explain", "down", victim.name)
    assert shown.returncode == 0
    assert "state is stopped now." in shown.stdout
    assert "- The last change, fired (state_held) at" in shown.stdout
    assert "every 1 h." in shown.stdout


def test_a_window_and_an_acknowledgement_are_the_reason(telling: Any, victim: Instance) -> None:
    config = CONFIG.replace("NAME", victim.name)
    telling.write(config + 'quiet: [{name: always, every: "daily 00:00-24:00"}]\n')
    run(telling)
    said = json.loads(telling("explain", "down", victim.name, "--json").stdout)
    assert said["deliveries"] == []
    assert any(" was told to nobody: it was quiet, by window always." in reason for reason in said["reasons"])
    assert any(reason.startswith("It is quiet now, by window always: ") for reason in said["reasons"])
    telling.write(config)
    telling("ack", "down", victim.name, "--by", "ana")
    said = json.loads(telling("explain", "down", victim.name, "--json").stdout)
    assert any(reason.startswith("ana acknowledged it at ") for reason in said["reasons"])


def test_what_a_receiver_did_not_take_is_owed_with_its_last_failure(
    telling: Any, aws: LocalAws, victim: Instance, receiver: Receiver
) -> None:
    telling.write(CONFIG.replace("NAME", victim.name).replace("  - {name: busy", "#"))
    receiver.script("chat", [Reply(503)])
    run(telling)
    aws.ledger.clear()
    done = telling("explain", "down", victim.name, "--no-read", "--json")
    (owed,) = json.loads(done.stdout)["deliveries"]
    assert (owed["status"], owed["attempts"], owed["last"][:22]) == ("ready", 1, "unavailable (HTTP 503)")
    assert aws.ledger.entries() == ()


def test_a_rule_that_is_no_more_says_so(telling: Any, victim: Instance) -> None:
    run(telling)
    telling.write(CONFIG.replace("name: down", "name: off").replace("NAME", victim.name))
    shown = telling("explain", "down", victim.name)
    assert "- The configuration has no such rule any more" in shown.stdout
