"""The steps around the AWS stack: what is refused before anything is touched, in which order Terraform is called, and
what the steps hand to each other. Terraform is the real one over modules that need no provider where it is on this
machine, and a stand-in that notes its calls everywhere."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.terraform import steps
from infra.terraform.credentials import missing
from infra.terraform.homes import Home, HomesError, backend, read_homes

GCP = {"projects": ["acme-web"], "parent": "", "resources": ["instance"]}
AZURE = {"subscriptions": ["sub-1"], "management_group": "", "workspaces": [], "resources": ["instance"]}
UNSAID = {
    "gcp": {"project": "", "region": "", "state": ""},
    "azure": {"subscription": "", "location": "", "state": ""},
    "notify": [],
}
WRITTEN = {
    "gcp": {"project": "acme-ops", "region": "europe-north1", "state": "gs://written"},
    "azure": {"subscription": "sub-ops", "location": "northeurope", "state": "azurerm://group/written/tfstate"},
    "notify": ["written@example.com"],
}
DEPLOY: Mapping[str, Any] = {
    "clouds": ["aws", "gcp", "azure"],
    "every": 60,
    "region": "eu-west-1",
    "gcp": GCP,
    "azure": AZURE,
    "homes": UNSAID,
}
SAID = {
    "NEPHOSCOPE_GCP_REGION": "europe-west1",
    "NEPHOSCOPE_GCP_STATE": "gs://acme-state",
    "NEPHOSCOPE_AZURE_LOCATION": "westeurope",
    "NEPHOSCOPE_AZURE_STATE": "azurerm://state-group/acmestate/tfstate",
}
STACK = {
    "account": "111111111111",
    "region": "eu-west-1",
    "table": "t",
    "topic": "a",
    "roles": {"gcp": "g", "azure": "z"},
}


# --- homes -------------------------------------------------------------------------------------------------------


def test_where_the_functions_live_is_what_is_watched_where_that_is_one() -> None:
    gcp, azure = read_homes(DEPLOY, SAID | {"NEPHOSCOPE_NOTIFY": "a@example.com b@example.com"})
    told = ("a@example.com", "b@example.com")
    assert gcp == Home("gcp", {"project": "acme-web", "region": "europe-west1"}, "gs://acme-state", told)
    assert (azure.place, azure.notify) == ({"subscription": "sub-1", "location": "westeurope"}, told)


def test_what_the_file_says_is_enough() -> None:
    gcp, azure = read_homes({**DEPLOY, "homes": WRITTEN}, {})
    told = ("written@example.com",)
    assert gcp == Home("gcp", {"project": "acme-ops", "region": "europe-north1"}, "gs://written", told)
    place = {"subscription": "sub-ops", "location": "northeurope"}
    assert azure == Home("azure", place, "azurerm://group/written/tfstate", told)


def test_a_variable_wins_over_the_file_one_by_one() -> None:
    given = {"NEPHOSCOPE_GCP_REGION": "europe-west1", "NEPHOSCOPE_NOTIFY": "a@example.com"}
    gcp, azure = read_homes({**DEPLOY, "homes": WRITTEN}, given)
    assert gcp.place == {"project": "acme-ops", "region": "europe-west1"}
    assert (gcp.state, gcp.notify, azure.notify) == ("gs://written", ("a@example.com",), ("a@example.com",))


def test_a_home_among_several_is_never_guessed() -> None:
    """It would move with the next project that is watched."""
    several = {**DEPLOY, "gcp": {**GCP, "projects": ["acme-data", "acme-web"]}}
    with pytest.raises(HomesError) as caught:
        read_homes(several, SAID)
    assert caught.value.problems == [
        "Google Cloud: say which project the functions live in: deploy.gcp.project in nephoscope.yaml, or "
        "NEPHOSCOPE_GCP_PROJECT=acme-ops"
    ]


def test_with_aws_alone_nothing_is_asked() -> None:
    assert read_homes({**DEPLOY, "clouds": ["aws"]}, {"NEPHOSCOPE_NOTIFY": "nobody"}) == ()


def test_all_that_is_not_said_is_said_at_once() -> None:
    searched = {**DEPLOY, "gcp": {**GCP, "projects": [], "parent": "folders/1"}}
    given = {
        "NEPHOSCOPE_AZURE_STATE": "s3://elsewhere",
        "NEPHOSCOPE_AZURE_LOCATION": "West Europe",
        "NEPHOSCOPE_NOTIFY": "a@example.com, oncall",
    }
    with pytest.raises(HomesError) as caught:
        read_homes(searched, given)
    assert caught.value.problems == [
        'NEPHOSCOPE_NOTIFY: "a@example.com," is no mail address',
        'NEPHOSCOPE_NOTIFY: "oncall" is no mail address',
        "Google Cloud: say which project the functions live in: deploy.gcp.project in nephoscope.yaml, or "
        "NEPHOSCOPE_GCP_PROJECT=acme-ops",
        "Google Cloud: say which region the functions live in: deploy.gcp.region in nephoscope.yaml, or "
        "NEPHOSCOPE_GCP_REGION=europe-west1",
        "Google Cloud: say where Terraform keeps its state: deploy.gcp.state in nephoscope.yaml, or "
        "NEPHOSCOPE_GCP_STATE=gs://BUCKET/PREFIX, or local",
        'Azure: NEPHOSCOPE_AZURE_LOCATION: "West Europe" is no location; expected westeurope',
        'Azure: NEPHOSCOPE_AZURE_STATE: "s3://elsewhere" is no state; expected '
        "azurerm://RESOURCE-GROUP/STORAGE-ACCOUNT/CONTAINER, or local",
    ]


@pytest.mark.parametrize(
    ("state", "block"),
    [
        ("gs://acme-state", {"gcs": {"bucket": "acme-state", "prefix": "nephoscope-prod/gcp-functions"}}),
        ("gs://acme-state/a/b/", {"gcs": {"bucket": "acme-state", "prefix": "a/b/nephoscope-prod/gcp-functions"}}),
        (
            "azurerm://group/acmestate/tfstate",
            {
                "azurerm": {
                    "resource_group_name": "group",
                    "storage_account_name": "acmestate",
                    "container_name": "tfstate",
                    "key": "nephoscope-prod/gcp-functions.tfstate",
                    "use_azuread_auth": True,
                }
            },
        ),
        ("local", {"local": {"path": "/here/terraform-state/nephoscope-prod/gcp-functions.tfstate"}}),
    ],
)
def test_each_state_has_a_place_of_its_own(state: str, block: Mapping[str, Any]) -> None:
    assert backend(Home("gcp", {}, state), "nephoscope-prod", "functions", Path("/here")) == block


# --- credentials -------------------------------------------------------------------------------------------------


def test_a_credential_is_looked_for_where_terraform_looks(tmp_path: Path) -> None:
    nowhere, env = tmp_path / "nothing", {"HOME": str(tmp_path), "PATH": str(tmp_path)}
    assert "gcloud auth application-default login" in missing("gcp", env, nowhere)
    assert "az login" in missing("azure", env, nowhere)

    assert missing("gcp", env | {"GOOGLE_APPLICATION_CREDENTIALS": "/a/file"}, nowhere) == ""
    assert missing("azure", env | {"ARM_CLIENT_SECRET": "hidden"}, nowhere) == ""

    (tmp_path / ".config/gcloud").mkdir(parents=True)
    (tmp_path / ".config/gcloud/application_default_credentials.json").write_text("{}")
    assert missing("gcp", env, nowhere) == ""

    (tmp_path / ".azure").mkdir()
    (tmp_path / ".azure/azureProfile.json").write_text("{}")
    assert "az login" in missing("azure", env, nowhere)  # a profile that az left behind is of no use without az
    (tmp_path / "az").write_text("#!/bin/sh\n")
    (tmp_path / "az").chmod(0o755)
    assert missing("azure", env, nowhere) == ""


def test_a_machine_of_googles_own_needs_no_file(tmp_path: Path) -> None:
    machine = tmp_path / "product_name"
    machine.write_text("Google Compute Engine\n")
    assert missing("gcp", {"HOME": str(tmp_path)}, machine) == ""


# --- the steps, with a Terraform that notes what it is asked ------------------------------------------------------

STAND_IN = """\
#!{python}
import json, os, pathlib, sys
command, place = sys.argv[1], pathlib.Path.cwd().name
with open({log!r}, "a") as log:
    log.write(f"{{command}} {{place}}\\n")
