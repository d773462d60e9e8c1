"""The stack of a deployment that keeps history: an alarm more, which the dashboard shows, and the server's secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nephoscope.app.settings import Settings
from nephoscope.model.config import Config, Gather, PublishCloudWatch
from nephoscope.model.memory import Progress
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.publish import Figures, plan_self_metrics
from tests.package.conftest import CONFIG, make_project, package
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
BESIDE = """\
  gcp:
    projects: [acme-web]
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return package(make_project(tmp_path_factory.mktemp("kept") / "nephoscope", KEPT))


@pytest.fixture(scope="module")
def kept_beside(tmp_path_factory: pytest.TempPathFactory) -> Template:
    config = KEPT.replace("    regions: [eu-central-1]\n", "    regions: [eu-central-1]\n" + BESIDE)
    return package(make_project(tmp_path_factory.mktemp("beside") / "nephoscope", config))


def watched(template: Template) -> set[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """(namespace, name, dimensions) of what the alarm on history looks at."""
    metrics = template["Resources"]["HistoryNotKept"]["Properties"]["Metrics"]
    own = [each["MetricStat"]["Metric"] for each in metrics if "MetricStat" in each]
    return {(m["Namespace"], m["MetricName"], tuple((d["Name"], d["Value"]) for d in m["Dimensions"])) for m in own}


def published(cloud: Cloud) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """How a run of that cloud writes what it has not kept yet."""
    config = Config("acme", Gather(), PublishCloudWatch("eu-central-1", "acme"))
    progress = Progress(Scope(cloud, "own", "own"))
    plan = plan_self_metrics(config, cloud, 1_760_000_040, Figures(history_owed=7_200), progress)
    (datum,) = [datum for datum in plan.data if datum.name == "nephoscope.history_owed"]
    return config.publish.namespace, datum.name, datum.dimensions


def test_an_alarm_looks_at_the_very_series_that_runs_publish(kept: Template, kept_beside: Template) -> None:
    assert watched(kept) == {published(Cloud.AWS)}
    assert watched(kept_beside) == {published(Cloud.AWS), published(Cloud.GCP)}


def test_it_leaves_four_of_the_six_hours_and_tells_when_it_ends(kept: Template) -> None:
    alarm = kept["Resources"]["HistoryNotKept"]["Properties"]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (7_200, "GreaterThanThreshold")
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlertTopic"}]


def test_the_dashboard_shows_it(kept: Template) -> None:
    shown = Settings.from_environment({"NEPHOSCOPE_ALARMS": told(kept, "Collect")}).alarms
    assert "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:nephoscope-prod-HistoryNotKept" in shown
    assert len(shown) == len({*shown}) == 9


def test_where_no_history_is_kept_there_is_none(template: Template) -> None:
    assert "HistoryNotKept" not in template["Resources"]


def test_cfn_lint_finds_nothing(kept: Template, kept_beside: Template, tmp_path: Path) -> None:
    assert [lint(kept, tmp_path), lint(kept_beside, tmp_path)] == ["", ""]


def test_functions_may_read_the_secrets_of_the_server(kept: Template) -> None:
    assert "parameter/nephoscope/elasticsearch" in json.dumps(kept["Resources"]["ReadParameters"])
    assert "secret:nephoscope/elasticsearch-??????" in json.dumps(kept["Resources"]["ReadSecrets"])
