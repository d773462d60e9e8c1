"""Recorded answers of EC2 and S3 -> resources, by the quick path and by botocore's own parser: both must agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.parsers import create_parser
from botocore.session import get_session

from aws_reading import HOME, SCOPE, config_for, in_seconds, open_quick_reader
from canned_aws import CannedAws, Reply, ec2_reply
from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.aws.inventory import parse_checks, parse_instance
from nephoscope.clouds.aws.transport import attach, take_instances, take_statuses
from nephoscope.model.resource import Kind, Resource, State

WIRE = Path(__file__).parent / "aws"
NO_STATUS = ec2_reply("DescribeInstanceStatus", "<instanceStatusSet/>")


def wire(name: str) -> bytes:
    return (WIRE / name).read_bytes()


def read(aws: CannedAws, name: str, **selecting: Any) -> dict[str, Resource]:
    aws.answer("DescribeInstances", Reply(wire(name)))
    if not aws.asked("DescribeInstanceStatus"):
        aws.answer("DescribeInstanceStatus", NO_STATUS)
    found = open_quick_reader().read_inventory(SCOPE, config_for(**selecting), in_seconds())
    assert found.gaps == ()
    assert found.complete == {Kind.INSTANCE}
    return {resource.id: resource for resource in found.resources}


def test_terminated_running_and_stopped_machines(aws: CannedAws) -> None:
    found = read(aws, "describe_instances_three_states.xml")
    assert {name: (each.state, each.vendor_state) for name, each in found.items()} == {
        "i-00000000000000001": (State.TERMINATED, "terminated"),
        "i-00000000000000002": (State.RUNNING, "running"),
        "i-00000000000000003": (State.STOPPED, "stopped"),
        "i-00000000000000004": (State.TERMINATED, "terminated"),
        "i-00000000000000005": (State.TERMINATED, "terminated"),
        "i-00000000000000006": (State.RUNNING, "running"),
    }
    machine = found["i-00000000000000002"]
    assert (machine.type, machine.zone, machine.fine, machine.tags) == ("m4.4xlarge", "us-west-2c", False, {})
    assert machine.launched_at == 1_469_308_618  # 2016-07-23T21:16:58Z
    assert machine.observations == {"state": "running"}


def test_a_record_without_a_state_stays_visible_and_breaks_nothing(aws: CannedAws) -> None:
    found = read(aws, "describe_instances_without_state.xml")
    assert found == {
        "i-00000000000000001": Resource(
            SCOPE,
            Kind.INSTANCE,
            "i-00000000000000001",
            state=State.UNKNOWN,
            vendor_state=None,
            observations={"state": "unknown"},
        )
    }


def test_unknown_states_and_fields_and_other_peoples_signs(aws: CannedAws) -> None:
    found = read(aws, "describe_instances_odd.xml")
    dreaming, young = found["i-0b"], found["i-0a"]
    assert (dreaming.state, dreaming.vendor_state, dreaming.fine) == (State.UNKNOWN, "dreaming", True)
    assert dreaming.name == "R&D <büro> 研究"
    assert dreaming.tags == {"Name": "R&D <büro> 研究", "empty": "", "aws:autoscaling:groupName": "web"}
    assert (young.state, young.fine, young.launched_at) == (State.STARTING, False, 1_795_435_199)


def test_the_checks_of_system_instance_and_volumes(aws: CannedAws) -> None:
    aws.answer("DescribeInstances", Reply(wire("describe_instances_three_states.xml")))
    aws.answer("DescribeInstanceStatus", Reply(wire("describe_instance_status.xml")))
    found = open_quick_reader().read_inventory(SCOPE, config_for(), in_seconds())
    assert {each.id[-1]: dict(each.observations) for each in found.resources} == {
        "1": {"state": "terminated"},
        "2": {"state": "running", "check.system": "failed", "check.instance": "ok", "check.ebs": "ok"},
        "3": {"state": "stopped", "check.system": "not-applicable", "check.instance": "not-applicable"},
        "4": {"state": "terminated"},
        "5": {"state": "terminated"},
        "6": {
            "state": "running",
            "check.system": "initializing",
            "check.instance": "insufficient-data",
            "check.ebs": "pondering",
        },
    }
    (asked,) = aws.asked("DescribeInstanceStatus")
    assert asked.parameters["IncludeAllInstances"] == "true"
    assert asked.parameters["MaxResults"] == "1000"


@pytest.mark.parametrize(
    "name",
    [
        "describe_instances_three_states.xml",
        "describe_instances_two_interfaces.xml",
        "describe_instances_without_state.xml",
        "describe_instances_odd.xml",
    ],
)
def test_the_quick_path_reads_what_botocores_parser_reads(name: str) -> None:
    quick = take_instances(wire(name))
    assert quick is not None
    assert resources(quick) == resources(plainly("DescribeInstances", wire(name)))


def test_the_quick_path_reads_the_checks_that_botocores_parser_reads() -> None:
    body = wire("describe_instance_status.xml")
    quick, plain = take_statuses(body), plainly("DescribeInstanceStatus", body)
    assert quick is not None
    checks = [(item["InstanceId"], parse_checks(item)) for item in quick["InstanceStatuses"]]
    assert len(checks) == 3
    assert checks == [(item["InstanceId"], parse_checks(item)) for item in plain["InstanceStatuses"]]


def test_gzipped_answers_are_read_and_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with CannedAws(zipped=True) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        assert len(read(aws, "describe_instances_three_states.xml")) == 6
        assert aws.asked("DescribeInstances")[0].headers["accept-encoding"] == "gzip"


def test_tags_select_at_the_server_where_it_means_the_same_and_here_in_any_case(aws: CannedAws) -> None:
    found = read(
        aws,
        "describe_instances_odd.xml",
        tags={"Name": ("*",), "empty": ("", "x"), "aws:autoscaling:groupName": ("web", "w*b")},
        except_tags={"monitor": ("off",)},
    )
    assert list(found) == ["i-0b"]
    sent = {name: value for name, value in aws.asked("DescribeInstances")[0].parameters.items() if "Filter" in name}
    assert sent == {
        "Filter.1.Name": "tag-key",
        "Filter.1.Value.1": "Name",
        "Filter.2.Name": "tag:empty",
        "Filter.2.Value.1": "",
        "Filter.2.Value.2": "x",
    }
    assert read(aws, "describe_instances_odd.xml", except_tags={"empty": ("",)}).keys() == {"i-0a"}


def test_buckets_of_the_region_with_the_day_they_were_made(aws: CannedAws) -> None:
    aws.answer("ListBuckets", Reply(wire("list_buckets.xml"), content_type="application/xml"))
    found = open_quick_reader().read_inventory(SCOPE, config_for(resources=(Kind.BUCKET,)), in_seconds())
    assert found.resources == (
        Resource(SCOPE, Kind.BUCKET, "acme-attic", "acme-attic", launched_at=1_709_164_800),
        Resource(SCOPE, Kind.BUCKET, "acme-logs", "acme-logs", launched_at=1_576_107_167),
    )
    assert (found.gaps, found.complete) == ((), {Kind.BUCKET})
    assert found.usage.calls == {"s3:ListAllMyBuckets": 1}
    assert aws.asked("ListBuckets")[0].parameters["bucket-region"] == HOME


def plainly(operation: str, body: bytes) -> dict[str, Any]:
    """botocore's own reading of a body: the oracle."""
    model = get_session().get_service_model("ec2").operation_model(operation)
    answer: dict[str, Any] = create_parser("ec2").parse(
        {"headers": {}, "status_code": 200, "body": body}, model.output_shape
    )
    return answer


