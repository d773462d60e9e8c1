"""The way into Google for AWS's functions: no key, but a question to AWS that is signed and not sent, "who am I?"

google-auth does it all: it signs GetCallerIdentity with the function's own keys, which Lambda keeps in its environment,
and hands the signed request to Google's Security Token Service. That one sends it to AWS, holds the answer against the
provider of a workload identity pool (account, attribute condition), and gives a federated token; with it IAM gives one
of the service account. What is added here: no exchange outlasts a run, one that failed is not tried by every thread
again, a token that is still good is used to its end, and a refusal says what was refused.

Sources: https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds, google.auth.aws
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from google.auth import aws
from google.auth import exceptions as auth
from google.auth.credentials import Credentials, TokenState

from nephoscope.model.config import GcpFederation
from nephoscope.ports import Clock

HOSTS: Mapping[str, str] = {
    "gcp_sts": "https://sts.googleapis.com",
    "gcp_iam": "https://iamcredentials.googleapis.com",
}
"""Where tokens are exchanged, by the name under which a deployment may give another address."""

TOKEN_SECONDS = 5.0
"""No answer of the exchange is waited for longer: AWS's own scopes share the run."""

_REMEMBERED_SECONDS = 15.0
"""For so long an exchange that failed is not tried again: less than a period, so that each run tries it once."""

_ASKED = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
_SERVER_ERROR, _TOO_MANY = 500, 429
_HINTS: Mapping[str, str] = {
    "IAM_PERMISSION_DENIED": "the pool may not become it: it needs roles/iam.workloadIdentityUser there",
    "SERVICE_DISABLED": "its project's API is not enabled: gcloud services enable iamcredentials.googleapis.com",
}
"""google.rpc.ErrorInfo's reason -> what to do, in place of Google's words."""

logger = logging.getLogger("nephoscope")


def federation_info(entry: GcpFederation, endpoints: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What `gcloud iam workload-identity-pools create-cred-config --aws` writes to a file. Nothing in it is secret."""
    hosts = {**HOSTS, **(endpoints or {})}
    impersonated = f"v1/projects/-/serviceAccounts/{entry.service_account}:generateAccessToken"
    return {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{entry.provider}",
        "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
        "token_url": f"{hosts['gcp_sts']}/v1/token",
        "service_account_impersonation_url": f"{hosts['gcp_iam']}/{impersonated}",
        "credential_source": {"environment_id": "aws1", "regional_cred_verification_url": _ASKED},
    }


def federated_credentials(
    entry: GcpFederation, scopes: tuple[str, ...], clock: Clock, endpoints: Mapping[str, str] | None = None
) -> FederatedCredentials:
    """Credentials for a process's life. No call is made yet."""
    make = partial(aws.Credentials.from_info, federation_info(entry, endpoints), scopes=scopes)
    return FederatedCredentials(entry, make, clock)


@dataclass(frozen=True, slots=True)
class _Refusal:
    error: auth.RefreshError
    until: float


class FederatedCredentials(Credentials):
    """google-auth's interface over its own, which `make` makes. Safe to use from several threads.

    Around and not derived: google-auth's own would also ask IAM, in a thread of its own, where the account may be used,
    and a Lambda freezes between two events.
    """

    def __init__(self, entry: GcpFederation, make: Callable[[], Any], clock: Clock) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._entry = entry
        self._make = make
        self._inner = make()
        self._clock = clock
        self._refusal: _Refusal | None = None
        self._lock = threading.Lock()

    def refresh(self, request: Callable[..., Any]) -> None:
        """A new token. Raises RefreshError that says what was refused; but not while the old one is good: google-auth
        asks for a new one some minutes before its end."""
        with self._lock:
            if self._refusal is None or self._clock.monotonic() >= self._refusal.until:
                self._refusal = self._renew(request)
            if self._refusal is not None and self.token_state is not TokenState.STALE:
                raise self._refusal.error

    def _renew(self, request: Callable[..., Any]) -> _Refusal | None:
        try:
            self._inner.refresh(partial(request, timeout=TOKEN_SECONDS))
            self.token, self.expiry = self._inner.token, self._inner.expiry
        except auth.GoogleAuthError as error:
            refused = explained(error, self._entry)
        except (ValueError, TypeError, KeyError):  # what it cannot read may hold a token: nothing of it goes on
            refused = _later("the answer to the exchange holds no token")
        else:
            return None
        self._inner = self._make()  # the pool's token, which it keeps too, may be what is wrong
        if self.token_state is TokenState.STALE:
            logger.warning("the token for Google is still good and was not renewed: %s", refused)
        return _Refusal(refused, self._clock.monotonic() + _REMEMBERED_SECONDS)


def explained(error: auth.GoogleAuthError, entry: GcpFederation) -> auth.RefreshError:
    """The failure by its step: AWS's keys, the exchange at the pool's provider, the service account."""
    said = error.args[1] if len(error.args) > 1 else None
    if isinstance(error, auth.OAuthError):
        return _exchange(said, entry)
    if isinstance(error, auth.RefreshError):
        return _no_keys() if said is None else _impersonation(said, entry)
    return _later(str(error))


def _exchange(body: object, entry: GcpFederation) -> auth.RefreshError:
    """Source: RFC 8693 section 2.2.2, RFC 6749 section 5.2; any other answer is of the service's own trouble."""
    answer = _object(body)
    code, description = answer.get("error"), answer.get("error_description", "")
    if not isinstance(code, str):
        return _later(f"the exchange for {entry.provider} is not answered as it should be")
    return _refused(f"{code}: {description} Asked of {entry.provider}", code)


def _impersonation(body: object, entry: GcpFederation) -> auth.RefreshError:
    """Source: google.rpc.Status as the REST APIs write it."""
    answer = _object(body).get("error")
    said = answer if isinstance(answer, dict) else {}
    code, status, message = said.get("code", 0), said.get("status", ""), said.get("message", "")
    if not isinstance(code, int) or not code or code >= _SERVER_ERROR or code == _TOO_MANY:
        return _later(f"{entry.service_account}: {status or 'no answer that is one'}: {message}".rstrip(": "))
    reasons = [str(each.get("reason")) for each in said.get("details") or () if isinstance(each, dict)]
    hint = next((_HINTS[reason] for reason in reasons if reason in _HINTS), "")
    return _refused(f"{entry.service_account}: {hint or f'{status}: {message}'}", str(status))


def _no_keys() -> auth.RefreshError:
    said = "AWS's keys are not in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION)"
    return _refused(said, "no_aws_credentials")


def _refused(text: str, code: str) -> auth.RefreshError:
    return auth.RefreshError(text, {"error": code})  # type: ignore[no-untyped-call]


def _later(text: str) -> auth.RefreshError:
    return auth.RefreshError(text, retryable=True)  # type: ignore[no-untyped-call]


def _object(body: object) -> Mapping[str, Any]:
    try:
        answer = json.loads(body) if isinstance(body, str | bytes) else body
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
