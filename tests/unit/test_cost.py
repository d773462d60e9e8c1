"""The forecast of the bill, against sums made by hand from the providers' price lists."""

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Observation, Rule, Selector, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.cost import assumed_fleet, count_series, forecast

CPU = Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9))
CHECK = Rule("check-failed", Kind.INSTANCE, Observation("check.system", ("failed",)))


def scopes(count):
    return [Scope(Cloud.AWS, "111111111111", f"region-{number}") for number in range(count)]


def config(*rules, distributions=("cpu.utilization",)):
    return Config(
        "acme", Gather(60, GatherAws(("all",))), PublishCloudWatch("eu-west-1", "acme", "acme", distributions), rules
    )


def lines(bill):
    return {line.what: line for line in bill.lines}


def test_three_hundred_machines_with_one_five_minute_metric():
    bill = forecast(config(CPU, CHECK), assumed_fleet(scopes(1), 300, {}), load_catalog(), dashboards=1)
    read = lines(bill)["cloudwatch:GetMetricData"]
    # 12 reads an hour of 300 metrics in one call each; 3,600 units an hour x 730 h x $0.01 / 1,000
    assert (read.calls, read.units, round(read.usd, 2)) == (12, 3600, 26.28)
    # one page of instances and one of their status a minute
    assert lines(bill)["ec2:DescribeInstances"].calls == 60
    # 4 counts, 1 distribution, 10 figures about ourselves at $0.30
    assert (bill.series, round(lines(bill)["custom series"].usd, 2)) == (15, 4.50)


def test_detailed_monitoring_costs_five_times_as_much_to_read():
    scope = scopes(1)[0]
    fine = [Resource(scope, Kind.INSTANCE, f"i-{number}", fine=True) for number in range(300)]
    bill = forecast(config(CPU), {scope: fine}, load_catalog(), dashboards=1)
    assert lines(bill)["cloudwatch:GetMetricData"].units == 18_000


def test_a_metric_without_a_rule_costs_nothing():
    bill = forecast(config(CHECK), assumed_fleet(scopes(1), 300, {}), load_catalog(), dashboards=1)
    assert lines(bill)["cloudwatch:GetMetricData"].units == 0


def test_a_rule_reads_only_the_machines_it_selects():
    web = Rule("web", Kind.INSTANCE, CPU.when, where=Selector({"role": ("web",)}))
    scope = scopes(1)[0]
    fleet = {
        scope: [
            Resource(scope, Kind.INSTANCE, "i-1", tags={"role": "web"}),
            Resource(scope, Kind.INSTANCE, "i-2", tags={"role": "db"}),
            Resource(scope, Kind.INSTANCE, "i-3", tags={"role": "web"}, state=State.STOPPED),
        ]
    }
    assert lines(forecast(config(web), fleet, load_catalog(), dashboards=1))["cloudwatch:GetMetricData"].units == 12


def test_nine_scopes_with_the_defaults_make_at_most_sixty_series():
    assert count_series(config(CPU, CHECK), assumed_fleet(scopes(9), 300, {}), load_catalog()) == 9 * 5 + 10 <= 60


@pytest.mark.parametrize(("instances", "calls"), [(500, 12), (501, 24), (1000, 24)])
def test_calls_are_at_the_floor(instances, calls):
    bill = forecast(config(CPU), assumed_fleet(scopes(1), instances, {}), load_catalog(), dashboards=1)
    assert lines(bill)["cloudwatch:GetMetricData"].calls == calls


def test_the_fourth_dashboard_is_the_first_that_costs():
    bill = forecast(config(CPU), assumed_fleet(scopes(1), 1, {}), load_catalog(), dashboards=4)
    assert lines(bill)["dashboards"].usd == 3.00
