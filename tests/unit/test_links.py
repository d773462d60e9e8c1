"""Addresses in the three consoles. Expected ones are written by hand after the patterns noted in pipeline/links."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.links import dashboard_link, links_for
from nephoscope.pipeline.links.aws import console, jsurl

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


def test_unknown_regions_have_no_links() -> None:
    assert links_for(replace(MACHINE, scope=Scope(Cloud.AWS, "1", "us-iso-east-1")), CPU, dashboard="a") == {}
    assert dashboard_link("a", "nowhere") == ""


GOOGLES = Resource(Scope(Cloud.GCP, "acme-web", "europe-west1"), Kind.INSTANCE, "4711", "web-1", zone="europe-west1-b")


def test_googles_machine_leads_to_its_page_and_the_metrics_explorer() -> None:
    links = links_for(GOOGLES, CPU)
    assert (
        links["instance"]
        == "https://console.cloud.google.com/compute/instancesDetail/zones/europe-west1-b/instances/web-1"
        "?project=acme-web"
    )
    url = urlsplit(links["metric"])
    assert (url.netloc, url.path) == ("console.cloud.google.com", "/monitoring/metrics-explorer")
    asked = parse_qs(url.query)
    assert asked["project"] == ["acme-web"]
    (drawn,) = json.loads(asked["pageState"][0])["xyChart"]["dataSets"]
    assert drawn["timeSeriesFilter"] == {
        "filter": 'metric.type="compute.googleapis.com/instance/cpu/utilization" resource.type="gce_instance" '
        'resource.labels.instance_id="4711"',
        "minAlignmentPeriod": "60s",
        "aggregations": [
            {
                "alignmentPeriod": "60s",
                "perSeriesAligner": "ALIGN_MEAN",
                "crossSeriesReducer": "REDUCE_NONE",
                "groupByFields": [],
            }
        ],
    }


def test_googles_bucket_and_what_has_no_zone() -> None:
    bucket = replace(GOOGLES, kind=Kind.BUCKET, id="acme-logs")
    assert links_for(bucket)["bucket"] == "https://console.cloud.google.com/storage/browser/acme-logs?project=acme-web"
    assert "instance" not in links_for(replace(GOOGLES, zone=""), CPU)


AZURES_ID = "/subscriptions/5ca1/resourceGroups/rg-prod/providers/Microsoft.Compute/virtualMachines/web 1"


def test_azures_machine_leads_to_its_blades() -> None:
    machine = Resource(Scope(Cloud.AZURE, "5ca1", "westeurope"), Kind.INSTANCE, AZURES_ID)
    assert links_for(machine, CPU) == {
        "instance": "https://portal.azure.com/#@/resource/subscriptions/5ca1/resourceGroups/rg-prod/providers"
        "/Microsoft.Compute/virtualMachines/web%201/overview",
        "metric": "https://portal.azure.com/#@/resource/subscriptions/5ca1/resourceGroups/rg-prod/providers"
        "/Microsoft.Compute/virtualMachines/web%201/metrics",
    }
    assert links_for(replace(machine, kind=Kind.SCOPE, id="azure#5ca1#westeurope")) == {}


def test_hostile_names_stay_within_their_place_on_every_cloud() -> None:
    hostile = 'x"\' onmouseover="<script>\n#?&/\\'
    google = links_for(replace(GOOGLES, id=hostile, name=hostile), CPU)
    azure = links_for(
        Resource(Scope(Cloud.AZURE, "5ca1", "westeurope"), Kind.INSTANCE, f"/subscriptions/{hostile}"), CPU
    )
    for url in (*google.values(), *azure.values()):
        assert not set(url) & set("<>\"' \n\\")
    written = json.loads(parse_qs(urlsplit(google["metric"]).query)["pageState"][0])
    (drawn,) = written["xyChart"]["dataSets"]
    assert drawn["timeSeriesFilter"]["filter"].endswith(
        """resource.labels.instance_id="x\\"' onmouseover=\\"<script>\n#?&/\\\\\""""
    )


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
