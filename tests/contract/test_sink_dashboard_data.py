"""From what we publish to what a person sees: the sink's data, the rendered dashboard's own expressions, over HTTP."""

from __future__ import annotations

import json
import time
from array import array

import boto3
import pytest
from botocore.config import Config as Boto

from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.aws.dashboard_body import check_body
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT, Ministack
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.publish import Dashboard, Datum
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Comparison, Rule, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline
from nephoscope.pipeline.dashboard import render_dashboards
from nephoscope.pipeline.dashboard.variables import settle
from nephoscope.pipeline.distributions import scope_dimensions
from nephoscope.sinks.cloudwatch import open_sink
from nephoscope.sinks.dashboards import open_dashboards
from nephoscope.views.dashboard_alarms import fetch_alarm_states
from nephoscope.views.dashboard_data import WidgetData, fetch_dashboard_data, widgets_of
from nephoscope.views.dashboard_page import draw

NOON = 1_795_435_200
END = NOON + 1_800
METRICS = ("cpu.utilization", "network.receive", "memory.utilization")


class Clock:
    def wall(self) -> float:
        return END

    def monotonic(self) -> float:
        return time.monotonic()


def deadline() -> Deadline:
    return Deadline(time.monotonic() + 30, time.monotonic)


def datum(name: str, dimensions: tuple[tuple[str, str], ...], at: int, *pairs: tuple[float, float]) -> Datum:
    values, counts = zip(*pairs, strict=True)
    return Datum(name, dimensions, at, "Count", array("d", values), array("d", counts))


def published(config: Config, scopes: list[Scope]) -> list[Datum]:
    """Half an hour of hand-made data: scope n has 10 n machines running; its CPU is 10 n percent, one machine at 90."""
    data = []
    for at in range(NOON, END, 300):
        for number, scope in enumerate(scopes, start=1):
            own = scope_dimensions(config.fleet, scope)
            data.append(datum("instances.running", own, at, (10.0 * number, 1.0)))
            data.append(datum("cpu.utilization", own, at, (10.0 * number, 9.0), (90.0, 1.0)))
            watcher = (("cloud_provider", "aws"), ("fleet", config.fleet))
            data.append(datum("nephoscope.alerts_firing", watcher, at, (float(number), 1.0)))
            data.append(datum("nephoscope.coverage", watcher, at, (100.0, 9.0), (0.0, 1.0)))
    return data


@pytest.fixture
def config(fleet_aws: LocalAws) -> Config:
    rules = tuple(Rule(f"{name}-hot", Kind.INSTANCE, Threshold(name, Comparison.GREATER, 0.9)) for name in METRICS)
    regions = tuple(sorted(fleet_aws.fleet.regions))
    publish = PublishCloudWatch("eu-west-1", "acme", distributions=("cpu.utilization",))
    return Config("acme", Gather(300, GatherAws(regions)), publish, rules)


def shown(dashboard: Dashboard, data: dict[tuple[str, int], WidgetData], title: str) -> dict[str, list[float]]:
    (place,) = [n for n, one in enumerate(widgets_of(dashboard)) if one["properties"].get("title") == title]
    return {line.label: list(line.values) for line in data[dashboard.name, place].series}


def test_what_was_published_is_what_the_dashboard_shows(
    fleet_aws: LocalAws, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fleet_aws.url)
    fleet_aws.set_time(END)
    scopes = [Scope(Cloud.AWS, HOME_ACCOUNT, region) for region in sorted(fleet_aws.fleet.regions)]
    sink = open_sink(config, None, Clock())
    data = published(config, scopes)
    assert sink.write_metrics(data, deadline()).accepted == len(data)

    widget = f"arn:aws:lambda:eu-west-1:{HOME_ACCOUNT}:function:widget"
    dashboards = render_dashboards(config, scopes, load_catalog(), widget, HOME_ACCOUNT)
    assert open_dashboards(config, None).write_dashboards(dashboards, deadline()) == 1
    (dashboard,) = dashboards

    series = dict(fetch_dashboard_data(lambda region: fleet_aws.client("cloudwatch", region), dashboards, NOON, END))
    assert {one.problem for one in series.values()} == {""}

    many = len(scopes)
    everybody = sum(10.0 * number for number in range(1, many + 1))
    assert shown(dashboard, series, "Machines by state")["running"] == [everybody] * 6
    assert shown(dashboard, series, "Alerts firing") == {"AWS": [sum(range(1, many + 1))] * 6}
    assert shown(dashboard, series, "Resources with fresh data (%)") == {"AWS": [pytest.approx(90.0)] * 6}
    fleet = shown(dashboard, series, "CPU utilization: the whole fleet")
    assert fleet["highest"] == [90.0] * 6
    assert fleet["average"] == [pytest.approx((everybody * 9 + 90 * many) / (10 * many))] * 6
    assert fleet["p90 of the worst region"] == [10.0 * many] * 6
    by_scope = shown(dashboard, series, "CPU utilization: nine in ten are below, by region")
    assert sorted(values[0] for values in by_scope.values()) == [10.0 * number for number in range(1, many + 1)]

    for scope in scopes:  # AWS's own series, of the simulated machines
        worst = shown(dashboard, series, f"CPU utilization: the 10 highest in {scope.region}")
        machines = {one.id for one in fleet_aws.fleet.members(HOME_ACCOUNT, scope.region)}
        assert worst
        assert worst.keys() <= machines
        assert len(worst) <= 10

    html = draw(dashboards, series, {}, "drawn in a test")
    assert html.count("<svg") >= len([one for one in series.values() if any(line.values for line in one.series)])
    assert "Could not be read" not in html