if command == "version":
    print(json.dumps({{"terraform_version": os.environ.get("TERRAFORM_IS", "1.11.4")}}))
if f"{{command}} {{place}}" == os.environ.get("TERRAFORM_FAILS"):
    sys.exit("Error: no such thing")
if command == "output":
    print(json.dumps({{"made": {{"value": place}}, "site_id": {{"value": "/site"}}, "scm": {{"value": "scm.host"}}}}))
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with Terraform and credentials, and a deployment to make."""
    log, tools = tmp_path / "log", tmp_path / "tools"
    tools.mkdir()
    (tools / "terraform").write_text(STAND_IN.format(python=sys.executable, log=str(log)), encoding="utf-8")
    (tools / "terraform").chmod(0o755)
    log.touch()
    (tmp_path / "build").mkdir()
    (tmp_path / "build/deploy.json").write_text(json.dumps(DEPLOY), encoding="utf-8")
    given = {"PATH": str(tools), "GOOGLE_APPLICATION_CREDENTIALS": "/a/file", "ARM_CLIENT_SECRET": "hidden", **SAID}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return log


def take(step: str, tmp_path: Path) -> int:
    return steps.main([step, "--name", "neph-test", "--build", str(tmp_path / "build")])


def asked(log: Path) -> list[str]:
    return [line.replace("neph-test-", "") for line in log.read_text().splitlines() if not line.startswith("version")]


def test_identities_are_planned_everywhere_before_anything_is_made(log: Path, tmp_path: Path) -> None:
    assert take("identities", tmp_path) == 0
    gcp, azure = "gcp-identities", "azure-identities"
    assert asked(log) == [
        f"init {gcp}", f"plan {gcp}", f"init {azure}", f"plan {azure}",
        f"apply {gcp}", f"apply {azure}", f"output {gcp}", f"output {azure}",
    ]  # fmt: skip
    made = json.loads((tmp_path / "build/identities.json").read_text())
    assert made["gcp"]["made"] == "neph-test-gcp-identities"
    assert made["azure"]["made"] == "neph-test-azure-identities"


@pytest.mark.parametrize("where", ["plan neph-test-azure-identities", "init neph-test-azure-identities"])
def test_a_credential_that_is_no_good_stops_it_before_anything_is_made(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], where: str
) -> None:
    monkeypatch.setenv("TERRAFORM_FAILS", where)
    assert take("identities", tmp_path) == 1
    assert not any(each.startswith("apply") for each in asked(log))
    assert not (tmp_path / "build/identities.json").exists()
    said = capfd.readouterr().err
    assert "Error: no such thing" in said
    assert f"terraform {where.split(maxsplit=1)[0]} failed for the identities of azure" in said


def test_the_working_copy_has_the_module_its_variables_and_its_states_home(log: Path, tmp_path: Path) -> None:
    assert take("identities", tmp_path) == 0
    copy = tmp_path / "build/terraform/neph-test-gcp-identities"
    assert {path.name for path in copy.glob("*.tf")} == {"main.tf", "outputs.tf", "variables.tf", "versions.tf"}
    assert json.loads((copy / "nephoscope.auto.tfvars.json").read_text()) == {
        "name": "neph-test", "build": str(tmp_path / "build"), "project": "acme-web", "region": "europe-west1",
    }  # fmt: skip
    assert json.loads((copy / "state_override.tf.json").read_text()) == {
        "terraform": {"backend": {"gcs": {"bucket": "acme-state", "prefix": "neph-test/gcp-identities"}}}
    }


def make_ready(tmp_path: Path, **stack: Any) -> None:
    (tmp_path / "build/stack.json").write_text(json.dumps({**STACK, **stack}), encoding="utf-8")
    for name in ("gcp.zip", "azure.zip"):
        (tmp_path / "build" / name).write_bytes(b"PK")


def test_functions_come_after_the_stack_and_azures_package_is_uploaded(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded: list[Any] = []
    monkeypatch.setattr(steps, "put_package", lambda package, **site: uploaded.append((package.name, site)))
    make_ready(tmp_path)
    assert take("functions", tmp_path) == 0
    gcp, azure = "gcp-functions", "azure-functions"
    assert asked(log) == [
        f"init {gcp}", f"plan {gcp}", f"apply {gcp}",
        f"init {azure}", f"plan {azure}", f"apply {azure}", f"output {azure}",
    ]  # fmt: skip
    assert uploaded == [("azure.zip", {"site_id": "/site", "scm": "scm.host"})]


def test_functions_need_the_stack_its_roles_and_the_packages(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take("functions", tmp_path) == 2
    assert "stack.json is not there" in capsys.readouterr().err
    make_ready(tmp_path, roles={"gcp": "g", "azure": None})
    assert take("functions", tmp_path) == 2
    assert "the AWS stack has no role that trusts Azure" in capsys.readouterr().err
    make_ready(tmp_path)
    (tmp_path / "build/gcp.zip").unlink()
    assert take("functions", tmp_path) == 2
    assert "gcp.zip is not there: make package builds it" in capsys.readouterr().err
    assert asked(log) == []


def test_removal_goes_back(log: Path, tmp_path: Path) -> None:
    make_ready(tmp_path)
    assert take("remove-functions", tmp_path) == 0
    assert [each for each in asked(log) if each.startswith("destroy")] == [
        "destroy gcp-functions", "destroy azure-functions",
    ]  # fmt: skip
    assert not any(each.startswith("apply") for each in asked(log))
    assert take("remove-identities", tmp_path) == 0
    assert asked(log)[-1] == "destroy azure-identities"
    assert not (tmp_path / "build/identities.json").exists()


def test_everything_that_is_missing_is_said_before_anything_is_touched(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take("check", tmp_path) == 0
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "ARM_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    monkeypatch.delenv("NEPHOSCOPE_GCP_REGION")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert take("check", tmp_path) == 2
    said = capsys.readouterr().err
    assert [line.split(":")[0] for line in said.splitlines()] == [
        "terraform is not on this machine; the deployment of Google Cloud and Azure needs it, 1.9 or newer "
        "(infra/gcp/README.md says why)",
        "Google Cloud",
        "Azure",
        "Google Cloud",
    ]
    assert "hidden" not in said
    assert asked(log) == []


def test_a_terraform_that_is_too_old_is_refused(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERRAFORM_IS", "1.5.7")
    assert take("check", tmp_path) == 2
    assert "terraform is 1.5.7, but 1.9 or newer is needed" in capsys.readouterr().err


def test_the_plan_needs_no_terraform(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("NEPHOSCOPE_AZURE_STATE")
    assert take("plan", tmp_path) == 0
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines()] == ["osls", "1", "1", "2", "3", "3", "before", "Azure:"]
    assert "neph-test-eu-west-1-gcp, neph-test-eu-west-1-azure" in said
    assert "NEPHOSCOPE_AZURE_STATE=azurerm://" in said


# --- the real Terraform -------------------------------------------------------------------------------------------

IDENTITIES = """\
terraform {
  backend "gcs" {}
}
variable "name" {}
variable "build" {}
variable "project" {}
variable "region" {}
locals {
  deploy = jsondecode(file("${var.build}/deploy.json"))
}
resource "terraform_data" "reader" { input = "${var.name} of ${local.deploy.gcp.projects[0]}" }
output "unique_id" { value = terraform_data.reader.output }
"""
FUNCTIONS = """\
terraform {
  backend "gcs" {}
}
variable "name" {}
variable "build" {}
variable "project" {}
variable "region" {}
variable "notify" {}
locals {
  who   = jsondecode(file("${var.build}/identities.json")).gcp
  stack = jsondecode(file("${var.build}/stack.json"))
}
resource "terraform_data" "collect" { input = "${local.who.unique_id} as ${local.stack.roles.gcp}" }
"""


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on this machine")
def test_the_real_terraform_is_led_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over modules of the same shape that need no provider: copies, variables, the state's home, outputs, destroy."""
    for stage, text in (("identities", IDENTITIES), ("functions", FUNCTIONS)):
        (tmp_path / "modules/gcp" / stage).mkdir(parents=True)
        (tmp_path / "modules/gcp" / stage / "main.tf").write_text(text, encoding="utf-8")
    build = tmp_path / "build"
    build.mkdir()
    (build / "deploy.json").write_text(json.dumps({**DEPLOY, "clouds": ["gcp"]}), encoding="utf-8")
    monkeypatch.setenv("NEPHOSCOPE_GCP_REGION", "europe-west1")
    monkeypatch.setenv("NEPHOSCOPE_GCP_STATE", "local")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", os.devnull)

    def go(step: str) -> int:
        return steps.main([step, "--name", "neph-real", "--build", str(build), "--sources", str(tmp_path / "modules")])

    def state(stage: str) -> Any:
        text = (tmp_path / f"terraform-state/neph-real/gcp-{stage}.tfstate").read_text()
        return [each["instances"][0]["attributes"]["output"]["value"] for each in json.loads(text)["resources"]]

    assert go("identities") == 0
    assert json.loads((build / "identities.json").read_text()) == {"gcp": {"unique_id": "neph-real of acme-web"}}
    make_ready(tmp_path, roles={"gcp": "arn:role"})
    assert go("functions") == 0
    assert state("functions") == ["neph-real of acme-web as arn:role"]
    (build / "identities.json").unlink()  # another machine removes
    assert go("remove-functions") == 0
    assert (state("functions"), state("identities")) == ([], ["neph-real of acme-web"])
    assert go("remove-identities") == 0
    assert state("identities") == []
