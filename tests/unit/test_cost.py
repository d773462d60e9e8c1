"""The forecast of the bill, against sums made by hand from the providers' price lists."""

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, GatherAws, GatherAzure, GatherGcp, PublishCloudWatch
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Observation, Rule, Selector, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.cost import assumed_fleet, count_series, forecast
from nephoscope.pipeline.cost.forecast import DELIVERY_SERIES

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


def test_so_they_do_when_every_message_is_refused_for_another_reason():
    assert 9 * 5 + 10 + DELIVERY_SERIES == 60


@pytest.mark.parametrize(("instances", "calls"), [(500, 12), (501, 24), (1000, 24)])
def test_calls_are_at_the_floor(instances, calls):
    bill = forecast(config(CPU), assumed_fleet(scopes(1), instances, {}), load_catalog(), dashboards=1)
    assert lines(bill)["cloudwatch:GetMetricData"].calls == calls


def test_the_fourth_dashboard_is_the_first_that_costs():
    bill = forecast(config(CPU), assumed_fleet(scopes(1), 1, {}), load_catalog(), dashboards=4)
    assert lines(bill)["dashboards"].usd == 3.00


# --- Google and Azure ---------------------------------------------------------------------------------------------

MEMORY = Rule("memory", Kind.INSTANCE, Threshold("memory.utilization", Comparison.GREATER, 0.9))
CREDITS = Rule("credits", Kind.INSTANCE, Threshold("cpu.credit.balance", Comparison.LESS, 10))
SIZE = Rule("large", Kind.BUCKET, Threshold("size", Comparison.GREATER, 1e12))
BOTH = (Kind.INSTANCE, Kind.BUCKET)


def google(*rules, detail="fleet", kinds=(Kind.INSTANCE,), parent=""):
    gather = Gather(60, gcp=GatherGcp(("acme-web", "acme-data"), parent, kinds))
    return Config("acme", gather, PublishCloudWatch("eu-west-1", "acme", detail=detail), rules)


def microsoft(*rules, detail="fleet", kinds=(Kind.INSTANCE,)):
    gather = Gather(60, azure=GatherAzure(("sub-1", "sub-2"), resources=kinds))
    return Config("acme", gather, PublishCloudWatch("eu-west-1", "acme", detail=detail), rules)


def places(cloud, accounts, regions):
    return [Scope(cloud, account, region) for account in accounts for region in regions]


WEB_AND_DATA = places(Cloud.GCP, ("acme-web", "acme-data"), ("europe-west1", "us-central1"))
TWO_SUBSCRIPTIONS = places(Cloud.AZURE, ("sub-1", "sub-2"), ("westeurope",))


def test_google_bills_series_that_come_back_beyond_a_million_a_month():
    bill = forecast(google(CPU, CHECK), assumed_fleet(WEB_AND_DATA, 400, {}), load_catalog(), dashboards=1)
    read = lines(bill)["monitoring.timeSeries.list"]
    # a question a minute in each of 4 scopes; 400 series x 60 an hour = 24,000; x 730 h = 17.52 million a month
    assert (read.calls, read.units) == (240, 24_000)
    # 16.52 million beyond the free one, at $0.50 a million
    assert round(read.usd, 2) == 8.26


def test_google_reads_a_small_fleet_for_nothing():
    bill = forecast(google(CPU), assumed_fleet(WEB_AND_DATA, 20, {}), load_catalog(), dashboards=1)
    # 20 x 60 x 730 = 876,000 a month
    assert (lines(bill)["monitoring.timeSeries.list"].units, lines(bill)["monitoring.timeSeries.list"].usd) == (1200, 0)


def test_google_lists_a_project_once_a_run_whatever_its_regions():
    # 500 a page: 1,200 machines in two projects are 2 pages each
    fleet = assumed_fleet(WEB_AND_DATA, 1200, {})
    bill = lines(forecast(google(CPU, kinds=BOTH, parent="folders/1"), fleet, load_catalog(), dashboards=1))
    assert (bill["compute.instances.list"].calls, bill["compute.instances.list"].usd) == (240, 0)
    assert bill["storage.buckets.list"].calls == 2
    assert bill["cloudasset.assets.searchAllResources"].calls == 4
    # a descriptor for each of two projects a day
    assert round(bill["monitoring.metricDescriptors.get"].calls * 24, 6) == 2


def test_google_asks_for_a_bucket_as_seldom_as_the_row_says():
    scope = WEB_AND_DATA[0]
    buckets = {scope: [Resource(scope, Kind.BUCKET, f"b-{number}") for number in range(12)]}
    read = lines(forecast(google(SIZE, kinds=BOTH), buckets, load_catalog(), dashboards=1))[
        "monitoring.timeSeries.list"
    ]
    # once in six hours
    assert (round(read.calls * 6, 6), round(read.units * 6, 6)) == (1, 12)


