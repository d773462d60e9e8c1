"""Secrets that Google and Azure keep: whether each can be read where its function will look for it.

Where the function runs is known to its deployment. In this shell NEPHOSCOPE_ACCOUNT says the project and
NEPHOSCOPE_VAULT the vault; what is named in full needs neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from nephoscope.app.outside import Outside
from nephoscope.app.secrets import open_secrets
from nephoscope.app.settings import Settings
from nephoscope.cli.doctor_channels import Reference, kind_of, references
from nephoscope.cli.findings import Finding, Verdict
from nephoscope.cli.grants import READING_SECRETS, Grant, grant_for_secret
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.scope import Cloud

OWN = "own-cloud"
_KINDS = {Cloud.GCP: "gcp-secret", Cloud.AZURE: "key-vault"}
_UNKNOWN = {
    Cloud.GCP: "the function looks in its own project; here NEPHOSCOPE_ACCOUNT=PROJECT would say which",
    Cloud.AZURE: "the function looks in its own vault; here NEPHOSCOPE_VAULT would say which",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret is: the project or the vault (empty = not known here), and its name there."""

    where: str
    name: str


def check_kept(outside: Outside, cloud: Cloud) -> Iterator[tuple[Finding, Grant | None]]:
    """What this cloud's function reads in its own cloud, and what would grant it."""
    settings = replace(outside.settings, clouds=(str(cloud),))
    reader = open_secrets(settings)
    for reference in references(outside):
        if kind_of(reference.text) not in (OWN, _KINDS[cloud]):
            continue
        place = place_of(reference.text, cloud, settings)
        if not place.where:
            yield _finding(cloud, reference, Verdict.UNTRIED, _UNKNOWN[cloud]), None
            continue
        try:
            reader.read_secret(reference.text)
        except DeliveryError as error:
            yield _refused(cloud, reference, place, error)
        else:
            yield _finding(cloud, reference, Verdict.WELL), None


def place_of(text: str, cloud: Cloud, settings: Settings) -> Place:
    kind, _, rest = text[2:-1].partition(":")
    name = rest.partition("#")[0]
    if kind == _KINDS[Cloud.AZURE]:
        return Place(*name.split("/", 1))
    if cloud is Cloud.AZURE:
        return Place(settings.vault, name)
    name = name.partition("/versions/")[0]
    if name.startswith("projects/"):
        return Place(name.split("/")[1], name.split("/")[3])
    known = not settings.account.isdigit()  # the number of an AWS account is another function's
    return Place(settings.account if known else "", name)


def _refused(cloud: Cloud, reference: Reference, place: Place, error: DeliveryError) -> tuple[Finding, Grant | None]:
    said = ": ".join(filter(None, (error.reason, error.detail)))
    if error.reason is not Reason.DENIED or f"{READING_SECRETS[cloud]} is not granted" not in error.detail:
        return _finding(cloud, reference, Verdict.FAILED, said), None
    grant = grant_for_secret(cloud, place.where, place.name)
    return _finding(cloud, reference, Verdict.MISSING, said), grant


def _finding(cloud: Cloud, reference: Reference, verdict: Verdict, said: str = "") -> Finding:
    return Finding("secret", f"{cloud} {reference.text} for {reference.needed_by}", verdict, said)
