"""Group wait and group interval as stories by minute: who fires when, and what the receiver gets when.

A sweeper comes seven seconds after each full minute, as a platform's schedule would have it; alerts are committed at
the time that the story says, in seconds from its beginning.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from alert_records import a_commit, a_notification
from grouped_world import GroupedWorld, SweepingProcess, a_grouping_config, killed
from nephoscope.model.alert import AlertState, Owed
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.group import GroupMessage, Message
from nephoscope.model.scope import Cloud, Scope
from nephoscope.ports import Delete, Put, Row, Table
from nephoscope.stores import sqlite

BEGIN = 4_000_000_020.0  # a full minute


@pytest.fixture
def table() -> Iterator[Table]:
    with closing(sqlite.open_table(":memory:")) as opened:
        yield opened


def a_world(table: Table, *by: str, **more: Any) -> GroupedWorld:
    config = a_grouping_config(*by, **more)
    return GroupedWorld(table, Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1"), config=config, now=BEGIN)


Commits = dict[float, list[tuple[str, int]]]


def live(world: GroupedWorld, commits: Commits, minutes: int) -> dict[int, list[str]]:
    """minute -> the messages that came, each as its members (`a1 b2`; a second message of an alert is `a1.2`)."""
    got: dict[int, list[str]] = {}
    todo = sorted(commits.items())
    for minute in range(minutes + 1):
        sweep_at = BEGIN + 60 * minute + 7
        while todo and BEGIN + todo[0][0] <= sweep_at:
            at, alerts = todo.pop(0)
            world.now = BEGIN + at
            for key, ver in alerts:
                state = AlertState.FIRING if ver % 2 else AlertState.OK
                SweepingProcess(world).memory.commit(a_commit(key, ver, state, scope=world.scope))
        world.now = sweep_at
        before = len(world.letters)
        SweepingProcess(world).sweep()
        if came := [said(letter) for letter in world.letters[before:]]:
            got[minute] = came
    return got


def said(letter: Message) -> str:
    members = letter.members if isinstance(letter, GroupMessage) else (letter,)
    return " ".join(n.alert_key + ("" if n.seq == 1 else f".{n.seq}") for n in members)


def test_the_first_waits_a_minute_for_company(table: Table) -> None:
    assert live(a_world(table, "rule"), {2: [("a1", 1)], 12: [("b2", 1)], 50: [("c3", 1)]}, 3) == {1: ["a1 b2 c3"]}


def test_after_that_there_is_one_message_in_five_minutes_while_new_members_come(table: Table) -> None:
    commits = {60 * minute + 2: [(f"m{minute:02d}", 1)] for minute in range(14)}
    assert live(a_world(table, "rule"), commits, 20) == {
        1: ["m00 m01"],
        6: ["m02 m03 m04 m05 m06"],
        11: ["m07 m08 m09 m10 m11"],
        16: ["m12 m13"],
    }


def test_a_new_beginning_waits_for_company_again(table: Table) -> None:
    assert live(a_world(table, "rule"), {0: [("a1", 1)], 1200: [("b2", 1)], 1230: [("c3", 1)]}, 30) == {
        1: ["a1"],
        21: ["b2 c3"],
    }


def test_fired_and_resolved_within_the_wait_are_one_message_in_order(table: Table) -> None:
    world = a_world(table, "rule")
    assert live(world, {2: [("a1", 1)], 40: [("a1", 2)]}, 3) == {1: ["a1 a1.2"]}
    assert [n.kind for n in world.letters[0].members] == ["fired", "resolved"]


def test_a_resolution_comes_with_the_next_message_of_its_group(table: Table) -> None:
    assert live(a_world(table, "rule"), {2: [("a1", 1)], 90: [("a1", 2), ("b2", 1)]}, 10) == {1: ["a1"], 6: ["a1.2 b2"]}


def test_other_times_are_kept_as_well(table: Table) -> None:
    world = a_world(table, "rule", group_wait=180, group_interval=600)
    commits = {0: [("a1", 1)], 150: [("b2", 1)], 300: [("c3", 1)], 900: [("d4", 1)]}
    assert live(world, commits, 30) == {3: ["a1 b2"], 13: ["c3"], 23: ["d4"]}


def test_a_digest_of_everything_once_a_day(table: Table) -> None:
    world = a_world(table, group_interval=86_400)
    commits = {0: [("a1", 1)], 600: [("b2", 1)], 80_000: [("c3", 1)]}
    assert live(world, commits, 24 * 60 + 5) == {1: ["a1"], 24 * 60 + 1: ["b2 c3"]}


def test_a_channel_beside_it_is_told_at_once_and_singly(table: Table) -> None:
    world = a_world(table, "rule")
    process = SweepingProcess(world)
    for key in ("a1", "b2"):
        process.memory.commit(a_commit(key, channels=("chat", "oncall"), scope=world.scope))
    report = process.deliver()
    assert sorted((letter.channel, said(letter)) for letter in world.letters) == [("oncall", "a1"), ("oncall", "b2")]
    assert report.owed == 2, "what the sweeper will take"


def test_a_run_leaves_grouped_channels_to_the_sweeper_however_old_it_is(table: Table) -> None:
    world = a_world(table, "rule")
    SweepingProcess(world).memory.commit(a_commit(scope=world.scope))
    world.now += 3600
    assert (SweepingProcess(world).deliver().sent, world.letters) == (0, [])
    assert SweepingProcess(world).sweep().sent == 1


def test_what_waits_as_it_should_is_not_late(table: Table) -> None:
    world = a_world(table, "rule", group_interval=3600)
    live(world, {0: [("a1", 1)], 120: [("b2", 1)]}, 40)
    report = SweepingProcess(world).sweep()
    assert (report.owed, report.oldest_owed) == (1, 0.0)


def test_a_receiver_that_is_down_gets_the_same_message_when_it_is_back_and_the_next_after_it(table: Table) -> None:
    world = a_world(table, "rule")
    down = DeliveryError(destination="r", reason=Reason.UNAVAILABLE, status=503)
    world.answer = lambda _message, _number: down if world.now < BEGIN + 600 else None
    got = live(world, {0: [("a1", 1)], 240: [("b2", 1)], 300: [("a1", 2)]}, 90)
    assert [each for letters in got.values() for each in letters] == ["a1", "b2 a1.2"]
    first, second = got
    assert first >= 10
    assert second >= first + 4


def test_groups_are_apart_and_each_has_its_own_times(table: Table) -> None:
    world = a_world(table, "tag:owner")
    memory = SweepingProcess(world).memory
    for key, owner in (("a1", "data"), ("b2", "web"), ("c3", "data")):
        machine = replace(a_notification().subject, tags={"owner": owner})
        memory.enqueue(world.scope, a_notification(key, subject=machine))
    got = live(world, {}, 2)
    assert (list(got), sorted(got[1])) == ([1], ["a1 c3", "b2"])


def test_a_channel_that_groups_no_more_sends_what_was_frozen_and_the_rest_singly(table: Table) -> None:
    world = a_world(table, "rule")
    for key in ("a1", "b2"):
        SweepingProcess(world).memory.commit(a_commit(key, scope=world.scope))
    world.now += 61
    assert killed(world, 2 * 5, lambda p: p.sweep()), "frozen and not sent"
    SweepingProcess(world).memory.commit(a_commit("c3", scope=world.scope))
    world.config = replace(world.config, channels={**world.config.channels, "chat": Channel("chat")})
    SweepingProcess(world).sweep()
    assert sorted(map(said, world.letters)) == ["a1 b2", "c3"]
    assert SweepingProcess(world).memory.read_owing(world.scope).items == ()


def test_a_message_whose_members_another_hand_has_taken_away_leaves_its_place(table: Table) -> None:
    world = a_world(table, "rule")
    SweepingProcess(world).memory.commit(a_commit(scope=world.scope))
    world.now += 61
    assert killed(world, 2 * 5, lambda p: p.sweep()), "frozen and not sent"
    (row,) = table.query(world.scope.key, "O#")
    assert table.transact([Delete(row.pk, row.sk, expect=row.ver)]) == "done"
    SweepingProcess(world).sweep()
    assert world.letters == []
    SweepingProcess(world).memory.commit(a_commit("b2", scope=world.scope))
    world.now += 61
    SweepingProcess(world).sweep()
    assert list(map(said, world.letters)) == ["b2"]


def test_members_whose_message_nobody_can_read_are_told_after_all(table: Table) -> None:
    """Another hand has written over the message: it is set aside, somebody is told, and its members go out again."""
    world = a_world(table, "rule")
    for key in ("a1", "b2"):
        SweepingProcess(world).memory.commit(a_commit(key, scope=world.scope))
    world.now += 61
    assert killed(world, 2 * 5, lambda p: p.sweep()), "frozen and not sent"
    (row,) = table.query(world.scope.key, "M#")
    spoilt = Row(row.pk, row.sk, row.ver + 1, {"created_at": world.now, "notification": "?"})
    assert table.transact([Put(spoilt, expect=row.ver)]) == "done"
    SweepingProcess(world).sweep()
    assert world.letters == [], "it may be of a newer version"
    world.now += 1000
    for _ in range(3):
        SweepingProcess(world).sweep()
        world.now += 60
    assert [said(letter) for letter in world.letters if letter.channel == "chat"] == ["a1 b2"]
    assert [letter.why for letter in world.letters if letter.channel == "last-resort"] == ["delivery_given_up"]
    assert [i.status for i in SweepingProcess(world).memory.read_owing(world.scope).items] == []
    assert Owed.FROZEN not in {i.status for i in SweepingProcess(world).memory.read_outbox(world.scope)}
