"""The CloudFormation template that `osls package` makes of serverless.yml, infra/aws and nephoscope.yaml."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from infra.local.stack import StackError
from nephoscope.model.config import Config, Gather, PublishCloudWatch
from nephoscope.model.memory import Progress
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.publish import Figures, plan_self_metrics
from tests.package.conftest import CONFIG, ROOT

Template = dict[str, Any]
FUNCTIONS = {"Collect", "Deliver", "Work", "Widget"}

NO_NARROWER = {
    "ec2:DescribeInstances",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeRegions",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "cloudwatch:PutMetricData",
    "s3:ListAllMyBuckets",
    "tag:GetResources",
}
"""Actions for which IAM knows no resource. Source: Service Authorization Reference, tables of EC2, CloudWatch, S3."""


def lint(template: Template, place: Path) -> str:
    path = place / "template.json"
    path.write_text(json.dumps(template), encoding="utf-8")
    return subprocess.run(["cfn-lint", "--", str(path)], capture_output=True, text=True, check=False).stdout


def of_type(template: Template, kind: str) -> dict[str, Any]:
    return {name: each.get("Properties", {}) for name, each in template["Resources"].items() if each["Type"] == kind}


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, statement) of every policy that gives a role something."""
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for policy in role["Policies"]:
            yield from ((name, statement) for statement in policy["PolicyDocument"]["Statement"])
    for properties in of_type(template, "AWS::IAM::Policy").values():
        for role in properties["Roles"]:
            yield from ((role["Ref"], statement) for statement in properties["PolicyDocument"]["Statement"])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted(template: Template, role: str) -> set[str]:
    return {action for name, each in statements(template) if name == role for action in listed(each["Action"])}


# --- the linter --------------------------------------------------------------------------------------------------


def test_cfn_lint_finds_nothing(template: Template, tmp_path: Path) -> None:
    assert lint(template, tmp_path) == ""


