"""The dashboards of fleets of every size, against files that were looked at and against what CloudWatch documents; and
the checker itself against bodies in which something was broken on purpose."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nephoscope.model.publish import Dashboard

sys.path.insert(0, str(Path(__file__).parents[1]))  # for dashboard_rules, which several rooms of the tests use

from dashboard_fleets import FLEETS
from dashboard_rules import SCHEMA, Body, faults

GOLDEN = Path(__file__).parent / "dashboard"


RENDERED: dict[str, tuple[Dashboard, ...]] = FLEETS.fleets()
every_fleet = pytest.mark.parametrize("fleet", RENDERED)

SIZES = {"20": (1, 1), "2000": (3, 3), "20000": (3, 20), "many": (20, 20)}
"""Accounts and regions."""


def series_of(fleet: str) -> list[tuple[str, str, str]]:
    """Whose series CloudWatch holds when this fleet is drawn."""
    if fleet in SIZES:
        return [("aws", scope.account, scope.region) for scope in FLEETS._scopes(*SIZES[fleet])]
    return [(str(one.cloud), one.account, one.region) for one in FLEETS._three_clouds()[1]] if fleet == "clouds" else []


# --- what was looked at ------------------------------------------------------------------------------------------


@every_fleet
def test_it_is_what_was_looked_at(fleet: str) -> None:
    """Differs? `python tests/golden/dashboard/fleets.py`, and read the difference."""
    for path, text in FLEETS.texts_of(fleet, RENDERED[fleet]).items():
        assert text == path.read_text(encoding="utf-8"), path.name


def test_no_file_is_left_over_of_a_fleet_that_is_gone() -> None:
    kept = {path for fleet, rendered in RENDERED.items() for path in FLEETS.texts_of(fleet, rendered)}
    assert {*GOLDEN.glob("*.json"), *GOLDEN.glob("*.txt")} == {*kept, GOLDEN / "body.schema.json"}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("[0-9n]*.json")), ids=lambda path: path.stem)
def test_the_files_themselves_are_good_dashboards(path: Path) -> None:
    for body in json.loads(path.read_text(encoding="utf-8")).values():
        assert faults(body, series_of(path.stem)) == []


# --- what CloudWatch documents -----------------------------------------------------------------------------------


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@every_fleet
def test_structure_and_limits_hold_whatever_the_fleet(fleet: str) -> None:
    for dashboard in RENDERED[fleet]:
        assert faults(copy.deepcopy(dashboard.body), series_of(fleet)) == []


def a_body() -> Body:
    """One of each type, and everything that the documentation offers of what we use."""
    alarm = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:queue"
    band = [{"value": 80, "label": "from", "color": "#9467bd", "visible": True}, {"value": 90.5, "label": "to"}]
    graph = {
        "title": "CPU",
        "region": "us-east-1",
        "view": "timeSeries",
        "stacked": False,
        "stat": "p99.9",
        "period": 300,
        "metrics": [
            ["AWS/EC2", "CPUUtilization", "InstanceId", "i-1", {"id": "m1", "visible": False}],
            [{"expression": "m1*2", "id": "e1", "label": "twice", "color": "#1f77b4", "yAxis": "right"}],
            [{"expression": "SUM(SEARCH('{ns,region} ANY', 'Sum', 60))", "id": "e2"}],
        ],
        "legend": {"position": "hidden"},
        "yAxis": {"left": {"min": 0, "max": 100, "label": "%", "showUnits": False}},
        "annotations": {"horizontal": [{"value": 90, "fill": "above", "yAxis": "left"}, band]},
    }
    function = "arn:aws:lambda:us-east-1:123456789012:function:own"
    kinds = [
        ("metric", graph),
        ("text", {"markdown": "# hello", "background": "solid"}),
        ("alarm", {"alarms": [alarm], "sortBy": "timestamp", "states": ["ALARM"], "title": "alarms"}),
        ("custom", {"endpoint": function, "params": {"page": "x"}, "updateOn": {"refresh": True}}),
    ]
    return {
        "start": "-P1W",
        "periodOverride": "inherit",
        "variables": [
            {
                "type": "pattern",
                "pattern": "ANY",
                "inputType": "select",
                "id": "any-1",
                "label": "Which",
                "defaultValue": "a",
                "visible": True,
                "values": [{"value": "a", "label": "all"}, {"value": "b"}],
            }
        ],
        "widgets": [
            {"type": kind, "x": 6 * place, "y": 0, "width": 6, "height": 6, "properties": properties}
            for place, (kind, properties) in enumerate(kinds)
        ],
    }


def test_a_body_that_uses_what_is_documented_is_found_good() -> None:
    assert faults(a_body(), [("aws", "1", "a")]) == []


Planted = Callable[[Body, Body, Body], object]
"""Breaks something in the body, its first widget's properties, or its variable."""

LONG = [["ns", "name", {"id": f"m{number}"}] for number in range(501)]
FAR = {"type": "text", "x": 0, "y": 9, "width": 6, "height": 1, "properties": {"markdown": "x"}}

