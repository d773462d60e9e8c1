"""Microsoft Entra ID's token endpoint, as far as workloads of other clouds use it: a token of theirs as the assertion
of an app registration (or user-assigned identity) that has a federated credential for it.

The order of the checks is ours; which one answers first where two claims are wrong is not documented. A federated
credential fits where issuer, subject and audience are the same to the letter.
Sources: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow (the third case: a
federated credential; the answer), https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust,
https://learn.microsoft.com/entra/identity-platform/reference-error-codes. The texts of 700211, 700213, 7002121, 7002138
and 700024 are those that users report; the others are from memory.
"""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from nephoscope.localcloud.aws.call import Answer, Request
from nephoscope.localcloud.aws.faults import Failing
from nephoscope.localcloud.aws.ledger import Entry, Ledger
from nephoscope.localcloud.azure.call import AUDIENCES, Call, Plane, json_answer
from nephoscope.localcloud.azure.faults import Faults
from nephoscope.localcloud.azure.identity import Identity
from nephoscope.localcloud.azure.tokens import Issuer

PATH = re.compile(r"/([^/]+)/oauth2/v2\.0/token")
ACTION = "entra.token"
EXCHANGE = "api://AzureADTokenExchange"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_CHECK = (
    " Check your federated identity credential Subject, Audience and Issuer against the presented assertion. "
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)
_SKEW = 300


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """What `az ad app federated-credential create` is told."""

    issuer: str
    subject: str
    audience: str = EXCHANGE


