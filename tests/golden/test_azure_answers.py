"""Answers as Resource Graph and the metrics batch write them -> resources and series, over the wire; and the series as
Microsoft's own client reads them: both must agree."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for canned_azure, which several rooms of the tests use

from azure.monitor.querymetrics import MetricsClient

from azure_reading import (
    CATALOG,
    DATA,
    NOON,
    WEB,
    WEST,
    config_for,
    graph,
    in_seconds,
    open_canned,
    request_for,
    row,
    rows_of,
)
from canned_azure import BATCH, GRAPH, CannedAzure, Reply, SignedIn
from nephoscope.model.errors import Reason
from nephoscope.model.observation import OBSERVATIONS
from nephoscope.model.resource import Kind, Resource, State, StateGroup
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap

WIRE = Path(__file__).parent / "azure"
ONE = f"/subscriptions/{WEB}/resourcegroups/rg/providers/microsoft.compute/virtualmachines/one"
TWO = ONE.replace("/one", "/two")


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[CannedAzure]:
    with CannedAzure() as canned:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", canned.certificates)
        yield canned


def wire(name: str) -> Reply:
    return Reply((WIRE / name).read_bytes())


def listed(azure: CannedAzure) -> dict[str, Resource]:
    azure.answer(GRAPH, graph(wire("virtual_machines.json")))
    reader = open_canned(azure)
    found = reader.read_scopes(config_for(WEB), in_seconds())
    assert found.gaps == ()
    return {
        resource.name: resource
        for scope in found.scopes
        for resource in reader.read_inventory(scope, config_for(WEB), in_seconds()).resources
    }


def test_machines_whatever_is_missing_of_them(azure: CannedAzure) -> None:
    found = listed(azure)
    assert {name: (each.state, each.vendor_state) for name, each in found.items()} == {
        "cctestvm": (State.RUNNING, "running"),
        "Parked": (State.STOPPED, "deallocated"),
        "failed": (State.UNKNOWN, "failed"),
        "young": (State.STARTING, "creating"),
        "leaving": (State.TERMINATING, "deleting"),
        "dreaming": (State.UNKNOWN, "dreaming"),
        "silent": (State.UNKNOWN, None),
    }
    machine, parked = found["cctestvm"], found["Parked"]
    assert (
        machine.id
        == f"/subscriptions/{WEB}/resourcegroups/test_vm/providers/microsoft.compute/virtualmachines/cctestvm"
    )
    assert (machine.type, machine.zone, machine.scope) == ("Basic_A0", "", WEST)
    assert machine.launched_at == 1_621_606_589  # 2021-05-21T14:16:29Z
    assert machine.tags == {"schedule": "on=(M-U,8);off=(M-U,18);tz=pt", "testtag": "testvalue"}
    assert machine.observations == {"state": "running", "provisioning": "succeeded"}
    assert (parked.scope, parked.zone, parked.launched_at) == (WEST, "2", 1_709_164_800)
    assert parked.tags == {"leer": "", "nichts": "", "büro": "R&D <研究>"}
    assert (found["failed"].launched_at, found["failed"].observations["provisioning"]) == (None, "failed")
    assert found["silent"].scope == Scope(Cloud.AZURE, WEB, "northeurope")


def test_every_word_of_provisioning_is_one_that_rules_may_use(azure: CannedAzure) -> None:
    words = {
        each.observations["provisioning"] for each in listed(azure).values() if "provisioning" in each.observations
    }
    assert words == {"succeeded", "failed", "creating", "deleting", "updating"}
    assert words <= set(OBSERVATIONS[Kind.INSTANCE]["provisioning"])


def test_what_azures_power_states_count_as() -> None:
    """The states of https://learn.microsoft.com/azure/virtual-machines/states-billing."""
    words = ("starting", "running", "stopping", "stopped", "deallocating", "deallocated")
    assert {word: CATALOG.state(Cloud.AZURE, word).group for word in words} == {
        "starting": StateGroup.CHANGING,
        "running": StateGroup.RUNNING,
        "stopping": StateGroup.CHANGING,
        "stopped": StateGroup.STOPPED,
        "deallocating": StateGroup.CHANGING,
        "deallocated": StateGroup.STOPPED,
    }
    assert (Cloud.AZURE, "unknown") in CATALOG.states


