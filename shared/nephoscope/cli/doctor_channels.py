"""Whether each channel could be told: its references resolve, its topic is there, its address may be called.

Nothing is sent. Addresses and keys are secrets: what is said names the channel and the reference, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from nephoscope.app.outside import Outside
from nephoscope.app.secrets import open_secrets
from nephoscope.app.settings import Settings
from nephoscope.cli.findings import Finding, Verdict
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.scope import Cloud
from nephoscope.model.secret import Secret
from nephoscope.notifiers.endpoint import EndpointError, judged_addresses, parse_endpoint, resolve_name
from nephoscope.ports import SecretReader

RESOLVE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference of the configuration, and who needs it."""

    text: str
    needed_by: str


def references(outside: Outside) -> list[Reference]:
    """Every text of the configuration that stands for a secret or a name of the deployment, unique."""
    aws = outside.config.gather.aws
    found = [Reference(account.external_id, f"account {account.id}") for account in (aws.accounts if aws else ())]
    for channel in outside.config.channels.values():
        texts = (channel.sns, channel.webhook, channel.secret, channel.key)
        found += [Reference(text, f"channel {channel.name}") for text in texts]
    if history := outside.config.history:
        found += [Reference(text, "elasticsearch") for text in (history.url, history.api_key, history.password)]
    return list({each.text: each for each in found if each.text.startswith("${")}.values())


ELSEWHERE = ("gcp-secret", "key-vault")
"""Kinds that AWS's function never reads: doctor_secrets.py looks there."""


def kind_of(text: str) -> str:
    """`ssm` of `${ssm:/a}`."""
    return text.removeprefix("${").partition(":")[0]


def read_here(outside: Outside) -> list[Reference]:
    """What AWS's function reads, or the deployment gives."""
    away = ELSEWHERE if Cloud.AWS in outside.config.gather.kinds else (*ELSEWHERE, "own-cloud")
    return [reference for reference in references(outside) if kind_of(reference.text) not in away]


def at_home(outside: Outside) -> Settings:
    """As AWS's function has them, whatever this call is about."""
    return replace(outside.settings, clouds=(str(Cloud.AWS),))


def check_references(outside: Outside) -> Iterator[Finding]:
    reader = open_secrets(at_home(outside))
    for reference in read_here(outside):
        where = f"{reference.text} for {reference.needed_by}"
        try:
            reader.read_secret(reference.text)
        except DeliveryError as error:
            yield _unresolved(where, reference.text, error)
        else:
            yield Finding("secret", where, Verdict.WELL)


def _unresolved(where: str, text: str, error: DeliveryError) -> Finding:
    if text.startswith("${stack:"):
        said = "the deployment gives it to its functions; here NEPHOSCOPE_STACK_<name> would"
        return Finding("secret", where, Verdict.UNTRIED, said)
    return Finding("secret", where, Verdict.FAILED, ": ".join(filter(None, (error.reason, error.detail))))


def check_webhooks(outside: Outside) -> Iterator[Finding]:
    reader = open_secrets(at_home(outside))
    for channel in outside.config.channels.values():
        if channel.webhook:
            yield _webhook(channel, reader)


def _webhook(channel: Channel, reader: SecretReader) -> Finding:
    where = f"channel {channel.name}"
    try:
        _look_up(channel, reader.read_secret(channel.webhook))
    except EndpointError as error:
        return Finding("webhook", where, Verdict.FAILED, f"{error.reason}: {error.detail}")
    except OSError:
        return Finding("webhook", where, Verdict.FAILED, f"{Reason.UNAVAILABLE}: the name could not be resolved")
    except DeliveryError:
        return Finding("webhook", where, Verdict.UNTRIED, "its address is not known here: see its reference")
    return Finding("webhook", where, Verdict.WELL)


def _look_up(channel: Channel, url: Secret) -> None:
    """Raises EndpointError, OSError."""
    endpoint = parse_endpoint(url, allow_http=channel.allow_http)
    found = resolve_name(endpoint.name, endpoint.port, RESOLVE_SECONDS)
    judged_addresses(found, allow_private=channel.allow_private)


def topics(outside: Outside) -> Iterator[tuple[Channel, str]]:
    """Each channel's topic that is known here."""
    reader = open_secrets(outside.settings)
    for channel in outside.config.channels.values():
        if not channel.sns:
            continue
        try:
            yield channel, reader.read_secret(channel.sns).reveal().strip()
        except DeliveryError:
            continue  # told by check_references
