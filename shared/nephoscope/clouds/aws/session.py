"""Ways into accounts: credentials for each, one client for each (account, region, service).

Botocore's clients may be used from many threads at once, but not be made so; and what EC2's model costs to load is paid
once, by a loader that all accounts share.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.config import Config as BotoConfig
from botocore.credentials import CredentialProvider, CredentialResolver, RefreshableCredentials
from botocore.session import Session, get_session

from nephoscope.clouds.aws.errors import VENDOR_ERRORS, read_error
from nephoscope.clouds.aws.quiet import keep_answers_out_of_the_log
from nephoscope.clouds.aws.transport import attach
from nephoscope.clouds.gaps import gap_error
from nephoscope.model.config import AwsAccount
from nephoscope.model.errors import DeliveryError, ReadError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.ports import Clock, SecretReader

ASSUME_ROLE = "sts:AssumeRole"
IDENTIFY = "sts:GetCallerIdentity"

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
LEASE_SECONDS = 3600
"""How long assumed credentials last. With 900 botocore, which renews 15 minutes ahead, would assume on every call."""

_REMEMBERED_SECONDS = 30.0
"""For so long an account that could not be entered is not tried again: its scopes fail with the first one's reason."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    scope: Scope
    reason: Reason
    detail: str
    until: float


