"""Workload identity federation for AWS: the token exchange, and the service account that is impersonated with its
token.

A pool's provider trusts one AWS account. What is exchanged is a request to AWS that its sender has signed and not sent:
it is sent from here, to the local AWS, which checks the signature and says whose it is. Then the provider's attribute
condition is held against that, and IAM's binding against the pool's principal.

Sources: RFC 8693 (the exchange and its errors),
https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token (the request, the subject token's form),
https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds (AWS's attributes, mappings,
principalSet), and generateAccessToken below
https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts.
The texts of invalid_target, unauthorized_client and of the refused impersonation are those that users report; those of
invalid_grant are from memory.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from xml.etree import ElementTree

from nephoscope.localcloud.gcp.call import Answer, GoogleError, Info, Status, invalid, json_answer
from nephoscope.localcloud.gcp.tokens import Tokens

TOKEN_PATH = "/v1/token"  # noqa: S105 - a path
GENERATE = re.compile(r"/v1/projects/-/serviceAccounts/([^/:]+):generateAccessToken")
IMPERSONATE = "iam.serviceAccounts.getAccessToken"

_AUDIENCE = "//iam.googleapis.com/"
_STS = re.compile(r"sts(\.[a-z0-9-]+)?\.amazonaws\.com")
_ROLE = re.compile(r"arn:aws:sts::\d{12}:assumed-role/([^/]+)/.+")
_WANTED = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
}
_WHO_AM_I = {"Action": ["GetCallerIdentity"], "Version": ["2011-06-15"]}
_LONGEST = 3600


@dataclass(frozen=True, slots=True)
class Provider:
    """name: `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/NAME`. account: AWS's. roles: names,
    those of the attribute condition `attribute.aws_role in [...]`, where the mapping is
    `attribute.aws_role=assertion.arn.extract('assumed-role/{role}/')`; None: no condition."""

    name: str
    account: str
    roles: frozenset[str] | None = None
    disabled: bool = False

    @property
    def pool(self) -> str:
        return self.name.partition("/providers/")[0]


class RefusedError(Exception):
    """code: of RFC 6749 section 5.2 or RFC 8693 section 2.2.2."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


@dataclass(slots=True)
class Federation:
    """providers, by name. members: by service account, who may impersonate it (`principalSet://...`). aws: the address
    of the AWS that answers for sts.REGION.amazonaws.com."""

    tokens: Tokens
    aws: str = ""
    providers: dict[str, Provider] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)

    def clear(self) -> None:
        self.aws = ""
        self.providers.clear()
        self.members.clear()

    def trust(self, provider: Provider, service_account: str) -> None:
        """As the commands in infra/gcp/README.md do: a provider, and roles/iam.workloadIdentityUser for its roles."""
        self.providers[provider.name] = provider
        members = {role_members(provider.pool, role) for role in provider.roles or ()}
        self.members.setdefault(service_account, set()).update(members or {f"{_set(provider.pool)}/*"})

    def exchange(self, body: bytes) -> Answer:
        """An access token of the pool, or why not. Never raises."""
        try:
            provider, arn = self._known(dict(parse_qsl(body.decode(errors="replace"))))
        except RefusedError as refused:
            said = {"error": refused.code, "error_description": str(refused)}
            return Answer(400, {"Content-Type": "application/json"}, json.dumps(said).encode())
        granted = self.tokens.federate((*_principals(provider.pool, arn),))
        kind = {"issued_token_type": _WANTED["requested_token_type"], "token_type": "Bearer"}
        return json_answer({"access_token": granted.token, "expires_in": self.tokens.seconds, **kind})

    def generate(self, account: str, bearer: str, body: bytes) -> Mapping[str, Any]:
        """An access token of the service account. Raises GoogleError."""
        principals = self.tokens.principals(bearer, "iamcredentials.googleapis.com")
        if not self.members.get(account, set()).intersection(principals):
            text = f"Permission '{IMPERSONATE}' denied on resource (or it may not exist)."
            info = Info("IAM_PERMISSION_DENIED", {"permission": IMPERSONATE})
            raise GoogleError(Status.PERMISSION_DENIED, text, info)
        scopes, seconds = _wanted(body)
        granted = self.tokens.impersonate(account, scopes, seconds)
        ends = datetime.fromtimestamp(granted.ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"accessToken": granted.token, "expireTime": ends}

    def _known(self, asked: Mapping[str, str]) -> tuple[Provider, str]:
        """The provider that was asked, and the ARN of who asks. Raises RefusedError."""
        for name, value in _WANTED.items():
            if asked.get(name) != value:
                raise RefusedError("invalid_request", f'Invalid value for "{name}".')
        provider = self.providers.get(asked.get("audience", "").removeprefix("https:").removeprefix(_AUDIENCE))
        if provider is None or provider.disabled:
            text = (
                'The target service indicated by the "audience" parameters is invalid. This might either be because '
                "the pool or provider is disabled or deleted or because it doesn't exist."
            )
            raise RefusedError("invalid_target", text)
        account, arn = self._ask_aws(_parse(asked.get("subject_token", ""), asked["audience"]))
        if account != provider.account:
            raise RefusedError("invalid_grant", f"The AWS account {account} is not the one of the provider.")
        if provider.roles is not None and role_of(arn) not in provider.roles:
            raise RefusedError("unauthorized_client", "The given credential is rejected by the attribute condition.")
        return provider, arn

    def _ask_aws(self, signed: _Signed) -> tuple[str, str]:
        """(account, ARN), as AWS says it. Raises RefusedError."""
        connection = http.client.HTTPConnection(urlsplit(self.aws).netloc, timeout=5)
        try:
            connection.request("POST", signed.target, headers=dict(signed.headers))
            answer = connection.getresponse()
            tree = ElementTree.fromstring(answer.read())  # noqa: S314 - the local AWS's own
        except (OSError, http.client.HTTPException, ElementTree.ParseError) as error:
            raise RefusedError("invalid_grant", "AWS cannot be reached.") from error
        finally:
            connection.close()
        said = {element.tag.rpartition("}")[2]: element.text or "" for element in tree.iter()}
        if answer.status != http.client.OK:
            text = f"Received invalid AWS response of type {said.get('Code')} with message: {said.get('Message')}"
            raise RefusedError("invalid_grant", text)
        return said["Account"], said["Arn"]


