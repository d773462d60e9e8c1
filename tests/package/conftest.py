"""The package as it is deployed: a project of its own with the sources linked in, the artifact unpacked somewhere
clean, and what stands beside it in the Lambda runtime. Nothing comes from the tests' own environment."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import pytest

from infra.local.deploy import small_fleet
from infra.local.stack import Stack, deploy, run_framework
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.receivers import Receiver

ROOT = Path(__file__).resolve().parents[2]
LINKED = ("shared", "functions", "node_modules", "requirements.lock", "pyproject.toml", "LICENSE")
COPIED = ("infra", "serverless.yml", "package.json")

CONFIG = """\
fleet: acme
gather:
  aws:
    regions: [eu-central-1]
    resources: [instance, bucket]
tell:
  oncall: {sns: "${stack:AlertTopic}"}
rules:
  - name: check-failed
    on: instance
    when: check.instance is failed
  - name: cpu-hot
    on: instance
    when: cpu.utilization > 90 %
    for: 3 of 5 min
"""

RUNTIME = ("boto3", "botocore", "s3transfer", "urllib3", "dateutil", "six", "jmespath")
"""What AWS's Python runtime brings: the SDK and what it needs."""

CLIENT = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
"""The runtime's own client and what it needs."""


def make_project(place: Path, config: str = CONFIG) -> Path:
    """A checkout with a build folder and a configuration of its own; packages that pip fetched once are shared."""
    place.mkdir(parents=True, exist_ok=True)
    for name in LINKED:
        (place / name).symlink_to(ROOT / name)
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, place / name)
    (ROOT / "build" / "packages").mkdir(parents=True, exist_ok=True)
    (place / "build").mkdir()
    (place / "build" / "packages").symlink_to(ROOT / "build" / "packages")
    (place / "nephoscope.yaml").write_text(config, encoding="utf-8")
    return place


def build(project: Path) -> Path:
    """The artifact, by the builder as a program."""
    command = [sys.executable, "infra/build.py", "--config", "nephoscope.yaml"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return project / "build" / "aws.zip"


def needs_osls() -> None:
    if not (ROOT / "node_modules" / ".bin" / "osls").exists():
        pytest.skip("osls is not installed: make test installs it (npm ci)")


def package(project: Path) -> dict[str, Any]:
    """The CloudFormation template that `osls package` makes."""
    needs_osls()
    run_framework(("package",), project / "nephoscope.yaml", {"NEPHOSCOPE_PYTHON": sys.executable}, project)
    text = (project / ".serverless" / "cloudformation-template-update-stack.json").read_text(encoding="utf-8")
    template: dict[str, Any] = json.loads(text)
    return template


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("project") / "nephoscope")


@pytest.fixture(scope="session")
def artifact(project: Path) -> Path:
    return build(project)