def test_one_question_a_table_serves_all_scopes_of_a_run(azure: CannedAzure) -> None:
    azure.answer(GRAPH, graph([row("a"), row("b", DATA, "eastus"), row("c", DATA)], (WEB, DATA)))
    reader, config = open_canned(azure), config_for(WEB, DATA)
    found = reader.read_scopes(config, in_seconds())
    inventories = [reader.read_inventory(scope, config, in_seconds()) for scope in found.scopes]
    assert [(scope.account, scope.region) for scope in found.scopes] == [
        (WEB, "westeurope"),
        (DATA, "eastus"),
        (DATA, "westeurope"),
    ]
    assert [[each.name for each in inventory.resources] for inventory in inventories] == [["a"], ["b"], ["c"]]
    assert all((each.gaps, each.complete) == ((), {Kind.INSTANCE}) for each in inventories)
    assert [dict(each.usage.calls) for each in inventories] == [{"Microsoft.ResourceGraph/resources/read": 3}, {}, {}]
    asked = azure.asked(GRAPH)
    assert len(asked) == 3
    assert asked[0].parameters == {"api-version": "2022-10-01"}
    assert asked[0].body["subscriptions"] == [WEB, DATA]
    assert asked[0].body["options"] == {"$top": 1000, "resultFormat": "objectArray"}
    assert asked[0].headers["authorization"] == "Bearer token for https://management.azure.com/.default"
    reader.read_inventory(found.scopes[0], config, in_seconds())
    assert azure.asked(GRAPH)[-1].body["subscriptions"] == [WEB]


def test_pages_follow_their_token(azure: CannedAzure) -> None:
    pages = [row("a")], [row("b")], [row("c")]

    def page(asked: Any) -> Reply:
        if not asked.body["query"].startswith("resources\n"):
            return graph()(asked)
        place = int(asked.body["options"].get("$skipToken", "0"))
        more = {"$skipToken": str(place + 1)} if place < 2 else {}
        return rows_of(pages[place], totalRecords=3, **more)

    azure.answer(GRAPH, page)
    reader = open_canned(azure)
    reader.read_scopes(config_for(WEB), in_seconds())
    inventory = reader.read_inventory(WEST, config_for(WEB), in_seconds())
    assert ([each.name for each in inventory.resources], inventory.gaps) == (["a", "b", "c"], ())


def test_members_of_scale_sets(azure: CannedAzure) -> None:
    group = f"/subscriptions/{WEB}/resourceGroups/rg"
    name = f"{group}/providers/Microsoft.Compute/virtualMachineScaleSets/web/virtualMachines/0"
    member = row("web_0", id=name, sku={"name": "Standard_D2s_v3"}, zones=["1"], tags={"role": "web"})
    azure.answer(GRAPH, graph([row("a")], members=[member]))
    resources = open_canned(azure).read_inventory(WEST, config_for(WEB), in_seconds()).resources
    _, found = sorted(resources, key=lambda each: each.name)
    assert (found.name, found.type, found.zone, found.tags) == ("web_0", "Standard_D2s_v3", "1", {"role": "web"})
    assert found.id == name.lower()


def test_storage_accounts_are_buckets(azure: CannedAzure) -> None:
    name = f"/subscriptions/{WEB}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acmelogs"
    account = row("acmelogs", id=name, sku={"name": "Standard_LRS"}, created="2024-02-29T00:00:00.0000000Z")
    azure.answer(GRAPH, graph([account]))
    config = config_for(WEB, kinds=(Kind.BUCKET,))
    inventory = open_canned(azure).read_inventory(WEST, config, in_seconds())
    assert inventory.resources == (
        Resource(WEST, Kind.BUCKET, name.lower(), "acmelogs", "Standard_LRS", launched_at=1_709_164_800),
    )
    assert inventory.complete == {Kind.BUCKET}


# --- metrics -------------------------------------------------------------------------------------------------------


