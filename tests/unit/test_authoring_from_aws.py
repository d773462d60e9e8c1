"""Google Cloud and Azure read by AWS's functions: what it means, what the deployment is told, what is wrong with it."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from nephoscope.app.authoring.compile import Compiled, compile_file
from nephoscope.app.authoring.explain import explain
from nephoscope.app.config import dump_config, load_config
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import AzureFederation, GcpFederation
from nephoscope.model.errors import ConfigError
from nephoscope.model.scope import Cloud

POOL = "projects/123456789012/locations/global/workloadIdentityPools/nephoscope"
PROVIDER = f"{POOL}/providers/aws-lambda"
ACCOUNT = "nephoscope@acme-ops.iam.gserviceaccount.com"
TENANT, CLIENT = "0A1B2C3D-0000-4000-8000-00000000000F", "0a1b2c3d-0000-4000-8000-00000000000e"
GCP = f"{{projects: [acme-web], from_aws: {{provider: {PROVIDER}, service_account: {ACCOUNT}}}}}"
AZURE = f"{{subscriptions: [{CLIENT}], from_aws: {{tenant: {TENANT}, client: {CLIENT}}}}}"


def compiled(gather: str, folder: Path) -> Compiled:
    path = folder / "nephoscope.yaml"
    text = f"fleet: acme\ngather: {{{gather}}}\npublish: {{cloudwatch: {{region: eu-west-1}}}}\n"
    path.write_text(text + 'tell: {oncall: {sns: "${stack:AlertTopic}"}}\n', encoding="utf-8")
    return compile_file(path, {})


def problems(gather: str, folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        compiled(gather, folder)
    return [f"{each.line}:{each.column}: {each.text}" for each in caught.value.problems]


def test_how_the_functions_enter_stands_in_the_compiled_configuration(tmp_path: Path) -> None:
    config = compiled(f"aws: {{regions: eu-west-1}}, gcp: {GCP}, azure: {AZURE}", tmp_path).config
    assert config.gather.gcp is not None and config.gather.azure is not None
    assert config.gather.gcp.from_aws == GcpFederation(PROVIDER, ACCOUNT)
    assert config.gather.azure.from_aws == AzureFederation(TENANT.lower(), CLIENT)
    assert config.gather.from_aws == (Cloud.GCP, Cloud.AZURE)
    assert load_config(dump_config(config)) == config


def test_left_out_each_cloud_has_functions_of_its_own(tmp_path: Path) -> None:
    both = compiled("gcp: {projects: [acme-web]}, azure: {management_group: acme}", tmp_path)
    assert both.config.gather.from_aws == ()
    assert (both.deploy["clouds"], both.deploy["from_aws"]) == (["gcp", "azure"], [])
    assert load_config(dump_config(both.config)) == both.config


@pytest.mark.parametrize("prefix", ["//iam.googleapis.com/", "https://iam.googleapis.com/"])
def test_the_providers_name_may_be_written_as_google_shows_it(tmp_path: Path, prefix: str) -> None:
    config = compiled(f"gcp: {GCP.replace(PROVIDER, json.dumps(prefix + PROVIDER))}", tmp_path).config
    assert config.gather.gcp is not None
    assert config.gather.gcp.from_aws == GcpFederation(PROVIDER, ACCOUNT)


@pytest.mark.parametrize(
    ("gather", "own", "from_aws", "watched"),
    [
        (f"aws: {{regions: eu-west-1}}, gcp: {GCP}, azure: {AZURE}", ["aws"], ["gcp", "azure"], "aws"),
        (f"aws: {{regions: eu-west-1}}, gcp: {GCP}, azure: {{management_group: a}}", ["aws", "azure"], ["gcp"], "aws"),
        (f"gcp: {{projects: [acme-web]}}, azure: {AZURE}", ["gcp"], ["azure"], "gcp"),
        (f"azure: {AZURE}", [], ["azure"], "azure"),
    ],
)  # fmt: skip
def test_the_deployment_makes_functions_where_they_are_wanted(
    tmp_path: Path, gather: str, own: list[str], from_aws: list[str], watched: str
) -> None:
    """watched: under whose name the heartbeat is that AWS's own alarm looks for: the first cloud that is gathered."""
    deploy = compiled(gather, tmp_path).deploy
    assert (deploy["clouds"], deploy["from_aws"], deploy["watched"]) == (own, from_aws, watched)


def test_a_period_that_other_clouds_schedules_cannot_have_is_well_where_they_have_none(tmp_path: Path) -> None:
    assert compiled(f"every: 7 min, gcp: {GCP}", tmp_path).deploy["schedule"] == "rate(7 minutes)"
    (said,) = problems("every: 7 min, gcp: {projects: [acme-web]}", tmp_path)
    assert "does not divide an hour" in said


def test_it_is_said_as_it_was_understood(tmp_path: Path) -> None:
    sentence = explain(compiled(f"gcp: {GCP}, azure: {AZURE}", tmp_path).config, load_catalog())[0]
    assert sentence == (
        "acme: every 1 min, instances in every region of project acme-web in Google Cloud, read from AWS as "
        f"{ACCOUNT}; instances in every region of subscription {CLIENT} in Azure, read from AWS as client {CLIENT}; "
        "dashboard acme and metrics under nephoscope in eu-west-1."
    )


