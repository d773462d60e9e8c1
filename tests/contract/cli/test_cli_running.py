"""A run from the command line, what it leaves behind, and the ways to look at that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nephoscope.app.config import dump_config, load_config
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT
from nephoscope.localcloud.receivers import Receiver, Reply
from nephoscope.model.config import Config

WRITES = ("cloudwatch:PutMetricData", "cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards")

TELLING = """\
fleet: acme
gather: {aws: {regions: [eu-central-1, eu-west-1]}}
rules:
  - {name: down, on: instance, when: state is stopped, severity: critical, tell: [chat]}
tell:
  chat: {webhook: "${env:CHAT_URL}", allow: [http, private]}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def telling(shell: Any, receiver: Receiver) -> Any:
    """A configuration with one rule that holds, and a receiver that is told."""
    shell.write(TELLING)
    shell.environment["CHAT_URL"] = receiver.webhook_url("chat")
    return shell


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


# --- run ----------------------------------------------------------------------------------------------------------


def test_a_dry_run_reads_and_writes_nothing(telling: Any, aws: LocalAws, receiver: Receiver) -> None:
    done = telling("run", "--dry-run")
    assert done.returncode == 0
    assert f"  fired down on {aws.fleet.instances[0].id}" in done.stdout
    assert "(state_held): tells chat" in done.stdout
    assert "It writes the dashboard: acme." in done.stdout
    assert "Nothing was written or sent." in done.stderr
    assert aws.ledger.calls("ec2:DescribeInstances") == 2
    assert sum(aws.ledger.calls(action) for action in WRITES) == 0
    assert receiver.deliveries() == ()
    assert telling.files == ["nephoscope.yaml"]


def test_a_run_publishes_draws_tells_and_remembers(telling: Any, aws: LocalAws, receiver: Receiver) -> None:
    first = telling("run")
    assert (first.returncode, first.stderr) == (0, "")
    assert f"fired down on {aws.fleet.instances[0].id} (state_held)" in first.stdout
    assert "Notifications: 1 sent, 0 still owed." in first.stdout
    assert [delivery.json()["type"] for delivery in receiver.received("chat")] != []
    assert (aws.ledger.calls("cloudwatch:PutMetricData"), aws.ledger.calls("cloudwatch:PutDashboard")) == (1, 1)

    status = telling("status", "--json")
    standing = {each["cloud_region"]: each for each in lines(status.stdout)}
    assert status.returncode == 0
    assert standing["eu-central-1"]["instances"] == {"running": 19, "stopped": 1, "changing": 0, "gone": 0}
    assert standing["eu-west-1"]["instances"] == {"running": 20, "stopped": 0, "changing": 0, "gone": 0}
    assert [each["resource"] for each in standing["eu-central-1"]["firing"]] == [aws.fleet.instances[0].id]
    assert standing["eu-central-1"]["firing"][0]["told"] == ["chat"]
    assert telling("outbox").stderr == "nothing is owed to anybody\n"


def test_a_slot_that_was_run_is_not_run_again(telling: Any, aws: LocalAws) -> None:
    slot = "2026-01-05T12:00:00Z"
    telling("run", "--slot", slot)
    calls = aws.ledger.calls("ec2:DescribeInstances")
    again = telling("run", "--slot", slot)
    assert again.returncode == 0
    assert again.stdout.count("repeated") == 2
    assert aws.ledger.calls("ec2:DescribeInstances") == calls
    assert "nothing, this slot was already run" in telling("run", "--dry-run", "--slot", slot).stdout


def test_a_run_whose_every_read_fails_says_so_and_forgets_nothing(telling: Any, aws: LocalAws) -> None:
    assert telling("run").returncode == 0
    aws.faults.add(Fault(Failing.DENY, "ec2:*"))
    blind = telling("run", "--slot", _next_minute(telling))
    assert blind.returncode == 1
    assert f"aws {HOME_ACCOUNT} eu-central-1: ec2:DescribeInstances: denied" in blind.stderr
    status = telling("status", "--json")
    assert [each["firing"][0]["rule"] for each in lines(status.stdout) if each["firing"]] == ["down"]


def _next_minute(shell: Any) -> str:
    """The minute after the last run; waits for it, for there are no runs for times to come."""
    import time

    slots = [each["slot"] for each in lines(shell("status", "--json").stdout)]
    from datetime import datetime, timedelta

    following = datetime.fromisoformat(max(slots)) + timedelta(minutes=1)
    time.sleep(max(0.0, following.timestamp() - time.time()))
    return following.isoformat()