@pytest.fixture(scope="session")
def unpacked(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/var/task: the artifact as Lambda unpacks it."""
    task = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(artifact) as archive:
        archive.extractall(task)
    return task


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the SDK and the runtime's client, and nothing else of the tests' environment."""
    place = tmp_path_factory.mktemp("runtime")
    for name in (*RUNTIME, *CLIENT):
        spec = find_spec(name)
        assert spec is not None and spec.origin is not None, f"{name} is not installed"
        origin = Path(spec.origin)
        home = origin.parent if origin.name == "__init__.py" else origin
        (place / home.name).symlink_to(home)
    return place


@pytest.fixture(scope="session")
def template(project: Path, artifact: Path) -> dict[str, Any]:
    return package(project)


@pytest.fixture
def packaged_with(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """The template for another configuration. Raises StackError with the framework's words."""
    return lambda config: package(make_project(tmp_path / "other", config))


@pytest.fixture(scope="session")
def clean_python(unpacked: Path, runtime: Path) -> Callable[[str], str]:
    """Run a program as Lambda's Python would: the artifact, the runtime, the standard library; what it printed."""

    def run(program: str) -> str:
        done = subprocess.run(
            [sys.executable, "-S", "-B", "-c", program],
            cwd=unpacked,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{unpacked}{os.pathsep}{runtime}",
                "AWS_REGION": "eu-central-1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


# --- run as Lambda runs it ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the function answered to one event, or the error that it posted. log: all that it has printed so far."""

    answer: Any
    error: Mapping[str, Any] | None
    log: str


class RuntimeApi(ThreadingHTTPServer):
    """Lambda's Runtime API, as far as its client speaks it: the next event, its answer, its error.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeHandler)
        self.events: queue.Queue[bytes | None] = queue.Queue()
        self.outcomes: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.seconds = 30.0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _RuntimeHandler(BaseHTTPRequestHandler):
    server: RuntimeApi

    def do_GET(self) -> None:
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        self.send_response(200)
        deadline = int((time.time() + self.server.seconds) * 1000)
        for name, value in {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:111111111111:function:nephoscope",
            "Content-Type": "application/json",
            "Content-Length": str(len(event)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.outcomes.put((self.path.rpartition("/")[2], json.loads(body or b"null")))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """The function's own output is what a test reads."""


class Function:
    """One entrance of the unpacked artifact, in a process of its own under AWS's runtime client. A context manager."""

    def __init__(self, entrance: str, task: Path, runtime: Path, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        self._api = RuntimeApi()
        self._thread = threading.Thread(target=self._api.serve_forever, args=(0.05,), daemon=True)
        self._command = [sys.executable, "-S", "-B", "-m", "awslambdaric", f"handler.{entrance}"]
        self._task = task
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, (task, runtime))),
            "LAMBDA_TASK_ROOT": str(task),
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_FUNCTION_NAME": f"nephoscope-prod-{entrance}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "TZ": ":UTC",
            **environment,
        }

    def __enter__(self) -> Self:
        self._thread.start()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._task, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._api.events.put(None)
        self._api.shutdown()
        self._thread.join()
        self._api.server_close()

    def invoke(self, event: object, seconds: float = 30.0) -> Outcome:
        """Send one event and wait for what comes of it. seconds: what the function is told that it has."""
        self._api.seconds = seconds
        self._api.events.put(json.dumps(event).encode())
        try:
            kind, body = self._api.outcomes.get(timeout=30)
        except queue.Empty:
            raise AssertionError(f"no answer\n{self.log}") from None
        return Outcome(None, body, self.log) if kind == "error" else Outcome(body, None, self.log)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")


@dataclass(frozen=True, slots=True)
class Deployed:
    """A local AWS with the stack on it; its schedules are off, so that only a test's own events run."""

    aws: LocalAws
    receiver: Receiver
    stack: Stack
    task: Path
    runtime: Path

    def function(self, entrance: str, log: Path, **changes: str) -> Function:
        """The entrance with the variables that the stack gives it. Who it is to IAM: its own name."""
        described = self.aws.client("lambda").get_function_configuration(FunctionName=f"nephoscope-prod-{entrance}")
        who = {**self.aws.environment(), "AWS_ACCESS_KEY_ID": entrance}
        variables = {**described["Environment"]["Variables"], **who, **changes}
        return Function(entrance, self.task, self.runtime, variables, log / f"{entrance}.log")


@contextmanager
def stand_up(project: Path, task: Path, runtime: Path, fleet: Fleet) -> Iterator[Deployed]:
    """Deploy the project onto a local AWS of its own, unpack its artifact into `task`, and subscribe a receiver."""
    needs_osls()
    with LocalAws(fleet) as aws, Receiver() as receiver:
        stack = deploy(aws, project / "nephoscope.yaml", project)
        with zipfile.ZipFile(project / "build" / "aws.zip") as archive:
            archive.extractall(task)
        scheduler = aws.client("scheduler")
        for schedule in scheduler.list_schedules()["Schedules"]:
            scheduler.delete_schedule(Name=schedule["Name"])
        topic = stack.outputs["AlertTopicArn"]
        aws.client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.sns_url("oncall"))
        assert receiver.wait_until_confirmed("oncall")
        yield Deployed(aws, receiver, stack, task, runtime)


@pytest.fixture(scope="session")
def deployed(project: Path, runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with stand_up(project, tmp_path_factory.mktemp("task"), runtime, small_fleet(int(time.time()))) as standing:
        yield standing


def records(*bodies: str) -> dict[str, object]:
    """An event as Lambda's poller makes it. Source: Lambda developer guide, "Using Lambda with Amazon SQS"."""
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": "handle",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:111111111111:work",
                "awsRegion": "eu-central-1",
            }
            for number, body in enumerate(bodies)
        ]
    }
