"""AWS's functions that read Google Cloud and Azure too: the artifact with both rooms, deployed with its stack, run by
AWS's own runtime client under the very policies of its role, with no key but that role's.

The artifact is made by the same path as Lambda's, for the Python of this machine; what is made for Lambda is looked at.
"""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from infra.build import UNZIPPED, is_binary
from infra.local.deploy import small_fleet
from nephoscope.localcloud.aws import outbound
from nephoscope.localcloud.aws.call import Need
from nephoscope.localcloud.aws.policy import permits, unused_grants
from nephoscope.localcloud.azure.entra import FederatedCredential
from nephoscope.localcloud.azure.local import CLIENT_ID, TENANT, LocalAzure
from nephoscope.localcloud.fleet import simulate
from nephoscope.localcloud.gcp.federation import Provider
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.model.time import floor_to, iso
from tests.package.conftest import Deployed, Function, make_project, package, records, stand_up
from tests.package.test_least_privilege import EVERYTHING, policies_of

HOME = "111111111111"
WEB = "11111111-aaaa-4000-8000-000000000001"
ROLE = f"arn:aws:iam::{HOME}:role/nephoscope-prod-eu-central-1-"
POOL = "projects/123456789012/locations/global/workloadIdentityPools/nephoscope"
EMAIL = "nephoscope@acme-web.iam.gserviceaccount.com"
FUNCTIONS = ("collect", "work")
"""Those that read clouds; each has a role of its own."""

CONFIG = f"""\
fleet: acme
gather:
  aws: {{regions: [eu-central-1]}}
  gcp:
    projects: [acme-web]
    from_aws: {{provider: {POOL}/providers/aws-lambda, service_account: {EMAIL}}}
  azure:
    subscriptions: [{WEB}]
    from_aws: {{tenant: {TENANT}, client: {CLIENT_ID}}}
tell:
  oncall: {{sns: "${{stack:AlertTopic}}"}}
rules:
  - {{name: cpu-hot, on: instance, when: cpu.utilization > 90 %, for: 3 of 5 min}}
"""
AWS, GCP, AZURE = f"aws#{HOME}#eu-central-1", "gcp#acme-web#europe-west1", f"azure#{WEB}#westeurope"


# --- what is in it -----------------------------------------------------------------------------------------------


def build(project: Path, *options: str) -> Path:
    command = [sys.executable, "infra/build.py", "--config", "nephoscope.yaml", *options]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return project / "build" / "aws.zip"


@pytest.fixture(scope="module")
def for_lambda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(make_project(tmp_path_factory.mktemp("lambda") / "project", CONFIG))


def test_two_builds_are_the_same_bytes(for_lambda: Path, tmp_path: Path) -> None:
    assert build(make_project(tmp_path / "elsewhere", CONFIG)).read_bytes() == for_lambda.read_bytes()


def test_it_holds_both_rooms_and_no_function_of_theirs_is_built(for_lambda: Path) -> None:
    with zipfile.ZipFile(for_lambda) as archive:
        names = set(archive.namelist())
    assert {
        "handler.py",
        "nephoscope/clouds/gcp/federation.py",
        "nephoscope/clouds/azure/federation.py",
        "google/cloud/monitoring_v3/__init__.py",
        "google/auth/aws.py",
        "azure/identity/__init__.py",
        "azure/monitor/querymetrics/__init__.py",
    } <= names
    assert [path.name for path in for_lambda.parent.glob("*.zip")] == ["aws.zip"]


@pytest.mark.parametrize(
    "unwanted",
    [
        r"^(boto3|botocore|functions_framework|flask|azure/functions)/",
        r"nephoscope/(localcloud|cli|app/authoring)/",
        r"\.pyc$|__pycache__",
        r"^bin/",
        r"/(RECORD|INSTALLER|direct_url\.json)$",
    ],
)
def test_it_holds_nothing_that_the_runtime_brings_or_another_platform_runs(for_lambda: Path, unwanted: str) -> None:
    with zipfile.ZipFile(for_lambda) as archive:
        assert [name for name in archive.namelist() if re.search(unwanted, name)] == []


