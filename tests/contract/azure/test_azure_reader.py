"""ports.CloudReader for Azure, as production opens it, against the local Azure: Microsoft's identity client,
tokens that are checked, the fleet's machines and their loads."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from azure.core.credentials import AccessToken

from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.azure.reader import AzureReader
from nephoscope.clouds.azure.session import Sessions
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Power, simulate
from nephoscope.model.config import Config, Gather, GatherAzure, PublishCloudWatch
from nephoscope.model.errors import Reason
from nephoscope.model.resource import Kind, State
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import CloudReader

NOON = 1_795_435_200
WEB = "11111111-aaaa-4000-8000-000000000001"
DATA = "22222222-bbbb-4000-8000-000000000002"
CATALOG = load_catalog()
BATCH, GRAPH = "Microsoft.Insights/metrics/read", "Microsoft.ResourceGraph/resources/read"


class SystemClock:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def config_for(where: Selector | None = None, kinds: tuple[Kind, ...] = (Kind.INSTANCE,)) -> Config:
    gather = GatherAzure((WEB, DATA), resources=kinds, where=where or Selector())
    return Config("acme", Gather(azure=gather), PublishCloudWatch("eu-west-1", "acme"))


def soon() -> Deadline:
    return Deadline(time.monotonic() + 30, time.monotonic)


@pytest.fixture
def reader(azure: LocalAzure) -> Iterator[CloudReader]:
    opened: CloudReader = wire("cloud", "azure")(
        config_for(), Settings.from_environment(), CATALOG, SystemClock(), None
    )
    yield opened


def request(metric: str, resource: str, start: int = NOON - 900, end: int = NOON - 300) -> SeriesRequest:
    source = CATALOG.metrics[metric].sources[Cloud.AZURE]
    return SeriesRequest(resource, metric, source, source.period, start, end)


def test_every_machine_of_the_fleet_is_found_in_its_state(azure: LocalAzure, reader: CloudReader) -> None:
    config = config_for()
    found = reader.read_scopes(config, soon())
    assert found.gaps == ()
    inventories = [reader.read_inventory(scope, config, soon()) for scope in found.scopes]
    seen = {each.id: each for inventory in inventories for each in inventory.resources}
    sightings = {
        azure.resource_id(each.instance.id).lower(): each
        for each in azure.fleet.instances_at(NOON)
        if each.power is not Power.TERMINATED
    }
    assert seen.keys() == sightings.keys()
    ours = {Power.RUNNING: State.RUNNING, Power.STOPPED: State.STOPPED, Power.PENDING: State.STARTING}
    for name, each in sightings.items():
        assert seen[name].state is ours[each.power]
        assert (seen[name].scope.account, seen[name].scope.region) == (each.instance.account, each.instance.region)
        assert seen[name].launched_at == each.instance.launched_at
    assert sum(inventory.usage.calls.get(GRAPH, 0) for inventory in inventories) == 3


def test_tags_select(reader: CloudReader) -> None:
    config = config_for(Selector({"role": ("web",)}, {"env": ("prod",)}))
    scopes = reader.read_scopes(config, soon()).scopes
    found = [each for scope in scopes for each in reader.read_inventory(scope, config, soon()).resources]
    assert found
    assert {each.tags["role"] for each in found} == {"web"}
    assert "prod" not in {each.tags["env"] for each in found}


@pytest.mark.parametrize(
    ("metric", "measure"),
    [
        ("cpu.utilization", Measure.CPU),
        ("network.receive", Measure.RECEIVED),
        ("network.transmit", Measure.SENT),
        ("disk.read", Measure.READ_BYTES),
        ("disk.write", Measure.WRITTEN_BYTES),
        ("disk.read.operations", Measure.READS),
        ("disk.write.operations", Measure.WRITES),
        ("memory.utilization", Measure.MEMORY),
    ],
)
def test_the_number_is_the_one_that_the_fleet_has(
    azure: LocalAzure, reader: CloudReader, metric: str, measure: Measure
) -> None:
    machine = next(
        each
        for each in azure.fleet.members(WEB, "westeurope")
        if all(azure.fleet.value(each.id, measure, at) for at in range(NOON - 900, NOON - 300, 60))
    )
    name = azure.resource_id(machine.id).lower()
    found = reader.read_series(Scope(Cloud.AZURE, WEB, "westeurope"), config_for(), [request(metric, name)], soon())
    (series,) = found.series
    assert (found.gaps, series.complete, len(series.times)) == ((), True, 10)
    load = [azure.fleet.value(machine.id, measure, at) for at in series.times]
    assert list(series.values) == pytest.approx(load, rel=0.01)


def test_two_hundred_machines_and_nine_metrics_are_four_calls(azure: LocalAzure, reader: CloudReader) -> None:
    azure.reset(simulate(3, 200, ("westeurope",), (WEB,), start=NOON))
    azure.set_time(NOON)
    names = [azure.resource_id(each.id).lower() for each in azure.fleet.instances]
    metrics = [name for name, metric in CATALOG.metrics.items() if metric.on is Kind.INSTANCE]
    metrics = [name for name in metrics if Cloud.AZURE in CATALOG.metrics[name].sources]
    requests = [request(metric, name) for name in names for metric in metrics]
    found = reader.read_series(Scope(Cloud.AZURE, WEB, "westeurope"), config_for(), requests, soon())
    assert (len(metrics), len(found.series)) == (9, 1800)
    assert found.usage.calls == {BATCH: 4}


def test_storage_accounts_have_a_size(azure: LocalAzure, reader: CloudReader) -> None:
    config = config_for(kinds=(Kind.BUCKET,))
    scopes = reader.read_scopes(config, soon()).scopes
    inventory = next(found for scope in scopes if (found := reader.read_inventory(scope, config, soon())).resources)
    bucket = inventory.resources[0]
    hour = NOON - 3 * 3600
    found = reader.read_series(bucket.scope, config, [request("size", bucket.id, hour - 7200, hour)], soon())
    (series,) = found.series
    assert found.gaps == ()
    assert len(series.times) == 2
    assert all(value > 0 for value in series.values)


def test_a_machine_that_went_between_listing_and_reading_costs_only_itself(
    azure: LocalAzure, reader: CloudReader
) -> None:
    here = Scope(Cloud.AZURE, WEB, "westeurope")
    machine = azure.resource_id(azure.fleet.members(WEB, "westeurope")[0].id).lower()
    gone = machine.rpartition("/")[0] + "/gone"
    requests = [request("cpu.utilization", machine), request("cpu.utilization", gone)]
    found = reader.read_series(here, config_for(), requests, soon())
    assert [(each.key.resource_id, each.complete) for each in found.series if each.times] == [(machine, True)]
    assert [gap.resource_ids for gap in found.gaps] == [(gone,)]


def test_a_subscription_without_permission_leaves_the_other(azure: LocalAzure, reader: CloudReader) -> None:
    azure.deny(DATA)
    found = reader.read_scopes(config_for(), soon())
    assert [(gap.scope.account, gap.reason) for gap in found.gaps] == [(DATA, Reason.DENIED)]
    complete = {scope: reader.read_inventory(scope, config_for(), soon()).complete for scope in found.scopes}
    assert {scope.account for scope, kinds in complete.items() if kinds} == {WEB}
    assert {scope.account for scope, kinds in complete.items() if not kinds} == {DATA}


class Mistaken:
    """A credential that gives a token for another audience to whoever asks for this one."""

    def __init__(self, azure: LocalAzure, audience: str) -> None:
        self._azure = azure
        self._audience = audience

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        asked = scopes[0].removesuffix("/.default")
        audience = "https://vault.azure.net" if asked == self._audience else asked
        return AccessToken(self._azure.token(audience), int(time.time()) + 3600)


@pytest.mark.parametrize(
    ("audience", "listed"), [("https://management.azure.com", False), ("https://metrics.monitor.azure.com", True)]
)
def test_a_token_for_another_audience_is_a_gap_that_says_so_and_the_other_door_stays_open(
    azure: LocalAzure, audience: str, listed: bool
) -> None:
    endpoints = {"azure_management": azure.url, "azure_metrics": azure.url + "/{region}"}
    reader = AzureReader(Sessions(Mistaken(azure, audience), endpoints), CATALOG, SystemClock())
    here = Scope(Cloud.AZURE, WEB, "westeurope")
    machine = azure.resource_id(azure.fleet.members(WEB, "westeurope")[0].id).lower()
    inventory = reader.read_inventory(here, config_for(), soon())
    readings = reader.read_series(here, config_for(), [request("cpu.utilization", machine)], soon())
    refused, well = (readings, inventory) if listed else (inventory, readings)
    assert well.gaps == ()
    assert (bool(inventory.resources), bool(readings.series)) == (listed, not listed)
    assert {gap.reason for gap in refused.gaps} == {Reason.DENIED}
    assert all(gap.detail.startswith("InvalidAuthenticationTokenAudience") for gap in refused.gaps)


def test_a_throttled_metrics_plane_is_asked_again(azure: LocalAzure, reader: CloudReader) -> None:
    azure.faults.add(Fault(Failing.THROTTLE, BATCH, calls=1, seconds=1))
    machine = azure.resource_id(azure.fleet.members(WEB, "westeurope")[0].id).lower()
    here = Scope(Cloud.AZURE, WEB, "westeurope")
    found = reader.read_series(here, config_for(), [request("cpu.utilization", machine)], soon())
    assert (found.gaps, found.usage.calls) == ((), {BATCH: 2})


def test_the_identitys_own_token_is_for_the_audience_that_was_asked(azure: LocalAzure) -> None:
    token = wire("identity", "azure")(Settings()).read_token("api://nephoscope").reveal()
    claims = azure.issuer.claims(token)
    assert (claims["aud"], claims["sub"]) == ("api://nephoscope", azure.identity.object_id)
