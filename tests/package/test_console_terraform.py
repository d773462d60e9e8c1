"""The dashboards as Terraform deploys them: what the package's build draws, with what only the deployment knows put in.

The real Terraform evaluates the very expressions of our modules.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from google.cloud.monitoring_dashboard_v1 import Dashboard

from infra.terraform.hcl import read_module
from nephoscope.pipeline.consoles.azure import INSIGHTS
from nephoscope.pipeline.consoles.google import DEPLOYMENT
from tests.console_boards import GOLDEN
from tests.package.test_terraform_schema import needs_terraform, terraform

ROOT = Path(__file__).resolve().parents[2]
OURS = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Insights/components/n"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make package` compiles of a fleet in three clouds."""
    out = tmp_path_factory.mktemp("build")
    compile_("acme", out)
    return out


def compile_(fleet: str, out: Path) -> None:
    config = ["--config", str(GOLDEN / f"{fleet}.yaml"), "--out", str(out), "--config-only"]
    subprocess.run([sys.executable, "infra/build.py", *config], cwd=ROOT, check=True)


def expression(cloud: str, address: str, argument: str) -> str:
    """As it stands in our module, without the marks around it."""
    text: str = read_module(ROOT / "infra" / cloud / "functions").declared[address].body[argument]
    assert text.startswith("${")
    return text[2:-1]


def test_the_build_draws_one_file_for_each_cloud_with_functions(build: Path, tmp_path: Path) -> None:
    assert {path.name for path in build.glob("*-*.json")} == {"google-dashboard.json", "azure-workbook.json"}
    compile_("alone", tmp_path)
    assert not list(tmp_path.glob("*-*.json")), "AWS's functions read it: Terraform deploys nothing"


@needs_terraform
def test_google_gets_the_dashboard_of_this_deployments_functions(build: Path, tmp_path: Path) -> None:
    wanted = expression("gcp", "google_monitoring_dashboard.fleet", "dashboard_json")
    written = given(build, tmp_path, wanted)
    assert DEPLOYMENT not in written
    message = Dashboard.from_json(written)
    asked = [
        tile.widget.xy_chart.data_sets[0].time_series_query.time_series_filter.filter
        for tile in message.mosaic_layout.tiles
        if tile.widget.title == "Runs, by answer"
    ]
    (runs,) = asked
    assert 'resource.labels.service_name=starts_with("name")' in runs  # the variables' values are their names here


@needs_terraform
def test_azure_gets_the_workbook_that_asks_this_deployments_insights(build: Path, tmp_path: Path) -> None:
    wanted = expression("azure", "azurerm_application_insights_workbook.fleet", "data_json")
    written = given(build, tmp_path, wanted.replace("azurerm_application_insights.home.id", f'"{OURS}"'))
    workbook: Mapping[str, Any] = json.loads(written)
    asked = [item["content"].get("crossComponentResources") for item in workbook["items"] if item["type"] == 3]
    assert asked.count([OURS]) == 3
    assert INSIGHTS not in written


@needs_terraform
def test_a_workbooks_name_is_a_guid_that_stays(build: Path, tmp_path: Path) -> None:
    wanted = expression("azure", "azurerm_application_insights_workbook.fleet", "name")
    name = given(build, tmp_path, wanted)
    assert (
        name == "9e00474e-c754-5586-8572-8e8917440d0b"
    )  # Python's uuid5(NAMESPACE_URL, "nephoscope/subscription/name")


def given(build: Path, place: Path, wanted: str) -> str:
    """What Terraform itself makes of an expression over our variables, whose values are their names."""
    declared = "".join(f'variable "{name}" {{ default = "{name}" }}\n' for name in ("build", "name", "subscription"))
    (place / "ask.tf").write_text(f'{declared}output "it" {{ value = {wanted} }}\n', encoding="utf-8")
    terraform(place, "init", "-input=false")
    terraform(place, "apply", "-auto-approve", f"-var=build={build}")
    made: str = json.loads(terraform(place, "output", "-json", "it"))
    return made