def resources(page: Any) -> list[Resource | None]:
    catalog = load_catalog()
    return [
        parse_instance(item, SCOPE, catalog)
        for reservation in page["Reservations"]
        for item in reservation["Instances"]
    ]


def test_a_client_with_the_hooks_builds_nothing_that_nobody_reads(aws: CannedAws) -> None:
    aws.answer("DescribeInstances", Reply(wire("describe_instances_three_states.xml")))
    client = get_session().create_client("ec2", region_name=HOME)
    whole = client.describe_instances()["Reservations"][1]["Instances"][0]
    attach(client, lambda: None)
    taken = client.describe_instances()["Reservations"][1]["Instances"][0]
    assert "NetworkInterfaces" in whole
    assert taken == {
        "InstanceId": whole["InstanceId"],
        "InstanceType": "m4.4xlarge",
        "LaunchTime": "2016-07-23T21:16:58.000Z",
        "State": {"Name": "running"},
        "Placement": {"AvailabilityZone": "us-west-2c"},
        "Monitoring": {"State": "disabled"},
    }


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"<DescribeInstancesResponse>", b"\x1f\x8bnot gzip"])
def test_what_is_no_listing_is_left_to_botocore(body: bytes) -> None:
    assert take_instances(body) is None
    assert take_statuses(body) is None
