"""The messages of groups: how what is owed is frozen into one message, and what becomes of its members.

    IDLE ──freeze──▶ FILLING ──freeze──▶ READY ──claim──▶ LEASED ──finish──▶ SENT ──settle──▶ IDLE
                                                            └──give_up──▶ DEAD ──settle──▶ IDLE

A group has one place, and so one message at a time. Freezing writes the message and marks its members in one
transaction, a chunk at a time; while it is being filled nobody sends it, so whoever finds it like that after a crash
may go on. A member is marked where its version is the one that was read: it is in one message or in none, and none may
send it singly. What the receiver took is noted in one write (SENT); then the members' receipts are put in chunks, by
whoever comes, and only when none is left is the place free for the next message. The place's version never goes back.

    O#... FROZEN stands   <=>   its message is FILLING, READY, LEASED, or SENT, DEAD, DROPPED and being settled
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.alert import Notification, OutboxItem, Owed
from nephoscope.model.scope import Scope
from nephoscope.model.time import DAY
from nephoscope.pipeline.grouping import plan_chunks
from nephoscope.ports import Delete, Put, Row, Write
from nephoscope.stores import keys
from nephoscope.stores.outbox import DEAD_SECONDS, RECEIPT_SECONDS, Outbox, Owing, parse_owing
from nephoscope.stores.records import decode_item, encode
from nephoscope.stores.rows import LIMITS, row_bytes
from nephoscope.stores.shelf import Committed

IDLE_SECONDS = 2 * DAY
"""How long it is known when a group was last told; longer than any interval, and than any run that holds a claim."""

_ENDED = (Owed.SENT, Owed.DEAD, Owed.DROPPED)
_OUT_OF_REACH = (Owed.FROZEN, Owed.SENT, Owed.DROPPED, Owed.IDLE)
"""Where no hand helps: a member goes with its message, and of a message that has ended only the rest is to be done."""


class Groups(Outbox):
    def read_messages(self, scope: Scope) -> Owing:
        """The messages of groups, in the order of channel and group. Raises StoreError."""
        found = parse_owing(self._table.query(scope.key, keys.MESSAGES))
        return Owing(unreadable=found.unreadable, messages=found.items)

    def read_grouped(self, scope: Scope) -> Owing:
        """What is owed, with the messages of groups. These are read first: of a message that is then still as it was,
        every member is among the items. Raises StoreError."""
        messages = self.read_messages(scope)
        owing = self.read_owing(scope)
        return Owing(owing.items, (*owing.unreadable, *messages.unreadable), messages.messages)

    def chunks(
        self, scope: Scope, items: Sequence[OutboxItem], writes_each: int = 1
    ) -> Iterator[tuple[OutboxItem, ...]]:
        """As many at a time as a transaction takes beside the message itself."""
        limits = load_catalog().limits[LIMITS]
        most = (limits["items"] - 2) // writes_each
        sizes = [row_bytes(Row(scope.key, keys.owed_row(i.notification), i.rev, encode(i))) for i in items]
        room = limits["request_bytes"] - 2 * limits["item_bytes"]
        for chunk in plan_chunks(sizes, most, room):
            yield tuple(items[position] for position in chunk)

    def freeze(
        self, scope: Scope, before: OutboxItem | None, after: OutboxItem, members: Sequence[OutboxItem]
    ) -> tuple[OutboxItem, tuple[OutboxItem, ...]] | None:
        """Write the message as `after`, and mark these members for it. before: as its place was read; None: empty.
        Gives both as they stand now; None: something has changed since. Raises StoreError."""
        expect = before.rev if before else 0
        message = replace(after, rev=expect + 1, holder=uuid.uuid4().hex[:16])
        frozen = tuple(
            replace(item, status=Owed.FROZEN, rev=item.rev + 1, message=message.notification.id) for item in members
        )
        sk = keys.place_of(message)
        writes: list[Write] = [Put(Row(scope.key, sk, message.rev, encode(message)), expect=expect)]
        writes += [
            Put(Row(scope.key, keys.owed_row(item.notification), item.rev, encode(item)), expect=item.rev - 1)
            for item in frozen
        ]
        done = self._apply(writes, lambda: self._stands(scope, sk, message)) is not Committed.LOST
        return (message, frozen) if done else None

    def thaw(self, scope: Scope, item: OutboxItem) -> bool:
        """Owe a member singly again whose message is nowhere: another hand has taken it away. Raises StoreError."""
        return self._move(scope, item, replace(item, status=Owed.READY, rev=item.rev + 1, message=""))

    def finish(self, scope: Scope, item: OutboxItem) -> bool:
        """Of a group's message: the receiver has it. Its members stand until they are settled."""
        if item.group is None:
            return super().finish(scope, item)
        sent = replace(item, status=Owed.SENT, rev=item.rev + 1, sent_at=self._clock.wall())
        receipt = {"fence": item.fence, "holder": item.holder, "at": self._now, "channel": item.notification.channel}
        row = Row(scope.key, keys.receipt_row(item.notification), 1, receipt, self._now + RECEIPT_SECONDS)
        sk = keys.place_of(item)
        writes = [Put(Row(scope.key, sk, sent.rev, encode(sent)), expect=item.rev), Put(row, expect=None)]
        return self._apply(writes, lambda: self._stands(scope, sk, sent)) is not Committed.LOST

    def give_up(self, scope: Scope, item: OutboxItem, reason: str, meta: tuple[Notification, ...]) -> bool:
        """Of a group's message: its members are among the dead once they are settled."""
        if item.group is None:
            return super().give_up(scope, item, reason, meta)
        dead = replace(item, status=Owed.DEAD, rev=item.rev + 1, last=reason)
        sk = keys.place_of(item)
        writes = [Put(Row(scope.key, sk, dead.rev, encode(dead)), expect=item.rev), *self._owe(scope, meta)]
        return self._apply(writes, lambda: self._stands(scope, sk, dead)) is not Committed.LOST

    def replay(self, scope: Scope, item: OutboxItem) -> bool:
        """What is frozen goes with its message; one that was given up is owed singly again, or to another group."""
        if _out_of_reach(item) or item.status is Owed.FILLING:
            return False
        return super().replay(scope, replace(item, message=""))

    def drop(self, scope: Scope, item: OutboxItem) -> bool:
        """Of a group's message: its members are let go once they are settled."""
        if _out_of_reach(item):
            return False
        if item.group is None:
            return super().drop(scope, item)
        return self._move(scope, item, replace(item, status=Owed.DROPPED, rev=item.rev + 1))

    def settle(self, scope: Scope, message: OutboxItem, members: Sequence[OutboxItem]) -> bool:
        """Put each member where the message went: a receipt, among the dead, or away. members: all that are left of
        them. May be broken off anywhere and done again by anybody. False: another is at it, or the message has not
        ended. Raises StoreError."""
        sk = keys.place_of(message)
        row = self._table.get(scope.key, sk)
        if row is None:
            return True
        ended = decode_item(row)
        if ended.status not in _ENDED or ended.notification.id != message.notification.id:
            return False
        for chunk in self.chunks(scope, members, writes_each=2):
            writes = [write for member in chunk for write in self._end(scope, ended, member)]
            if self._apply(writes, lambda chunk=chunk: self._gone(scope, chunk)) is Committed.LOST:  # type: ignore[misc]
                return False
        idle = replace(ended, status=Owed.IDLE, rev=ended.rev + 1, size=0)
        put = Put(Row(scope.key, sk, idle.rev, encode(idle), self._now + IDLE_SECONDS), expect=ended.rev)
        return self._apply([put], lambda: self._stands(scope, sk, idle)) is not Committed.LOST

    def _end(self, scope: Scope, ended: OutboxItem, member: OutboxItem) -> Iterator[Write]:
        told = member.notification
        yield Delete(scope.key, keys.owed_row(told), expect=member.rev)
        if ended.status is Owed.SENT:
            receipt = {"fence": ended.fence, "holder": ended.holder, "at": self._now, "channel": told.channel}
            data = {**receipt, "message": ended.notification.id}
            yield Put(Row(scope.key, keys.receipt_row(told), 1, data, self._now + RECEIPT_SECONDS), expect=None)
        elif ended.status is Owed.DEAD:
            dead = replace(member, status=Owed.DEAD, rev=member.rev + 1, attempts=ended.attempts, last=ended.last)
            row = Row(scope.key, keys.dead_row(told), dead.rev, encode(dead), self._now + DEAD_SECONDS)
            yield Put(row, expect=None)

    def _gone(self, scope: Scope, members: Sequence[OutboxItem]) -> bool:
        return all(self._table.get(scope.key, keys.owed_row(each.notification)) is None for each in members)


def _out_of_reach(item: OutboxItem) -> bool:
    return item.status in _OUT_OF_REACH or (item.group is not None and item.status is Owed.DEAD)
