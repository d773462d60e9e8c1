"""A run from the command line, what it leaves behind, and the ways to look at that."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nephoscope.app.config import dump_config, load_config
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT
from nephoscope.localcloud.machines import Instance
from nephoscope.localcloud.receivers import Receiver, Reply
from nephoscope.model.config import Config

WRITES = ("cloudwatch:PutMetricData", "cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards")

TELLING = """\
fleet: acme
gather: {aws: {regions: [eu-central-1, eu-west-1]}}
rules:
  - {name: down, on: instance, where: {tags: {Name: NAME}}, when: state is stopped, tell: [chat]}
tell:
  chat: {webhook: "${env:CHAT_URL}", allow: [http, private]}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def telling(shell: Any, receiver: Receiver, victim: Instance) -> Any:
    """A configuration with one rule that holds for one machine, and a receiver that is told."""
    shell.write(TELLING.replace("NAME", victim.name))
    shell.environment["CHAT_URL"] = receiver.webhook_url("chat")
    return shell


def lines(text: str) -> list[dict[str, Any]]:
    return list(json.loads(text))


# --- run ----------------------------------------------------------------------------------------------------------


def counted(aws: LocalAws, region: str) -> Counter[str]:
    """Instances by state, from a plain boto3 client; the fleet's are running or stopped at noon."""
    answer = aws.client("ec2", region).describe_instances()
    return Counter(one["State"]["Name"] for each in answer["Reservations"] for one in each["Instances"])


def at(moment: int) -> tuple[str, str]:
    """The option that makes a run for this time."""
    return "--slot", datetime.fromtimestamp(moment, UTC).isoformat()


def test_a_dry_run_reads_and_writes_nothing(
    telling: Any, aws: LocalAws, receiver: Receiver, victim: Instance, noon: int
) -> None:
    done = telling("run", "--dry-run", *at(noon))
    assert done.returncode == 0
    assert f"  fired down on {victim.id}" in done.stdout
    assert "(state_held): tells chat" in done.stdout
    assert "It writes the dashboard: acme." in done.stdout
    assert "Nothing was written or sent." in done.stderr
    assert aws.ledger.calls("ec2:DescribeInstances") == 2
    assert sum(aws.ledger.calls(action) for action in WRITES) == 0
    assert receiver.deliveries() == ()
    assert telling.files == ["nephoscope.yaml"]


def test_a_run_publishes_draws_tells_and_remembers(
    telling: Any, aws: LocalAws, receiver: Receiver, victim: Instance, noon: int
) -> None:
    first = telling("run", *at(noon))
    assert (first.returncode, first.stderr) == (0, "")
    assert f"fired down on {victim.id} (state_held)" in first.stdout
    assert "Notifications: 1 sent, 0 still owed." in first.stdout
    assert [delivery.json()["data"]["rule"] for delivery in receiver.received("chat")] == ["down"]
    puts = aws.ledger.calls("cloudwatch:PutMetricData"), aws.ledger.calls("cloudwatch:PutDashboard")
    assert puts == (2, 1), "of the run, and of what became of its message"

    status = telling("status", "--json")
    standing = {each["cloud_region"]: each for each in lines(status.stdout)}
    assert status.returncode == 0
    for region in ("eu-central-1", "eu-west-1"):
        assert {group: number for group, number in standing[region]["instances"].items() if number} == counted(
            aws, region
        )
    assert [(each["resource"], each["told"]) for each in standing[victim.region]["firing"]] == [(victim.id, ["chat"])]

    aws.ledger.clear()
    assert telling("run", *at(noon)).stdout.count("repeated") == 2
    assert aws.ledger.calls("ec2:DescribeInstances") == 0
    assert "nothing, this slot was already run" in telling("run", "--dry-run", *at(noon)).stdout
    assert len(receiver.received("chat")) == 1


def test_a_run_whose_every_read_fails_says_so_and_forgets_nothing(telling: Any, aws: LocalAws, noon: int) -> None:
    assert telling("run", *at(noon)).returncode == 0
    aws.faults.add(Fault(Failing.DENY, "ec2:*"))
    blind = telling("run", *at(noon + 60))
    assert blind.returncode == 1
    assert f"aws {HOME_ACCOUNT} eu-central-1: ec2:DescribeInstances: denied" in blind.stderr
    standing = lines(telling("status", "--json").stdout)
    assert [each["rule"] for scope in standing for each in scope["firing"]] == ["down"]


# --- outbox -------------------------------------------------------------------------------------------------------


def test_what_was_not_taken_is_owed_shown_and_sent_again(telling: Any, receiver: Receiver, noon: int) -> None:
    receiver.script("chat", [Reply(503)])
    done = telling("run", *at(noon))
    assert done.returncode == 1
    assert "channel chat: 1 not taken (unavailable), to be tried again" in done.stderr
    owed = lines(telling("outbox", "--json").stdout)
    assert [(each["status"], each["attempts"]) for each in owed] == [("ready", 1)]

    whole = owed[0]["notification"]["id"]
    assert telling("outbox").stdout.splitlines()[1].split()[:4] == [whole, "ready", "chat", "down"]
    shown = telling("outbox", "show", whole[:12])
    assert shown.returncode == 0
    assert f"{whole}\n" in shown.stdout
    assert "last reason:  unavailable" in shown.stdout

    assert telling("outbox", "replay", whole[:12]).returncode == 0
    assert "Notifications: 1 sent, 0 still owed." in telling("run", *at(noon)).stdout
    assert [delivery.id for delivery in receiver.received("chat")] == [whole]


def test_what_is_let_go_is_never_sent(telling: Any, receiver: Receiver, noon: int) -> None:
    receiver.script("chat", [Reply(503)])
    telling("run", *at(noon))
    owed = lines(telling("outbox", "--json").stdout)
    dropped = telling("outbox", "drop", owed[0]["notification"]["id"])
    assert (dropped.returncode, telling("outbox", "--json").stdout) == (0, "[]\n")
    assert "no notification that is owed begins with" in telling("outbox", "show", "msg_0").stderr
    telling("run", *at(noon + 60))
    assert telling("outbox").stderr == "nothing is owed to anybody\n"
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


def test_a_compiled_configuration_is_as_good_as_the_written_one(shell: Any, victim: Instance) -> None:
    from nephoscope.app.authoring.compile import compile_file

    compiled: Config = compile_file(shell.folder / "nephoscope.yaml", {}).config
    text = dump_config(compiled)
    assert load_config(text) == compiled
    shell.write(text, "config.json")
    (shell.folder / "nephoscope.yaml").unlink()
    done = shell("--config", "config.json", "list", "--tag", f"Name={victim.name}", "--json")
    assert (done.returncode, [each["host_id"] for each in lines(done.stdout)]) == (0, [victim.id])


def test_explaining_gives_each_rule_a_sentence(telling: Any, victim: Instance) -> None:
    done = telling("validate", "--explain")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("down")] == [
        f"down: every instance with tag Name = {victim.name}: fires when state is stopped is seen once; "
        "clears when state is not stopped; warning; told to chat."
    ]


def test_the_memory_of_a_deployment_is_named_by_its_table(shell: Any, tmp_path: Path) -> None:
    done = shell("status", "--table", "nephoscope-prod", AWS_ENDPOINT_URL_DYNAMODB="http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (1, "")
    assert "alert memory: Query: unavailable" in done.stderr
    assert not (tmp_path / "nephoscope.sqlite").exists()
