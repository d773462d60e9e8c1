"""Which function can read which secret.

Each gathered cloud's function tells what its own scopes owe, and falls back by itself; so every channel is told by all
of them, and what a channel refers to must be readable by all of them. AWS's secrets are, as long as AWS is in reach.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from nephoscope.app.authoring.document import Keys, Text
from nephoscope.app.authoring.findings import Findings, listed
from nephoscope.app.authoring.quantities import UnclearError
from nephoscope.app.authoring.reading import flag_of, text_of
from nephoscope.app.authoring.references import check_reference, is_reference, parse_reference
from nephoscope.model.scope import Cloud


@dataclass(frozen=True, slots=True)
class Keeper:
    """title: what the store is called. names: what a secret may be called there. form: the same in words."""

    title: str
    names: re.Pattern[str]
    form: str


KEEPERS: Mapping[Cloud, Keeper] = {
    Cloud.AWS: Keeper(
        "AWS Secrets Manager", re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}"), "letters, digits and /_+=.@-, 512 at most"
    ),
    Cloud.GCP: Keeper(
        "Google Secret Manager", re.compile(r"[A-Za-z0-9_-]{1,255}"), "letters, digits, - and _, 255 at most"
    ),
    Cloud.AZURE: Keeper("Azure Key Vault", re.compile(r"[A-Za-z0-9-]{1,127}"), "letters, digits and -, 127 at most"),
}
"""Where each cloud's function finds `${own-cloud:NAME}`.

Source: CreateSecret of AWS Secrets Manager, projects.secrets.create of Google Secret Manager, and
https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#objects-identifiers-and-versioning
"""

OF_ONE = {"gcp-secret": Cloud.GCP, "key-vault": Cloud.AZURE}
"""Kinds of references that one cloud's function alone can read."""

_FUNCTIONS = {Cloud.AWS: "AWS", Cloud.GCP: "Google Cloud", Cloud.AZURE: "Azure"}
_IN_AWS = ("ssm", "secretsmanager")


def check_keepers(tell: Keys | None, gathered: Collection[Cloud], findings: Findings) -> None:
    """References that are well-formed, now that it is known whose functions read them."""
    for _, channel in tell.entries if tell else ():
        if isinstance(channel, Keys):
            for key in ("webhook", "secret", "pagerduty"):
                _check(key, text_of(channel, key), flag_of(channel, "fallback"), gathered, findings)


def check_kept_in_reach(elasticsearch: Keys, gathered: Collection[Cloud], findings: Findings) -> None:
    """What leads to the server of history; each cloud's function keeps what it gathers."""
    for key in ("url", "api_key", "password"):
        _check(key, text_of(elasticsearch, key), False, gathered, findings, ("keeps", "keep", "history"))


def _check(
    key: str,
    text: Text | None,
    fallback: bool,
    gathered: Collection[Cloud],
    findings: Findings,
    does: tuple[str, str, str] = ("tells", "tell", "this channel"),
) -> None:
    """does: what each cloud's function does with it: of one, of several, and to what."""
    if text is None or not is_reference(text.value):
        return
    try:
        check_reference(text.value)
    except UnclearError:
        return  # told already
    kind, name = parse_reference(text.value)
    if kind in OF_ONE and (others := [cloud for cloud in gathered if cloud is not OF_ONE[kind]]):
        findings.problem(text.place, f"{key}: {_unreadable(kind, others, does)}")
    elif kind == "own-cloud":
        for said in _illegal(name.partition("#")[0], gathered):
            findings.problem(text.place, f"{key}: {said}")
    elif fallback and kind in _IN_AWS and (others := [cloud for cloud in gathered if cloud is not Cloud.AWS]):
        findings.warning(text.place, f"{key}: {_out_of_reach(kind, others)}")


def _unreadable(kind: str, others: Collection[Cloud], does: tuple[str, str, str]) -> str:
    who = listed(_FUNCTIONS[cloud] for cloud in others)
    return (
        f"${{{kind}:...}} can be read by {_FUNCTIONS[OF_ONE[kind]]}'s function alone, and {who} "
        f"{does[0] if len(others) == 1 else does[1]} {does[2]} too; write ${{own-cloud:NAME}} and keep the secret "
        "under that name in each cloud, or keep it in AWS: ${secretsmanager:NAME}"
    )


def _illegal(name: str, gathered: Collection[Cloud]) -> list[str]:
    keepers = [KEEPERS[cloud] for cloud in gathered]
    return [
        f'"{name}" cannot be a secret\'s name in {keeper.title}: {keeper.form}'
        for keeper in keepers
        if not keeper.names.fullmatch(name)
    ]


def _out_of_reach(kind: str, others: Collection[Cloud]) -> str:
    who = listed(_FUNCTIONS[cloud] for cloud in others)
    return (
        f"where AWS is out of reach, ${{{kind}:...}} is too, and {who} could tell nobody; a fallback's secret is "
        "better kept in each function's own cloud: ${own-cloud:NAME}"
    )
