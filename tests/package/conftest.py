"""The package as it is deployed: a project of its own with the sources linked in, the artifact unpacked somewhere
clean, and what stands beside it in the Lambda runtime. Nothing comes from the tests' own environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from infra.local.stack import run_framework

ROOT = Path(__file__).resolve().parents[2]
LINKED = ("shared", "functions", "node_modules", "requirements.lock", "LICENSE")
COPIED = ("infra", "serverless.yml", "package.json")

CONFIG = """\
fleet: acme
gather:
  aws:
    regions: [eu-central-1]
    resources: [instance, bucket]
tell:
  oncall: {sns: "${stack:AlertTopic}"}
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


def package(project: Path) -> dict[str, Any]:
    """The CloudFormation template that `osls package` makes."""
    if not (ROOT / "node_modules" / ".bin" / "osls").exists():
        pytest.skip("osls is not installed: make test installs it (npm ci)")
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