def test_its_binaries_are_for_arm64_and_python_3_13(for_lambda: Path) -> None:
    """Source: ELF-64 header, e_machine at byte 18; 183 is AArch64."""
    with zipfile.ZipFile(for_lambda) as archive:
        binaries = {name: archive.read(name) for name in archive.namelist() if is_binary(name)}
    assert {struct.unpack_from("<H", content, 18)[0] for content in binaries.values()} == {183}
    assert all(re.search(r"\.(cpython-313-aarch64-linux-gnu|abi3)\.so$", name) for name in binaries)
    assert any(name.startswith("grpc/") for name in binaries)


def test_it_is_far_below_what_lambda_takes(for_lambda: Path) -> None:
    with zipfile.ZipFile(for_lambda) as archive:
        unzipped = sum(entry.file_size for entry in archive.infolist())
    assert unzipped < UNZIPPED / 4
    assert for_lambda.stat().st_size < 25_000_000


def test_google_alone_brings_nothing_of_azure(tmp_path: Path) -> None:
    alone = re.sub(r"  azure:\n.*\n.*\n", "", CONFIG)
    with zipfile.ZipFile(build(make_project(tmp_path / "project", alone))) as archive:
        names = archive.namelist()
    assert "nephoscope/clouds/gcp/reader.py" in names
    assert [name for name in names if name.startswith(("azure/", "msal/", "nephoscope/clouds/azure/"))] == []


def test_azure_alone_brings_nothing_of_google(tmp_path: Path) -> None:
    alone = re.sub(r"  gcp:\n.*\n.*\n", "", CONFIG)
    with zipfile.ZipFile(build(make_project(tmp_path / "project", alone))) as archive:
        names = archive.namelist()
    assert "nephoscope/clouds/azure/reader.py" in names
    assert [name for name in names if name.startswith(("google/", "grpc/", "nephoscope/clouds/gcp/"))] == []


# --- what is deployed --------------------------------------------------------------------------------------------


def test_the_stack_reads_three_clouds_and_trusts_nobody_else(for_lambda: Path) -> None:
    """No role for functions of the other clouds, no step of Terraform's; what Azure's tokens need, for who reads."""
    project = for_lambda.parents[1]
    resources = package(project)["Resources"]
    functions = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::Lambda::Function"]
    environments = [each["Environment"]["Variables"] for each in functions]
    assert {each["NEPHOSCOPE_CLOUDS"] for each in environments} == {"aws gcp azure"}
    assert {each["NEPHOSCOPE_RUNS_IN"] for each in environments} == {"aws"}
    assert {tuple(each["Architectures"]) for each in functions} == {("arm64",)}
    assert not {"GcpRole", "AzureRole", "AzureTenant"} & set(resources)
    assert resources["ProveToAzure"]["Properties"]["Roles"] == [{"Ref": "CollectRole"}, {"Ref": "WorkRole"}]
    template = project / ".serverless" / "cloudformation-template-update-stack.json"
    found = subprocess.run(["cfn-lint", str(template)], capture_output=True, text=True, check=False)
    assert found.stdout == ""


def test_without_aws_its_alarms_look_for_the_heartbeat_of_what_is_read(tmp_path: Path) -> None:
    alone = re.sub(r"  aws: .*\n|  azure:\n.*\n.*\n", "", CONFIG)
    project = make_project(tmp_path / "project", alone + "publish: {cloudwatch: {region: eu-central-1}}\n")
    resources = package(project)["Resources"]
    assert "ProveToAzure" not in resources
    assert {"Name": "cloud_provider", "Value": "gcp"} in resources["NoHeartbeat"]["Properties"]["Dimensions"]


