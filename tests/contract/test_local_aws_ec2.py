"""EC2's listings of the local AWS, read by the real client; where moto is true to AWS, it is the second opinion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import Fleet, Power, simulate
from nephoscope.localcloud.incidents import Happening, Incident

NOON = 1_795_435_200


def _instances(pages: Any) -> list[dict[str, Any]]:
    return [row for page in pages for reservation in page["Reservations"] for row in reservation["Instances"]]


@pytest.fixture(scope="module")
def moto_ec2() -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield boto3.client(
        "ec2",
        endpoint_url=f"http://{host}:{port}",
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    server.stop()


@pytest.fixture
def large(fleet_aws: LocalAws) -> LocalAws:
    """2,345 machines in one region."""
    fleet_aws.reset(simulate(5, 2345, ("eu-central-1",), start=NOON, script=()))
    fleet_aws.set_time(NOON + 3600)
    return fleet_aws


def test_pages_hold_at_most_a_thousand_and_every_machine_once(large: LocalAws) -> None:
    pages = list(large.client("ec2").get_paginator("describe_instances").paginate())
    sizes = [len(_instances([page])) for page in pages]
    assert sizes == [1000, 1000, 345]
    assert {row["InstanceId"] for row in _instances(pages)} == {machine.id for machine in large.fleet.instances}
    assert large.ledger.calls("ec2:DescribeInstances") == 3


def test_a_page_is_counted_in_instances_not_in_reservations(large: LocalAws) -> None:
    page = large.client("ec2").describe_instances(MaxResults=100)
    assert len(_instances([page])) == 100
    assert len(page["Reservations"]) < 100  # several were launched together
    assert page["NextToken"]


def test_pages_have_the_shape_that_moto_gives_them(large: LocalAws, moto_ec2: Any) -> None:
    moto_ec2.run_instances(ImageId="ami-12345678", MinCount=12, MaxCount=12, InstanceType="m7g.large")
    theirs = list(moto_ec2.get_paginator("describe_instances").paginate())
    ours = large.client("ec2").describe_instances(MaxResults=12)
    their_row, our_row = _instances(theirs)[0], _instances([ours])[0]
    assert set(theirs[0]["Reservations"][0]) - {"Groups"} == set(ours["Reservations"][0]) - {"Groups"}
    facts = ("InstanceId", "InstanceType", "LaunchTime", "State", "Placement", "Monitoring", "PrivateIpAddress")
    for fact in facts:
        assert type(our_row[fact]) is type(their_row[fact])
    assert set(their_row["State"]) == set(our_row["State"]) == {"Code", "Name"}


def test_a_strange_id_is_refused_with_the_code_that_moto_gives_it(fleet_aws: LocalAws, moto_ec2: Any) -> None:
    codes = []
    for client in (fleet_aws.client("ec2"), moto_ec2):
        with pytest.raises(ClientError) as caught:
            client.describe_instances(InstanceIds=["i-0123456789abcdef0"])
        codes.append(caught.value.response["Error"]["Code"])
    assert codes == ["InvalidInstanceID.NotFound"] * 2


def test_a_strange_filter_is_refused(fleet_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="'no-such-filter'"):
        fleet_aws.client("ec2").describe_instances(Filters=[{"Name": "no-such-filter", "Values": ["x"]}])


@pytest.mark.parametrize("size", [4, 1001])
def test_a_page_size_out_of_bounds_is_refused(fleet_aws: LocalAws, size: int) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        fleet_aws.client("ec2").describe_instances(MaxResults=size)


def test_ids_and_a_page_size_exclude_each_other(fleet_aws: LocalAws) -> None:
    machine = fleet_aws.fleet.members("111111111111", "eu-central-1")[0]
    with pytest.raises(ClientError, match="InvalidParameterCombination"):
        fleet_aws.client("ec2").describe_instances(InstanceIds=[machine.id], MaxResults=10)


def test_a_token_that_nobody_gave_out_is_refused(fleet_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="InvalidNextToken"):
        fleet_aws.client("ec2").describe_instances(NextToken="x")


def test_a_machine_is_listed_as_the_fleet_has_it(fleet_aws: LocalAws) -> None:
    for machine in fleet_aws.fleet.members("111111111111", "eu-west-1"):
        (row,) = _instances([fleet_aws.client("ec2", "eu-west-1").describe_instances(InstanceIds=[machine.id])])
        assert row["InstanceType"] == machine.type
        assert row["Placement"]["AvailabilityZone"] == machine.zone
        assert row["LaunchTime"].timestamp() == machine.launched_at
        assert {tag["Key"]: tag["Value"] for tag in row.get("Tags", [])} == machine.tags
        assert row["Monitoring"]["State"] == ("enabled" if machine.fine else "disabled")


def test_an_account_sees_its_own_machines_only(fleet_aws: LocalAws, fleet: Fleet) -> None:
    for account in fleet.accounts:
        seen = _instances([fleet_aws.client("ec2", account=account).describe_instances()])
        assert {row["InstanceId"] for row in seen} == {
            machine.id for machine in fleet.instances if (machine.account, machine.region) == (account, "eu-central-1")
        }


def test_filters_by_tag_and_state(fleet_aws: LocalAws) -> None:
    ec2 = fleet_aws.client("ec2")
    filters = [
        {"Name": "tag:env", "Values": ["prod", "stag*"]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    found = {row["InstanceId"] for row in _instances([ec2.describe_instances(Filters=filters)])}
    wanted = {
        sighting.instance.id
        for sighting in fleet_aws.fleet.instances_at(NOON, "111111111111", "eu-central-1")
        if sighting.power is Power.RUNNING and sighting.instance.tags.get("env") in ("prod", "staging")
    }
    assert found == wanted
    assert found


def test_all_six_states_are_told_in_aws_words(fleet_aws: LocalAws) -> None:
    fleet = simulate(2, 6, ("eu-central-1",), start=NOON, script=())
    running = [machine.id for machine in fleet.instances if not machine.parked]
    assert len(running) >= 4
    script = [
        Incident(Happening.STOPPED, 0, 5, (running[0],)),  # pending from the fifth second
        Incident(Happening.STOPPED, 10, 900, (running[1],)),
        Incident(Happening.TERMINATED, 10, 11, (running[2],)),
        Incident(Happening.TERMINATED, -300, 0, (running[3],)),
    ]
    fleet_aws.reset(fleet.with_script(script))
    fleet_aws.set_time(NOON + 30)
    rows = _instances([fleet_aws.client("ec2").describe_instances()])
    states = {row["InstanceId"]: (row["State"]["Code"], row["State"]["Name"]) for row in rows}
    assert [states[name] for name in running[:4]] == [
        (0, "pending"),
        (64, "stopping"),
        (32, "shutting-down"),
        (48, "terminated"),
    ]
    others = {state for name, state in states.items() if name not in running[:4]}
    assert others <= {(16, "running"), (80, "stopped")}


def test_status_lists_the_running_unless_all_are_asked_for(fleet_aws: LocalAws) -> None:
    ec2 = fleet_aws.client("ec2", "us-east-1")
    some = ec2.describe_instance_status()["InstanceStatuses"]
    every = ec2.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"]
    assert {row["InstanceState"]["Name"] for row in some} == {"running"}
    assert len(every) == len(fleet_aws.fleet.members("111111111111", "us-east-1")) > len(some)
    idle = next(row for row in every if row["InstanceState"]["Name"] == "stopped")
    assert (idle["SystemStatus"]["Status"], idle["AttachedEbsStatus"]["Status"]) == ("not-applicable",) * 2


def test_a_failed_check_is_impaired_for_the_time_of_the_incident(fleet_aws: LocalAws) -> None:
    incident = next(row for row in fleet_aws.fleet.script if row.what is Happening.CHECK_FAILED)
    machine = fleet_aws.fleet.instance(incident.instances[0])
    assert machine
    ec2 = fleet_aws.client("ec2", machine.region, machine.account)
    seen = []
    for at in (incident.start - 1, incident.start, incident.end):
        fleet_aws.set_time(NOON + at)
        (row,) = ec2.describe_instance_status(InstanceIds=[machine.id])["InstanceStatuses"]
        seen.append((row["InstanceStatus"]["Status"], row["SystemStatus"]["Status"]))
    assert seen == [("ok", "ok"), ("impaired", "ok"), ("ok", "ok")]


def test_regions_are_the_fleets_and_those_not_opted_into_only_when_asked(fleet_aws: LocalAws, moto_ec2: Any) -> None:
    ec2 = fleet_aws.client("ec2")
    rows = ec2.describe_regions()["Regions"]
    assert [row["RegionName"] for row in rows] == ["eu-central-1", "eu-west-1", "us-east-1"]
    statuses = {row["OptInStatus"] for row in ec2.describe_regions(AllRegions=True)["Regions"]}
    assert statuses == {"opt-in-not-required", "not-opted-in"}
    opted = [{"Name": "opt-in-status", "Values": ["opt-in-not-required", "opted-in"]}]
    assert len(ec2.describe_regions(AllRegions=True, Filters=opted)["Regions"]) == 3
    assert set(rows[0]) == set(moto_ec2.describe_regions()["Regions"][0])
