"""Resource Graph: rows against the fleet, the language, pages, and what is silently missing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from nephoscope.localcloud.azure.kql import ParserError, run
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.fleet import Power, simulate

NOON = 1_795_435_200
WEB = "11111111-aaaa-4000-8000-000000000001"
DATA = "22222222-bbbb-4000-8000-000000000002"
MACHINES = """resources
| where type =~ 'Microsoft.Compute/virtualMachines'
| project id, name, location, tags, zones, powerState = tostring(properties.extended.instanceView.powerState.code)
| order by id asc"""


def test_machines_come_with_their_power_state(azure: LocalAzure, management: Any) -> None:
    answer = management.ask(MACHINES)
    assert (answer["totalRecords"], answer["count"], answer["resultTruncated"]) == (60, 60, "false")
    states = Counter(row["powerState"] for row in answer["data"])
    powers = Counter(row.power for row in azure.fleet.instances_at(NOON))
    assert states == {"PowerState/running": powers[Power.RUNNING], "PowerState/deallocated": powers[Power.STOPPED]}
    assert set(answer["data"][0]) == {"id", "name", "location", "tags", "zones", "powerState"}
    machine = next(row for row in azure.fleet.instances if not row.tags)
    (row,) = [row for row in answer["data"] if row["id"] == azure.resource_id(machine.id)]
    assert (row["tags"], row["location"]) == (None, machine.region)


def test_pages_are_joined_by_the_token_and_hold_a_thousand_at_most(azure: LocalAzure, management: Any) -> None:
    azure.reset(simulate(1, 2100, ("westeurope",), (WEB,), start=NOON))
    azure.set_time(NOON)
    sizes, names, options = [], set(), {}
    while True:
        answer = management.ask(MACHINES, subscriptions=[WEB], options=options)
        sizes.append(answer["count"])
        names |= {row["name"] for row in answer["data"]}
        assert answer["resultTruncated"] == "false"
        if "$skipToken" not in answer:
            break
        options = {"$skipToken": answer["$skipToken"]}
    assert sum(sizes) == answer["totalRecords"] == len(names) > 2000
    assert sizes[:2] == [1000, 1000]
    too_many = management.ask(MACHINES, options={"$top": 1001})
    assert too_many["error"]["details"][0]["code"] == "InvalidOptions"


def test_a_token_serves_only_its_own_query(management: Any) -> None:
    token = management.ask(MACHINES, options={"$top": 10})["$skipToken"]
    other = management.ask("resources | project id", options={"$skipToken": token})
    assert other["error"]["details"][0]["code"] == "InvalidSkipToken"


def test_a_query_that_limits_itself_has_no_next_page(management: Any) -> None:
    answer = management.ask("resources | project id | take 20", options={"$top": 5})
    assert (answer["count"], answer["totalRecords"], answer["resultTruncated"]) == (5, 20, "true")
    assert "$skipToken" not in answer


def test_a_subscription_without_permission_is_silently_missing(azure: LocalAzure, management: Any) -> None:
    azure.deny(WEB)
    query = "resources | summarize machines = count() by subscriptionId"
    rows = management.ask(query, subscriptions=[WEB, DATA])["data"]
    assert [row["subscriptionId"] for row in rows] == [DATA]
    refused = management.ask(query, subscriptions=[WEB])
    assert refused["error"]["details"][0]["code"] == "NoValidSubscriptionsInQueryRequest"
    containers = management.ask("resourcecontainers | where type == 'microsoft.resources/subscriptions'")["data"]
    assert [row["subscriptionId"] for row in containers] == [DATA]


def test_a_management_group_is_a_scope(management: Any) -> None:
    answer = management.ask(MACHINES, managementGroups=["acme"])
    assert answer["totalRecords"] == 60
    assert management.ask(MACHINES, managementGroups=["other"])["error"]["code"] == "AccessDenied"


def test_storage_accounts_are_resources(azure: LocalAzure, management: Any) -> None:
    query = "resources | where type == 'microsoft.storage/storageaccounts' | project id, name, location, sku.name"
    rows = management.ask(query)["data"]
    assert {row["id"] for row in rows} == {azure.resource_id(bucket.name) for bucket in azure.fleet.buckets}
    assert all(row["name"].isalnum() and 3 <= len(row["name"]) <= 24 for row in rows)
    assert rows[0]["sku_name"] == "Standard_LRS"


def test_rows_as_a_table(management: Any) -> None:
    options = {"resultFormat": "table", "$top": 1}
    data = management.ask("resources | project name, zones | order by name asc", options=options)["data"]
    assert data["columns"] == [{"name": "name", "type": "string"}, {"name": "zones", "type": "object"}]
    assert len(data["rows"]) == 1


# --- the language --------------------------------------------------------------------------------------------------

ROWS = [
    {"name": "Web-1", "n": 3, "tags": {"env": "prod"}, "at": None, "zones": ["1"]},
    {"name": "web-2", "n": 5, "tags": {"env": "dev"}, "at": None, "zones": ["2"]},
    {"name": "db-1", "n": 8, "tags": None, "at": None, "zones": None},
]
SAID = [
    ("t | where name =~ 'WEB-1' | project name", [{"name": "Web-1"}]),
    ("t | where name startswith 'web' and n >= 5 | project n", [{"n": 5}]),
    ("t | where tags.env == 'prod' or tags['env'] == 'dev' | count", [{"Count": 2}]),
    ("t | where not(name contains 'WEB') | project x = strcat(name, '!', n + 1)", [{"x": "db-1!9"}]),
    ("t | where name !in ('db-1') | summarize sum(n), most = max(n)", [{"sum_n": 8, "most": 5}]),
    ("t | where name in~ ('DB-1', 'x') | project-away tags, at, zones", [{"name": "db-1", "n": 8}]),
    ("t | extend z = zones[0] | where isnotnull(z) | order by n | project z, n",
     [{"z": "2", "n": 5}, {"z": "1", "n": 3}]),
    ("t | summarize avg(n) by group = tolower(tostring(split(name, '-')[0]))",
     [{"group": "web", "avg_n": 4.0}, {"group": "db", "avg_n": 8.0}]),
    ("t | summarize arg_max(n, name)", [{"n": 8, "name": "db-1"}]),
    ("t | project b = iff(n between (4 .. 9), 'in', 'out') | distinct b", [{"b": "out"}, {"b": "in"}]),
    ("t | where ago(1h) < now() and n*2 == 6 | project n // three\n", [{"n": 3}]),
    ("union (t | take 1), (t | where n == 8) | project n", [{"n": 3}, {"n": 8}]),
    ("t | project tags.env", [{"tags_env": "prod"}, {"tags_env": "dev"}, {"tags_env": None}]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), SAID)
def test_what_a_query_gives(query: str, expected: list[dict[str, Any]]) -> None:
    rows, _ = run(query, {"t": ROWS}.__getitem__, NOON)
    assert rows == expected


@pytest.mark.parametrize(
    "query",
    ["nowhere", "t | join u", "t | where", "t | where name = 'x'", "t | project unknown_function(n)", "t | where n ==",
     "t | take x", "t where n == 1", "t | where name - 1 == 2", "t | project 'open"],
)  # fmt: skip
def test_what_is_not_understood_is_refused(query: str) -> None:
    with pytest.raises(ParserError):
        run(query, {"t": ROWS}.__getitem__, NOON)


def test_a_refused_query_says_where(management: Any) -> None:
    error = management.ask("resources | where type == 'x' | jion other")["error"]
    assert error["code"] == "BadRequest"
    assert [detail["code"] for detail in error["details"]] == ["InvalidQuery", "ParserFailure"]
    assert error["details"][1]["token"] == "jion"
