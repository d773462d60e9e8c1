"""What the metadata server hands out: access tokens that end, and ID tokens that anyone can check.

An access token is opaque to its holder, and the same one is handed out again until five minutes before its end, as the
real server does. An ID token is a JWT signed with RS256 by a key that is thrown away with the process.
Sources: https://cloud.google.com/compute/docs/access/authenticate-workloads#applications,
https://cloud.google.com/compute/docs/instances/verifying-instance-identity (the payload),
RFC 7517 (the key set), RFC 7519.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.call import GoogleError, Info, Status

ISSUER = "https://accounts.google.com"
_KEPT_UNTIL = 300
_MISSING = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_WRONG = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


@dataclass(frozen=True, slots=True)
class Granted:
    """holder: an e-mail address; empty for a pool's token, whose principals are who holds it. ends: epoch seconds."""

    token: str
    holder: str
    ends: float
    principals: tuple[str, ...] = ()


class Tokens:
    """Access tokens. Their clock is the one on the wall, for the SDKs compare it with theirs.

    seconds: how long a new one lives.
    """

    def __init__(self, seconds: int = 3600) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._granted: dict[str, Granted] = {}
        self._current: dict[tuple[str, str], Granted] = {}

    def grant(self, project: str, scopes: str = "") -> Mapping[str, Any]:
        """For the project's service account, as the metadata server words it."""
        now = time.time()
        with self._lock:
            held = self._current.get((project, scopes))
            if held is None or held.ends - now < min(_KEPT_UNTIL, self.seconds / 2):
                held = Granted(f"ya29.c.{secrets.token_urlsafe(48)}", names.account_email(project), now + self.seconds)
                self._current[project, scopes] = self._granted[held.token] = held
        return {"access_token": held.token, "expires_in": int(held.ends - now), "token_type": "Bearer"}

    def federate(self, principals: tuple[str, ...]) -> Granted:
        """For who came by a workload identity pool; good for impersonating, and nothing else here."""
        return self._kept(Granted(f"ya29.d.{secrets.token_urlsafe(48)}", "", time.time() + self.seconds, principals))

    def impersonate(self, account: str, scopes: tuple[str, ...], seconds: int) -> Granted:  # noqa: ARG002 - all are wide
        """For a service account, by e-mail; for as long as was asked, and no longer than `seconds` of ours."""
        return self._kept(
            Granted(f"ya29.c.{secrets.token_urlsafe(48)}", account, time.time() + min(seconds, self.seconds))
        )

    def principals(self, token: str, service: str) -> tuple[str, ...]:
        """Of who holds a pool's token. Raises GoogleError, also for a token that is none of a pool."""
        return self._held(token, service).principals

    def _kept(self, granted: Granted) -> Granted:
        with self._lock:
            self._granted[granted.token] = granted
        return granted

    def expire(self) -> None:
        """End every token that was given out, whatever its holder believes."""
        with self._lock:
            self._current.clear()
            for token, held in self._granted.items():
                self._granted[token] = replace(held, ends=0.0)

    def holder(self, token: str, service: str) -> str:
        """The e-mail address of who holds it. Raises GoogleError when it is missing, forged or over, or a pool's own:
        the services take a service account's. Source:
        https://docs.cloud.google.com/iam/docs/troubleshooting-workload-identity-federation"""
        held = self._held(token, service)
        if not held.holder:
            raise _unauthenticated(_WRONG, "ACCESS_TOKEN_TYPE_UNSUPPORTED", service)
        return held.holder

    def _held(self, token: str, service: str) -> Granted:
        if not token:
            raise _unauthenticated(_MISSING, "CREDENTIALS_MISSING", service)
        with self._lock:
            held = self._granted.get(token)
        if held is None:
            raise _unauthenticated(_WRONG, "ACCESS_TOKEN_TYPE_UNSUPPORTED", service)
        if held.ends <= time.time():
            raise _unauthenticated(_WRONG, "ACCESS_TOKEN_EXPIRED", service)
        return held


def _unauthenticated(message: str, reason: str, service: str) -> GoogleError:
    return GoogleError(Status.UNAUTHENTICATED, message, Info(reason, {"service": service}))


@cache
def _key() -> rsa.RSAPrivateKey:
    """Made when first asked for: a second's tenth that a fake without ID tokens saves."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


_KEY_ID = "nephoscope-local"


def identity_claims(project: str, audience: str) -> dict[str, Any]:
    """What an ID token of the project's service account says, valid for an hour from now."""
    now = int(time.time())
    number = names.account_number(project)
    return {
        "aud": audience,
        "azp": number,
        "email": names.account_email(project),
        "email_verified": True,
        "exp": now + 3600,
        "iat": now,
        "iss": ISSUER,
        "sub": number,
    }


def sign(claims: Mapping[str, Any], key: rsa.RSAPrivateKey | None = None) -> str:
    """A JWT. key: another than the published one, for a forgery."""
    header = {"alg": "RS256", "kid": _KEY_ID, "typ": "JWT"}
    signed = b".".join(_encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    signature = (key or _key()).sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return b".".join((signed, _encode(signature))).decode()


def jwks() -> dict[str, Any]:
    """The key set that checks every token of this process."""
    numbers = _key().public_key().public_numbers()
    modulus, exponent = (
        _encode(number.to_bytes((number.bit_length() + 7) // 8)).decode() for number in (numbers.n, numbers.e)
    )
    return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": _KEY_ID, "n": modulus, "e": exponent}]}


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
