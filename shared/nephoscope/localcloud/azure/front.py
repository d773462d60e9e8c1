"""The address that Azure's clients are pointed at: it looks at each call, answers it, and writes the ledger.

The order is Azure's: what is called (the path), who calls (the token), in which version, may they (the role), does
the service stand (faults and the script of incidents), then the answer. A region that is blind refuses what belongs to
one region: its metrics endpoint and the listing by location. A subscription that is blind as a whole (an incident
without a region) is refused by Resource Manager and silently missing in Resource Graph.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from nephoscope.localcloud.aws.call import Answer, Need, Request
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.ledger import Entry, Ledger
from nephoscope.localcloud.azure import key_vault, logs, management
from nephoscope.localcloud.azure.call import AUDIENCES, AzureError, Call, Plane, bad_request, render_error
from nephoscope.localcloud.azure.faults import Faults
from nephoscope.localcloud.azure.get_batch import get_batch
from nephoscope.localcloud.azure.resource_graph import query_resources
from nephoscope.localcloud.azure.server import CutError
from nephoscope.localcloud.azure.tokens import Issuer, admit, bearer
from nephoscope.localcloud.azure.world import World
from nephoscope.localcloud.incidents import Happening

_SUBSCRIPTION = r"/subscriptions/(?P<subscription>[^/]+)"
_MACHINES = r"/providers/Microsoft\.Compute/virtualMachines"
_GROUP = _SUBSCRIPTION + r"/resourceGroups/(?P<group>[^/]+)" + _MACHINES
READ_MACHINES = "Microsoft.Compute/virtualMachines/read"
READ_METRICS = "Microsoft.Insights/metrics/read"
QUERY_GRAPH = "Microsoft.ResourceGraph/resources/read"
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(-preview)?")
SHORTEST_WAIT = 1
"""Seconds in Retry-After where a fault says nothing."""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: re.Pattern[str]
    plane: Plane
    action: str
    answer: Callable[[World, Call], Answer]


def _route(method: str, path: str, plane: Plane, action: str, answer: Callable[[World, Call], Answer]) -> Route:
    return Route(method, re.compile(path, re.IGNORECASE), plane, action, answer)


ROUTES = (
    _route("GET", "/subscriptions", Plane.MANAGEMENT, "Microsoft.Resources/subscriptions/read",
           management.list_subscriptions),
    _route("GET", "/providers/Microsoft.Management/managementGroups/(?P<group>[^/]+)/descendants", Plane.MANAGEMENT,
           "Microsoft.Management/managementGroups/descendants/read", management.list_descendants),
    _route("GET", _SUBSCRIPTION + _MACHINES, Plane.MANAGEMENT, READ_MACHINES, management.list_machines),
    _route("GET", _SUBSCRIPTION + r"/providers/Microsoft\.Compute/locations/(?P<location>[^/]+)/virtualMachines",
           Plane.MANAGEMENT, READ_MACHINES, management.list_machines),
    _route("GET", _GROUP, Plane.MANAGEMENT, READ_MACHINES, management.list_machines),
    _route("GET", _GROUP + "/(?P<name>[^/]+)", Plane.MANAGEMENT, READ_MACHINES, management.get_machine),
    _route("GET", _GROUP + "/(?P<name>[^/]+)/instanceView", Plane.MANAGEMENT,
           "Microsoft.Compute/virtualMachines/instanceView/read", management.get_instance_view),
    _route("POST", r"/providers/Microsoft\.ResourceGraph/resources", Plane.MANAGEMENT,
           QUERY_GRAPH, query_resources),
    _route("POST", "(/(?P<region>[a-z0-9]+))?" + _SUBSCRIPTION + "/metrics:getBatch", Plane.METRICS, READ_METRICS,
           get_batch),
    _route("GET", "/(?P<vault>[a-z0-9-]{3,24})/secrets/(?P<secret>[^/]+)(/(?P<version>[^/]*))?", Plane.VAULT,
           key_vault.GET_SECRET, lambda world, call: key_vault.get_secret(world.secrets, call)),
    _route("POST", "/v1/workspaces/(?P<workspace>[^/]+)/query", Plane.LOGS,
           "Microsoft.OperationalInsights/workspaces/query/read", logs.query_workspace),
)  # fmt: skip


class Front:
    def __init__(self, world: World, issuer: Issuer, ledger: Ledger, faults: Faults) -> None:
        self._world = world
        self._issuer = issuer
        self._ledger = ledger
        self._faults = faults

    def answer(self, request: Request) -> Answer:
        """Raises CutError where a fault wants the connection cut."""
        found = _find(request)
        if found is None:
            return render_error(AzureError(404, "InvalidResourceType", f"Nothing is known at {request.path}."))
        route, path = found
        page = self._ledger.page
        call = _unknown_caller(route, path, request)
        faults: tuple[Fault, ...] = ()
        try:
            call = self._admitted(call)
            faults = self._faults.hit(call, self._world.now)
            self._check(call, faults)
            answer = route.answer(self._world, call)
        except AzureError as error:
            answer = render_error(error)
        self._record(call, answer, page)
        return _spoilt(answer) if any(fault.failing is Failing.MALFORMED for fault in faults) else answer

    def _admitted(self, call: Call) -> Call:
        principal = self._caller(call)
        check = _CHECKS.get(call.plane)
        if check:
            check(call.params.get("api-version", ""))
        body = _parse_body(call.request) if call.request.method == "POST" else {}
        return Call(
            call.plane,
            call.action,
            call.subscription,
            call.region or _region_of(self._world, body),
            call.params,
            call.path,
            principal,
            call.request,
            body,
        )

    def _caller(self, call: Call) -> str:
        token = bearer(call.request.headers)
        if call.plane is Plane.VAULT:
            return key_vault.admit(self._issuer, token)
        return admit(self._issuer, token, AUDIENCES[call.plane])

    def _check(self, call: Call, faults: tuple[Fault, ...]) -> None:
        world = self._world
        for fault in faults:
            _fail(call, fault)
        if call.subscription and call.subscription not in world.subscriptions:
            text = f"The subscription '{call.subscription}' could not be found."
            raise AzureError(404, "SubscriptionNotFound", text)
        if call.subscription and not world.readable(call.subscription):
            raise denied(call)
        if call.region and world.happens(Happening.REGION_DENIED, call.subscription, call.region):
            raise denied(call)
        if call.plane is not Plane.METRICS:
            return
        if call.subscription in world.unmonitored:
            raise denied(call)
        if world.share_hit(Happening.THROTTLED, call.subscription, call.region):
            raise throttled(call, SHORTEST_WAIT)

    def _record(self, call: Call, answer: Answer, page: int) -> None:
        self._ledger.record(
            Entry(
                at=self._world.now,
                action=call.action,
                resource=call.scope,
                account=call.subscription,
                region=call.region,
                principal=call.principal,
                units=answer.units,
                allowed=answer.status not in (401, 403),
                status=answer.status,
                needs=(Need(call.action, call.scope),),
            ),
            page,
        )


def _find(request: Request) -> tuple[Route, Mapping[str, str]] | None:
    for route in ROUTES:
        found = route.path.fullmatch(request.path)
        if found and route.method == request.method:
            return route, {name: value for name, value in found.groupdict().items() if value}
    return None


def _unknown_caller(route: Route, path: Mapping[str, str], request: Request) -> Call:
    params = {name.lower(): value for name, value in parse_qsl(request.query, keep_blank_values=True)}
    region = path.get("region", path.get("location", "")).lower()
    return Call(route.plane, route.action, path.get("subscription", ""), region, params, path, "", request)


def _check_version(version: str) -> None:
    if not version:
        text = "The api-version query parameter (?api-version=) is required for all requests."
        raise AzureError(400, "MissingApiVersionParameter", text)
    if not _VERSION.fullmatch(version):
        raise AzureError(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid.")


_CHECKS: Mapping[Plane, Callable[[str], None]] = {
    Plane.MANAGEMENT: _check_version,
    Plane.METRICS: _check_version,
    Plane.VAULT: key_vault.check_version,
}
"""How a plane looks at its api-version; one has none."""


def _parse_body(request: Request) -> Mapping[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as error:
        raise bad_request("The request content was invalid and could not be deserialized.") from error
    if not isinstance(body, dict):
        raise bad_request("The request content must be an object.")
    return body


def _region_of(world: World, body: Mapping[str, Any]) -> str:
    """Of the first resource that is asked about, where the address names no region."""
    for resource_id in body.get("resourceids") or ():
        if resource := world.resource(str(resource_id)):
            return resource.region
    return ""


def _fail(call: Call, fault: Fault) -> None:
    match fault.failing:
        case Failing.THROTTLE:
            raise throttled(call, max(SHORTEST_WAIT, math.ceil(fault.seconds)))
        case Failing.DENY:
            raise denied(call)
        case Failing.ERROR:
            raise AzureError(500, "InternalServerError", "Detected Internal Error.")
        case Failing.UNAVAILABLE:
            raise AzureError(503, "ServiceUnavailable", "The service is unavailable. Please try again shortly.")
        case Failing.SLOW:
            time.sleep(fault.seconds)
        case Failing.CUT:
            raise CutError(call.action)


def denied(call: Call) -> AzureError:
    if call.plane is Plane.VAULT:
        return key_vault.denied(call)
    if call.plane is Plane.LOGS:
        text = "The provided credentials have insufficient access to perform the requested operation"
        return AzureError(403, "InsufficientAccessError", text)
    who = call.principal
    return AzureError(
        403,
        "AuthorizationFailed",
        f"The client '{who}' with object id '{who}' does not have authorization to perform action '{call.action}' over "
        f"scope '{call.scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
    )


def throttled(call: Call, seconds: int) -> AzureError:
    """Source: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling, and
    https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests"""
    headers = {"Retry-After": str(seconds)}
    if call.plane is Plane.VAULT:
        return key_vault.throttled(seconds)
    if call.action == QUERY_GRAPH:
        headers |= {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": f"00:00:{min(59, seconds):02}"}
        text = "Client application has been throttled and should not repeat the request until some time has elapsed."
        return AzureError(429, "RateLimiting", text, headers=headers)
    text = f"The request is being throttled. Please retry after {seconds} seconds."
    return AzureError(429, "TooManyRequests", text, headers=headers)


def _spoilt(answer: Answer) -> Answer:
    """The same answer, broken off in its middle but declared whole."""
    return Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
