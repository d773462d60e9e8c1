"""One unit on three clouds: the same machines under the same load give the same number, whichever cloud answers.

Each machine stands on all three local clouds; each cloud tells its load in its own unit, at its own times, in its own
shape; the three readers, with the vendors' own clients, must bring back the same figures within one percent.
"""

import os
from dataclasses import replace

import pytest
from google.auth.compute_engine import _metadata

from nephoscope.app.outside import SystemClock
from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.fleet import Fleet, simulate
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.model.config import Config, Gather, GatherAws, GatherAzure, GatherGcp, PublishCloudWatch
from nephoscope.model.resource import Kind, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import Deadline

NOON = 1_795_435_200
CATALOG = load_catalog()
SUBSCRIPTION = "11111111-aaaa-4000-8000-000000000001"
PLACES = {
    Cloud.AWS: ("111111111111", "eu-west-1"),
    Cloud.GCP: ("acme-web", "europe-west1"),
    Cloud.AZURE: (SUBSCRIPTION, "westeurope"),
}
SHARED = sorted(
    name
    for name, row in CATALOG.metrics.items()
    if row.on is Kind.INSTANCE and len(row.sources) > 1 and not any(each.attributes for each in row.sources.values())
)
"""Not file systems: a series for each disk, and each cloud's agent names disks in its own way."""
LEAST = {"cpu.credit.balance": 4}
"""Points that must have been compared: only burstable machines have credits, in five-minute steps."""
CONFIG = Config(
    "acme",
    Gather(
        60,
        GatherAws(("eu-west-1",)),
        GatherGcp(("acme-web",)),
        GatherAzure((SUBSCRIPTION,)),
    ),
    PublishCloudWatch("eu-west-1", "acme"),
)


def settled(cloud: Cloud) -> Fleet:
    """Twenty named machines that run, with an agent and a point each minute: the same ones, in this cloud's place."""
    account, region = PLACES[cloud]
    drawn = simulate(4, 60, ("somewhere",), ("nobody",), start=NOON, script=()).instances
    able = [one for one in drawn if one.name and not one.parked and one.launched_at < NOON - 7200][:20]
    machines = [replace(one, account=account, region=region, zone=region + "a", fine=True, agent=1) for one in able]
    return Fleet(4, NOON, tuple(machines), ())


@pytest.fixture(scope="module")
def readings():
    """cloud -> (machine's name, metric) -> {minute: value}"""
    with (
        pytest.MonkeyPatch.context() as patch,
        LocalAws(settled(Cloud.AWS), with_ministack=False, region="eu-west-1") as aws,
        LocalGcp(settled(Cloud.GCP)) as gcp,
        LocalAzure(settled(Cloud.AZURE)) as azure,
    ):
        for local in (aws, gcp, azure):
            local.set_time(NOON)
            for name, value in local.environment().items():
                patch.setenv(name, value)
        patch.setattr(_metadata, "_GCE_METADATA_HOST", gcp.host)
        patch.setenv("NEPHOSCOPE_ACCOUNT", "111111111111")
        settings = Settings.from_environment(os.environ)
        yield {cloud: read(cloud, settings) for cloud in Cloud}


def read(cloud, settings):
    clock = SystemClock()
    reader = wire("cloud", cloud)(CONFIG, settings, CATALOG, clock, None)
    deadline = Deadline(clock.monotonic() + 60, clock.monotonic)
    scope = Scope(cloud, *PLACES[cloud])
    assert scope in reader.read_scopes(CONFIG, deadline).scopes
    inventory = reader.read_inventory(scope, CONFIG, deadline)
    assert inventory.gaps == ()
    assert {one.state for one in inventory.resources} == {State.RUNNING}
    names = {one.id: one.name for one in inventory.resources}
    requests = [
        SeriesRequest(one, metric, source, 60, NOON - 1500, NOON - 900)
        for one in names
        for metric in SHARED
        if (source := CATALOG.metrics[metric].sources.get(cloud)) is not None
    ]
    answer = reader.read_series(scope, CONFIG, requests, deadline)
    assert answer.gaps == ()
    found = {}
    for series in answer.series:
        whole = found.setdefault((names[series.key.resource_id], series.key.metric), {})
        whole |= dict(zip(series.times, series.values, strict=True))
    return found


def test_the_same_machines_are_seen_on_all_three(readings):
    names = {cloud: {name for name, _ in found} for cloud, found in readings.items()}
    assert names[Cloud.AWS] == names[Cloud.GCP] == names[Cloud.AZURE]
    assert len(names[Cloud.AWS]) == 20


@pytest.mark.parametrize("metric", SHARED)
def test_a_number_is_the_same_on_every_cloud_that_has_the_metric(readings, metric):
    clouds = sorted(CATALOG.metrics[metric].sources)
    compared = 0
    for name, _ in [key for key in readings[clouds[0]] if key[1] == metric]:
        first = readings[clouds[0]][name, metric]
        for other in clouds[1:]:
            second = readings[other][name, metric]
            for minute in first.keys() & second.keys():
                assert second[minute] == pytest.approx(first[minute], rel=0.01, abs=1e-6), (name, other, minute)
                compared += 1
    assert compared >= LEAST.get(metric, 100)


def test_a_percentage_is_a_fraction_inside_and_time_is_the_periods_start(readings):
    for found in readings.values():
        for (_, metric), points in found.items():
            assert all(minute % 60 == 0 for minute in points)
            if metric.endswith("utilization"):
                assert all(0 <= value <= 1 for value in points.values())