class RefusedError(Exception):
    """error: of RFC 6749 section 5.2. number: of AADSTS."""

    def __init__(self, error: str, number: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error = error
        self.number = number
        self.status = status


class Entra:
    """One tenant with one application, whose service principal is `identity`. lifetime: of its tokens, seconds."""

    def __init__(self, issuer: Issuer, identity: Identity, ledger: Ledger, faults: Faults) -> None:
        self._issuer = issuer
        self._identity = identity
        self._ledger = ledger
        self._faults = faults
        self.clear()

    def clear(self) -> None:
        self.lifetime = 3599
        self._keys: dict[str, Mapping[str, RSAPublicNumbers]] = {}
        self._credentials: list[FederatedCredential] = []

    def trust(self, credential: FederatedCredential, jwks: Mapping[str, Any]) -> None:
        """jwks: what the issuer publishes; Entra takes its RSA keys."""
        keys = {key["kid"]: key for key in jwks["keys"] if key["kty"] == "RSA"}
        self._keys[credential.issuer] = {
            kid: RSAPublicNumbers(_number(key["e"]), _number(key["n"])) for kid, key in keys.items()
        }
        self._credentials.append(credential)

    def answer(self, request: Request, tenant: str) -> Answer:
        """Never raises."""
        page = self._ledger.page
        try:
            answer = self._failing(request) or self._granted(tenant, dict(parse_qsl(request.body.decode())))
        except RefusedError as refused:
            answer = _render(refused)
        entry = Entry(
            at=time.time(),
            action=ACTION,
            resource=tenant,
            account="",
            region="",
            principal=self._identity.object_id if answer.status == 200 else "",
            units=0,
            allowed=answer.status == 200,
            status=answer.status,
        )
        self._ledger.record(entry, page)
        return answer

    def _failing(self, request: Request) -> Answer | None:
        call = Call(Plane.MANAGEMENT, ACTION, "", "", {}, {}, "", request)
        for fault in self._faults.hit(call, time.time()):
            if fault.failing is Failing.SLOW:
                time.sleep(fault.seconds)
            elif fault.failing is Failing.UNAVAILABLE:
                return Answer(503, {"Content-Type": "text/html"}, b"Service Unavailable")
        return None

    def _granted(self, tenant: str, asked: Mapping[str, str]) -> Answer:
        if tenant.lower() != self._issuer.tenant:
            text = (
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into"
            )
            raise RefusedError("invalid_request", 90002, f"{text} the correct cloud.")
        if asked.get("grant_type") != "client_credentials":
            text = "The app requested an unsupported grant type."
            raise RefusedError("unsupported_grant_type", 70003, text)
        client, resource = asked.get("client_id", ""), asked.get("scope", "").removesuffix("/.default")
        if client.lower() != self._identity.client_id:
            text = f"Application with identifier '{client}' was not found in the directory '{tenant}'."
            raise RefusedError("unauthorized_client", 700016, text)
        if asked.get("client_assertion_type") != _ASSERTION:
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise RefusedError("invalid_client", 7000218, text, 401)
        self._check(asked.get("client_assertion", ""))
        if not any(resource.rstrip("/") in audiences for audiences in AUDIENCES.values()):
            text = f"The resource principal named {resource} was not found in the tenant named {tenant}."
            raise RefusedError("invalid_resource", 500011, text)
        token = self._issuer.issue(resource, self._identity.object_id, self._identity.client_id, lifetime=self.lifetime)
        kind = {"token_type": "Bearer", "expires_in": self.lifetime, "ext_expires_in": self.lifetime}
        return json_answer({**kind, "access_token": token})

    def _check(self, assertion: str) -> None:
        """Raises RefusedError unless a federated credential fits."""
        header, claims, signed, signature = _parse(assertion)
        issuer, now = str(claims.get("iss")), time.time()
        if issuer not in self._keys:
            raise _unmatched(700211, "issuer", issuer)
        _verify(self._keys[issuer].get(str(header.get("kid"))), header, signed, signature)
        if not claims.get("iat", 0) - _SKEW <= now < claims.get("exp", 0) + _SKEW:
            text = "Client assertion is not within its valid time range."
            raise RefusedError("invalid_client", 700024, text, 401)
        ours = [credential for credential in self._credentials if credential.issuer == issuer]
        if claims.get("aud") not in {credential.audience for credential in ours}:
            raise _unmatched(7002121, "audience", str(claims.get("aud")))
        subject, subjects = str(claims.get("sub")), {credential.subject for credential in ours}
        if subject in subjects:
            return
        if subject.lower() in map(str.lower, subjects):
            text = " The subject matches with case-insensitive comparison, but not with case-sensitive comparison."
            raise _unmatched(7002138, "subject", subject, text)
        raise _unmatched(700213, "subject", subject)


def _unmatched(number: int, claim: str, value: str, more: str = "") -> RefusedError:
    text = f"No matching federated identity record found for presented assertion {claim} '{value}'.{more}{_CHECK}"
    return RefusedError("invalid_client", number, text, 401)


def _verify(key: RSAPublicNumbers | None, header: Mapping[str, Any], signed: bytes, signature: bytes) -> None:
    text = "Client assertion contains an invalid signature."
    if key is None or header.get("alg") != "RS256":
        raise RefusedError("invalid_client", 700027, f"{text} [Reason - The key was not found.]", 401)
    try:
        key.public_key().verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise RefusedError("invalid_client", 700027, f"{text} [Reason - The key was used.]", 401) from error


def _parse(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any], bytes, bytes]:
    """(header, claims, what was signed, signature)."""
    try:
        head, body, signature = assertion.split(".")
        header, claims = json.loads(_decode(head)), json.loads(_decode(body))
        return dict(header), dict(claims), f"{head}.{body}".encode(), _decode(signature)
    except (ValueError, TypeError) as error:
        text = "JWT token is invalid or malformed."
        raise RefusedError("invalid_request", 50027, text) from error


def _render(refused: RefusedError) -> Answer:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    at = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    ids = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}"
    said = {
        "error": refused.error,
        "error_description": f"AADSTS{refused.number}: {refused} {ids}",
        "error_codes": [refused.number],
        "timestamp": at,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={refused.number}",
    }
    return json_answer(said, refused.status)


def _number(text: str) -> int:
    return int.from_bytes(_decode(text), "big")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
