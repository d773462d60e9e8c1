"""STS: who a key belongs to; AssumeRole into the accounts of the fleet, with its ExternalId checked; the way in for the
functions of other clouds, by a token (web_identity.py), and the way out to other clouds, by another (outbound.py)."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from nephoscope.localcloud.aws.call import Answer, AwsError, Call, Caller
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT, LAMBDA_TOKEN, OWN_SECRET
from nephoscope.localcloud.aws.outbound import Outbound
from nephoscope.localcloud.aws.protocol import render_answer
from nephoscope.localcloud.aws.signatures import check_signature
from nephoscope.localcloud.aws.web_identity import WebIdentities


@dataclass(frozen=True, slots=True)
class _Session:
    role: str
    name: str
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(60))

    @property
    def account(self) -> str:
        return self.role.split(":")[4]

    @property
    def arn(self) -> str:
        return f"arn:aws:sts::{self.account}:assumed-role/{self.role.rpartition('/')[2]}/{self.name}"


class Sessions:
    """Roles that may be assumed, and the keys that were given out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trust: dict[str, str] = {}
        self._sessions: dict[str, _Session] = {}
        self.web = WebIdentities()
        self.outbound = Outbound()

    def clear(self) -> None:
        with self._lock:
            self._trust.clear()
            self._sessions.clear()
            self.web.clear()
            self.outbound.clear()

    def trust(self, role: str, external_id: str = "") -> None:
        """Let `role` (an ARN) be assumed; with an external_id, only by who knows it."""
        with self._lock:
            self._trust[role] = external_id

    @property
    def roles(self) -> Mapping[str, str]:
        """ARN -> external id."""
        with self._lock:
            return dict(self._trust)

    def caller(self, access_key: str, region: str, token: str = "") -> Caller:
        """A key of twelve digits is its account's; one that AssumeRole gave out is its role's; any other is home.
        Functions that ministack runs are the principal `lambda`, as they all carry one session token."""
        with self._lock:
            session = self._sessions.get(access_key)
        if session:
            return Caller(access_key, session.account, session.role, region)
        own = access_key if len(access_key) == 12 and access_key.isdigit() else HOME_ACCOUNT
        return Caller(access_key, own, "lambda" if token == LAMBDA_TOKEN else access_key, region)

    def enter(self, role: str, name: str) -> Mapping[str, str]:
        """The variables that Lambda gives a function which runs as `role` (an ARN)."""
        key = "ASIA" + secrets.token_hex(8).upper()
        with self._lock:
            session = self._sessions[key] = _Session(role, name)
        return {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": session.secret,
            "AWS_SESSION_TOKEN": session.token,
        }

    def get_caller_identity(self, call: Call) -> Answer:
        """Source: STS API reference, GetCallerIdentity."""
        session = self._proven(call)
        arn = session.arn if session else f"arn:aws:iam::{call.account}:root"
        return render_answer(call, {"Arn": arn, "UserId": call.caller.access_key, "Account": call.account})

    def get_web_identity_token(self, call: Call) -> Answer:
        """Source: STS API reference, GetWebIdentityToken."""
        session = self._proven(call)
        token, ends = self.outbound.token(call, session.role if session else f"arn:aws:iam::{call.account}:root")
        return render_answer(call, {"WebIdentityToken": token, "Expiration": datetime.fromtimestamp(ends, UTC)})

    def _proven(self, call: Call) -> _Session | None:
        """The session whose key has signed; None for a key that is nobody's session. Raises AwsError. Functions that
        ministack runs are believed: their secret is ministack's own."""
        key, token = call.caller.access_key, call.request.headers.get("x-amz-security-token", "")
        with self._lock:
            session = self._sessions.get(key)
        if call.caller.principal == "lambda":
            return None
        if session is not None and not hmac.compare_digest(session.token, token):
            raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
        check_signature(call.request, session.secret if session else OWN_SECRET)
        return session

    def assume_role(self, call: Call) -> Answer:
        role, name, duration = _asked(call)
        with self._lock:
            wanted = self._trust.get(role)
            if wanted is None or (wanted and wanted != call.params.get("ExternalId")):
                message = (
                    f"User: {call.caller.principal} is not authorized to perform: sts:AssumeRole on resource: {role}"
                )
                raise AwsError("AccessDenied", message, 403)
        return render_answer(call, self._given_out(role, name, duration))

    def assume_role_with_web_identity(self, call: Call) -> Answer:
        """Source: STS API reference, AssumeRoleWithWebIdentity."""
        role, name, duration = _asked(call)
        visitor = self.web.admit(role, str(call.params.get("WebIdentityToken", "")))
        provider = visitor.provider
        if provider.startswith("oidc-provider/"):
            provider = f"arn:aws:iam::{role.split(':')[4]}:{provider}"
        seen = {
            "SubjectFromWebIdentityToken": visitor.subject,
            "Audience": visitor.audience,
            "Provider": provider,
        }
        return render_answer(call, {**self._given_out(role, name, duration), **seen})

    def _given_out(self, role: str, name: str, duration: int) -> Mapping[str, object]:
        key = "ASIA" + secrets.token_hex(8).upper()
        with self._lock:
            session = self._sessions[key] = _Session(role, name)
        return _assumed(key, session, duration)


def _asked(call: Call) -> tuple[str, str, int]:
    """(role, session's name, seconds). Raises AwsError."""
    duration = int(call.params.get("DurationSeconds", 3600))
    if not 900 <= duration <= 43_200:
        raise AwsError("ValidationError", f"DurationSeconds {duration} is not between 900 and 43200")
    return call.params.get("RoleArn", ""), call.params.get("RoleSessionName", ""), duration


def _assumed(key: str, session: _Session, duration: int) -> Mapping[str, object]:
    # The clock on the wall: SDKs compare it with theirs to know when to ask again.
    expires = datetime.now(UTC) + timedelta(seconds=duration)
    return {
        "AssumedRoleUser": {"AssumedRoleId": f"AROA{key[4:]}:{session.name}", "Arn": session.arn},
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": session.secret,
            "SessionToken": session.token,
            "Expiration": expires,
        },
    }