def test_series_in_the_catalogs_units(azure: CannedAzure) -> None:
    azure.answer(BATCH, wire("metrics_batch.json"))
    metrics = ("cpu.utilization", "network.receive", "memory.utilization")
    requests = [request_for(metric, ONE) for metric in metrics]
    requests += [request_for(metric, TWO) for metric in metrics]
    found = open_canned(azure).read_series(WEST, config_for(WEB), requests, in_seconds())
    series = {(each.key.resource_id, each.key.metric): each for each in found.series}
    cpu, network, memory = (series[ONE, metric] for metric in metrics)
    assert dict(zip(cpu.times, cpu.values, strict=True)) == {
        NOON - 300: 0.255,
        NOON - 180: 0.0,
        NOON - 120: 1.0,
        NOON - 60: 0.5,
    }
    assert (list(network.times), list(network.values)) == ([NOON - 300, NOON - 240], [100.0, 2.0])
    assert list(memory.values) == [0.625]
    assert cpu.complete and network.complete and memory.complete
    absent, broken = series[TWO, "cpu.utilization"], series[TWO, "network.receive"]
    assert (len(absent.times), absent.complete, len(broken.times), broken.complete) == (0, True, 0, False)
    action = "Microsoft.Insights/metrics/read"
    assert set(found.gaps) == {
        Gap(
            WEST,
            action,
            Reason.NOT_FOUND,
            "ResourceNotFound: The resource was not found.",
            ("network.receive",),
            (TWO,),
        ),
        Gap(WEST, action, Reason.PARTIAL, "no result came", ("memory.utilization",), (TWO,)),
    }
    (asked,) = azure.asked(BATCH)
    assert asked.path == f"/westeurope/subscriptions/{WEB}/metrics:getBatch"
    assert asked.body == {"resourceids": [ONE, TWO]}
    assert asked.headers["authorization"] == "Bearer token for https://metrics.monitor.azure.com/.default"
    assert (found.usage.calls, found.usage.units) == ({action: 1}, {action: 1})


def test_the_series_are_those_that_microsofts_own_client_reads(azure: CannedAzure) -> None:
    azure.answer(BATCH, wire("metrics_batch.json"))
    requests = [request_for(metric, ONE) for metric in ("cpu.utilization", "network.receive")]
    ours = open_canned(azure).read_series(WEST, config_for(WEB), requests, in_seconds())
    window = (datetime.fromtimestamp(NOON - 300, UTC), datetime.fromtimestamp(NOON, UTC))
    with MetricsClient(f"{azure.url}/westeurope", SignedIn()) as client:
        theirs = client.query_resources(
            resource_ids=[ONE],
            metric_namespace="Microsoft.Compute/virtualMachines",
            metric_names=["Percentage CPU", "Network In Total"],
            timespan=window,
            aggregations=["average", "total"],
        )
    plain = {
        metric.name: {
            int(point.timestamp.timestamp()): (point.average, point.total) for point in metric.timeseries[0].data
        }
        for metric in theirs[0].metrics
    }
    read = {each.key.metric: dict(zip(each.times, each.values, strict=True)) for each in ours.series}
    averages = {time: average for time, (average, _) in plain["Percentage CPU"].items() if average is not None}
    totals = {time: total for time, (_, total) in plain["Network In Total"].items() if total is not None}
    assert read["cpu.utilization"] == pytest.approx({time: value / 100 for time, value in averages.items()})
    assert read["network.receive"] == pytest.approx({time: value / 60 for time, value in totals.items()})
    asked, plainly = azure.asked(BATCH)
    assert asked.body == plainly.body
    for name in ("metricnamespace", "api-version"):
        assert asked.parameters[name] == plainly.parameters[name]


def test_an_answer_that_is_wrapped_in_a_text(azure: CannedAzure) -> None:
    azure.answer(BATCH, Reply.of(json.dumps(json.loads((WIRE / "metrics_batch.json").read_bytes()))))
    found = open_canned(azure).read_series(WEST, config_for(WEB), [request_for("cpu.utilization", ONE)], in_seconds())
    assert (len(found.series[0].times), found.gaps) == (4, ())
