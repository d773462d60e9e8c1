"""The two of the three deployment steps that are Terraform's; the AWS stack between them is the framework's.

    python -m infra.terraform.steps plan         print the three steps; needs no Terraform
    python -m infra.terraform.steps check        refuse now what would fail later; touches nothing
    python -m infra.terraform.steps identities   1: who the functions are -> build/identities.json
                                                 2: the AWS stack, whose roles trust them -> build/stack.json
    python -m infra.terraform.steps functions    3: the functions, with those roles; Azure's package is uploaded
    python -m infra.terraform.steps remove-functions, remove-identities      back again, around the AWS stack

AWS's roles must know the identities' numbers, and the functions must know the roles: three steps, and no circle. The
plugin of the Serverless Framework calls these in order (infra/aws/plugin.js). Exit code: 2 where nothing was touched, 1
where a step failed; every step may be repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.azure.upload import UploadError, put_package
from infra.terraform import credentials, runner
from infra.terraform.homes import NAMES, Home, HomesError, read_homes
from infra.terraform.runner import INFRA, TerraformError, Work

PACKAGES = {"gcp": "gcp.zip", "azure": "azure.zip"}
MADE = {
    ("gcp", 1): "service accounts {name}-reader, -caller, -build and the reader's custom role",
    (
        "azure",
        1,
    ): "resource group, identity {name}-reader and its custom role, app registration (the audience)",
    ("gcp", 3): "functions {name}-collect, -deliver, -work, their schedule and queue, an absence alert for each",
    ("azure", 3): "function app {name}-* with its timers and queue, an absence alert for each",
}
IDENTITIES, STACK = "identities.json", "stack.json"


@dataclass(frozen=True, slots=True)
class Deployment:
    """deploy: the compiled configuration. name: service and stage. sources: where the modules are."""

    deploy: Mapping[str, Any]
    homes: tuple[Home, ...]
    name: str
    build: Path
    sources: Path = INFRA

    def works(self, stage: str) -> list[Work]:
        return [Work(home, stage, self.name, self.build, self.sources) for home in self.homes]


class RefusedError(Exception):
    """It would fail later; nothing was touched."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m infra.terraform.steps", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("command", choices=[*LOOKING, *COMMANDS])
    parser.add_argument("--name", default="nephoscope-prod", help="service and stage")
    parser.add_argument("--build", type=Path, default=INFRA.parent / "build", help="where deploy.json is")
    parser.add_argument("--sources", type=Path, default=INFRA, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        deploy = json.loads((options.build / "deploy.json").read_text(encoding="utf-8"))
        if options.command == "plan":
            print(render_plan(deploy, options.name, os.environ))
            return 0
        if options.command == "check":
            check(deploy, os.environ)
            return 0
        homes = read_homes(deploy, os.environ)
        COMMANDS[options.command](Deployment(deploy, homes, options.name, options.build, options.sources))
    except (HomesError, RefusedError) as error:
        print(error, file=sys.stderr)
        return 2
    except (TerraformError, UploadError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def render_plan(deploy: Mapping[str, Any], name: str, environment: Mapping[str, str]) -> str:
    """The three steps, and what is still to be said before they can be taken."""
    clouds = [cloud for cloud in NAMES if cloud in deploy["clouds"]]
    roles = ", ".join(f"{name}-{deploy['region']}-{cloud}" for cloud in clouds)
    lines = ["osls deploy takes three steps:"]
    lines += [f"  1 identities  {NAMES[cloud]}: {MADE[cloud, 1].format(name=name)}" for cloud in clouds]
    lines += [f"  2 AWS stack   {name} in {deploy['region']}, with roles that trust them: {roles}"]
    lines += [f"  3 functions   {NAMES[cloud]}: {MADE[cloud, 3].format(name=name)}" for cloud in clouds]
    try:
        lines += [f"  {home}" for home in read_homes(deploy, environment)]
    except HomesError as error:
        lines += ["before it can:", *(f"  {problem}" for problem in error.problems)]
    return "\n".join(lines)


def check(deploy: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Everything that can be told without touching a cloud, all at once. Raises RefusedError."""
    clouds = [cloud for cloud in NAMES if cloud in deploy["clouds"]]
    problems = []
    if clouds:
        try:
            runner.version()
        except TerraformError as error:
            problems.append(str(error))
    problems += [problem for cloud in clouds if (problem := credentials.missing(cloud, environment))]
    try:
        read_homes(deploy, environment)
    except HomesError as error:
        problems += error.problems
    if problems:
        raise RefusedError("\n".join(problems))


def make_identities(deployment: Deployment) -> None:
    """Every cloud is planned before the first is touched, so that a credential that is no good stops it in time."""
    works = deployment.works("identities")
    for work in works:
        runner.plan(work)
    for work in works:
        runner.apply(work)
    note_identities(deployment)


def note_identities(deployment: Deployment) -> None:
    """identities.json, from what the states say."""
    made = {work.home.cloud: dict(runner.outputs(work)) for work in deployment.works("identities")}
    _write(deployment.build / IDENTITIES, made)


def make_functions(deployment: Deployment) -> None:
    _need_stack(deployment)
    works = deployment.works("functions")
    for work in works:
        _need(deployment.build / PACKAGES[work.home.cloud], "make package builds it")
    for work in works:
        runner.plan(work)
        runner.apply(work)
        if work.home.cloud == "azure":
            made = runner.outputs(work)
            put_package(deployment.build / PACKAGES["azure"], site_id=made["site_id"], scm=made["scm"])


def remove_functions(deployment: Deployment) -> None:
    """The identities' numbers are read anew: the machine that removes need not be the one that deployed."""
    _need_stack(deployment)
    for work in deployment.works("identities"):
        runner.plan(work)
    note_identities(deployment)
    for work in deployment.works("functions"):
        runner.destroy(work)


def remove_identities(deployment: Deployment) -> None:
    for work in deployment.works("identities"):
        runner.destroy(work)
    (deployment.build / IDENTITIES).unlink(missing_ok=True)


def _need_stack(deployment: Deployment) -> None:
    _need(deployment.build / STACK, "the plugin writes it from the AWS stack's outputs")
    roles = json.loads((deployment.build / STACK).read_text(encoding="utf-8"))["roles"]
    if without := [NAMES[home.cloud] for home in deployment.homes if not roles.get(home.cloud)]:
        raise RefusedError(f"the AWS stack has no role that trusts {' and '.join(without)}; deploy it again")


def _need(path: Path, otherwise: str) -> None:
    if not path.is_file():
        raise RefusedError(f"{path} is not there: {otherwise}")


def _write(path: Path, content: object) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    unfinished.replace(path)


LOOKING = ("plan", "check")
COMMANDS: Mapping[str, Callable[[Deployment], None]] = {
    "identities": make_identities,
    "functions": make_functions,
    "remove-functions": remove_functions,
    "remove-identities": remove_identities,
}

if __name__ == "__main__":
    sys.exit(main())
