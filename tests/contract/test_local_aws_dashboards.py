"""Dashboards of the local AWS: what AWS documents as wrong is refused, each fault with its path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nephoscope.localcloud.aws.local import LocalAws

ARN = "arn:aws:lambda:eu-central-1:111111111111:function:widget"


def _metric(*lines: list[Any], **more: Any) -> dict[str, Any]:
    return {"type": "metric", "properties": {"metrics": list(lines), "region": "eu-central-1", **more}}


CPU = ["AWS/EC2", "CPUUtilization", "InstanceId", "i-1"]
WELL = {
    "a text": {"type": "text", "properties": {"markdown": "# Fleet"}},
    "a metric": _metric(CPU, period=300, stat="Average", view="timeSeries"),
    "shorthand": _metric(CPU, ["...", "i-2"], [".", "NetworkIn", ".", "i-2"], ["...", {"stat": "p99"}]),
    "an expression": _metric([{"expression": "SEARCH('{AWS/EC2,InstanceId} CPU', 'Average', 300)", "id": "e1"}]),
    "a custom widget": {"type": "custom", "properties": {"endpoint": ARN, "updateOn": {"refresh": True}, "title": "x"}},
    "alarms": {"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:eu-central-1:1:alarm:x"]}},
    "a log": {"type": "log", "properties": {"query": "SOURCE 'x'", "region": "eu-central-1"}},
    "a threshold": _metric(CPU, annotations={"horizontal": [{"label": "too much", "value": 90}]}),
    "a place": {**_metric(CPU), "x": 12, "y": 0, "width": 12, "height": 6},
}
WRONG = {
    "no such type": ({"type": "chart", "properties": {}}, "/widgets/0/type"),
    "no properties": ({"type": "text"}, "/widgets/0/properties"),
    "no markdown": ({"type": "text", "properties": {}}, "/widgets/0/properties/markdown"),
    "no region": ({"type": "metric", "properties": {"metrics": [CPU]}}, "/widgets/0/properties/region"),
    "no metrics": ({"type": "metric", "properties": {"region": "x"}}, "/widgets/0/properties"),
    "an odd name": (_metric(["AWS/EC2", "CPUUtilization", "InstanceId"]), "/widgets/0/properties/metrics/0"),
    "a number as a name": (_metric(["AWS/EC2", 7]), "/widgets/0/properties/metrics/0"),
    "nothing above": (_metric(["...", "i-2"]), "/widgets/0/properties/metrics/0"),
    "a dot above nothing": (_metric([".", "CPUUtilization"]), "/widgets/0/properties/metrics/0"),
    "an empty line": (_metric([]), "/widgets/0/properties/metrics/0"),
    "one id twice": (
        _metric([{"expression": "1", "id": "e"}], [{"expression": "2", "id": "e"}]),
        "/widgets/0/properties/metrics/1/0/id",
    ),
    "a capital id": (_metric([*CPU, {"id": "E"}]), "/widgets/0/properties/metrics/0/4/id"),
    "a strange period": (_metric(CPU, period=90), "/widgets/0/properties/period"),
    "a strange view": (_metric(CPU, view="donut"), "/widgets/0/properties/view"),
    "a gauge without ends": (_metric(CPU, view="gauge"), "/widgets/0/properties/yAxis"),
    "a threshold without a value": (
        _metric(CPU, annotations={"horizontal": [{"label": "x"}]}),
        "/widgets/0/properties/annotations/horizontal/0",
    ),
    "a custom widget that is no Lambda": (
        {"type": "custom", "properties": {"endpoint": "https://example.com"}},
        "/widgets/0/properties/endpoint",
    ),
    "too wide": ({**_metric(CPU), "x": 12, "y": 0, "width": 13}, "/widgets/0/width"),
    "wider than the grid": ({**_metric(CPU), "width": 25}, "/widgets/0/width"),
    "half a place": ({**_metric(CPU), "x": 1}, "/widgets/0"),
    "501 metrics": (_metric(*[CPU] * 501), "/widgets/0/properties/metrics"),
}


@pytest.fixture
def cloudwatch(fleet_aws: LocalAws) -> Any:
    return fleet_aws.client("cloudwatch")


def _put(client: Any, *widgets: dict[str, Any], name: str = "fleet", **more: Any) -> Any:
    return client.put_dashboard(DashboardName=name, DashboardBody=json.dumps({"widgets": list(widgets), **more}))


def _faults(client: Any, *widgets: dict[str, Any]) -> list[str]:
    with pytest.raises(client.exceptions.DashboardInvalidInputError) as caught:
        _put(client, *widgets)
    return [row["DataPath"] for row in caught.value.response["dashboardValidationMessages"]]


@pytest.mark.parametrize("what", WELL)
def test_a_documented_widget_is_taken(cloudwatch: Any, what: str) -> None:
    assert _put(cloudwatch, WELL[what])["DashboardValidationMessages"] == []


@pytest.mark.parametrize("what", WRONG)
def test_a_fault_is_named_with_its_path_and_nothing_is_put(cloudwatch: Any, what: str) -> None:
    widget, path = WRONG[what]
    assert path in _faults(cloudwatch, widget)
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []


def test_all_faults_are_told_at_once(cloudwatch: Any) -> None:
    paths = _faults(cloudwatch, {"type": "chart", "properties": {}}, WELL["a text"], {"type": "text"})
    assert paths == ["/widgets/0/type", "/widgets/2/properties"]


def test_the_limits_of_a_dashboard(cloudwatch: Any) -> None:
    text = WELL["a text"]
    _put(cloudwatch, *[text] * 500)
    assert _faults(cloudwatch, *[text] * 501) == ["/widgets"]
    _put(cloudwatch, *[_metric(*[CPU] * 500)] * 5)
    assert _faults(cloudwatch, *[_metric(*[CPU] * 500)] * 5, _metric(CPU)) == ["/widgets"]


def test_an_unknown_property_is_only_a_warning(cloudwatch: Any) -> None:
    (message,) = _put(cloudwatch, _metric(CPU, colour="red"))["DashboardValidationMessages"]
    assert message["DataPath"] == "/widgets/0/properties/colour"
    assert cloudwatch.get_dashboard(DashboardName="fleet")["DashboardName"] == "fleet"


def test_what_is_no_json_is_refused(cloudwatch: Any) -> None:
    for body in ("", "{", "[]", "{}", '{"widgets": 1}'):
        with pytest.raises(cloudwatch.exceptions.DashboardInvalidInputError):
            cloudwatch.put_dashboard(DashboardName="fleet", DashboardBody=body)


def test_a_dashboard_is_the_accounts_in_every_region_and_nobody_elses(fleet_aws: LocalAws) -> None:
    _put(fleet_aws.client("cloudwatch"), WELL["a text"])
    found = fleet_aws.client("cloudwatch", "us-east-1").get_dashboard(DashboardName="fleet")
    assert json.loads(found["DashboardBody"]) == {"widgets": [WELL["a text"]]}
    assert found["DashboardArn"] == "arn:aws:cloudwatch::111111111111:dashboard/fleet"
    other = fleet_aws.client("cloudwatch", account="222222222222")
    with pytest.raises(other.exceptions.ResourceNotFound):
        other.get_dashboard(DashboardName="fleet")


def test_listing_by_prefix_and_deleting_all_or_none(cloudwatch: Any) -> None:
    for name in ("fleet-1", "fleet-2", "own"):
        _put(cloudwatch, WELL["a text"], name=name)
    entries = cloudwatch.list_dashboards(DashboardNamePrefix="fleet")["DashboardEntries"]
    assert [(row["DashboardName"], row["Size"]) for row in entries] == [("fleet-1", 70), ("fleet-2", 70)]
    with pytest.raises(cloudwatch.exceptions.ResourceNotFound):
        cloudwatch.delete_dashboards(DashboardNames=["own", "fleet-3"])
    cloudwatch.delete_dashboards(DashboardNames=["own", "fleet-2"])
    assert [row["DashboardName"] for row in cloudwatch.list_dashboards()["DashboardEntries"]] == ["fleet-1"]
