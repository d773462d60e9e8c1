"""`${gcp-secret:NAME}` from Google Secret Manager, by REST through the session that is here anyway.

NAME is a secret of the function's own project, or `projects/P/secrets/NAME`; either may have `/versions/N` behind it,
without which the latest is meant. `${own-cloud:NAME}` is the first form. Google does not tell an unknown secret from a
forbidden one to those who may not read it.

Source: https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access and there
SecretPayload: data in base64, dataCrc32c its CRC-32C as a decimal number in a string.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from google.api_core import exceptions as api

from nephoscope.clouds.gcp.calls import retry_after
from nephoscope.clouds.gcp.checksum import crc32c
from nephoscope.clouds.gcp.errors import VENDOR_ERRORS, reason_of, words_of
from nephoscope.clouds.gcp.session import Session
from nephoscope.clouds.secrets import OWN, KeptSecrets, Refusal
from nephoscope.model.errors import Reason
from nephoscope.ports import Clock

SECONDS = 5.0
"""For one try, the token's renewal counted in."""
SERVICE = "secretmanager.googleapis.com"
PERMISSION = "secretmanager.versions.access"

_UNKNOWN_PROJECT = "the own project is not known: set NEPHOSCOPE_ACCOUNT, or write projects/PROJECT/secrets/NAME"
_NOT_ENABLED = ("SERVICE_DISABLED", "accessNotConfigured")


class Deployed(Protocol):
    """What is needed of the deployment's settings: the own project (empty = not known), and other addresses."""

    @property
    def account(self) -> str: ...
    @property
    def endpoints(self) -> Mapping[str, str] | None: ...


def open_secrets(settings: Deployed, clock: Clock) -> KeptSecrets:
    """For a process's life. No call is made yet."""
    return KeptSecrets(GcpKeeper(Session(clock, settings.endpoints), settings.account).ask, clock.monotonic)


class GcpKeeper:
    """Secret Manager. Safe to use from several threads."""

    def __init__(self, session: Session, project: str) -> None:
        self._session = session
        self._project = project

    def ask(self, kind: str, name: str) -> bytes | Refusal:
        """The bytes of a version."""
        if kind not in ("gcp-secret", OWN):
            return Refusal(Reason.SECRET_MISSING, "not a reference to a secret of Google's")
        resource = version_of(name, self._project)
        if not resource:
            return Refusal(Reason.SECRET_MISSING, _UNKNOWN_PROJECT)
        try:
            answer = self._session.get("gcp_secrets", f"/v1/{quote(resource)}:access", {}, SECONDS)
        except VENDOR_ERRORS as error:
            return _refusal(error, resource.split("/")[1])
        except ValueError:
            return _malformed("the answer is no JSON")
        return _payload_of(answer)


def version_of(name: str, project: str) -> str:
    """`projects/P/secrets/S/versions/V`; empty where the project is not known."""
    secret, _, version = name.partition("/versions/")
    if not secret.startswith("projects/"):
        if not project:
            return ""
        secret = f"projects/{project}/secrets/{secret}"
    return f"{secret}/versions/{version or 'latest'}"


def _payload_of(answer: Any) -> bytes | Refusal:
    payload = answer.get("payload") if isinstance(answer, dict) else None
    try:
        data = base64.b64decode(payload["data"], validate=True)  # type: ignore[index]
        said = payload.get("dataCrc32c")  # type: ignore[union-attr]
        if said is not None and int(said) != crc32c(data):
            return _malformed("the secret came with a wrong checksum")
    except (TypeError, KeyError, ValueError):
        return _malformed("the answer holds no secret")
    return data


def _refusal(error: Exception, project: str) -> Refusal:
    reason = reason_of(error)
    match reason:
        case Reason.NOT_FOUND:
            return Refusal(Reason.SECRET_MISSING, "there is no such secret or version")
        case Reason.REJECTED:
            return Refusal(Reason.SECRET_MISSING, _why_rejected(error))
        case Reason.DENIED:
            return Refusal(reason, _why_denied(error, project))
        case Reason.THROTTLED:
            return Refusal(reason, retry_after=retry_after(error) or None)
        case Reason.MALFORMED:  # requests' own word for what is no JSON
            return _malformed("the answer is no JSON")
    return Refusal(reason, passing=reason is Reason.UNAVAILABLE)


def _why_rejected(error: Exception) -> str:
    """400 has two meanings here: FAILED_PRECONDITION and INVALID_ARGUMENT."""
    answer = getattr(error, "response", None)
    try:
        status = answer.json()["error"]["status"] if answer is not None else ""
    except (ValueError, KeyError, TypeError):
        status = ""
    if status == "FAILED_PRECONDITION":
        return "that version is disabled or destroyed"
    return "Secret Manager does not take this name"


def _why_denied(error: Exception, project: str) -> str:
    if not isinstance(error, api.GoogleAPICallError):
        return "this process has no identity in Google Cloud"
    if any(word in _NOT_ENABLED for word in words_of(error)):
        return f"{SERVICE} is not enabled: gcloud services enable {SERVICE} --project {project}"
    return f"{PERMISSION} is not granted, or there is no such secret"


def _malformed(detail: str) -> Refusal:
    return Refusal(Reason.MALFORMED, detail, passing=True)
