"""`${ssm:/path}` and `${secretsmanager:name}` (or `name#key` for one key of a JSON secret), by powertools Parameters;
`${own-cloud:name}` is a name in Secrets Manager here.

A name may be an ARN; then its region is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol

import boto3
from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.config import Config as BotoConfig
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from nephoscope.clouds.aws.quiet import keep_answers_out_of_the_log
from nephoscope.clouds.secrets import OWN, KeptSecrets, Refusal
from nephoscope.model.errors import Reason
from nephoscope.ports import Clock

REASONS: Mapping[str, Reason] = {
    "ParameterNotFound": Reason.SECRET_MISSING,
    "ParameterVersionNotFound": Reason.SECRET_MISSING,
    "ResourceNotFoundException": Reason.SECRET_MISSING,
    "InvalidRequestException": Reason.SECRET_MISSING,  # Secrets Manager: marked for deletion
    "InvalidParameterException": Reason.MALFORMED,
    "ValidationException": Reason.MALFORMED,
    "AccessDeniedException": Reason.DENIED,
    "AccessDenied": Reason.DENIED,
    "DecryptionFailure": Reason.DENIED,
    "InvalidKeyId": Reason.DENIED,
    "UnrecognizedClientException": Reason.DENIED,
    "ExpiredTokenException": Reason.DENIED,
    "InvalidSignatureException": Reason.DENIED,
    "ThrottlingException": Reason.THROTTLED,
    "TooManyRequestsException": Reason.THROTTLED,
    "InternalServiceError": Reason.UNAVAILABLE,
    "InternalServerError": Reason.UNAVAILABLE,
    "ServiceUnavailable": Reason.UNAVAILABLE,
}
"""Errors of ssm:GetParameter and secretsmanager:GetSecretValue (botocore's service models)."""


class Deployed(Protocol):
    """What is needed of the deployment's settings: the region of names that are no ARN; empty = the SDK's own."""

    @property
    def home_region(self) -> str: ...


def open_secrets(settings: Deployed, clock: Clock) -> KeptSecrets:
    """For a process's life. No call is made yet."""
    keep_answers_out_of_the_log()
    return KeptSecrets(AwsKeeper(settings.home_region).ask, clock.monotonic)


class AwsKeeper:
    """Parameter Store and Secrets Manager. Safe to use from several threads."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._providers: dict[tuple[str, str], SSMProvider | SecretsProvider] = {}
        self._lock = threading.Lock()

    def ask(self, kind: str, name: str) -> str | bytes | Refusal:
        """The whole secret. The SDK itself tries twice, and what it keeps is not used."""
        kind = "secretsmanager" if kind == OWN else kind
        if kind not in ("ssm", "secretsmanager"):
            return Refusal(Reason.SECRET_MISSING, "not a reference to a secret of AWS")
        provider = self._provider(kind, name.split(":")[3] if name.startswith("arn:") else self._region)
        try:
            value = _get(provider, name)
        except GetParameterError as error:
            return Refusal(_reason(error.__context__))
        return value if isinstance(value, bytes) else str(value)

    def _provider(self, kind: str, region: str) -> SSMProvider | SecretsProvider:
        with self._lock:
            if (kind, region) not in self._providers:
                config = BotoConfig(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2})
                session = boto3.Session(region_name=region or None)
                self._providers[kind, region] = (
                    SSMProvider(boto3_session=session, boto_config=config)
                    if kind == "ssm"
                    else SecretsProvider(boto3_session=session, boto_config=config)
                )
            return self._providers[kind, region]


def _get(provider: SSMProvider | SecretsProvider, name: str) -> object:
    if isinstance(provider, SSMProvider):
        return provider.get(name, force_fetch=True, decrypt=True)
    return provider.get(name, force_fetch=True)


def _reason(cause: BaseException | None) -> Reason:
    if isinstance(cause, ConnectTimeoutError | ReadTimeoutError):
        return Reason.TIMEOUT
    if not isinstance(cause, ClientError):
        return Reason.UNAVAILABLE
    return REASONS.get(cause.response.get("Error", {}).get("Code", ""), Reason.UNAVAILABLE)
