"""Azure's rows of the catalog: what the vendor's tables of metrics say, and the one sum that turns a share round."""

from __future__ import annotations

import pytest

from nephoscope.catalog.loader import load_catalog, parse_catalog
from nephoscope.model.errors import ConfigError
from nephoscope.model.metric import Source
from nephoscope.model.scope import Cloud

CATALOG = load_catalog()
ROW = """
[[metric]]
name = "x"
on = "instance"
shape = "gauge"
unit = "1"
description = "x"
[metric.{cloud}]
namespace = "n"
vendor_name = "v"
statistic = "Average"
vendor_unit = "Percent"
scale = {scale}
offset = {offset}
dimensions = {{ d = "{{id}}" }}
period = 60
delay = 0
page = "https://example"
"""


def azure(metric: str) -> Source:
    return CATALOG.metrics[metric].sources[Cloud.AZURE]


@pytest.mark.parametrize(
    ("metric", "vendor_name", "statistic", "unit", "scale", "per_second"),
    [
        ("cpu.utilization", "Percentage CPU", "Average", "Percent", 0.01, False),
        ("cpu.credit.balance", "CPU Credits Remaining", "Average", "Count", 1, False),
        ("network.receive", "Network In Total", "Total", "Bytes", 1, True),
        ("network.transmit", "Network Out Total", "Total", "Bytes", 1, True),
        ("disk.read", "Disk Read Bytes", "Total", "Bytes", 1, True),
        ("disk.write", "Disk Write Bytes", "Total", "Bytes", 1, True),
        ("disk.read.operations", "Disk Read Operations/Sec", "Average", "CountPerSecond", 1, False),
        ("disk.write.operations", "Disk Write Operations/Sec", "Average", "CountPerSecond", 1, False),
        ("memory.utilization", "Available Memory Percentage", "Average", "Percent", -0.01, False),
    ],
)
def test_machines_metrics(
    metric: str, vendor_name: str, statistic: str, unit: str, scale: float, per_second: bool
) -> None:
    source = azure(metric)
    assert (source.namespace, source.vendor_name) == ("Microsoft.Compute/virtualMachines", vendor_name)
    assert (source.statistic, source.vendor_unit, source.scale) == (statistic, unit, scale)
    assert (source.per_second, source.period, source.delay) == (per_second, 60, 240)


def test_the_size_of_a_storage_account_comes_once_an_hour() -> None:
    source = azure("size")
    assert (source.namespace, source.vendor_name) == ("Microsoft.Storage/storageAccounts", "UsedCapacity")
    assert (source.period, source.every) == (3600, 6 * 3600)


def test_only_free_shares_are_turned_round() -> None:
    offsets = {name: m.sources[Cloud.AZURE].offset for name, m in CATALOG.metrics.items() if Cloud.AZURE in m.sources}
    assert {name: offset for name, offset in offsets.items() if offset} == {
        "memory.utilization": 1.0,
        "filesystem.utilization": 1.0,
    }


@pytest.mark.parametrize(
    ("cloud", "scale", "offset", "problem"),
    [
        ("azure", "-0.01", "0.0", "scale must be greater than zero"),
        ("azure", "0", "1.0", "scale must be greater than zero"),
        ("aws", "0.01", "1.0", "only Azure's reader adds an offset"),
        ("gcp", "-0.01", "1.0", "only Azure's reader adds an offset"),
    ],
)
def test_a_row_that_no_reader_would_read_rightly(cloud: str, scale: str, offset: str, problem: str) -> None:
    text = ROW.format(cloud=cloud, scale=scale, offset=offset)
    with pytest.raises(ConfigError, match=problem):
        parse_catalog({"metrics": text, "states": "", "limits": "", "prices": ""})
