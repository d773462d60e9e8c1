"""How `status` calls what an alert is on, and that each of these names is understood."""

from __future__ import annotations

import pytest

from nephoscope.cli.alerts import Known
from nephoscope.cli.status import Standing, _called
from nephoscope.model.alert import AlertRecord
from nephoscope.model.memory import Progress, Snapshot
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Aggregate, Comparison, Observation, Rule, Threshold
from nephoscope.model.scope import Cloud, Scope, fleet_scope

AZURE = Scope(Cloud.AZURE, "00000000-0000-0000-0000-000000000000", "westeurope")
WEB = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg-prod"
    "/providers/microsoft.compute/virtualmachines/web-1"
)
RECORD = AlertRecord("k" * 32, "cpu-hot", WEB)
HOT = Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9))


@pytest.mark.parametrize("name", [WEB, "rg-prod/web-1", "the shop's"])
def test_a_machine_is_meant_by_its_address_its_short_id_and_its_name(name: str) -> None:
    known = Known(AZURE, RECORD, ("the shop's",))
    assert known.is_meant("cpu-hot", name)
    assert not known.is_meant("cpu-cold", name)
    assert not known.is_meant("cpu-hot", name + "0")


def test_a_machine_is_shown_by_name_and_short_id() -> None:
    snapshot = Snapshot(AZURE, 0, (Resource(AZURE, Kind.INSTANCE, WEB, "web-1"),))
    standing = Standing(AZURE, Progress(AZURE), snapshot, (RECORD,), (), None)
    assert _called(standing, RECORD, HOT) == ("web-1", "rg-prod/web-1")


def test_a_group_is_shown_as_in_its_messages() -> None:
    few = Aggregate("count", Comparison.LESS, 3, counted=Observation("state", ("running",)))
    rule = Rule("few-web", Kind.INSTANCE, few, by=("cloud_provider", "cloud_region"))
    home = fleet_scope(Cloud.AWS)
    record = AlertRecord("g" * 32, "few-web", "instances of cloud_provider=gcp,cloud_region=us-east1")
    standing = Standing(home, Progress(home), None, (record,), (), None)
    assert _called(standing, record, rule) == ("", "instances in gcp us-east1")
