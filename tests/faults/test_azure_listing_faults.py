"""Listings of Azure that fail in part or in whole: what is not known to be whole is a gap, and the rest goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for canned_azure, which several rooms of the tests use

from azure_reading import DATA, WEB, WEST, config_for, graph, in_seconds, open_canned, row, rows_of
from canned_azure import GRAPH, CannedAzure, Reply, refusal
from nephoscope.model.errors import Reason
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope

NO_ANSWER = "no answer for this subscription: it does not exist, or may not be read"
BOTH = config_for(WEB, DATA)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[CannedAzure]:
    with CannedAzure() as canned:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", canned.certificates)
        yield canned


def test_a_subscription_that_is_passed_over_in_silence_is_a_gap_and_blind(azure: CannedAzure) -> None:
    azure.answer(GRAPH, graph([row("a")], (WEB,)))
    reader = open_canned(azure)
    found = reader.read_scopes(BOTH, in_seconds())
    blind = Scope(Cloud.AZURE, DATA, "global")
    assert found.scopes == (WEST, blind)
    assert [(gap.scope, gap.reason, gap.detail) for gap in found.gaps] == [(blind, Reason.DENIED, NO_ANSWER)]
    inventory = reader.read_inventory(blind, BOTH, in_seconds())
    assert (inventory.resources, inventory.complete) == ((), frozenset())
    assert [(gap.reason, gap.affected) for gap in inventory.gaps] == [(Reason.DENIED, (Kind.INSTANCE,))]
    assert reader.read_inventory(WEST, BOTH, in_seconds()).complete == {Kind.INSTANCE}


def test_a_subscription_that_goes_silent_keeps_its_scopes_and_its_machines_are_not_gone(azure: CannedAzure) -> None:
    there = Scope(Cloud.AZURE, DATA, "eastus")
    machines = [row("a"), row("b", DATA, "eastus")]
    azure.answer(GRAPH, graph(machines, (WEB, DATA)))
    reader = open_canned(azure)
    assert reader.read_scopes(BOTH, in_seconds()).scopes == (WEST, there)
    azure.answer(GRAPH, graph(machines[:1], (WEB,)))
    assert reader.read_scopes(BOTH, in_seconds()).scopes == (WEST, there)
    inventory = reader.read_inventory(there, BOTH, in_seconds())
    assert (inventory.complete, [gap.reason for gap in inventory.gaps]) == (frozenset(), [Reason.DENIED])


def test_a_location_whose_last_machine_went_is_still_looked_at(azure: CannedAzure) -> None:
    azure.answer(GRAPH, graph([row("a"), row("b", location="eastus")]))
    reader, config = open_canned(azure), config_for(WEB)
    reader.read_scopes(config, in_seconds())
    azure.answer(GRAPH, graph([row("a")]))
    assert [scope.region for scope in reader.read_scopes(config, in_seconds()).scopes] == ["eastus", "westeurope"]
    inventory = reader.read_inventory(Scope(Cloud.AZURE, WEB, "eastus"), config, in_seconds())
    assert (inventory.resources, inventory.gaps, inventory.complete) == ((), (), {Kind.INSTANCE})


def test_none_of_the_subscriptions_may_be_read(azure: CannedAzure) -> None:
    azure.answer(GRAPH, refusal(400, "BadRequest", "NoValidSubscriptionsInQueryRequest"))
    found = open_canned(azure).read_scopes(BOTH, in_seconds())
    assert {(gap.scope.account, gap.reason) for gap in found.gaps} == {(WEB, Reason.DENIED), (DATA, Reason.DENIED)}
    assert [scope.region for scope in found.scopes] == ["global", "global"]
    assert len(azure.asked(GRAPH)) == 3


def test_it_waits_as_long_as_azure_asks(azure: CannedAzure) -> None:
    waited: list[float] = []
    throttled = refusal(429, "RateLimiting", Retry_After="3")
    azure.answer(GRAPH, throttled, throttled, throttled, graph([row("a")]))
    reader = open_canned(azure, sleep=waited.append)
    inventory = reader.read_inventory(WEST, config_for(WEB), in_seconds())
    assert ([each.name for each in inventory.resources], inventory.gaps) == (["a"], ())
    assert waited.count(3.0) == 3
    assert inventory.usage.calls == {"Microsoft.ResourceGraph/resources/read": 6}


def test_it_does_not_wait_past_the_deadline(azure: CannedAzure) -> None:
    azure.answer(GRAPH, refusal(429, "RateLimiting", Retry_After="3600"))
    inventory = open_canned(azure).read_inventory(WEST, config_for(WEB), in_seconds(5))
    assert [gap.reason for gap in inventory.gaps] == [Reason.THROTTLED]
    assert len(azure.asked(GRAPH)) == 3


def test_no_time_is_left(azure: CannedAzure) -> None:
    azure.answer(GRAPH, graph([row("a")]))
    inventory = open_canned(azure).read_inventory(WEST, config_for(WEB), in_seconds(0.1))
    assert ([gap.reason for gap in inventory.gaps], azure.asked(GRAPH)) == ([Reason.DEADLINE], [])


def test_a_failed_page_keeps_what_was_read(azure: CannedAzure) -> None:
    def page(asked: Any) -> Reply:
        if not asked.body["query"].startswith("resources\n"):
            return graph()(asked)
        if "$skipToken" in asked.body["options"]:
            return refusal(400, "BadRequest", "InvalidSkipToken")
        return rows_of([row("a")], totalRecords=2, **{"$skipToken": "next"})

    azure.answer(GRAPH, page)
    inventory = open_canned(azure).read_inventory(WEST, config_for(WEB), in_seconds())
    assert [each.name for each in inventory.resources] == ["a"]
    assert ([gap.reason for gap in inventory.gaps], inventory.complete) == ([Reason.REJECTED], frozenset())


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (rows_of([row("a")], resultTruncated="true"), Reason.PARTIAL),
        (rows_of([row("a")], totalRecords=5), Reason.PARTIAL),
        (rows_of([row("a"), {"name": "nameless"}]), Reason.MALFORMED),
        (rows_of([row("a"), row("placeless", location="")]), Reason.MALFORMED),
    ],
)
def test_rows_that_are_not_all_there(azure: CannedAzure, odd: Reply, reason: Reason) -> None:
    azure.answer(GRAPH, graph(odd))  # type: ignore[arg-type]
    inventory = open_canned(azure).read_inventory(WEST, config_for(WEB), in_seconds())
    assert [each.name for each in inventory.resources] == ["a"]
    assert ([gap.reason for gap in inventory.gaps], inventory.complete) == ([reason], frozenset())


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"[]", b'{"data": {}}', b'{"data": [1]}', b'"text"'])
def test_what_is_no_listing(azure: CannedAzure, body: bytes) -> None:
    azure.answer(GRAPH, Reply(body))
    inventory = open_canned(azure).read_inventory(WEST, config_for(WEB), in_seconds())
    assert ([gap.reason for gap in inventory.gaps], inventory.complete) == ([Reason.MALFORMED], frozenset())


def test_a_page_that_names_itself(azure: CannedAzure) -> None:
    azure.answer(GRAPH, rows_of([row("a")], totalRecords=9, **{"$skipToken": "again"}))
    inventory = open_canned(azure).read_inventory(WEST, config_for(WEB), in_seconds())
    assert [gap.detail for gap in inventory.gaps] == ["a page names itself as the next one"]


def test_a_management_group_may_not_be_read(azure: CannedAzure) -> None:
    azure.answer(GRAPH, refusal(403, "AuthorizationFailed"))
    found = open_canned(azure).read_scopes(config_for(group="acme"), in_seconds())
    assert found.scopes == ()
    assert [(gap.scope.account, gap.reason) for gap in found.gaps] == [("", Reason.DENIED)]


def test_the_subscriptions_of_a_management_group_are_found_by_asking(azure: CannedAzure) -> None:
    azure.answer(GRAPH, graph([row("a"), row("b", DATA)], (WEB, DATA)))
    found = open_canned(azure).read_scopes(config_for(group="acme"), in_seconds())
    assert ([scope.account for scope in found.scopes], found.gaps) == ([WEB, DATA], ())
    assert {tuple(asked.body) for asked in azure.asked(GRAPH)} == {("managementGroups", "query", "options")}


def test_nobody_listens(azure: CannedAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure, "url", "https://127.0.0.1:1")
    found = open_canned(azure, sleep=lambda _: None).read_scopes(config_for(WEB), in_seconds(5))
    assert [gap.reason for gap in found.gaps] == [Reason.UNAVAILABLE]
