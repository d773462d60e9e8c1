"""Tokens of an identity provider of our own: RS256 by a key that nobody else has, as Google and Entra sign."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from nephoscope.model.secret import Secret

GOOGLE = "https://accounts.google.com"
NUMBER = "104713094582973650218"
"""A service account's unique id: `sub` and `azp` of its tokens."""
TENANT = "72f988bf-0000-4000-8000-2d7cd011db47"
ENTRA = f"https://sts.windows.net/{TENANT}/"
OBJECT = "5b3f7d1e-0000-4000-8000-9a0c1f2e3d4b"
"""A managed identity's object id: `sub` of its tokens."""
HOME = "111111111111"
GOOGLE_ROLE = f"arn:aws:iam::{HOME}:role/nephoscope-prod-eu-central-1-gcp"
AZURE_ROLE = f"arn:aws:iam::{HOME}:role/nephoscope-prod-eu-central-1-azure"


class Signer:
    """kid: the key's id in the set that is published."""

    def __init__(self, kid: str = "key-1") -> None:
        self.kid = kid
        self._key = generate_private_key(65_537, 2048)

    def jwks(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid}
        return {"keys": [{**key, "n": encoded(whole(numbers.n)), "e": encoded(whole(numbers.e))}]}

    def sign(self, claims: Mapping[str, Any], **header: str) -> str:
        head = encoded(json.dumps({"alg": "RS256", "typ": "JWT", "kid": self.kid, **header}).encode())
        body = encoded(json.dumps(claims).encode())
        signature = self._key.sign(f"{head}.{body}".encode(), PKCS1v15(), SHA256())
        return f"{head}.{body}.{encoded(signature)}"


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def whole(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def google_claims(now: float, **changes: Any) -> dict[str, Any]:
    """As the metadata server's `identity` answers with format=full."""
    claims = {"iss": GOOGLE, "aud": "nephoscope-prod", "azp": NUMBER, "sub": NUMBER, "email_verified": True}
    return {**claims, "iat": int(now), "exp": int(now) + 3600, **changes}


def azure_claims(now: float, **changes: Any) -> dict[str, Any]:
    """As the managed identity endpoint's tokens are, version 1.0."""
    claims = {"iss": ENTRA, "aud": "api://nephoscope-prod", "sub": OBJECT, "oid": OBJECT, "ver": "1.0"}
    return {**claims, "iat": int(now), "nbf": int(now), "exp": int(now) + 86_400, **changes}


def trust(principal: str, **conditions: str) -> dict[str, Any]:
    """A role's trust policy with StringEquals on each of the conditions."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": principal},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": conditions},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


GOOGLE_TRUST = trust(
    "accounts.google.com",
    **{
        "accounts.google.com:aud": NUMBER,
        "accounts.google.com:oaud": "nephoscope-prod",
        "accounts.google.com:sub": NUMBER,
    },
)
AZURE_TRUST = trust(
    f"arn:aws:iam::{HOME}:oidc-provider/sts.windows.net/{TENANT}/",
    **{f"sts.windows.net/{TENANT}/:aud": "api://nephoscope-prod", f"sts.windows.net/{TENANT}/:sub": OBJECT},
)


class Identity:
    """ports.IdentityReader that hands out what it is told to: tokens, or an error. asked: the audiences, in order."""

    def __init__(self, *answers: str | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def read_token(self, audience: str) -> Secret:
        self.asked.append(audience)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Secret(answer)
