"""The reader as a function opens it, on the local Google: the metadata server's identity, REST, gRPC over TLS."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest

from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Power, simulate
from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.localcloud.gcp.world import FOLDER, ORGANIZATION
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance
from nephoscope.model.config import Config, Gather, GatherGcp, PublishCloudWatch
from nephoscope.model.errors import Reason
from nephoscope.model.resource import Kind, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Readings, SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import CloudReader

NOON = 1_795_435_200
WEB = Scope(Cloud.GCP, "acme-web", "europe-west1")
CONFIG = Config(
    fleet="acme",
    gather=Gather(gcp=GatherGcp(("acme-web", "acme-data"), resources=(Kind.INSTANCE, Kind.BUCKET))),
    publish=PublishCloudWatch("eu-central-1", "acme"),
)

RATES = frozenset(name for name, metric in load_catalog().metrics.items() if metric.unit.endswith("/s"))
"""Google counts whole bytes and operations a minute."""


class SystemClock:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture
def reader(gcp: LocalGcp) -> CloudReader:
    settings = Settings.from_environment(os.environ)
    opened: CloudReader = wire("cloud", "gcp")(CONFIG, settings, load_catalog(), SystemClock())
    return opened


def soon() -> Deadline:
    return Deadline(time.monotonic() + 20, time.monotonic)


def running(gcp: LocalGcp) -> list[Instance]:
    """Machines of WEB that ran through the last hour."""
    sightings = gcp.fleet.instances_at(NOON, WEB.account, WEB.region)
    steady = [each.instance for each in sightings if gcp.fleet.power(each.instance, NOON - 3600) is Power.RUNNING]
    assert len(steady) > 5
    return steady


def read(reader: CloudReader, metric: str, machines: list[Instance], *, end: int = NOON - 240) -> Readings:
    source = load_catalog().metrics[metric].sources[Cloud.GCP]
    requests = [SeriesRequest(names.machine_id(one), metric, source, 60, end - 600, end) for one in machines]
    return reader.read_series(WEB, CONFIG, requests, soon())


def test_scopes_are_projects_and_the_regions_in_which_they_have_something(reader: CloudReader, gcp: LocalGcp) -> None:
    found = reader.read_scopes(CONFIG, soon())
    assert found.gaps == ()
    assert {scope.account for scope in found.scopes} == {"acme-data", "acme-web"}
    assert {"europe-west1", "us-central1"} <= {scope.region for scope in found.scopes}


@pytest.mark.parametrize("parent", [FOLDER, ORGANIZATION])
def test_projects_are_found_below_a_folder_and_an_organization(reader: CloudReader, gcp: LocalGcp, parent: str) -> None:
    searched = replace(CONFIG, gather=Gather(gcp=GatherGcp(parent=parent)))
    found = reader.read_scopes(searched, soon())
    assert found.gaps == ()
    assert {scope.account for scope in found.scopes} == {"acme-data", "acme-web"}, "what is deleted is not looked into"
    assert gcp.ledger.calls("cloudasset.searchAllResources") == 1
    needs = {(need.action, need.resource) for need in gcp.ledger.needs()}
    assert needs == {
        ("cloudasset.assets.searchAllResources", parent),
        ("compute.instances.list", "projects/acme-data"),
        ("compute.instances.list", "projects/acme-web"),
    }


def test_a_search_that_is_not_allowed_is_a_gap_and_the_named_projects_go_on(reader: CloudReader, gcp: LocalGcp) -> None:
    gcp.world.permissions = frozenset({"compute.instances.list"})
    both = replace(CONFIG, gather=Gather(gcp=GatherGcp(("acme-web",), parent=FOLDER)))
    found = reader.read_scopes(both, soon())
    (gap,) = found.gaps
    assert (gap.scope.account, gap.operation, gap.reason) == (
        FOLDER,
        "cloudasset.assets.searchAllResources",
        Reason.DENIED,
    )
    assert {scope.account for scope in found.scopes} == {"acme-web"}


def test_every_machine_of_a_region_is_listed_and_no_other(reader: CloudReader, gcp: LocalGcp) -> None:
    inventory = reader.read_inventory(WEB, CONFIG, soon())
    assert inventory.gaps == ()
    assert inventory.complete == {Kind.INSTANCE, Kind.BUCKET}
    machines = [resource for resource in inventory.resources if resource.kind is Kind.INSTANCE]
    expected = gcp.fleet.instances_at(NOON, WEB.account, WEB.region)
    assert {machine.id for machine in machines} == {names.machine_id(each.instance) for each in expected}
    assert State.UNKNOWN not in {machine.state for machine in machines}


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
def test_each_minutes_number_is_what_the_machine_did_in_that_minute(
    reader: CloudReader, gcp: LocalGcp, metric: str, measure: Measure
) -> None:
    machines = running(gcp)
    readings = read(reader, metric, machines)
    assert readings.gaps == ()
    by_id = {names.machine_id(one): one for one in machines}
    assert len(readings.series) == len(machines) or metric == "memory.utilization"
    assert readings.series
    for series in readings.series:
        machine = by_id[series.key.resource_id]
        assert list(series.times) == list(range(NOON - 840, NOON - 240, 60))
        truth = [gcp.fleet.value(machine.id, measure, at) for at in series.times]
        assert list(series.values) == pytest.approx(truth, rel=0.001, abs=0.05 if series.key.metric in RATES else 1e-6)


def test_uptime_counts_from_the_last_start(reader: CloudReader, gcp: LocalGcp) -> None:
    old, *others = running(gcp)
    stop, start = NOON - 3000, NOON - 2400
    script = [Incident(Happening.STOPPED, stop - gcp.fleet.start, start - gcp.fleet.start, (old.id,))]
    gcp.reset(gcp.fleet.with_script(script))
    gcp.set_time(NOON)
    readings = read(reader, "uptime", [old, *others])
    assert readings.gaps == ()
    started = {names.machine_id(one): one.launched_at for one in others} | {names.machine_id(old): start}
    for series in readings.series:
        began = started[series.key.resource_id]
        # the point that begins at T stands for the minute until T + 60
        assert list(series.values) == [at + 60 - began for at in series.times]
        assert len(series.times) == 10
    assert len(readings.series) == len(started)


def test_a_whole_region_takes_one_call_a_metric(reader: CloudReader, gcp: LocalGcp) -> None:
    readings = read(reader, "cpu.utilization", running(gcp))
    assert readings.usage.calls["monitoring.timeSeries.list"] == 1
    assert readings.usage.units == {"monitoring.timeSeries.list": len(readings.series)}


def test_more_than_a_hundred_thousand_points_come_in_pages_of_a_hundred_thousand(
    reader: CloudReader, gcp: LocalGcp
) -> None:
    """A page of that size is some megabytes of gRPC, past the channel's four by default."""
    gcp.reset(simulate(3, 2500, regions=("europe-west1",), accounts=("acme-web",), start=NOON, script=[]))
    gcp.set_time(NOON)
    machines = running(gcp)
    source = load_catalog().metrics["cpu.utilization"].sources[Cloud.GCP]
    start, end = NOON - 240 - 3600, NOON - 240
    requests = [SeriesRequest(names.machine_id(one), "cpu.utilization", source, 60, start, end) for one in machines]
    readings = reader.read_series(WEB, CONFIG, requests, Deadline(time.monotonic() + 60, time.monotonic))
    assert readings.gaps == ()
    points = {series.key.resource_id: len(series.times) for series in readings.series}
    assert points == {names.machine_id(one): 60 for one in machines}
    assert 100_000 < sum(points.values()) < 200_000
    assert readings.usage.calls["monitoring.timeSeries.list"] == 2


def test_the_newest_minutes_are_not_there_yet(reader: CloudReader, gcp: LocalGcp) -> None:
    series = read(reader, "cpu.utilization", running(gcp), end=NOON).series
    assert max(each.times[-1] for each in series if each.times) <= NOON - 60


def test_a_project_that_is_not_ours_is_a_gap(reader: CloudReader) -> None:
    (gap, *_) = reader.read_inventory(Scope(Cloud.GCP, "elsewhere", "europe-west1"), CONFIG, soon()).gaps
    assert gap.reason in (Reason.DENIED, Reason.NOT_FOUND)
