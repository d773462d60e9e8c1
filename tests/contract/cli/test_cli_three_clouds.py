"""The command line over three local clouds: each is listed, chosen by --cloud, its missing permissions are named."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.aws.faults import Failing as AzureFailing
from nephoscope.localcloud.aws.faults import Fault as AzureFault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.fleet import simulate
from nephoscope.localcloud.gcp.faults import Failing, Fault
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.cost import forecast

PROJECTS = ("acme-data", "acme-web")
SUBSCRIPTIONS = ("00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b")
THREE = f"""\
fleet: acme
gather:
  aws: {{regions: [eu-west-1]}}
  gcp: {{projects: [{", ".join(PROJECTS)}]}}
  azure: {{subscriptions: [{", ".join(SUBSCRIPTIONS)}]}}
rules: [{{name: hot, on: instance, when: cpu.utilization > 99 %}}]
tell: {{}}
"""


@dataclass(frozen=True)
class Clouds:
    aws: LocalAws
    gcp: LocalGcp
    azure: LocalAzure


@pytest.fixture(scope="module")
def _elsewhere() -> Iterator[tuple[LocalGcp, LocalAzure]]:
    """Twelve machines each; nothing happens to them."""
    start = wednesday_noon()
    google = LocalGcp(simulate(5, 12, ("europe-west1",), accounts=PROJECTS, start=start, script=()))
    microsoft = LocalAzure(simulate(5, 12, ("westeurope",), accounts=SUBSCRIPTIONS, start=start, script=()))
    with google, microsoft:
        yield google, microsoft


def wednesday_noon() -> int:
    """The last one but a day, epoch seconds, UTC: at night and on Sundays some machines are stopped."""
    return int(time.time()) // 604_800 * 604_800 - 86_400 + 43_200


@pytest.fixture
def clouds(aws: LocalAws, _elsewhere: tuple[LocalGcp, LocalAzure], noon: int) -> Clouds:
    gcp, azure = _elsewhere
    for each in (gcp, azure):
        each.reset()
        each.set_time(None)
    aws.set_time(None)
    return Clouds(aws, gcp, azure)


@pytest.fixture
def three(shell: Any, clouds: Clouds) -> Any:
    shell.write(THREE)
    shell.environment |= clouds.gcp.environment() | clouds.azure.environment()
    return shell


def objects(text: str) -> list[dict[str, Any]]:
    return list(json.loads(text))


def listed(text: str) -> Counter[str]:
    return Counter(each["cloud_provider"] for each in objects(text))


def test_list_shows_every_cloud_in_one_vocabulary(three: Any, clouds: Clouds) -> None:
    done = three("list", "--json")
    machines = objects(done.stdout)
    assert (done.returncode, done.stderr.count("reads failed")) == (0, 0)
    assert listed(done.stdout) == {"aws": len(machines) - 24, "gcp": 12, "azure": 12}
    assert {each["cloud_account_id"] for each in machines if each["cloud_provider"] == "gcp"} == set(PROJECTS)
    assert {each["state"] for each in machines} <= {"running", "stopped"}
    azure = next(each for each in machines if each["cloud_provider"] == "azure")
    assert azure["host_id"].startswith(f"/subscriptions/{azure['cloud_account_id']}/resourcegroups/")


def test_only_the_named_clouds_are_asked(three: Any, clouds: Clouds) -> None:
    done = three("list", "--json", "--cloud", "azure", "--cloud", "gcp")
    assert (done.returncode, listed(done.stdout)) == (0, {"gcp": 12, "azure": 12})
    assert clouds.aws.ledger.entries() == ()
    assert listed(three("list", "--json", "--cloud", "aws").stdout).keys() == {"aws"}


def test_a_table_shows_azures_ids_short(three: Any, clouds: Clouds) -> None:
    _, *rows = three("list", "--cloud", "azure").stdout.splitlines()
    assert len(rows) == 12
    assert all(len(row.split()[0]) < 40 and row.split()[0].count("/") == 1 for row in rows)


def test_a_machine_that_could_not_be_provisioned_is_seen_by_list_and_by_a_rule(three: Any, clouds: Clouds) -> None:
    machine = next(one for one in clouds.azure.fleet.instances if not one.parked)
    clouds.azure.world.failed.add(machine.id)
    _, *rows = three("list", "--cloud", "azure").stdout.splitlines()
    (row,) = [row for row in rows if "provisioning failed" in row]
    name = clouds.azure.resource_id(machine.id).rpartition("/")[2]
    assert name in row
    seen = {each["name"]: each["observations"] for each in objects(three("list", "--json", "--cloud", "azure").stdout)}
    assert {each: word["provisioning"] for each, word in seen.items() if word["provisioning"] != "succeeded"} == {
        name: "failed"
    }
    three.write(THREE.replace("{name: hot, on: instance, when: cpu.utilization > 99 %}",
                              "{name: half-made, on: instance, when: provisioning is failed}"))  # fmt: skip
    planned = three("run", "--dry-run", "--cloud", "azure").stdout
    (fired,) = [line for line in planned.splitlines() if "half-made" in line]
    assert "fired" in fired
    assert name in fired


def test_metrics_are_fractions_on_each(three: Any, clouds: Clouds) -> None:
    done = three("metrics", "--json", "--cloud", "gcp", "--cloud", "azure", "--metric", "cpu.utilization")
    values = [each for each in objects(done.stdout) if each["value"] is not None]
    assert done.returncode == 0
    assert {each["cloud_provider"] for each in values} == {"gcp", "azure"}
    assert all(each["unit"] == "1" and 0 < each["value"] < 1 for each in values)


def test_a_cloud_that_is_not_gathered_is_a_wrong_call(shell: Any) -> None:
    done = shell("list", "--cloud", "gcp")
    assert done.returncode == 2
    assert "gcp is not gathered; nephoscope.yaml has aws" in done.stderr


def test_a_cloud_that_is_none_is_a_wrong_call(three: Any) -> None:
    done = three("run", "--cloud", "gpc")
    assert done.returncode == 2
    assert "invalid choice: 'gpc'" in done.stderr


# --- run, status --------------------------------------------------------------------------------------------------


def test_a_run_of_one_cloud_reads_it_alone_and_leaves_the_dashboard(three: Any, clouds: Clouds) -> None:
    done = three("run", "--dry-run", "--cloud", "gcp")
    assert done.returncode == 0
    assert {line.split()[1] for line in done.stdout.splitlines() if line.startswith("gcp ")} == set(PROJECTS)
    assert "It leaves the dashboard alone, which shows all clouds." in done.stdout
    assert clouds.aws.ledger.entries() == ()
    assert clouds.azure.ledger.entries() == ()


def test_status_is_of_the_named_clouds(three: Any, clouds: Clouds) -> None:
    three("run", "--cloud", "gcp", "--cloud", "azure")  # nobody takes what it publishes here
    assert clouds.aws.ledger.calls("cloudwatch:PutDashboard") == 0
    both, one = three("status", "--json"), three("status", "--json", "--cloud", "azure")
    assert {each["cloud_provider"] for each in objects(both.stdout)} == {"gcp", "azure"}
    assert {each["cloud_account_id"] for each in objects(one.stdout)} == set(SUBSCRIPTIONS)


# --- doctor -------------------------------------------------------------------------------------------------------


def checks(text: str, cloud: str) -> Counter[tuple[str, str]]:
    return Counter((each["check"], each["verdict"]) for each in objects(text) if each["where"].startswith(f"{cloud} "))


def test_where_everything_is_granted_each_call_is_well_in_each_scope(three: Any, clouds: Clouds) -> None:
    done = three("doctor", "--json")
    assert done.returncode == 0
    assert checks(done.stdout, "gcp") == {
        ("compute.instances.list", "well"): 2,
        ("monitoring.timeSeries.list", "well"): 2,
        ("monitoring.metricDescriptors.get", "well"): 2,
    }
    assert checks(done.stdout, "azure") == {
        ("Microsoft.ResourceGraph/resources/read", "well"): 2,
        ("Microsoft.Insights/metrics/read", "well"): 2,
    }
    assert checks(done.stdout, "aws")["sts:GetCallerIdentity", "well"] == 1


def test_one_cloud_alone_needs_no_other(three: Any, clouds: Clouds) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del three.environment[name]
    done = three("doctor", "--json", "--cloud", "gcp")
    assert done.returncode == 0
    assert {each["where"].split()[0] for each in objects(done.stdout)} == {"gcp"}


def test_a_permission_that_google_refuses_is_named_with_its_role_and_command(three: Any, clouds: Clouds) -> None:
    clouds.gcp.world.permissions = frozenset({"compute.instances.list"})
    done = three("doctor", "--cloud", "gcp")
    assert done.returncode == 1
    assert "needs monitoring.timeSeries.list, as roles/monitoring.viewer has it" in done.stdout
    assert done.stdout.split("Grant to whom the functions run as:\n")[1].splitlines() == [
        f"gcloud projects add-iam-policy-binding {project} --member=serviceAccount:EMAIL --role=roles/monitoring.viewer"
        for project in PROJECTS
    ]
    assert "Run the commands above" in done.stderr


def test_a_listing_that_google_refuses_is_named(three: Any, clouds: Clouds) -> None:
    clouds.gcp.world.permissions = frozenset()
    done = three("doctor", "--json", "--cloud", "gcp")
    assert done.returncode == 1
    assert checks(done.stdout, "gcp") == {("compute.instances.list", "missing"): 2}


def test_an_api_that_is_switched_off_is_no_missing_role(three: Any, clouds: Clouds) -> None:
    clouds.gcp.faults.add(Fault(Failing.DISABLED, "compute.*", project="acme-web"))
    done = three("doctor", "--cloud", "gcp")
    assert done.returncode == 1
    assert "gcloud services enable compute.googleapis.com --project acme-web" in done.stderr
    assert "Grant to" not in done.stdout


def test_a_subscription_that_azure_hides_is_named(three: Any, clouds: Clouds) -> None:
    clouds.azure.deny(SUBSCRIPTIONS[0])
    done = three("doctor", "--cloud", "azure")
    assert done.returncode == 1
    assert "needs Microsoft.ResourceGraph/resources/read, as Reader has it" in done.stdout
    assert (
        f'az role assignment create --assignee OBJECT_ID --role "Reader" --scope /subscriptions/{SUBSCRIPTIONS[0]}\n'
        in done.stdout
    )


def test_metrics_that_azure_refuses_are_named(three: Any, clouds: Clouds) -> None:
    clouds.azure.world.unmonitored.add(SUBSCRIPTIONS[1])
    done = three("doctor", "--json", "--cloud", "azure")
    assert done.returncode == 1
    assert checks(done.stdout, "azure") == {
        ("Microsoft.ResourceGraph/resources/read", "well"): 2,
        ("Microsoft.Insights/metrics/read", "well"): 1,
        ("Microsoft.Insights/metrics/read", "missing"): 1,
    }


def test_a_service_that_is_down_is_no_missing_role(three: Any, clouds: Clouds) -> None:
    clouds.azure.faults.add(AzureFault(AzureFailing.ERROR, "Microsoft.Insights/*", account=SUBSCRIPTIONS[0]))
    done = three("doctor", "--cloud", "azure")
    assert done.returncode == 1
    assert "Microsoft.Insights/metrics/read" in done.stderr
    assert "Grant to" not in done.stdout


def test_a_shell_that_is_nobody_is_told_how_to_sign_in(three: Any, clouds: Clouds) -> None:
    three.environment["IDENTITY_HEADER"] = "forged"
    done = three("doctor", "--cloud", "azure")
    assert done.returncode == 1
    assert "az login" in done.stderr
    assert "Grant to" not in done.stdout


def test_without_aws_in_gather_the_home_is_looked_at_all_the_same(three: Any, clouds: Clouds) -> None:
    three.write(
        f"fleet: acme\ngather: {{gcp: {{projects: [{PROJECTS[0]}]}}}}\n"
        "publish: {cloudwatch: {region: eu-west-1}}\ntell: {}\n"
    )
    done = three("doctor", "--json")
    assert done.returncode == 0
    assert checks(done.stdout, "aws") == {
        ("sts:GetCallerIdentity", "well"): 1,
        ("cloudwatch:GetDashboard", "well"): 1,
        ("cloudwatch:PutDashboard", "not tried"): 1,
        ("cloudwatch:DeleteDashboards", "not tried"): 1,
        ("cloudwatch:PutMetricData", "not tried"): 1,
    }
    assert checks(done.stdout, "gcp")["compute.instances.list", "well"] == 1


def test_a_run_takes_of_each_cloud_what_is_forecast(three: Any, clouds: Clouds) -> None:
    """Per minute: 60 runs an hour, in which every metric is read once."""
    machines = [resource_of(each) for each in objects(three("list", "--json").stdout)]
    fleet = {scope: [each for each in machines if each.scope == scope] for scope in {each.scope for each in machines}}
    config = compile_file(three.folder / "nephoscope.yaml", {}).config
    bill = {line.what: line for line in forecast(config, fleet, load_catalog(), dashboards=1).lines}
    for each in (clouds.gcp, clouds.azure):
        each.ledger.clear()
    assert three("run", "--dry-run", "--cloud", "gcp", "--cloud", "azure").returncode == 0
    google, azure = clouds.gcp.ledger, clouds.azure.ledger
    assert google.calls("compute.instances.aggregatedList") * 60 == bill["compute.instances.list"].calls == 120
    assert google.calls("monitoring.projects.timeSeries.list") * 60 == bill["monitoring.timeSeries.list"].calls == 120
    assert google.units("monitoring.projects.timeSeries.list") * 60 == bill["monitoring.timeSeries.list"].units > 0
    for action, calls in (("Microsoft.ResourceGraph/resources/read", 180), ("Microsoft.Insights/metrics/read", 120)):
        assert azure.calls(action) * 60 == bill[action].calls == calls


def resource_of(line: dict[str, Any]) -> Resource:
    scope = Scope(Cloud(line["cloud_provider"]), line["cloud_account_id"], line["cloud_region"])
    return Resource(scope, Kind.INSTANCE, line["host_id"], state=State(line["state"]), tags=line["tags"])


def test_validate_forecasts_all_three(three: Any) -> None:
    done = three("validate", "--json", "--instances", "300")
    forecast = json.loads(done.stdout)["forecast"]
    units = {line["action"]: line["units_per_hour"] for line in forecast["lines"]}
    # 300 machines over 5 scopes: 60 on AWS each 5 minutes, 120 on Google each minute, 2 calls of Azure each minute
    # and subscription
    assert units["cloudwatch:GetMetricData"] == 60 * 12
    assert units["monitoring.timeSeries.list"] == 120 * 60
    assert units["Microsoft.Insights/metrics/read"] == 2 * 2 * 60
    assert forecast["custom_series"] == 5 * 5 + 3 * 10


# --- secrets in each function's own cloud -------------------------------------------------------------------------

VAULT = "nephoscopeprod0a1b2c3d"
NEAR = 'tell: {near: {webhook: "${own-cloud:nephoscope-near#url}", fallback: true}}'


def secrets_of(text: str) -> dict[str, tuple[str, str]]:
    """The cloud in which it was looked for -> verdict and why."""
    found = [each for each in objects(text) if each["check"] == "secret"]
    clouds = ("gcp", "azure")
    return {
        word if (word := each["where"].split()[0]) in clouds else "aws": (each["verdict"], each["detail"])
        for each in found
    }


@pytest.fixture
def near(three: Any, clouds: Clouds) -> Any:
    """A fallback whose secret is kept in each cloud under one name; the shell knows project and vault."""
    three.write(THREE.replace("tell: {}", NEAR))
    three.environment |= {"NEPHOSCOPE_ACCOUNT": PROJECTS[0], "NEPHOSCOPE_VAULT": VAULT}
    text = '{"url": "https://chat.example/hook"}'
    clouds.gcp.keep_secret("nephoscope-near", text, project=PROJECTS[0])
    clouds.azure.keep_secret(VAULT, "nephoscope-near", text)
    return three


def test_doctor_looks_for_each_functions_secret_in_its_own_cloud(near: Any, clouds: Clouds) -> None:
    found = secrets_of(near("doctor", "--json").stdout)
    assert (found["gcp"][0], found["azure"][0]) == ("well", "well")
    assert found["aws"][0] == "failed"  # this local AWS keeps no secrets
    assert secrets_of(near("doctor", "--json", "--cloud", "gcp").stdout).keys() == {"gcp"}


def test_doctor_names_what_lets_google_read_one_secret(near: Any, clouds: Clouds) -> None:
    held = {"compute.instances.list", "monitoring.timeSeries.list", "monitoring.metricDescriptors.get"}
    clouds.gcp.world.permissions = frozenset(held)
    done = near("doctor", "--cloud", "gcp")
    assert done.returncode == 1
    assert done.stdout.split("Grant to whom the functions run as:\n")[1].splitlines() == [
        f"gcloud secrets add-iam-policy-binding nephoscope-near --project={PROJECTS[0]} "
        "--member=serviceAccount:EMAIL --role=roles/secretmanager.secretAccessor"
    ]


def test_doctor_names_what_lets_azure_read_one_secret(near: Any, clouds: Clouds) -> None:
    clouds.azure.faults.add(AzureFault(AzureFailing.DENY, "Microsoft.KeyVault/*"))
    done = near("doctor", "--cloud", "azure")
    assert done.returncode == 1
    assert done.stdout.split("Grant to whom the functions run as:\n")[1].splitlines() == [
        'az role assignment create --assignee OBJECT_ID --role "Key Vault Secrets User" '
        f'--scope "$(az keyvault show --name {VAULT} --query id --output tsv)/secrets/nephoscope-near"'
    ]


def test_doctor_does_not_guess_where_the_functions_run(near: Any, clouds: Clouds) -> None:
    del near.environment["NEPHOSCOPE_VAULT"]
    near.environment["NEPHOSCOPE_ACCOUNT"] = "111111111111"  # of AWS
    found = secrets_of(near("doctor", "--json").stdout)
    assert found["gcp"][0] == found["azure"][0] == "not tried"
    assert ("NEPHOSCOPE_ACCOUNT" in found["gcp"][1], "NEPHOSCOPE_VAULT" in found["azure"][1]) == (True, True)