PLANTED: dict[str, tuple[str, Planted]] = {
    "no widgets": ("'widgets' is a required", lambda body, _, __: body.pop("widgets")),
    "a word that is not known": ("colour", lambda body, _, __: body.update(colour="red")),
    "a start that is no duration": ("start", lambda body, _, __: body.update(start="3h")),
    "an override that is none": ("periodOverride", lambda body, _, __: body.update(periodOverride="yes")),
    "501 widgets": (
        "is too long",
        lambda body, _, __: body.update(widgets=[{**FAR, "y": row} for row in range(501)]),
    ),
    "a type that is not known": ("widgets/0/type", lambda body, _, __: body["widgets"][0].update(type="picture")),
    "beyond the grid": ("leaves the grid", lambda body, _, __: body["widgets"][3].update(width=7)),
    "one upon another": ("overlaps /widgets/0", lambda body, _, __: body["widgets"][1].update(x=5)),
    "no height": ("widgets/0/height", lambda body, _, __: body["widgets"][0].update(height=0)),
    "a text without words": ("widgets/1", lambda body, _, __: body["widgets"][1]["properties"].update(markdown=" ")),
    "no alarms": ("widgets/2", lambda body, _, __: body["widgets"][2]["properties"].update(alarms=[])),
    "a name for an alarm's ARN": (
        "widgets/2",
        lambda body, _, __: body["widgets"][2]["properties"].update(alarms=["queue"]),
    ),
    "a function that is none": (
        "widgets/3",
        lambda body, _, __: body["widgets"][3]["properties"].update(endpoint="https://example.com"),
    ),
    "no region": ("'region' is a required", lambda _, graph, __: graph.pop("region")),
    "a period of 90 s": ("multiple of 60", lambda _, graph, __: graph.update(period=90)),
    "a period of 30 s": ("minimum of 60", lambda _, graph, __: graph.update(period=30)),
    "a statistic that is none": ("stat", lambda _, graph, __: graph.update(stat="Mean")),
    "a view that is none": ("view", lambda _, graph, __: graph.update(view="line")),
    "a legend that is nowhere": ("legend", lambda _, graph, __: graph.update(legend={"position": "left"})),
    "501 metrics in a widget": ("is too long", lambda _, graph, __: graph.update(metrics=LONG)),
    "a search that finds 501": (
        "501 metrics",
        lambda _, graph, __: graph.update(metrics=[[{"expression": "SEARCH('{ns} ANY', 'Sum', 60)", "id": "e"}]]),
    ),
    "an id with a capital": ("metrics/0", lambda _, graph, __: graph["metrics"][0][-1].update(id="M1")),
    "an id twice": ("e1 stands twice", lambda _, graph, __: graph["metrics"][2][0].update(id="e1")),
    "an id that nothing has": ("m2 is no id", lambda _, graph, __: graph["metrics"][1][0].update(expression="m2*2")),
    "a dimension without a value": ("as name and value", lambda _, graph, __: graph["metrics"][0].pop(3)),
    "neither metric nor expression": (
        "without a metric",
        lambda _, graph, __: graph["metrics"][2][0].pop("expression"),
    ),
    "two queries of Metrics Insights": (
        "more than one Metrics Insights",
        lambda _, graph, __: graph.update(metrics=[[{"expression": "SELECT MAX(a) FROM b", "id": x}] for x in "ab"]),
    ),
    "a search of 1,025 characters": (
        "too long",
        lambda _, graph, __: graph["metrics"][2][0].update(expression=f"SEARCH('{'x' * 1_022}ANY', 'Sum', 60)"),
    ),
    "a colour's name": ("metrics/1", lambda _, graph, __: graph["metrics"][1][0].update(color="red")),
    "a threshold in words": (
        "annotations",
        lambda _, graph, __: graph["annotations"]["horizontal"][0].update(value="90"),
    ),
    "a shade that is nowhere": (
        "annotations",
        lambda _, graph, __: graph["annotations"]["horizontal"][0].update(fill="left"),
    ),
    "a band of three": ("annotations", lambda _, graph, __: graph["annotations"]["horizontal"][1].append({"value": 1})),
    "26 variables": (
        "is too long",
        lambda body, _, one: body.update(variables=[{**one, "id": f"v{n}"} for n in range(26)]),
    ),
    "a variable twice": ("stands twice", lambda body, _, one: body["variables"].append(one)),
    "a variable of nothing": ("'pattern' is a required", lambda _, __, one: one.pop("pattern")),
    "nothing to choose from": ("not valid", lambda _, __, one: one.pop("values")),
    "501 values": ("is too long", lambda _, __, one: one.update(values=[{"value": f"{n}"} for n in range(501)])),
    "a default that is no choice": ("no choice", lambda _, __, one: one.update(defaultValue="c")),
    "a label of 31 characters": ("is too long", lambda _, __, one: one.update(label="x" * 31)),
    "a pattern that stands nowhere": ("changes nothing", lambda _, __, one: one.update(pattern="NOWHERE")),
    "more than a megabyte": (
        "megabyte",
        lambda body, _, __: body["widgets"][1]["properties"].update(markdown="x" * 1_000_001),
    ),
}


@pytest.mark.parametrize(("said", "plant"), PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_found(said: str, plant: Planted) -> None:
    body = a_body()
    plant(body, body["widgets"][0]["properties"], body["variables"][0])
    found = faults(body, [("aws", str(number), "a") for number in range(501)] if said == "501 metrics" else [])
    assert any(said in one for one in found), found


def test_more_than_2500_metrics_over_all_widgets_are_found() -> None:
    body = a_body()
    many = [["ns", "name", {"id": f"m{number}"}] for number in range(500)]
    graph: Any = {"region": "us-east-1", "metrics": many}
    more = [{"type": "metric", "x": 0, "y": 10 + row, "width": 6, "height": 1, "properties": graph} for row in range(6)]
    body["widgets"] += more[:4]
    assert faults(body) == []
    body["widgets"] += more[4:]
    assert faults(body) == ["/widgets: 3001 metrics"]
