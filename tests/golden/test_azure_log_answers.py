"""Answers of Log Analytics that are odd, over the wire from a canned server; and the query that is asked, written by
hand. Source: https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from azure_reading import NOON, WEB, WEST, in_seconds, machine_id, open_canned, request_for
from canned_azure import CannedAzure, Reply, refusal
from nephoscope.clouds.azure.log_queries import plan_questions, render_query
from nephoscope.model.config import Config, Gather, GatherAzure, PublishCloudWatch
from nephoscope.model.errors import Reason
from nephoscope.model.series import Readings, SeriesRequest
from nephoscope.model.time import iso

BEAT, DISK = "agent.heartbeat", "filesystem.utilization"
WORKSPACE = "11111111-0000-4000-8000-00000000000a"
CONFIG = Config(
    "acme",
    Gather(azure=GatherAzure((WEB,), workspaces=(WORKSPACE,))),
    PublishCloudWatch("eu-west-1", "acme"),
)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[CannedAzure]:
    with CannedAzure() as canned:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", canned.certificates)
        yield canned


def table(*rows: list[Any], columns: tuple[str, ...] = ("at", "id", "value"), **more: Any) -> Reply:
    named = [{"name": name, "type": "string"} for name in columns]
    return Reply.of({"tables": [{"name": "PrimaryResult", "columns": named, "rows": list(rows)}], **more})


def read(azure: CannedAzure, *requests: SeriesRequest) -> Readings:
    return open_canned(azure).read_series(WEST, CONFIG, requests, in_seconds(20))


def test_the_query_names_the_machines_once_and_quotes_them() -> None:
    hostile = machine_id('m\\"; Heartbeat | take 1 //')
    (question,) = plan_questions([request_for(BEAT, hostile), request_for(BEAT, machine_id("m1"))], 200, 15_000)
    assert render_query(question) == (
        "Heartbeat\n"
        "| project TimeGenerated, _ResourceId, value = 1.0\n"
        f'| where _ResourceId in~ ("{machine_id("m")}\\\\\\"; Heartbeat | take 1 //", "{machine_id("m1")}")\n'
        "| summarize value = sum(value) by at = bin(TimeGenerated, 60s), id = tolower(_ResourceId)"
    )


def test_many_machines_are_asked_in_parts() -> None:
    requests = [request_for(BEAT, machine_id(f"m{number}")) for number in range(401)]
    assert [len(question.requests) for question in plan_questions(requests, 200, 15_000)] == [200, 200, 1]
    # five minutes of two hundred machines are a thousand points: with 500 at most, a hundred machines go into one
    assert [len(question.requests) for question in plan_questions(requests, 200, 500)] == [100, 100, 100, 100, 1]


def test_values_are_taken_in_the_catalogs_unit_and_what_is_no_number_is_left_out(azure: CannedAzure) -> None:
    columns = ("mountpoint", "at", "id", "value")
    rows = [
        ["/data ü", iso(NOON - 300), machine_id("m1").upper(), 25.0],
        ["/data ü", iso(NOON - 240), machine_id("m1"), None],
        ["/data ü", iso(NOON - 180), machine_id("m1"), "NaN"],
        ["/", iso(NOON - 300), machine_id("m1"), 100],
        ["/", iso(NOON - 300), machine_id("stranger"), 1],
        ["/", iso(NOON), machine_id("m1"), 50.0],  # outside the window
    ]
    azure.answer("/query", table(*rows, columns=columns))
    found = read(azure, request_for(DISK, machine_id("m1")))
    assert found.gaps == ()
    assert {s.key.attributes[0][1]: (list(s.times), list(s.values)) for s in found.series} == {
        "/data ü": ([NOON - 300], [0.75]),
        "/": ([NOON - 300], [0.0]),
    }


def test_a_partial_answer_is_unknown_where_it_has_no_row(azure: CannedAzure) -> None:
    error = {"code": "PartialError", "message": "There were some errors when processing your query."}
    azure.answer("/query", table([iso(NOON - 300), machine_id("m1"), 1.0], error=error))
    found = read(azure, request_for(BEAT, machine_id("m1")), request_for(BEAT, machine_id("m2")))
    (series,) = found.series
    assert (series.key.resource_id, series.complete) == (machine_id("m1"), False)
    (gap,) = found.gaps
    assert (gap.reason, gap.resource_ids) == (Reason.PARTIAL, (machine_id("m2"),))
    assert "PartialError" in gap.detail


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html>"),
        Reply.of([]),
        Reply.of({"tables": [{"columns": [], "rows": [[1]]}]}),
        Reply.of({"tables": None}),
        table(["yesterday", machine_id("m1"), 1.0]),
    ],
)
def test_what_is_not_readable_is_unknown(azure: CannedAzure, reply: Reply) -> None:
    azure.answer("/query", reply)
    found = read(azure, request_for(BEAT, machine_id("m1")))
    assert found.series == ()
    assert [gap.reason for gap in found.gaps] == [Reason.MALFORMED]


def test_a_query_that_is_refused_for_its_size_is_asked_in_halves(azure: CannedAzure) -> None:
    def reply(asked: Any) -> Reply:
        if asked.body["query"].count("virtualmachines/") > 1:
            return refusal(413, "ResponsePayloadTooLarge")
        return table(*([[iso(NOON - 300), machine_id("m1"), 2.0]] if "m1" in asked.body["query"] else []))

    azure.answer("/query", reply)
    found = read(azure, *(request_for(BEAT, machine_id(f"m{number}")) for number in (1, 2)))
    assert found.gaps == ()
    assert {s.key.resource_id: list(s.values) for s in found.series} == {machine_id("m1"): [2.0], machine_id("m2"): []}
    assert len(azure.asked("/query")) == 3
