"""`${ssm:/path}` and `${secretsmanager:name}` (or `name#key` for one key of a JSON secret), by powertools Parameters.

Kept for five minutes: a changed secret serves soon, and a storm of messages does not become a storm of reads. A name
may be an ARN; then its region is asked.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping

import boto3
from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.config import Config as BotoConfig
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from nephoscope.clouds.aws.quiet import keep_answers_out_of_the_log
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.secret import Secret

KEPT_SECONDS = 300

_REFERENCE = re.compile(r"\$\{(ssm|secretsmanager):([^{}#]+)(?:#([^{}]+))?\}")

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


def open_secrets(region: str = "") -> AwsSecrets:
    """region: of names that are no ARN; empty = the SDK's own. No call is made yet."""
    keep_answers_out_of_the_log()
    return AwsSecrets(region)


class AwsSecrets:
    """ports.SecretReader for the two kinds that AWS keeps. Safe to use from several threads."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._providers: dict[tuple[str, str], SSMProvider | SecretsProvider] = {}
        self._lock = threading.Lock()

    def read_secret(self, reference: str) -> Secret:
        """Raises DeliveryError, whose destination is the reference."""
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise _error(reference, Reason.SECRET_MISSING, "not a reference to a secret of AWS")
        kind, name, key = match.groups()
        with self._lock:
            found = self._read(kind, name)
        if isinstance(found, Reason):  # raised here: the SDK's error is not to be its context
            raise _error(reference, found, "")
        value = _key_of(found, key) if key else found
        if value is None:
            raise _error(reference, Reason.SECRET_MISSING, f"the secret is no JSON object with a text under {key}")
        if not value.strip():
            raise _error(reference, Reason.SECRET_MISSING, "the secret is empty")
        return Secret(value.strip())

    def _read(self, kind: str, name: str) -> str | Reason:
        provider = self._provider(kind, name.split(":")[3] if name.startswith("arn:") else self._region)
        try:
            value = _get(provider, name)
        except GetParameterError as error:
            return _reason(error.__context__)
        try:
            return value.decode() if isinstance(value, bytes) else str(value)
        except UnicodeDecodeError:
            return Reason.MALFORMED

    def _provider(self, kind: str, region: str) -> SSMProvider | SecretsProvider:
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
        return provider.get(name, max_age=KEPT_SECONDS, decrypt=True)
    return provider.get(name, max_age=KEPT_SECONDS)


def _reason(cause: BaseException | None) -> Reason:
    if isinstance(cause, ConnectTimeoutError | ReadTimeoutError):
        return Reason.TIMEOUT
    if not isinstance(cause, ClientError):
        return Reason.UNAVAILABLE
    return REASONS.get(cause.response.get("Error", {}).get("Code", ""), Reason.UNAVAILABLE)


def _key_of(text: str, key: str) -> str | None:
    try:
        held = json.loads(text)
    except ValueError:
        return None
    value = held.get(key) if isinstance(held, dict) else None
    return value if isinstance(value, str) else None


def _error(reference: str, reason: Reason, detail: str) -> DeliveryError:
    return DeliveryError(destination=reference, reason=reason, detail=detail)