# --- run as Lambda runs it ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Three:
    deployed: Deployed
    google: LocalGcp
    azure: LocalAzure

    def function(self, entrance: str, log: Path, **changes: str) -> Function:
        """As the role of the function, with addresses of both other clouds and identities of neither."""
        theirs = {**self.google.environment(), **self.azure.environment()}
        addresses = {name: value for name, value in theirs.items() if re.match("NEPHOSCOPE_|GRPC_|REQUESTS_", name)}
        keys = self.deployed.aws.world.sessions.enter(ROLE + entrance, f"nephoscope-prod-{entrance}")
        nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}
        return self.deployed.function(entrance, log, **{**addresses, **keys, **nowhere, **changes})


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Iterator[Three]:
    now = floor_to(int(time.time()), 60)
    google_fleet = simulate(8, 8, ("europe-west1",), ("acme-web",), start=now, script=())
    azure_fleet = simulate(9, 8, ("westeurope",), (WEB,), start=now, script=())
    project = make_project(tmp_path_factory.mktemp("three") / "nephoscope", CONFIG)
    with (
        stand_up(project, tmp_path_factory.mktemp("task"), runtime, small_fleet(now)) as deployed,
        LocalGcp(google_fleet) as google,
        LocalAzure(azure_fleet) as azure,
    ):
        trust(deployed, google, azure)
        deployed.aws.policies.attach(HOME, EVERYTHING)
        for function in ("collect", "work", "deliver", "widget"):
            deployed.aws.policies.attach(ROLE + function, *policies_of(deployed.aws, function))
        deployed.aws.policies.enforce = True
        deployed.aws.ledger.clear()
        yield Three(deployed, google, azure)


def trust(deployed: Deployed, google: LocalGcp, azure: LocalAzure) -> None:
    """What infra/gcp/README.md and infra/azure/README.md tell a person to do."""
    roles = frozenset(f"nephoscope-prod-eu-central-1-{name}" for name in FUNCTIONS)
    google.world.federation.clear()
    google.federate(deployed.aws.url, Provider(f"{POOL}/providers/aws-lambda", HOME, roles), EMAIL)
    azure.entra.clear()
    for name in FUNCTIONS:
        azure.entra.trust(FederatedCredential(outbound.issuer_of(HOME), ROLE + name), outbound.jwks())


def minute(ahead: int = 0) -> int:
    return floor_to(int(time.time()), 60) + ahead * 60


def test_one_run_gathers_three_clouds_with_the_roles_own_keys(three: Three, tmp_path: Path) -> None:
    with three.function("collect", tmp_path) as collect:
        outcome = collect.invoke({"scheduled_time": iso(minute())})
        again = collect.invoke({"scheduled_time": iso(minute(1))})
    assert outcome.error is None, outcome.log
    assert outcome.answer["scopes"] == {AWS: "done", AZURE: "done", GCP: "done"}, outcome.log
    assert (outcome.answer["gaps"], outcome.answer["errors"]) == ([], [])
    assert outcome.answer["resources"] >= 16
    assert set(again.answer["scopes"].values()) == {"done"}

    entries = three.deployed.aws.ledger.entries()
    assert [entry.action for entry in entries if not entry.allowed] == []
    mine = {entry.action for entry in entries if entry.principal == ROLE + "collect"}
    assert {"sts:GetCallerIdentity", "sts:GetWebIdentityToken", "dynamodb:PutItem"} <= mine
    assert three.google.ledger.calls("sts.token") == 1  # for both runs
    assert three.google.ledger.calls("metadata.token") == 0
    assert "eyJ" not in collect.log  # no token stands in the log
    assert not re.search(r"ya29\.", collect.log)


def test_a_scope_that_was_fanned_out_is_read_under_the_other_role(three: Three, tmp_path: Path) -> None:
    bodies = [json.dumps({"scope": scope, "slot": minute(2)}) for scope in (GCP, AZURE)]
    with three.function("work", tmp_path) as work:
        outcome = work.invoke(records(*bodies))
    assert outcome.answer == {"batchItemFailures": []}, outcome.log
    ran = [json.loads(line) for line in work.log.splitlines() if '"ran"' in line]
    assert [(each["report"]["scopes"], each["report"]["gaps"]) for each in ran] == [
        ({GCP: "done"}, []),
        ({AZURE: "done"}, []),
    ], work.log


def test_what_is_granted_for_it_is_used_and_no_wider_than_that(three: Three) -> None:
    for function in FUNCTIONS:
        policies = policies_of(three.deployed.aws, function)
        mine = [each for each in policies if "sts:GetWebIdentityToken" in json.dumps(each)]
        entries = three.deployed.aws.ledger.entries()
        needs = [need for entry in entries if entry.principal == ROLE + function for need in entry.needs]
        assert [unused_grants(policy, needs) for policy in mine] == [()]
        context = {
            "sts:IdentityTokenAudience": ("api://AzureADTokenExchange",),
            "sts:SigningAlgorithm": ("RS256",),
            "sts:DurationSeconds": ("300",),
        }
        for name, value in (
            ("sts:IdentityTokenAudience", "https://elsewhere.example"),
            ("sts:SigningAlgorithm", "ES384"),
            ("sts:DurationSeconds", "3600"),
        ):
            assert permits(policies, Need("sts:GetWebIdentityToken", "*", context))
            assert not permits(policies, Need("sts:GetWebIdentityToken", "*", {**context, name: (value,)}))
    for function in ("deliver", "widget"):
        assert "sts:" not in json.dumps(policies_of(three.deployed.aws, function))


