"""Which permissions a call needs, in IAM's words. What no row names needs `service:Operation` on `*`.

Source: the Service Authorization Reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nephoscope.localcloud.aws.call import Call, Need

_Context = Mapping[str, tuple[str, ...]]


def needs_of(call: Call) -> tuple[Need, ...]:
    """Never empty, except for calls that no identity policy guards (who am I; a role's own trust)."""
    if call.action in _UNGUARDED:
        return ()
    if call.service == "dynamodb":
        return tuple(_dynamodb(call))
    make = _RESOURCES.get(call.action) or _RESOURCES.get(f"{call.service}:*")
    return (Need(_ACTIONS.get(call.action, call.action), make(call) if make else "*", _context(call)),)


_UNGUARDED = frozenset({"sts:GetCallerIdentity", "sts:AssumeRoleWithWebIdentity"})

# The API's word and the action's word differ.
_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sns:PublishBatch": "sns:Publish",
}


def _context(call: Call) -> _Context:
    if call.action == "cloudwatch:PutMetricData":
        return {"cloudwatch:namespace": (str(call.params.get("Namespace", "")),)}
    if call.action == "sts:AssumeRole" and "ExternalId" in call.params:
        return {"sts:ExternalId": (call.params["ExternalId"],)}
    if call.action == "sts:GetWebIdentityToken":
        return {
            "sts:IdentityTokenAudience": tuple(call.params.get("Audience") or ()),
            "sts:SigningAlgorithm": (str(call.params.get("SigningAlgorithm", "")),),
            "sts:DurationSeconds": (str(call.params.get("DurationSeconds", 300)),),
        }
    return {}


def _arn(call: Call, service: str, rest: str) -> str:
    return f"arn:aws:{service}:{call.region}:{call.account}:{rest}"


def _given_or(call: Call, given: Any, service: str, prefix: str = "") -> str:
    text = str(given or "")
    return text if text.startswith("arn:") else _arn(call, service, prefix + text)


def _dashboard(call: Call) -> str:
    names = call.params.get("DashboardNames") or [call.params.get("DashboardName", "")]
    return f"arn:aws:cloudwatch::{call.account}:dashboard/{names[0]}"


def _queue(call: Call) -> str:
    url = str(call.params.get("QueueUrl", ""))
    return _arn(call, "sqs", url.rpartition("/")[2] or str(call.params.get("QueueName", "*")))


def _secret(call: Call) -> str:
    """A secret's ARN ends in six characters that only AWS knows; policies end in `-??????` or `*`."""
    given = str(call.params.get("SecretId", ""))
    return given if given.startswith("arn:") else _arn(call, "secretsmanager", f"secret:{given}-AbCdEf")


_RESOURCES: Mapping[str, Callable[[Call], str]] = {
    "cloudwatch:GetDashboard": _dashboard,
    "cloudwatch:PutDashboard": _dashboard,
    "cloudwatch:DeleteDashboards": _dashboard,
    "sns:*": lambda call: str(call.params.get("TopicArn") or call.params.get("TargetArn") or "*"),
    "sqs:*": _queue,
    "ssm:GetParameter": lambda call: _given_or(
        call, str(call.params.get("Name", "")).removeprefix("/"), "ssm", "parameter/"
    ),
    "secretsmanager:GetSecretValue": _secret,
    "sts:AssumeRole": lambda call: str(call.params.get("RoleArn", "*")),
    "lambda:Invoke": lambda call: _given_or(call, call.params.get("FunctionName"), "lambda", "function:"),
    "s3:ListBuckets": lambda _: "*",
    "s3:*": lambda call: (
        "arn:aws:s3:::" + "/".join(str(call.params[key]) for key in ("Bucket", "Key") if key in call.params)
    ),
}


# --- DynamoDB: a transaction needs the permission of each of its parts --------------------------------------------

_PARTS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Get": "dynamodb:GetItem",
}


def _dynamodb(call: Call) -> Iterator[Need]:
    parts = call.params.get("TransactItems")
    if parts is None:
        yield _item_need(call, call.action, call.params)
        return
    for part in parts:
        for kind, body in part.items():
            yield _item_need(call, _PARTS[kind], body)


def _item_need(call: Call, action: str, body: Mapping[str, Any]) -> Need:
    table = _given_or(call, body.get("TableName", "*"), "dynamodb", "table/")
    if "IndexName" in body:
        table += f"/index/{body['IndexName']}"
    keys = _leading_keys(body)
    return Need(action, table, {"dynamodb:LeadingKeys": keys} if keys else {})


def _leading_keys(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The partition keys that are touched, where they are plain to see: our tables call theirs `pk`."""
    item = body.get("Key") or body.get("Item") or {}
    if "pk" in item:
        return tuple(str(value) for value in item["pk"].values())
    return tuple(_queried_keys(body))


def _queried_keys(body: Mapping[str, Any]) -> Iterator[str]:
    """From `#p = :p AND begins_with(...)`: the value beside the name that stands for pk."""
    names = {alias for alias, name in body.get("ExpressionAttributeNames", {}).items() if name == "pk"} | {"pk"}
    words = str(body.get("KeyConditionExpression", "")).replace("=", " = ").replace("(", " ").replace(")", " ").split()
    for left, sign, right in zip(words, words[1:], words[2:], strict=False):
        if left in names and sign == "=":
            yield from (str(value) for value in body["ExpressionAttributeValues"][right].values())
