"""What a cold start imports: of the Lambda in a Python that has the artifact, AWS's SDK and nothing else; and of all
three entrances where every vendor's SDK could be imported, and only its own is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nephoscope.localcloud.aws.ministack import sdk_environment
from tests.package.other_clouds import build_for, unpack

FOREIGN = {
    "pydantic", "pydantic_core", "yaml", "rich", "ministack", "moto", "werkzeug", "trustme", "requests",
    "google", "azure", "grpc", "aws_xray_sdk", "jsonschema", "hypothesis", "pytest", "dash", "plotly", "waitress",
}  # fmt: skip

ENTRANCES = {
    # entrance: modules beside the SDK's own, at most; one import more is worth a thought.
    "collect": 170,
    "deliver": 170,
    "work": 170,
    "widget": 170,
}

PROGRAM = """
import json, sys
import boto3, botocore.session
before = set(sys.modules)
import handler
getattr(handler, {entrance!r})
print(json.dumps([sorted(sys.modules), len(set(sys.modules) - before)]))
"""


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_no_entrance_imports_what_is_not_its_own(clean_python: Callable[[str], str], entrance: str) -> None:
    modules, _ = json.loads(clean_python(PROGRAM.format(entrance=entrance)))
    assert FOREIGN & {name.partition(".")[0] for name in modules} == set()
    assert not any(
        name.startswith(("nephoscope.localcloud", "nephoscope.cli", "nephoscope.app.authoring")) for name in modules
    )


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_a_cold_start_imports_little(clean_python: Callable[[str], str], entrance: str) -> None:
    _, added = json.loads(clean_python(PROGRAM.format(entrance=entrance)))
    assert added <= ENTRANCES[entrance]


def test_rooms_are_imported_when_they_are_asked_for(clean_python: Callable[[str], str]) -> None:
    modules, _ = json.loads(clean_python(PROGRAM.format(entrance="collect")))
    assert "nephoscope.app.run" in modules
    assert not any(name.startswith(("nephoscope.clouds.", "nephoscope.notifiers.")) for name in modules)


# --- each cloud's entrance, until its reader is open -------------------------------------------------------------

THREE_CLOUDS = """\
fleet: acme
gather:
  aws: {regions: [eu-central-1]}
  gcp: {projects: [acme-web]}
  azure: {subscriptions: [11111111-aaaa-4000-8000-000000000001]}
publish:
  cloudwatch: {region: eu-central-1}
tell:
  oncall: {sns: "${stack:AlertTopic}"}
"""

MODULES = {"aws": "handler", "gcp": "main", "azure": "function_app"}
OWN = {
    "aws": ("boto3", "aws_lambda_powertools", "nephoscope.clouds.aws.reader"),
    "gcp": ("boto3", "functions_framework", "google.cloud.monitoring_v3", "grpc", "nephoscope.clouds.gcp.reader"),
    "azure": ("boto3", "azure.functions", "azure.monitor.querymetrics", "nephoscope.clouds.azure.reader"),
}
"""AWS's SDK is everybody's: memory, dashboard and topics are there."""
OTHERS = {
    "aws": {"google", "grpc", "flask", "functions_framework", "azure", "msal"},
    "gcp": {"azure", "msal", "aws_lambda_powertools"},
    "azure": {"google", "grpc", "flask", "functions_framework", "aws_lambda_powertools"},
}

READY = """
import json, sys
before = set(sys.modules)  # Python's own, and Google's empty namespace, which a .pth file makes at once
import {module}
from nephoscope.app.entrance import outside_of
outside = outside_of({module}.CONFIG)
outside.readers[{cloud!r}]
outside.notifier_for("oncall")
print(json.dumps([sys.modules["nephoscope"].__file__, sorted(set(sys.modules) - before)]))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], set[str]]:
    """Modules of a fresh process that runs a cloud's package until its first call, by this environment's Python."""

    def run(cloud: str) -> set[str]:
        artifact = build_for(cloud, tmp_path_factory.mktemp(cloud) / "project", THREE_CLOUDS)
        task = unpack(artifact, tmp_path_factory.mktemp("task"))
        environment = {
            **sdk_environment("http://127.0.0.1:9"),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(task),
            "NEPHOSCOPE_CLOUDS": cloud,
            "NEPHOSCOPE_STACK_AlertTopic": "arn:aws:sns:eu-central-1:111111111111:alerts",
        }
        program = READY.format(module=MODULES[cloud], cloud=cloud)
        command = [sys.executable, "-B", "-c", program]
        done = subprocess.run(command, cwd=task, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        source, modules = json.loads(done.stdout.splitlines()[-1])
        assert Path(source).is_relative_to(task)
        return set(modules)

    return run


@pytest.mark.parametrize("cloud", MODULES)
def test_each_entrance_imports_its_own_vendors_sdk_and_no_other(
    imported: Callable[[str], set[str]], cloud: str
) -> None:
    modules = imported(cloud)
    assert set(OWN[cloud]) <= modules
    assert OTHERS[cloud] & {name.partition(".")[0] for name in modules} == set()
    assert [other for other in MODULES if f"nephoscope.clouds.{other}.reader" in modules] == [cloud]
