"""gcp.zip: what is in it, and what it imports where only its requirements are installed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.package.other_clouds import build_for, clean_python, install, names_of, unpack

CONFIG = """\
fleet: acme
gather:
  gcp: {projects: [acme-web]}
publish:
  cloudwatch: {region: eu-central-1}
tell:
  oncall: {sns: "${stack:AlertTopic}"}
rules:
  - {name: cpu-hot, on: instance, when: cpu.utilization > 90 %, for: 3 of 5 min}
"""


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_for("gcp", tmp_path_factory.mktemp("gcp") / "project", CONFIG)


@pytest.fixture(scope="module")
def task(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(artifact, tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def packages(task: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(task / "requirements.txt", tmp_path_factory.mktemp("packages"))


def test_two_builds_are_the_same_bytes(artifact: Path, tmp_path: Path) -> None:
    assert build_for("gcp", tmp_path / "elsewhere", CONFIG).read_bytes() == artifact.read_bytes()


def test_it_holds_what_the_platform_looks_for(artifact: Path, task: Path) -> None:
    needed = {"main.py", "requirements.txt", "config.json", "LICENSE", "nephoscope/clouds/gcp/reader.py"}
    assert needed <= set(names_of(artifact))
    config = json.loads((task / "config.json").read_text())
    assert config["gather"]["gcp"]["projects"] == ["acme-web"]


@pytest.mark.parametrize(
    "unwanted",
    [
        r"nephoscope/(localcloud|cli|app/authoring|clouds/azure)/",
        r"\.pyc$|__pycache__",
        r"\.(so|pyd|dll|dylib)(\.|$)",
        r"^(boto3|google|azure|flask)/",
        r"^(handler|function_app)\.py$",
    ],
)
def test_it_holds_nothing_that_the_platform_installs_or_another_runs(artifact: Path, unwanted: str) -> None:
    assert [name for name in names_of(artifact) if re.search(unwanted, name)] == []


def test_every_requirement_is_one_version_of_the_lock(task: Path) -> None:
    lines = (task / "requirements.txt").read_text().splitlines()
    assert lines == sorted(lines, key=lambda line: line.partition("==")[0])
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in lines)
    names = {line.partition("==")[0] for line in lines}
    assert {"functions-framework", "google-cloud-monitoring", "google-auth", "boto3", "grpcio"} <= names
    assert not {name for name in names if name.startswith(("azure", "moto", "pytest", "ministack", "rich"))}
    lock = (Path(__file__).parents[2] / "requirements.lock").read_text()
    assert all(re.search(rf"^{re.escape(line)}( ;|$)", lock, re.MULTILINE) for line in lines)


IMPORTS = """
import json, sys
import main
from nephoscope.app.wiring import wire
for port, name in [("cloud", "gcp"), ("identity", "gcp"), ("queue", "pubsub"), ("store", "dynamodb"),
                   ("sink", "cloudwatch"), ("dashboards", "cloudwatch"), ("notifier", "sns"), ("secrets", "aws"),
                   ("admission", "aws"), ("notifier", "webhook")]:
    wire(port, name)
import nephoscope.app.federation
print(json.dumps(sorted(sys.modules)))
"""


def test_its_requirements_are_enough_and_nothing_of_azure_is_imported(task: Path, packages: Path) -> None:
    modules = json.loads(clean_python(task, packages, IMPORTS))
    assert {"google.cloud.monitoring_v3", "boto3", "nephoscope.app.run"} <= set(modules)
    assert [name for name in modules if name.partition(".")[0] in ("azure", "msal", "pydantic", "yaml")] == []
    assert [name for name in modules if name.startswith(("nephoscope.clouds.azure", "nephoscope.localcloud"))] == []


def test_a_cold_start_imports_no_sdk_before_it_is_needed(task: Path, packages: Path) -> None:
    modules = json.loads(clean_python(task, packages, "import json, sys, main; print(json.dumps(sorted(sys.modules)))"))
    assert {"functions_framework", "nephoscope.app.run"} <= set(modules)
    sdks = (
        "boto3",
        "botocore",
        "grpc",
        "google.auth",
        "google.cloud.monitoring",
    )  # google.cloud.functions: the framework
    assert [name for name in modules if name.startswith(sdks)] == []


def test_the_lambda_carries_no_room_of_another_cloud_even_where_the_configuration_names_it(tmp_path: Path) -> None:
    names = names_of(build_for("aws", tmp_path / "project", CONFIG))
    assert "nephoscope/clouds/aws/reader.py" in names
    assert [name for name in names if name.startswith(("nephoscope/clouds/gcp/", "nephoscope/clouds/azure/"))] == []
    assert [name for name in names if name.startswith(("google/", "azure/", "grpc/"))] == []
