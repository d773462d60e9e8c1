"""The address that every SDK is pointed at. It looks at each call, answers what emulators answer untruly, passes the
rest on to ministack untouched, and writes the ledger.

The order is AWS's: who calls (the signature's key), may they (the policy), does the service stand (faults and the
script of incidents), then the answer.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping

from nephoscope.localcloud.aws import cloudwatch, ec2, storage
from nephoscope.localcloud.aws.backend import Backend, Stream
from nephoscope.localcloud.aws.call import Answer, AwsError, Call, Request
from nephoscope.localcloud.aws.faults import Failing, Fault, Faults
from nephoscope.localcloud.aws.get_metric_data import get_metric_data
from nephoscope.localcloud.aws.ledger import Entry, Ledger
from nephoscope.localcloud.aws.permissions import needs_of
from nephoscope.localcloud.aws.policy import Policies
from nephoscope.localcloud.aws.protocol import parse_call, parse_signature, parse_unsigned, render_error
from nephoscope.localcloud.aws.world import World
from nephoscope.localcloud.incidents import Happening

_Operation = Callable[[World, Call], Answer]
OWN: Mapping[str, _Operation] = {
    "ec2:DescribeInstances": ec2.describe_instances,
    "ec2:DescribeInstanceStatus": ec2.describe_instance_status,
    "ec2:DescribeRegions": ec2.describe_regions,
    "cloudwatch:GetMetricData": get_metric_data,
    "cloudwatch:ListMetrics": cloudwatch.list_metrics,
    "cloudwatch:PutMetricData": cloudwatch.put_metric_data,
    "cloudwatch:PutDashboard": cloudwatch.put_dashboard,
    "cloudwatch:GetDashboard": cloudwatch.get_dashboard,
    "cloudwatch:ListDashboards": cloudwatch.list_dashboards,
    "cloudwatch:DeleteDashboards": cloudwatch.delete_dashboards,
    "s3:ListBuckets": storage.list_buckets,
    "tag:GetResources": storage.get_resources,
    "sts:AssumeRole": lambda world, call: world.sessions.assume_role(call),
    "sts:AssumeRoleWithWebIdentity": lambda world, call: world.sessions.assume_role_with_web_identity(call),
    "sts:GetCallerIdentity": lambda world, call: world.sessions.get_caller_identity(call),
    "sts:GetWebIdentityToken": lambda world, call: world.sessions.get_web_identity_token(call),
}
OF_OUR_BUCKETS: Mapping[str, _Operation] = {
    "s3:GetBucketLocation": storage.get_bucket_location,
    "s3:GetBucketTagging": storage.get_bucket_tagging,
    "s3:HeadBucket": storage.head_bucket,
}
_READS = frozenset(
    {"ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics"}
)
"""What a blind or throttled region refuses."""


_DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_LONG_WORDS = frozenset({"dynamodb", "ssm", "secretsmanager", "tag"})
"""Services whose answers name the exception alone, with no older query protocol's code beside it."""


class CutError(Exception):
    """The connection is to end without an answer."""