def role_members(pool: str, role: str) -> str:
    """The members of a pool whose mapped attribute aws_role is this."""
    return f"{_set(pool)}/attribute.aws_role/{role}"


def role_of(arn: str) -> str:
    """attribute.aws_role, as the mapping makes it; empty for who is under no role."""
    found = _ROLE.fullmatch(arn)
    return found[1] if found else ""


def _set(pool: str) -> str:
    return f"principalSet://iam.googleapis.com/{pool}"


def _principals(pool: str, arn: str) -> tuple[str, ...]:
    """Every name by which IAM knows the holder."""
    return f"principal://iam.googleapis.com/{pool}/subject/{arn}", role_members(pool, role_of(arn)), f"{_set(pool)}/*"


@dataclass(frozen=True, slots=True)
class _Signed:
    target: str
    headers: Mapping[str, str]


def _parse(subject_token: str, audience: str) -> _Signed:
    """The request that AWS is to be asked. Raises RefusedError for any other than GetCallerIdentity, and for one that
    was made for another provider."""
    try:
        said = json.loads(unquote(subject_token))
        url, headers = urlsplit(said["url"]), {each["key"].lower(): each["value"] for each in said["headers"]}
        asked = {name: values for name, values in parse_qs(url.query).items() if name in ("Action", "Version")}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RefusedError("invalid_grant", f"Invalid format of AWS credentials: {error}") from error
    whole = url.scheme == "https" and _STS.fullmatch(url.netloc) and url.path in ("", "/")
    if (
        not whole
        or said.get("method") != "POST"
        or asked != {"Action": ["GetCallerIdentity"], "Version": ["2011-06-15"]}
    ):
        raise RefusedError("invalid_grant", "Invalid AWS security token service request.")
    if missing := [name for name in ("authorization", "host", "x-amz-date") if not headers.get(name)]:
        raise RefusedError("invalid_grant", f"The AWS request has no header {missing[0]}.")
    if headers["host"] != url.netloc:
        raise RefusedError("invalid_grant", "The AWS request's host is another than its header says.")
    target = headers.pop("x-goog-cloud-target-resource", "")
    if target.removeprefix("https:") != audience.removeprefix("https:"):
        raise RefusedError("invalid_grant", "The x-goog-cloud-target-resource header does not match the audience.")
    return _Signed(f"{url.path or '/'}?{url.query}", headers)


def _wanted(body: bytes) -> tuple[tuple[str, ...], int]:
    """(scopes, seconds). Raises GoogleError."""
    try:
        said = json.loads(body)
        scopes, seconds = tuple(map(str, said["scope"])), int(str(said.get("lifetime", "3600s")).removesuffix("s"))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise invalid("Request contains an invalid argument.") from error
    if not scopes or not 0 < seconds <= _LONGEST:
        raise invalid("Request contains an invalid argument.")
    return scopes, seconds
