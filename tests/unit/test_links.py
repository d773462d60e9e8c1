"""Addresses in the AWS console. Expected ones are written by hand after the patterns noted in pipeline/links.py."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.links import console, dashboard_link, jsurl, links_for

SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
MACHINE = Resource(SCOPE, Kind.INSTANCE, "i-0abc")
CPU = load_catalog().metrics["cpu.utilization"]
MEMORY = load_catalog().metrics["memory.utilization"]
SIZE = load_catalog().metrics["size"]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "https://eu-west-1.console.aws.amazon.com"),
        ("ap-southeast-2", "https://ap-southeast-2.console.aws.amazon.com"),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com"),
        ("us-iso-east-1", ""),
        ("eusc-de-east-1", ""),
        ("", ""),
        ("evil.example/#", ""),
        ("eu-west-1.evil.example", ""),
    ],
)
def test_each_partition_has_its_console(region: str, host: str) -> None:
    assert console(region) == host


def test_a_machine_leads_to_itself_its_metric_and_the_dashboard() -> None:
    assert links_for(MACHINE, CPU, dashboard="acme fleet", dashboard_region="eu-central-1") == {
        "instance": "https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#InstanceDetails:instanceId=i-0abc",
        "metric": "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#metricsV2:graph="
        "~(metrics~(~(~'AWS*2fEC2~'CPUUtilization~'InstanceId~'i-0abc))~view~'timeSeries~stacked~false"
        "~region~'eu-west-1~start~'-PT3H~end~'P0D~stat~'Average~period~300)",
        "dashboard": "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1"
        "#dashboards:name=acme%20fleet",
    }


def test_detailed_monitoring_is_shown_by_the_minute() -> None:
    assert links_for(replace(MACHINE, fine=True), CPU)["metric"].endswith("~period~60)")


def test_an_agents_metric_is_searched_for_its_dimensions_vary() -> None:
    assert (
        "~(metrics~(~(~(expression~'SEARCH*28*27Namespace*3d*22CWAgent*22*20MetricName*3d*22mem_used_percent*22"
        "*20InstanceId*3d*22i-0abc*22*27*2c*20*27Average*27*2c*2060*29~id~'e1)))"
        in links_for(MACHINE, MEMORY)["metric"]
    )


def test_a_bucket_leads_to_itself_and_two_weeks_of_its_size() -> None:
    links = links_for(
        Resource(SCOPE, Kind.BUCKET, "logs.example"), SIZE, attributes=[("storage_class", "StandardStorage")]
    )
    assert links["bucket"] == "https://eu-west-1.console.aws.amazon.com/s3/buckets/logs.example?region=eu-west-1"
    assert "*20BucketName*3d*22logs.example*22*20StorageType*3d*22StandardStorage*22" in links["metric"]
    assert "~start~'-P14D~" in links["metric"]


def test_other_clouds_and_unknown_regions_have_no_links_of_aws() -> None:
    assert links_for(replace(MACHINE, scope=Scope(Cloud.GCP, "acme", "europe-west1")), CPU) == {}
    assert links_for(replace(MACHINE, scope=Scope(Cloud.AWS, "1", "us-iso-east-1")), CPU, dashboard="a") == {}
    assert dashboard_link("a", "nowhere") == ""


def test_a_hostile_id_stays_within_its_place() -> None:
    links = links_for(replace(MACHINE, id="i-1')#/../\"><script>é𝄞\ud83d"), MEMORY)
    assert set(links) == {"instance", "metric"}
    for url in links.values():
        parts = urlsplit(url)
        assert parts.netloc == "eu-west-1.console.aws.amazon.com"
        assert parts.query == "region=eu-west-1"
        assert not set(url) & set('<>" \n')
        assert url.isascii()
    assert "SEARCH*28*27Namespace*3d*22CWAgent*22*20MetricName*3d*22mem_used_percent*22*27*2c" in links["metric"]


@pytest.mark.parametrize(
    ("value", "notation"),
    [
        ({"a": 1, "b": [True, "x y"]}, "~(a~1~b~(~true~'x*20y))"),
        ([], "~(~)"),
        ("a$b", "~'a!b"),
        ("€", "~'**20ac"),
        ("𝄞", "~'**d834**dd1e"),
        ("-._~", "~'-._*7e"),
    ],
)
def test_the_consoles_notation(value: object, notation: str) -> None:
    assert jsurl(value) == notation


def test_what_is_no_json_of_ours_is_refused() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        jsurl(None)
