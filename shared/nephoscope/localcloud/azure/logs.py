"""Log Analytics' query API over what the agents inside the machines send: `Heartbeat` and `InsightsMetrics`.

One workspace takes the agents of every subscription. A minute's rows can be read some two to four minutes later; a
machine without an agent, or whose agent is gone, has none. The window is the request's `timespan`, beside what the
query itself says. An answer without rows has no columns here.
Source: https://learn.microsoft.com/azure/azure-monitor/logs/api/request-format and .../response-format;
the tables in https://learn.microsoft.com/azure/azure-monitor/reference/tables/insightsmetrics and .../heartbeat,
their counters in https://learn.microsoft.com/azure/azure-monitor/vm/vminsights-log-query.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nephoscope.localcloud.aws.call import Answer
from nephoscope.localcloud.azure.call import AzureError, Call, json_answer
from nephoscope.localcloud.azure.kql import ParserError, Row, run
from nephoscope.localcloud.azure.kql_values import Moment
from nephoscope.localcloud.azure.names import group_of, machine_id, machine_name, size_of, vm_uuid
from nephoscope.localcloud.azure.world import World
from nephoscope.localcloud.curves import Measure, noise
from nephoscope.localcloud.incidents import Happening
from nephoscope.localcloud.machines import Instance

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_DAY = 86_400
LONGEST = 31 * _DAY
"""What is kept: a workspace's interactive retention is 30 days unless somebody pays for more."""
DISK_MEGABYTES = 65_536
COUNTERS = 3
"""Agents of this make write performance counters (`Perf`) where others write `InsightsMetrics`."""


@dataclass(frozen=True, slots=True)
class _Window:
    start: int
    end: int
    now: float


def query_workspace(world: World, call: Call) -> Answer:
    """Raises AzureError."""
    if call.path["workspace"].lower() != workspace_of(world.tenant):
        raise AzureError(404, "WorkspaceNotFoundError", "The workspace could not be found")
    text = call.body.get("query")
    if not isinstance(text, str) or not text.strip():
        raise _bad("The request had some invalid properties", "InvalidProperties", "query is required")
    window = _window(world, str(call.body.get("timespan") or ""))
    tables = {"heartbeat": _heartbeats, "insightsmetrics": _insights, "perf": _perf}
    try:
        rows, _ = run(text, lambda name: tables[name.lower()](world, window), world.now)
    except ParserError as error:
        raise _bad("The request had some invalid properties", "SyntaxError", str(error)) from error
    return json_answer({"tables": [_rendered(rows)]})


def workspace_of(tenant: str) -> str:
    """The id of the one workspace."""
    return str(uuid.uuid5(uuid.UUID(tenant), "workspace"))


def _bad(message: str, code: str, inner: str) -> AzureError:
    return AzureError(400, "BadArgumentError", message, inner={"code": code, "message": inner})


# --- the window ----------------------------------------------------------------------------------------------------


def _window(world: World, timespan: str) -> _Window:
    """ISO 8601: a duration up to now, or a start and an end, or a start and a duration."""
    now = world.now
    parts = timespan.split("/") if timespan else []
    try:
        match parts:
            case []:
                start, end = now - LONGEST, now
            case [duration]:
                start, end = now - _seconds(duration), now
            case [first, duration] if duration.startswith("P"):
                start, end = _at(first), _at(first) + _seconds(duration)
            case [first, last]:
                start, end = _at(first), _at(last)
            case _:
                raise ValueError(timespan)
    except ValueError as error:
        raise _bad("The request had some invalid properties", "InvalidTimespan", timespan) from error
    return _Window(int(max(start, now - LONGEST, world.fleet.start - _DAY)), int(min(end, now)), now)


def _seconds(duration: str) -> float:
    found = _DURATION.fullmatch(duration)
    if not found:
        raise ValueError(duration)
    return sum(float(part or 0) * unit for part, unit in zip(found.groups(), (_DAY, 3600, 60, 1), strict=True))


def _at(text: str) -> float:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


# --- the tables ----------------------------------------------------------------------------------------------------


