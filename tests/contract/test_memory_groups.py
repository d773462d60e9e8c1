"""The messages of groups on SQLite and on DynamoDB: what is frozen, who may send it, what becomes of its members."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alert_records import SCOPE, a_commit, a_notification
from nephoscope.model.alert import AlertState, OutboxItem, Owed
from nephoscope.model.time import DAY
from nephoscope.stores.memory import Memory

GROUP = (("rule", "cpu-hot"),)


@pytest.fixture
def memory(memory_store, clock) -> Memory:
    return Memory(memory_store.table, clock)


def a_message(clock, *, status: Owed = Owed.READY, size: int = 2) -> OutboxItem:
    head = a_notification("group-key", 1, id="msg_group")
    return OutboxItem(head, status=status, created_at=clock.now, group=GROUP, size=size)


@pytest.fixture
def frozen(memory: Memory, clock) -> tuple[OutboxItem, tuple[OutboxItem, ...]]:
    """Two alerts in one message that is ready to be sent."""
    memory.commit(a_commit("a1"))
    memory.commit(a_commit("b2"))
    done = memory.freeze(SCOPE, None, a_message(clock), memory.owed(SCOPE))
    assert done is not None
    return done


def message_of(memory: Memory) -> OutboxItem:
    (message,) = memory.read_grouped(SCOPE).messages
    return message


def test_what_is_frozen_is_given_out_to_nobody_and_holds_back_what_follows(memory: Memory, frozen) -> None:
    memory.commit(a_commit("a1", 2, AlertState.OK))
    assert memory.owed(SCOPE) == ()
    standing = {(i.notification.alert_key, i.notification.seq): i for i in memory.read_outbox(SCOPE)}
    assert [(i.status, i.message) for key, i in sorted(standing.items()) if key[1] == 1] == [
        (Owed.FROZEN, "msg_group"),
        (Owed.FROZEN, "msg_group"),
    ]
    assert standing["a1", 2].status is Owed.READY
    assert message_of(memory).group == GROUP


def test_of_two_sweepers_one_freezes(memory: Memory, clock) -> None:
    memory.commit(a_commit("a1"))
    read = memory.owed(SCOPE)
    assert memory.freeze(SCOPE, None, a_message(clock), read) is not None
    assert memory.freeze(SCOPE, None, a_message(clock), read) is None, "the place is taken"
    other = replace(a_message(clock), notification=a_notification("other-group", 1, id="msg_other"))
    assert memory.freeze(SCOPE, None, other, read) is None, "the member is taken"
    assert len(memory.read_grouped(SCOPE).messages) == 1


def test_more_are_taken_in_while_it_is_being_filled(memory: Memory, clock) -> None:
    for number in range(150):
        memory.enqueue(SCOPE, a_notification(f"k{number:03d}"))
    items = memory.owed(SCOPE)
    chunks = list(memory.chunks(SCOPE, items))
    assert [len(chunk) for chunk in chunks] == [98, 52], "a transaction holds 100 writes"
    filling = memory.freeze(SCOPE, None, a_message(clock, status=Owed.FILLING), chunks[0])
    assert filling is not None
    full = memory.freeze(SCOPE, filling[0], replace(filling[0], status=Owed.READY, size=150), chunks[1])
    assert full is not None
    assert (full[0].rev, full[0].size) == (2, 150)
    assert {item.message for item in memory.read_owing(SCOPE).items} == {"msg_group"}
    memory.finish(SCOPE, memory.claim(SCOPE, full[0], 60))
    assert memory.settle(SCOPE, full[0], (*filling[1], *full[1]))
    assert memory.read_owing(SCOPE).items == ()
    assert all(memory.has_receipt(SCOPE, item.notification) for item in items)


def test_large_members_are_taken_in_a_few_at_a_time(memory: Memory) -> None:
    tags = {f"k{number}": "v" * 250 for number in range(900)}  # some 230 kB of other people's text
    for number in range(20):
        subject = replace(a_notification().subject, tags=tags)
        memory.enqueue(SCOPE, a_notification(f"k{number:03d}", subject=subject))
    chunks = list(memory.chunks(SCOPE, memory.owed(SCOPE)))
    assert sum(len(chunk) for chunk in chunks) == 20
    assert max(len(chunk) for chunk in chunks) < 15, "4 MB a transaction"


def test_a_receiver_s_word_stands_before_the_members_are_put_away(memory: Memory, memory_store, frozen, clock) -> None:
    message, members = frozen
    held = memory.claim(SCOPE, message, 60)
    assert memory.claim(SCOPE, message, 60) is None
    assert not memory.settle(SCOPE, message, members), "it has not ended"
    clock.sleep(5)
    assert memory.finish(SCOPE, held)
    assert memory.finish(SCOPE, held), "asked again after a lost answer"
    assert (message_of(memory).status, message_of(memory).sent_at) == (Owed.SENT, clock.now)
    assert memory.has_receipt(SCOPE, message.notification)
    assert len(memory.read_owing(SCOPE).items) == 2
    assert memory.settle(SCOPE, message, members)
    assert memory.read_owing(SCOPE).items == ()
    idle = message_of(memory)
    assert (idle.status, idle.sent_at, idle.size) == (Owed.IDLE, clock.now, 0)
    row = memory_store.table.get(SCOPE.key, "M#chat#group-key")
    assert row.expires_at >= clock.now + DAY, "longer than any interval"
    for member in members:
        receipt = memory_store.table.get(SCOPE.key, f"R#{member.notification.id}")
        assert receipt.data["message"] == "msg_group"


def test_a_claim_of_an_earlier_message_is_shut_out_of_the_next_in_the_same_place(memory: Memory, frozen, clock) -> None:
    """The first holder was frozen for long; meanwhile the message went out, and another stands there."""
    message, members = frozen
    late = memory.claim(SCOPE, message, 60)
    clock.sleep(61)
    second = memory.claim(SCOPE, message_of(memory), 60)
    memory.finish(SCOPE, second)
    memory.settle(SCOPE, message, members)
    memory.commit(a_commit("c3"))
    head = a_notification("group-key", 1, id="msg_next")
    following = replace(a_message(clock, size=1), notification=head)
    assert memory.freeze(SCOPE, message_of(memory), following, memory.owed(SCOPE)) is not None
    assert not memory.finish(SCOPE, late)
    assert not memory.give_up(SCOPE, late, "late", ())
    assert not memory.settle(SCOPE, message, members)
    assert message_of(memory).status is Owed.READY


def test_settling_may_be_broken_off_and_done_again_by_anybody(memory: Memory, frozen) -> None:
    message, members = frozen
    memory.finish(SCOPE, memory.claim(SCOPE, message, 60))
    ended = message_of(memory)
    first = [write for member in members[:1] for write in memory._end(SCOPE, ended, member)]
    assert memory._table.transact(first) == "done"
    assert not memory.settle(SCOPE, message, members), "with what was read before"
    assert memory.settle(SCOPE, message, memory.read_owing(SCOPE).items)
    assert all(memory.has_receipt(SCOPE, member.notification) for member in members)


def test_members_of_what_was_given_up_are_kept_each_and_can_be_owed_again(memory: Memory, frozen, clock) -> None:
    message, members = frozen
    notice = a_notification("notice", 1, "oncall")
    assert memory.give_up(SCOPE, memory.claim(SCOPE, message, 60), "too old", (notice,))
    assert memory.settle(SCOPE, message, members)
    dead = [item for item in memory.read_outbox(SCOPE) if item.status is Owed.DEAD]
    assert sorted(item.notification.alert_key for item in dead) == ["a1", "b2"]
    assert {(item.last, item.message) for item in dead} == {("too old", "msg_group")}
    assert [i.notification.alert_key for i in memory.owed(SCOPE)] == ["notice"]
    assert memory.replay(SCOPE, dead[0])
    again = next(i for i in memory.owed(SCOPE) if i.notification.id == dead[0].notification.id)
    assert (again.status, again.message, again.created_at) == (Owed.READY, "", clock.now)


def test_a_person_s_hand_on_a_member_does_nothing_and_on_the_message_everything(memory: Memory, frozen) -> None:
    message, members = frozen
    assert not memory.drop(SCOPE, members[0])
    assert not memory.replay(SCOPE, members[0])
    assert memory.replay(SCOPE, message)
    assert memory.drop(SCOPE, message_of(memory))
    assert not memory.finish(SCOPE, message)
    assert memory.settle(SCOPE, message, members)
    assert memory.read_outbox(SCOPE) == ()
    assert not memory.has_receipt(SCOPE, members[0].notification)


def test_a_member_whose_message_is_nowhere_is_owed_singly_again(memory: Memory, frozen) -> None:
    _, members = frozen
    assert memory.thaw(SCOPE, members[0])
    (item,) = memory.owed(SCOPE)
    assert (item.notification.id, item.message) == (members[0].notification.id, "")
    assert memory.claim(SCOPE, item, 60) is not None
    assert not memory.thaw(SCOPE, members[0]), "somebody has it by now"
