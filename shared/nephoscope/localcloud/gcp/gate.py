"""What every call passes, over HTTP or gRPC: who calls, may they, does the service stand; then the ledger.

The order is Google's: the token, the permission (an unknown project is told apart from a forbidden one only by
Compute), then the service.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from nephoscope.localcloud.aws.call import Need
from nephoscope.localcloud.aws.ledger import Entry, Ledger
from nephoscope.localcloud.gcp.call import HTTP, Call, CutError, GoogleError, Info, Status
from nephoscope.localcloud.gcp.faults import Failing, Fault, Faults
from nephoscope.localcloud.gcp.names import project_number
from nephoscope.localcloud.gcp.world import FOLDER, ORGANIZATION, World
from nephoscope.localcloud.incidents import Happening

T = TypeVar("T")
MONITORING = "monitoring.googleapis.com"
COMPUTE = "compute.googleapis.com"
STORAGE = "storage.googleapis.com"
SECRETS = "secretmanager.googleapis.com"
ASSETS = "cloudasset.googleapis.com"
METADATA = "metadata.google.internal"
STS = "sts.googleapis.com"
IAM = "iamcredentials.googleapis.com"
_DOORS = (METADATA, STS, IAM)
"""Where identities are given out: they look at their callers themselves, and belong to no project's region."""
_TITLES = {
    MONITORING: "Cloud Monitoring API",
    COMPUTE: "Compute Engine API",
    STORAGE: "Cloud Storage JSON API",
    SECRETS: "Secret Manager API",
    ASSETS: "Cloud Asset API",
}
_NOWHERE: tuple[str, ...] = ()
_REFUSALS = (Status.PERMISSION_DENIED, Status.UNAUTHENTICATED)


@dataclass(frozen=True, slots=True)
class Admitted:
    """dark: regions whose zones do not answer now. spoilt: the answer is to break off. corrupt: its payload is to
    change on the way."""

    dark: frozenset[str]
    spoilt: bool
    corrupt: bool = False


@dataclass(frozen=True, slots=True)
class Served(Generic[T]):
    """An answer, and what Google would bill for it: time series returned."""

    answer: T
    units: int = 0
    status: int = 200


class Gate:
    def __init__(self, world: World, ledger: Ledger, faults: Faults) -> None:
        self._world = world
        self._ledger = ledger
        self._faults = faults

    def run(self, call: Call, serve: Callable[[Admitted], Served[T]]) -> tuple[T, bool]:
        """The answer, and whether it is to break off. Raises GoogleError, and CutError for a fault that says so. Either
        way the ledger has it."""
        page = self._ledger.page
        who, regions = "", _NOWHERE
        try:
            who = self._caller(call)
            self._permit(call)
            regions = call.regions()
            admitted = self._admit(call, regions)
            served = serve(admitted)
        except GoogleError as error:
            allowed = error.status not in _REFUSALS
            self._record(call, who, regions, HTTP[error.status], allowed=allowed, units=0, page=page)
            raise
        self._record(call, who, regions, served.status, allowed=True, units=served.units, page=page)
        return served.answer, admitted.spoilt

    def _caller(self, call: Call) -> str:
        return call.service if call.service in _DOORS else self._world.tokens.holder(call.token, call.service)

    def _permit(self, call: Call) -> None:
        if call.service in _DOORS:
            return
        if call.project not in (*self._world.projects, FOLDER, ORGANIZATION):
            raise unknown_project(call)
        held = self._world.permissions
        if held is not None and call.permission not in held:
            raise denied(call)

    def _admit(self, call: Call, regions: tuple[str, ...]) -> Admitted:
        faults = self._faults.hit(call.action, call.project, regions, self._world.now)
        for fault in faults:
            _fail(call, fault)
        dark = {fault.region for fault in faults if fault.failing is Failing.UNREACHABLE} | self._blind(call, regions)
        if call.service == MONITORING:
            self._throttle(call, regions)
        dark = {place for region in dark for place in ([region] if region else self._world.regions)}
        ways = {fault.failing for fault in faults}
        return Admitted(frozenset(dark), Failing.MALFORMED in ways, Failing.CORRUPT in ways)

    def _blind(self, call: Call, regions: tuple[str, ...]) -> set[str]:
        if call.service in _DOORS:
            return set()
        blind = {row.region for row in self._world.incidents(Happening.REGION_DENIED, call.project, regions)}
        if "" in blind:
            raise denied(call)
        return blind

    def _throttle(self, call: Call, regions: tuple[str, ...]) -> None:
        for incident in self._world.incidents(Happening.THROTTLED, call.project, regions):
            if self._world.share_hit(incident):
                raise throttled(call, 1)

    def _record(
        self, call: Call, who: str, regions: tuple[str, ...], status: int, *, allowed: bool, units: int, page: int
    ) -> None:
        self._ledger.record(
            Entry(
                at=self._world.now,
                action=call.action,
                resource=call.resource,
                account=call.project,
                region=regions[0] if len(regions) == 1 else "",
                principal=who,
                units=units,
                allowed=allowed,
                status=status,
                needs=(Need(call.permission, call.resource),) if call.permission else (),
            ),
            page,
        )


