"""What is SQLite's own: one file, several processes, locks, and rows that have expired."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.time import DAY
from nephoscope.ports import Put, Row
from nephoscope.stores import sqlite

ADD = """
import sys
from nephoscope.ports import Put, Row
from nephoscope.stores.sqlite import open_table
table = open_table(sys.argv[1])
done = 0
while done < 25:
    row = table.get("p", "count")
    ver, number = (row.ver, row.data["number"]) if row else (0, 0)
    done += table.transact([Put(Row("p", "count", ver + 1, {"number": number + 1}), ver)]) == "done"
"""


def test_four_processes_count_together_without_losing_any(tmp_path: Path) -> None:
    """They also open, and so make, the file at the same moment."""
    path = str(tmp_path / "memory.db")
    started = [subprocess.Popen([sys.executable, "-c", ADD, path], stderr=subprocess.PIPE) for _ in range(4)]
    said = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0] * 4, said
    with closing(sqlite.open_table(path)) as table:
        assert table.get("p", "count").data == {"number": 100}


def test_a_file_that_another_holds_locked_has_taken_nothing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    path = str(tmp_path / "memory.db")
    with closing(sqlite.open_table(path)) as table, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked") as caught:
            table.transact([Put(Row("p", "k", 1, {}), 0)])
        assert (caught.value.reason, caught.value.ambiguous) == (Reason.UNAVAILABLE, False)
        assert table.get("p", "k") is None, "readers go on"
        other.execute("ROLLBACK")
        assert table.transact([Put(Row("p", "k", 1, {}), 0)]) == "done"


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    path.write_text("these are notes of a meeting, " * 100)
    with pytest.raises(StoreError) as caught:
        sqlite.open_table(str(path))
    assert caught.value.reason is Reason.MALFORMED
    with pytest.raises(StoreError) as caught:
        sqlite.open_table(str(tmp_path / "no" / "such" / "folder" / "memory.db"))
    assert caught.value.reason is Reason.UNAVAILABLE


def test_what_has_expired_goes_a_day_later_at_the_next_opening(tmp_path: Path) -> None:
    path = str(tmp_path / "memory.db")
    with closing(sqlite.open_table(path, wall=lambda: 0)) as table:
        for sk, until in (("old", 1000), ("young", 2000), ("never", None)):
            table.transact([Put(Row("p", sk, 1, {}, until), 0)])
    with closing(sqlite.open_table(path, wall=lambda: 1500 + DAY)) as table:
        assert [row.sk for row in table.query("p", "")] == ["never", "young"]


def test_an_interrupt_within_a_transaction_undoes_it(tmp_path: Path, monkeypatch) -> None:
    with closing(sqlite.open_table(str(tmp_path / "memory.db"))) as table:
        monkeypatch.setattr(table, "_delete", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            table.transact([Put(Row("p", "k", 1, {}), 0), sqlite.Delete("p", "j", None)])
        assert table.get("p", "k") is None
        assert table.transact([Put(Row("p", "k", 1, {}), 0)]) == "done"
