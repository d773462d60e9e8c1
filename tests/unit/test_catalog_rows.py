"""The rows of the catalog: complete against the SDK's own lists, and saying what the vendors' documents say."""

from __future__ import annotations

import pytest
from botocore.session import get_session

from nephoscope.catalog.loader import load_catalog, parse_catalog
from nephoscope.clouds.aws.inventory import CHECK_WORDS, CHECKS
from nephoscope.model.errors import ConfigError
from nephoscope.model.metric import Source
from nephoscope.model.observation import CHECK_WORDS as OUR_WORDS
from nephoscope.model.observation import OBSERVATIONS
from nephoscope.model.resource import Kind, State, StateGroup
from nephoscope.model.scope import Cloud

CATALOG = load_catalog()


def ec2_words(shape: str) -> list[str]:
    """The published list of words, from botocore's own model."""
    words: list[str] = get_session().get_service_model("ec2").shape_for(shape).enum
    return words


def aws(metric: str) -> Source:
    return CATALOG.metrics[metric].sources[Cloud.AWS]


def test_every_state_that_ec2_knows_has_a_row() -> None:
    words = ec2_words("InstanceStateName")
    assert len(words) >= 6
    assert {word for cloud, word in CATALOG.states if cloud is Cloud.AWS} == set(words)
    assert State.UNKNOWN not in {CATALOG.state(Cloud.AWS, word) for word in words}


def test_what_the_six_states_count_as() -> None:
    assert {word: CATALOG.state(Cloud.AWS, word).group for word in ec2_words("InstanceStateName")} == {
        "pending": StateGroup.CHANGING,
        "running": StateGroup.RUNNING,
        "stopping": StateGroup.CHANGING,
        "stopped": StateGroup.STOPPED,
        "shutting-down": StateGroup.GONE,
        "terminated": StateGroup.GONE,
    }


def test_a_state_without_a_row_and_no_state_are_unknown() -> None:
    assert CATALOG.state(Cloud.AWS, "dreaming") is State.UNKNOWN
    assert CATALOG.state(Cloud.AWS, None) is State.UNKNOWN


def test_every_word_of_ec2s_status_checks_is_one_that_rules_may_use() -> None:
    assert {CHECK_WORDS.get(word, word) for word in ec2_words("SummaryStatus")} == set(OUR_WORDS)
    assert set(CHECKS.values()) <= set(OBSERVATIONS[Kind.INSTANCE])


@pytest.mark.parametrize(
    ("metric", "vendor_name", "statistic", "scale", "per_second"),
    [
        ("cpu.utilization", "CPUUtilization", "Average", 0.01, False),
        ("cpu.credit.balance", "CPUCreditBalance", "Average", 1, False),
        ("network.receive", "NetworkIn", "Sum", 1, True),
        ("network.transmit", "NetworkOut", "Sum", 1, True),
        ("disk.read", "EBSReadBytes", "Sum", 1, True),
        ("disk.write", "EBSWriteBytes", "Sum", 1, True),
        ("disk.read.operations", "EBSReadOps", "Sum", 1, True),
        ("disk.write.operations", "EBSWriteOps", "Sum", 1, True),
        ("instance_store.read", "DiskReadBytes", "Sum", 1, True),
        ("instance_store.write", "DiskWriteBytes", "Sum", 1, True),
    ],
)
def test_ec2s_own_metrics(metric: str, vendor_name: str, statistic: str, scale: float, per_second: bool) -> None:
    source = aws(metric)
    assert (source.namespace, source.vendor_name, source.statistic) == ("AWS/EC2", vendor_name, statistic)
    assert (source.scale, source.per_second, source.discover) == (scale, per_second, False)
    assert source.dimensions == {"InstanceId": "{id}"}


def test_a_point_is_final_after_ten_minutes_and_after_three_with_detailed_monitoring() -> None:
    sources = [m.sources[Cloud.AWS] for m in CATALOG.metrics_on(Kind.INSTANCE) if Cloud.AWS in m.sources]
    assert len(sources) > 10
    for source in sources:
        if source.namespace == "AWS/EC2":
            assert (source.period_of(fine=False), source.final_after(300)) == (300, 600)
        if source.fine_period:
            assert (source.period_of(fine=True), source.final_after(60)) == (60, 180)


def test_credits_come_every_five_minutes_whatever_the_monitoring() -> None:
    assert aws("cpu.credit.balance").period_of(fine=True) == 300


def test_buckets_are_read_every_six_hours() -> None:
    for metric in CATALOG.metrics_on(Kind.BUCKET):
        source = metric.sources[Cloud.AWS]
        assert (source.period, source.every) == (86_400, 6 * 3600)
    assert aws("objects").dimensions == {"BucketName": "{id}", "StorageType": "AllStorageTypes"}


def test_status_checks_are_no_metrics() -> None:
    sources = [source for metric in CATALOG.metrics.values() for source in metric.sources.values()]
    assert not [source for source in sources if "StatusCheck" in source.vendor_name]


def test_units_do_not_stand_in_names() -> None:
    units = ("bytes", "percent", "seconds", "count", "_total")
    assert not [name for name in CATALOG.metrics if any(unit in name for unit in units)]


def test_every_row_that_is_listed_first_names_the_dimension_of_the_id() -> None:
    for metric in CATALOG.metrics.values():
        for source in metric.sources.values():
            assert "{id}" in source.dimensions.values()
            assert source.discover or not (source.attributes or source.leave_out)


def test_all_mistakes_in_rows_are_told_at_once() -> None:
    rows = """
    [[metric]]
    name = "a"
    on = "instance"
    shape = "gauge"
    unit = "1"
    description = "no cloud"
    [[metric]]
    name = "b"
    on = "spaceship"
    shape = "gauge"
    unit = "1"
    description = "no such kind"
    """
    with pytest.raises(ConfigError) as raised:
        parse_catalog({"metrics": rows, "states": '[aws.instance]\nrunning = "jogging"', "limits": "", "prices": ""})
    texts = str(raised.value)
    assert "row a: no cloud has it" in texts
    assert "row b" in texts
    assert "jogging" in texts
