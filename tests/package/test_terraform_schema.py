"""Terraform's files against the providers' schemas: nothing is wrong in ours, and what is planted is found."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.terraform.check import SCHEMA, check
from infra.terraform.extract import extract, json_text, used
from infra.terraform.hcl import MODULES, bare, read_module, unquoted
from nephoscope.clouds.gcp.reader import LIMITS

INFRA = Path(__file__).resolve().parents[2] / "infra"
needs_terraform = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on this machine")


@pytest.fixture(scope="module")
def schema() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def spoilt(tmp_path: Path, schema: Mapping[str, Any]) -> Callable[[str, str, str], list[str]]:
    """What is found in a module when one piece of its text is replaced."""

    def plant(module: str, old: str, new: str) -> list[str]:
        shutil.copytree(INFRA / module, tmp_path, dirs_exist_ok=True)
        texts = {path: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.tf")}
        path = next(path for path, text in texts.items() if old in text)
        path.write_text(texts[path].replace(old, new, 1), encoding="utf-8")
        return check(tmp_path, schema)

    return plant


@pytest.mark.parametrize("module", MODULES, ids=lambda path: "/".join(path.parts[-2:]))
def test_nothing_is_found_in_ours(module: Path, schema: Mapping[str, Any]) -> None:
    assert check(module, schema) == []


PLANTED = (
    # module, what stands there, what is planted in its place, what is said of it
    ("gcp/identities", "account_id   = ", "acount_id   = ", 'unknown argument "acount_id"; did you mean account_id?'),
    ("gcp/identities", "account_id   = ", "acount_id   = ", 'missing argument "account_id"'),
    ("gcp/identities", "google_service_account.reader.unique_id", "google_service_account.reader.uniqe_id",
     'google_service_account.reader has no "uniqe_id"; did you mean unique_id?'),
    ("gcp/identities", "google_service_account.caller.email", "google_service_account.callers.email",
     "google_service_account.callers is not declared"),
    ("gcp/identities", "project     = each.value\n", "", None),
    ("gcp/identities", "permissions = local.permissions\n", 'permissions = "compute.instances.list"\n',
     '"permissions" must be a list'),
    ("gcp/identities", 'version = "6.50.0"', 'version = "5.0.0"', "provider google: 5.0.0 is asked for"),
    ("gcp/functions", "  retry_config {", "  retry_config = {", '"retry_config" is a block, not an argument'),
    ("gcp/functions", "    oidc_token {", "    oidc_tokens {", 'http_target: unknown block "oidc_tokens"'),
    ("gcp/functions", "    retry_count = 0", "    retries = 0", 'retry_config: unknown argument "retries"'),
    ("gcp/functions", '  combiner              = "OR"\n', "", 'missing argument "combiner"'),
    ("gcp/functions", "  dashboard_json = ", "  dashboard_body = ", 'missing argument "dashboard_json"'),
    ("gcp/functions", "var.region", "var.reggion", "var.reggion is not declared; did you mean region?"),
    ("gcp/functions", "local.stack.table", "local.stak.table", "local.stak is not declared; did you mean stack?"),
    ("gcp/functions", 'resource "google_pubsub_topic" "work"', 'resource "google_pubsub_topik" "work"',
     "the schema has no google_pubsub_topik; did you mean google_pubsub_topic?"),
    ("azure/identities", "  permissions {\n    actions = local.actions\n  }\n", "  permissions = local.actions\n",
     '"permissions" is a block, not an argument'),
    ("azure/identities", "  api {\n    requested", "  password {\n  }\n  api {\n    requested", "schema excerpt holds"),
    ("azure/functions", "  site_config {", "  sites_config {", 'missing block "site_config"'),
    ("azure/functions", '  runtime_version        = "3.13"\n', "", 'missing argument "runtime_version"'),
    ("azure/functions", "  identity {", '  identity {\n    type = "UserAssigned"\n  }\n  identity {',
     "block identity stands there 2 times"),
    ("azure/functions", "      email_address = ", "      mail = ", 'email_receiver: missing argument "email_address"'),
    ("azure/functions", "  data_json           = ", "  serialized_data     = ", 'unknown argument "serialized_data"'),
    ("azure/functions", "application_insights_workbook.fleet.id", "application_insights_workbook.flet.id",
     "azurerm_application_insights_workbook.flet is not declared"),
    ("azure/functions", "  app_settings = {", "  app_settings {", '"app_settings" is an argument, not a block'),
)  # fmt: skip


@pytest.mark.parametrize(("module", "old", "new", "said"), PLANTED)
def test_what_is_planted_is_found(
    spoilt: Callable[[str, str, str], list[str]], module: str, old: str, new: str, said: str | None
) -> None:
    found = spoilt(module, old, new)
    if said is None:  # an argument that may be left out is no finding
        assert found == []
    else:
        assert any(said in each for each in found), found


def test_a_file_that_is_no_hcl_is_named_with_its_line(spoilt: Callable[[str, str, str], list[str]]) -> None:
    with pytest.raises(Exception, match="line 3"):
        spoilt("gcp/identities", "required_providers {", "required_providers {{")


def test_the_excerpt_has_just_what_is_used_and_is_small(schema: Mapping[str, Any]) -> None:
    assert set(schema["types"]) == set(used())
    assert SCHEMA.stat().st_size < 25_000
    assert json_text(schema) == SCHEMA.read_text(encoding="utf-8")


DECLARATIONS = """
export interface StorageQueueConfig extends cdktf.TerraformMetaArguments {
    /**
    * Docs: {@link https://example/providers/hashicorp/azurerm/4.55.0/docs/x#name StorageQueue#name}
    */
    readonly name: string;
    /**
    * Docs: {@link https://example/providers/hashicorp/azurerm/4.55.0/docs/x#storage_account_id StorageQueue#storage_account_id}
    */
    readonly storageAccountId?: string;
    /**
    * metadata block
    *
    * Docs: {@link https://example/providers/hashicorp/azurerm/4.55.0/docs/x#metadata StorageQueue#metadata}
    */
    readonly metadata: StorageQueueMetadata[] | cdktf.IResolvable;
}
export interface StorageQueueMetadata {
    /**
    * Docs: {@link https://example/providers/hashicorp/azurerm/4.55.0/docs/x#keys StorageQueue#keys}
    */
    readonly keys?: string[];
}
export declare class StorageQueue extends cdktf.TerraformResource {
    get name(): string;
    get nameInput(): string | undefined;
    get primaryUrl(): string;
}
"""  # noqa: E501


def test_declarations_become_a_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "azurerm/package/lib/storage-queue"
    place.mkdir(parents=True)
    (place / "index.d.ts").write_text(DECLARATIONS, encoding="utf-8")
    monkeypatch.setattr("infra.terraform.extract.used", lambda: {"azurerm_storage_queue": {"metadata"}})
    assert extract(tmp_path) == {
        "providers": {"azurerm": "4.55.0"},
        "types": {
            "azurerm_storage_queue": {
                "arguments": {
                    "name": "string!",
                    "storage_account_id": "string",
                    "metadata": {"#": "1+", "keys": "list"},
                },
                "exports": ["primary_url"],
            }
        },
    }


# --- what stands in them -----------------------------------------------------------------------------------------


def test_no_role_is_wider_than_reading() -> None:
    """Built-in roles are given for building the image, calling the function and its own storage, and no others."""
    allowed = {
        "roles/artifactregistry.writer", "roles/logging.logWriter", "roles/storage.objectViewer",
        "roles/pubsub.publisher", "roles/run.invoker", "roles/secretmanager.secretAccessor",
    }  # fmt: skip
    texts = "".join(path.read_text(encoding="utf-8") for path in (INFRA / "gcp").rglob("*.tf"))
    assert set(re.findall(r'"(roles/[^"]+)"', texts)) == allowed
    texts = "".join(path.read_text(encoding="utf-8") for path in (INFRA / "azure").rglob("*.tf"))
    for action in set(re.findall(r'"(Microsoft\.[\w./]+)"', texts)) - {"Microsoft.KeyVault/vaults"}:  # that is a type
        assert action.endswith("/read")
    assert set(re.findall(r'role_definition_name\s*= "([^"]+)"', texts)) == {"Key Vault Secrets User"}


def test_what_googles_reader_calls_is_what_its_role_holds() -> None:
    """Calls are named by the permission that each needs."""
    text = (INFRA / "gcp/identities/main.tf").read_text(encoding="utf-8")
    for permission in LIMITS:
        assert f'"{permission}"' in text
    assert "cloudasset.googleapis.com" in text, "a search needs its API, in the home project"


def test_each_scheduled_function_has_an_absence_alert_of_its_own_provider() -> None:
    """Silence itself raises it, so that nobody has to run for it; and mail goes to whom the deployment named."""
    google = read_module(INFRA / "gcp/functions")
    policy = google.declared["google_monitoring_alert_policy.silent"].body
    assert set(bare(google.locals["scheduled"])) == {"collect", "deliver"}
    assert policy["for_each"] == google.declared["google_cloud_scheduler_job.each"].body["for_each"]
    (condition,) = policy["conditions"]
    (absent,) = condition["condition_absent"]
    assert unquoted(absent["duration"]) == "${each.value.silent}s"
    assert 'metric.labels.response_code_class = \\"2xx\\"' in str(absent["filter"]), (
        "a run that failed is no sign of life"
    )
    assert "google_monitoring_notification_channel.mail" in str(policy["notification_channels"])

    azure = read_module(INFRA / "azure/functions")
    alert = azure.declared["azurerm_monitor_scheduled_query_rules_alert_v2.silent"].body
    assert set(bare(azure.locals["silent"])) == {"collect", "deliver"}
    (criteria,) = alert["criteria"]
    assert "success == true" in unquoted(criteria["query"]), "a run that failed is no sign of life"
    assert (unquoted(criteria["operator"]), criteria["threshold"]) == ("LessThan", 1), "no row is the alert"
    assert "azurerm_monitor_action_group.people" in str(alert["dynamic"])


def test_nothing_makes_or_holds_a_key() -> None:
    types = {type_ for module in MODULES for type_ in (each.type for each in read_module(module).declared.values())}
    types -= {"azurerm_key_vault"}  # a place for secrets that others put there
    assert not [type_ for type_ in types if re.search("key|password|secret_version|credential", type_)]
    (storage,) = [
        each.body
        for module in MODULES
        for each in read_module(module).declared.values()
        if each.type == "azurerm_storage_account"
    ]
    assert storage["shared_access_key_enabled"] is False


def test_azures_tokens_are_of_the_version_that_aws_knows_by_the_tenants_issuer() -> None:
    application = read_module(INFRA / "azure/identities").declared["azuread_application.audience"].body
    assert application["api"][0]["requested_access_token_version"] == 1
    assert unquoted(application["identifier_uris"][0]).startswith("api://")


def test_each_function_is_told_the_account_that_it_runs_in_as_its_cloud_calls_it() -> None:
    google = read_module(INFRA / "gcp/functions").locals["environment"]
    app = read_module(INFRA / "azure/functions").declared["azurerm_function_app_flex_consumption.home"].body
    assert google["NEPHOSCOPE_ACCOUNT"] == "${var.project}"
    assert app["app_settings"]["NEPHOSCOPE_ACCOUNT"] == "${var.subscription}"


@needs_terraform
@pytest.mark.parametrize("cloud", ["gcp", "azure"])
def test_terraform_finds_the_files_well_formatted(cloud: str) -> None:
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", "-diff"],
        cwd=INFRA / cloud, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def evaluated(module: Path, build: Path, place: Path, wanted: str) -> Any:
    """What Terraform itself makes of one of a module's locals; the module's resources are left out."""
    text = (module / "main.tf").read_text(encoding="utf-8")
    (place / "locals.tf").write_text(text[text.index("locals {") : text.index("\n}\n") + 3], encoding="utf-8")
    given = "".join(f'variable "{name}" {{ default = "{name}" }}\n' for name in ("build", "name", "subscription"))
    ask = f'{given}output "it" {{ value = {wanted} }}\n'
    (place / "ask.tf").write_text(ask, encoding="utf-8")
    terraform(place, "init", "-input=false")
    terraform(place, "apply", "-auto-approve", f"-var=build={build}")
    return json.loads(terraform(place, "output", "-json", "it"))


def terraform(place: Path, *words: str) -> str:
    done = subprocess.run(["terraform", *words], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


METRICS = {"monitoring.metricDescriptors.get", "monitoring.metricDescriptors.list", "monitoring.timeSeries.list"}
INSTANCES = {"compute.instances.list", "compute.regions.list", "compute.zones.list"}


SEARCH = {"cloudasset.assets.searchAllResources"}


@needs_terraform
@pytest.mark.parametrize(
    ("resources", "parent", "granted"),
    [
        (["instance"], "", METRICS | INSTANCES),
        (["bucket"], "", METRICS | {"storage.buckets.list"}),
        (["instance"], "organizations/1", METRICS | INSTANCES | SEARCH),
    ],
)
def test_in_google_only_what_is_gathered_may_be_listed(
    tmp_path: Path, resources: list[str], parent: str, granted: set[str]
) -> None:
    deploy = {"gcp": {"projects": ["acme-web"], "parent": parent, "resources": resources}}
    (tmp_path / "deploy.json").write_text(json.dumps(deploy), encoding="utf-8")
    permissions = evaluated(INFRA / "gcp/identities", tmp_path, tmp_path, "local.permissions")
    assert set(permissions) == granted


@needs_terraform
def test_in_azure_the_role_holds_where_something_is_watched(tmp_path: Path) -> None:
    watched = {"subscriptions": ["a", "b"], "management_group": "all", "workspaces": [], "resources": ["instance"]}
    (tmp_path / "deploy.json").write_text(json.dumps({"azure": watched}), encoding="utf-8")
    both = "{scopes = local.scopes, actions = local.actions}"
    made = evaluated(INFRA / "azure/identities", tmp_path, tmp_path, both)
    group = "/providers/Microsoft.Management/managementGroups/all"
    assert made["scopes"] == ["/subscriptions/a", "/subscriptions/b", group]
    assert "Microsoft.Compute/virtualMachines/instanceView/read" in made["actions"]
    assert not [action for action in made["actions"] if "OperationalInsights" in action or "Storage" in action]


@needs_terraform
@pytest.mark.parametrize(
    ("every", "windows"),
    [
        (60, {"collect": "PT5M", "deliver": "PT5M"}),
        (240, {"collect": "PT30M", "deliver": "PT5M"}),
        (3600, {"collect": "PT5H", "deliver": "PT5M"}),
    ],
)
def test_azure_waits_five_periods_for_a_run_in_windows_that_it_knows(
    tmp_path: Path, every: int, windows: dict[str, str]
) -> None:
    for name, content in {"deploy": {"every": every}, "identities": {"azure": {}}, "stack": {}}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    assert evaluated(INFRA / "azure/functions", tmp_path, tmp_path, "local.window") == windows
