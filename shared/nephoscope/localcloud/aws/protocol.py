"""From the wire to a call, and from an answer back to the wire, in the protocols that SDKs speak today.

botocore sends CloudWatch as JSON with an X-Amz-Target header and asks for the query protocol's error codes beside it
(x-amzn-query-mode); EC2, STS and SNS send forms and read XML; S3, Lambda and Scheduler are paths, found in
botocore's own service models.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote
from xml.sax.saxutils import escape

from nephoscope.localcloud.aws.call import Answer, AwsError, Call, Caller, Protocol, Request
from nephoscope.localcloud.aws.paths import find_operation

# The name in a signature's scope -> IAM's prefix, where they differ.
_PREFIX = {"monitoring": "cloudwatch", "tagging": "tag"}
_FORMS = frozenset({"ec2", "sts", "sns", "iam", "cloudformation", "cloudwatch", "sqs"})
_PATHS = frozenset({"s3", "lambda", "scheduler"})
_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_NAMESPACES = {
    "cloudwatch": "http://monitoring.amazonaws.com/doc/2010-08-01/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}


def parse_signature(request: Request) -> tuple[str, str, str] | None:
    """(access key, region, IAM's service prefix) from the header or a presigned query; None when nothing is signed."""
    found = _CREDENTIAL.search(request.headers.get("authorization", ""))
    if not found and "X-Amz-Credential" in request.query:
        found = _CREDENTIAL.match("Credential=" + parse_qs(request.query)["X-Amz-Credential"][0])
    if not found:
        return None
    key, region, service = found.groups()
    return key, region, _PREFIX.get(service, service)


def parse_unsigned(request: Request) -> tuple[str, str, str] | None:
    """The same for the one call of ours that nobody signs: its token is all that the caller has."""
    if b"Action=AssumeRoleWithWebIdentity" not in request.body:
        return None
    return "anonymous", "", "sts"


def parse_call(request: Request, service: str, caller: Caller) -> Call:
    """The call in a signed request. An operation that we cannot name is `Unknown`, and is passed on all the same."""
    target = request.headers.get("x-amz-target", "")
    if target:
        return Call(service, target.rpartition(".")[2], _json_params(request), caller, Protocol.JSON, request)
    if service in _FORMS and (form := _form(request)).get("Action"):
        protocol = Protocol.EC2 if service == "ec2" else Protocol.QUERY
        return Call(service, form["Action"], nest(form), caller, protocol, request)
    if service in _PATHS:
        protocol = Protocol.REST_XML if service == "s3" else Protocol.REST_JSON
        operation, params = find_operation(service, request.method, unquote(request.path), request.query)
        return Call(service, operation, params, caller, protocol, request)
    return Call(service, "Unknown", {}, caller, Protocol.NONE, request)


def _json_params(request: Request) -> Mapping[str, Any]:
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    params = json.loads(body or b"{}", parse_constant=float)
    return params if isinstance(params, dict) else {}


def _form(request: Request) -> dict[str, str]:
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return dict(parse_qsl(request.query, keep_blank_values=True) + parse_qsl(body.decode(), keep_blank_values=True))


def nest(form: Mapping[str, str]) -> dict[str, Any]:
    """`Filter.1.Value.2=x` -> {"Filter": [{"Value": ["x"]}]}; the word `member` between a name and a number is the
    query protocol's and is left out."""
    tree: dict[str, Any] = {}
    for name, value in form.items():
        place = tree
        *parents, last = [part for part in name.split(".") if part != "member"]
        for part in parents:
            place = place.setdefault(part, {})
        place[last] = value
    nested = _lists(tree)
    return nested if isinstance(nested, dict) else {}


def _lists(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if tree and all(key.isdigit() for key in tree):
        return [_lists(tree[key]) for key in sorted(tree, key=int)]
    return {key: _lists(value) for key, value in tree.items()}


def render_answer(call: Call, result: Mapping[str, Any]) -> Answer:
    """A result by its members' names. Times are aware datetimes."""
    if call.protocol is Protocol.JSON:
        return _json(200, result, call.request)
    tag = call.operation
    inner = f"<{tag}Result>{_xml(result)}</{tag}Result>" if result else ""
    metadata = f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
    body = f'<{tag}Response xmlns="{_NAMESPACES.get(call.service, "")}">{inner}{metadata}</{tag}Response>'
    return xml_answer(body)


def xml_answer(body: str, status: int = 200) -> Answer:
    return Answer(status, {"Content-Type": "text/xml;charset=UTF-8"}, body.encode())


def render_error(call: Call, error: AwsError) -> Answer:
    """The error as the call's protocol says it."""
    if call.protocol in (Protocol.JSON, Protocol.REST_JSON):
        return _json_error(error, call.request)
    code, message, request_id = escape(error.code), escape(error.message), uuid.uuid4()
    detail = f"<Code>{code}</Code><Message>{message}</Message>"
    if call.protocol is Protocol.EC2:
        return xml_answer(
            f"<Response><Errors><Error>{detail}</Error></Errors><RequestID>{request_id}</RequestID></Response>",
            error.status,
        )
    if call.protocol is Protocol.REST_XML:
        return xml_answer(f"<Error>{detail}<RequestId>{request_id}</RequestId></Error>", error.status)
    return xml_answer(
        f"<ErrorResponse><Error><Type>Sender</Type>{detail}</Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        error.status,
    )


def _json_error(error: AwsError, request: Request) -> Answer:
    answer = _json(error.status, {"__type": error.kind, "message": error.message, **error.extra}, request)
    if error.kind == error.code:
        return answer
    fault = "Sender" if error.status < 500 else "Receiver"
    return Answer(answer.status, {**answer.headers, "x-amzn-query-error": f"{error.code};{fault}"}, answer.body)


def _json(status: int, result: Mapping[str, Any], request: Request) -> Answer:
    kind = request.headers.get("content-type", "application/x-amz-json-1.0")
    headers = {"Content-Type": kind, "x-amzn-RequestId": str(uuid.uuid4())}
    return Answer(status, headers, json.dumps(result, separators=(",", ":"), default=_seconds).encode())


def _seconds(value: Any) -> float:
    if isinstance(value, datetime):
        seconds = value.timestamp()
        return int(seconds) if seconds == int(seconds) else seconds
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(member)}</{name}>" for name, member in value.items() if member is not None)
    if isinstance(value, list | tuple):
        return "".join(f"<member>{_xml(member)}</member>" for member in value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return escape(str(value).lower() if isinstance(value, bool) else str(value))


def parse_time(value: Any) -> float:
    """Epoch seconds from what a client sends: a number, digits, or ISO 8601. Raises AwsError."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        try:
            seconds = datetime.fromisoformat(str(value)).timestamp()
        except ValueError as error:
            raise AwsError("ValidationError", f"timestamp {value!r} must follow ISO8601") from error
    if not math.isfinite(seconds):
        raise AwsError("ValidationError", f"timestamp {value!r} is no time")
    return seconds
