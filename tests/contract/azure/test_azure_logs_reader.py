"""What only the guests' agents know, read by the reader as production opens it, against the local Log Analytics."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.azure.logs import COUNTERS
from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Power
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance
from nephoscope.model.config import Config, Gather, GatherAzure, PublishCloudWatch
from nephoscope.model.errors import Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Readings, SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import CloudReader

NOON = 1_795_435_200
WEB = "11111111-aaaa-4000-8000-000000000001"
WEST = Scope(Cloud.AZURE, WEB, "westeurope")
OTHER = "00000000-0000-4000-8000-000000000000"
CATALOG = load_catalog()
QUERY = "Microsoft.OperationalInsights/workspaces/query/read"
DISK, BEAT = "filesystem.utilization", "agent.heartbeat"


class SystemClock:
    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


def config_for(*workspaces: str) -> Config:
    gather = GatherAzure((WEB,), workspaces=workspaces)
    return Config("acme", Gather(azure=gather), PublishCloudWatch("eu-west-1", "acme"))


@pytest.fixture
def reader(azure: LocalAzure) -> Iterator[CloudReader]:
    opened: CloudReader = wire("cloud", "azure")(
        config_for(azure.workspace), Settings.from_environment(), CATALOG, SystemClock(), None
    )
    yield opened


def guests(azure: LocalAzure, *makes: int) -> list[Instance]:
    """Running machines whose agents are of these makes; 0: without one."""
    running = [row.instance for row in azure.fleet.instances_at(NOON - 1800) if row.power is Power.RUNNING]
    return [machine for machine in running if machine.agent in makes and machine.account == WEB]


def request(azure: LocalAzure, machine: Instance, metric: str, start: int = NOON - 900) -> SeriesRequest:
    source = CATALOG.metrics[metric].sources[Cloud.AZURE]
    resource = azure.resource_id(machine.id).lower()
    return SeriesRequest(resource, metric, source, source.period, start, source.horizon(NOON, source.period))


def read(reader: CloudReader, requests: list[SeriesRequest], *workspaces: str) -> Readings:
    deadline = Deadline(time.monotonic() + 30, time.monotonic)
    return reader.read_series(WEST, config_for(*workspaces), requests, deadline)


def test_file_systems_of_both_kinds_of_agents_come_minute_by_minute(azure: LocalAzure, reader: CloudReader) -> None:
    """VM insights and a rule with performance counters write different tables; the sum over all disks is left out."""
    machines = [guests(azure, 1, 2)[0], guests(azure, COUNTERS)[0]]
    requests = [request(azure, machine, DISK) for machine in machines]
    found = read(reader, requests, azure.workspace)
    assert found.gaps == ()
    assert requests[0].end == NOON - 300  # the newest five minutes are not settled
    by_resource = {series.key.resource_id: series for series in found.series}
    assert len(found.series) == len(by_resource) == 2
    for machine, asked in zip(machines, requests, strict=True):
        series = by_resource[asked.resource_id]
        assert series.key.attributes == (("system_filesystem_mountpoint", "/"),)
        assert list(series.times) == list(range(NOON - 900, NOON - 300, 60))
        expected = [azure.fleet.value(machine.id, Measure.FILESYSTEM, at) for at in series.times]
        assert list(series.values) == pytest.approx(expected)
        assert series.complete


def test_a_heartbeat_counts_and_an_agent_that_is_gone_is_absent_not_unknown(
    azure: LocalAzure, reader: CloudReader
) -> None:
    well, gone = guests(azure, 1, 2)[:2]
    azure.reset(azure.fleet.with_script([Incident(Happening.AGENT_GONE, -600, 600, (gone.id,))]))
    azure.set_time(NOON)
    found = read(reader, [request(azure, well, BEAT), request(azure, gone, BEAT)], azure.workspace)
    assert found.gaps == ()
    of = {series.key.resource_id: series for series in found.series}
    alive, silent = (of[azure.resource_id(machine.id).lower()] for machine in (well, gone))
    assert list(alive.values) == [1.0] * 10
    assert list(silent.times) == list(range(NOON - 900, NOON - 600, 60))
    assert silent.complete


def test_many_machines_and_two_metrics_are_two_queries(azure: LocalAzure, reader: CloudReader) -> None:
    machines = guests(azure, 0, 1, 2, COUNTERS)
    azure.ledger.clear()
    found = read(reader, [request(azure, m, metric) for m in machines for metric in (DISK, BEAT)], azure.workspace)
    assert azure.ledger.calls(QUERY) == 2
    assert found.usage.calls[QUERY] == 2
    # who has no agent has no file system, which is no news, and no heartbeat, which is absent
    without = {azure.resource_id(machine.id).lower() for machine in guests(azure, 0)}
    assert without
    assert {s.key.metric for s in found.series if s.key.resource_id in without} == {BEAT}
    assert all(not s.times for s in found.series if s.key.resource_id in without)


def test_a_workspace_that_is_not_there_leaves_unknown_what_the_other_does_not_have(
    azure: LocalAzure, reader: CloudReader
) -> None:
    there, nowhere = guests(azure, 1)[0], guests(azure, 0)[0]
    requests = [request(azure, there, BEAT), request(azure, nowhere, BEAT)]
    found = read(reader, requests, azure.workspace, OTHER)
    assert [s.key.resource_id for s in found.series] == [requests[0].resource_id]
    (gap,) = found.gaps
    assert (gap.reason, gap.affected, gap.resource_ids) == (Reason.NOT_FOUND, (BEAT,), (requests[1].resource_id,))


@pytest.mark.parametrize(("failing", "reason"), [(Failing.DENY, Reason.DENIED), (Failing.ERROR, Reason.UNAVAILABLE)])
def test_what_cannot_be_asked_is_unknown_and_the_platforms_metrics_go_on(
    azure: LocalAzure, reader: CloudReader, failing: Failing, reason: Reason
) -> None:
    machine = guests(azure, 1)[0]
    azure.faults.add(Fault(failing, "Microsoft.OperationalInsights/*"))
    cpu = request(azure, machine, "cpu.utilization")
    found = read(reader, [request(azure, machine, DISK), cpu], azure.workspace)
    assert [s.key.metric for s in found.series] == ["cpu.utilization"]
    (gap,) = found.gaps
    assert (gap.operation, gap.reason, gap.affected) == (QUERY, reason, (DISK,))


def test_throttling_is_waited_out(azure: LocalAzure, reader: CloudReader) -> None:
    azure.faults.add(Fault(Failing.THROTTLE, "Microsoft.OperationalInsights/*", calls=1, seconds=1))
    found = read(reader, [request(azure, guests(azure, 1)[0], BEAT)], azure.workspace)
    assert found.gaps == ()
    assert found.usage.calls[QUERY] == 2


def test_late_rows_are_not_taken_for_silence(azure: LocalAzure, reader: CloudReader) -> None:
    """Rows of minutes that are not settled are not asked for: the window ends where they have come."""
    machine = guests(azure, 1)[0]
    found = read(reader, [request(azure, machine, BEAT)], azure.workspace)
    (series,) = found.series
    assert series.times[-1] == NOON - 360
    assert series.end == NOON - 300