class Sessions:
    """home: where the functions run; STS is asked there. Safe to use from several threads."""

    def __init__(self, home: str, clock: Clock, secrets: SecretReader | None = None) -> None:
        keep_answers_out_of_the_log()
        self._home = home
        self._clock = clock
        self._secrets = secrets
        self._sessions: dict[str, Session] = {}
        self._refusals: dict[str, _Refusal] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._own_id = ""
        self._lock = threading.RLock()
        self._entering: dict[str, threading.Lock] = {}
        self._this_call = threading.local()

    def client(self, account: AwsAccount, region: str, service: str) -> Any:
        """A botocore client; it makes one try a call (calls.py repeats). Raises ReadError when the account cannot be
        entered."""
        session = self._session(account)
        with self._lock:
            key = (account.role, region, service)
            if key not in self._clients:
                client = _create(session, service, Scope(Cloud.AWS, account.id, region), attempts=1)
                attach(client, lambda: getattr(self._this_call, "seconds", None))
                self._clients[key] = client
            return self._clients[key]

    def limit_this_call(self, seconds: float) -> None:
        """The calling thread's next calls wait at most so long for an answer."""
        self._this_call.seconds = min(READ_SECONDS, seconds)

    def enter(self, account: AwsAccount) -> None:
        """Raises ReadError when the account cannot be entered."""
        self._session(account)

    def own_id(self) -> str:
        """The number of the account that the functions run in, asked once. Raises ReadError."""
        with self._lock:
            if not self._own_id:
                self._own_id = self._ask_own_id()
            return self._own_id

    def _session(self, account: AwsAccount) -> Session:
        """One thread enters an account, the others of that account wait for it; other accounts do not."""
        with self._lock:
            entering = self._entering.setdefault(account.role, threading.Lock())
        with entering:
            refusal = self._refusals.get(account.role)
            if refusal is not None and self._clock.monotonic() < refusal.until:
                raise gap_error(refusal.scope, ASSUME_ROLE, refusal.reason, refusal.detail)
            if account.role not in self._sessions:
                self._sessions[account.role] = self._enter(account)
            return self._sessions[account.role]

    def _enter(self, account: AwsAccount) -> Session:
        if not account.role:
            return self._own()
        try:
            return self._assumed(account)
        except ReadError as error:
            until = self._clock.monotonic() + _REMEMBERED_SECONDS
            scope = Scope(Cloud.AWS, error.account, error.region)
            self._refusals[account.role] = _Refusal(scope, error.reason, error.detail, until)
            raise

    def _own(self) -> Session:
        """The first session; the others share its loader."""
        with self._lock:
            if "" not in self._sessions:
                self._sessions[""] = get_session()
            return self._sessions[""]

    def _assumed(self, account: AwsAccount) -> Session:
        refresh = self._refresher(account)
        credentials = RefreshableCredentials.create_from_metadata(
            metadata=refresh(), refresh_using=refresh, method="sts-assume-role"
        )
        loader = self._own().get_component("data_loader")
        session = get_session()
        session.register_component("data_loader", loader)
        session.register_component("credential_provider", CredentialResolver([_Given(credentials)]))
        return session

    def _refresher(self, account: AwsAccount) -> Callable[[], dict[str, Any]]:
        """Asks STS for credentials; raises ReadError, which botocore lets through when they must be renewed."""
        scope = Scope(Cloud.AWS, account.id, self._home)

        def refresh() -> dict[str, Any]:
            extra = self._external_id(account, scope)
            try:
                answer = self._sts().assume_role(
                    RoleArn=account.role, RoleSessionName="nephoscope", DurationSeconds=LEASE_SECONDS, **extra
                )
            except VENDOR_ERRORS as error:
                raise read_error(error, scope, ASSUME_ROLE) from error
            return _as_metadata(answer.get("Credentials"), scope)

        return refresh

    def _external_id(self, account: AwsAccount, scope: Scope) -> Mapping[str, str]:
        if not account.external_id:
            return {}
        if self._secrets is None:
            if account.external_id.startswith("${"):
                detail = f"nobody here can resolve {account.external_id}"
                raise gap_error(scope, ASSUME_ROLE, Reason.SECRET_MISSING, detail)
            return {"ExternalId": account.external_id}
        try:
            return {"ExternalId": self._secrets.read_secret(account.external_id).reveal()}
        except DeliveryError as error:
            detail = f"external id {error.destination}"
            raise gap_error(scope, ASSUME_ROLE, error.reason, detail) from error

    def _ask_own_id(self) -> str:
        scope = Scope(Cloud.AWS, "", self._home)
        try:
            return str(self._sts().get_caller_identity()["Account"])
        except VENDOR_ERRORS as error:
            raise read_error(error, scope, IDENTIFY) from error
        except KeyError as error:
            raise gap_error(scope, IDENTIFY, Reason.MALFORMED, "the answer names no account") from error

    def _sts(self) -> Any:
        """With botocore's own tries: it is asked rarely, and refreshes happen inside botocore."""
        with self._lock:
            key = ("", self._home, "sts")
            if key not in self._clients:
                self._clients[key] = _create(self._own(), "sts", Scope(Cloud.AWS, "", self._home), attempts=2)
            return self._clients[key]


class _Given(CredentialProvider):
    """Tells a session to use these credentials, whatever stands in its environment."""

    METHOD = "nephoscope"

    def __init__(self, credentials: RefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> RefreshableCredentials:
        return self._credentials


def _create(session: Session, service: str, scope: Scope, *, attempts: int) -> Any:
    """Raises ReadError where botocore cannot even begin: no region, a profile or an endpoint that is none."""
    config = BotoConfig(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        parameter_validation=False,
        max_pool_connections=10,
        user_agent_extra="nephoscope",
    )
    try:
        return session.create_client(service, region_name=scope.region or None, config=config)
    except VENDOR_ERRORS as error:
        raise read_error(error, scope, service) from error
    except ValueError as error:  # AWS_ENDPOINT_URL is no address
        raise gap_error(scope, service, Reason.REJECTED, str(error)) from error


def _as_metadata(credentials: Mapping[str, Any] | None, scope: Scope) -> dict[str, Any]:
    try:
        given = credentials or {}
        expires = given["Expiration"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": expires if isinstance(expires, str) else expires.isoformat(),
        }
    except (KeyError, AttributeError) as error:
        raise gap_error(scope, ASSUME_ROLE, Reason.MALFORMED, "the answer holds no credentials") from error