def _heartbeats(world: World, window: _Window) -> Iterator[Row]:
    for instance, at in _minutes(world, window):
        yield _row(world, instance, at, "Heartbeat") | {
            "Category": "Azure Monitor Agent",
            "OSType": "Linux",
            "ComputerEnvironment": "Azure",
            "ResourceId": machine_id(instance),
            "SubscriptionId": instance.account,
            "ResourceGroup": group_of(instance.tags),
        }


def _insights(world: World, window: _Window) -> Iterator[Row]:
    """Free memory in MB with the size beside it, free space of the root disk in percent with its size."""
    for instance, at in _minutes(world, window):
        memory, disk = (world.fleet.value(instance.id, measure, at) for measure in (Measure.MEMORY, Measure.FILESYSTEM))
        if memory is None or disk is None:
            continue
        if instance.agent == COUNTERS:
            continue
        size = size_of(instance).memory * 1024
        common = _row(world, instance, at, "InsightsMetrics") | {"Origin": "vm.azm.ms"}
        tags = json.dumps({"vm.azm.ms/memorySizeMB": size})
        yield common | {"Namespace": "Memory", "Name": "AvailableMB", "Val": (1 - memory) * size, "Tags": tags}
        counter = {"Namespace": "LogicalDisk", "Name": "FreeSpacePercentage", "Val": (1 - disk) * 100}
        tags = json.dumps({"vm.azm.ms/mountId": "/", "vm.azm.ms/diskSizeMB": DISK_MEGABYTES})
        yield common | counter | {"Tags": tags}


def _perf(world: World, window: _Window) -> Iterator[Row]:
    """What a data collection rule with performance counters makes of some machines' agents in place of VM insights: the
    free space of each disk, and of all together."""
    for instance, at in _minutes(world, window):
        disk = world.fleet.value(instance.id, Measure.FILESYSTEM, at)
        if disk is None or instance.agent != COUNTERS:
            continue
        for name in ("/", "_Total"):
            counter = {"ObjectName": "Logical Disk", "CounterName": "% Free Space", "InstanceName": name}
            yield _row(world, instance, at, "Perf") | counter | {"CounterValue": (1 - disk) * 100}


def _row(world: World, instance: Instance, at: int, table: str) -> dict[str, Any]:
    return {
        "TenantId": workspace_of(world.tenant),
        "TimeGenerated": Moment(at),
        "Computer": machine_name(instance),
        "AgentId": vm_uuid(instance),
        "Type": table,
        "_ResourceId": machine_id(instance).lower(),
    }


def _minutes(world: World, window: _Window) -> Iterator[tuple[Instance, int]]:
    """Each machine with each minute for which its agent spoke and whose rows are there."""
    for instance in world.fleet.instances:
        if not instance.agent or not world.readable(instance.account):
            continue
        for at in range(window.start + -window.start % 60, window.end, 60):
            if _there_at(world, instance, at) <= window.now and world.fleet.value(instance.id, Measure.MEMORY, at):
                yield instance, at


def _there_at(world: World, instance: Instance, at: int) -> float:
    late = (
        incident.seconds
        for incident in world.fleet.incidents(Happening.LATE_POINTS, instance.account, instance.region, at)
    )
    return at + 120 + 120 * noise(instance.number, at + 4) + max(late, default=0)


# --- the answer ----------------------------------------------------------------------------------------------------


def _rendered(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    names = list(rows[0]) if rows else []
    columns = [{"name": name, "type": _type([row.get(name) for row in rows])} for name in names]
    return {
        "name": "PrimaryResult",
        "columns": columns,
        "rows": [[_written(row.get(name)) for name in names] for row in rows],
    }


def _type(values: Sequence[Any]) -> str:
    value = next((value for value in values if value is not None), None)
    kinds: tuple[tuple[type, str], ...] = ((Moment, "datetime"), (bool, "bool"), (int, "long"), (float, "real"))
    for kind, word in kinds:
        if isinstance(value, kind):
            return word
    return "dynamic" if isinstance(value, dict | list) else "string"


def _written(value: Any) -> Any:
    if isinstance(value, Moment):
        return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
    return json.dumps(value) if isinstance(value, dict | list) else value
