"""Google Cloud read by a function of AWS: google-auth's own signing, the exchange with real checks on both sides, and
every way in which it may be refused, as gaps that name what was refused."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest
from google.auth.compute_engine import _metadata

from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Power
from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.federation import Provider
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.model.config import Config, Gather, GatherGcp, GcpFederation, PublishCloudWatch
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import CloudReader

NOON = 1_795_435_200
ACCOUNT = "111111111111"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/nephoscope-prod-eu-central-1-collect"
ASSUMED = f"arn:aws:sts::{ACCOUNT}:assumed-role/nephoscope-prod-eu-central-1-collect"
PROVIDER = Provider(
    "projects/123456789012/locations/global/workloadIdentityPools/nephoscope/providers/aws-lambda",
    ACCOUNT,
    frozenset({ASSUMED}),
)
WEB = Scope(Cloud.GCP, "acme-web", "europe-west1")
ENTRY = GcpFederation(PROVIDER.name, names.account_email("acme-web"))
CONFIG = Config(
    fleet="acme",
    gather=Gather(gcp=GatherGcp(("acme-web",), from_aws=ENTRY)),
    publish=PublishCloudWatch("eu-central-1", "acme"),
)


class SystemClock:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture
def google(gcp: LocalGcp, fleet_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalGcp:
    """A Google that trusts the role of a Lambda, and a process that has nothing but that role's keys."""
    gcp.federate(fleet_aws.url, PROVIDER)
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", "127.0.0.1:9")
    for name, value in fleet_aws.world.sessions.enter(ROLE, "nephoscope-prod-collect").items():
        monkeypatch.setenv(name, value)
    return gcp


def open_reader(config: Config = CONFIG) -> CloudReader:
    settings = replace(Settings.from_environment(os.environ), runs_in="aws", clouds=("aws", "gcp"))
    guest = wire("identity", "aws")(settings)
    opened: CloudReader = wire("cloud", "gcp")(config, settings, load_catalog(), SystemClock(), None, guest)
    return opened


def soon() -> Deadline:
    return Deadline(time.monotonic() + 20, time.monotonic)


def test_instances_and_metrics_are_read_with_aws_keys_alone(google: LocalGcp, fleet_aws: LocalAws) -> None:
    reader = open_reader()
    found = reader.read_scopes(CONFIG, soon())
    assert (found.gaps, WEB in found.scopes) == ((), True)
    inventory = reader.read_inventory(WEB, CONFIG, soon())
    assert inventory.gaps == ()
    assert inventory.complete == {Kind.INSTANCE}
    expected = google.fleet.instances_at(NOON, WEB.account, WEB.region)
    assert {machine.id for machine in inventory.resources} == {names.machine_id(each.instance) for each in expected}

    machine = next(
        each.instance for each in expected if google.fleet.power(each.instance, NOON - 3600) is Power.RUNNING
    )
    source = load_catalog().metrics["cpu.utilization"].sources[Cloud.GCP]
    request = SeriesRequest(names.machine_id(machine), "cpu.utilization", source, 60, NOON - 840, NOON - 240)
    readings = reader.read_series(WEB, CONFIG, [request], soon())
    (series,) = readings.series
    assert readings.gaps == ()
    truth = [google.fleet.value(machine.id, Measure.CPU, at) for at in range(NOON - 840, NOON - 240, 60)]
    assert list(series.values) == pytest.approx(truth, rel=0.001)
    # one exchange for all of it, and what it read it read as the service account
    assert [google.ledger.calls(each) for each in ("sts.token", "iamcredentials.generateAccessToken")] == [1, 1]
    readers = {
        entry.principal for entry in google.ledger.entries() if entry.action.startswith(("compute", "monitoring"))
    }
    assert readers == {ENTRY.service_account}
    assert [entry.principal for entry in fleet_aws.ledger.entries("sts:GetCallerIdentity")] == [ROLE]
