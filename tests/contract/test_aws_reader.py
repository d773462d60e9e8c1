"""ports.CloudReader for AWS, as production opens it, against three AWSs: the local one (fleet, ledger, limits), and two
emulators that others wrote. Each is believed where it is true to AWS; what it is not is said beside it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from nephoscope.app.settings import Settings
from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.aws.reader import open_reader
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT, HOME_REGION, Ministack, open_client, sdk_environment
from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Power, simulate
from nephoscope.model.config import AwsAccount, Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.errors import Reason
from nephoscope.model.resource import Kind, State
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import CloudReader

NOON = 1_795_435_200
MEMBER = "222222222222"
CATALOG = load_catalog()


class SystemClock:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def soon() -> Deadline:
    return Deadline(time.monotonic() + 30, time.monotonic)


def config_for(
    *regions: str, where: Selector | None = None, accounts: tuple[AwsAccount, ...] = (AwsAccount(),), kinds: Any = None
) -> Config:
    gather = GatherAws(regions or (HOME_REGION,), accounts, kinds or (Kind.INSTANCE,), where or Selector())
    return Config("acme", Gather(aws=gather), PublishCloudWatch(HOME_REGION, "acme"))


def reader_for(config: Config) -> CloudReader:
    return open_reader(config, Settings(home_region=HOME_REGION), CATALOG, SystemClock())


def request(metric: str, resource: str, start: int, end: int, period: int = 60) -> SeriesRequest:
    return SeriesRequest(resource, metric, CATALOG.metrics[metric].sources[Cloud.AWS], period, start, end)


# --- the emulators -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Emulator:
    """account: as which its clients are seen. Its region is this test's own, empty at first."""

    name: str
    url: str
    account: str
    region: str

    def client(self, service: str) -> Any:
        return open_client(self.url, service, self.region, HOME_ACCOUNT)

    @property
    def scope(self) -> Scope:
        return Scope(Cloud.AWS, self.account, self.region)


@pytest.fixture(params=["ministack", "moto"])
def emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    if request.param == "ministack":
        running: Ministack = request.getfixturevalue("ministack")
        found = Emulator("ministack", running.url, HOME_ACCOUNT, "eu-north-1")
    else:
        found = Emulator("moto", request.getfixturevalue("moto_url"), "123456789012", "eu-north-1")
    for name, value in sdk_environment(found.url).items():
        monkeypatch.setenv(name, value)
    yield found
    ec2 = found.client("ec2")
    pages = ec2.describe_instances()["Reservations"]
    ids = [row["InstanceId"] for page in pages for row in page["Instances"]]
    if ids:
        ec2.terminate_instances(InstanceIds=ids)


def launch(emulator: Emulator, tags: dict[str, str]) -> str:
    ec2 = emulator.client("ec2")
    images = ec2.describe_images()["Images"]
    rows = [{"Key": key, "Value": value} for key, value in tags.items()]
    launched = ec2.run_instances(
        ImageId=images[0]["ImageId"],
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": rows}],
    )
    return str(launched["Instances"][0]["InstanceId"])


def test_machines_with_their_states_tags_and_checks(emulator: Emulator) -> None:
    batch = uuid.uuid4().hex
    up, down, gone = (launch(emulator, {"Name": name, "batch": batch}) for name in ("up", "down", "gone"))
    emulator.client("ec2").stop_instances(InstanceIds=[down])
    emulator.client("ec2").terminate_instances(InstanceIds=[gone])
    launch(emulator, {"Name": "stranger"})
    config = config_for(emulator.region, where=Selector({"batch": (batch,)}))
    found = reader_for(config).read_inventory(emulator.scope, config, soon())
    assert (found.gaps, found.complete) == ((), {Kind.INSTANCE})
    by_id = {each.id: each for each in found.resources}
    assert {name: by_id[each].state for name, each in (("up", up), ("down", down))} == {
        "up": State.RUNNING,
        "down": State.STOPPED,
    }
    assert by_id.keys() - {gone} == {up, down}
    assert all(by_id[each].state is State.TERMINATED for each in by_id.keys() & {gone})  # some forget it at once
    assert (by_id[up].name, by_id[up].type, by_id[up].zone[:-1]) == ("up", "t3.micro", emulator.region)
    assert by_id[up].observations["check.system"] == "ok"
    assert by_id[up].launched_at is not None
    assert abs(by_id[up].launched_at - time.time()) < 120


def test_points_come_back_in_the_catalogs_unit(emulator: Emulator) -> None:
    """A dimension of their own for each run: CloudWatch forgets nothing for 15 months."""
    machine = f"i-{uuid.uuid4().hex[:17]}"
    end = int(time.time()) // 60 * 60 - 300
    stamps = [end - 180, end - 120, end - 60]
    emulator.client("cloudwatch").put_metric_data(
        Namespace="CWAgent",
        MetricData=[
            {
                "MetricName": "mem_used_percent",
                "Dimensions": [{"Name": "InstanceId", "Value": machine}],
                "Timestamp": datetime.fromtimestamp(stamp, UTC),
                "Value": value,
                "Unit": "Percent",
            }
            for stamp, value in zip(stamps, (40.0, 50.0, 95.0), strict=True)
        ],
    )
    config = config_for(emulator.region)
    asked = [request("memory.utilization", each, end - 600, end) for each in (machine, "i-0none")]
    readings = reader_for(config).read_series(emulator.scope, config, asked, soon())
    assert readings.gaps == ()
    (series,) = readings.series
    assert (series.key.resource_id, series.complete, list(series.times)) == (machine, True, stamps)
    assert list(series.values) == pytest.approx([0.40, 0.50, 0.95])


