"""What is owed to whom: claims with a lease and a fence, receipts, and what was given up.

    READY ──claim──▶ LEASED ──finish──▶ (gone; a receipt stands in its place)
      ▲                 │ └──give_up──▶ DEAD, with word of it to other channels in the same transaction
      └────release──────┘     replay: back to READY

Every step is conditional on the version (`rev`) that was read, which no step ever sets back: whoever comes late finds
that his version is gone. An item leaves its place only with its receipt, or to stand among the dead.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace

from nephoscope.model.alert import Notification, OutboxItem, Owed
from nephoscope.model.errors import StoreError
from nephoscope.model.scope import Scope
from nephoscope.model.time import DAY
from nephoscope.pipeline.backoff import chains, is_due
from nephoscope.ports import Delete, Put, Row, Write
from nephoscope.stores import keys
from nephoscope.stores.alerts import owe
from nephoscope.stores.records import decode_item, encode
from nephoscope.stores.shelf import Committed, Shelf

RECEIPT_SECONDS = 8 * DAY
DEAD_SECONDS = 90 * DAY


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An outbox row that cannot be understood: where it stands, its version, why. It blocks nothing beside it.

    created_at: clock, as far as that can be read; 0 otherwise. A young one may be from a newer version that is just
    being deployed, and readable to that.
    """

    sk: str
    ver: int
    problem: str
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Owing:
    """All that a scope owes, due or not, the dead left out; the rows that nobody can read; and, where they were asked
    for, the messages of groups."""

    items: tuple[OutboxItem, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    messages: tuple[OutboxItem, ...] = ()


class Outbox(Shelf):
    def owed(self, scope: Scope) -> tuple[OutboxItem, ...]:
        """What may be taken now, the oldest first: of each alert and channel only the lowest seq. Raises StoreError."""
        now = self._clock.wall()
        heads = (chain[0] for chain in chains(self.read_owing(scope).items))
        return tuple(head for head in heads if is_due(head, now))

    def read_owing(self, scope: Scope) -> Owing:
        """Raises StoreError when the store does not answer; never for a row."""
        return parse_owing(self._table.query(scope.key, keys.OWED))

    def read_owing_of(self, scope: Scope, alert_key: str) -> tuple[OutboxItem, ...]:
        """What one alert owes, in order of seq. Raises StoreError."""
        return parse_owing(self._table.query(scope.key, f"{keys.OWED}{alert_key}#")).items

    def read_outbox(self, scope: Scope) -> tuple[OutboxItem, ...]:
        """What is owed and what was given up, the oldest first. Raises StoreError."""
        rows = [*self._table.query(scope.key, keys.OWED), *self._table.query(scope.key, keys.DEAD)]
        return tuple(sorted(parse_owing(rows).items, key=_age))

    def read_unreadable(self, scope: Scope) -> tuple[Unreadable, ...]:
        """Rows among the owed and the dead that nobody can read. Raises StoreError."""
        rows = [*self._table.query(scope.key, keys.OWED), *self._table.query(scope.key, keys.DEAD)]
        return parse_owing(rows).unreadable

    def has_receipt(self, scope: Scope, notification: Notification) -> bool:
        return self._table.get(scope.key, keys.receipt_row(notification)) is not None

    def read_receipt(self, scope: Scope, notification_id: str) -> float | None:
        """When it was taken (clock); None: there is no receipt, or none any more. Raises StoreError."""
        row = self._table.get(scope.key, keys.RECEIPTS + notification_id)
        at = None if row is None else row.data.get("at")
        return float(at) if isinstance(at, int | float) else None

    def claim(self, scope: Scope, item: OutboxItem, lease_seconds: float) -> OutboxItem | None:
        """Take it for so long; None: somebody else did something with it since it was read. Raises StoreError."""
        claimed = replace(
            item,
            status=Owed.LEASED,
            rev=item.rev + 1,
            fence=item.fence + 1,
            lease_until=self._clock.wall() + lease_seconds,
            holder=uuid.uuid4().hex[:16],
        )
        return claimed if self._move(scope, item, claimed) else None

    def finish(self, scope: Scope, item: OutboxItem) -> bool:
        """It was delivered: the receipt takes its place. False: a newer fence than this claim's holds it, and whoever
        has that will send it again. Raises StoreError."""
        receipt = {"fence": item.fence, "holder": item.holder, "at": self._now, "channel": item.notification.channel}
        sk = keys.receipt_row(item.notification)
        writes: list[Write] = [
            Delete(scope.key, keys.owed_row(item.notification), expect=item.rev),
            Put(Row(scope.key, sk, 1, receipt, self._now + RECEIPT_SECONDS), expect=None),
        ]

        def stands() -> bool:
            row = self._table.get(scope.key, sk)
            return row is not None and (row.data.get("fence"), row.data.get("holder")) == (item.fence, item.holder)

        return self._apply(writes, stands) is not Committed.LOST

    def release(self, scope: Scope, item: OutboxItem, next_at: float, reason: str, *, tried: bool = True) -> bool:
        """Give it back, to be taken again from next_at (clock) on. tried: a failure that counts. False: it was not
        ours any more. Raises StoreError."""
        ready = replace(
            item,
            status=Owed.READY,
            rev=item.rev + 1,
            next_at=next_at,
            attempts=item.attempts + tried,
            last=reason,
        )
        return self._move(scope, item, ready)

    def give_up(self, scope: Scope, item: OutboxItem, reason: str, meta: tuple[Notification, ...]) -> bool:
        """Set it among the dead, and owe word of it to others, in one transaction. False: somebody else did something
        with it since it was read. Raises StoreError."""
        dead = replace(item, status=Owed.DEAD, rev=item.rev + 1, last=reason)
        sk = keys.dead_row(item.notification)
        row = Row(scope.key, sk, dead.rev, encode(dead), self._now + DEAD_SECONDS)
        writes = [
            Delete(scope.key, keys.owed_row(item.notification), expect=item.rev),
            Put(row, expect=None),
            *self._owe(scope, meta),
        ]
        return self._apply(writes, lambda: self._stands(scope, sk, dead)) is not Committed.LOST

    def set_aside(self, scope: Scope, row: Unreadable, meta: tuple[Notification, ...]) -> bool:
        """Put a row that nobody can read among the dead as it is, and owe word of it. Raises StoreError."""
        stored = self._table.get(scope.key, row.sk)
        if stored is None or stored.ver != row.ver:
            return False
        dead = replace(stored, sk=keys.dead_row_of(row.sk), expires_at=self._now + DEAD_SECONDS)
        writes = [Delete(scope.key, row.sk, expect=row.ver or None), Put(dead, expect=None), *self._owe(scope, meta)]
        gone = lambda: self._table.get(scope.key, row.sk) is None  # noqa: E731
        return self._apply(writes, gone) is not Committed.LOST

    def enqueue(self, scope: Scope, notification: Notification) -> bool:
        """Owe one message beside any alert's commit. False: it is owed already, or was delivered. Raises StoreError."""
        if self.has_receipt(scope, notification):
            return False
        put = owe(scope.key, notification, self._now)
        return self._apply([put], lambda: False) is Committed.COMMITTED

    def replay(self, scope: Scope, item: OutboxItem) -> bool:
        """Owe it again from now on, with a whole new life; the same id. False: it is not as it was read. Raises
        StoreError."""
        now = self._now
        ready = replace(item, status=Owed.READY, rev=item.rev + 1, next_at=now, created_at=now, attempts=0)
        if item.status is not Owed.DEAD:
            return self._move(scope, item, ready)
        sk = keys.owed_row(item.notification)
        writes: list[Write] = [
            Delete(scope.key, keys.dead_row(item.notification), expect=item.rev),
            Put(Row(scope.key, sk, ready.rev, encode(ready)), expect=0),
        ]
        return self._apply(writes, lambda: self._stands(scope, sk, ready)) is not Committed.LOST

    def drop(self, scope: Scope, item: OutboxItem) -> bool:
        """Forget it undelivered: a person's decision. False: it is not as it was read. Raises StoreError."""
        dead = item.status is Owed.DEAD
        sk = keys.dead_row(item.notification) if dead else keys.owed_row(item.notification)
        gone = self._apply([Delete(scope.key, sk, expect=item.rev)], lambda: self._table.get(scope.key, sk) is None)
        return gone is not Committed.LOST

    def _move(self, scope: Scope, before: OutboxItem, after: OutboxItem) -> bool:
        sk = keys.place_of(before)
        put = Put(Row(scope.key, sk, after.rev, encode(after)), expect=before.rev)
        return self._apply([put], lambda: self._stands(scope, sk, after)) is not Committed.LOST

    def _stands(self, scope: Scope, sk: str, item: OutboxItem) -> bool:
        """Whether this very step is written there. The holder's word tells apart what two runs did alike."""
        row = self._table.get(scope.key, sk)
        if row is None or row.ver != item.rev:
            return False
        return (row.data.get("status"), row.data.get("holder")) == (item.status, item.holder)

    def _owe(self, scope: Scope, meta: Iterable[Notification]) -> list[Write]:
        return [owe(scope.key, notification, self._now) for notification in meta]


def _age(item: OutboxItem) -> tuple[float, str, int, str]:
    told = item.notification
    return item.created_at, told.alert_key, told.seq, told.channel


def parse_owing(rows: Iterable[Row]) -> Owing:
    items: list[OutboxItem] = []
    unreadable: list[Unreadable] = []
    for row in rows:
        try:
            items.append(decode_item(row))
        except StoreError as error:
            created_at = row.data.get("created_at")
            since = float(created_at) if isinstance(created_at, int | float) else 0.0
            unreadable.append(Unreadable(row.sk, row.ver, error.detail, since))
    return Owing(tuple(items), tuple(unreadable))
