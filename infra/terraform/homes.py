"""Where the functions of the other clouds live, and where Terraform keeps its state.

What is watched stands in nephoscope.yaml; where the watcher stands may differ from it: one project watches many. It
comes from `homes` in deploy.json, or from the environment, which is asked first:

    NEPHOSCOPE_GCP_PROJECT      else the first project that is watched
    NEPHOSCOPE_GCP_REGION       europe-west1
    NEPHOSCOPE_GCP_STATE        gs://BUCKET/PREFIX, or local
    NEPHOSCOPE_AZURE_SUBSCRIPTION, NEPHOSCOPE_AZURE_LOCATION
    NEPHOSCOPE_AZURE_STATE      azurerm://RESOURCE-GROUP/STORAGE-ACCOUNT/CONTAINER, or local
    NEPHOSCOPE_NOTIFY           mail addresses that Google and Azure tell when the functions fall silent

Terraform's state says what is ours. It has no default: who loses it cannot change or remove what was deployed, so it
lies on one machine only where somebody said `local`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = {"gcp": "Google Cloud", "azure": "Azure"}
PLACE = {"gcp": ("project", "region"), "azure": ("subscription", "location")}
EXAMPLES = {"region": "europe-west1", "location": "westeurope", "project": "acme-ops", "subscription": "0000-..."}
STATES = {"gcp": "gs://BUCKET/PREFIX", "azure": "azurerm://RESOURCE-GROUP/STORAGE-ACCOUNT/CONTAINER"}

_GCS = re.compile(r"gs://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:/(.*?))?/?")
_AZURERM = re.compile(r"azurerm://([\w.()-]{1,90})/([a-z0-9]{3,24})/([a-z0-9-]{3,63})/?")


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
    problems: list[str] = []
    homes = [_home(cloud, deploy, environment, problems) for cloud in PLACE if cloud in deploy["clouds"]]
    if problems:
        raise HomesError(problems)
    return tuple(homes)


def _home(cloud: str, deploy: Mapping[str, Any], environment: Mapping[str, str], problems: list[str]) -> Home:
    written = deploy.get("homes", {}).get(cloud, {})
    watched = deploy[cloud].get(f"{PLACE[cloud][0]}s", ())
    defaults = {PLACE[cloud][0]: watched[0] if watched else ""}

    def said(key: str) -> str:
        variable = f"NEPHOSCOPE_{cloud}_{key}".upper()
        value = environment.get(variable) or written.get(key) or defaults.get(key, "")
        example = STATES[cloud] + ", or local" if key == "state" else EXAMPLES[key]
        if not value:
            what = "where Terraform keeps its state" if key == "state" else f"which {key} the functions live in"
            problems.append(f"{NAMES[cloud]}: say {what}: {variable}={example}")
        elif key == "state" and not understood(value):
            problems.append(f'{NAMES[cloud]}: {variable}: "{value}" is no home for a state; expected {example}')
        return str(value)

    notify = environment.get("NEPHOSCOPE_NOTIFY", "").split() or written.get("notify", ())
    return Home(cloud, {key: said(key) for key in PLACE[cloud]}, said("state"), tuple(notify))


def understood(state: str) -> bool:
    return state == "local" or bool(_GCS.fullmatch(state) or _AZURERM.fullmatch(state))


def backend(home: Home, name: str, stage: str, root: Path) -> dict[str, Any]:
    """Terraform's backend block for one of its states, as its JSON syntax has it: {"gcs": {...}}."""
    own = f"{name}/{home.cloud}-{stage}"
    if found := _GCS.fullmatch(home.state):
        return {"gcs": {"bucket": found[1], "prefix": "/".join(filter(None, (found[2], own)))}}
    if found := _AZURERM.fullmatch(home.state):
        group, account, container = found.groups()
        where = {"resource_group_name": group, "storage_account_name": account, "container_name": container}
        return {"azurerm": {**where, "key": f"{own}.tfstate", "use_azuread_auth": True}}
    return {"local": {"path": str(root / "terraform-state" / f"{own}.tfstate")}}