# --- outbox -------------------------------------------------------------------------------------------------------


def test_what_was_not_taken_is_owed_shown_and_sent_again(telling: Any, receiver: Receiver) -> None:
    receiver.script("chat", [Reply(503)])
    done = telling("run")
    assert done.returncode == 1
    assert "channel chat: 1 not taken (unavailable), to be tried again" in done.stderr
    owed = lines(telling("outbox", "--json").stdout)
    assert [(each["status"], each["attempts"]) for each in owed] == [("ready", 1)]

    whole = owed[0]["notification"]["id"]
    assert telling("outbox").stdout.splitlines()[1].startswith(f"{whole}  ready  chat")
    shown = telling("outbox", "show", whole[:12])
    assert shown.returncode == 0
    assert f"{whole}\n" in shown.stdout
    assert "last reason:  unavailable" in shown.stdout

    assert telling("outbox", "replay", whole[:12]).returncode == 0
    assert "Notifications: 1 sent, 0 still owed." in telling("run").stdout
    assert [delivery.id for delivery in receiver.received("chat")] == [whole]


def test_what_is_let_go_is_never_sent(telling: Any, receiver: Receiver) -> None:
    receiver.script("chat", [Reply(503)])
    telling("run")
    owed = lines(telling("outbox", "--json").stdout)
    dropped = telling("outbox", "drop", owed[0]["notification"]["id"])
    assert (dropped.returncode, telling("outbox", "--json").stdout) == (0, "")
    assert "no notification that is owed begins with" in telling("outbox", "show", "msg_0").stderr
    telling("run")
    assert receiver.received("chat") == ()


# --- dashboard ----------------------------------------------------------------------------------------------------


def test_the_dashboard_is_printed_and_pushed_once(shell: Any, aws: LocalAws) -> None:
    printed = shell("dashboard")
    body = json.loads(printed.stdout)
    assert printed.returncode == 0
    assert body["widgets"]
    first, second = shell("dashboard", "--push"), shell("dashboard", "--push")
    assert "acme in eu-central-1: 1 written or removed" in first.stdout
    assert "stands as it should" in second.stdout
    assert aws.ledger.calls("cloudwatch:PutDashboard") == 1
    stands = aws.client("cloudwatch", "eu-central-1").get_dashboard(DashboardName="acme")
    assert json.loads(stands["DashboardBody"]) == body


def test_a_part_that_does_not_exist_is_refused(shell: Any) -> None:
    done = shell("dashboard", "--part", "9")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the dashboard has 1" in done.stderr


# --- validate -----------------------------------------------------------------------------------------------------


def test_the_forecast_is_what_reading_so_many_machines_costs(shell: Any, aws: LocalAws) -> None:
    """600 machines of one metric with a point in five minutes: 12 reads an hour each, at 0.01 USD a thousand, for 730
    hours; two scopes of 300 take one call of 500 each."""
    done = shell("validate", "--instances", "600", "--json")
    forecast = json.loads(done.stdout)["forecast"]
    reading = next(line for line in forecast["lines"] if line["action"] == "cloudwatch:GetMetricData")
    assert done.returncode == 0
    assert reading == {
        "action": "cloudwatch:GetMetricData",
        "requests_per_hour": 24,
        "units_per_hour": 7200,
        "usd_per_month": 52.56,
    }
    assert aws.ledger.entries() == ()


def test_a_compiled_configuration_is_as_good_as_the_written_one(shell: Any) -> None:
    from nephoscope.app.authoring.compile import compile_file

    compiled: Config = compile_file(shell.folder / "nephoscope.yaml", {}).config
    text = dump_config(compiled)
    assert load_config(text) == compiled
    shell.write(text, "config.json")
    (shell.folder / "nephoscope.yaml").unlink()
    done = shell("--config", "config.json", "list", "--state", "stopped", "--json")
    assert (done.returncode, len(lines(done.stdout))) == (0, 1)


def test_explaining_gives_each_rule_a_sentence(telling: Any) -> None:
    done = telling("validate", "--explain")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("down")] == [
        "down: every instance: fires when state is stopped is seen once; clears when state is not stopped; critical; "
        "told to chat."
    ]


def test_the_memory_of_a_deployment_is_named_by_its_table(shell: Any, tmp_path: Path) -> None:
    done = shell("status", "--table", "nephoscope-prod", AWS_ENDPOINT_URL_DYNAMODB="http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (1, "")
    assert "alert memory: Query: unavailable" in done.stderr
    assert not (tmp_path / "nephoscope.sqlite").exists()