def test_a_page_of_google_holds_a_hundred_thousand_points():
    scope = WEB_AND_DATA[0]
    machines = {scope: [Resource(scope, Kind.INSTANCE, str(number)) for number in range(20_000)]}
    hour = Rule("hot", Kind.INSTANCE, CPU.when, window=Window(3600, 3600))
    read = lines(forecast(google(hour), machines, load_catalog(), dashboards=1))["monitoring.timeSeries.list"]
    # 60 points for the rule, 2 for late ones, 3 of overlap and the new one: 66 x 20,000 = 1.32 million, 14 pages
    assert read.calls == 14 * 60


def test_azure_bills_calls_of_fifty_machines():
    fleet = assumed_fleet(TWO_SUBSCRIPTIONS, 202, {})
    bill = lines(forecast(microsoft(CPU), fleet, load_catalog(), dashboards=1))
    # 101 machines in each subscription are 3 calls a minute: 360 an hour, 262,800 a month, and a million are free
    assert (bill["Microsoft.Insights/metrics/read"].calls, bill["Microsoft.Insights/metrics/read"].usd) == (360, 0)
    # which subscriptions answer; machines; those of scale sets
    assert bill["Microsoft.ResourceGraph/resources/read"].calls == 180


def test_azure_takes_a_call_of_its_own_for_members_of_uniform_scale_sets():
    scope = TWO_SUBSCRIPTIONS[0]
    provider = "/subscriptions/sub-1/resourcegroups/rg/providers/microsoft.compute"
    names = [f"{provider}/virtualmachines/{number}" for number in range(20)]
    names += [f"{provider}/virtualmachinescalesets/web/virtualmachines/{number}" for number in range(20)]
    fleet = {scope: [Resource(scope, Kind.INSTANCE, name, state=State.RUNNING) for name in names]}
    read = lines(forecast(microsoft(CPU), fleet, load_catalog(), dashboards=1))["Microsoft.Insights/metrics/read"]
    assert read.calls == 120  # forty would fit into one call, if they were of one type: two a minute


def test_azure_beyond_a_million_calls():
    fleet = assumed_fleet(places(Cloud.AZURE, ("sub-1", "sub-2"), ("a", "b", "c", "d")), 2000, {})
    read = lines(forecast(microsoft(CPU), fleet, load_catalog(), dashboards=1))["Microsoft.Insights/metrics/read"]
    # 250 machines in each of 8 scopes: 40 calls a minute, 1,752,000 a month; 752,000 beyond the free, $0.01 a thousand
    assert (read.calls, round(read.usd, 2)) == (2400, 7.52)


def test_azure_reads_up_to_twenty_metrics_in_one_call():
    fleet = assumed_fleet(TWO_SUBSCRIPTIONS, 100, {})
    one = lines(forecast(microsoft(CPU), fleet, load_catalog(), dashboards=1))["Microsoft.Insights/metrics/read"]
    two = lines(forecast(microsoft(CPU, CREDITS), fleet, load_catalog(), dashboards=1))[
        "Microsoft.Insights/metrics/read"
    ]
    assert one.calls == two.calls == 120


def test_what_a_cloud_lacks_is_neither_read_nor_published():
    """Google has no CPU credits."""
    fleet = assumed_fleet(WEB_AND_DATA[:1], 10, {})
    bill = forecast(google(CREDITS), fleet, load_catalog(), dashboards=1)
    assert (lines(bill)["monitoring.timeSeries.list"].units, bill.series) == (0, 4 + 10)


def test_outside_aws_everything_that_is_read_is_published():
    # 4 counts and 2 distributions a scope, 10 figures of our own
    assert count_series(google(CPU, MEMORY), assumed_fleet(WEB_AND_DATA, 40, {}), load_catalog()) == 4 * 6 + 10


@pytest.mark.parametrize("config", [google, microsoft])
def test_detail_by_resource_adds_a_series_for_each(config):
    cloud = next(iter(config(CPU).gather.kinds))
    fleet = assumed_fleet([Scope(cloud, "acme-web", "here")], 30, {})
    assert count_series(config(CPU, detail="resource"), fleet, load_catalog()) == 4 + 1 + 30 + 10


def test_three_clouds_are_the_sum_of_each_and_each_writes_its_own():
    gather = Gather(60, GatherAws(("eu-west-1",)), google().gather.gcp, microsoft().gather.azure)
    three = Config("acme", gather, PublishCloudWatch("eu-west-1", "acme", distributions=("cpu.utilization",)), (CPU,))
    fleet = assumed_fleet([*scopes(1), *WEB_AND_DATA, *TWO_SUBSCRIPTIONS], 70, {})
    bill = forecast(three, fleet, load_catalog(), dashboards=1)
    # 7 scopes with 5 series each, 10 figures for each of 3 clouds
    assert bill.series == 7 * 5 + 3 * 10
    # a request a minute, and 12 an hour of the sweeper, for each cloud
    assert lines(bill)["cloudwatch:PutMetricData"].calls == 3 * 72
    assert lines(bill)["cloudwatch:GetMetricData"].units == 120
    assert lines(bill)["monitoring.timeSeries.list"].units == 40 * 60
    assert lines(bill)["Microsoft.Insights/metrics/read"].calls == 2 * 60