@pytest.mark.parametrize("name", ["member-account.yaml", "monitoring-sink.yaml"])
def test_cfn_lint_finds_nothing_in_the_members_templates(name: str) -> None:
    done = subprocess.run(["cfn-lint", str(ROOT / "infra/aws" / name)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


PLANTED: tuple[tuple[tuple[str, ...], Any, str], ...] = (
    # where under Resources, what is planted there, what the linter says of it
    (("CollectLambdaFunction", "Properties", "Timeot"), 55, "'Timeot' was unexpected"),
    (("NoHeartbeat", "Properties", "AlarmActions"), [{"Ref": "AlertTopik"}], "'AlertTopik' is not one of"),
    (("WorkLambdaFunction", "Properties", "Runtime"), "python2.7", "'python2.7' was deprecated"),
    (("OwedTooLong", "Properties", "TreatMissingData"), "shrug", "'shrug' is not one of"),
    (("WorkQueue", "Properties", "MessageRetentionPeriod"), 30, "30 is less than the minimum of 60"),
    (("Table", "Properties", "AttributeDefinitions"), [], "'pk'"),
)


def test_cfn_lint_finds_what_is_planted(template: Template, tmp_path: Path) -> None:
    spoilt = copy.deepcopy(template)
    for (*way, last), value, _ in PLANTED:
        place = spoilt["Resources"]
        for step in way:
            place = place[step]
        place[last] = value
    found = lint(spoilt, tmp_path)
    assert [said for _, _, said in PLANTED if said not in found] == [], found


# --- the functions and their schedule ----------------------------------------------------------------------------


def test_every_function_runs_alike_under_a_role_of_its_own(template: Template) -> None:
    functions = of_type(template, "AWS::Lambda::Function")
    assert set(functions) == {f"{name}LambdaFunction" for name in FUNCTIONS}
    assert {each["Runtime"] for each in functions.values()} == {"python3.13"}
    assert {tuple(each["Architectures"]) for each in functions.values()} == {("arm64",)}
    assert {name: each["Role"] for name, each in functions.items()} == {
        f"{name}LambdaFunction": {"Fn::Sub": f"${{{name}Role.Arn}}"} for name in FUNCTIONS
    }


@pytest.mark.parametrize("name", ["Collect", "Deliver"])
def test_a_run_is_for_the_time_that_the_schedule_names_and_is_not_repeated(template: Template, name: str) -> None:
    target = template["Resources"][f"{name}SchedulerSchedule1"]["Properties"]["Target"]
    assert json.loads(target["Input"]) == {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}
    assert target["RoleArn"] == {"Fn::GetAtt": ["SchedulerRole", "Arn"]}
    invoke = template["Resources"][f"{name}LambdaEvConf"]["Properties"]
    assert (invoke["MaximumRetryAttempts"], invoke["MaximumEventAgeInSeconds"]) == (0, 60)


def test_a_scope_that_failed_comes_back_alone(template: Template) -> None:
    (mapping,) = of_type(template, "AWS::Lambda::EventSourceMapping").values()
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queue = template["Resources"]["WorkQueue"]["Properties"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert queue["VisibilityTimeout"] >= 6 * template["Resources"]["WorkLambdaFunction"]["Properties"]["Timeout"]


def test_logs_are_not_kept_for_ever(template: Template) -> None:
    assert {each["RetentionInDays"] for each in of_type(template, "AWS::Logs::LogGroup").values()} == {30}


def test_the_alert_memory_outlives_the_stack(template: Template) -> None:
    table = template["Resources"]["Table"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert [key["AttributeName"] for key in table["Properties"]["KeySchema"]] == ["pk", "sk"]


# --- who watches us ----------------------------------------------------------------------------------------------


def test_every_alarm_tells_the_alert_topic_when_it_begins_and_when_it_ends(template: Template) -> None:
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    assert {"NoHeartbeat", "OwedTooLong", "EventsLost"} <= set(alarms)
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlertTopic"}]


def test_every_function_has_an_alarm_on_its_errors(template: Template) -> None:
    watched = {
        dimension["Value"]["Ref"]
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
        for dimension in alarm["Dimensions"]
    }
    assert watched == set(of_type(template, "AWS::Lambda::Function"))


def test_alarms_look_at_the_very_series_that_a_run_publishes(template: Template) -> None:
    """An alarm on a series that nobody writes is silent for ever, or cries for ever."""
    config = Config("acme", Gather(), PublishCloudWatch("eu-central-1", "acme"))
    progress = Progress(Scope(Cloud.AWS, "111111111111", "eu-central-1"))
    numbers = {each.name: 1 for each in fields(Figures) if each.name != "refused"}
    everything = Figures(**numbers, refused={"timeout": 1})
    data = plan_self_metrics(config, Cloud.AWS, 1_760_000_040, everything, progress).data
    published = {(datum.name, datum.dimensions) for datum in data}
    watched = {
        (alarm["MetricName"], tuple((each["Name"], each["Value"]) for each in alarm["Dimensions"]))
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == config.publish.namespace
    }
    assert {name for name, _ in watched} >= {"nephoscope.heartbeat", "nephoscope.oldest_owed"}
    assert watched <= published


def test_silence_is_an_alarm_only_where_it_is_the_heart_that_is_silent(template: Template) -> None:
    missing = {name: alarm["TreatMissingData"] for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items()}
    assert [name for name, treatment in missing.items() if treatment == "breaching"] == ["NoHeartbeat"]
    assert set(missing.values()) == {"breaching", "notBreaching"}


# --- least privilege ---------------------------------------------------------------------------------------------


def test_everything_stands_only_where_iam_knows_nothing_narrower(template: Template) -> None:
    wide = {
        action
        for _, statement in statements(template)
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert wide <= NO_NARROWER
    assert not any("*" in action for _, statement in statements(template) for action in listed(statement["Action"]))


def test_metrics_are_written_to_our_namespace_alone(template: Template) -> None:
    conditions = [
        each["Condition"] for _, each in statements(template) if "cloudwatch:PutMetricData" in listed(each["Action"])
    ]
    assert conditions == [{"StringEquals": {"cloudwatch:namespace": "nephoscope"}}] * 3


def test_the_widget_may_look_and_acknowledge(template: Template) -> None:
    """What it writes stands in the partition of a scope: neither silences nor channels are its business."""
    assert granted(template, "WidgetRole") == {
        "logs:CreateLogStream", "logs:PutLogEvents", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem",
    }  # fmt: skip
    (writing,) = [
        each for role, each in statements(template) if role == "WidgetRole" and each["Action"] == "dynamodb:PutItem"
    ]
    assert writing["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["aws#*", "gcp#*", "azure#*"]}}


def test_the_sweeper_reads_no_cloud(template: Template) -> None:
    touched = {
        action for action in granted(template, "DeliverRole") if action.startswith(("ec2:", "s3:", "cloudwatch:"))
    }
    assert touched == {"cloudwatch:PutMetricData"}


# --- nothing is written twice ------------------------------------------------------------------------------------

CHANGED = """\
fleet: beta
gather:
  every: 5 min
  aws:
    regions: all
    accounts:
      - {role: "arn:aws:iam::222222222222:role/nephoscope-reader", external_id: "${ssm:/nephoscope/external-id}"}
publish:
  cloudwatch: {region: us-east-1, dashboard: wall, namespace: watch/beta}
tell:
  chat: {webhook: "${secretsmanager:nephoscope/slack#url}", format: slack}
  near: {webhook: "${own-cloud:nephoscope-near#url}", fallback: true}
  other: {sns: "arn:aws:sns:us-east-1:333333333333:others"}
"""


def test_what_is_changed_in_the_configuration_is_changed_in_function_and_template(
    packaged_with: Callable[[str], Template], tmp_path: Path
) -> None:
    template = packaged_with(CHANGED)
    resources = template["Resources"]
    with zipfile.ZipFile(tmp_path / "other" / "build" / "aws.zip") as archive:
        config = json.loads(archive.read("config.json"))

    assert config["gather"]["every"] == 300
    assert resources["CollectSchedulerSchedule1"]["Properties"]["ScheduleExpression"] == "rate(5 minutes)"
    assert resources["CollectLambdaFunction"]["Properties"]["Timeout"] == 295
    assert resources["NoHeartbeat"]["Properties"]["Period"] == 300

    assert config["publish"]["namespace"] == "watch/beta"
    assert resources["NoHeartbeat"]["Properties"]["Namespace"] == "watch/beta"
    assert config["fleet"] == "beta"
    assert {"Name": "fleet", "Value": "beta"} in resources["NoHeartbeat"]["Properties"]["Dimensions"]

    texts = {name: json.dumps(each) for name, each in resources.items()}
    assert config["publish"]["dashboard"] == "wall"
    assert ":dashboard/wall" in texts["CollectRole"]
    assert config["gather"]["aws"]["accounts"][0]["role"] in texts["EnterAccounts"]
    assert "parameter/nephoscope/external-id" in texts["ReadParameters"]
    assert "secret:nephoscope/slack-??????" in texts["ReadSecrets"]
    assert "secret:nephoscope-near-??????" in texts["ReadSecrets"]
    assert "arn:aws:sns:us-east-1:333333333333:others" in texts["TellTopics"]
    assert "ec2:DescribeRegions" in texts["ReadRegions"]


def test_what_is_not_asked_for_is_not_granted(template: Template) -> None:
    made_for_the_configuration = set(of_type(template, "AWS::IAM::Policy"))
    assert made_for_the_configuration == {"ReadInstances", "ListBuckets", "TellTopics"}


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ('{webhook: "${env:CHAT}"}', "functions have no such variable"),
        ('{sns: "${stack:Nowhere}"}', "the deployment makes no Nowhere"),
        ('{snss: "${stack:AlertTopic}"}', "nephoscope.yaml:7:"),
    ],
)
def test_what_cannot_work_when_it_is_deployed_is_said_before(
    packaged_with: Callable[[str], Template], channel: str, said: str
) -> None:
    with pytest.raises(StackError) as caught:
        packaged_with(CONFIG.replace('{sns: "${stack:AlertTopic}"}', channel))
    assert said in str(caught.value)
    assert "at Object" not in str(caught.value)


def test_no_lock_file_carries_an_address() -> None:
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "://" not in lock
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert pins["osls"] == "4.3.1"
    exact = re.compile(r"(npm:@?[a-z/-]+@)?\d+\.\d+\.\d+")  # a second release of a package stands under another name
    assert [name for name, version in pins.items() if not exact.fullmatch(version)] == []
