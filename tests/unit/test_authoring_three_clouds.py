"""Three clouds in one file: what it means, in which sentences, what the deployment is told, where a rule is blind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nephoscope.app.authoring.compile import Compiled, compile_file
from nephoscope.app.authoring.explain import explain
from nephoscope.app.config import dump_config, load_config
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import GatherAzure, GatherGcp
from nephoscope.model.errors import ConfigError
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.cost.forecast import assumed_fleet, forecast
from nephoscope.pipeline.dashboard import render_dashboards

ONE, TWO = "0a1b2c3d-0000-4000-8000-00000000000f", "0a1b2c3d-0000-4000-8000-00000000000e"
THREE = f"""\
fleet: acme
gather:
  aws: {{regions: [eu-west-1]}}
  gcp:
    projects: [acme-web, acme-data]
    resources: [instance, bucket]
    where: {{tags: {{env: [prod, staging]}}}}
    except: {{tags: {{monitor: "off"}}}}
  azure:
    subscriptions: [{TWO}, {ONE.upper()}]
    workspaces: ["11111111-1111-1111-1111-11111111111A"]
tell: {{chat: {{webhook: "${{env:CHAT}}"}}}}
"""
SEARCHED = """\
fleet: acme
gather:
  gcp: {search: folders/123}
  azure: {management_group: acme, resources: bucket}
