"""Who we are to others: a token of the function's own service account, signed by Google, for an audience of our choice.

The metadata server gives it; no key is kept anywhere. Source:
https://docs.cloud.google.com/compute/docs/instances/verifying-instance-identity
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from google.auth import exceptions as auth
from google.auth.compute_engine import IDTokenCredentials
from google.auth.transport.requests import Request

from nephoscope.clouds.gaps import gap_error
from nephoscope.clouds.gcp.errors import read_error
from nephoscope.model.errors import Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret

OPERATION = "metadata:identity"
FRESH_FOR = timedelta(minutes=5)
"""A token that lives no longer than this is renewed: it has a way to go, and clocks differ."""


class Deployed(Protocol):
    """What is needed of the deployment's settings: the project that the function runs in (empty = not known)."""

    @property
    def account(self) -> str: ...


def open_identity(settings: Deployed) -> GcpIdentity:
    """An identity for a process's life. No call is made yet."""
    return GcpIdentity(settings.account)


class GcpIdentity:
    """ports.IdentityReader. A token is kept until shortly before it ends. Safe to use from several threads."""

    def __init__(self, project: str) -> None:
        self._scope = Scope(Cloud.GCP, project, "")
        self._credentials: dict[str, Any] = {}
        self._lock = threading.Lock()

    def read_token(self, audience: str) -> Secret:
        """A signed token (OIDC) whose `aud` is this audience, good for some minutes more. Raises ReadError."""
        with self._lock:
            credentials = self._credentials.get(audience)
            if credentials is None or _ends_soon(credentials):
                credentials = self._ask(audience)
                self._credentials[audience] = credentials
            return Secret(credentials.token)

    def _ask(self, audience: str) -> Any:
        try:
            credentials: Any = IDTokenCredentials(  # type: ignore[no-untyped-call]
                None, audience, use_metadata_identity_endpoint=True
            )
            credentials.refresh(Request())
        except (ValueError, KeyError, TypeError):  # among them google-auth's MalformedError
            # it quotes what it cannot read, and that may be a token: nothing of it goes on
            raise gap_error(self._scope, OPERATION, Reason.MALFORMED, "the answer is no signed token") from None
        except auth.GoogleAuthError as error:
            raise read_error(error, self._scope, OPERATION) from error
        return credentials


def _ends_soon(credentials: Any) -> bool:
    ends: datetime = credentials.expiry.replace(tzinfo=UTC)
    return datetime.now(UTC) + FRESH_FOR >= ends
