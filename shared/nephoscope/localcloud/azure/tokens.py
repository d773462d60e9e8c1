"""Tokens as Microsoft Entra ID signs them, by a key that is thrown away with the process.

RS256, version 1.0 claims. Source: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
and RFC 7515, 7517 for the signature and the key set.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from nephoscope.localcloud.azure.call import AzureError

LIFETIME = 86_400
"""Seconds; tokens of managed identities last a day.
Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq"""


class ForgedError(Exception):
    """The token is none of ours: not three parts, another algorithm, another key, another signature."""


@cache
def _signing_key() -> rsa.RSAPrivateKey:
    """One for the whole process: making one takes a tenth of a second."""
    return rsa.generate_private_key(65537, 2048)


class Issuer:
    """Signs and checks the tokens of one tenant. Times are the wall's: the clients keep tokens by it."""

    def __init__(self, tenant: str) -> None:
        _signing_key()  # made now, by one thread: two first callers at once would make two keys
        self.tenant = tenant

    @property
    def url(self) -> str:
        """The trailing slash is a part of it."""
        return f"https://sts.windows.net/{self.tenant}/"

    def issue(self, audience: str, object_id: str, client_id: str, *, lifetime: int = LIFETIME, **claims: Any) -> str:
        """claims: in place of those that would stand there, or beside them."""
        now = int(time.time())
        own: dict[str, Any] = {
            "aud": audience,
            "iss": self.url,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "appid": client_id,
            "appidacr": "2",
            "idp": self.url,
            "idtyp": "app",
            "oid": object_id,
            "sub": object_id,
            "tid": self.tenant,
            "ver": "1.0",
        }
        return self.sign(own | claims)

    def sign(self, claims: Mapping[str, Any]) -> str:
        signed = f"{_part({'typ': 'JWT', 'alg': 'RS256', 'kid': _key_id()})}.{_part(claims)}"
        signature = _signing_key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encode(signature)}"

    def jwks(self) -> dict[str, Any]:
        """The key set, as the tenant's discovery document points to it."""
        numbers = _signing_key().public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": _key_id(), "issuer": self.url}
        return {"keys": [key | {"n": _encode(_bytes(numbers.n)), "e": _encode(_bytes(numbers.e))}]}

    def claims(self, token: str) -> Mapping[str, Any]:
        """What a token of ours says, whatever its time and audience. Raises ForgedError."""
        try:
            signed, _, signature = token.rpartition(".")
            header, claims = (json.loads(_decode(part)) for part in signed.split("."))
            if header.get("alg") != "RS256" or header.get("kid") != _key_id():
                raise ForgedError("another key or algorithm")
            public = _signing_key().public_key()
            public.verify(_decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, AttributeError, InvalidSignature) as error:
            raise ForgedError("no token of ours") from error
        if claims.get("iss") != self.url:
            raise ForgedError("another issuer")
        return dict(claims)

    def challenge(self, why: str) -> Mapping[str, str]:
        """Source: https://learn.microsoft.com/rest/api/azure/#create-the-request (the WWW-Authenticate header)"""
        where = f"https://login.microsoftonline.com/{self.tenant}"
        words = f'authorization_uri="{where}", error="invalid_token", error_description="{why}"'
        return {"WWW-Authenticate": f"Bearer {words}"}


def bearer(headers: Mapping[str, str]) -> str:
    """The token of a request; empty where there is none."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def admit(issuer: Issuer, token: str, audiences: frozenset[str]) -> str:
    """The caller's object id. Raises AzureError (401) for a token that is missing, forged, too old, or meant for
    another. Source: the words of Azure Resource Manager's answers."""
    if not token:
        text = "Authentication failed. The 'Authorization' header is missing."
        raise AzureError(401, "AuthenticationFailed", text, headers=issuer.challenge(text))
    try:
        claims = issuer.claims(token)
    except ForgedError as error:
        text = "The access token is invalid."
        raise AzureError(401, "InvalidAuthenticationToken", text, headers=issuer.challenge(text)) from error
    now = time.time()
    if not claims.get("nbf", 0) <= now + 300 or claims["exp"] <= now:
        ended, text = _spoken(claims["exp"]), f"is earlier than current UTC time '{_spoken(now)}'."
        text = f"The access token expiry UTC time '{ended}' {text}"
        raise AzureError(401, "ExpiredAuthenticationToken", text, headers=issuer.challenge(text))
    if str(claims["aud"]).rstrip("/") not in audiences:
        allowed = ",".join(sorted(audiences))
        text = f"It should exactly match with one of the allowed audiences '{allowed}'."
        text = f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. {text}"
        raise AzureError(401, "InvalidAuthenticationTokenAudience", text, headers=issuer.challenge(text))
    return str(claims["oid"])


def _spoken(at: float) -> str:
    return time.strftime("%m/%d/%Y %H:%M:%S", time.gmtime(at))


@cache
def _key_id() -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(_bytes(_signing_key().public_key().public_numbers().n))
    return _encode(digest.finalize())[:27]


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _part(content: Mapping[str, Any]) -> str:
    return _encode(json.dumps(content, separators=(",", ":")).encode())


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