def test_buckets_and_their_tags(emulator: Emulator) -> None:
    s3 = emulator.client("s3")
    names = [f"nephoscope-{uuid.uuid4().hex[:12]}-{word}" for word in ("logs", "attic")]
    for name in names:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": emulator.region})
    s3.put_bucket_tagging(Bucket=names[0], Tagging={"TagSet": [{"Key": "mine", "Value": names[0]}]})
    config = config_for(emulator.region, kinds=(Kind.BUCKET,))
    found = reader_for(config).read_inventory(emulator.scope, config, soon())
    assert set(names) <= {each.id for each in found.resources}
    assert (found.gaps, found.complete) == ((), {Kind.BUCKET})
    config = config_for(emulator.region, kinds=(Kind.BUCKET,), where=Selector({"mine": (names[0],)}))
    found = reader_for(config).read_inventory(emulator.scope, config, soon())
    assert [(each.id, dict(each.tags)) for each in found.resources] == [(names[0], {"mine": names[0]})]
    for name in names:
        s3.delete_bucket(Bucket=name)


def test_the_own_account_and_regions_by_themselves(emulator: Emulator) -> None:
    config = config_for("all")
    found = reader_for(config).read_scopes(config, soon())
    assert found.gaps == ()
    assert {scope.account for scope in found.scopes} == {emulator.account}
    assert {"eu-central-1", "us-east-1"} <= {scope.region for scope in found.scopes}


# --- the local AWS: the fleet is the truth, the ledger the bill --------------------------------------------------


