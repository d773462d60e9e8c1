"""The table of machines as it travels: columns, shared words, and only what differs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.memory import Progress, Snapshot
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Rule, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.looking.look import Look, Place
from nephoscope.pipeline.looking.shown import Shown
from nephoscope.pipeline.looking.table import changed, machine_table, whole

IRELAND = Scope(Cloud.AWS, "111111111111", "eu-west-1")
AT = 1_795_435_200
WEB = Resource(IRELAND, Kind.INSTANCE, "i-1", "web", "m7g.large", "eu-west-1a", State.RUNNING, tags={"env": "prod"})
DB = replace(WEB, id="i-2", name="", state=State.STOPPED, tags={})
HOT = Rule("hot", Kind.INSTANCE, Threshold("memory.utilization", Comparison.GREATER, 0.9))


def a_look(*machines: Resource, values: dict[str, Any] | None = None) -> Look:
    known = {"cpu.utilization": {"i-1": (AT, 0.123456)}} if values is None else values
    place = Place(IRELAND, Progress(IRELAND), Snapshot(IRELAND, AT, machines, known))
    return Look(AT, "acme", places=(place,), rules={"hot": HOT}, metrics=load_catalog().metrics)


def read(text: str) -> list[dict[str, Any]]:
    """Rows again, as the browser puts them together."""
    said = json.loads(text)
    columns, words = said["columns"], said["words"]
    return [
        {name: words[name][column[place]] if name in words else column[place] for name, column in columns.items()}
        for place in range(said["count"])
    ]


def test_rows_come_as_columns_and_shared_words_once() -> None:
    text = whole(machine_table(a_look(WEB, DB)))
    web, db = read(text)
    assert web == {
        "scope": "aws#111111111111#eu-west-1",
        "id": "i-1",
        "name": "web",
        "shown_id": "i-1",
        "state": "running",
        "cloud": "aws",
        "account": "111111111111",
        "region": "eu-west-1",
        "zone": "eu-west-1a",
        "type": "m7g.large",
        "failed": "",
        "alerts": 0,
        "tags": "env=prod",
        "value:cpu.utilization": 0.1235,
    }
    assert (db["name"], db["shown_id"], db["value:cpu.utilization"]) == ("i-2", "", None)
    assert text.count("eu-west-1a") == 1


def test_metrics_that_rules_are_on_come_first_and_only_of_instances() -> None:
    values = {name: {"i-1": (AT, 1.0)} for name in ("cpu.utilization", "memory.utilization", "size", "unheard-of")}
    names = [metric.name for metric in machine_table(a_look(WEB, values=values)).metrics]
    assert names == ["memory.utilization", "cpu.utilization"]


def test_a_check_that_failed_and_a_word_that_nobody_knows_are_shown() -> None:
    failed = replace(WEB, observations={"state": "running", "check.system": "ok", "check.ebs": "failed"})
    odd = replace(WEB, id="i-3", state=State.UNKNOWN, vendor_state="hibernating?")
    assert [row["failed"] for row in read(whole(machine_table(a_look(failed, odd))))] == [
        "check.ebs failed",
        "hibernating?",
    ]


def test_what_is_no_number_does_not_travel_as_one() -> None:
    values = {"cpu.utilization": {"i-1": (AT, float("nan")), "i-2": (AT, float("inf"))}}
    text = whole(machine_table(a_look(WEB, DB, values=values)))
    assert [row["value:cpu.utilization"] for row in read(text)] == [None, None]


def test_only_what_differs_is_told() -> None:
    before = machine_table(a_look(WEB, DB, replace(WEB, id="i-3")))
    after = machine_table(a_look(WEB, replace(DB, state=State.RUNNING), replace(WEB, id="i-4")))
    said = changed(after, before)
    assert [(row["id"], row["state"]) for row in read(said)] == [("i-2", "running"), ("i-4", "running")]
    assert json.loads(said)["gone"] == ["aws#111111111111#eu-west-1|i-3"]
    assert json.loads(said)["whole"] is False
    assert (before.token != after.token, machine_table(a_look(WEB, DB)).token) == (
        True,
        machine_table(a_look(WEB, DB)).token,
    )


def test_another_set_of_metrics_is_told_whole() -> None:
    before, after = machine_table(a_look(WEB, values={})), machine_table(a_look(WEB))
    assert json.loads(changed(after, before))["whole"] is True


def test_names_keep_their_letters_and_lose_what_cannot_be_seen() -> None:
    odd = replace(WEB, name="خادم\u202e\nweb\ud800", tags={"a\tb": "👩‍👩‍👧"})
    (row,) = read(whole(machine_table(a_look(odd))))
    assert (row["name"], row["tags"]) == ("خادم web\ufffd", "a b=👩‍👩‍👧")


def test_a_table_is_made_anew_only_when_a_snapshot_or_an_alert_is_another() -> None:
    look = a_look(WEB)
    first = Shown(look)
    assert Shown(replace(look, at=AT + 10), 2, first).table is first.table
    assert Shown(a_look(WEB), 2, first).table is not first.table
