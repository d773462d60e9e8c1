"""Resource Graph: one question over many subscriptions, a thousand rows a page.

A subscription that may not be read is passed over in silence: the answer is 200, with the rows of the others. Only
where none of them may be read is the question refused. So who asks must also ask which subscriptions answered
(SUBSCRIPTIONS: a row for each that may be read, empty ones too).

Rows are sorted by id, so that pages neither overlap nor leave out.
Source: https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources (2022-10-01),
https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from azure.core.rest import HttpRequest

from nephoscope.clouds.azure.calls import Calls
from nephoscope.clouds.azure.session import Client
from nephoscope.model.errors import ReadError, Reason

ACTION = "Microsoft.ResourceGraph/resources/read"
ADDRESS = "/providers/Microsoft.ResourceGraph/resources"
VERSION = "2022-10-01"

Row = Mapping[str, Any]

SUBSCRIPTIONS = """\
resourcecontainers
| where type =~ 'microsoft.resources/subscriptions'
| project id, subscriptionId
| order by id asc"""

_MACHINE = """\
| project id, name, type, location, subscriptionId, zones, tags, sku, vmSize = properties.hardwareProfile.vmSize, \
powerState = properties.extended.instanceView.powerState.code, provisioningState = properties.provisioningState, \
created = properties.timeCreated
| order by id asc"""

MACHINES = f"""\
resources
| where type =~ 'microsoft.compute/virtualmachines'
{_MACHINE}"""
"""Also the members of scale sets with flexible orchestration."""

SCALE_SET_MACHINES = f"""\
computeresources
| where type =~ 'microsoft.compute/virtualmachinescalesets/virtualmachines'
{_MACHINE}"""
"""The members of scale sets with uniform orchestration, which have a table of their own."""

STORAGE_ACCOUNTS = """\
resources
| where type =~ 'microsoft.storage/storageaccounts'
| project id, name, type, location, subscriptionId, tags, sku, provisioningState = properties.provisioningState, \
created = properties.creationTime
| order by id asc"""


@dataclass(frozen=True, slots=True)
class Area:
    """What is asked of: subscriptions by id, or all below a management group."""

    subscriptions: tuple[str, ...] = ()
    management_group: str = ""

    @property
    def body(self) -> Mapping[str, Any]:
        if self.management_group:
            return {"managementGroups": [self.management_group]}
        return {"subscriptions": list(self.subscriptions)}


def read_rows(calls: Calls, client: Client, area: Area, query: str, page: int) -> Iterator[Row]:
    """Every row, page by page. Raises ReadError where a page fails, leads back to itself or is not what was asked for,
    and after the last row where the answer says that there were more."""
    read = 0
    answer: Mapping[str, Any] = {}
    read_page = partial(_read_page, calls, client, area, query, page)
    for answer in calls.follow(ACTION, read_page, lambda page: page.get("$skipToken")):
        yield from answer["data"]
        read += len(answer["data"])
    if failure := _cut_off(calls, answer, read):
        raise failure


def _read_page(calls: Calls, client: Client, area: Area, query: str, page: int, token: str) -> Mapping[str, Any]:
    answer = calls.call(ACTION, client, partial(_request, area, query, page, token))
    rows = answer.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise calls.failure(ACTION, Reason.MALFORMED, "the answer holds no rows")
    return answer


def _request(area: Area, query: str, page: int, token: str) -> HttpRequest:
    options = {"$top": page, "resultFormat": "objectArray"} | ({"$skipToken": token} if token else {})
    return HttpRequest(
        "POST", ADDRESS, params={"api-version": VERSION}, json={**area.body, "query": query, "options": options}
    )


def _cut_off(calls: Calls, answer: Mapping[str, Any], read: int) -> ReadError | None:
    """resultTruncated is a text, and says only that this answer alone does not hold everything; without a token for the
    rest, or with fewer rows than were counted, the rest is lost."""
    total = answer.get("totalRecords")
    if isinstance(total, int) and read < total:
        return calls.failure(ACTION, Reason.PARTIAL, f"{read} of {total} rows came")
    if str(answer.get("resultTruncated", "")).lower() == "true":
        return calls.failure(ACTION, Reason.PARTIAL, "the answer was truncated")
    return None
