"""Who we are to others: a token of the function's own role, signed by AWS, for an audience of our choice.

No key is kept anywhere; the account must have outbound identity federation switched on. STS answers in regions only.
Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

import boto3
from botocore.config import Config as BotoConfig

from nephoscope.clouds.aws.errors import VENDOR_ERRORS, read_error
from nephoscope.clouds.gaps import gap_error
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret

OPERATION = "sts:GetWebIdentityToken"
ALGORITHM = "RS256"
"""Of AWS's two the one that Entra is said to take."""
LIFETIME = 300
"""Seconds. It is handed on at once, and never kept."""

_DISABLED = "OutboundWebIdentityFederationDisabled"
_SWITCH_ON = "outbound identity federation is off in this account: aws iam enable-outbound-web-identity-federation"
_CONFIG = BotoConfig(connect_timeout=2.0, read_timeout=5.0, retries={"mode": "standard", "total_max_attempts": 2})


class Deployed(Protocol):
    """What is needed of the deployment's settings: where the function runs, in which account (empty = not known)."""

    @property
    def home_region(self) -> str: ...
    @property
    def account(self) -> str: ...


def open_identity(settings: Deployed) -> AwsIdentity:
    """An identity for a process's life. No call is made yet."""
    return AwsIdentity(settings.account, settings.home_region)


class AwsIdentity:
    """ports.IdentityReader. Safe to use from several threads."""

    def __init__(self, account: str, region: str) -> None:
        self._scope = Scope(Cloud.AWS, account, region)
        self._client: Any = None
        self._lock = threading.Lock()

    def read_token(self, audience: str) -> Secret:
        """A signed token (OIDC) whose `aud` is this audience and whose `sub` is the role's ARN, good for five minutes.
        Raises ReadError."""
        try:
            answer = self._sts().get_web_identity_token(
                Audience=[audience], SigningAlgorithm=ALGORITHM, DurationSeconds=LIFETIME
            )
            return Secret(answer["WebIdentityToken"])
        except VENDOR_ERRORS as error:
            raise self._explained(read_error(error, self._scope, OPERATION)) from error
        except AttributeError as error:
            said = f"boto3 {boto3.__version__} of this runtime does not know it yet; it came in November 2025"
            raise gap_error(self._scope, OPERATION, Reason.REJECTED, said) from error
        except KeyError as error:
            raise gap_error(self._scope, OPERATION, Reason.MALFORMED, "the answer holds no token") from error

    def _explained(self, error: ReadError) -> ReadError:
        if _DISABLED not in error.detail:
            return error
        return gap_error(self._scope, OPERATION, Reason.DENIED, _SWITCH_ON)

    def _sts(self) -> Any:
        """botocore's clients may be used from many threads at once, but not be made so."""
        with self._lock:
            if self._client is None:
                region = self._scope.region or None
                self._client = boto3.Session().client("sts", region_name=region, config=_CONFIG)
            return self._client
