"""A machine as EC2 writes it. The fields are those of a plain Nitro instance; a page of 1,000 is about 3 MB, as in
life, so that what reading it costs is told truly."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from nephoscope.localcloud.fleet import Power, Sighting
from nephoscope.localcloud.machines import Instance
from nephoscope.model.time import DAY, iso

STATES: Mapping[Power, tuple[int, str]] = {
    Power.PENDING: (0, "pending"),
    Power.RUNNING: (16, "running"),
    Power.TERMINATING: (32, "shutting-down"),
    Power.TERMINATED: (48, "terminated"),
    Power.STOPPING: (64, "stopping"),
    Power.STOPPED: (80, "stopped"),
}
"""Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html"""


def render_instances(page: Sequence[Sighting]) -> str:
    """The <item>s of a reservationSet, in the order of their first machines."""
    reservations: dict[tuple[str, str], list[str]] = {}
    for sighting in page:
        reservations.setdefault(_reservation(sighting.instance), []).append(_instance(sighting))
    return "".join(
        f"<item><reservationId>{reservation}</reservationId><ownerId>{owner}</ownerId><groupSet/>"
        f"<instancesSet>{''.join(members)}</instancesSet></item>"
        for (reservation, owner), members in reservations.items()
    )


def render_status(sighting: Sighting) -> str:
    """The <item> of an instanceStatusSet. A machine that does not run has no checks to pass."""
    code, state = STATES[sighting.power]
    return (
        f"<item><instanceId>{sighting.instance.id}</instanceId>"
        f"<availabilityZone>{sighting.instance.zone}</availabilityZone>"
        f"<operator><managed>false</managed></operator>"
        f"<instanceState><code>{code}</code><name>{state}</name></instanceState>"
        f"{_check('systemStatus', 'system', sighting)}{_check('instanceStatus', 'instance', sighting)}"
        f"{_check('attachedEbsStatus', 'disk', sighting)}</item>"
    )


def _check(tag: str, check: str, sighting: Sighting) -> str:
    if sighting.power is Power.PENDING:
        status, detail = "initializing", "initializing"
    elif sighting.power is not Power.RUNNING:
        return f"<{tag}><status>not-applicable</status></{tag}>"
    else:
        status, detail = ("impaired", "failed") if check in sighting.failed else ("ok", "passed")
    return (
        f"<{tag}><status>{status}</status><details><item><name>reachability</name>"
        f"<status>{detail}</status></item></details></{tag}>"
    )


def _reservation(instance: Instance) -> tuple[str, str]:
    """Machines of one role in one zone, launched in one season, came from one request."""
    return _reservation_id(f"{instance.role} {instance.zone} {instance.launched_at // (90 * DAY)}"), instance.account


@lru_cache(maxsize=10_000)
def _reservation_id(request: str) -> str:
    return f"r-{hashlib.sha256(request.encode()).hexdigest()[:17]}"


def _instance(sighting: Sighting) -> str:
    return _rendered(_Key(sighting.instance), sighting.power, sighting.started_at)


class _Key:
    """An instance's id, and the instance: tags are a dict and cannot be hashed."""

    __slots__ = ("instance",)

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def __hash__(self) -> int:
        return self.instance.number

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _Key) and self.instance is other.instance


@lru_cache(maxsize=50_000)
def _rendered(key: _Key, power: Power, started_at: int | None) -> str:
    instance, (code, state) = key.instance, STATES[power]
    tags = "".join(
        f"<item><key>{escape(name)}</key><value>{escape(value)}</value></item>" for name, value in instance.tags.items()
    )
    part = f"{instance.number:016x}"
    launched = iso(instance.launched_at if started_at is None else started_at).replace("Z", ".000Z")
    addressed = power not in (Power.TERMINATING, Power.TERMINATED)
    address = f"10.{instance.number % 250}.{instance.number // 250 % 250}.{instance.number // 62_500 % 250}"
    network = _network(part, address, instance, launched) if addressed else "<networkInterfaceSet/>"
    return (
        f"<item><instanceId>{instance.id}</instanceId><imageId>ami-{part}a</imageId>"
        f"<instanceState><code>{code}</code><name>{state}</name></instanceState>"
        f"<privateDnsName>{address.replace('.', '-')}.{instance.region}.compute.internal</privateDnsName><dnsName/>"
        f"<reason/><keyName>fleet</keyName><amiLaunchIndex>0</amiLaunchIndex><productCodes/>"
        f"<instanceType>{instance.type}</instanceType><launchTime>{launched}</launchTime>"
        f"<placement><availabilityZone>{instance.zone}</availabilityZone><groupName/><tenancy>default</tenancy></placement>"
        f"<monitoring><state>{'enabled' if instance.fine else 'disabled'}</state></monitoring>"
        f"<subnetId>subnet-{part}b</subnetId><vpcId>vpc-0f1e2d3c4b5a69788</vpcId>"
        f"<privateIpAddress>{address}</privateIpAddress><sourceDestCheck>true</sourceDestCheck>"
        f"<groupSet><item><groupId>sg-0a1b2c3d4e5f60718</groupId><groupName>{instance.role}</groupName></item></groupSet>"
        f"<architecture>arm64</architecture><rootDeviceType>ebs</rootDeviceType>"
        f"<rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs>"
        f"<volumeId>vol-{part}c</volumeId><status>attached</status><attachTime>{launched}</attachTime>"
        f"<deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping>"
        f"<virtualizationType>hvm</virtualizationType><clientToken>{part}</clientToken><tagSet>{tags}</tagSet>"
        f"<hypervisor>xen</hypervisor>{network}<ebsOptimized>true</ebsOptimized><enaSupport>true</enaSupport>"
        f"<cpuOptions><coreCount>2</coreCount><threadsPerCore>1</threadsPerCore></cpuOptions>"
        f"<capacityReservationSpecification><capacityReservationPreference>open</capacityReservationPreference>"
        f"</capacityReservationSpecification><hibernationOptions><configured>false</configured></hibernationOptions>"
        f"<metadataOptions><state>applied</state><httpTokens>required</httpTokens>"
        f"<httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint></metadataOptions>"
        f"<enclaveOptions><enabled>false</enabled></enclaveOptions><platformDetails>Linux/UNIX</platformDetails>"
        f"<usageOperation>RunInstances</usageOperation><usageOperationUpdateTime>{launched}</usageOperationUpdateTime>"
        f"<maintenanceOptions><autoRecovery>default</autoRecovery></maintenanceOptions>"
        f"<currentInstanceBootMode>uefi</currentInstanceBootMode></item>"
    )


def _network(part: str, address: str, instance: Instance, launched: str) -> str:
    return (
        f"<networkInterfaceSet><item><networkInterfaceId>eni-{part}d</networkInterfaceId>"
        f"<subnetId>subnet-{part}b</subnetId><vpcId>vpc-0f1e2d3c4b5a69788</vpcId><description/>"
        f"<ownerId>{instance.account}</ownerId><status>in-use</status><macAddress>02:00:00:00:00:01</macAddress>"
        f"<privateIpAddress>{address}</privateIpAddress><sourceDestCheck>true</sourceDestCheck>"
        f"<attachment><attachmentId>eni-attach-{part}e</attachmentId><deviceIndex>0</deviceIndex>"
        f"<status>attached</status><attachTime>{launched}</attachTime>"
        f"<deleteOnTermination>true</deleteOnTermination></attachment></item></networkInterfaceSet>"
    )
