"""Where the functions of the other clouds live, and where Terraform keeps its state.

What is watched stands under `gather` in nephoscope.yaml. Where the watcher lives stands under `deploy`, for one project
may watch many. A variable of the machine that deploys wins over the file:

    deploy.gcp.project, region, state                NEPHOSCOPE_GCP_PROJECT, _REGION, _STATE
    deploy.azure.subscription, location, state       NEPHOSCOPE_AZURE_SUBSCRIPTION, _LOCATION, _STATE
    deploy.notify                                    NEPHOSCOPE_NOTIFY, addresses with blanks between them

A project or subscription that is not said is the one that is watched. Where several are watched it must be said: a home
that followed from their order would move with the next one that is added.

Terraform's state says what is ours. It has no default: who loses it cannot change or remove what was deployed, so it
lies on one machine only where somebody said `local`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nephoscope.app.authoring.patterns import AZURE_LOCATION, AZURERM, GCP_REGION, GCS, MAIL, PROJECT, STATE, UUID

NAMES = {"gcp": "Google Cloud", "azure": "Azure"}
PLACE = {"gcp": ("project", "region"), "azure": ("subscription", "location")}
EXAMPLES = {
    "project": "acme-ops",
    "region": "europe-west1",
    "subscription": "00000000-0000-0000-0000-000000000000",
    "location": "westeurope",
}
STATES = {
    "gcp": "gs://BUCKET/PREFIX, or local",
    "azure": "azurerm://RESOURCE-GROUP/STORAGE-ACCOUNT/CONTAINER, or local",
}
FORMS = {"project": PROJECT, "region": GCP_REGION, "subscription": UUID, "location": AZURE_LOCATION, "state": STATE}


class HomesError(Exception):
    """What is not said, or not understood; problems: all of it, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Home:
    """One cloud's. place: the variables that say where, as Terraform names them. state: as a person wrote it."""

    cloud: str
    place: Mapping[str, str]
    state: str
    notify: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = ", ".join(f"{name} {value}" for name, value in self.place.items())
        return f"{NAMES[self.cloud]}: {where}; state in {self.state}"


def read_homes(deploy: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[Home, ...]:
    """Those of the clouds that the configuration names beside AWS; empty where there is none. Raises HomesError."""
    clouds = [cloud for cloud in PLACE if cloud in deploy["clouds"]]
    problems: list[str] = []
    notify = _notify(deploy, environment, problems) if clouds else ()
    homes = [_home(cloud, deploy, environment, notify, problems) for cloud in clouds]
    if problems:
        raise HomesError(problems)
    return tuple(homes)


def _home(
    cloud: str,
    deploy: Mapping[str, Any],
    environment: Mapping[str, str],
    notify: tuple[str, ...],
    problems: list[str],
) -> Home:
    written = deploy["homes"][cloud]
    watched = deploy[cloud][f"{PLACE[cloud][0]}s"]
    defaults = {PLACE[cloud][0]: watched[0]} if len(watched) == 1 else {}

    def said(key: str) -> str:
        variable = f"NEPHOSCOPE_{cloud}_{key}".upper()
        example = STATES[cloud] if key == "state" else EXAMPLES[key]
        value = environment.get(variable, "")
        if value and not re.fullmatch(FORMS[key], value):
            problems.append(f'{NAMES[cloud]}: {variable}: "{value}" is no {key}; expected {example}')
        value = value or written[key] or defaults.get(key, "")
        if not value:
            what = "where Terraform keeps its state" if key == "state" else f"which {key} the functions live in"
            how = f"deploy.{cloud}.{key} in nephoscope.yaml, or {variable}={example}"
            problems.append(f"{NAMES[cloud]}: say {what}: {how}")
        return str(value)

    return Home(cloud, {key: said(key) for key in PLACE[cloud]}, said("state"), notify)


def _notify(deploy: Mapping[str, Any], environment: Mapping[str, str], problems: list[str]) -> tuple[str, ...]:
    given = environment.get("NEPHOSCOPE_NOTIFY", "").split()
    odd = [address for address in given if not re.fullmatch(MAIL, address)]
    problems += [f'NEPHOSCOPE_NOTIFY: "{address}" is no mail address' for address in odd]
    return tuple(given or deploy["homes"]["notify"])


def backend(home: Home, name: str, stage: str, root: Path) -> dict[str, Any]:
    """Terraform's backend block for one of its states, as its JSON syntax has it: {"gcs": {...}}."""
    own = f"{name}/{home.cloud}-{stage}"
    if found := re.fullmatch(GCS, home.state):
        return {"gcs": {"bucket": found[1], "prefix": "/".join(filter(None, (found[2], own)))}}
    if found := re.fullmatch(AZURERM, home.state):
        group, account, container = found.groups()
        where = {"resource_group_name": group, "storage_account_name": account, "container_name": container}
        return {"azurerm": {**where, "key": f"{own}.tfstate", "use_azuread_auth": True}}
    return {"local": {"path": str(root / "terraform-state" / f"{own}.tfstate")}}
