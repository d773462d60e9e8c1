"""The alarms whose state the dashboard shows are those that the deployment makes, by the very names it gives them."""

from __future__ import annotations

from typing import Any

from nephoscope.app.settings import Settings

Template = dict[str, Any]
PLACE = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "111111111111"}


def substituted(value: Any, known: dict[str, str]) -> str:
    """What CloudFormation makes of Fn::Sub. Source: CloudFormation user guide, "Fn::Sub"."""
    text = value["Fn::Sub"]
    more: dict[str, str] = {}
    if isinstance(text, list):
        text, given = text
        more = {name: substituted(own, known) for name, own in given.items()}
    for name, own in {**known, **more}.items():
        text = text.replace(f"${{{name}}}", own)
    assert "${" not in text
    return str(text)


def told(template: Template, function: str) -> str:
    variables = template["Resources"][f"{function}LambdaFunction"]["Properties"]["Environment"]["Variables"]
    return substituted(variables["NEPHOSCOPE_ALARMS"], PLACE)


def test_the_function_that_draws_knows_every_alarm_of_the_deployment(template: Template) -> None:
    alarms = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    shown = Settings.from_environment({"NEPHOSCOPE_ALARMS": told(template, "Collect")}).alarms
    start = "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:"
    assert sorted(shown) == sorted(f"{start}{alarm['AlarmName']}" for alarm in alarms)
    assert len(set(shown)) == len(shown) >= 8


def test_two_stages_of_an_account_do_not_share_names(template: Template) -> None:
    names = [
        one["Properties"]["AlarmName"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::CloudWatch::Alarm"
    ]
    assert all(name.startswith("nephoscope-prod-") for name in names)


def test_without_a_deployment_no_alarm_is_shown() -> None:
    assert Settings.from_environment({}).alarms == ()
