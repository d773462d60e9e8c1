"""The artifact, unpacked somewhere clean, run by AWS's own runtime client against the local AWS, over real HTTP."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from nephoscope.model.time import floor_to, iso
from tests.package.conftest import Deployed, Function, records

HOME = "aws#111111111111#eu-central-1"


def minute(ahead: int = 0) -> int:
    """A slot of this minute, or of one that a test has for itself."""
    return floor_to(int(time.time()), 60) + ahead * 60


def test_a_scheduled_run_gathers_publishes_and_tells_and_its_double_does_nothing(
    deployed: Deployed, tmp_path: Path
) -> None:
    slot = minute()
    with deployed.function("collect", tmp_path) as collect:
        first = collect.invoke({"scheduled_time": iso(slot + 17)})
        assert first.error is None, first.log
        again = collect.invoke({"scheduled_time": iso(slot + 17)})
    assert first.answer["slot"] == iso(slot)
    assert first.answer["scopes"] == {HOME: "done"}
    assert first.answer["resources"] > 0
    assert first.answer["errors"] == []
    assert again.answer["scopes"] == {HOME: "repeated"}
    assert again.answer["transitions"] == []

    (ill,) = deployed.aws.fleet.script[0].instances
    (alert,) = [one for one in deployed.receiver.wait_for("oncall", 1) if ill in one.body.decode()]
    assert "check-failed" in alert.body.decode()
    assert deployed.aws.client("cloudwatch").list_dashboards()["DashboardEntries"][0]["DashboardName"] == "acme"
    assert deployed.aws.ledger.calls("cloudwatch:PutMetricData") >= 1


def test_the_log_is_lines_of_json_with_the_functions_own_figures(deployed: Deployed, tmp_path: Path) -> None:
    with deployed.function("collect", tmp_path) as collect:
        collect.invoke({"scheduled_time": iso(minute(1))})
        lines = [json.loads(line) for line in collect.log.splitlines() if line.startswith("{")]
    (ran,) = [line for line in lines if line.get("message") == "ran"]
    assert ran["function_request_id"]
    assert ran["report"]["scopes"] == {HOME: "done"}
    figures = {name for line in lines if "_aws" in line for name in ("ColdStart", "Errors") if name in line}
    assert figures == {"ColdStart", "Errors"}


def test_where_no_time_came_the_clock_decides(deployed: Deployed, tmp_path: Path) -> None:
    before = minute()
    with deployed.function("collect", tmp_path) as collect:
        outcome = collect.invoke({"scheduled_time": "<aws.scheduler.scheduled-time>"})
    assert outcome.error is None, outcome.log
    assert outcome.answer["slot"] in {iso(before), iso(minute())}


def test_the_sweeper_answers_with_what_it_did(deployed: Deployed, tmp_path: Path) -> None:
    with deployed.function("deliver", tmp_path) as deliver:
        outcome = deliver.invoke({"scheduled_time": iso(minute())})
    assert outcome.error is None, outcome.log
    assert (outcome.answer["errors"], outcome.answer["owed"]) == ([], 0)


def test_of_a_batch_only_what_failed_comes_back(deployed: Deployed, tmp_path: Path) -> None:
    well = json.dumps({"scope": HOME, "slot": minute(2)})
    with deployed.function("work", tmp_path) as work:
        outcome = work.invoke(records(well, "not a message", json.dumps({"scope": "nowhere", "slot": 1})))
    assert outcome.error is None, outcome.log
    assert outcome.answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}, {"itemIdentifier": "message-2"}]}
    assert '"done"' in outcome.log


def test_the_widget_answers_with_html(deployed: Deployed, tmp_path: Path) -> None:
    with deployed.function("collect", tmp_path) as collect:
        collect.invoke({"scheduled_time": iso(minute(3))})
    with deployed.function("widget", tmp_path) as widget:
        outcome = widget.invoke({"widgetContext": {"dashboardName": "acme"}})
        described = widget.invoke({"describe": True})
    assert outcome.error is None, outcome.log
    assert "<" in outcome.answer
    assert "<script" not in outcome.answer
    assert described.error is None, described.log
    assert isinstance(described.answer, str)


def test_where_nothing_could_be_delivered_the_function_fails_and_says_why(deployed: Deployed, tmp_path: Path) -> None:
    with deployed.function("collect", tmp_path, NEPHOSCOPE_TABLE="no-such-table") as collect:
        outcome = collect.invoke({"scheduled_time": iso(minute(4))})
    assert outcome.error is not None
    assert outcome.error["errorType"] == "NothingDeliveredError"
    assert "not_found" in outcome.error["errorMessage"]


def test_too_little_time_is_said_and_nothing_is_half_done(deployed: Deployed, tmp_path: Path) -> None:
    with deployed.function("collect", tmp_path) as collect:
        hurried = collect.invoke({"scheduled_time": iso(minute(5))}, seconds=1.0)
        after = collect.invoke({"scheduled_time": iso(minute(6))})
    assert hurried.error is None, hurried.log
    assert "deadline" in json.dumps(hurried.answer)
    assert after.answer["scopes"] == {HOME: "done"}
    assert after.answer["gaps"] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "config.json:1:1: not in the package"), ('{"fleet": 1}', "config.json:1:1: not a compiled configuration")],
)
def test_a_broken_package_says_what_is_wrong_with_it(
    unpacked: Path, runtime: Path, tmp_path: Path, text: str | None, said: str
) -> None:
    task = tmp_path / "task"
    task.mkdir()
    for each in unpacked.iterdir():
        if each.name not in ("config.json", "handler.py"):
            (task / each.name).symlink_to(each)
    (task / "handler.py").write_bytes((unpacked / "handler.py").read_bytes())
    if text is not None:
        (task / "config.json").write_text(text)
    with Function("widget", task, runtime, {"AWS_REGION": "eu-central-1"}, tmp_path / "log") as widget:
        outcome = widget.invoke({})
    assert outcome.error is not None
    assert outcome.error["errorType"] == "ConfigError"
    assert said in outcome.error["errorMessage"]
