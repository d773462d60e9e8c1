"""The stack on a local AWS: the same `osls deploy`, the same template and artifact, other endpoints."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nephoscope.localcloud.aws.local import LocalAws

ROOT = Path(__file__).resolve().parent.parent.parent
STACK = "nephoscope-prod"

FRAMEWORK = {
    "SLS_AWS_MONITORING_FREQUENCY": "300",  # milliseconds between looks at the stack; AWS itself needs longer
    "SLS_TELEMETRY_DISABLED": "1",
    "SLS_NOTIFICATIONS_MODE": "off",
    "SLS_INTERACTIVE_SETUP_ENABLE": "0",
}


class StackError(RuntimeError):
    """The framework did not do what it was asked; the text is its own."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What stands there: outputs and physical ids by their names in the template."""

    outputs: Mapping[str, str]
    resources: Mapping[str, str]


def deploy(aws: LocalAws, config: Path, project: Path = ROOT) -> Stack:
    """`osls deploy` from `project` (a checkout) with this configuration. Raises StackError."""
    here = {"NEPHOSCOPE_MACHINE": "here"}  # where the artifact holds binaries: it runs on this machine
    run_framework(("deploy",), config, {**aws.environment(), **here}, project)
    return read_stack(aws.client("cloudformation"))


def read_stack(cloudformation: Any) -> Stack:
    """Raises botocore's ClientError when no such stack stands there."""
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    listed = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    return Stack(
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]},
        resources={each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed},
    )


def run_framework(command: tuple[str, ...], config: Path, environment: Mapping[str, str], project: Path = ROOT) -> str:
    """`osls ...` in `project`; what it printed. Raises StackError."""
    framework = project / "node_modules" / ".bin" / "osls"
    if not framework.exists():
        raise StackError("osls is not installed; make package (or npm ci) installs it")
    path = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ.get("PATH", "")])
    done = subprocess.run(
        [str(framework), *command],
        cwd=project,
        env={**os.environ, **FRAMEWORK, **environment, "PATH": path, "NEPHOSCOPE_CONFIG": str(config.resolve())},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackError(f"osls {' '.join(command)} failed\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr
