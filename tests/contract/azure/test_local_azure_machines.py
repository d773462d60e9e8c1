"""Resource Manager's listings against the fleet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.fleet import Power
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance

NOON = 1_795_435_200
WEB = "11111111-aaaa-4000-8000-000000000001"
DATA = "22222222-bbbb-4000-8000-000000000002"
ALL = f"/subscriptions/{WEB}/providers/Microsoft.Compute/virtualMachines?api-version=2024-07-01"


def _every(management: Any, path: str) -> Iterator[dict[str, Any]]:
    """Page by page, each next link as it stands."""
    while path:
        page = management.send(path).json()
        yield from page["value"]
        path = page.get("nextLink", "")


def _running(azure: LocalAzure) -> Instance:
    return next(row.instance for row in azure.fleet.instances_at(NOON, WEB) if row.power is Power.RUNNING)


def test_every_machine_of_the_subscription_is_listed_once(azure: LocalAzure, management: Any) -> None:
    azure.world.page = 7
    rows = list(_every(management, ALL))
    assert len(rows) == 30  # sixty machines in two subscriptions
    expected = {azure.resource_id(machine.id).lower() for machine in azure.fleet.instances if machine.account == WEB}
    assert {row["id"].lower() for row in rows} == expected
    assert len(azure.ledger.entries("Microsoft.Compute/virtualMachines/read")) == 5  # 7 + 7 + 7 + 7 + 2


def test_the_listing_of_a_whole_subscription_shouts_its_resource_groups(azure: LocalAzure, management: Any) -> None:
    machine = next(row for row in azure.fleet.members(WEB, "westeurope") if row.tags.get("env") == "prod")
    listed = {row["name"]: row["id"] for row in _every(management, ALL)}
    assert listed[machine.name] == azure.resource_id(machine.id).replace("/rg-prod/", "/RG-PROD/")
    group = ALL.replace("/providers/", "/resourceGroups/rg-prod/providers/", 1)
    assert azure.resource_id(machine.id) in {row["id"] for row in _every(management, group)}


def test_a_row_says_what_the_fleet_says(azure: LocalAzure, management: Any) -> None:
    machine = _running(azure)
    row = management.send(f"{azure.resource_id(machine.id)}?api-version=2024-07-01").json()
    assert (row["name"], row["location"], row["type"]) == (
        machine.name,
        machine.region,
        "Microsoft.Compute/virtualMachines",
    )
    assert row["zones"] == [{"a": "1", "b": "2", "c": "3"}[machine.zone[-1]]]
    assert row["tags"] == {name: value for name, value in machine.tags.items() if name != "Name"}
    assert row["properties"]["provisioningState"] == "Succeeded"
    assert row["properties"]["hardwareProfile"]["vmSize"].startswith("Standard_")
    assert "instanceView" not in row["properties"]


STORY = [
    (-60, "PowerState/running", "VM running"),
    (30, "PowerState/deallocating", "VM deallocating"),
    (90, "PowerState/deallocated", "VM deallocated"),
    (620, "PowerState/starting", "VM starting"),
    (700, "PowerState/running", "VM running"),
]


@pytest.mark.parametrize(("at", "code", "words"), STORY)
def test_power_states_are_azures(azure: LocalAzure, management: Any, at: int, code: str, words: str) -> None:
    machine = _running(azure)
    azure.reset(azure.fleet.with_script([Incident(Happening.STOPPED, 0, 600, (machine.id,))]))
    azure.set_time(NOON + at)
    view = management.send(f"{azure.resource_id(machine.id)}/instanceView?api-version=2024-07-01").json()
    assert [status["code"].split("/")[0] for status in view["statuses"]] == ["ProvisioningState", "PowerState"]
    assert (view["statuses"][1]["code"], view["statuses"][1]["displayStatus"]) == (code, words)
    (listed,) = [row for row in _every(management, ALL + "&statusOnly=true") if row["name"] == machine.name]
    assert listed["properties"]["instanceView"]["statuses"][1]["code"] == code


def test_a_deleted_machine_is_gone_at_once(azure: LocalAzure, management: Any) -> None:
    machine = _running(azure)
    azure.reset(azure.fleet.with_script([Incident(Happening.TERMINATED, 0, 600, (machine.id,))]))
    path = f"{azure.resource_id(machine.id)}?api-version=2024-07-01"
    azure.set_time(NOON + 30)
    assert management.send(path).json()["properties"]["provisioningState"] == "Deleting"
    azure.set_time(NOON + 90)
    assert management.send(path).json()["error"]["code"] == "ResourceNotFound"


def test_a_location_has_only_its_own(azure: LocalAzure, management: Any) -> None:
    path = ALL.replace("/virtualMachines", "/locations/eastus/virtualMachines")
    assert {row["location"] for row in _every(management, path)} == {"eastus"}


def test_the_instance_view_is_expanded_only_for_a_scale_set(management: Any) -> None:
    assert management.send(ALL + "&$expand=instanceView").status_code == 400


def test_a_management_group_has_its_subscriptions(management: Any) -> None:
    path = "/providers/Microsoft.Management/managementGroups/{}/descendants?api-version=2020-05-01"
    rows = list(_every(management, path.format("acme")))
    assert [(row["type"], row["name"]) for row in rows] == [("/subscriptions", WEB), ("/subscriptions", DATA)]
    assert management.send(path.format("other")).status_code == 404
