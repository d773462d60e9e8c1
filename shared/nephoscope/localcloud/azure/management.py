"""Resource Manager's reads: subscriptions, a management group's descendants, virtual machines and their instance view.

Listings come in pages with an absolute `nextLink`, which the clients follow as it stands; how long a page is, the
documents leave open.
Source: https://learn.microsoft.com/rest/api/compute/virtual-machines (api-version 2024-07-01),
https://learn.microsoft.com/rest/api/resources/subscriptions/list (2022-12-01),
https://learn.microsoft.com/rest/api/managementgroups/management-groups/get-descendants (2020-05-01).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from nephoscope.localcloud.aws.call import Answer
from nephoscope.localcloud.azure.call import AzureError, Call, json_answer
from nephoscope.localcloud.azure.names import VIRTUAL_MACHINES, group_of, is_uniform, machine_name, scale_set_id
from nephoscope.localcloud.azure.rows import display_name, instance_view, managed_machine
from nephoscope.localcloud.azure.world import MANAGEMENT_GROUP, World
from nephoscope.localcloud.fleet import Power, Sighting

_READS = {"x-ms-ratelimit-remaining-subscription-reads": "249"}


def list_subscriptions(world: World, _call: Call) -> Answer:
    """Those in which the caller has any role; the others are not mentioned."""
    listed = [_subscription(name, world.tenant) for name in world.visible]
    return json_answer({"value": listed, "count": {"type": "Total", "value": len(listed)}})


def _subscription(name: str, tenant: str) -> Mapping[str, Any]:
    return {
        "id": f"/subscriptions/{name}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": name,
        "tenantId": tenant,
        "displayName": display_name(name),
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def list_descendants(world: World, call: Call) -> Answer:
    if call.path["group"] != MANAGEMENT_GROUP:
        text = f"The management group '{call.path['group']}' cannot be found."
        raise AzureError(404, "NotFound", text)
    parent = {"id": f"/providers/Microsoft.Management/managementGroups/{MANAGEMENT_GROUP}"}
    rows = [
        {
            "id": f"/subscriptions/{name}",
            "type": "/subscriptions",
            "name": name,
            "properties": {"displayName": display_name(name), "parent": parent},
        }
        for name in world.subscriptions
    ]
    return _paged(call, rows, world.page)


def list_machines(world: World, call: Call) -> Answer:
    """Of a subscription, of one of its resource groups, or of one of its locations; the members of uniform scale sets
    are none of them. `$expand=instanceView` serves only together with a scale set's filter; the run-time state comes
    with `statusOnly=true`."""
    wanted = call.params.get("$filter", "")
    if call.params.get("$expand") and not wanted:
        raise AzureError(400, "InvalidParameter", "The expand parameter needs a filter by virtual machine scale set.")
    status = call.params.get("statusonly", "").lower() == "true" or bool(call.params.get("$expand"))
    whole = "group" not in call.path
    rows = [
        managed_machine(sighting, whole_subscription=whole, with_state=status)
        for sighting in _existing(world.sightings(call.subscription))
        if _is_in(sighting, call.path) and (not wanted or _is_member(sighting, wanted))
    ]
    return _paged(call, rows, world.page)


def get_machine(world: World, call: Call) -> Answer:
    expanded = call.params.get("$expand", "").lower() == "instanceview"
    return json_answer(managed_machine(_must_find(world, call), whole_subscription=False, with_state=expanded))


def get_instance_view(world: World, call: Call) -> Answer:
    return json_answer(instance_view(_must_find(world, call)))


def _must_find(world: World, call: Call) -> Sighting:
    for sighting in _existing(world.sightings(call.subscription)):
        if _is_in(sighting, call.path) and machine_name(sighting.instance).lower() == call.path["name"].lower():
            return sighting
    text = (
        f"The Resource '{VIRTUAL_MACHINES}/{call.path['name']}' under resource group '{call.path['group']}' was not "
        "found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    raise AzureError(404, "ResourceNotFound", text)


def _existing(sightings: Iterable[Sighting]) -> Iterable[Sighting]:
    gone = Power.TERMINATED
    return (each for each in sightings if each.power is not gone and not is_uniform(each.instance))


def _is_member(sighting: Sighting, wanted: str) -> bool:
    """wanted: `'virtualMachineScaleSet/id' eq '/subscriptions/...'`."""
    own = scale_set_id(sighting.instance)
    return bool(own) and wanted.rpartition(" eq ")[2].strip("'").lower() == own.lower()


def _is_in(sighting: Sighting, path: Mapping[str, str]) -> bool:
    group, place = group_of(sighting.instance.tags), sighting.instance.region
    return path.get("group", group).lower() == group.lower() and path.get("location", place).lower() == place


def _paged(call: Call, rows: Sequence[Mapping[str, Any]], size: int) -> Answer:
    start = _read_token(call.params.get("$skiptoken", ""))
    page: dict[str, Any] = {"value": list(rows[start : start + size])}
    if start + size < len(rows):
        kept = {name: value for name, value in call.params.items() if name != "$skiptoken"}
        query = urlencode(kept | {"$skiptoken": base64.urlsafe_b64encode(b"%d" % (start + size)).decode()})
        page["nextLink"] = call.here(f"{call.request.path}?{query}")
    return json_answer(page, headers=_READS)


def _read_token(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except ValueError as error:
        raise AzureError(400, "InvalidSkipToken", "The skip token is not valid.") from error
