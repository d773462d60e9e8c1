"""Terraform as a program: a module of ours in a working copy of its own, its variables and its state's home beside it.

The copy stands under build/, so that the sources stay as they are; what must last is the state, and that has a home
elsewhere (homes.py).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.terraform.homes import Home, backend

INFRA = Path(__file__).resolve().parent.parent
OLDEST = (1, 9)
PLAN = "nephoscope.tfplan"


class TerraformError(Exception):
    """Terraform did not do what it was asked; its own words went to the terminal."""


@dataclass(frozen=True, slots=True)
class Work:
    """One module of one deployment: `identities` or `functions` of a home."""

    home: Home
    stage: str
    name: str
    build: Path
    sources: Path = INFRA

    @property
    def folder(self) -> Path:
        return self.build / "terraform" / f"{self.name}-{self.home.cloud}-{self.stage}"

    def __str__(self) -> str:
        return f"{self.stage} of {self.home.cloud}"

    @property
    def variables(self) -> dict[str, Any]:
        given: dict[str, Any] = {"name": self.name, "build": str(self.build.resolve()), **self.home.place}
        return given | ({"notify": list(self.home.notify)} if self.stage == "functions" else {})

    def lay_out(self) -> None:
        """The working copy as it should be; what Terraform keeps there between runs stays."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in (*self.folder.glob("*.tf"), self.folder / PLAN):
            old.unlink(missing_ok=True)
        for source in sorted((self.sources / self.home.cloud / self.stage).glob("*.tf")):
            shutil.copyfile(source, self.folder / source.name)
        state = {"terraform": {"backend": backend(self.home, self.name, self.stage, self.build.resolve().parent)}}
        (self.folder / "state_override.tf.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
        (self.folder / "nephoscope.auto.tfvars.json").write_text(json.dumps(self.variables, indent=1), encoding="utf-8")


def version() -> tuple[int, ...]:
    """Terraform's, (1, 11, 4). Raises TerraformError when there is none on this machine, or one that is too old."""
    if shutil.which("terraform") is None:
        raise TerraformError(
            "terraform is not on this machine; the deployment of Google Cloud and Azure needs it, "
            f"{'.'.join(map(str, OLDEST))} or newer (infra/gcp/README.md says why)"
        )
    said = json.loads(_ask(Path.cwd(), "version", "-json"))["terraform_version"]
    found = tuple(int(part) for part in said.partition("-")[0].split("."))
    if found < OLDEST:
        raise TerraformError(f"terraform is {said}, but {'.'.join(map(str, OLDEST))} or newer is needed")
    return found


def plan(work: Work) -> None:
    """Make the working copy and its plan: everything is read and checked, nothing is touched. Raises TerraformError."""
    work.lay_out()
    _tell(work, "init", "-input=false")
    _tell(work, "plan", "-input=false", f"-out={PLAN}")


def apply(work: Work) -> None:
    """What was planned. Raises TerraformError."""
    _tell(work, "apply", "-input=false", PLAN)


def destroy(work: Work) -> None:
    """Take away what the state knows. Raises TerraformError."""
    work.lay_out()
    _tell(work, "init", "-input=false")
    _tell(work, "destroy", "-input=false", "-auto-approve")


def outputs(work: Work) -> Mapping[str, Any]:
    """By name; empty where nothing was applied yet. Raises TerraformError."""
    said = json.loads(_ask(work.folder, "output", "-json", "-no-color"))
    return {name: each["value"] for name, each in said.items()}


def _tell(work: Work, command: str, *options: str) -> None:
    """Its words go to the terminal as they come: an apply takes minutes."""
    print(f"terraform {command}: {work}", file=sys.stderr, flush=True)
    done = subprocess.run(
        ["terraform", command, "-no-color", *options],
        cwd=work.folder,
        env=_environment(),
        stdout=sys.stderr,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise TerraformError(f"terraform {command} failed for the {work}; its own words are above")


def _ask(folder: Path, *command: str) -> str:
    done = subprocess.run(
        ["terraform", *command], cwd=folder, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise TerraformError(f"terraform {command[0]} failed\n{done.stderr.strip()}")
    return done.stdout


def _environment() -> dict[str, str]:
    return {**os.environ, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
