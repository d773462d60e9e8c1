"""gcp.zip as Google runs it: functions-framework as a process of its own, its HTTP and CloudEvents over the wire, the
local Google's own metadata, Compute and Monitoring below it, and AWS entered by the service account's token."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import free_port
from nephoscope.localcloud.demo.platforms import framework_answers
from nephoscope.localcloud.fleet import simulate
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.model.time import floor_to, iso
from tests.package.other_clouds import Admitting, admitting, build_for, install, unpack
from tests.package.test_gcp_package import CONFIG

HOME = "gcp#acme-web#europe-west1"


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int
    answer: Any


class Framework:
    """One entrance under functions-framework, on 127.0.0.1. A context manager."""

    def __init__(self, entrance: str, task: Path, packages: Path, environment: Mapping[str, str], log: Path) -> None:
        self._port = free_port()
        self._log = log / f"{entrance}.log"
        place = ("--host", "127.0.0.1", "--port", str(self._port))
        signature = "cloudevent" if entrance == "work" else "http"
        self._command = [
            sys.executable, "-S", "-B", "-m", "functions_framework",
            "--target", entrance, "--source", str(task / "main.py"), "--signature-type", signature, *place,
        ]  # fmt: skip
        self._task = task
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{task}{os.pathsep}{packages}",
            "THREADS": "1",
            **environment,
        }

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._task, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        until = time.monotonic() + 20
        while not framework_answers(self._port):
            assert self._process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def post(self, body: object = None, **headers: str) -> Outcome:
        data = b"" if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}/", data=data, method="POST")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own process, by http
                return Outcome(answer.status, _plain(answer.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Outcome(error.code, _plain(error.read()))


def _plain(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Deployed:
    google: LocalGcp
    admitting: Admitting
    open: Callable[..., Framework]

    @property
    def aws(self) -> LocalAws:
        return self.admitting.aws


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    task = unpack(build_for("gcp", tmp_path_factory.mktemp("gcp") / "project", CONFIG), tmp_path_factory.mktemp("task"))
    packages = install(task / "requirements.txt", tmp_path_factory.mktemp("packages"))
    token = tmp_path_factory.mktemp("tmp") / "aws-web-identity-token"
    now = floor_to(int(time.time()), 60)
    fleet = simulate(instances=8, regions=("europe-west1",), accounts=("acme-web",), start=now, script=())
    with LocalGcp(fleet) as google, LocalAws(simulate(instances=0, start=now)) as aws:
        let_in = admitting(aws, "gcp", token)
        trust(let_in, google)

        def opened(entrance: str, log: Path, **changes: str) -> Framework:
            token.unlink(missing_ok=True)
            environment = {**google.environment(), **let_in.environment, **changes}
            return Framework(entrance, task, packages, environment, log)

        yield Deployed(google, let_in, opened)


def trust(let_in: Admitting, google: LocalGcp, **claims: str) -> None:
    let_in.visitor.trust_google(let_in.aws, google, **claims)


def minute(ahead: int = 0) -> int:
    return floor_to(int(time.time()), 60) + ahead * 60


def test_a_scheduled_run_gathers_and_publishes_as_its_role_and_its_double_does_nothing(
    deployed: Deployed, tmp_path: Path
) -> None:
    slot = minute()
    deployed.aws.ledger.clear()
    with deployed.open("collect", tmp_path) as collect:
        first = collect.post(X_CloudScheduler_ScheduleTime=iso(slot))
        again = collect.post(X_CloudScheduler_ScheduleTime=iso(slot))
        late = collect.post()
    assert first.status == 200, (first, collect.log)
    assert first.answer["slot"] == iso(slot)
    assert first.answer["scopes"] == {HOME: "done"}, collect.log
    assert first.answer["resources"] == 8
    assert (first.answer["errors"], first.answer["gaps"]) == ([], [])
    assert again.answer["scopes"] == {HOME: "repeated"}
    assert late.answer["slot"] in {iso(minute()), iso(minute(-1))}  # no time came: the clock's

    entries = deployed.aws.ledger.entries()
    inside = [entry for entry in entries if entry.action != "sts:AssumeRoleWithWebIdentity"]
    assert {entry.principal for entry in inside} == {deployed.admitting.role}
    assert all(entry.allowed for entry in entries)
    assert {entry.action for entry in inside} >= {"dynamodb:PutItem", "cloudwatch:PutMetricData"}
    assert not {entry.action for entry in inside} & {"cloudwatch:PutDashboard", "cloudwatch:GetDashboard"}

    lines = [json.loads(line) for line in collect.log.splitlines() if line.startswith("{")]
    (ran,) = [line for line in lines if f'"slot":"{iso(slot)}"' in line["message"] and '"done"' in line["message"]]
    assert ran["severity"] == "INFO"
    assert "eyJ" not in collect.log  # no token stands in the log


def test_a_refused_token_names_the_claim_and_the_run_fails(deployed: Deployed, tmp_path: Path) -> None:
    trust(deployed.admitting, deployed.google, sub="999")
    try:
        with deployed.open("collect", tmp_path) as collect:
            refused = collect.post(X_CloudScheduler_ScheduleTime=iso(minute(1)))
    finally:
        trust(deployed.admitting, deployed.google)
    number = deployed.google.service_account["unique_id"]
    assert refused.status == 500
    assert f"accounts.google.com:sub={number}; one differs from the role's trust policy" in refused.answer["error"]
    assert "eyJ" not in collect.log


def test_the_sweeper_answers_with_what_it_did(deployed: Deployed, tmp_path: Path) -> None:
    with deployed.open("deliver", tmp_path) as deliver:
        outcome = deliver.post()
    assert outcome.status == 200, deliver.log
    assert (outcome.answer["errors"], outcome.answer["owed"]) == ([], 0)


def test_a_message_of_pubsub_is_one_scopes_run_and_what_is_none_is_done_with(
    deployed: Deployed, tmp_path: Path
) -> None:
    headers = {
        "ce_id": "1",
        "ce_source": "//pubsub.googleapis.com/projects/acme-web/topics/work",
        "ce_specversion": "1.0",
        "ce_type": "google.cloud.pubsub.topic.v1.messagePublished",
        "Content_Type": "application/json",
    }
    with deployed.open("work", tmp_path) as work:
        well = work.post(published(json.dumps({"scope": HOME, "slot": minute(2)})), **headers)
        odd = [work.post(body, **headers) for body in (published("hello"), {"message": {}}, {})]
        failed = work.post(published(json.dumps({"scope": "gcp#other#nowhere", "slot": minute(2)})), **headers)
    assert well.status == 200, work.log
    assert '\\"done\\"' in work.log
    assert [outcome.status for outcome in odd] == [200, 200, 200], work.log
    assert work.log.count("no message of ours") == 3
    assert failed.status == 200  # it ran, and what could not be read are gaps


def published(text: str) -> dict[str, Any]:
    """Source: Cloud Pub/Sub event, type MessagePublishedData."""
    return {"message": {"data": base64.b64encode(text.encode()).decode(), "messageId": "1"}, "subscription": "s"}


def test_with_nothing_to_reach_the_answer_says_what_is_missing(deployed: Deployed, tmp_path: Path) -> None:
    with deployed.open("collect", tmp_path, AWS_ENDPOINT_URL="http://127.0.0.1:9") as collect:
        outcome = collect.post(X_CloudScheduler_ScheduleTime=iso(minute(3)))
    assert outcome.status == 500
    assert "sts:AssumeRoleWithWebIdentity: unavailable" in outcome.answer["error"]
    assert "Traceback" not in collect.log


def test_a_package_without_its_configuration_says_so(deployed: Deployed, tmp_path: Path) -> None:
    broken = tmp_path / "task"
    with deployed.open("collect", tmp_path) as collect:
        broken.mkdir()
        for each in collect._task.iterdir():
            if each.name not in ("config.json", "main.py"):
                (broken / each.name).symlink_to(each)
        (broken / "main.py").write_bytes((collect._task / "main.py").read_bytes())
        packages = Path(collect._environment["PYTHONPATH"].partition(os.pathsep)[2])
    with Framework("collect", broken, packages, {}, tmp_path) as collect:
        outcome = collect.post()
    assert outcome.status == 500
    assert outcome.answer["error"].startswith("config.json:1:1: not in the package")
