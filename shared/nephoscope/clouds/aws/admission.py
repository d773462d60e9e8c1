"""Is a token of another cloud's identity let in? Asked once for each new token, so that a refusal names the claim.

boto3 takes the token from its file by itself, but deep inside the first call to DynamoDB, where "denied" tells nobody
which of the conditions in the role's trust policy did not hold.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config as BotoConfig
from botocore.exceptions import ClientError

from nephoscope.clouds.aws.errors import VENDOR_ERRORS, read_error
from nephoscope.clouds.gaps import gap_error
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret

ENTER = "sts:AssumeRoleWithWebIdentity"
GOOGLE = "https://accounts.google.com"


def open_admission(role: str, region: str) -> Callable[[Secret], None]:
    """Asks STS whether the token may assume the role (an ARN); region: where STS is asked. No call is made yet."""
    client: Any = boto3.Session().client("sts", region_name=region or None, config=_CONFIG)

    def admit(token: Secret) -> None:
        """Raises ReadError that says what was refused."""
        try:
            client.assume_role_with_web_identity(
                RoleArn=role, RoleSessionName="nephoscope-check", WebIdentityToken=token.reveal(), DurationSeconds=900
            )
        except VENDOR_ERRORS as error:
            raise _explained(error, role, region, claims_of(token)) from error

    return admit


_CONFIG = BotoConfig(
    signature_version=UNSIGNED,  # the token is all that the caller has
    connect_timeout=2.0,
    read_timeout=5.0,
    retries={"mode": "standard", "total_max_attempts": 2},
)


def claims_of(token: Secret) -> Mapping[str, Any]:
    """What a token says, believed by nobody: for messages and for its expiry. Empty when it is no token."""
    try:
        body = token.reveal().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _explained(error: Exception, role: str, region: str, claims: Mapping[str, Any]) -> ReadError:
    scope = Scope(Cloud.AWS, account_of(role), region)
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    if code not in _EXPLAINED:
        return read_error(error, scope, ENTER)
    message = str(error.response["Error"].get("Message", "")) if isinstance(error, ClientError) else ""
    return gap_error(scope, ENTER, Reason.DENIED, f"{code}: {_EXPLAINED[code](message, role, claims)}")


def account_of(role: str) -> str:
    """The account's number out of a role's ARN; empty for what is none."""
    parts = role.split(":")
    return parts[4] if len(parts) > 5 else ""


def _not_trusted(_message: str, role: str, claims: Mapping[str, Any]) -> str:
    return f"{role} does not trust this token, which says {_pinned(claims)}; one differs from the role's trust policy"


def _invalid(message: str, _role: str, claims: Mapping[str, Any]) -> str:
    """STS tells its reasons apart by the text alone."""
    low = message.lower()
    if "audience" in low:
        what = f"aud={claims.get('aud')!s} is no audience of the IAM OIDC provider for {claims.get('iss')!s}"
    elif "provider found" in low:
        what = f"no IAM OIDC provider for iss={claims.get('iss')!s} (a trailing slash counts)"
    elif "claim" in low:
        what = f"{message.rpartition(':')[2].strip()} is not among its claims"
    else:
        what = f"its signature is not of iss={claims.get('iss')!s}: {message}"
    return what


def _expired(_message: str, _role: str, claims: Mapping[str, Any]) -> str:
    return f"exp={claims.get('exp')!s} has passed; is this machine's clock right?"


_EXPLAINED: Mapping[str, Callable[[str, str, Mapping[str, Any]], str]] = {
    "AccessDenied": _not_trusted,
    "InvalidIdentityToken": _invalid,
    "IDPRejectedClaim": _invalid,
    "ExpiredTokenException": _expired,
    "ExpiredToken": _expired,
}


def _pinned(claims: Mapping[str, Any]) -> str:
    """The condition keys as AWS fills them from the token.

    Source: IAM user guide, "Available keys for AWS OIDC federation": Google's aud is the token's azp, oaud its aud.
    """
    issuer = str(claims.get("iss", ""))
    prefix = issuer.removeprefix("https://")
    keys = {"aud": claims.get("aud"), "sub": claims.get("sub")}
    if issuer == GOOGLE:
        keys = {"aud": claims.get("azp", claims.get("aud")), "oaud": claims.get("aud"), "sub": claims.get("sub")}
    return ", ".join(f"{prefix}:{name}={value!s}" for name, value in keys.items())
