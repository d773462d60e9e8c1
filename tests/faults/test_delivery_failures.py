"""What receivers do to us, and what becomes of the message: by the table of statuses, and beyond it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from alert_records import a_commit
from delivery_world import Process, World, a_config
from nephoscope.app import courier
from nephoscope.app.courier import LEASE_SECONDS, SEND_SECONDS, SKEW_SECONDS
from nephoscope.app.deliver import DeliveryReport, deliver
from nephoscope.model.alert import Notification, OutboxItem, Owed
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason, StoreError
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import DAY, Deadline
from nephoscope.notifiers.answers import meaning_of
from nephoscope.ports import Table
from nephoscope.stores import sqlite
from nephoscope.stores.memory import Memory


@pytest.fixture
def table() -> Iterator[Table]:
    with closing(sqlite.open_table(":memory:")) as opened:
        yield opened


@pytest.fixture
def world(table: Table) -> World:
    return World(table, Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1"))


def refusal(reason: Reason, **more: Any) -> DeliveryError:
    return DeliveryError(destination="receiver", reason=reason, **more)


def only(channel: str, error: DeliveryError) -> Callable[[Notification, int], DeliveryError | None]:
    """This channel's receiver says this to everything; the others take all."""
    return lambda notification, _number: error if notification.channel == channel else None


def owe(world: World, *channels: str, key: str = "a1") -> Memory:
    memory = Process(world).memory
    memory.commit(a_commit(key, channels=channels or ("chat",), scope=world.scope))
    return memory


def of_chat(memory: Memory, world: World) -> list[OutboxItem]:
    return [item for item in memory.read_outbox(world.scope) if item.notification.channel == "chat"]


def told(world: World) -> list[tuple[str, str]]:
    return [(a.channel, str(a.notification.why)) for a in world.arrivals]


# --- statuses -----------------------------------------------------------------------------------------------------

TAKEN = [200, 201, 202, 204, 299]
SOON = [100, 408, 425, 429, 500, 502, 503, 504, 599]
SLOWLY = [300, 301, 302, 304, 307, 308, 400, 401, 402, 403, 404, 405, 409, 411, 413, 418, 422, 451]


def by_status(world: World, status: int) -> DeliveryReport:
    meaning = meaning_of(status)
    if meaning.reason is not None:
        world.answer = only("chat", refusal(meaning.reason, status=status, retryable=meaning.retryable))
    return Process(world).deliver()


@pytest.mark.parametrize("status", TAKEN)
def test_taken(world: World, status: int) -> None:
    memory = owe(world)
    assert by_status(world, status).sent == 1
    assert memory.read_outbox(world.scope) == ()


@pytest.mark.parametrize("status", SOON)
def test_tried_again_soon(world: World, status: int) -> None:
    memory = owe(world)
    report = by_status(world, status)
    assert (report.sent, report.retried, report.dead, report.owed, report.noticed) == (0, 1, 0, 1, 0)
    (item,) = of_chat(memory, world)
    assert (item.status, item.attempts) == (Owed.READY, 1)
    assert world.now <= item.next_at <= world.now + 15
    assert told(world) == []


@pytest.mark.parametrize("status", SLOWLY)
def test_tried_again_slowly_and_somebody_is_told_at_once(world: World, status: int) -> None:
    memory = owe(world)
    report = by_status(world, status)
    assert (report.retried, report.dead, report.noticed) == (1, 0, 1)
    (item,) = of_chat(memory, world)
    assert (item.status, item.attempts) == (Owed.READY, 1)
    assert world.now + 100 <= item.next_at <= world.now + 440
    assert f"HTTP {status}" in item.last
    assert told(world) == [("last-resort", "delivery_refused")]


@pytest.mark.parametrize("status", [*SOON, *SLOWLY])
def test_given_up_when_too_old_with_what_it_said(world: World, status: int) -> None:
    memory = owe(world)
    world.now += DAY + 1
    report = by_status(world, status)
    assert (report.dead, report.owed) == (1, 0)
    (item,) = of_chat(memory, world)
    assert item.status is Owed.DEAD
    (word,) = world.arrivals
    assert (word.channel, word.notification.why) == ("last-resort", "delivery_given_up")
    assert "Channel chat" in word.notification.summary
    assert "web-1 (i-0abc, aws eu-west-1): cpu.utilization > 90 %" in word.notification.summary


