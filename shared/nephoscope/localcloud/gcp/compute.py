"""Compute Engine's listings over the fleet: instances.aggregatedList, regions.list, zones.list.

An aggregated list names every zone of the project on every page: with instances, with the warning NO_RESULTS_ON_PAGE,
or, where the caller asked for partial success and a zone does not answer, with UNREACHABLE and in `unreachables`.
Without partial success one silent zone fails the whole call.
Sources: https://cloud.google.com/compute/docs/reference/rest/v1/instances/aggregatedList (and its neighbours
regions/list, zones/list), https://cloud.google.com/compute/docs/reference/rest/v1/instances (an instance's fields).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from nephoscope.localcloud.fleet import Power, Sighting
from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.call import GoogleError, Status, invalid
from nephoscope.localcloud.gcp.fields import Known, select
from nephoscope.localcloud.gcp.gate import Admitted
from nephoscope.localcloud.gcp.list_filter import keeps
from nephoscope.localcloud.gcp.world import World
from nephoscope.model.time import iso

PAGE = 500
_ROOT = "https://www.googleapis.com/compute/v1"
_INSTANCE = """
advancedMachineFeatures canIpForward confidentialInstanceConfig cpuPlatform creationTimestamp deletionProtection
description disks displayDevice fingerprint guestAccelerators hostname id instanceEncryptionKey
keyRevocationActionType kind labelFingerprint labels lastStartTimestamp lastStopTimestamp lastSuspendedTimestamp
machineType metadata minCpuPlatform name networkInterfaces networkPerformanceConfig params
privateIpv6GoogleAccess reservationAffinity resourcePolicies resourceStatus satisfiesPzi satisfiesPzs scheduling
selfLink serviceAccounts shieldedInstanceConfig shieldedInstanceIntegrityPolicy sourceMachineImage
startRestricted status statusMessage tags zone
"""
_LISTED = dict.fromkeys(("id", "kind", "nextPageToken", "selfLink", "warning"))
_SCOPED: Known = {"instances": dict.fromkeys(_INSTANCE.split()), "warning": dict.fromkeys(("code", "message", "data"))}
_AGGREGATED: Known = {**_LISTED, "unreachables": None, "items": {"*": _SCOPED}}
_PLAIN: Known = {**_LISTED, "items": None}


def list_instances(world: World, project: str, query: Mapping[str, str], admitted: Admitted) -> Any:
    """instances.aggregatedList. Raises GoogleError."""
    partial = query.get("returnPartialSuccess", "").lower() == "true"
    dark = {zone for region in admitted.dark for zone in names.zones_of(region)}
    if dark and not partial:
        raise GoogleError(Status.UNAVAILABLE, "Backend Error: some zones could not be reached.")
    shown = [
        render_instance(project, sighting, status)
        for sighting, status in world.sightings(project)
        if names.zone_of(sighting.instance) not in dark
    ]
    page, following = _page([row for row in shown if keeps(row, query.get("filter", ""))], query)
    path = f"projects/{project}/aggregated/instances"
    answer: dict[str, Any] = {
        "kind": "compute#instanceAggregatedList",
        "id": path,
        "items": {f"zones/{zone}": _scope(zone, page, dark) for region in world.regions for zone in _zones(region)},
        "selfLink": f"{_ROOT}/{path}",
    }
    if following:
        answer["nextPageToken"] = following
    if dark:
        answer["unreachables"] = sorted(f"projects/{project}/zones/{zone}" for zone in dark)
    return select(answer, query.get("fields", ""), _AGGREGATED)


def list_regions(world: World, project: str, query: Mapping[str, str], _admitted: Admitted) -> Any:
    rows = [_region(project, region) for region in world.regions]
    return _plain(rows, "region", project, query)


def list_zones(world: World, project: str, query: Mapping[str, str], _admitted: Admitted) -> Any:
    rows = [_zone(project, region, zone) for region in world.regions for zone in _zones(region)]
    return _plain(rows, "zone", project, query)


def _plain(rows: Sequence[Mapping[str, Any]], what: str, project: str, query: Mapping[str, str]) -> Any:
    page, following = _page([row for row in rows if keeps(row, query.get("filter", ""))], query)
    path = f"projects/{project}/{what}s"
    answer: dict[str, Any] = {"kind": f"compute#{what}List", "id": path, "items": page, "selfLink": f"{_ROOT}/{path}"}
    if following:
        answer["nextPageToken"] = following
    return select(answer, query.get("fields", ""), _PLAIN)


_zones = names.zones_of


def _scope(zone: str, page: Sequence[Mapping[str, Any]], dark: set[str]) -> dict[str, Any]:
    link_end = f"/zones/{zone}"
    if zone in dark:
        return _warning("UNREACHABLE", f"The zone '{zone}' could not be reached.", zone)
    if here := [row for row in page if row["zone"].endswith(link_end)]:
        return {"instances": here}
    return _warning("NO_RESULTS_ON_PAGE", f"There are no results for scope 'zones/{zone}' on this page.", zone)


def _warning(code: str, message: str, zone: str) -> dict[str, Any]:
    return {"warning": {"code": code, "message": message, "data": [{"key": "scope", "value": f"zones/{zone}"}]}}


def render_instance(project: str, sighting: Sighting, status: str) -> dict[str, Any]:
    """An instance resource, without what nobody reads of it (disks, keys, metadata)."""
    instance = sighting.instance
    zone, name = names.zone_of(instance), names.machine_name(instance)
    place = f"{_ROOT}/projects/{project}/zones/{zone}"
    labels = names.labels_of(instance)
    resource = {
        "kind": "compute#instance",
        "id": names.machine_id(instance),
        "creationTimestamp": _timestamp(instance.launched_at),
        "lastStartTimestamp": _timestamp(sighting.started_at or instance.launched_at),
        "name": name,
        "machineType": f"{place}/machineTypes/{names.machine_type(instance)}",
        "status": status,
        "zone": place,
        "cpuPlatform": "Intel Ice Lake" if sighting.power is Power.RUNNING else "Unknown CPU Platform",
        "canIpForward": False,
        "deletionProtection": False,
        "startRestricted": False,
        "fingerprint": _fingerprint(instance.id),
        "labelFingerprint": _fingerprint(name),
        "scheduling": {"onHostMaintenance": "MIGRATE", "automaticRestart": True, "preemptible": False},
        "tags": {"items": [instance.role], "fingerprint": _fingerprint(instance.role)},
        "selfLink": f"{place}/instances/{name}",
    }
    return resource | ({"labels": labels} if labels else {})


def _region(project: str, region: str) -> dict[str, Any]:
    link = f"{_ROOT}/projects/{project}"
    return {
        "kind": "compute#region",
        "id": str(1000 + sum(region.encode())),
        "name": region,
        "description": region,
        "status": "UP",
        "zones": [f"{link}/zones/{zone}" for zone in _zones(region)],
        "selfLink": f"{link}/regions/{region}",
    }


def _zone(project: str, region: str, zone: str) -> dict[str, Any]:
    link = f"{_ROOT}/projects/{project}"
    return {
        "kind": "compute#zone",
        "id": str(2000 + sum(zone.encode())),
        "name": zone,
        "description": zone,
        "status": "UP",
        "region": f"{link}/regions/{region}",
        "selfLink": f"{link}/zones/{zone}",
    }


def _page(rows: Sequence[Any], query: Mapping[str, str]) -> tuple[Sequence[Any], str]:
    """maxResults: 1 to 500; 0 is taken for the default, as Google does."""
    asked = query.get("maxResults", str(PAGE))
    if not asked.isdigit() or int(asked) > PAGE:
        raise invalid(
            f"Invalid value for field 'maxResults': '{asked}'. Must be less than or equal to {PAGE} and not negative."
        )
    size, start = int(asked) or PAGE, read_token(query.get("pageToken", ""))
    return rows[start : start + size], write_token(start + size) if start + size < len(rows) else ""


def write_token(place: int) -> str:
    return base64.urlsafe_b64encode(f"from {place}".encode()).decode()


def read_token(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("from "))
    except ValueError as error:
        raise invalid(f"Invalid value for field 'pageToken': '{token}'. The page token is not valid.") from error


def _timestamp(at: int) -> str:
    return iso(at).replace("Z", ".000-00:00")


def _fingerprint(what: str) -> str:
    return base64.b64encode(what.encode()[:8].ljust(8, b"=")).decode()
