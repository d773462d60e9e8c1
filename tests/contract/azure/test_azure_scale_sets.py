"""Members of scale sets: Azure keeps uniform ones apart from virtual machines, in a table and a type of their own, and
flexible ones among them. Whoever gathers must see both, in their states, with their loads."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.monitor.querymetrics import MetricsClient

from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.azure.names import MEMBERSHIP
from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Fleet, Power
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance
from nephoscope.model.config import Config, Gather, GatherAzure, PublishCloudWatch
from nephoscope.model.resource import Resource, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import CloudReader

NOON = 1_795_435_200
WEB = "11111111-aaaa-4000-8000-000000000001"
DATA = "22222222-bbbb-4000-8000-000000000002"
CATALOG = load_catalog()
UNIFORM, FLEXIBLE = "batch", "api"
"""The roles whose machines are members: of a uniform set, and of a flexible one."""
NAMED = GatherAzure((WEB, DATA))
GROUP = GatherAzure(management_group="acme")


@pytest.fixture
def azure(azure: LocalAzure, azure_fleet: Fleet) -> LocalAzure:
    """The same sixty machines, of which some are members; one of the uniform ones is stopped, and one deleted."""
    membership = {UNIFORM: "uniform", FLEXIBLE: "flexible"}
    machines = tuple(
        replace(one, tags={**one.tags, MEMBERSHIP: membership[one.role]}) if one.role in membership else one
        for one in azure_fleet.instances
    )
    stopped, deleted = [one.id for one in machines if one.role == UNIFORM and not one.parked][:2]
    script = (
        Incident(Happening.STOPPED, -600, 600, (stopped,)),
        Incident(Happening.TERMINATED, -600, 600, (deleted,)),
    )
    azure.reset(Fleet(azure_fleet.seed, azure_fleet.start, machines, azure_fleet.buckets, script))
    azure.set_time(NOON)
    return azure


@pytest.fixture
def reader(azure: LocalAzure) -> CloudReader:
    opened: CloudReader = wire("cloud", "azure")(config(NAMED), Settings.from_environment(), CATALOG, Clock(), None)
    return opened


class Clock:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def config(gather: GatherAzure) -> Config:
    return Config("acme", Gather(azure=gather), PublishCloudWatch("eu-west-1", "acme"))


def soon() -> Deadline:
    return Deadline(time.monotonic() + 30, time.monotonic)


def found(reader: CloudReader, gather: GatherAzure) -> dict[str, Resource]:
    scopes = reader.read_scopes(config(gather), soon())
    assert scopes.gaps == ()
    inventories = [reader.read_inventory(scope, config(gather), soon()) for scope in scopes.scopes]
    assert [gap for inventory in inventories for gap in inventory.gaps] == []
    return {each.id: each for inventory in inventories for each in inventory.resources}


def members(azure: LocalAzure, role: str) -> list[Instance]:
    here = [one for one in azure.fleet.instances if one.role == role]
    return [one for one in here if azure.fleet.power(one, NOON) not in (None, Power.TERMINATED)]


@pytest.mark.parametrize("gather", [NAMED, GROUP], ids=["subscriptions", "management group"])
def test_members_of_both_kinds_are_machines_among_the_others(
    azure: LocalAzure, reader: CloudReader, gather: GatherAzure
) -> None:
    seen = found(reader, gather)
    there = [each.instance for each in azure.fleet.instances_at(NOON) if each.power is not Power.TERMINATED]
    assert seen.keys() == {azure.resource_id(one.id).lower() for one in there}
    words = {Power.RUNNING: State.RUNNING, Power.STOPPED: State.STOPPED}
    for role, part in ((UNIFORM, "/virtualmachinescalesets/batch/virtualmachines/"), (FLEXIBLE, "/virtualmachines/")):
        for one in members(azure, role):
            resource = seen[azure.resource_id(one.id).lower()]
            assert part in resource.id
            assert resource.state is words[azure.fleet.power(one, NOON)]  # type: ignore[index]
            assert resource.tags.get("role") == one.tags.get("role")
            assert resource.type.startswith("Standard_")
    uniform = [each for each in seen.values() if "/virtualmachinescalesets/" in each.id]
    assert len(uniform) == len(members(azure, UNIFORM)) > 3
    assert State.STOPPED in {each.state for each in uniform}


def test_members_of_uniform_sets_are_read_by_their_own_type_and_tell_the_same_loads(
    azure: LocalAzure, reader: CloudReader
) -> None:
    here = Scope(Cloud.AZURE, WEB, "westeurope")
    source = CATALOG.metrics["cpu.utilization"].sources[Cloud.AZURE]
    machines = {
        azure.resource_id(one.id).lower(): one
        for one in azure.fleet.members(WEB, "westeurope")
        if azure.fleet.power(one, NOON) is Power.RUNNING and azure.fleet.power(one, NOON - 900) is Power.RUNNING
    }
    assert {one.role for one in machines.values()} > {UNIFORM, FLEXIBLE}
    requests = [SeriesRequest(name, "cpu.utilization", source, 60, NOON - 900, NOON - 300) for name in machines]
    readings = reader.read_series(here, config(NAMED), requests, soon())
    assert readings.gaps == ()
    assert readings.usage.calls == {"Microsoft.Insights/metrics/read": 2}, "one for each type"
    for series in readings.series:
        load = [azure.fleet.value(machines[series.key.resource_id].id, Measure.CPU, at) for at in series.times]
        assert list(series.values) == pytest.approx(load, rel=0.01)
    assert len(readings.series) == len(machines)


# --- the local Azure itself ---------------------------------------------------------------------------------------


def test_uniform_members_have_a_table_of_their_own_and_their_size_as_sku(azure: LocalAzure, management: Any) -> None:
    kind = "microsoft.compute/virtualmachinescalesets/virtualmachines"
    rows = management.ask(f"computeresources | where type =~ '{kind}'")["data"]
    assert {row["id"] for row in rows} == {azure.resource_id(one.id) for one in members(azure, UNIFORM)}
    assert {row["type"] for row in rows} == {kind}
    assert all(row["name"].startswith("batch_") and row["sku"]["name"].startswith("Standard_") for row in rows)
    assert {row["properties"]["extended"]["instanceView"]["powerState"]["code"] for row in rows} == {
        "PowerState/running",
        "PowerState/deallocated",
    }
    machines = management.ask("resources | where type =~ 'microsoft.compute/virtualmachines'")["data"]
    assert not {row["id"] for row in machines} & {row["id"] for row in rows}
    flexible = [row for row in machines if "virtualMachineScaleSet" in row["properties"]]
    assert {row["id"] for row in flexible} == {azure.resource_id(one.id) for one in members(azure, FLEXIBLE)}
    assert {row["properties"]["virtualMachineScaleSet"]["id"].rpartition("/")[2] for row in flexible} == {FLEXIBLE}


def test_resource_manager_lists_flexible_members_alone_and_by_their_set(azure: LocalAzure, management: Any) -> None:
    every = f"/subscriptions/{WEB}/providers/Microsoft.Compute/virtualMachines?api-version=2024-07-01"
    names = {row["name"] for row in management.send(every).json()["value"]}
    assert names
    assert not any(name.startswith("batch_") for name in names)
    one = next(one for one in members(azure, FLEXIBLE) if one.account == WEB)
    group = azure.resource_id(one.id).partition("/providers/")[0]
    wanted = f"'virtualMachineScaleSet/id' eq '{group}/providers/Microsoft.Compute/virtualMachineScaleSets/api'"
    listed = management.send(f"{every}&$filter={wanted}&$expand=instanceView").json()["value"]
    assert one.name in {row["name"] for row in listed}
    assert all(row["name"].startswith("api-") and row["properties"]["instanceView"] for row in listed)


def test_a_batch_is_of_machines_or_of_members_and_never_of_both(
    azure: LocalAzure, credential: ManagedIdentityCredential
) -> None:
    here = azure.fleet.members(WEB, "westeurope")
    member, machine = (next(one for one in here if one.role == role) for role in (UNIFORM, "web"))
    with MetricsClient(azure.metrics_endpoint("westeurope"), credential) as client:
        for namespace in (
            "Microsoft.Compute/virtualMachines",
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines",
        ):
            with pytest.raises(HttpResponseError, match="is not of the type"):
                client.query_resources(
                    resource_ids=[azure.resource_id(member.id), azure.resource_id(machine.id)],
                    metric_namespace=namespace,
                    metric_names=["Percentage CPU"],
                )
