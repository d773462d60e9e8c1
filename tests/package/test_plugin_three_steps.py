"""`osls package`, `deploy` and `remove` with a second cloud: the plugin's three steps in order, on the local AWS.

Terraform is a stand-in that notes its calls, for there is no Google to make anything in; all else is real: the
framework, the plugin, the compiled configuration, the stack and its roles.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.local.deploy import small_fleet
from infra.local.stack import STACK, StackError, read_stack, run_framework
from nephoscope.localcloud.aws.local import LocalAws
from tests.package.conftest import CONFIG, make_project, needs_osls

THREE = CONFIG.replace(
    "gather:\n",
    'gather:\n  gcp: {projects: [acme-web]}\n  azure: {subscriptions: ["00000000-1111-2222-3333-444444444444"]}\n',
)
TWO = CONFIG.replace("gather:\n", "gather:\n  gcp: {projects: [acme-web]}\n")
HOME = """\
deploy:
  gcp: {region: europe-west1, state: gs://acme-state}
  notify: oncall@acme.example
"""
HERE = {"NEPHOSCOPE_PYTHON": sys.executable}
NUMBER = "104567890123456789012"
IDENTITIES = {
    "gcp": {"unique_id": NUMBER, "audience": "nephoscope-prod"},
    "azure": {"tenant_id": "the-tenant", "principal_id": "object-id", "audience": "api://the-tenant/nephoscope-prod"},
}

STAND_IN = f"""\
#!{sys.executable}
import json, pathlib, sys
command, place = sys.argv[1], pathlib.Path.cwd().name
build = pathlib.Path.cwd().parents[1] if place.startswith("nephoscope-prod") else None
if command == "version":
    print(json.dumps({{"terraform_version": "1.11.4"}}))
elif command == "output":
    made = {json.dumps(IDENTITIES["gcp"])}
    print(json.dumps({{name: {{"value": value}} for name, value in made.items()}}))
elif command != "init":
    stack = build / "stack.json"
    with (build / "log").open("a") as log:
        log.write(f"{{command}} {{place}} {{'after the stack' if stack.exists() else 'before the stack'}}\\n")
"""


def template_of(project: Path) -> dict[str, Any]:
    text = (project / ".serverless" / "cloudformation-template-update-stack.json").read_text(encoding="utf-8")
    template: dict[str, Any] = json.loads(text)
    return template


def with_terraform(tmp_path: Path) -> dict[str, str]:
    """A machine with (a stand-in for) Terraform and a credential of Google's."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "terraform").write_text(STAND_IN, encoding="utf-8")
    (tools / "terraform").chmod(0o755)
    return {"GOOGLE_APPLICATION_CREDENTIALS": "/a/file"}


def osls(command: str, project: Path, environment: Mapping[str, str]) -> str:
    needs_osls()
    return run_framework((command,), project / "nephoscope.yaml", {**HERE, **environment}, project)


def test_package_shows_the_three_steps_and_needs_no_terraform(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", THREE)
    said = osls("package", project, {})
    assert "osls deploy takes three steps:" in said
    assert "nephoscope-prod-eu-central-1-gcp, nephoscope-prod-eu-central-1-azure" in said
    assert "deploy.gcp.state in nephoscope.yaml, or NEPHOSCOPE_GCP_STATE=gs://BUCKET/PREFIX, or local" in said
    assert not {"GcpRole", "AzureRole"} & set(template_of(project)["Resources"])  # nobody to trust yet
    assert {path.name for path in (project / "build").glob("*.zip")} == {"aws.zip", "gcp.zip", "azure.zip"}

    (project / "build" / "identities.json").write_text(json.dumps(IDENTITIES), encoding="utf-8")
    osls("package", project, {})
    template = template_of(project)
    assert {"GcpRole", "AzureRole", "AzureTenant"} < set(template["Resources"])
    assert {"GcpRoleArn", "AzureRoleArn"} < set(template["Outputs"])
    found = subprocess.run(
        ["cfn-lint", str(project / ".serverless" / "cloudformation-template-update-stack.json")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout == ""


def test_what_is_missing_is_said_before_anything_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path / "project", TWO)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("infra.local.stack.ROOT", tmp_path)
    only_node = tmp_path / "node-only"
    only_node.mkdir()
    for tool in ("node", "env", "sh", "uname"):
        where = subprocess.run(["which", tool], capture_output=True, text=True, check=True).stdout.strip()
        (only_node / tool).symlink_to(where)
    monkeypatch.setenv("PATH", str(only_node))
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with pytest.raises(StackError) as caught:
        osls("deploy", project, nowhere)
    said = str(caught.value)
    assert "terraform is not on this machine" in said
    assert "Google Cloud: no credential" in said
    assert "deploy.gcp.region in nephoscope.yaml, or NEPHOSCOPE_GCP_REGION=europe-west1" in said
    assert "at Object" not in said
    assert not (project / "build" / "terraform").exists()


def test_deploy_goes_three_steps_and_remove_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path / "project", TWO + HOME)
    log = project / "build" / "log"
    given = with_terraform(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'tools'}{os.pathsep}{os.environ['PATH']}")
    with LocalAws(small_fleet(int(time.time()))) as aws:
        osls("deploy", project, {**aws.environment(), **given})
        stack = read_stack(aws.client("cloudformation"))
        assert log.read_text().splitlines() == [
            "plan nephoscope-prod-gcp-identities before the stack",
            "apply nephoscope-prod-gcp-identities before the stack",
            "plan nephoscope-prod-gcp-functions after the stack",
            "apply nephoscope-prod-gcp-functions after the stack",
        ]
        copy = project / "build" / "terraform" / "nephoscope-prod-gcp-functions"
        given_to_it = json.loads((copy / "nephoscope.auto.tfvars.json").read_text())
        assert (given_to_it["project"], given_to_it["region"]) == ("acme-web", "europe-west1")
        assert given_to_it["notify"] == ["oncall@acme.example"]
        (backend,) = json.loads((copy / "state_override.tf.json").read_text())["terraform"]["backend"].values()
        assert backend == {"bucket": "acme-state", "prefix": "nephoscope-prod/gcp-functions"}
        role = aws.client("iam").get_role(RoleName="nephoscope-prod-eu-central-1-gcp")["Role"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Condition"]["StringEquals"]["accounts.google.com:sub"] == NUMBER
        handed = json.loads((project / "build" / "stack.json").read_text())
        assert handed["roles"] == {"gcp": role["Arn"], "azure": None}
        assert (handed["table"], handed["topic"]) == (stack.outputs["TableName"], stack.outputs["AlertTopicArn"])
        assert (handed["account"], handed["region"]) == (role["Arn"].split(":")[4], "eu-central-1")

        log.unlink()
        osls("remove", project, {**aws.environment(), **given})
        assert [line.rsplit(" ", 3)[0] for line in log.read_text().splitlines()] == [
            "plan nephoscope-prod-gcp-identities",
            "destroy nephoscope-prod-gcp-functions",
            "destroy nephoscope-prod-gcp-identities",
        ]
        standing = aws.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"])
        assert STACK not in [each["StackName"] for each in standing["StackSummaries"]]