def test_clouds_that_refuse_are_gaps_and_aws_goes_on(three: Three, tmp_path: Path) -> None:
    three.google.world.federation.clear()
    three.azure.entra.clear()
    try:
        with three.function("collect", tmp_path) as collect:
            outcome = collect.invoke({"scheduled_time": iso(minute(3))})
    finally:
        trust(three.deployed, three.google, three.azure)
    assert outcome.error is None, outcome.log
    assert outcome.answer["scopes"][AWS] == "done"
    said = "\n".join(outcome.answer["gaps"])
    assert "unauthorized_client" in said or "invalid_target" in said
    assert f"Asked of {POOL}/providers/aws-lambda"[:40] in said
    assert "AADSTS700211" in said
    assert "eyJ" not in collect.log


def without(task: Path, name: str, place: Path) -> Path:
    """The unpacked artifact less one package."""
    place.mkdir()
    for each in task.iterdir():
        if each.name not in (name, "handler.py", "config.json"):
            (place / each.name).symlink_to(each)
    for own in ("handler.py", "config.json"):
        (place / own).write_bytes((task / own).read_bytes())
    return place


def test_a_cloud_that_does_not_answer_leaves_the_others_their_time(three: Three, tmp_path: Path) -> None:
    """The discard port for one; for the other a room that cannot be opened, as an SDK for another machine's."""
    task = without(three.deployed.task, "proto", tmp_path / "task")
    away = {"NEPHOSCOPE_ENDPOINT_AZURE_LOGIN": "https://127.0.0.1:9"}
    started = time.monotonic()
    with replace(three, deployed=replace(three.deployed, task=task)).function("collect", tmp_path, **away) as collect:
        outcome = collect.invoke({"scheduled_time": iso(minute(4))})
    assert outcome.error is None, outcome.log
    assert outcome.answer["scopes"][AWS] == "done", outcome.log
    said = "\n".join(outcome.answer["gaps"])
    assert re.search(r"gcp.*read_scopes: unavailable .*No module named 'proto'", said), said
    assert outcome.answer["scopes"][GCP] == "failed"  # which the provider's own alarm watches
    assert re.search(r"azure.*unavailable", said), said
    assert time.monotonic() - started < 29


IMPORTS = """
import json, sys
import handler
getattr(handler, {entrance!r})
from nephoscope.app.outside import SystemClock, open_outside
from nephoscope.app.entrance import read_config
from nephoscope.app.settings import Settings
import pathlib
outside = open_outside(read_config(pathlib.Path("config.json")), Settings.from_environment(), SystemClock())
before = sorted(sys.modules)
tuple(outside.readers.values())
print(json.dumps([list(outside.readers), before, sorted(sys.modules)]))
"""


def test_an_sdk_is_imported_when_its_cloud_is_read_and_not_before(three: Three) -> None:
    """Who delivers, or draws the widget, starts as fast as without."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{three.deployed.task}{os.pathsep}{three.deployed.runtime}",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "NEPHOSCOPE_CLOUDS": "aws gcp azure",
        "NEPHOSCOPE_RUNS_IN": "aws",
    }
    command = [sys.executable, "-S", "-B", "-c", IMPORTS.format(entrance="deliver")]
    done = subprocess.run(
        command, cwd=three.deployed.task, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    clouds, before, after = json.loads(done.stdout)
    assert clouds == ["aws", "gcp", "azure"]
    foreign = ("google.auth", "google.cloud", "grpc", "azure.core", "azure.identity", "msal", "cryptography")
    assert [name for name in before if name.startswith(foreign)] == []
    assert {"google.cloud.monitoring_v3", "azure.identity", "grpc"} <= set(after)
