"""azure.zip as Azure runs it: Microsoft's own worker library in a process of its own, the local Azure below it, and AWS
entered by the managed identity's token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.azure.local import OBJECT_ID, LocalAzure
from nephoscope.localcloud.fleet import simulate
from nephoscope.model.time import floor_to, iso
from tests.package.other_clouds import Admitting, admitting, build_for, install, unpack
from tests.package.test_azure_package import CONFIG, SUBSCRIPTION

WORKER = ("azure-functions-runtime==1.3.0", "azurefunctions-extensions-base==1.2.0")
"""Its interface is private, so the version is pinned. It wants Python 3.13, and runs on 3.11 all the same."""
EVERY = 300
HOME = f"azure#{SUBSCRIPTION}#westeurope"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("worker")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*command, "--ignore-requires-python", "--target", str(place), *WORKER],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"pip cannot install {WORKER[0]} here: {done.stderr.strip()[-300:]}")
    return place


@dataclass(frozen=True, slots=True)
class App:
    """The app's folder, and what it sees."""

    task: Path
    packages: Path
    worker: Path
    azure: LocalAzure
    admitting: Admitting
    token: Path

    @property
    def aws(self) -> LocalAws:
        return self.admitting.aws

    def run(self, *invocations: tuple[str, Mapping[str, Any]], **changes: str) -> tuple[list[Any], str]:
        """What the worker said of each invocation, and the log."""
        self.token.unlink(missing_ok=True)
        asked = [json.dumps({"function": name, "data": data}) for name, data in invocations]
        done = subprocess.run(
            [sys.executable, "-S", "-B", str(Path(__file__).with_name("azure_worker.py")), str(self.task)],
            cwd=self.task,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(map(str, (self.task, self.packages, self.worker))),
                **self.azure.environment(),
                **self.admitting.environment,
                **changes,
            },
            input="\n".join(asked),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture(scope="module")
def app(worker: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    artifact = build_for("azure", tmp_path_factory.mktemp("azure") / "project", CONFIG)
    task = unpack(artifact, tmp_path_factory.mktemp("wwwroot"))
    packages = install(task / "requirements.txt", tmp_path_factory.mktemp("packages"))
    token = tmp_path_factory.mktemp("tmp") / "aws-web-identity-token"
    now = floor_to(int(time.time()), 60)
    fleet = simulate(instances=8, regions=("westeurope",), accounts=(SUBSCRIPTION,), start=now, script=())
    with LocalAzure(fleet) as azure, LocalAws(simulate(instances=0, start=now)) as aws:
        let_in = admitting(aws, "azure", token)
        trust(let_in, azure)
        yield App(task, packages, worker, azure, let_in, token)


def trust(let_in: Admitting, azure: LocalAzure, **claims: str) -> None:
    let_in.visitor.trust_azure(let_in.aws, azure, **claims)


def timer(at: int) -> dict[str, Any]:
    """As the host's timer trigger says it."""
    status = {"Last": iso(at - EVERY), "LastUpdated": iso(at - EVERY), "Next": iso(at)}
    return {
        "timer": [
            "json",
            json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": False}),
        ]
    }


def test_a_timers_run_gathers_and_publishes_as_its_role_and_its_double_does_nothing(app: App) -> None:
    slot = floor_to(int(time.time()), EVERY)
    app.aws.ledger.clear()
    (index, first, again, swept), log = app.run(
        ("collect", timer(slot)), ("collect", timer(slot)), ("deliver", timer(slot))
    )
    assert set(index) == {"collect", "deliver", "work"}
    assert (first, again, swept) == ({"output": {}}, {"output": {}}, {"output": {}}), log
    ran, doubled = reports(log)
    assert ran["slot"] == doubled["slot"] == iso(slot)
    assert ran["scopes"] == {HOME: "done"}
    assert (ran["resources"], ran["errors"], ran["gaps"]) == (8, [], [])
    assert doubled["scopes"] == {HOME: "repeated"}

    entries = app.aws.ledger.entries()
    inside = [entry for entry in entries if entry.action != "sts:AssumeRoleWithWebIdentity"]
    assert {entry.principal for entry in inside} == {app.admitting.role}
    assert all(entry.allowed for entry in entries)
    assert {entry.action for entry in inside} >= {"dynamodb:PutItem", "cloudwatch:PutMetricData"}
    assert not {entry.action for entry in inside} & {"cloudwatch:PutDashboard", "cloudwatch:GetDashboard"}
    assert "eyJ" not in log  # no token stands in the log


def reports(log: str) -> list[dict[str, Any]]:
    return [json.loads(line.partition(":ran ")[2]) for line in log.splitlines() if ":ran {" in line]


def test_a_message_is_one_scopes_run_and_what_is_none_fails_alone(app: App) -> None:
    slot = floor_to(int(time.time()), EVERY) + EVERY
    message = json.dumps({"scope": HOME, "slot": slot})
    (_, odd, well), log = app.run(
        ("work", {"message": ["string", "hello"]}), ("work", {"message": ["string", message]})
    )
    assert "error" in odd
    assert well == {"output": {}}, log
    assert [ran["scopes"] for ran in reports(log)] == [{HOME: "done"}]


def test_many_scopes_are_put_out_for_the_queue(app: App) -> None:
    """Ten regions: more than one function does itself."""
    regions = ("eastus", "eastus2", "francecentral", "germanywestcentral", "northeurope", "swedencentral", "uksouth",
               "westeurope", "westus2", "westus3")  # fmt: skip
    slot = floor_to(int(time.time()), EVERY) + 2 * EVERY
    few = app.azure.fleet
    app.azure.reset(simulate(instances=10, regions=regions, accounts=(SUBSCRIPTION,), start=slot, script=()))
    try:
        (_, put), log = app.run(("collect", timer(slot - EVERY * 2)))
    finally:
        app.azure.reset(few)
    assert set(put["output"]) == {"messages"}, (put, log)
    messages = [json.loads(text) for text in json.loads(put["output"]["messages"]["json"])]
    assert [each["scope"] for each in messages] == [f"azure#{SUBSCRIPTION}#{region}" for region in regions]
    assert {each["slot"] for each in messages} == {slot - EVERY * 2}


def test_a_refused_token_names_the_claim_and_the_run_fails(app: App) -> None:
    trust(app.admitting, app.azure, sub="somebody-else")
    try:
        (_, refused), log = app.run(("collect", timer(floor_to(int(time.time()), EVERY))))
    finally:
        trust(app.admitting, app.azure)
    assert f"/:sub={OBJECT_ID}; one differs from the role's trust policy" in refused["error"]
    assert "eyJ" not in log


def test_an_app_without_its_configuration_says_so(app: App, tmp_path: Path) -> None:
    for each in app.task.iterdir():
        if each.name not in ("config.json", "function_app.py"):
            (tmp_path / each.name).symlink_to(each)
    (tmp_path / "function_app.py").write_bytes((app.task / "function_app.py").read_bytes())
    broken = App(tmp_path, app.packages, app.worker, app.azure, app.admitting, app.token)
    (said,), _ = broken.run()
    assert "config.json:1:1: not in the package" in said["error"]
