"""Google's rows of the catalog, against what its documents say."""

from __future__ import annotations

import pytest
from google.cloud.monitoring_v3 import Aggregation

from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.gcp.queries import REGION_FILTERS, id_field, metric_type
from nephoscope.clouds.gcp.reader import LIMITS
from nephoscope.model.metric import Source
from nephoscope.model.resource import State, StateGroup
from nephoscope.model.scope import Cloud

CATALOG = load_catalog()

PUBLISHED_STATES = (
    "DEPROVISIONING PENDING PENDING_STOP PROVISIONING REPAIRING RUNNING STAGING STOPPED STOPPING SUSPENDED SUSPENDING "
    "TERMINATED"
)
"""The enums of Compute v1's Instance.status and ManagedInstance.instanceStatus, as its client libraries' references
list them (Google.Cloud.Compute.V1 3.31)."""


def sources() -> dict[str, Source]:
    return {name: metric.sources[Cloud.GCP] for name, metric in CATALOG.metrics.items() if Cloud.GCP in metric.sources}


def test_every_published_state_has_a_row() -> None:
    assert {word for cloud, word in CATALOG.states if cloud is Cloud.GCP} == set(PUBLISHED_STATES.split())


def test_what_the_states_count_as() -> None:
    groups = {word: CATALOG.state(Cloud.GCP, word).group for word in PUBLISHED_STATES.split()}
    assert [word for word, group in groups.items() if group is StateGroup.RUNNING] == ["RUNNING"]
    assert {word for word, group in groups.items() if group is StateGroup.STOPPED} == {
        "STOPPED",
        "SUSPENDED",
        "TERMINATED",
    }
    assert [word for word, group in groups.items() if group is StateGroup.GONE] == ["DEPROVISIONING"]
    assert CATALOG.state(Cloud.GCP, "TERMINATED") is State.STOPPED, "a machine that can be started again"


@pytest.mark.parametrize(
    ("metric", "vendor", "statistic", "scale"),
    [
        ("cpu.utilization", "compute.googleapis.com/instance/cpu/utilization", "ALIGN_MEAN", 1),
        ("network.receive", "compute.googleapis.com/instance/network/received_bytes_count", "ALIGN_SUM REDUCE_SUM", 1),
        ("network.transmit", "compute.googleapis.com/instance/network/sent_bytes_count", "ALIGN_SUM REDUCE_SUM", 1),
        ("disk.read", "compute.googleapis.com/instance/disk/read_bytes_count", "ALIGN_SUM REDUCE_SUM", 1),
        ("disk.write", "compute.googleapis.com/instance/disk/write_bytes_count", "ALIGN_SUM REDUCE_SUM", 1),
        ("disk.read.operations", "compute.googleapis.com/instance/disk/read_ops_count", "ALIGN_SUM REDUCE_SUM", 1),
        ("disk.write.operations", "compute.googleapis.com/instance/disk/write_ops_count", "ALIGN_SUM REDUCE_SUM", 1),
        ("uptime", "compute.googleapis.com/instance/uptime_total", "ALIGN_MIN", 1),
        ("memory.utilization", "agent.googleapis.com/memory/percent_used", "ALIGN_MEAN", 0.01),
        ("filesystem.utilization", "agent.googleapis.com/disk/percent_used", "ALIGN_MEAN", 0.01),
        ("size", "storage.googleapis.com/storage/total_bytes", "ALIGN_MEAN", 1),
        ("objects", "storage.googleapis.com/storage/object_count", "ALIGN_MEAN REDUCE_SUM", 1),
    ],
)
def test_each_metric(metric: str, vendor: str, statistic: str, scale: float) -> None:
    source = sources()[metric]
    assert (metric_type(source), source.statistic, source.scale) == (vendor, statistic, scale)
    assert source.per_second is (statistic == "ALIGN_SUM REDUCE_SUM"), "a change becomes a rate"


def test_uptime_is_googles_alone() -> None:
    assert set(CATALOG.metrics["uptime"].sources) == {Cloud.GCP}


def test_every_row_can_be_asked_for() -> None:
    for name, source in sources().items():
        aligner, _, reducer = source.statistic.partition(" ")
        assert aligner in Aggregation.Aligner.__members__, name
        assert not reducer or reducer in Aggregation.Reducer.__members__, name
        assert id_field(source).startswith("resource.labels."), name
        assert source.dimensions["resource.type"] in REGION_FILTERS, name
        assert all(field.split(".")[:2] == ["metric", "labels"] for field in source.attributes), name
        assert source.period % 60 == 0, "Google aligns to no less than a minute"


def test_a_sample_is_waited_for_as_long_as_google_says() -> None:
    for name in ("cpu.utilization", "network.receive", "disk.write.operations"):
        assert sources()[name].final_after(60) == 300, "a minute, and up to 240 s until it is visible"


def test_every_call_has_a_pace() -> None:
    assert all(CATALOG.limit(row, "per_second") > 0 for row in LIMITS.values())
    assert CATALOG.limit("monitoring.time_series", "page") == 100_000
    assert CATALOG.cost("monitoring.time_series_returned", 2_000_000) == 1.0
