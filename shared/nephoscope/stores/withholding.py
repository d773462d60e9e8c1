"""Taking a message out of the outbox unsent, because nobody is to be told now.

One transaction: the message and what makes no sense without it leave the outbox, a receipt that says why stands in the
place of each, the history names who was not told, and the alert's record no longer counts the channel as told. It is
conditional on the version of each. The record is read first and the messages after it: a run that changes the alert in
between has changed the record's version, and the whole is looked at anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from nephoscope.model.alert import AlertRecord, HistoryEntry, OutboxItem
from nephoscope.model.scope import Scope
from nephoscope.pipeline.withholding import noted, withheld_with, without
from nephoscope.ports import Delete, Put, Row, Write
from nephoscope.stores import keys
from nephoscope.stores.outbox import RECEIPT_SECONDS, Outbox
from nephoscope.stores.records import decode, decode_alert, encode
from nephoscope.stores.shelf import TRIES, Committed


class Withholding(Outbox):
    def withhold(self, scope: Scope, item: OutboxItem, why: str) -> tuple[OutboxItem, ...]:
        """What is owed no more, `item` first; empty: somebody else did something with it since it was read, or the
        alert changes too fast just now; it is owed as it was. Raises StoreError."""
        sk = keys.receipt_row(item.notification)
        holder = uuid.uuid4().hex[:16]

        def stands() -> bool:
            row = self._table.get(scope.key, sk)
            return row is not None and row.data.get("holder") == holder

        for _ in range(TRIES):
            record = self._record_of(scope, item)
            chain = self._chain_of(scope, item)
            if not chain or chain[0].rev != item.rev:
                return ()
            gone = (item, *withheld_with(item, chain[1:]))
            writes = [*self._remember(scope, record, item, holder)]
            for each in gone:
                writes += self._take_out(scope, each, why, holder)
            if self._apply(writes, stands) is not Committed.LOST:
                return gone
        return ()

    def _record_of(self, scope: Scope, item: OutboxItem) -> AlertRecord | None:
        row = self._table.get(scope.key, keys.state_row(item.notification.alert_key))
        return None if row is None else decode_alert(row)

    def _chain_of(self, scope: Scope, item: OutboxItem) -> list[OutboxItem]:
        """What this alert owes this channel from the item on, in order of seq; empty where it is not owed any more."""
        told = item.notification
        return [
            other
            for other in self.read_owing_of(scope, told.alert_key)
            if other.notification.channel == told.channel and other.notification.seq >= told.seq
        ]

    def _remember(self, scope: Scope, record: AlertRecord | None, item: OutboxItem, run_id: str) -> Iterator[Write]:
        changed = without(record, item, run_id)
        if record is not None and changed is not None:  # an open alert: its row has no end
            row = Row(scope.key, keys.state_row(changed.alert_key), changed.ver, encode(changed))
            yield Put(row, expect=record.ver)

    def _take_out(self, scope: Scope, item: OutboxItem, why: str, holder: str) -> Iterator[Write]:
        told, now = item.notification, self._now
        yield Delete(scope.key, keys.owed_row(told), expect=item.rev)
        receipt = {"fence": item.fence, "holder": holder, "at": now, "channel": told.channel, "muted": why}
        yield Put(Row(scope.key, keys.receipt_row(told), 1, receipt, now + RECEIPT_SECONDS), expect=None)
        for sk in keys.history_places(told.alert_key, told.at, told.seq):
            if (row := self._table.get(scope.key, sk)) is not None:
                entry = noted(decode(HistoryEntry, row), told.channel, why)
                yield Put(Row(scope.key, sk, row.ver + 1, encode(entry), row.expires_at), expect=row.ver)
