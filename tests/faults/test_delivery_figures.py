"""What a run says of its deliveries, by channel and reason: in its log line, and in CloudWatch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import Outside, SystemClock, open_outside
from nephoscope.app.run import collect, sweep
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import simulate
from nephoscope.localcloud.receivers import Receiver, Reply
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline
from tests.alert_records import a_notification

NOON = 1_795_435_200
CONFIG = """
fleet: acme
gather: {{aws: {{regions: [eu-central-1]}}}}
rules: []
tell:
  chat: {{webhook: "{chat}", format: json, allow: [http, private]}}
  oncall: {{webhook: "{oncall}", format: json, allow: [http, private]}}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    with LocalAws(simulate(5, 4, ("eu-central-1",), start=NOON, script=()), with_ministack=False) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        running.set_time(NOON + 600)
        yield running


@pytest.fixture
def outside(aws: LocalAws, receiver: Receiver, tmp_path: Path) -> Outside:
    """Two messages are owed to each channel already."""
    text = CONFIG.format(chat=receiver.webhook_url("chat"), oncall=receiver.webhook_url("oncall"))
    (tmp_path / "nephoscope.yaml").write_text(text)
    settings = Settings(store="sqlite", table=str(tmp_path / "memory.sqlite"), home_region="eu-central-1")
    opened = open_outside(compile_file(tmp_path / "nephoscope.yaml").config, settings, SystemClock())
    collect(opened, NOON + 600, soon())
    (scope,) = scopes_of(opened)
    for number in range(2):
        for channel in ("chat", "oncall"):
            opened.memory.enqueue(scope, a_notification(key=f"a{number}", channel=channel))
    return opened


def scopes_of(outside: Outside) -> list[Scope]:
    return [row.scope for row in outside.memory.read_registry(Cloud.AWS)]


def soon(seconds: float = 30.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


@pytest.fixture
def published(aws: LocalAws) -> Callable[[str], dict[str, float]]:
    """reason (empty: none) -> the sum of a metric of ours."""

    def sums(name: str) -> dict[str, float]:
        cloudwatch = aws.client("cloudwatch", "eu-central-1")
        found: dict[str, float] = {}
        for metric in cloudwatch.list_metrics(Namespace="nephoscope", MetricName=name)["Metrics"]:
            answer = cloudwatch.get_metric_data(
                StartTime=NOON - 3600,
                EndTime=NOON + 7200,
                MetricDataQueries=[{"Id": "x", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}],
            )
            reasons = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
            found[reasons.get("reason", "")] = sum(answer["MetricDataResults"][0]["Values"])
        return found

    return sums


def test_a_run_says_what_was_sent_and_refused_by_channel_and_reason(
    aws: LocalAws, outside: Outside, receiver: Receiver, published: Callable[[str], dict[str, float]]
) -> None:
    receiver.script("chat", [Reply(503), Reply(429)])
    aws.set_time(NOON + 660)
    report = collect(outside, NOON + 660, soon())
    delivery: dict[str, Any] = json.loads(json.dumps(report.as_dict()))["delivery"]
    assert delivery["channels"]["oncall"] == {"sent": 2, "retried": 0, "dead": 0, "refused": {}}
    assert delivery["channels"]["chat"]["refused"] == {"unavailable": 1, "throttled": 1}
    assert (delivery["sent"], delivery["retried"], delivery["owed"]) == (2, 2, 2)
    assert published("nephoscope.sent") == {"": 2.0}
    assert published("nephoscope.refused") == {"unavailable": 1.0, "throttled": 1.0}
    assert published("nephoscope.dead") == {}


def test_a_quiet_run_publishes_nothing_of_deliveries(
    aws: LocalAws, outside: Outside, published: Callable[[str], dict[str, float]]
) -> None:
    collect(outside, NOON + 660, soon())
    puts = aws.ledger.calls("cloudwatch:PutMetricData")
    aws.set_time(NOON + 720)
    report = collect(outside, NOON + 720, soon())
    assert aws.ledger.calls("cloudwatch:PutMetricData") == puts + 1
    assert report.as_dict()["delivery"] == {}


def test_the_sweeper_says_the_same(aws: LocalAws, outside: Outside, receiver: Receiver) -> None:
    receiver.script("oncall", [Reply(410)])
    report = sweep(outside, soon())
    oncall = report.channels["oncall"]
    assert oncall.refused == report.refused == {"gone": 1}
    assert oncall.dead >= 1  # and what is owed to it besides, but for what was under way
    assert oncall.sent + oncall.dead == 2
