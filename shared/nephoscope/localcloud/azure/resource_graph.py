"""Resource Graph: a query over every subscription that the caller may read, in pages of at most 1,000 rows.

Subscriptions without permission are silently left out, as the service does; only when none is left of those that
were named is the call refused. `$skipToken` goes on with the same query; there is none, and `resultTruncated` is
"true", where the query limits its rows itself. Types and ids of a row are those of `rows.py`.
Source: https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources (2021-03-01,
2022-10-01, 2024-04-01), https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data and
.../guidance-for-throttled-requests (the quota's headers).
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nephoscope.localcloud.aws.call import Answer
from nephoscope.localcloud.azure.call import AzureError, Call, json_answer
from nephoscope.localcloud.azure.kql import ParserError, Row, run
from nephoscope.localcloud.azure.names import is_uniform
from nephoscope.localcloud.azure.rows import graph_account, graph_machine, graph_member, graph_subscription
from nephoscope.localcloud.azure.world import MANAGEMENT_GROUP, World
from nephoscope.localcloud.fleet import Power, Sighting

PAGE = 1000
QUOTA = {"x-ms-user-quota-remaining": "14", "x-ms-user-quota-resets-after": "00:00:05"}


def query_resources(world: World, call: Call) -> Answer:
    """Raises AzureError."""
    text = call.body.get("query")
    if not isinstance(text, str) or not text.strip():
        raise _refused("InvalidQuery", "Query is missing.")
    subscriptions = _subscriptions(world, call)
    tables = _Tables(world, subscriptions)
    try:
        rows, limited = run(text, tables.read, world.now)
    except ParserError as error:
        raise _unparsable(error) from error
    return _page(call, rows, limited, _mark(text, subscriptions))


def _subscriptions(world: World, call: Call) -> Sequence[str]:
    """Those named (or of the management groups named, or all) that the caller may read."""
    named = call.body.get("subscriptions")
    groups = call.body.get("managementGroups")
    if named and groups:
        raise _refused("InvalidScope", "Only one of subscriptions and managementGroups may be given.")
    if named:
        visible = [name for name in world.visible if name in named]
        if not visible:
            text = "There must be at least one subscription that is eligible to contain resources."
            raise _refused("NoValidSubscriptionsInQueryRequest", f"{text} Given: '{','.join(named)}'.")
        return visible
    if groups and MANAGEMENT_GROUP not in groups:
        raise AzureError(403, "AccessDenied", "Access is denied to the requested management groups.")
    return world.visible


class _Tables:
    """The tables that we have. `computeresources` holds the instances of uniform scale sets, and `resources` all other
    machines. Source: https://learn.microsoft.com/azure/governance/resource-graph/concepts/azure-resource-graph-get-list-api"""

    def __init__(self, world: World, subscriptions: Sequence[str]) -> None:
        self._world = world
        self._subscriptions = subscriptions

    def read(self, name: str) -> Iterator[Row]:
        """Raises KeyError for a table that is not there."""
        tables = {
            "resources": self._resources,
            "resourcecontainers": self._containers,
            "computeresources": self._scale_set_machines,
        }
        return tables[name.lower()]()

    def _resources(self) -> Iterator[Row]:
        for subscription in self._subscriptions:
            for sighting in self._world.sightings(subscription):
                if sighting.power is not Power.TERMINATED and not is_uniform(sighting.instance):
                    yield self._told(sighting, graph_machine(sighting, self._world.tenant))
        for bucket in self._world.fleet.buckets:
            if bucket.account in self._subscriptions and bucket.created_at <= self._world.now:
                yield graph_account(bucket, self._world.tenant)

    def _scale_set_machines(self) -> Iterator[Row]:
        for subscription in self._subscriptions:
            for sighting in self._world.sightings(subscription):
                if sighting.power is not Power.TERMINATED and is_uniform(sighting.instance):
                    yield self._told(sighting, graph_member(sighting, self._world.tenant))

    def _told(self, sighting: Sighting, row: Row) -> Row:
        if sighting.instance.id in self._world.failed:
            row["properties"]["provisioningState"] = "Failed"
        return row

    def _containers(self) -> Iterator[Row]:
        for subscription in self._subscriptions:
            yield graph_subscription(subscription, self._world.tenant, MANAGEMENT_GROUP)


# --- pages ---------------------------------------------------------------------------------------------------------


def _page(call: Call, rows: Sequence[Mapping[str, Any]], limited: bool, mark: int) -> Answer:
    options = call.body.get("options") or {}
    size = options.get("$top", PAGE)
    if not isinstance(size, int) or not 1 <= size <= PAGE:
        raise _refused("InvalidOptions", f"$top must be between 1 and {PAGE}.")
    start = _read_token(options.get("$skipToken") or "", mark) or int(options.get("$skip", 0))
    page = rows[start : start + size]
    more = start + size < len(rows)
    body: dict[str, Any] = {
        "totalRecords": len(rows),
        "count": len(page),
        "data": _table(page) if options.get("resultFormat") == "table" else list(page),
        "facets": [],
        "resultTruncated": "true" if limited and more else "false",
    }
    if more and not limited:
        body["$skipToken"] = _write_token(start + size, mark)
    return json_answer(body, headers=QUOTA)


def _table(page: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    names = list(page[0]) if page else []
    columns = [{"name": name, "type": _type(page[0][name])} for name in names]
    return {"columns": columns, "rows": [list(row.values()) for row in page]}


def _type(value: object) -> str:
    if isinstance(value, str):
        return "string"
    return "integer" if isinstance(value, int) else "object"


def _mark(text: str, subscriptions: Sequence[str]) -> int:
    """A token serves only the query and scope that it was given for."""
    return zlib.crc32(json.dumps([text, list(subscriptions)]).encode())


def _write_token(place: int, mark: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([place, mark]).encode()).decode()


def _read_token(token: str, mark: int) -> int:
    if not token:
        return 0
    try:
        place, own = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise _refused("InvalidSkipToken", "The skip token is not valid.") from error
    if own != mark:
        raise _refused("InvalidSkipToken", "The skip token was given for another query or scope.")
    return int(place)


# --- errors --------------------------------------------------------------------------------------------------------


def _refused(code: str, message: str, *more: Mapping[str, Any]) -> AzureError:
    text = "Please provide below info when asking for support: timestamp, correlationId."
    return AzureError(400, "BadRequest", text, details=({"code": code, "message": message}, *more))


def _unparsable(error: ParserError) -> AzureError:
    text = (
        "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error "
        "before retrying."
    )
    where = {"code": "ParserFailure", "message": "ParserFailure", "line": 1}
    return _refused("InvalidQuery", text, where | {"characterPositionInLine": error.at, "token": error.token})
