"""References to secrets, and addresses that should be one: no secret's value ever stands in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from nephoscope.app.authoring.findings import did_you_mean, listed
from nephoscope.app.authoring.quantities import UnclearError
from nephoscope.notifiers.address import WITH_LEAVE, Place, place_of

NAMES: Mapping[str, re.Pattern[str]] = {
    "env": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    "ssm": re.compile(r"(arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/|/)?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*"),
    "secretsmanager": re.compile(
        r"(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}(#[^#]+)?"
    ),
    "gcp-secret": re.compile(
        r"(projects/[a-z0-9.:-]+/secrets/)?[A-Za-z0-9_-]{1,255}(/versions/(latest|[1-9][0-9]*))?(#[^#]+)?"
    ),
    "key-vault": re.compile(r"(?=[^/]{3,24}/)[A-Za-z]([A-Za-z0-9]|-(?!-))*[A-Za-z0-9]/[A-Za-z0-9-]{1,127}(#[^#]+)?"),
    "own-cloud": re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}(#[^#]+)?"),
    "stack": re.compile(r"[A-Za-z0-9]+"),
}
"""Kinds of references and what their names look like; `#key` is one key of a JSON secret.

Source: parameter names of AWS Systems Manager (PutParameter), CreateSecret of AWS Secrets Manager, logical IDs of
CloudFormation, secret IDs and versions of Google Secret Manager, names of vaults and secrets of Azure Key Vault
(VAULT/NAME). An own-cloud name is legal in every cloud that is gathered: keepers.py.
"""

_REFERENCE = re.compile(r"\$\{([^:{}]*):([^{}]*)\}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/([!-~]+/)?[A-Za-z0-9_+=,.@-]{1,64}")


def is_reference(text: str) -> bool:
    """Whether the text means to be one, well-formed or not."""
    return text.startswith("${")


def check_reference(text: str, kinds: tuple[str, ...] = tuple(NAMES)) -> None:
    """Raises UnclearError unless the text is a reference of one of these kinds."""
    found = _REFERENCE.fullmatch(text)
    if not found:
        raise UnclearError(f"expected a reference such as ${{{kinds[-1]}:NAME}}, not the value itself")
    kind, name = found.groups()
    if kind not in NAMES:
        raise UnclearError(f'unknown reference "{kind}"{did_you_mean(kind, NAMES)}')
    if kind not in kinds:
        raise UnclearError(f"${{{kind}:...}} does not fit here; {listed((f'${{{k}:...}}' for k in kinds), 'or')} does")
    if not NAMES[kind].fullmatch(name):
        raise UnclearError(f'"{name}" cannot be the name in ${{{kind}:...}}')


def parse_reference(text: str) -> tuple[str, str]:
    """(kind, name) of a reference that was checked: `${ssm:/a/b}` -> ("ssm", "/a/b")."""
    found = _REFERENCE.fullmatch(text)
    if not found:
        raise UnclearError("not a reference")
    return found[1], found[2]


def check_topic(text: str) -> None:
    """An SNS topic: its ARN, or what the deployment makes. Raises UnclearError."""
    if is_reference(text):
        check_reference(text, ("stack",))
    elif not _TOPIC.fullmatch(text):
        raise UnclearError(
            "expected a topic's ARN (arn:aws:sns:eu-west-1:111111111111:alerts) or the deployment's own, "
            "${stack:AlertTopic}"
        )


def check_role(text: str) -> None:
    """An IAM role's ARN. Raises UnclearError. Source: IAM reference, identifiers."""
    if not _ROLE.fullmatch(text):
        raise UnclearError(
            f'"{text}" is not the ARN of a role; expected for example arn:aws:iam::222222222222:role/nephoscope-reader'
        )


def check_address(text: str, *, allow_http: bool, allow_private: bool) -> None:
    """A webhook's address: a reference, or a URL that holds no secret. Raises UnclearError, which never repeats what
    may be one."""
    if is_reference(text):
        return check_reference(text)
    try:
        url = urlsplit(text)
        host = url.hostname or ""
        url.port  # noqa: B018 - raises ValueError for a port that is none
    except ValueError as error:
        raise UnclearError("this is not a well-formed URL") from error
    if url.scheme not in ("http", "https") or not host:
        raise UnclearError("expected a reference such as ${secretsmanager:nephoscope/slack}, or an https:// URL")
    if "@" in url.netloc or any(map(_looks_secret, _parts(url.path, url.query))):
        raise UnclearError(
            f"the address at {host} seems to hold a secret; keep it in a secret store and write a reference such as "
            "${secretsmanager:nephoscope/chat}"
        )
    if url.scheme == "http" and not allow_http:
        raise UnclearError(f"http to {host} would send alerts in the clear; use https, or write allow: [http]")
    _check_host(host, allow_private)
    return None


def _check_host(host: str, allow_private: bool) -> None:
    """Numeric addresses and localhost are known here already; names are checked when they are resolved."""
    place = Place.LOOPBACK if host == "localhost" else place_of(host) if _numeric(host) else Place.PUBLIC
    if place is not Place.PUBLIC and place not in WITH_LEAVE:
        raise UnclearError(f"{host} is a {place.replace('_', '-')} address; no message is ever sent there")
    if place in WITH_LEAVE and not allow_private:
        raise UnclearError(f"{host} is a {place} address; write allow: [private] if that is meant")


def _numeric(host: str) -> bool:
    return ":" in host or re.fullmatch(r"[0-9.]+", host) is not None


def _parts(path: str, query: str) -> list[str]:
    return [*path.split("/"), *(value for _, value in parse_qsl(query))]


def _looks_secret(part: str) -> bool:
    """Long, with letters and digits mixed: a token or an id that nobody could guess."""
    run = max(re.findall(r"[A-Za-z0-9]+", part), key=len, default="")
    return len(part) >= 16 and len(run) >= 8 and any(map(str.isdigit, part)) and any(map(str.isalpha, part))
