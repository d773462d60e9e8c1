"""The meaning of `deploy`: where the functions of Google Cloud and Azure live, where Terraform keeps their state, and
whom those clouds themselves tell when the functions fall silent.

What is left out is empty here: infra/terraform/homes.py fills it in from the environment or says what is missing, when
something is deployed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from nephoscope.app.authoring.document import Keys, Text
from nephoscope.app.authoring.findings import Findings
from nephoscope.app.authoring.gathering_azure import why_no_subscription
from nephoscope.app.authoring.gathering_gcp import why_no_project
from nephoscope.app.authoring.patterns import MAIL, PROJECT, STATE, UUID
from nephoscope.app.authoring.reading import keys_of, text_of, texts_of
from nephoscope.app.authoring.regions import check_region
from nephoscope.app.authoring.values import no_doubles
from nephoscope.model.scope import Cloud

_STATES = {
    Cloud.GCP: "gs://BUCKET/PREFIX, or local",
    Cloud.AZURE: "azurerm://RESOURCE-GROUP/STORAGE-ACCOUNT/CONTAINER, or local",
}


@dataclass(frozen=True, slots=True)
class GcpHome:
    """Empty where the file says nothing. state: `gs://...`, `azurerm://...` or `local`."""

    project: str = ""
    region: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class AzureHome:
    subscription: str = ""
    location: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Homes:
    """notify: mail addresses."""

    gcp: GcpHome = GcpHome()
    azure: AzureHome = AzureHome()
    notify: list[str] = field(default_factory=list)


def read_homes(keys: Keys | None, gathered: Collection[Cloud], findings: Findings) -> Homes:
    """gathered: a home for any other cloud stays empty, and that is odd."""
    for cloud in (Cloud.GCP, Cloud.AZURE):
        if keys and (key := keys.key(cloud)) and cloud not in gathered:
            said = f"deploy.{cloud}: there is no gather.{cloud}: nothing of nephoscope is deployed there"
            findings.warning(key.place, said)
    return Homes(
        gcp=_gcp(keys_of(keys, Cloud.GCP), findings),
        azure=_azure(keys_of(keys, Cloud.AZURE), findings),
        notify=_notify(texts_of(keys, "notify") or (), findings),
    )


def _gcp(keys: Keys | None, findings: Findings) -> GcpHome:
    project, region = text_of(keys, "project"), text_of(keys, "region")
    if project and not re.fullmatch(PROJECT, project.value):
        findings.problem(project.place, f'deploy.gcp.project: "{project.value}" {why_no_project(project.value)}')
    if region:
        check_region(region, findings, Cloud.GCP)
    return GcpHome(_value(project), _value(region), _state(keys, Cloud.GCP, findings))


def _azure(keys: Keys | None, findings: Findings) -> AzureHome:
    subscription, location = text_of(keys, "subscription"), text_of(keys, "location")
    if subscription and not re.fullmatch(UUID, subscription.value):
        why = why_no_subscription(subscription.value)
        findings.problem(subscription.place, f'deploy.azure.subscription: "{subscription.value}" {why}')
    if location:
        check_region(location, findings, Cloud.AZURE)
    return AzureHome(_value(subscription).lower(), _value(location), _state(keys, Cloud.AZURE, findings))


def _value(text: Text | None) -> str:
    return text.value if text else ""


def _state(keys: Keys | None, cloud: Cloud, findings: Findings) -> str:
    text = text_of(keys, "state")
    if text and not re.fullmatch(STATE, text.value):
        meant = _meant(text.value)
        guess = f"; did you mean {meant}?" if meant else ""
        said = f'"{text.value}" is no home for a state; expected {_STATES[cloud]}{guess}'
        findings.problem(text.place, f"deploy.{cloud}.state: {said}")
    return _value(text)


def _meant(state: str) -> str:
    """The form that is meant by another name of the same thing, or by capital letters; empty where none is."""
    scheme, slashes, path = state.strip().partition("://")
    known = {"gcs": "gs", "gs": "gs", "azure": "azurerm", "azurerm": "azurerm"}.get(scheme.lower(), "")
    guess = f"{known}://{path}" if slashes else scheme.lower()
    return guess if re.fullmatch(STATE, guess) else ""


def _notify(texts: tuple[Text, ...], findings: Findings) -> list[str]:
    no_doubles(texts, "address", findings)
    for text in texts:
        if not re.fullmatch(MAIL, text.value):
            said = "is no mail address; the providers themselves write to it, for who is silent tells no channel"
            findings.problem(text.place, f'deploy.notify: "{text.value}" {said}')
    return list(dict.fromkeys(text.value for text in texts))
