"""Signature Version 4, checked as AWS checks it: is the request what the holder of the key has signed, and lately?

Only what STS answers is checked: there a signature is what somebody else (Google's token service) takes for proof. The
canonical request is botocore's own making, over the headers that the request says were signed.
Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html (the signed header names, 15 minutes),
https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

import hmac
import re
import time
from datetime import UTC, datetime
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from nephoscope.localcloud.aws.call import AwsError, Request

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_OLDEST = 900.0
_NEEDED = frozenset({"host", "x-amz-date"})


def check_signature(request: Request, secret: str, now: float | None = None) -> None:
    """Raises AwsError. secret: of the key that the request names. now: the clock on the wall."""
    found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise AwsError("IncompleteSignature", "Authorization header is not of the form that SigV4 has.", 400)
    signed = found["headers"].split(";")
    if missing := sorted(_NEEDED.difference(signed)):
        raise _mismatch(f"'{missing[0]}' must be a 'SignedHeader' in the AWS Authorization.")
    _check_time(request.headers.get("x-amz-date", ""), time.time() if now is None else now)
    if not hmac.compare_digest(_signature(request, found["key"], secret, signed, found), found["signature"]):
        raise _mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )


def _signature(request: Request, key: str, secret: str, signed: list[str], found: re.Match[str]) -> str:
    url = f"https://{request.headers.get('host', '')}{request.path}" + (f"?{request.query}" if request.query else "")
    headers = {name: request.headers.get(name, "") for name in signed}
    again: Any = AWSRequest(request.method, url, headers, request.body)
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer: Any = SigV4Auth(Credentials(key, secret), found["service"], found["region"])
    signature: str = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    return signature


def _check_time(said: str, now: float) -> None:
    try:
        at = datetime.strptime(said, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise AwsError("IncompleteSignature", f"Date in X-Amz-Date is no date: {said}", 400) from error
    if abs(now - at) > _OLDEST:
        raise _mismatch(
            f"Signature expired: {said} is now earlier than {_spoken(now - _OLDEST)} ({_spoken(now)} - 15 min.)"
        )


def _spoken(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")


def _mismatch(message: str) -> AwsError:
    return AwsError("SignatureDoesNotMatch", message, 403)