@pytest.fixture
def local(fleet_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    for name, value in fleet_aws.environment().items():
        monkeypatch.setenv(name, value)
    return fleet_aws


def test_every_machine_of_every_scope_once(local: LocalAws) -> None:
    role = f"arn:aws:iam::{MEMBER}:role/nephoscope-reader"
    config = config_for("all", accounts=(AwsAccount(), AwsAccount(role, "local-external-id")))
    reader = reader_for(config)
    found = reader.read_scopes(config, soon())
    assert found.gaps == ()
    assert {(scope.account, scope.region) for scope in found.scopes} == {
        (account, region) for account in (HOME_ACCOUNT, MEMBER) for region in local.fleet.regions
    }
    read = {scope: reader.read_inventory(scope, config, soon()) for scope in found.scopes}
    assert [gap for each in read.values() for gap in each.gaps] == []
    seen = {each.id: each for inventory in read.values() for each in inventory.resources}
    truth = {sighting.instance.id: sighting for sighting in local.fleet.instances_at(NOON)}
    assert seen.keys() == truth.keys()
    for machine, sighting in truth.items():
        resource = seen[machine]
        assert (resource.scope.account, resource.scope.region) == (sighting.instance.account, sighting.instance.region)
        assert (resource.name, resource.type, resource.zone, resource.fine) == (
            sighting.instance.name,
            sighting.instance.type,
            sighting.instance.zone,
            sighting.instance.fine,
        )
        assert (resource.state is State.RUNNING) == (sighting.power is Power.RUNNING)
        assert resource.launched_at == sighting.instance.launched_at


def test_a_large_region_takes_the_fewest_calls_and_the_ledger_agrees(local: LocalAws) -> None:
    local.reset(simulate(5, 2345, (HOME_REGION,), start=NOON, script=()))
    local.set_time(NOON + 3600)
    config = config_for()
    reader, scope = reader_for(config), Scope(Cloud.AWS, HOME_ACCOUNT, HOME_REGION)
    inventory = reader.read_inventory(scope, config, soon())
    assert (len(inventory.resources), inventory.gaps) == (2345, ())
    assert inventory.usage.calls == {"ec2:DescribeInstances": 3, "ec2:DescribeInstanceStatus": 3}
    running = [each for each in inventory.resources if each.measured]
    asked = [
        request(metric, each.id, NOON + 1800, NOON + 3000, 60 if each.fine else 300)
        for each in running
        for metric in ("cpu.utilization", "network.receive")
    ]
    readings = reader.read_series(scope, config, asked, soon())
    assert readings.gaps == ()
    assert len(readings.series) == len(asked)
    fine = 2 * sum(each.fine for each in running)
    floor = -(-fine // 500) + -(-(len(asked) - fine) // 500)
    assert readings.usage.calls == {"cloudwatch:GetMetricData": floor}
    assert readings.usage.units == {"cloudwatch:GetMetricData": len(asked)}
    assert local.ledger.calls("cloudwatch:GetMetricData") == floor
    assert local.ledger.units("cloudwatch:GetMetricData") == len(asked)


def test_the_load_that_the_fleet_has_is_the_load_that_is_read(local: LocalAws) -> None:
    local.set_time(NOON + 1800)
    config, scope = config_for(), Scope(Cloud.AWS, HOME_ACCOUNT, HOME_REGION)
    reader = reader_for(config)
    machine = next(
        each.instance
        for each in local.fleet.instances_at(NOON + 1800, HOME_ACCOUNT, HOME_REGION)
        if each.power is Power.RUNNING and each.instance.fine and each.instance.agent
    )
    start, end = NOON + 600, NOON + 1200
    names = {
        "cpu.utilization": Measure.CPU,
        "network.transmit": Measure.SENT,
        "disk.write.operations": Measure.WRITES,
        "memory.utilization": Measure.MEMORY,
    }
    readings = reader.read_series(scope, config, [request(name, machine.id, start, end) for name in names], soon())
    assert readings.gaps == ()
    read = {series.key.metric: series for series in readings.series}
    for name, measure in names.items():
        truth = [local.fleet.value(machine.id, measure, at) for at in range(start, end, 60)]
        assert list(read[name].times) == list(range(start, end, 60))
        assert list(read[name].values) == pytest.approx(truth)


def test_buckets_sizes_by_storage_class(local: LocalAws) -> None:
    bucket = next(each for each in local.fleet.buckets if (each.account, each.region) == (HOME_ACCOUNT, HOME_REGION))
    config, scope = config_for(kinds=(Kind.BUCKET,)), Scope(Cloud.AWS, HOME_ACCOUNT, HOME_REGION)
    reader = reader_for(config)
    inventory = reader.read_inventory(scope, config, soon())
    assert bucket.name in {each.id for each in inventory.resources}
    midnight = NOON - 43_200
    window = (midnight - 3 * 86_400, midnight)
    asked = [request(metric, bucket.name, *window, 86_400) for metric in ("size", "objects")]
    readings = reader.read_series(scope, config, asked, soon())
    assert readings.gaps == ()
    sizes = [series for series in readings.series if series.key.metric == "size"]
    assert len(sizes) == len(bucket.classes)
    day = midnight - 86_400
    assert sorted(series.values[-1] for series in sizes) == pytest.approx(
        sorted(local.fleet.stored(bucket, day).values())
    )
    (objects,) = [series for series in readings.series if series.key.metric == "objects"]
    assert objects.times[-1] == day


def test_a_throttled_region_is_read_all_the_same_and_a_denied_one_is_a_gap(local: LocalAws) -> None:
    local.faults.add(Fault(Failing.THROTTLE, "ec2:DescribeInstances", calls=2))
    local.faults.add(Fault(Failing.DENY, "ec2:DescribeInstanceStatus"))
    config, scope = config_for(), Scope(Cloud.AWS, HOME_ACCOUNT, HOME_REGION)
    inventory = reader_for(config).read_inventory(scope, config, soon())
    assert inventory.resources
    assert [(gap.operation, gap.reason) for gap in inventory.gaps] == [("ec2:DescribeInstanceStatus", Reason.DENIED)]
    assert inventory.usage.calls["ec2:DescribeInstances"] == local.ledger.calls("ec2:DescribeInstances") == 3


def test_a_member_that_does_not_trust_us_is_blind_and_said(local: LocalAws) -> None:
    role = f"arn:aws:iam::{MEMBER}:role/nephoscope-reader"
    config = config_for(accounts=(AwsAccount(), AwsAccount(role, "guessed")))
    reader = reader_for(config)
    found = reader.read_scopes(config, soon())
    assert [(gap.scope.account, gap.operation, gap.reason) for gap in found.gaps] == [
        (MEMBER, "sts:AssumeRole", Reason.DENIED)
    ]
    blind = Scope(Cloud.AWS, MEMBER, HOME_REGION)
    assert blind in found.scopes
    assert [gap.reason for gap in reader.read_inventory(blind, config, soon()).gaps] == [Reason.DENIED]
    assert reader.read_inventory(Scope(Cloud.AWS, HOME_ACCOUNT, HOME_REGION), config, soon()).gaps == ()


@pytest.mark.parametrize("failing", [Failing.MALFORMED, Failing.CUT, Failing.ERROR, Failing.UNAVAILABLE])
def test_however_a_read_fails_it_is_a_gap_and_not_an_empty_fleet(local: LocalAws, failing: Failing) -> None:
    local.faults.add(Fault(failing, "ec2:DescribeInstances"))
    local.faults.add(Fault(failing, "cloudwatch:GetMetricData"))
    config, scope = config_for(), Scope(Cloud.AWS, HOME_ACCOUNT, HOME_REGION)
    reader = reader_for(config)
    reason = Reason.MALFORMED if failing is Failing.MALFORMED else Reason.UNAVAILABLE
    inventory = reader.read_inventory(scope, config, soon())
    assert ([gap.reason for gap in inventory.gaps], inventory.complete) == ([reason], frozenset())
    asked = [request("cpu.utilization", "i-1", NOON - 600, NOON)]
    readings = reader.read_series(scope, config, asked, soon())
    assert ([gap.reason for gap in readings.gaps], readings.series) == ([reason], ())
