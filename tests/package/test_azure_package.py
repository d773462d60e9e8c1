"""azure.zip: what is in it, what it imports where only its requirements are installed, and the functions it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.package.other_clouds import build_for, clean_python, install, names_of, unpack

SUBSCRIPTION = "11111111-aaaa-4000-8000-000000000001"
CONFIG = f"""\
fleet: acme
gather:
  every: 5 min
  azure: {{subscriptions: [{SUBSCRIPTION}]}}
publish:
  cloudwatch: {{region: eu-central-1}}
tell:
  oncall: {{sns: "${{stack:AlertTopic}}"}}
rules:
  - {{name: cpu-hot, on: instance, when: cpu.utilization > 90 %, for: 3 of 5 min}}
"""


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_for("azure", tmp_path_factory.mktemp("azure") / "project", CONFIG)


@pytest.fixture(scope="module")
def task(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(artifact, tmp_path_factory.mktemp("wwwroot"))


@pytest.fixture(scope="module")
def packages(task: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(task / "requirements.txt", tmp_path_factory.mktemp("packages"))


def test_two_builds_are_the_same_bytes(artifact: Path, tmp_path: Path) -> None:
    assert build_for("azure", tmp_path / "elsewhere", CONFIG).read_bytes() == artifact.read_bytes()


def test_it_holds_what_the_platform_looks_for(artifact: Path, task: Path) -> None:
    needed = {"function_app.py", "host.json", "requirements.txt", "config.json", "LICENSE"}
    assert {*needed, "nephoscope/clouds/azure/reader.py"} <= set(names_of(artifact))
    host = json.loads((task / "host.json").read_text())
    assert host["version"] == "2.0"
    assert json.loads((task / "config.json").read_text())["gather"]["azure"]["subscriptions"] == [SUBSCRIPTION]


@pytest.mark.parametrize(
    "unwanted",
    [
        r"nephoscope/(localcloud|cli|app/authoring|clouds/gcp)/",
        r"\.pyc$|__pycache__|^\.python_packages",
        r"\.(so|pyd|dll|dylib)(\.|$)",
        r"^(boto3|google|azure|flask)/",
        r"^(handler|main)\.py$",
        r"local\.settings\.json",
    ],
)
def test_it_holds_nothing_that_the_platform_installs_or_another_runs(artifact: Path, unwanted: str) -> None:
    assert [name for name in names_of(artifact) if re.search(unwanted, name)] == []


def test_its_requirements_are_for_the_python_that_runs_there(task: Path) -> None:
    lines = (task / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines)
    assert pins["azure-functions"].startswith("2.")  # 1.x ends with Python 3.12
    assert {"azure-identity", "azure-monitor-querymetrics", "azure-monitor-query", "boto3", "cryptography"} <= set(pins)
    assert not {name for name in pins if name.startswith(("google", "grpc", "functions-framework", "moto", "pytest"))}


IMPORTS = """
import json, sys
import function_app
from nephoscope.app.wiring import wire
for port, name in [("cloud", "azure"), ("identity", "azure"), ("store", "dynamodb"), ("sink", "cloudwatch"),
                   ("dashboards", "cloudwatch"), ("notifier", "sns"), ("secrets", "aws"), ("admission", "aws"),
                   ("notifier", "webhook")]:
    wire(port, name)
import nephoscope.app.federation
print(json.dumps(sorted(sys.modules)))
"""


def test_its_requirements_are_enough_and_nothing_of_google_is_imported(task: Path, packages: Path) -> None:
    modules = json.loads(clean_python(task, packages, IMPORTS))
    assert {"azure.monitor.querymetrics", "boto3", "nephoscope.app.run"} <= set(modules)
    assert [name for name in modules if name.partition(".")[0] in ("google", "grpc", "flask", "pydantic", "yaml")] == []
    assert [name for name in modules if name.startswith(("nephoscope.clouds.gcp", "nephoscope.localcloud"))] == []


FUNCTIONS = """
import json
import function_app
print(json.dumps({each.get_function_name(): json.loads(each.get_function_json())["bindings"]
                  for each in function_app.app.get_functions()}))
"""


def test_the_app_shows_two_timers_and_a_queue(task: Path, packages: Path) -> None:
    shown: dict[str, list[dict[str, Any]]] = json.loads(clean_python(task, packages, FUNCTIONS))
    kinds = {name: {each["type"]: each for each in bindings} for name, bindings in shown.items()}
    assert {name: set(each) for name, each in kinds.items()} == {
        "collect": {"timerTrigger", "queue"},
        "deliver": {"timerTrigger"},
        "work": {"queueTrigger"},
    }
    assert kinds["collect"]["timerTrigger"]["schedule"] == "0 */5 * * * *"  # gather.every of the configuration
    assert kinds["deliver"]["timerTrigger"]["schedule"] == "0 */1 * * * *"
    for place in (kinds["collect"]["queue"], kinds["work"]["queueTrigger"]):
        assert (place["queueName"], place["connection"]) == ("work", "AzureWebJobsStorage")


SCHEDULES = """
import json
from function_app import schedule, scheduled
import azure.functions.timer as timer
now = 1795435200.0 + 60 * 7  # 2026-11-23T12:07:00Z
said = lambda status: scheduled(timer.TimerRequest(schedule_status=status), now)
print(json.dumps([
    [schedule(every) for every in (60, 300, 3600, 420, 1800)],
    [said(status) for status in (
        {"Next": "2026-11-23T12:07:00+00:00", "Last": "2026-11-23T12:06:00.01+00:00"},
        {"Next": "2026-11-23T12:07:04+00:00"},
        {"Next": "2026-11-23T12:05:00Z"},
        {"Next": "2026-11-23T12:08:00+00:00"},
        {"Next": "2026-11-23T02:00:00+00:00"},
        {"Next": "0001-01-01T00:00:00"},
        {},
        None,
    )],
]))
"""


def test_the_schedule_follows_the_period_and_the_time_is_this_invocations(task: Path, packages: Path) -> None:
    schedules, times = json.loads(clean_python(task, packages, SCHEDULES))
    assert schedules == ["0 */1 * * * *", "0 */5 * * * *", "0 0 * * * *", "0 */1 * * * *", "0 */30 * * * *"]
    assert times == [
        "2026-11-23T12:07:00+00:00",
        "2026-11-23T12:07:04+00:00",  # it fired a little early
        "2026-11-23T12:05:00Z",  # late, and still for its own minute
        None,  # the next one: not told which this is
        None,  # the app had slept for hours
        None,  # never yet
        None,
        None,
    ]