def test_a_chosen_region_leaves_its_machines_and_the_answer_at_the_top_stays(
    fleet_aws: LocalAws, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fleet_aws.url)
    fleet_aws.set_time(END)
    scopes = [Scope(Cloud.AWS, HOME_ACCOUNT, region) for region in sorted(fleet_aws.fleet.regions)]
    open_sink(config, None, Clock()).write_metrics(published(config, scopes), deadline())
    (dashboard,) = render_dashboards(config, scopes, load_catalog(), "", HOME_ACCOUNT)
    everywhere = sum(10.0 * number for number in range(1, len(scopes) + 1))
    for number, scope in enumerate(scopes, start=1):
        chosen = Dashboard(dashboard.name, settle(dashboard.body, {"any_region": scope.region}))
        data = dict(fetch_dashboard_data(lambda region: fleet_aws.client("cloudwatch", region), [chosen], NOON, END))
        assert shown(chosen, data, "Machines by state")["running"] == [10.0 * number] * 6
        assert len(shown(chosen, data, "CPU utilization: nine in ten are below, by region")) == 1
        assert shown(chosen, data, "Machines")["running"] == [everywhere] * 6


def test_a_region_that_is_not_read_for_a_while_keeps_its_machines(
    fleet_aws: LocalAws, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown is neither none nor zero: a sum that fell would say that machines are gone."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fleet_aws.url)
    fleet_aws.set_time(END)
    scopes = [Scope(Cloud.AWS, HOME_ACCOUNT, region) for region in sorted(fleet_aws.fleet.regions)][:2]
    blind = dict(scope_dimensions(config.fleet, scopes[1]))
    seen = [
        one
        for one in published(config, scopes)
        if one.at < NOON + 600 or dict(one.dimensions).get("cloud_region") != blind["cloud_region"]
    ]
    open_sink(config, None, Clock()).write_metrics(seen, deadline())
    (dashboard,) = render_dashboards(config, scopes, load_catalog(), "", HOME_ACCOUNT)
    data = dict(fetch_dashboard_data(lambda region: fleet_aws.client("cloudwatch", region), [dashboard], NOON, END))
    assert shown(dashboard, data, "Machines")["running"] == [30.0] * 6


def test_the_alarms_on_a_dashboard_are_asked_for_their_state(ministack: Ministack) -> None:
    client = ministack.client("cloudwatch", "eu-central-1")
    for name in ("shown-quiet", "shown-loud", "of-somebody-else"):
        client.put_metric_alarm(
            AlarmName=name,
            Namespace="ns",
            MetricName="name",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
    client.set_alarm_state(AlarmName="shown-loud", StateValue="ALARM", StateReason="in a test")
    arn = f"arn:aws:cloudwatch:eu-central-1:{HOME_ACCOUNT}:alarm:"
    properties = {"alarms": [f"{arn}{name}" for name in ("shown-quiet", "shown-loud", "not-there")]}
    widget = {"type": "alarm", "x": 0, "y": 0, "width": 6, "height": 3, "properties": properties}
    states = fetch_alarm_states(
        lambda region: ministack.client("cloudwatch", region), [Dashboard("acme", {"widgets": [widget]})]
    )
    assert states.keys() == {f"{arn}shown-quiet", f"{arn}shown-loud"}
    assert states[f"{arn}shown-loud"].state == "ALARM"
    assert states[f"{arn}shown-loud"].reason == "in a test"
    assert abs(states[f"{arn}shown-loud"].since - time.time()) < 60


def test_alarms_that_cannot_be_asked_for_say_so() -> None:
    arn = f"arn:aws:cloudwatch:eu-central-1:{HOME_ACCOUNT}:alarm:any"
    widget = {"type": "alarm", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"alarms": [arn]}}
    dashboard = Dashboard("acme", {"widgets": [widget]})
    nobody = boto3.client(
        "cloudwatch",
        region_name="eu-central-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Boto(retries={"total_max_attempts": 1}),
    )
    states = fetch_alarm_states(lambda _: nobody, [dashboard])
    assert "127.0.0.1:1" in states[arn].reason
    assert "could not be read" in draw([dashboard], {}, {}, alarms=states)


def test_the_local_clouds_own_check_of_bodies_finds_nothing(config: Config) -> None:
    scopes = [Scope(Cloud.AWS, HOME_ACCOUNT, region) for region in ("eu-west-1", "us-east-1")]
    arn = f"arn:aws:lambda:eu-west-1:{HOME_ACCOUNT}:function:widget"
    for dashboard in render_dashboards(config, scopes, load_catalog(), arn, HOME_ACCOUNT):
        assert check_body(json.dumps(dashboard.body)) == []


def test_a_widget_that_is_refused_does_not_hold_up_the_others(fleet_aws: LocalAws) -> None:
    def widget(expression: str) -> dict[str, object]:
        properties = {"region": "eu-west-1", "period": 300, "metrics": [[{"expression": expression, "id": "e"}]]}
        return {"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, "properties": properties}

    query = 'SELECT MAX(CPUUtilization) FROM SCHEMA("AWS/EC2", InstanceId)'
    dashboard = Dashboard("acme", {"widgets": [widget("NONSENSE(1)"), widget(query)]})
    fleet_aws.set_time(END)
    data = fetch_dashboard_data(lambda region: fleet_aws.client("cloudwatch", region), [dashboard], NOON, END)
    assert "NONSENSE" in data["acme", 0].problem
    assert data["acme", 1].problem == ""
    assert data["acme", 1].series[0].values