def test_gone_disables_the_channel_and_gives_up_what_is_owed_to_it(world: World) -> None:
    memory = owe(world, "chat", "oncall")
    owe(world, key="b2")
    report = by_status(world, 410)
    assert (report.sent - report.noticed, report.dead, report.disabled) == (1, 2, ("chat",))
    assert sorted(told(world)) == [
        ("last-resort", "channel_disabled"),
        ("last-resort", "delivery_given_up"),
        ("last-resort", "delivery_given_up"),
        ("oncall", "threshold_crossed"),
    ]
    assert {item.status for item in of_chat(memory, world)} == {Owed.DEAD}


def test_a_disabled_channel_is_not_called_and_what_comes_later_is_given_up_loudly(world: World) -> None:
    owe(world)
    by_status(world, 410)
    world.answer = only("chat", refusal(Reason.MALFORMED, detail="called although it asked never to be"))
    owe(world, key="b2")
    report = Process(world).deliver()
    assert (report.dead, dict(report.refused)) == (1, {})
    assert told(world)[-1] == ("last-resort", "delivery_given_up")


def test_a_disabled_channel_that_leads_elsewhere_by_now_is_a_new_one(world: World) -> None:
    owe(world)
    by_status(world, 410)
    world.answer = lambda _notification, _number: None
    world.config = a_config(Channel("chat", webhook="${env:NEW}"), Channel("last-resort", fallback=True))
    owe(world, key="b2")
    assert Process(world).deliver().sent == 1


def test_a_channel_that_was_enabled_gets_what_is_replayed(world: World) -> None:
    memory = owe(world)
    by_status(world, 410)
    world.answer = lambda _notification, _number: None
    memory.enable_channel(Cloud.AWS, "chat")
    for item in of_chat(memory, world):
        memory.replay(world.scope, item)
    assert Process(world).deliver().sent == 1
    assert told(world)[-1] == ("chat", "threshold_crossed")


# --- waits --------------------------------------------------------------------------------------------------------


def test_never_before_the_receiver_said(world: World) -> None:
    memory = owe(world)
    world.answer = only("chat", refusal(Reason.UNAVAILABLE, retry_after=900.0))
    Process(world).deliver()
    assert of_chat(memory, world)[0].next_at >= world.now + 899
    world.answer = lambda _notification, _number: None
    world.now += 890
    assert Process(world).deliver().sent == 0
    world.now += 20
    assert Process(world).deliver().sent == 1


def test_waits_grow_and_have_an_end(world: World) -> None:
    memory = owe(world)
    world.answer = only("chat", refusal(Reason.TIMEOUT))
    waits = []
    for _ in range(12):
        Process(world).deliver()
        (item,) = of_chat(memory, world)
        waits.append(item.next_at - world.now)
        world.now = item.next_at
    ceilings = [15, 30, 60, 120, 240, 480, 900, 900, 900, 900, 900, 900]
    assert waits == pytest.approx([0.3238 * ceiling for ceiling in ceilings], rel=0.02), "0.3238: this world's chance"


def test_a_receiver_that_wants_it_slower_gets_it_slower_in_the_same_run(world: World) -> None:
    for number in range(6):
        owe(world, key=f"a{number}")
    begun = world.now
    world.answer = lambda _notification, _number: (
        refusal(Reason.THROTTLED, retry_after=1.0) if world.now < begun + 0.5 else None
    )
    report = Process(world).deliver()
    assert (report.sent, report.retried) == (5, 1)
    assert world.now - begun >= 5, "a second between two"


def test_a_receiver_that_wants_a_long_pause_is_left_alone(world: World) -> None:
    for number in range(6):
        owe(world, key=f"a{number}")
    world.answer = only("chat", refusal(Reason.THROTTLED, retry_after=60.0))
    report = Process(world).deliver()
    assert dict(report.refused) == {"throttled": 1}
    assert report.owed == 6


