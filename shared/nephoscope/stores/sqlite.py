"""The alert memory in one file, for one machine: the demo, the tests, a laptop, a small server with cron.

Several processes and threads may use the file at once. A transaction takes the write lock when it begins (BEGIN
IMMEDIATE), so that what it checks is what it changes; the write-ahead log lets readers go on meanwhile.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal

from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.time import DAY
from nephoscope.ports import Delete, Put, Row, Write
from nephoscope.stores.rows import check_transaction, pack, unpack

BUSY_SECONDS = 10.0
"""How long a writer waits for the others before it says that the store is not available."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    pk TEXT NOT NULL, sk TEXT NOT NULL, ver INTEGER NOT NULL, data TEXT NOT NULL, expires_at INTEGER,
    PRIMARY KEY (pk, sk)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_expiring ON items (expires_at) WHERE expires_at IS NOT NULL;
"""


def open_table(path: str, wall: Callable[[], float] = time.time) -> SqliteTable:
    """Open the file, making it where there is none, and drop what expired more than a day ago (`wall`: epoch
    seconds). `:memory:` is a store of its own for this process. Raises StoreError."""
    return SqliteTable(path, wall)


class SqliteTable:
    """ports.Table on SQLite. Safe to use from several threads; after a fork, open it again."""

    def __init__(self, path: str, wall: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        with _translated("open"):
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._prepare(wall())

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def get(self, pk: str, sk: str) -> Row | None:
        found = self._select("get", "pk = ? AND sk = ?", (pk, sk))
        return found[0] if found else None

    def query(
        self, pk: str, prefix: str, *, after: str = "", limit: int | None = None, newest_first: bool = False
    ) -> Sequence[Row]:
        where, values = "pk = ? AND sk >= ?", [pk, prefix]
        if (end := _end_of(prefix)) is not None:
            where, values = f"{where} AND sk < ?", [*values, end]
        if after:
            where, values = f"{where} AND sk {'<' if newest_first else '>'} ?", [*values, after]
        order = f"ORDER BY sk {'DESC' if newest_first else 'ASC'} LIMIT {-1 if limit is None else int(limit)}"
        return self._select("query", f"{where} {order}", values)

    def transact(self, writes: Sequence[Write]) -> Literal["done", "conflict"]:
        check_transaction(writes)
        with self._lock, _translated("transact"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                applied = all(self._apply(write) for write in writes)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            return self._end(applied)

    def _end(self, applied: bool) -> Literal["done", "conflict"]:
        if not applied:
            self._connection.execute("ROLLBACK")
            return "conflict"
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):  # SQLite may have ended the transaction by itself
                self._connection.execute("ROLLBACK")
            raise StoreError(
                operation="commit", reason=Reason.UNAVAILABLE, detail=str(error), ambiguous=True
            ) from error
        return "done"

    def _apply(self, write: Write) -> bool:
        return self._put(write) if isinstance(write, Put) else self._delete(write)

    def _put(self, put: Put) -> bool:
        row = put.row
        values = (row.ver, pack(row.data), row.expires_at, row.pk, row.sk)
        if put.expect:
            change = "UPDATE items SET ver = ?, data = ?, expires_at = ? WHERE pk = ? AND sk = ? AND ver = ?"
            return self._connection.execute(change, (*values, put.expect)).rowcount == 1
        instead = "REPLACE" if put.expect is None else "IGNORE"
        insert = f"INSERT OR {instead} INTO items (ver, data, expires_at, pk, sk) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
        return self._connection.execute(insert, values).rowcount == 1

    def _delete(self, delete: Delete) -> bool:
        key = (delete.pk, delete.sk)
        if delete.expect == 0:
            return self._connection.execute("SELECT 1 FROM items WHERE pk = ? AND sk = ?", key).fetchone() is None
        if delete.expect is None:
            self._connection.execute("DELETE FROM items WHERE pk = ? AND sk = ?", key)
            return True
        gone = self._connection.execute("DELETE FROM items WHERE pk = ? AND sk = ? AND ver = ?", (*key, delete.expect))
        return gone.rowcount == 1

    def _select(self, operation: str, where: str, values: Sequence[Any]) -> list[Row]:
        with self._lock, _translated(operation):
            found = self._connection.execute(
                f"SELECT pk, sk, ver, data, expires_at FROM items WHERE {where}",  # noqa: S608 - our own words only
                values,
            ).fetchall()
        return [Row(pk, sk, ver, unpack(data), expires_at) for pk, sk, ver, data, expires_at in found]

    def _prepare(self, now: float) -> None:
        self._log_ahead()
        self._connection.execute("PRAGMA synchronous = FULL")  # a promise to deliver survives a power cut
        self._connection.executescript(_SCHEMA)
        self._connection.execute("DELETE FROM items WHERE expires_at < ?", (now - DAY,))

    def _log_ahead(self) -> None:
        """The switch to the write-ahead log does not wait for others who open the file at the same moment."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)


def _end_of(prefix: str) -> str | None:
    """The smallest text that is greater than all that begin with `prefix`; None: there is none."""
    for length in range(len(prefix), 0, -1):
        code = ord(prefix[length - 1])
        if code < 0x10FFFF:
            following = 0xE000 if code == 0xD7FF else code + 1  # no text holds a surrogate
            return prefix[: length - 1] + chr(following)
    return None


@contextmanager
def _translated(operation: str) -> Iterator[None]:
    """SQLite's errors become ours. Nothing was written: a failed COMMIT has been translated before."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(operation=operation, reason=Reason.UNAVAILABLE, detail=str(error)) from error
    except sqlite3.Error as error:
        raise StoreError(operation=operation, reason=Reason.MALFORMED, detail=str(error)) from error
