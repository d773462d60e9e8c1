"""What the tests of Google's and Azure's packages share: the artifact as the platform lays it out, with exactly what
its requirements.txt names beside it; and an AWS that lets its identity in, to its own partitions and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.visitors import Visitor, visitor
from nephoscope.stores import dynamodb
from tests.package.conftest import make_project

TABLE = "nephoscope-prod"
REGION = "eu-central-1"
ACCOUNTS = {"gcp": "acme-ops", "azure": "0a1b2c3d-0000-4000-8000-00000000000f"}
"""Where the functions themselves run, which need not be what they watch."""


def build_for(cloud: str, place: Path, config: str) -> Path:
    """The artifact, by the builder as a program."""
    project = make_project(place, config)
    command = [sys.executable, "infra/build.py", "--config", "nephoscope.yaml", "--cloud", cloud]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return project / "build" / f"{cloud}.zip"


def unpack(artifact: Path, place: Path) -> Path:
    with zipfile.ZipFile(artifact) as archive:
        archive.extractall(place)
    return place


def install(requirements: Path, place: Path) -> Path:
    """A folder with what these requirements name, by links to what is installed here, and nothing else: what the list
    forgot cannot be imported. (azure-functions is 1.x below Python 3.13 and 2.x from there on: the name counts.)"""
    for line in requirements.read_text(encoding="utf-8").splitlines():
        installed = distribution(line.partition("==")[0])
        for file in installed.files or ():
            if file.parts[0] in ("..", "bin") or "__pycache__" in file.parts:
                continue
            link = place.joinpath(*file.parts)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path(str(installed.locate_file(file))).resolve())
    return place


def clean_python(task: Path, packages: Path, program: str) -> str:
    """Run a program with the artifact, its requirements and the standard library; what it printed."""
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", program],
        cwd=task,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{task}{os.pathsep}{packages}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def names_of(artifact: Path) -> list[str]:
    with zipfile.ZipFile(artifact) as archive:
        return archive.namelist()


@dataclass(frozen=True, slots=True)
class Admitting:
    """An AWS with the table, a topic and a role that trusts one identity of another cloud."""

    aws: LocalAws
    visitor: Visitor
    environment: Mapping[str, str]

    @property
    def role(self) -> str:
        return self.visitor.role


def admitting(aws: LocalAws, cloud: str, token_file: Path) -> Admitting:
    """The AWS side of a deployment; `environment` is what infra/gcp and infra/azure give the functions."""
    client = aws.client("dynamodb")
    dynamodb.create_table(client, TABLE)
    client.close()
    topic = aws.client("sns").create_topic(Name=f"{TABLE}-alerts")["TopicArn"]
    entering = visitor(cloud, TABLE, REGION)
    entering.grant(aws, TABLE, topic)
    aws.policies.enforce = True
    return Admitting(aws, entering, entering.environment(aws, TABLE, topic, ACCOUNTS[cloud], str(token_file)))
