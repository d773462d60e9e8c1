"""The consoles' addresses as their own vendors, and tools that they publish, write them; ours are built the same way.

No console documents its addresses as an interface. Where each form was found:
- EC2, CloudWatch's dashboards: Terraform and CDK outputs in aws-samples; CloudWatch user guide, "Text widget" (a link
  to another dashboard is `#dashboards:name=NAME`). CloudWatch's metrics: the CRT's canary (awslabs), whose graph is
  `~(metrics~(~(~(expression~'m1*2a8...` : `*` and two hexadecimal digits for what is no plain character.
- Google's Metrics Explorer: the codelabs of Anthos Service Mesh and Cloud Run (GoogleCloudPlatform), whose state begins
  `{"xyChart":{"dataSets":[{"timeSeriesFilter":{"filter":`. Its dashboards: `/monitoring/dashboards/builder/ID`.
- Azure: `azd` (the Azure Developer CLI) prints `https://portal.azure.com/#@/resource/subscriptions/.../overview`.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from infra.terraform.hcl import read_module, unquoted
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.links import dashboard_link, links_for
from nephoscope.pipeline.links.aws import jsurl

INFRA = Path(__file__).resolve().parents[2] / "infra"
CPU = load_catalog().metrics["cpu.utilization"]
AZURES = "/subscriptions/5ca1/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}"


def azure(group: str, name: str) -> Resource:
    return Resource(Scope(Cloud.AZURE, "5ca1", "westeurope"), Kind.INSTANCE, AZURES.format(group=group, name=name))


def google(name: str) -> Resource:
    return Resource(Scope(Cloud.GCP, "acme-web", "europe-west1"), Kind.INSTANCE, "4711", name, zone="europe-west1-b")


def test_a_metrics_graph_is_written_as_the_crt_canary_writes_it() -> None:
    published = "~(metrics~(~(~(expression~'m1*2a8*2f1000*2f1000*2f1000~label~'BytesDownGb~id~'e1))))"
    graph = {"metrics": [[{"expression": "m1*8/1000/1000/1000", "label": "BytesDownGb", "id": "e1"}]]}
    assert jsurl(graph) == published


def test_googles_explorer_is_given_the_state_that_its_codelabs_give_it() -> None:
    url = links_for(google("web-1"), CPU)["metric"]
    assert url.startswith("https://console.cloud.google.com/monitoring/metrics-explorer?pageState=%7B%22xyChart%22")
    published = '{"xyChart":{"dataSets":[{"timeSeriesFilter":{"filter":"metric.type='
    assert unquote(urlsplit(url).query).removeprefix("pageState=").startswith(published)


@pytest.mark.parametrize(
    ("group", "name", "path"),
    [
        ("rg-prod", "web-1", "resourceGroups/rg-prod/providers/Microsoft.Compute/virtualMachines/web-1"),
        # Azure's naming rules allow parentheses, full stops and letters of any script in a resource group's name
        (
            "rg.(prod)_ü",
            "web-1",
            "resourceGroups/rg.%28prod%29_%C3%BC/providers/Microsoft.Compute/virtualMachines/web-1",
        ),
    ],
)
def test_azures_ids_stand_behind_the_mark_as_azd_prints_them(group: str, name: str, path: str) -> None:
    link = links_for(azure(group, name))["instance"]
    assert link == f"https://portal.azure.com/#@/resource/subscriptions/5ca1/{path}/overview"


@pytest.mark.parametrize("odd", ["a#b", "a?b=c&d", "a/b", "a b", "a%20b", "ü", "a'\"<b>", "a(b)"])
def test_odd_names_come_back_as_they_were(odd: str) -> None:
    """An odd name takes no part in the address: decoded once, it is the name again."""
    page = urlsplit(links_for(google(odd))["instance"])
    assert unquote(page.path.rpartition("/instances/")[2]) == odd
    assert page.query == "project=acme-web"
    assert not page.fragment
    shown = urlsplit(dashboard_link(odd, "eu-west-1"))
    assert unquote(shown.fragment.removeprefix("dashboards:name=")) == odd
    assert shown.query == "region=eu-west-1"


def test_terraforms_outputs_lead_to_the_dashboards_that_it_made() -> None:
    made = {cloud: read_module(INFRA / cloud / "functions").outputs["dashboard"]["value"] for cloud in ("gcp", "azure")}
    builder = (
        r"https://console\.cloud\.google\.com/monitoring/dashboards/builder/\$\{[^}]+\}\?project=\$\{var\.project\}"
    )
    assert re.fullmatch(builder, unquoted(made["gcp"]))
    portal = r"https://portal\.azure\.com/#@/resource\$\{azurerm_application_insights_workbook\.fleet\.id\}/workbook"
    assert re.fullmatch(portal, unquoted(made["azure"]))