def gcp_with(provider: str = PROVIDER, account: str = ACCOUNT) -> str:
    return f"gcp: {{projects: [acme-web], from_aws: {{provider: {provider}, service_account: {account}}}}}"


@pytest.mark.parametrize(
    ("gather", "said"),
    [
        (gcp_with(POOL),
         f'gather.gcp.from_aws.provider: "{POOL}" is the pool; its provider\'s name goes on: .../providers/aws-lambda'),
        (gcp_with(PROVIDER.replace("123456789012", "acme-ops")),
         f'gather.gcp.from_aws.provider: "{PROVIDER.replace("123456789012", "acme-ops")}" has the project\'s id; the '
         "name has its number (gcloud projects describe shows projectNumber)"),
        (gcp_with("aws-lambda"),
         f'gather.gcp.from_aws.provider: "aws-lambda" is no provider\'s name, such as {PROVIDER}'),
        (gcp_with(f"{POOL}/providers/aws"),
         f'gather.gcp.from_aws.provider: "{POOL}/providers/aws" is no provider\'s name, such as {PROVIDER}'),
        (gcp_with(account="somebody@acme.example"),
         'gather.gcp.from_aws.service_account: "somebody@acme.example" is no address of a service account, such as '
         + ACCOUNT),
        ("gcp: {projects: [acme-web], from_aws: {service_account: " + ACCOUNT + "}}",
         'gather.gcp.from_aws: "provider" is missing: Resource name of the workload identity pool\'s provider '
         "(infra/gcp has the commands that make it)."),
        ("gcp: {projects: [acme-web], from_aws: aws}", 'gather.gcp.from_aws: expected keys and values, found "aws"'),
        ("gcp: {projects: [acme-web], form_aws: {}}",
         'gather.gcp: unknown key "form_aws"; did you mean from_aws?'),
        (f"azure: {{management_group: acme, from_aws: {{tenant: acme.onmicrosoft.com, client: {CLIENT}}}}}",
         'gather.azure.from_aws.tenant: "acme.onmicrosoft.com" is no directory\'s id (az account show --query tenantId '
         "shows it)"),
        (f"azure: {{management_group: acme, from_aws: {{tenant: {TENANT}, client: nephoscope}}}}",
         'gather.azure.from_aws.client: "nephoscope" is no client id (az ad app show --query appId, or az identity '
         "show --query clientId)"),
        (f"azure: {{management_group: acme, from_aws: {{tenant: {TENANT}}}}}",
         'gather.azure.from_aws: "client" is missing: The client id of the app registration, or user-assigned '
         "identity, that trusts AWS's functions (infra/azure has the commands that make it)."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, gather: str, said: str) -> None:
    (problem,) = problems(gather, tmp_path)
    assert problem.partition(": ")[2] == said
    assert problem.startswith("2:")


def test_all_of_it_is_said_at_once(tmp_path: Path) -> None:
    assert len(problems(f"{gcp_with(POOL, 'x')}, azure: {{management_group: acme, from_aws: {{}}}}", tmp_path)) == 4


@pytest.mark.parametrize("cloud", ["gcp", "azure"])
def test_what_the_guides_tell_to_write_is_right(tmp_path: Path, cloud: str) -> None:
    """infra/gcp and infra/azure: the block of YAML below their commands, and the roles that the stack makes."""
    infra = Path(__file__).parents[2] / "infra"
    guide = (infra / cloud / "README.md").read_text(encoding="utf-8")
    (block,) = [part for part in guide.split("\n\n") if part.lstrip().startswith("gather:") and "from_aws" in part]
    path = tmp_path / "nephoscope.yaml"
    path.write_text("fleet: acme\n" + textwrap.dedent(block) + "\npublish: {cloudwatch: {region: eu-west-1}}\n")
    assert compile_file(path, {}).deploy["from_aws"] == [cloud]
    roles = (infra / "aws" / "roles.yml").read_text(encoding="utf-8")
    for function in ("collect", "work"):
        assert f"RoleName: ${{self:custom.name}}-${{self:provider.region}}-{function}" in roles
    assert "nephoscope-STAGE-REGION-collect` and `-work`" in guide


def test_secrets_are_read_where_the_functions_are(tmp_path: Path) -> None:
    """AWS's function tells of Google's machines here, so Google's own secrets are out of its reach."""
    path = tmp_path / "nephoscope.yaml"
    text = f"fleet: acme\ngather: {{gcp: {GCP}}}\npublish: {{cloudwatch: {{region: eu-west-1}}}}\n"
    path.write_text(text + 'tell: {chat: {webhook: "${ssm:/chat}", fallback: true}}\n', encoding="utf-8")
    assert [warning.text for warning in compile_file(path, {}).warnings if "chat" in warning.text] == []
    path.write_text(text + 'tell: {chat: {webhook: "${gcp-secret:chat}"}}\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        compile_file(path, {})
    (problem,) = caught.value.problems
    assert problem.text.startswith("webhook: ${gcp-secret:...}")
    assert "AWS" in problem.text