def _fail(call: Call, fault: Fault) -> None:
    match fault.failing:
        case Failing.THROTTLE:
            raise throttled(call, round(fault.seconds))
        case Failing.DENY:
            raise denied(call)
        case Failing.DISABLED:
            raise disabled(call)
        case Failing.NOT_FOUND:
            raise GoogleError(Status.NOT_FOUND, f"The resource '{call.resource}' was not found")
        case Failing.ERROR:
            raise GoogleError(Status.INTERNAL, "Internal error encountered.")
        case Failing.UNAVAILABLE:
            raise GoogleError(Status.UNAVAILABLE, "The service is currently unavailable.")
        case Failing.SLOW:
            time.sleep(fault.seconds)
        case Failing.CUT:
            raise CutError(call.action)


def denied(call: Call) -> GoogleError:
    """Each service says it in its own words."""
    if call.service == MONITORING:
        text = f"Permission {call.permission} denied (or the resource may not exist)."
    elif call.service == SECRETS:
        text = f"Permission '{call.permission}' denied for resource '{call.resource}' (or it may not exist)."
    else:
        text = f"Required '{call.permission}' permission for '{call.resource}'"
    metadata = {"service": call.service, "permission": call.permission, "resource": call.resource}
    return GoogleError(Status.PERMISSION_DENIED, text, Info("IAM_PERMISSION_DENIED", metadata))


def unknown_project(call: Call) -> GoogleError:
    if call.service == COMPUTE:
        return GoogleError(Status.NOT_FOUND, f"The resource 'projects/{call.project}' was not found")
    return denied(call)


def disabled(call: Call) -> GoogleError:
    number = project_number(call.project)
    url = f"https://console.developers.google.com/apis/api/{call.service}/overview?project={number}"
    text = (
        f"{_TITLES.get(call.service, call.service)} has not been used in project {number} before or it is disabled. "
        f"Enable it by visiting {url} then retry. If you enabled this API recently, wait a few minutes for the action "
        "to propagate to our systems and retry."
    )
    metadata = {"service": call.service, "consumer": f"projects/{number}", "activationUrl": url}
    return GoogleError(Status.PERMISSION_DENIED, text, Info("SERVICE_DISABLED", metadata))


def throttled(call: Call, seconds: int) -> GoogleError:
    number = project_number(call.project)
    text = (
        f"Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service '{call.service}' "
        f"for consumer 'project_number:{number}'."
    )
    metadata = {"service": call.service, "consumer": f"projects/{number}", "quota_metric": f"{call.service}/default"}
    info = Info("RATE_LIMIT_EXCEEDED", metadata)
    return GoogleError(Status.RESOURCE_EXHAUSTED, text, info, retry_after=seconds)
