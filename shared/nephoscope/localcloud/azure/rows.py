"""A resource as Resource Manager and Resource Graph write it down.

The two differ: Resource Graph puts types and resource groups in lower case, gives every column (null where empty) and
adds `properties.extended.instanceView`; Resource Manager's listing of a whole subscription gives the resource group
in the id in UPPER case, leaves empty members out, and holds the run-time state under `properties.instanceView`.
Source: https://learn.microsoft.com/rest/api/compute/virtual-machines/list-all,
https://learn.microsoft.com/azure/governance/resource-graph/samples/samples-by-category (virtual machines).
"""

from __future__ import annotations

from typing import Any

from nephoscope.localcloud.azure.names import (
    POWER,
    SCALE_SET_MACHINES,
    STORAGE_ACCOUNTS,
    VIRTUAL_MACHINES,
    account_id,
    account_name,
    data_disks,
    group_of,
    machine_id,
    machine_name,
    scale_set_id,
    size_of,
    tags_of,
    vm_uuid,
    zones_of,
)
from nephoscope.localcloud.fleet import Power, Sighting
from nephoscope.localcloud.machines import Bucket
from nephoscope.model.time import iso

Row = dict[str, Any]


def graph_machine(sighting: Sighting, tenant: str) -> Row:
    """A row of the table `resources`; a member of a flexible scale set says of which."""
    scale_set = scale_set_id(sighting.instance)
    belongs = {"virtualMachineScaleSet": {"id": scale_set}} if scale_set else {}
    return _graph_machine(sighting, tenant, VIRTUAL_MACHINES) | {
        "properties": _properties(sighting) | _extended(sighting) | belongs
    }


def graph_member(sighting: Sighting, tenant: str) -> Row:
    """A row of the table `computeresources`: a member of a uniform scale set, whose size is the set's sku."""
    size = size_of(sighting.instance).name
    properties = _properties(sighting) | _extended(sighting) | {"hardwareProfile": {}, "latestModelApplied": True}
    return _graph_machine(sighting, tenant, SCALE_SET_MACHINES) | {
        "sku": {"name": size, "tier": size.partition("_")[0]},
        "properties": properties,
    }


def _graph_machine(sighting: Sighting, tenant: str, kind: str) -> Row:
    instance = sighting.instance
    return _graph_row(
        id=machine_id(instance),
        name=machine_name(instance),
        type=kind.lower(),
        tenantId=tenant,
        location=instance.region,
        resourceGroup=group_of(instance.tags).lower(),
        subscriptionId=instance.account,
        tags=tags_of(instance) or None,
        zones=zones_of(instance),
    )


def _extended(sighting: Sighting) -> Row:
    code, words = POWER[sighting.power]
    state = {"code": code, "level": "Info", "displayStatus": words}
    view = {"powerState": state, "computerName": machine_name(sighting.instance), "hyperVGeneration": "V2"}
    return {"extended": {"instanceView": view}}


def graph_account(bucket: Bucket, tenant: str) -> Row:
    return _graph_row(
        id=account_id(bucket),
        name=account_name(bucket),
        type=STORAGE_ACCOUNTS.lower(),
        tenantId=tenant,
        kind="StorageV2",
        location=bucket.region,
        resourceGroup=group_of(bucket.tags).lower(),
        subscriptionId=bucket.account,
        sku={"name": "Standard_LRS", "tier": "Standard"},
        properties={"provisioningState": "Succeeded", "creationTime": _moment(bucket.created_at)},
        tags=tags_of(bucket) or None,
    )


def graph_subscription(subscription: str, tenant: str, group: str) -> Row:
    """A row of the table `resourcecontainers`."""
    chain = [{"name": group, "displayName": group}, {"name": tenant, "displayName": "Tenant Root Group"}]
    return _graph_row(
        id=f"/subscriptions/{subscription}",
        name=display_name(subscription),
        type="microsoft.resources/subscriptions",
        tenantId=tenant,
        subscriptionId=subscription,
        properties={"state": "Enabled", "managementGroupAncestorsChain": chain},
    )


def display_name(subscription: str) -> str:
    return f"Subscription {subscription[-4:]}"


def _graph_row(**known: Any) -> Row:
    columns: Row = dict.fromkeys(("id", "name", "type", "tenantId", "kind", "location", "resourceGroup"), "")
    columns |= {"subscriptionId": "", "managedBy": "", "sku": None, "plan": None, "properties": {}, "tags": None}
    return columns | {"identity": None, "zones": None, "extendedLocation": None} | known


def managed_machine(sighting: Sighting, *, whole_subscription: bool, with_state: bool) -> Row:
    """whole_subscription: the row of a listing over all resource groups. with_state: `statusOnly=true`, or the
    instance view of one machine."""
    instance = sighting.instance
    group = group_of(instance.tags)
    identity = machine_id(instance)
    row: Row = {
        "name": machine_name(instance),
        "id": identity.replace(f"/{group}/", f"/{group.upper()}/") if whole_subscription else identity,
        "type": VIRTUAL_MACHINES,
        "location": instance.region,
        "zones": zones_of(instance),
        "properties": _properties(sighting),
    }
    if with_state:
        row["properties"]["instanceView"] = instance_view(sighting)
    return row | ({"tags": tags_of(instance)} if instance.tags else {})


def instance_view(sighting: Sighting) -> Row:
    """Source: VirtualMachine_Get_InstanceView.json among the specification's examples."""
    code, words = POWER[sighting.power]
    provisioning = _provisioning(sighting.power)
    changed = iso(sighting.started_at or sighting.instance.launched_at).replace("Z", "+00:00")
    view: Row = {
        "hyperVGeneration": "V2",
        "disks": [],
        "statuses": [
            {
                "code": f"ProvisioningState/{provisioning.lower()}",
                "level": "Info",
                "displayStatus": f"Provisioning {provisioning.lower()}",
                "time": changed,
            },
            {"code": code, "level": "Info", "displayStatus": words},
        ],
    }
    if sighting.power is Power.RUNNING:
        ready = {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready", "time": changed}
        view |= {"computerName": machine_name(sighting.instance), "osName": "debian", "osVersion": "12"}
        view["vmAgent"] = {"vmAgentVersion": "2.11.1.12", "statuses": [ready]}
    return view


def _properties(sighting: Sighting) -> Row:
    instance = sighting.instance
    disks = [{"lun": lun, "name": f"{machine_name(instance)}_{lun}"} for lun in range(data_disks(instance))]
    return {
        "vmId": vm_uuid(instance),
        "hardwareProfile": {"vmSize": size_of(instance).name},
        "storageProfile": {"osDisk": {"osType": "Linux", "createOption": "FromImage"}, "dataDisks": disks},
        "osProfile": {"computerName": machine_name(instance)},
        "provisioningState": _provisioning(sighting.power),
        "timeCreated": _moment(instance.launched_at),
    }


def _provisioning(power: Power) -> str:
    changing = {Power.PENDING: "Updating", Power.STOPPING: "Updating", Power.TERMINATING: "Deleting"}
    return changing.get(power, "Succeeded")


def _moment(at: float) -> str:
    """Azure writes the seconds with seven places."""
    return iso(at).replace("Z", ".0000000Z")
