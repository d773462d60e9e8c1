"""Log Analytics by Microsoft's own client: what the guests' agents say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.monitor.query import LogsQueryClient, LogsQueryResult

from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.azure.logs import COUNTERS
from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Power
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance

NOON = 1_795_435_200
START = NOON - 1800
WINDOW = (datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(START + 120, UTC))


@pytest.fixture
def logs(azure: LocalAzure, credential: ManagedIdentityCredential) -> Iterator[LogsQueryClient]:
    with LogsQueryClient(credential, endpoint=azure.url, audience="https://api.loganalytics.io") as client:
        yield client


def _rows(client: LogsQueryClient, azure: LocalAzure, query: str, timespan: Any = WINDOW) -> list[dict[str, Any]]:
    answer = client.query_workspace(azure.workspace, query, timespan=timespan)
    assert isinstance(answer, LogsQueryResult)
    (table,) = answer.tables
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _guest(azure: LocalAzure, *, agent: bool = True) -> Instance:
    running = [row.instance for row in azure.fleet.instances_at(NOON) if row.power is Power.RUNNING]
    return next(machine for machine in running if bool(machine.agent) is agent and machine.agent != COUNTERS)


def _of(azure: LocalAzure, machine: Instance) -> str:
    return f"where _ResourceId =~ '{azure.resource_id(machine.id)}'"


def test_free_memory_and_disk_come_with_their_sizes(azure: LocalAzure, logs: LogsQueryClient) -> None:
    machine = _guest(azure)
    query = f"InsightsMetrics | {_of(azure, machine)} | project TimeGenerated, Namespace, Name, Val, Tags"
    rows = {(row["Name"], int(row["TimeGenerated"].timestamp())): row for row in _rows(logs, azure, query)}
    assert set(rows) == {(name, at) for name in ("AvailableMB", "FreeSpacePercentage") for at in (START, START + 60)}
    size = json.loads(rows["AvailableMB", START]["Tags"])["vm.azm.ms/memorySizeMB"]
    used = azure.fleet.value(machine.id, Measure.MEMORY, START) or 0
    assert rows["AvailableMB", START]["Val"] / size == pytest.approx(1 - used)
    full = azure.fleet.value(machine.id, Measure.FILESYSTEM, START) or 0
    assert rows["FreeSpacePercentage", START]["Val"] == pytest.approx(100 * (1 - full))
    assert json.loads(rows["FreeSpacePercentage", START]["Tags"])["vm.azm.ms/mountId"] == "/"


def test_summaries_by_minute_and_machine(azure: LocalAzure, logs: LogsQueryClient) -> None:
    machine = _guest(azure)
    query = (
        f"InsightsMetrics | {_of(azure, machine)} and Name == 'AvailableMB' "
        "| summarize avg(Val), n = count() by bin(TimeGenerated, 1h), _ResourceId"
    )
    (row,) = _rows(logs, azure, query)
    assert (row["n"], int(row["TimeGenerated"].timestamp())) == (2, NOON - 3600)
    assert row["_ResourceId"] == azure.resource_id(machine.id).lower()


def test_only_machines_with_an_agent_have_a_heartbeat(azure: LocalAzure, logs: LogsQueryClient) -> None:
    rows = _rows(logs, azure, "Heartbeat | summarize arg_max(TimeGenerated, Computer) by _ResourceId")
    ids = {row["_ResourceId"] for row in rows}
    assert azure.resource_id(_guest(azure).id).lower() in ids
    assert azure.resource_id(_guest(azure, agent=False).id).lower() not in ids
    assert all(int(row["TimeGenerated"].timestamp()) == START + 60 for row in rows)


def test_an_agent_that_is_gone_is_silent(azure: LocalAzure, logs: LogsQueryClient) -> None:
    machine = _guest(azure)
    azure.reset(azure.fleet.with_script([Incident(Happening.AGENT_GONE, -1800, 600, (machine.id,))]))
    azure.set_time(NOON)
    assert _rows(logs, azure, f"Heartbeat | {_of(azure, machine)}", timedelta(minutes=20)) == []


def test_rows_come_two_to_four_minutes_late(azure: LocalAzure, logs: LogsQueryClient) -> None:
    rows = _rows(logs, azure, "Heartbeat | where TimeGenerated > ago(10m) | distinct TimeGenerated", timedelta(hours=1))
    newest = max(int(row["TimeGenerated"].timestamp()) for row in rows)
    assert NOON - 240 <= newest <= NOON - 120
    assert min(int(row["TimeGenerated"].timestamp()) for row in rows) == NOON - 540


def test_what_is_refused(azure: LocalAzure, logs: LogsQueryClient) -> None:
    with pytest.raises(HttpResponseError, match="SyntaxError"):
        _rows(logs, azure, "Heartbeat | jion other")
    with pytest.raises(HttpResponseError, match="WorkspaceNotFoundError"):
        logs.query_workspace("00000000-0000-4000-8000-000000000000", "Heartbeat", timespan=WINDOW)
    azure.faults.add(Fault(Failing.DENY, "Microsoft.OperationalInsights/*"))
    with pytest.raises(HttpResponseError, match="InsufficientAccessError") as caught:
        _rows(logs, azure, "Heartbeat")
    assert caught.value.status_code == 403