class Front:
    """backend: None where nothing is to be passed on; such calls are then answered with 501."""

    def __init__(
        self, world: World, ledger: Ledger, faults: Faults, policies: Policies, backend: Backend | None
    ) -> None:
        self._world = world
        self._ledger = ledger
        self._faults = faults
        self._policies = policies
        self.backend = backend

    def answer(self, request: Request) -> Answer | Stream:
        """Raises CutError where a fault wants the connection cut."""
        signed = parse_signature(request) or parse_unsigned(request)
        if signed is None:
            return self._passed_on(request)
        page = self._ledger.page
        key, region, service = signed
        token = request.headers.get("x-amz-security-token", "")
        call = parse_call(request, service, self._world.sessions.caller(key, region, token))
        allowed = True
        try:
            faults = self._faults.hit(call, self._world.now)
            self._admit(call, faults)
            answer = self._served(call)
        except AwsError as error:
            allowed = error.code not in _DENIALS
            answer = render_error(call, error)
            faults = ()
        self._record(call, answer, allowed, page)
        return _spoilt(answer) if any(fault.failing is Failing.MALFORMED for fault in faults) else answer

    def _record(self, call: Call, answer: Answer | Stream, allowed: bool, page: int) -> None:
        needs = needs_of(call)
        asked = answer.units if isinstance(answer, Answer) else 0
        billed = answer.status < 400 and call.service == "cloudwatch"
        self._ledger.record(
            Entry(
                at=self._world.now,
                action=call.action,
                resource=needs[0].resource if needs else "*",
                account=call.account,
                region=call.region,
                principal=call.caller.principal,
                units=max(asked, 1) if billed else 0,
                allowed=allowed,
                status=answer.status,
                needs=needs,
            ),
            page,
        )

    def _admit(self, call: Call, faults: tuple[Fault, ...]) -> None:
        refused = self._policies.refused(call.caller.principal, needs_of(call))
        if refused:
            raise denied(call, refused.resource)
        for fault in faults:
            _fail(call, fault)
        if call.action not in _READS:
            return
        fleet = self._world.fleet
        if any(fleet.incidents(Happening.REGION_DENIED, call.account, call.region, self._world.now)):
            raise denied(call, "*")
        if call.service == "cloudwatch" and self._world.share_hit(Happening.THROTTLED, call.account, call.region):
            raise throttled(call)

    def _served(self, call: Call) -> Answer | Stream:
        own = OWN.get(call.action)
        if own is None and call.action in OF_OUR_BUCKETS and storage.owned(self._world, call):
            own = OF_OUR_BUCKETS[call.action]
        if own is None:
            return self._passed_on(call.request)
        answer = own(self._world, call)
        if call.action == "cloudwatch:PutMetricData" and self.backend:
            return self._passed_on(call.request)  # ministack's alarms look at what was put, too
        return answer

    def _passed_on(self, request: Request) -> Answer | Stream:
        if self.backend is None:
            return Answer(501, {"Content-Type": "text/plain"}, b"this local AWS was started without ministack")
        try:
            return self.backend.send(request)
        except (OSError, http.client.HTTPException) as error:
            return Answer(502, {"Content-Type": "text/plain"}, f"ministack: {error!r}".encode())


def _fail(call: Call, fault: Fault) -> None:
    match fault.failing:
        case Failing.THROTTLE:
            raise throttled(call)
        case Failing.DENY:
            raise denied(call, "*")
        case Failing.ERROR:
            raise AwsError("InternalFailure", "An internal error has occurred", 500)
        case Failing.UNAVAILABLE:
            raise AwsError("ServiceUnavailable", "The service is unavailable. Please try again shortly.", 503)
        case Failing.SLOW:
            time.sleep(fault.seconds)
        case Failing.CUT:
            raise CutError(call.action)


def denied(call: Call, resource: str) -> AwsError:
    """Each service says it in its own words."""
    if call.service == "ec2":
        return AwsError("UnauthorizedOperation", "You are not authorized to perform this operation.", 403)
    who = call.caller.principal if call.caller.principal.startswith("arn:") else f"arn:aws:iam::{call.account}:root"
    text = (
        f"User: {who} is not authorized to perform: {call.action} on resource: {resource} "
        "because no identity-based policy allows the action"
    )
    status = 400 if call.service in ("dynamodb", "sqs", "ssm", "secretsmanager", "tag") else 403
    code = "AccessDeniedException" if call.service in _LONG_WORDS else "AccessDenied"
    return AwsError(code, text, status, kind="AccessDeniedException")


def throttled(call: Call) -> AwsError:
    if call.service == "ec2":
        return AwsError("RequestLimitExceeded", "Request limit exceeded.", 503)
    if call.service == "s3":
        return AwsError("SlowDown", "Please reduce your request rate.", 503)
    return AwsError("Throttling", "Rate exceeded", 400, kind="ThrottlingException")


def _spoilt(answer: Answer | Stream) -> Answer:
    """The same answer, broken off in its middle but declared whole."""
    body = answer.body if isinstance(answer, Answer) else b"".join(answer.chunks())
    headers = dict(answer.headers)
    headers.pop("Content-Length", None)
    return Answer(answer.status, headers, body[: len(body) // 2])
