"""Labels of GetMetricData's lines: placeholders name each line of a search, a plain label only one that is alone."""

from datetime import UTC, datetime

SEARCH = "SEARCH('{acme,region} MetricName=\"machines\"', 'Maximum', 60)"


def labels(local, label):
    client = local.client("cloudwatch")
    at = datetime.fromtimestamp(local.world.now - 120, UTC)
    for region, value in (("eu-west-1", 3), ("us-east-1", 5)):
        dimensions = [{"Name": "region", "Value": region}]
        client.put_metric_data(
            Namespace="acme",
            MetricData=[{"MetricName": "machines", "Dimensions": dimensions, "Timestamp": at, "Value": value}],
        )
    answer = client.get_metric_data(
        StartTime=datetime.fromtimestamp(local.world.now - 600, UTC),
        EndTime=datetime.fromtimestamp(local.world.now, UTC),
        MetricDataQueries=[{"Id": "m", "Expression": SEARCH, "Label": label}],
    )
    return sorted(result["Label"] for result in answer["MetricDataResults"])


def test_a_placeholder_names_each_line_by_its_dimension(fleet_aws):
    assert labels(fleet_aws, "in ${PROP('Dim.region')}") == ["in eu-west-1", "in us-east-1"]


def test_the_lines_own_names_stand_where_label_asks_for_them(fleet_aws):
    assert labels(fleet_aws, "${LABEL}!") == ["eu-west-1 machines!", "us-east-1 machines!"]


def test_a_plain_label_does_not_name_several_lines(fleet_aws):
    assert labels(fleet_aws, "machines") == ["eu-west-1 machines", "us-east-1 machines"]
