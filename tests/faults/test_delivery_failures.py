"""What receivers do to us, and what becomes of the message: by the table of statuses, and beyond it."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterator
from contextlib import closing

import pytest

from delivery_world import Process, World, a_config
from nephoscope.app.deliver import LANES, DeliveryReport
from nephoscope.model.alert import Notification, Owed
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import DAY
from nephoscope.notifiers.answers import meaning_of
from nephoscope.ports import Table
from nephoscope.stores import sqlite
from owed_messages import of_chat, only, owe, refusal, told


@pytest.fixture
def table() -> Iterator[Table]:
    with closing(sqlite.open_table(":memory:")) as opened:
        yield opened


@pytest.fixture
def world(table: Table) -> World:
    return World(table, Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1"))


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
    ceilings = [15, 30, 60, 120, 240, 480, 540, 540, 540, 540, 540, 540]
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


def test_in_a_long_outage_the_tries_are_shared_out(world: World) -> None:
    """Twenty messages in one lane, one run a minute, two tries a run: sixty tries are no more than five for each. Were
    the oldest always first, the first two would have had eight or more."""
    memory = Process(world).memory
    keys = [key for key in (f"b{number}" for number in range(200)) if zlib.crc32(key.encode()) % LANES == 0][:20]
    for key in keys:
        owe(world, key=key)
        world.now += 1
    world.answer = only("chat", refusal(Reason.TIMEOUT))
    for _ in range(30):
        Process(world).deliver()
        world.now += 60
    attempts = [item.attempts for item in of_chat(memory, world)]
    assert sum(attempts) == 60
    assert max(attempts) <= 5


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