publish: {cloudwatch: {region: eu-west-1}}
tell: {chat: {webhook: "${env:CHAT}"}}
"""


def compiled(text: str, folder: Path, **environment: str) -> Compiled:
    path = folder / "nephoscope.yaml"
    path.write_text(text, encoding="utf-8")
    return compile_file(path, environment)


def test_what_is_gathered_of_each(tmp_path: Path) -> None:
    config = compiled(THREE, tmp_path).config
    assert config.gather.gcp == GatherGcp(
        projects=("acme-web", "acme-data"),
        resources=(Kind.INSTANCE, Kind.BUCKET),
        where=Selector({"env": ("prod", "staging")}, {"monitor": ("off",)}),
    )
    assert config.gather.azure == GatherAzure(
        subscriptions=(TWO, ONE), workspaces=("11111111-1111-1111-1111-11111111111a",)
    )
    assert load_config(dump_config(config)) == config


def test_what_is_searched_below(tmp_path: Path) -> None:
    gather = compiled(SEARCHED, tmp_path).config.gather
    assert (gather.aws, gather.gcp) == (None, GatherGcp(parent="folders/123"))
    assert gather.azure == GatherAzure(management_group="acme", resources=(Kind.BUCKET,))


def test_what_the_deployment_is_told_of_each(tmp_path: Path) -> None:
    deploy = json.loads(json.dumps(compiled(THREE, tmp_path).deploy))
    assert deploy["clouds"] == ["aws", "gcp", "azure"]
    assert deploy["gcp"] == {"projects": ["acme-data", "acme-web"], "parent": "", "resources": ["bucket", "instance"]}
    assert deploy["azure"] == {
        "subscriptions": [TWO, ONE],
        "management_group": "",
        "workspaces": ["11111111-1111-1111-1111-11111111111a"],
        "resources": ["instance"],
    }
    assert (deploy["regions"], deploy["resources"], deploy["own_account"]) == (["eu-west-1"], ["instance"], True)


def test_without_aws_the_deployment_reads_nothing_there(tmp_path: Path) -> None:
    deploy = compiled(SEARCHED, tmp_path).deploy
    assert (deploy["clouds"], deploy["region"]) == (["gcp", "azure"], "eu-west-1")
    assert (deploy["regions"], deploy["resources"], deploy["own_account"], deploy["roles"]) == ([], [], False, [])
    assert (deploy["gcp"]["parent"], deploy["azure"]["management_group"]) == ("folders/123", "acme")


def test_without_aws_the_environment_says_nothing_of_the_dashboard(tmp_path: Path) -> None:
    text = SEARCHED.replace("publish: {cloudwatch: {region: eu-west-1}}\n", "")
    with pytest.raises(ConfigError) as caught:
        compiled(text, tmp_path, AWS_REGION="eu-central-1")
    assert [problem.text for problem in caught.value.problems] == [
        "publish.cloudwatch: no region; without gather.aws say where the dashboard is, region: eu-west-1"
    ]


def test_each_cloud_in_the_first_sentence(tmp_path: Path) -> None:
    assert explain(compiled(THREE, tmp_path).config, load_catalog())[0] == (
        "acme: every 1 min, instances in eu-west-1, of the account that it runs in; instances with tag env = prod or "
        "staging except with tag monitor = off and buckets with tag env = prod or staging except with tag monitor = "
        "off in every region of projects acme-web and acme-data in Google Cloud; instances in every region of "
        f"subscriptions {TWO} and {ONE} in Azure, with what guests tell workspace "
        "11111111-1111-1111-1111-11111111111a; dashboard acme and metrics under nephoscope in eu-west-1."
    )
    assert explain(compiled(SEARCHED, tmp_path).config, load_catalog())[0] == (
        "acme: every 1 min, instances in every region of the projects below folders/123 in Google Cloud; buckets in "
        "every region of the subscriptions below management group acme in Azure; dashboard acme and metrics under "
        "nephoscope in eu-west-1."
    )


HOMES = f"""\
deploy:
  gcp: {{project: acme-ops, region: europe-west1, state: gs://acme-terraform/nephoscope}}
  azure: {{subscription: {ONE.upper()}, location: westeurope, state: azurerm://acme-terraform/acmeterraform/tfstate}}
  notify: [oncall@acme.example, lead@acme.example]
"""


def test_where_the_functions_live(tmp_path: Path) -> None:
    written = compiled(THREE + HOMES, tmp_path)
    assert written.warnings == ()
    assert json.loads(json.dumps(written.deploy))["homes"] == {
        "gcp": {"project": "acme-ops", "region": "europe-west1", "state": "gs://acme-terraform/nephoscope"},
        "azure": {
            "subscription": ONE,
            "location": "westeurope",
            "state": "azurerm://acme-terraform/acmeterraform/tfstate",
        },
        "notify": ["oncall@acme.example", "lead@acme.example"],
    }


def test_the_functions_themselves_are_told_nothing_of_it(tmp_path: Path) -> None:
    """Their package is the same bytes wherever it goes."""
    assert dump_config(compiled(THREE + HOMES, tmp_path).config) == dump_config(compiled(THREE, tmp_path).config)


def test_a_home_where_nothing_is_deployed_is_odd(tmp_path: Path) -> None:
    text = "fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\ntell: {}\ndeploy: {gcp: {state: local}, notify: []}\n"
    assert [
        str(warning).removeprefix(f"{tmp_path}/nephoscope.yaml:") for warning in compiled(text, tmp_path).warnings
    ] == ["4:10: deploy.gcp: there is no gather.gcp: nothing of nephoscope is deployed there"]


@pytest.mark.parametrize(
    ("home", "said"),
    [
        ("gcp: {region: europe-west77}", 'the region "europe-west77" is newer than this version, or misspelt'),
        ("azure: {location: denmarkeast}", 'the region "denmarkeast" is newer than this version, or misspelt'),
    ],
)
def test_a_region_that_is_newer_than_the_rows_is_no_mistake(home: str, said: str, tmp_path: Path) -> None:
    (warning,) = compiled(f"{THREE}deploy: {{{home}}}\n", tmp_path).warnings
    assert warning.text.startswith(said)


def rule_on(when: str) -> str:
    return f"{THREE}rules: [{{name: a, on: instance, when: {when}}}]\n"


def test_a_metric_that_a_cloud_lacks_is_told_and_explained(tmp_path: Path) -> None:
    """Google has no such thing as CPU credits."""
    both = compiled(rule_on("cpu.credit.balance < 10"), tmp_path)
    assert [str(warning).removeprefix(f"{tmp_path}/nephoscope.yaml:") for warning in both.warnings] == [
        "13:39: cpu.credit.balance is not measured on Google Cloud: this rule does not look there"
    ]
    sentence = explain(both.config, load_catalog())[1]
    assert "does not look on Google Cloud, where cpu.credit.balance is not known;" in sentence


def test_what_every_cloud_has_needs_no_word(tmp_path: Path) -> None:
    both = compiled(rule_on("cpu.utilization > 90 %"), tmp_path)
    assert both.warnings == ()
    assert "does not look" not in explain(both.config, load_catalog())[1]


def test_a_check_that_only_one_cloud_makes_is_explained(tmp_path: Path) -> None:
    both = compiled(rule_on("check.system is failed"), tmp_path)
    assert both.warnings == ()
    assert (
        "does not look on Google Cloud or Azure, where check.system is not known;"
        in (explain(both.config, load_catalog())[1])
    )


def test_a_rule_that_looks_nowhere_is_told(tmp_path: Path) -> None:
    text = SEARCHED + "rules: [{name: a, on: instance, when: check.system is failed}]\n"
    assert [warning.text for warning in compiled(text, tmp_path).warnings] == [
        "check.system is not known on Google Cloud: this rule looks at nothing"
    ]


def test_a_metric_of_a_kind_that_a_cloud_does_not_gather_is_no_lack(tmp_path: Path) -> None:
    """Buckets are gathered on Google alone here, which has their sizes."""
    text = THREE + "rules: [{name: a, on: bucket, when: size > 1 TiB}]\n"
    assert compiled(text, tmp_path).warnings == ()


def test_starter_rules_are_those_that_can_hold_somewhere(tmp_path: Path) -> None:
    three, two = compiled(THREE, tmp_path), compiled(SEARCHED, tmp_path)
    assert [rule.name for rule in three.config.rules] == [
        "cpu-hot",
        "system-check-failed",
        "instance-check-failed",
        "ebs-check-failed",
        "always-on-stopped",
        "agent-silent",
        "provisioning-failed",
        "scope-blind",
        "nephoscope-watch",
    ]
    named = [rule.name for rule in two.config.rules]
    assert named == ["cpu-hot", "always-on-stopped", "scope-blind", "nephoscope-watch"]
    assert (three.warnings, two.warnings) == ((), ())


def test_a_series_for_each_resource_is_something_outside_aws(tmp_path: Path) -> None:
    text = SEARCHED.replace("region: eu-west-1", "region: eu-west-1, detail: resource")
    both = compiled(text, tmp_path)
    assert (both.config.publish.detail, both.warnings) == ("resource", ())


LOGS = """\
fleet: acme
gather: {aws: {regions: [eu-west-1]}, azure: {subscriptions: [0a1b2c3d-0000-4000-8000-00000000000f]WORKSPACES}}
rules:
  - {name: full, on: instance, when: filesystem.utilization > 90 %}
  - {name: silent, on: instance, when: agent.heartbeat < 1, for: 10 min, missing: breaching}
tell: {}
"""


def test_what_azure_keeps_in_logs_needs_a_workspace_and_validate_says_which_key(tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text(LOGS.replace("WORKSPACES", ""), encoding="utf-8")
    hint = "; Azure keeps it in Log Analytics: name workspaces under gather.azure"
    assert [warning.text for warning in compile_file(path, {}).warnings] == [
        f"filesystem.utilization is not measured on Azure: this rule does not look there{hint}",
        f"agent.heartbeat is not known on AWS and Azure: this rule looks at nothing{hint}",
    ]
    path.write_text(LOGS.replace("WORKSPACES", ", workspaces: [11111111-1111-4111-8111-111111111111]"))
    assert [warning.text for warning in compile_file(path, {}).warnings] == [
        "agent.heartbeat is not measured on AWS: this rule does not look there"
    ]


def test_a_rule_that_looks_at_nothing_is_forecast_and_drawn_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text(LOGS.replace("WORKSPACES", ""), encoding="utf-8")
    config = compile_file(path, {}).config
    catalog = load_catalog().configured(config)
    scope = Scope(Cloud.AZURE, "0a1b2c3d-0000-4000-8000-00000000000f", "westeurope")
    fleet = assumed_fleet([scope], 100, {})
    lines = {line.what: line for line in forecast(config, fleet, catalog, 1).lines}
    assert "Microsoft.OperationalInsights/workspaces/query/read" not in lines
    (drawn,) = render_dashboards(config, [scope], catalog)
    assert "agent.heartbeat" not in json.dumps(drawn.body)


def test_queries_are_forecast_by_workspace_metric_and_two_hundred_machines(tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    two = ", workspaces: [11111111-1111-4111-8111-111111111111, 22222222-1111-4111-8111-111111111111]"
    path.write_text(LOGS.replace("WORKSPACES", two), encoding="utf-8")
    config = compile_file(path, {}).config
    scope = Scope(Cloud.AZURE, "0a1b2c3d-0000-4000-8000-00000000000f", "westeurope")
    lines = forecast(config, assumed_fleet([scope], 201, {}), load_catalog().configured(config), 1).lines
    (queries,) = (line for line in lines if line.what == "Microsoft.OperationalInsights/workspaces/query/read")
    # two queries for 201 machines, each minute, for each of two metrics and of two workspaces
    assert (queries.calls, queries.usd) == (2 * 60 * 2 * 2, 0.0)
