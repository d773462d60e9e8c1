"""GetWebIdentityToken: a token that AWS signs for who calls, so that others can know them. The way out of AWS, as
AssumeRoleWithWebIdentity is the way in.

An account has an issuer of its own once outbound federation is switched on; its keys are thrown away with the process.
RS256 or ES384, as the caller asks. `sub` is the role's ARN, not its session's.
Sources: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html (limits, errors),
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html (claims), RFC 7515,
RFC 7518 section 3.4 (ES384 is r and s, 48 bytes each).
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from nephoscope.localcloud.aws.call import AwsError, Call

ACTION = "sts:GetWebIdentityToken"
ALGORITHMS = ("RS256", "ES384")
_RSA_ID, _EC_ID = "RSA_0", "EC384_0"
_LEAST, _MOST, _USUAL = 60, 3600, 300
_AUDIENCES, _LONGEST_AUDIENCE = 10, 1000


class Outbound:
    """enabled: by account, whether outbound federation is switched on; it is on where nobody said anything."""

    def __init__(self) -> None:
        self.disabled: set[str] = set()

    def clear(self) -> None:
        self.disabled.clear()

    def token(self, call: Call, subject: str, now: float | None = None) -> tuple[str, float]:
        """(the token, its end) for a call. subject: the ARN of who calls. Raises AwsError with STS's own code."""
        if call.account in self.disabled:
            message = "The outbound web identity federation feature is not enabled for this account."
            raise AwsError("OutboundWebIdentityFederationDisabledException", message, 403)
        audiences, algorithm, seconds = _asked(call)
        at = time.time() if now is None else now
        claims = {
            "iss": issuer_of(call.account),
            "aud": audiences[0] if len(audiences) == 1 else audiences,
            "sub": subject,
            "iat": int(at),
            "exp": int(at) + seconds,
            "jti": str(uuid.uuid4()),
            "https://sts.amazonaws.com/": {
                "aws_account": call.account,
                "source_region": call.region,
                "principal_id": subject,
            },
        }
        return sign(claims, algorithm), float(int(at) + seconds)


def issuer_of(account: str) -> str:
    """What EnableOutboundWebIdentityFederation answers: one address for each account."""
    return f"https://{uuid.uuid5(uuid.NAMESPACE_URL, account)}.tokens.sts.global.api.aws"


def jwks() -> dict[str, Any]:
    """The key set (RFC 7517) that an issuer publishes; all issuers of this process sign alike."""
    public, curve = _rsa_key().public_key().public_numbers(), _ec_key().public_key().public_numbers()
    return {
        "keys": [
            {
                "kty": "RSA",
                "use": "sig",
                "alg": "RS256",
                "kid": _RSA_ID,
                "n": _number(public.n),
                "e": _number(public.e),
            },
            {"kty": "EC", "crv": "P-384", "use": "sig", "alg": "ES384", "kid": _EC_ID}
            | {"x": _encode(curve.x.to_bytes(48)), "y": _encode(curve.y.to_bytes(48))},
        ]
    }


def sign(claims: Mapping[str, Any], algorithm: str = "RS256", key: rsa.RSAPrivateKey | None = None) -> str:
    """A JWT. key: another than the published one, for a forgery."""
    header = {"alg": algorithm, "kid": _RSA_ID if algorithm == "RS256" else _EC_ID, "typ": "JWT"}
    signed = ".".join(_encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    if algorithm == "RS256":
        signature = (key or _rsa_key()).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    else:
        r, s = decode_dss_signature(_ec_key().sign(signed.encode(), ec.ECDSA(hashes.SHA384())))
        signature = r.to_bytes(48) + s.to_bytes(48)
    return f"{signed}.{_encode(signature)}"


def _asked(call: Call) -> tuple[list[str], str, int]:
    """(audiences, algorithm, seconds). Raises AwsError."""
    audiences, algorithm = call.params.get("Audience") or [], str(call.params.get("SigningAlgorithm", ""))
    seconds = int(call.params.get("DurationSeconds", _USUAL))
    if not 1 <= len(audiences) <= _AUDIENCES or not all(1 <= len(each) <= _LONGEST_AUDIENCE for each in audiences):
        raise AwsError("ValidationError", "Value at 'audience' failed to satisfy constraint: 1 to 10 texts")
    if algorithm not in ALGORITHMS:
        raise AwsError("ValidationError", f"Value '{algorithm}' at 'signingAlgorithm' is not one of RS256, ES384")
    if not _LEAST <= seconds <= _MOST:
        raise AwsError("ValidationError", f"Value '{seconds}' at 'durationSeconds' is not between 60 and 3600")
    return list(audiences), algorithm, seconds


@cache
def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2048)


@cache
def _ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


def _number(number: int) -> str:
    return _encode(number.to_bytes((number.bit_length() + 7) // 8))


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
