"""The outbox on SQLite and on DynamoDB: who may send what, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alert_records import ELSEWHERE, SCOPE, a_commit, a_notification
from nephoscope.model.alert import AlertState, OutboxItem, Owed
from nephoscope.model.time import DAY
from nephoscope.ports import Put
from nephoscope.stores.memory import Memory


@pytest.fixture
def memory(memory_store, clock) -> Memory:
    return Memory(memory_store.table, clock)


@pytest.fixture
def item(memory: Memory) -> OutboxItem:
    """One message, owed to `chat`."""
    memory.commit(a_commit())
    return memory.owed(SCOPE)[0]


def owed_seqs(memory: Memory) -> list[tuple[str, str, int]]:
    return [(i.notification.alert_key, i.notification.channel, i.notification.seq) for i in memory.owed(SCOPE)]


# --- order --------------------------------------------------------------------------------------------------------


def test_only_the_lowest_seq_of_each_alert_and_channel_is_given_out(memory: Memory, clock) -> None:
    memory.commit(a_commit("b2"))
    clock.sleep(1)
    memory.commit(a_commit("a1", channels=("chat", "oncall")))
    memory.commit(a_commit("a1", 2, AlertState.OK, channels=("chat",)))
    assert owed_seqs(memory)[0] == ("b2", "chat", 1)
    assert sorted(owed_seqs(memory)) == [("a1", "chat", 1), ("a1", "oncall", 1), ("b2", "chat", 1)]


def test_seqs_are_compared_as_numbers(memory: Memory) -> None:
    for seq in (9, 10, 100):
        memory.enqueue(SCOPE, a_notification(seq=seq))
    assert owed_seqs(memory) == [("a1", "chat", 9)]


def test_what_waits_holds_back_what_follows_it(memory: Memory, item: OutboxItem, clock) -> None:
    memory.commit(a_commit(ver=2, state=AlertState.OK))
    held = memory.claim(SCOPE, item, 60)
    assert memory.owed(SCOPE) == ()
    memory.release(SCOPE, held, clock.now + 100, "timeout")
    assert memory.owed(SCOPE) == ()
    clock.sleep(100)
    assert owed_seqs(memory) == [("a1", "chat", 1)]


def test_the_next_follows_a_receipt_or_a_death(memory: Memory, item: OutboxItem) -> None:
    memory.commit(a_commit(ver=2, state=AlertState.OK))
    memory.commit(a_commit(ver=3))
    memory.finish(SCOPE, memory.claim(SCOPE, item, 60))
    assert owed_seqs(memory) == [("a1", "chat", 2)]
    memory.give_up(SCOPE, memory.claim(SCOPE, memory.owed(SCOPE)[0], 60), "too old", ())
    assert owed_seqs(memory) == [("a1", "chat", 3)]


# --- claims -------------------------------------------------------------------------------------------------------


def test_of_two_claims_on_one_reading_one_holds(memory: Memory, item: OutboxItem, clock) -> None:
    held = memory.claim(SCOPE, item, 60)
    assert (held.status, held.fence, held.lease_until) == (Owed.LEASED, 1, clock.now + 60)
    assert memory.claim(SCOPE, item, 60) is None
    assert memory.owed(SCOPE) == ()


def test_a_lease_that_is_over_is_claimed_again_and_the_first_holder_is_shut_out(
    memory: Memory, item: OutboxItem, clock
) -> None:
    first = memory.claim(SCOPE, item, 60)
    clock.sleep(61)
    second = memory.claim(SCOPE, memory.owed(SCOPE)[0], 60)
    assert second.fence == 2
    assert not memory.finish(SCOPE, first)
    assert not memory.release(SCOPE, first, clock.now, "late")
    assert not memory.give_up(SCOPE, first, "late", ())
    assert not memory.has_receipt(SCOPE, item.notification)
    assert memory.finish(SCOPE, second)


def test_a_time_that_no_clock_of_ours_can_have_meant_binds_nobody(memory: Memory, item: OutboxItem, clock) -> None:
    """A machine whose clock is a day ahead takes a message; it must not be silent for a day."""
    clock.sleep(DAY)
    held = memory.claim(SCOPE, item, 60)
    clock.sleep(-DAY)
    assert owed_seqs(memory) == [("a1", "chat", 1)]
    clock.sleep(DAY)
    memory.release(SCOPE, held, clock.now + 300, "timeout")
    clock.sleep(-DAY)
    assert owed_seqs(memory) == [("a1", "chat", 1)]


# --- ends ---------------------------------------------------------------------------------------------------------


def test_a_receipt_takes_the_place_of_what_was_owed(memory: Memory, memory_store, item: OutboxItem, clock) -> None:
    held = memory.claim(SCOPE, item, 60)
    assert memory.finish(SCOPE, held)
    assert memory.read_outbox(SCOPE) == ()
    assert memory.has_receipt(SCOPE, item.notification)
    row = memory_store.table.get(SCOPE.key, f"R#{item.notification.id}")
    assert row.expires_at >= clock.now + 7 * DAY
    assert memory.finish(SCOPE, held), "asked again after a lost answer"


def test_a_release_counts_tries_that_failed(memory: Memory, item: OutboxItem, clock) -> None:
    memory.release(SCOPE, memory.claim(SCOPE, item, 60), clock.now, "timeout")
    again = memory.owed(SCOPE)[0]
    assert (again.attempts, again.last, again.status, again.fence) == (1, "timeout", Owed.READY, 1)
    memory.release(SCOPE, memory.claim(SCOPE, again, 60), clock.now, "not tried", tried=False)
    assert memory.owed(SCOPE)[0].attempts == 1


def test_what_is_given_up_is_kept_and_others_are_owed_word_of_it(memory: Memory, item: OutboxItem) -> None:
    word = a_notification("meta", channel="last-resort")
    assert memory.give_up(SCOPE, memory.claim(SCOPE, item, 60), "too old", (word,))
    dead = [i for i in memory.read_outbox(SCOPE) if i.status is Owed.DEAD]
    assert [(i.notification, i.last) for i in dead] == [(item.notification, "too old")]
    assert [i.notification for i in memory.owed(SCOPE)] == [word]


def test_what_nobody_holds_can_be_given_up_as_it_was_read(memory: Memory, item: OutboxItem) -> None:
    assert memory.give_up(SCOPE, item, "no such channel", ())
    assert memory.claim(SCOPE, item, 60) is None


def test_word_that_is_owed_already_keeps_the_message_from_being_given_up_half(memory: Memory, item: OutboxItem) -> None:
    word = a_notification("meta", channel="last-resort")
    memory.enqueue(SCOPE, word)
    assert not memory.give_up(SCOPE, item, "too old", (word,))
    assert {i.status for i in memory.read_outbox(SCOPE)} == {Owed.READY}


def test_replay_owes_it_again_with_a_new_life_and_the_same_id(memory: Memory, item: OutboxItem, clock) -> None:
    held = memory.claim(SCOPE, item, 60)
    memory.give_up(SCOPE, held, "too old", ())
    clock.sleep(DAY)
    dead = memory.read_outbox(SCOPE)[0]
    assert memory.replay(SCOPE, dead)
    again = memory.owed(SCOPE)[0]
    assert (again.notification, again.attempts, again.created_at) == (item.notification, 0, clock.now)
    assert again.rev > held.rev, "whoever still holds the old one must not be able to finish the new"
    assert not memory.finish(SCOPE, held)
    assert not memory.replay(SCOPE, replace(dead, rev=99))


def test_replay_of_what_waits_makes_it_due(memory: Memory, item: OutboxItem, clock) -> None:
    memory.release(SCOPE, memory.claim(SCOPE, item, 60), clock.now + 900, "timeout")
    assert memory.replay(SCOPE, memory.read_outbox(SCOPE)[0])
    assert len(memory.owed(SCOPE)) == 1


@pytest.mark.parametrize("dead", [False, True])
def test_drop_forgets(memory: Memory, item: OutboxItem, dead: bool) -> None:
    if dead:
        memory.give_up(SCOPE, item, "too old", ())
    stored = memory.read_outbox(SCOPE)[0]
    assert not memory.drop(SCOPE, replace(stored, rev=stored.rev + 1))
    assert memory.drop(SCOPE, stored)
    assert memory.read_outbox(SCOPE) == ()


def test_enqueue_owes_a_message_once(memory: Memory) -> None:
    assert memory.enqueue(SCOPE, a_notification())
    assert not memory.enqueue(SCOPE, a_notification())
    assert memory.enqueue(ELSEWHERE, a_notification())
    memory.finish(SCOPE, memory.claim(SCOPE, memory.owed(SCOPE)[0], 60))
    assert not memory.enqueue(SCOPE, a_notification()), "it was delivered"


# --- rows that nobody can read ------------------------------------------------------------------------------------


def test_a_row_that_nobody_can_read_blocks_nothing_and_is_set_aside(memory: Memory, memory_store) -> None:
    memory.commit(a_commit("a1"))
    memory.commit(a_commit("c3"))
    memory_store.put_raw(SCOPE.key, "O#b2#0000000001#chat", '{"notification": {"id": ')
    assert sorted(owed_seqs(memory)) == [("a1", "chat", 1), ("c3", "chat", 1)]
    (row,) = memory.read_owing(SCOPE).unreadable
    assert row.sk == "O#b2#0000000001#chat"
    assert memory.set_aside(SCOPE, row, (a_notification("meta", channel="last-resort"),))
    assert memory.read_owing(SCOPE).unreadable == ()
    (kept,) = memory.read_unreadable(SCOPE)
    assert kept.sk == "D#b2#0000000001#chat"
    assert memory_store.table.get(SCOPE.key, kept.sk).data == {"unreadable": '{"notification": {"id": '}
    assert ("meta", "last-resort", 1) in owed_seqs(memory)
    assert not memory.set_aside(SCOPE, row, ())


def test_a_word_of_a_newer_version_is_unreadable_and_tells_its_age(memory: Memory, memory_store, item, clock) -> None:
    row = memory_store.table.get(SCOPE.key, "O#a1#0000000001#chat")
    newer = {**row.data, "notification": {**row.data["notification"], "why": "moon_in_the_way"}}
    memory_store.table.transact([Put(replace(row, data=newer), expect=None)])
    assert memory.owed(SCOPE) == ()
    assert [each.created_at for each in memory.read_owing(SCOPE).unreadable] == [clock.now]