def test_a_dead_receiver_costs_two_tries_a_run(world: World) -> None:
    memory = owe(world)
    for number in range(20):
        owe(world, key=f"b{number}")
    world.answer = only("chat", refusal(Reason.TIMEOUT))
    assert dict(Process(world).deliver().refused) == {"timeout": 2}
    untouched = [item for item in of_chat(memory, world) if item.rev == 1]
    assert len(untouched) == 19


def test_what_is_too_old_for_a_dead_receiver_is_given_up_without_more_tries(world: World) -> None:
    for number in range(20):
        owe(world, key=f"b{number}")
    world.now += DAY + 1
    world.answer = only("chat", refusal(Reason.TIMEOUT))
    report = Process(world).deliver()
    assert (report.dead, dict(report.refused)) == (20, {"timeout": 2})
    assert len(world.arrivals) == 20


def test_messages_that_are_themselves_at_fault_do_not_close_the_channel(world: World) -> None:
    for number in range(8):
        owe(world, key=f"b{number}")

    def answer(notification: Notification, _number: int) -> DeliveryError | None:
        odd = notification.alert_key[-1] in "01234" and notification.channel == "chat"
        return refusal(Reason.REJECTED, status=400) if odd else None

    world.answer = answer
    report = Process(world).deliver()
    assert (report.channels["chat"].sent, report.channels["chat"].retried) == (3, 5)
    assert report.noticed == 1, "one word for all of them"


def test_a_fault_in_a_notifier_is_a_refusal_of_that_message_and_does_not_show_what_it_says(world: World) -> None:
    owe(world, key="a0")
    memory = owe(world, key="b1")

    def answer(notification: Notification, _number: int) -> None:
        if notification.alert_key == "a0":
            raise KeyError("whsec_canary")

    world.answer = answer
    report = Process(world).deliver()
    assert (report.channels["chat"].sent, report.channels["chat"].retried) == (1, 1)
    assert "KeyError" in of_chat(memory, world)[0].last
    assert "canary" not in repr((report, memory.read_outbox(world.scope), world.arrivals))


# --- who is told --------------------------------------------------------------------------------------------------


def test_a_channel_that_is_no_longer_configured_is_given_up_visibly(world: World) -> None:
    memory = owe(world, "removed")
    report = Process(world).deliver()
    assert (report.dead, told(world)) == (1, [("last-resort", "delivery_given_up")])
    assert memory.read_outbox(world.scope)[0].last == "not_found: no such channel in the configuration"


def test_without_a_fallback_all_other_channels_are_told(world: World) -> None:
    world.config = a_config(Channel("chat"), Channel("oncall"), Channel("mail"))
    owe(world, "removed")
    Process(world).deliver()
    assert sorted(told(world)) == [(name, "delivery_given_up") for name in ("chat", "mail", "oncall")]


def test_no_word_of_a_word(world: World) -> None:
    """Everything is dead, the fallback too: each message has one word about it, and that one has none."""
    memory = owe(world)
    world.answer = lambda _notification, _number: refusal(Reason.REJECTED)
    for _ in range(4):
        world.now += DAY + 1
        Process(world).deliver()
    rules = [item.notification.rule for item in memory.read_outbox(world.scope)]
    assert sorted(rules) == ["cpu-hot", "nephoscope-delivery"]
    assert {item.status for item in memory.read_outbox(world.scope)} == {Owed.DEAD}


def test_a_message_that_is_given_up_twice_is_told_twice(world: World) -> None:
    memory = owe(world)
    world.answer = only("chat", refusal(Reason.TIMEOUT))
    for _ in range(2):
        world.now += DAY + 1
        Process(world).deliver()
        (dead,) = of_chat(memory, world)
        assert dead.status is Owed.DEAD
        memory.replay(world.scope, dead)
    assert len({arrival.notification.id for arrival in world.arrivals}) == 2


def test_refusals_are_told_once_a_day(world: World) -> None:
    owe(world)
    world.answer = only("chat", refusal(Reason.DENIED, status=401))
    for _ in range(40):
        world.now += 3600
        Process(world).deliver()
        world.config = a_config(Channel("chat", max_age=10 * DAY), Channel("last-resort", fallback=True))
    assert len(world.arrivals) == len({int(4_000_000_000 + h * 3600) // DAY for h in range(1, 41)})


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
    deadline = Deadline(begun + 0.6, time.monotonic)
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
