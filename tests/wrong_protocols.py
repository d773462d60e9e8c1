"""Delivery protocols that look sensible and are wrong: the checks of delivery_world must catch each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from nephoscope.model.alert import AlertState
from nephoscope.model.scope import Scope
from nephoscope.ports import Delete, Put, Table, Write
from nephoscope.stores import keys
from nephoscope.stores.memory import Committed, Memory


class WithoutVersions:
    """A table that writes whatever stands there."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def transact(self, writes: Sequence[Write]) -> Literal["done", "conflict"]:
        loose: list[Write] = [Put(w.row, None) if isinstance(w, Put) else type(w)(w.pk, w.sk, None) for w in writes]
        return self._table.transact(loose)


class DeletesBeforeSending(Memory):
    """At most once."""

    def claim(self, scope: Scope, item: Any, lease_seconds: float) -> Any:
        held = super().claim(scope, item, lease_seconds)
        if held is not None:
            super().finish(scope, held)
        return held

    def finish(self, scope: Scope, item: Any) -> bool:
        return True


class WritesTwice(Memory):
    """First the state, then the messages."""

    def commit(self, commit: Any) -> Committed:
        outcome = super().commit(replace(commit, notifications=()))
        if outcome is not Committed.LOST:
            for notification in commit.notifications:
                self.enqueue(commit.scope, notification)
        return outcome


class ClaimsBlindly(Memory):
    """Takes a message without asking whether another has it."""

    def claim(self, scope: Scope, item: Any, lease_seconds: float) -> Any:
        return super().claim(scope, item, lease_seconds) or item


class ForgetsOnError(Memory):
    """A message that failed once is no longer owed."""

    def release(self, scope: Scope, item: Any, next_at: float, reason: str, *, tried: bool = True) -> bool:
        return self.drop(scope, item)


class RestartsVersions(Memory):
    """No tombstones: an alert that ended leaves nothing behind."""

    def commit(self, commit: Any) -> Committed:
        outcome = super().commit(commit)
        if outcome is not Committed.LOST and commit.record.state is AlertState.OK:
            self._table.transact([Delete(commit.scope.key, keys.state_row(commit.record.alert_key), None)])
        return outcome
