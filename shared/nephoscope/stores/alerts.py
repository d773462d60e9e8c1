"""Progress, states and history of a scope: what a run reads before it decides and commits after."""

from __future__ import annotations

from nephoscope.model.alert import AlertRecord, AlertState, Commit, HistoryEntry, Notification, OutboxItem
from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.memory import Progress
from nephoscope.model.scope import Scope
from nephoscope.model.time import DAY
from nephoscope.ports import Put, Row, Write
from nephoscope.stores import keys
from nephoscope.stores.records import decode, decode_alert, decode_progress, encode, encode_progress
from nephoscope.stores.shelf import Committed, Shelf

TOMBSTONE_SECONDS = 97 * DAY
"""Longer than the dead are kept, who may be replayed under their ids, and so than receipts, tries and any queue's
events (14 days each)."""
HISTORY_SECONDS = 90 * DAY

MOST_CHANNELS = 90
"""A transaction holds 100 writes: the state, the history, and one message a channel."""


class Alerts(Shelf):
    def read_progress(self, scope: Scope) -> Progress:
        """ver 0: nothing is remembered. Raises StoreError."""
        row = self._table.get(scope.key, keys.PROGRESS)
        return Progress(scope) if row is None else decode_progress(row, scope)

    def write_progress(self, progress: Progress) -> bool:
        """Whether it stands: False when another run has written since the version that `progress` follows. Raises
        StoreError."""
        scope, ver = progress.scope, progress.ver
        row = Row(scope.key, keys.PROGRESS, ver, encode_progress(progress))

        def stands() -> bool:
            stored = self.read_progress(scope)
            return (stored.ver, stored.run_id) == (ver, progress.run_id)

        return self._apply([Put(row, expect=ver - 1)], stands) is not Committed.LOST

    def read_alerts(self, scope: Scope) -> dict[str, AlertRecord]:
        """By alert_key, tombstones included. A row past its time that still stands is given too: a commit has to
        follow its version. Raises StoreError."""
        records = map(decode_alert, self._table.query(scope.key, keys.STATES))
        return {record.alert_key: record for record in records}

    def commit(self, commit: Commit) -> Committed:
        """One alert's change in one transaction: its state where the version is the one that was read, each message
        where there is none yet, its history. Raises StoreError; then nothing may be assumed."""
        _check(commit)
        outcome = self._apply(self._writes(commit), lambda: self._is_mine(commit))
        if outcome is Committed.LOST and self._stored(commit)[0] == commit.expected_ver:
            raise _refused(commit, "a message of this version is owed already")
        return outcome

    def _is_mine(self, commit: Commit) -> bool:
        return self._stored(commit) == (commit.record.ver, commit.record.run_id)

    def _stored(self, commit: Commit) -> tuple[int, str]:
        row = self._table.get(commit.scope.key, keys.state_row(commit.record.alert_key))
        return (0, "") if row is None else (row.ver, decode_alert(row).run_id)

    def read_history(self, scope: Scope, alert_key: str | None = None, limit: int = 100) -> tuple[HistoryEntry, ...]:
        """The newest first, of one alert or of the whole scope. Raises StoreError."""
        prefix = keys.HISTORY_OF_SCOPE if alert_key is None else f"{keys.HISTORY_OF_ALERT}{alert_key}#"
        rows = self._table.query(scope.key, prefix, limit=limit, newest_first=True)
        return tuple(decode(HistoryEntry, row) for row in rows)

    def _writes(self, commit: Commit) -> list[Write]:
        pk, now = commit.scope.key, self._now
        writes: list[Write] = [Put(self._state(pk, commit.record), expect=commit.expected_ver)]
        messages = {notification.channel: notification for notification in commit.notifications}
        writes += [owe(pk, notification, now) for notification in messages.values()]
        if commit.history is not None:
            data, until = encode(commit.history), now + HISTORY_SECONDS
            writes += [Put(Row(pk, sk, 1, data, until), expect=None) for sk in keys.history_rows(commit.history)]
        return writes

    def _state(self, pk: str, record: AlertRecord) -> Row:
        """Only what is well expires: an alert that stays open for a month without a change is still open."""
        until = self._now + TOMBSTONE_SECONDS if record.state is AlertState.OK else None
        return Row(pk, keys.state_row(record.alert_key), record.ver, encode(record), until)


def owe(pk: str, notification: Notification, now: int) -> Put:
    """The write by which a message becomes owed."""
    item = OutboxItem(notification, rev=1, created_at=now)
    return Put(Row(pk, keys.owed_row(notification), 1, encode(item)), expect=0)


def _check(commit: Commit) -> None:
    problem = _problem(commit)
    if problem:
        raise _refused(commit, problem)


def _problem(commit: Commit) -> str:
    record = commit.record
    if record.ver != commit.expected_ver + 1:
        return f"version {record.ver} does not follow {commit.expected_ver}"
    if len(commit.notifications) > MOST_CHANNELS:
        return f"{len(commit.notifications)} channels, {MOST_CHANNELS} at most"
    if any((n.alert_key, n.seq) != (record.alert_key, record.ver) for n in commit.notifications):
        return "a message of another alert or version"
    return ""


def _refused(commit: Commit, problem: str) -> StoreError:
    return StoreError(operation="commit", reason=Reason.REJECTED, detail=f"{commit.record.alert_key}: {problem}")
