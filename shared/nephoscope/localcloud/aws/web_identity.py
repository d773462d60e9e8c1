"""AssumeRoleWithWebIdentity: a token of another cloud's identity, checked as STS checks it, against a role's trust.

Emulators look at a token's claims and at nothing that makes them true. Here the order is STS's: is it a signed token,
do we know who issued it, is the signature theirs, is it still valid, is it meant for us, and does the role's trust
policy accept its claims. The call itself is unsigned: the token is all that the caller has.

Sources: the STS API reference, AssumeRoleWithWebIdentity (errors); the IAM user guide, "Available keys for AWS OIDC
federation" (Google's `aud` is the token's azp, `oaud` its aud); RFC 7515 (JWS), RFC 7518 section 3.3 (RS256). Messages
are those that users of the real service report.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from nephoscope.localcloud.aws.call import AwsError, Need
from nephoscope.localcloud.aws.policy import Document, permits

ACTION = "sts:AssumeRoleWithWebIdentity"
GOOGLE = "https://accounts.google.com"
"""Known to every account: no provider is made for it, and no audience is registered."""
_REQUIRED: Mapping[str, type | tuple[type, ...]] = {"iss": str, "sub": str, "aud": (str, list), "exp": (int, float)}


@dataclass(frozen=True, slots=True)
class Issuer:
    """keys: RSA public numbers by key id. audiences: of the account's IAM OIDC provider; empty for Google."""

    url: str
    keys: Mapping[str, RSAPublicNumbers]
    audiences: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What stands before `:aud` in a condition key: the URL without its scheme, a trailing slash kept."""
        return self.url.removeprefix("https://")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a token says that its bearer is, after all checks."""

    subject: str
    audience: str
    provider: str


class WebIdentities:
    """The issuers that an account knows, and which roles trust whom."""

    def __init__(self) -> None:
        self._issuers: dict[str, Issuer] = {}
        self._trust: dict[str, Document] = {}

    def clear(self) -> None:
        self._issuers.clear()
        self._trust.clear()

    def register_issuer(self, url: str, jwks: Mapping[str, Any], audiences: Sequence[str] = ()) -> None:
        """jwks: a JSON Web Key Set, as an issuer publishes it."""
        keys = {key["kid"]: RSAPublicNumbers(_number(key["e"]), _number(key["n"])) for key in jwks["keys"]}
        self._issuers[url] = Issuer(url, keys, tuple(audiences))

    def trust(self, role: str, document: Document) -> None:
        """The role's trust policy, as IAM holds it."""
        self._trust[role] = document

    def admit(self, role: str, token: str, now: float | None = None) -> Visitor:
        """Raises AwsError with STS's own code. now: the clock on the wall, as issuers and SDKs use it."""
        header, claims, signed, signature = _parse(token)
        issuer = self._issuers.get(str(claims["iss"]))
        if issuer is None:
            raise _invalid(f"No OpenIDConnect provider found in your account for {claims['iss']}")
        _verify(issuer, header, signed, signature)
        _in_time(claims, time.time() if now is None else now)
        if issuer.audiences and not set(issuer.audiences) & set(_texts(claims["aud"])):
            raise _invalid("Incorrect token audience")
        self._trusted(role, issuer, claims)
        return Visitor(str(claims["sub"]), _texts(claims["aud"])[0], _provider(issuer))

    def _trusted(self, role: str, issuer: Issuer, claims: Mapping[str, Any]) -> None:
        document = self._trust.get(role, {"Statement": []})
        # A trust policy names a principal where an identity policy names a resource.
        statements = [{**each, "Resource": "*"} for each in document["Statement"] if _names(each, issuer)]
        if not permits([{"Statement": statements}], Need(ACTION, "*", context_of(issuer, claims))):
            raise AwsError("AccessDenied", f"Not authorized to perform {ACTION}", 403)


def context_of(issuer: Issuer, claims: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The condition keys that a token fills. Google's `aud` is who the token was given to (azp), where it says so."""
    audience = _texts(claims["aud"])
    context = {f"{issuer.prefix}:sub": (str(claims["sub"]),), f"{issuer.prefix}:aud": audience}
    if issuer.url == GOOGLE:
        context[f"{issuer.prefix}:oaud"] = audience
        context[f"{issuer.prefix}:aud"] = _texts(claims.get("azp", claims["aud"]))
    return context


def _names(statement: Mapping[str, Any], issuer: Issuer) -> bool:
    principal = statement.get("Principal", {})
    federated = _texts(principal.get("Federated", ())) if isinstance(principal, Mapping) else ()
    if issuer.url == GOOGLE:
        return issuer.prefix in federated
    return any(name.partition(":oidc-provider/")[2] == issuer.prefix for name in federated)


def _provider(issuer: Issuer) -> str:
    return issuer.prefix if issuer.url == GOOGLE else f"oidc-provider/{issuer.prefix}"


def _parse(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any], bytes, bytes]:
    """(header, claims, what was signed, signature)."""
    try:
        head, body, signature = token.split(".")
        header, claims = json.loads(_decoded(head)), json.loads(_decoded(body))
        proof = _decoded(signature)
        missing = [name for name, kinds in _REQUIRED.items() if not isinstance(claims.get(name), kinds)]
        header = dict(header)
    except (ValueError, TypeError, AttributeError) as error:
        text = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        raise _invalid(text) from error
    if missing:
        raise _invalid(f"Missing a required claim: {missing[0]}")
    return header, claims, f"{head}.{body}".encode(), proof


def _verify(issuer: Issuer, header: Mapping[str, Any], signed: bytes, signature: bytes) -> None:
    key = issuer.keys.get(str(header.get("kid")))
    if key is None or header.get("alg") != "RS256":
        raise _invalid("Couldn't retrieve verification key from your identity provider")
    try:
        key.public_key().verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise _invalid("The web identity token's signature is not valid") from error


def _in_time(claims: Mapping[str, Any], now: float) -> None:
    expires = claims["exp"]
    if expires <= now:
        text = f"Token expired: current date/time {now:.0f} must be before the expiration date/time {expires:.0f}"
        raise AwsError("ExpiredTokenException", text)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidIdentityToken", message)


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")
