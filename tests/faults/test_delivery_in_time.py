"""Deliveries against time: frozen runs, clocks that jump, receivers that hang; and what the report says of it all."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from delivery_world import Process, World
from nephoscope.app import courier
from nephoscope.app.courier import LEASE_SECONDS, SEND_SECONDS, SKEW_SECONDS
from nephoscope.app.deliver import DeliveryReport, deliver
from nephoscope.model.alert import Notification, Owed
from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline
from nephoscope.ports import Table
from nephoscope.stores import sqlite
from nephoscope.stores.memory import Memory
from owed_messages import of_chat, only, owe, refusal


@pytest.fixture
def table() -> Iterator[Table]:
    with closing(sqlite.open_table(":memory:")) as opened:
        yield opened


@pytest.fixture
def world(table: Table) -> World:
    return World(table, Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1"))


# --- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wall", "monotonic"), [(300, 300), (300, 0), (0, 300), (600, 0), (-600, 300)], ids=lambda v: f"{v:+}"
)
def test_frozen_between_claim_and_send_nothing_is_sent(world: World, wall: float, monotonic: float) -> None:
    """Whichever clock noticed."""
    process = _Jumping(world, wall, monotonic)
    owe(world)
    report = process.deliver()
    assert (report.sent, world.arrivals) == (0, [])
    world.now += max(wall, 0) + 60
    assert Process(world).deliver().sent == 1


@pytest.mark.parametrize("wall", [-600, 5, 30])
def test_a_small_pause_or_a_clock_set_back_stops_nothing(world: World, wall: float) -> None:
    owe(world)
    assert _Jumping(world, wall, 0).deliver().sent == 1


class _Jumping(Process):
    """Its clocks jump when it has just claimed something."""

    def __init__(self, world: World, wall: float, monotonic: float) -> None:
        super().__init__(world)
        self._jump, self._monotonic = (wall, monotonic), 0.0

    def step(self, act: Callable[[], Any]) -> Any:
        result = super().step(act)
        memory = Memory(self.world.table, self)
        if any(item.status is Owed.LEASED for item in memory.read_owing(self.world.scope).items):
            wall, monotonic = self._jump
            self._jump = (0, 0)
            self.skew += wall
            self._monotonic += monotonic
        return result

    def monotonic(self) -> float:
        return self.world.now + self._monotonic


def test_a_lease_covers_a_try_and_the_clocks_difference() -> None:
    assert LEASE_SECONDS > 2 * SEND_SECONDS + SKEW_SECONDS


@pytest.mark.parametrize("seconds", [0.0, 2.9])
def test_no_try_begins_when_the_time_is_nearly_up(world: World, seconds: float) -> None:
    memory = owe(world)
    report = Process(world).deliver(seconds)
    assert (report.sent, report.owed) == (0, 1)
    assert of_chat(memory, world)[0].rev == 1


def test_a_notifier_gets_no_more_time_than_the_run_has(world: World) -> None:
    owe(world)
    seen: list[float] = []

    class Watching(Process):
        def send(self, notification: Notification, deadline: Deadline) -> None:
            seen.append(deadline.remaining)
            super().send(notification, deadline)

    Watching(world).deliver(8.0)
    owe(world, key="b2")
    Watching(world).deliver(50.0)
    assert seen == pytest.approx([8.0 - 1.5, SEND_SECONDS], abs=0.2)


def test_what_a_notifier_had_no_time_for_counts_as_not_tried(world: World) -> None:
    memory = owe(world)
    world.answer = only("chat", refusal(Reason.DEADLINE))
    assert Process(world).deliver().retried == 0
    world.answer = lambda _notification, _number: None
    assert of_chat(memory, world)[0].attempts == 0
    assert Process(world).deliver().sent == 1


# --- nobody delays anybody ----------------------------------------------------------------------------------------


def _side_by_side(world: World, notifier_for: Callable[[str], Any], workers: int = 32) -> DeliveryReport:
    process = Process(world)
    deadline = Deadline(time.monotonic() + 20, time.monotonic)
    return deliver(
        process.memory, [world.scope], notifier_for, world.config, process, deadline, sleep=lambda _: None,
        workers=workers,
    )  # fmt: skip


def test_a_receiver_that_hangs_does_not_delay_the_others(world: World) -> None:
    """The hanging one lets go only once the other channel has everything: in one line that could never end."""
    for number in range(12):
        owe(world, "chat", "oncall", key=f"a{number}")
    arrived: list[str] = []
    all_there = threading.Event()

    class Hanging:
        def send(self, notification: Notification, deadline: Deadline) -> None:
            assert all_there.wait(10)

    class Quick:
        def send(self, notification: Notification, deadline: Deadline) -> None:
            arrived.append(notification.id)
            if len(arrived) == 12:
                all_there.set()

    report = _side_by_side(world, lambda name: Hanging() if name == "chat" else Quick())
    assert (report.channels["chat"].sent, report.channels["oncall"].sent) == (12, 12)


def test_a_lane_that_does_not_end_in_time_is_left_behind_and_said(world: World, monkeypatch) -> None:
    monkeypatch.setattr(courier, "LEAST_SECONDS", 0.1)
    owe(world, "chat", "oncall")
    letting_go = threading.Event()

    class Hanging:
        def send(self, notification: Notification, deadline: Deadline) -> None:
            letting_go.wait(10)

    class Quick:
        def send(self, notification: Notification, deadline: Deadline) -> None:
            pass

    process = Process(world)
    begun = time.monotonic()
    deadline = Deadline(begun + 0.8, time.monotonic)
    report = deliver(
        process.memory, [world.scope], lambda name: Hanging() if name == "chat" else Quick(), world.config, process,
        deadline,
    )  # fmt: skip
    letting_go.set()
    assert time.monotonic() - begun < 5
    assert (report.sent, report.owed) == (1, 1)
    assert report.errors == ("1 lanes had not ended when the time was up",)


def test_a_scope_whose_store_fails_does_not_stop_the_others(world: World) -> None:
    owe(world)
    broken = Scope(Cloud.AWS, "broken", "eu-west-1")
    process = Process(world)
    query = process.memory._table.query

    def failing(pk: str, prefix: str, **options: Any) -> Any:
        if pk == broken.key:
            raise StoreError(operation="Query", reason=Reason.THROTTLED)
        return query(pk, prefix, **options)

    process.memory._table.query = failing
    deadline = Deadline(process.monotonic() + 50, process.monotonic)
    report = deliver(
        process.memory, [broken, world.scope], lambda _: process, world.config, process, deadline, workers=1
    )
    assert (report.sent, len(report.errors)) == (1, 1)
    assert "aws broken eu-west-1: alert memory: Query: throttled" in report.errors[0]


def test_a_row_that_nobody_can_read_is_set_aside_when_it_is_old_and_told(world: World, table: Any) -> None:
    memory = owe(world)
    put = "INSERT INTO items (pk, sk, ver, data) VALUES (?, ?, 1, ?)"
    table._connection.execute(put, (world.scope.key, "O#b2#0000000001#chat", "no json"))
    young = json.dumps({"created_at": world.now, "notification": {"from": "a newer version"}})
    table._connection.execute(put, (world.scope.key, "O#c3#0000000001#chat", young))
    report = Process(world).deliver()
    assert (report.unreadable, report.noticed, report.channels["chat"].sent) == (2, 1, 1)
    assert [row.sk for row in memory.read_unreadable(world.scope)] == ["O#c3#0000000001#chat", "D#b2#0000000001#chat"]
    (word,) = (arrival.notification for arrival in world.arrivals if arrival.channel == "last-resort")
    assert "O#b2" in word.summary
    world.now += 1000
    assert Process(world).deliver().noticed == 1
    assert Process(world).deliver().unreadable == 0


def test_a_row_from_the_far_future_is_from_nobody_and_is_set_aside_at_once(world: World, table: Any) -> None:
    memory = owe(world)
    put = "INSERT INTO items (pk, sk, ver, data) VALUES (?, ?, 1, ?)"
    for place, ahead in (("a0", 1e300), ("b2", 600.0)):  # the second by a clock that is ten minutes fast
        row = json.dumps({"created_at": world.now + ahead, "notification": None})
        table._connection.execute(put, (world.scope.key, f"O#{place}#0000000001#chat", row))
    assert Process(world).deliver().noticed == 1
    assert sorted(row.sk[:4] for row in memory.read_unreadable(world.scope)) == ["D#a0", "O#b2"]


def test_the_report_counts_what_is_left_and_how_old_it_is(world: World) -> None:
    owe(world, "chat", "oncall")
    world.now += 500
    world.answer = only("chat", refusal(Reason.UNAVAILABLE))
    report = Process(world).deliver()
    assert (report.sent, report.retried, report.owed) == (1, 1, 1)
    assert report.oldest_owed == pytest.approx(500, abs=2)
    assert Process(world).deliver().owed == 1, "what is not due is owed all the same"


def test_nothing_owed_is_nothing_done(world: World) -> None:
    assert Process(world).deliver() == DeliveryReport()
