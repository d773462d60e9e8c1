"""The stack of a deployment that keeps history: an alarm more for each cloud, which the dashboard shows, and the
server's secrets."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from infra.local.deploy import small_fleet
from infra.local.stack import deploy
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.model.config import Config, Gather, PublishCloudWatch
from nephoscope.model.memory import Progress
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.publish import Figures, plan_self_metrics
from tests.package.conftest import CONFIG, make_project, needs_osls, package
from tests.package.test_alarms_shown import told
from tests.package.test_template import lint

Template = dict[str, Any]
KEPT = (
    CONFIG.replace("    resources: [instance, bucket]\n", "")
    + """\
publish:
  elasticsearch:
    url: ${ssm:/nephoscope/elasticsearch}
    api_key: ${secretsmanager:nephoscope/elasticsearch#key}
"""
)
ID = "11111111-aaaa-4000-8000-000000000001"
BESIDE = f"""\
  gcp:
    projects: [acme-web]
  azure:
    subscriptions: [{ID}]
    from_aws: {{tenant: {ID}, client: {ID}}}
"""
"""Google's machines by functions of their own, Azure's by AWS's: a run says of each cloud what it owes."""


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("kept") / "nephoscope", KEPT)


@pytest.fixture(scope="module")
def kept(keeping: Path) -> Template:
    return package(keeping)


@pytest.fixture(scope="module")
def kept_beside(tmp_path_factory: pytest.TempPathFactory) -> Template:
    config = KEPT.replace("    regions: [eu-central-1]\n", "    regions: [eu-central-1]\n" + BESIDE)
    return package(make_project(tmp_path_factory.mktemp("beside") / "nephoscope", config))


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    """By name, those on history."""
    found = [each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    return {each["AlarmName"]: each for each in found if each["MetricName"] == "nephoscope.history_owed"}


def watched(template: Template) -> set[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """(namespace, name, dimensions) of what the alarms on history look at."""
    return {
        (own["Namespace"], own["MetricName"], tuple((each["Name"], each["Value"]) for each in own["Dimensions"]))
        for own in alarms(template).values()
    }


def published(cloud: Cloud) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """How a run of that cloud writes what it has not kept yet."""
    config = Config("acme", Gather(), PublishCloudWatch("eu-central-1", "acme"))
    progress = Progress(Scope(cloud, "own", "own"))
    plan = plan_self_metrics(config, cloud, 1_760_000_040, Figures(history_owed=7_200), progress)
    (datum,) = [datum for datum in plan.data if datum.name == "nephoscope.history_owed"]
    return config.publish.namespace, datum.name, datum.dimensions


def test_alarms_look_at_the_very_series_that_runs_publish(kept: Template, kept_beside: Template) -> None:
    assert watched(kept) == {published(Cloud.AWS)}
    assert watched(kept_beside) == {published(cloud) for cloud in Cloud}


def test_it_leaves_four_of_the_six_hours_and_tells_when_it_ends(kept: Template) -> None:
    (alarm,) = alarms(kept).values()
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (7_200, "GreaterThanThreshold")
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlertTopic"}]


def test_the_dashboard_shows_each(kept_beside: Template) -> None:
    shown = Settings.from_environment({"NEPHOSCOPE_ALARMS": told(kept_beside, "Collect")}).alarms
    start = "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:nephoscope-prod-HistoryNotKept"
    assert {f"{start}-{cloud}" for cloud in Cloud} <= set(shown)
    assert len(shown) == len({*shown}) == 11


def test_where_no_history_is_kept_there_is_none(template: Template) -> None:
    assert alarms(template) == {}


def test_cfn_lint_finds_nothing(kept: Template, kept_beside: Template, tmp_path: Path) -> None:
    assert [lint(kept, tmp_path), lint(kept_beside, tmp_path)] == ["", ""]


def test_functions_may_read_the_secrets_of_the_server(kept: Template) -> None:
    assert "parameter/nephoscope/elasticsearch" in json.dumps(kept["Resources"]["ReadParameters"])
    assert "secret:nephoscope/elasticsearch-??????" in json.dumps(kept["Resources"]["ReadSecrets"])


def test_it_can_be_deployed(keeping: Path) -> None:
    """By the framework, into the local cloud, which makes of an alarm what it knows and refuses the rest."""
    needs_osls()
    with LocalAws(small_fleet(int(time.time()))) as aws:
        deploy(aws, keeping / "nephoscope.yaml", keeping)
        named = ["nephoscope-prod-HistoryNotKept-aws"]
        (alarm,) = aws.client("cloudwatch").describe_alarms(AlarmNames=named)["MetricAlarms"]
        assert (alarm["MetricName"], alarm["Threshold"]) == ("nephoscope.history_owed", 7_200)
        (topic,) = alarm["AlarmActions"]
        assert "AlertTopic" in topic
