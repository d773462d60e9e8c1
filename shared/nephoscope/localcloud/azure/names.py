"""The fleet's machines and buckets under Azure's names: resource ids, sizes, zones, power states.

Source of ids: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules; of power
states: https://learn.microsoft.com/azure/virtual-machines/states-billing; of scale sets' members:
https://learn.microsoft.com/azure/virtual-machine-scale-sets/virtual-machine-scale-sets-instance-ids.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from nephoscope.localcloud.fleet import Power
from nephoscope.localcloud.machines import Bucket, Instance

VIRTUAL_MACHINES = "Microsoft.Compute/virtualMachines"
SCALE_SETS = "Microsoft.Compute/virtualMachineScaleSets"
SCALE_SET_MACHINES = f"{SCALE_SETS}/virtualMachines"
MEMBERSHIP = "scale-set"
"""The tag by which a fleet says that a machine is a member of its role's scale set: `uniform` or `flexible`. A fleet
that was drawn has none."""
STORAGE_ACCOUNTS = "Microsoft.Storage/storageAccounts"
POWER: Mapping[Power, tuple[str, str]] = {
    Power.PENDING: ("PowerState/starting", "VM starting"),
    Power.RUNNING: ("PowerState/running", "VM running"),
    Power.STOPPING: ("PowerState/deallocating", "VM deallocating"),
    Power.STOPPED: ("PowerState/deallocated", "VM deallocated"),
    Power.TERMINATING: ("PowerState/stopping", "VM stopping"),
}
"""Code and display status. A deleted machine is not listed any more."""


@dataclass(frozen=True, slots=True)
class Size:
    """memory: GiB."""

    name: str
    cores: int
    memory: float

    @property
    def burstable(self) -> bool:
        return self.name.startswith("Standard_B")


_SIZES: Mapping[str, Size] = {
    "m7g.large": Size("Standard_D2ps_v6", 2, 8),
    "m7g.xlarge": Size("Standard_D4ps_v6", 4, 16),
    "c7g.large": Size("Standard_D2pls_v6", 2, 4),
    "c7g.xlarge": Size("Standard_D4pls_v6", 4, 8),
    "c7g.2xlarge": Size("Standard_D8pls_v6", 8, 16),
    "c7g.4xlarge": Size("Standard_D16pls_v6", 16, 32),
    "r7g.large": Size("Standard_E2ps_v6", 2, 16),
    "r7g.xlarge": Size("Standard_E4ps_v6", 4, 32),
    "r7g.2xlarge": Size("Standard_E8ps_v6", 8, 64),
    "t3.medium": Size("Standard_B2s", 2, 4),
    "t3.micro": Size("Standard_B1s", 1, 1),
}
_OTHER = Size("Standard_D2s_v5", 2, 8)
_DISKS = {"database": 16, "cache": 4, "batch": 4}


def size_of(instance: Instance) -> Size:
    """The size that stands for the fleet's type of machine."""
    return _SIZES.get(instance.type, _OTHER)


def data_disks(instance: Instance) -> int:
    """How many disks, LUN 0 and on. A database has more than the ten series that a reader gets without asking."""
    return _DISKS.get(instance.role, 1)


def machine_name(instance: Instance) -> str:
    """A member of a uniform scale set is called by the set and its number there."""
    if is_uniform(instance):
        return f"{instance.role}_{instance.number}"
    return instance.name or f"vm-{instance.id[2:14]}"


def is_uniform(instance: Instance) -> bool:
    """Whether it is a machine of its scale set alone: no virtual machine of its own in listings and tables."""
    return instance.tags.get(MEMBERSHIP) == "uniform"


def scale_set_id(instance: Instance) -> str:
    """Of the set it is a member of; empty where it is of none."""
    return f"{_where(instance)}/providers/{SCALE_SETS}/{instance.role}" if MEMBERSHIP in instance.tags else ""


def account_name(bucket: Bucket) -> str:
    """3 to 24 lower-case letters and digits."""
    return bucket.name.replace("-", "").lower()[:24]


def group_of(tags: Mapping[str, str]) -> str:
    return f"rg-{tags.get('env', 'Legacy')}"


def machine_id(instance: Instance) -> str:
    if is_uniform(instance):
        return f"{scale_set_id(instance)}/virtualMachines/{instance.number}"
    return f"{_where(instance)}/providers/{VIRTUAL_MACHINES}/{machine_name(instance)}"


def type_of(resource_id: str) -> str:
    """`microsoft.compute/virtualmachinescalesets/virtualmachines`: in lower case, as the id says it."""
    provider, *rest = resource_id.lower().rpartition("/providers/")[2].split("/")
    return "/".join([provider, *rest[::2]])


def _where(resource: Instance | Bucket) -> str:
    return f"/subscriptions/{resource.account}/resourceGroups/{group_of(resource.tags)}"


def account_id(bucket: Bucket) -> str:
    return f"{_where(bucket)}/providers/{STORAGE_ACCOUNTS}/{account_name(bucket)}"


def vm_uuid(instance: Instance) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, instance.id))


def zones_of(instance: Instance) -> list[str]:
    return [str("abc".index(instance.zone[-1]) + 1)]


def tags_of(resource: Instance | Bucket) -> dict[str, str]:
    """As they stand, without the tag that gives AWS's machines their name: Azure's have one."""
    return {name: value for name, value in resource.tags.items() if name != "Name"}
