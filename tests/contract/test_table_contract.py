"""What every store promises (ports.Table), on every store. Nothing here knows which one it is."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from nephoscope.model.errors import Reason, StoreError
from nephoscope.ports import Delete, Put, Row, Table
from nephoscope.stores.rows import UNREADABLE


def put(sk: str, expect: int | None = 0, ver: int = 1, pk: str = "p", **data: object) -> Put:
    return Put(Row(pk, sk, ver, data), expect)


def keys_of(rows: Sequence[Row]) -> list[str]:
    return [row.sk for row in rows]


@pytest.fixture
def table(store) -> Table:
    return store.table


def test_what_was_never_written_is_not_there(table: Table) -> None:
    assert table.get("p", "nothing") is None
    assert list(table.query("p", "")) == []


def test_a_row_comes_back_as_it_was_written(table: Table) -> None:
    row = Row("aws#1#eu", "S#a", 1, {"text": "x", "number": 7}, expires_at=4_100_000_000)
    assert table.transact([Put(row, 0)]) == "done"
    assert table.get("aws#1#eu", "S#a") == row
    assert list(table.query("aws#1#eu", "S#")) == [row]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "line\nbreak\ttab\x00nul",
        "ünïcode \u202e 😀 \ufffd",
        "half a pair \ud83d",
        "\"quotes\" \\ and 'these'",
        0,
        -1,
        2**53 + 1,
        1.5,
        1e-300,
        True,
        None,
        [],
        {},
        [1, ["two", {"three": [None]}]],
        {"": {"nested": 0.1}},
    ],
    ids=repr,
)
def test_any_json_value_survives(table: Table, value: object) -> None:
    table.transact([put("k", value=value)])
    found = table.get("p", "k")
    assert found is not None
    assert found.data == {"value": value}
    assert type(found.data["value"]) is type(value)


def test_expect_nothing_refuses_what_is_there(table: Table) -> None:
    assert table.transact([put("k", 0, text="first")]) == "done"
    assert table.transact([put("k", 0, text="second")]) == "conflict"
    assert table.get("p", "k").data == {"text": "first"}


def test_expect_a_version(table: Table) -> None:
    table.transact([put("k", 0, ver=1)])
    assert table.transact([put("k", 2, ver=3)]) == "conflict"
    assert table.transact([put("k", 1, ver=2, text="new")]) == "done"
    assert table.transact([put("k", 1, ver=2, text="late")]) == "conflict"
    assert table.get("p", "k") == Row("p", "k", 2, {"text": "new"})


def test_expect_a_version_of_what_is_not_there(table: Table) -> None:
    assert table.transact([put("k", 1, ver=2)]) == "conflict"
    assert table.get("p", "k") is None


def test_expect_anything_overwrites_anything(table: Table) -> None:
    assert table.transact([put("k", None, ver=1, text="one")]) == "done"
    assert table.transact([put("k", None, ver=1, text="two")]) == "done"
    assert table.get("p", "k").data == {"text": "two"}


def test_an_expiry_that_is_left_out_is_taken_away(table: Table) -> None:
    table.transact([Put(Row("p", "k", 1, {}, expires_at=4_100_000_000), 0)])
    table.transact([put("k", 1, ver=2)])
    assert table.get("p", "k").expires_at is None


@pytest.mark.parametrize(
    ("there", "expect", "outcome", "left"),
    [
        (1, 1, "done", False),
        (1, 2, "conflict", True),
        (1, None, "done", False),
        (1, 0, "conflict", True),
        (None, 1, "conflict", False),
        (None, None, "done", False),
        (None, 0, "done", False),
    ],
)
def test_delete(table: Table, there: int | None, expect: int | None, outcome: str, left: bool) -> None:
    if there is not None:
        table.transact([put("k", 0, ver=there)])
    assert table.transact([Delete("p", "k", expect)]) == outcome
    assert (table.get("p", "k") is not None) is left


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_condition_that_fails_undoes_all(table: Table, place: int) -> None:
    table.transact([put("there", 0, text="old"), put("goes", 0)])
    writes = [put("new", 0), Delete("p", "goes", 1)]
    writes.insert(place, put("there", 5, ver=6, text="wrong"))
    assert table.transact(writes) == "conflict"
    assert keys_of(table.query("p", "")) == ["goes", "there"]
    assert table.get("p", "there").data == {"text": "old"}


def test_a_transaction_puts_and_deletes_together(table: Table) -> None:
    table.transact([put("O#1", 0)])
    assert table.transact([Delete("p", "O#1", 1), put("R#1", None), put("O#2", 0)]) == "done"
    assert keys_of(table.query("p", "")) == ["O#2", "R#1"]


def test_nothing_to_write_is_done(table: Table) -> None:
    assert table.transact([]) == "done"


# --- queries ------------------------------------------------------------------------------------------------------

# In byte order of UTF-8, which is not the order of UTF-16: the last is beyond the basic plane.
KEYS = ["S#", "S#0", "S#A", "S#a", "S#a#1", "S#a#2", "S#b", "S#é", "S#\uffee", "S#😀"]


@pytest.fixture
def filled(table: Table) -> Table:
    for sk in [*reversed(KEYS), "R#1", "S", "S$", "T#1", "s#a"]:
        table.transact([put(sk, 0)])
    table.transact([put("S#other", 0, pk="q")])
    return table


def test_query_by_prefix_in_byte_order(filled: Table) -> None:
    assert keys_of(filled.query("p", "S#")) == KEYS


def test_query_newest_first(filled: Table) -> None:
    assert keys_of(filled.query("p", "S#", newest_first=True)) == KEYS[::-1]


def test_query_without_a_prefix_gives_the_partition(filled: Table) -> None:
    assert keys_of(filled.query("p", "")) == ["R#1", "S", *KEYS, "S$", "T#1", "s#a"]
    assert keys_of(filled.query("q", "")) == ["S#other"]


def test_query_limit(filled: Table) -> None:
    assert keys_of(filled.query("p", "S#", limit=3)) == KEYS[:3]
    assert keys_of(filled.query("p", "S#", limit=3, newest_first=True)) == KEYS[:-4:-1]
    assert list(filled.query("p", "S#", limit=0)) == []


def test_query_goes_on_after_a_key_whether_it_exists_or_not(filled: Table) -> None:
    assert keys_of(filled.query("p", "S#", after="S#a")) == KEYS[4:]
    assert keys_of(filled.query("p", "S#", after="S#a", newest_first=True)) == ["S#A", "S#0", "S#"]
    assert keys_of(filled.query("p", "S#", after="S#aa", limit=2)) == ["S#b", "S#é"]


@pytest.mark.parametrize("prefix", ["%", "_", "a%", "a_"])
def test_a_prefix_is_text_and_no_pattern(table: Table, prefix: str) -> None:
    for sk in ["%1", "_1", "a%1", "a_1", "ab1"]:
        table.transact([put(sk, 0)])
    assert keys_of(table.query("p", prefix)) == [f"{prefix}1"]


def test_query_reads_all_pages(table: Table) -> None:
    """DynamoDB answers at most 1 MB at a time."""
    for number in range(6):
        table.transact([put(f"V#{number}", 0, part="x" * 300_000)])
    assert keys_of(table.query("p", "V#")) == [f"V#{number}" for number in range(6)]
    assert keys_of(table.query("p", "V#", limit=5)) == [f"V#{number}" for number in range(5)]


def test_a_row_that_is_no_json_hides_nothing_beside_it(store) -> None:
    store.table.transact([put("O#1", 0), put("O#3", 0)])
    store.put_raw("p", "O#2", '{"cut off": ')
    rows = store.table.query("p", "O#")
    assert keys_of(rows) == ["O#1", "O#2", "O#3"]
    assert rows[1].data == {UNREADABLE: '{"cut off": '}


def test_another_opening_sees_the_same(store) -> None:
    store.table.transact([put("k", 0, text="kept")])
    assert store.reopen().get("p", "k").data == {"text": "kept"}


# --- what is refused ----------------------------------------------------------------------------------------------


def test_a_hundred_writes_fit(table: Table) -> None:
    assert table.transact([put(f"k{number:03}", 0) for number in range(100)]) == "done"
    assert len(table.query("p", "")) == 100


@pytest.mark.parametrize(
    ("writes", "reason"),
    [
        ([put(f"k{number}", 0) for number in range(101)], Reason.TOO_LARGE),
        ([put("a", 0), put("b", 0, pk="q")], Reason.REJECTED),
        ([put("a", 0), Delete("p", "a", 1)], Reason.REJECTED),
        ([put("ok", 0), put("large", 0, text="x" * 410_000)], Reason.TOO_LARGE),
        ([put(f"k{number}", 0, text="x" * 390_000) for number in range(11)], Reason.TOO_LARGE),
        ([put("", 0)], Reason.REJECTED),
        ([put("é" * 513, 0)], Reason.REJECTED),
    ],
    ids=["101 writes", "two partitions", "one item twice", "a large item", "a large request", "no key", "a long key"],
)
def test_what_one_store_refuses_all_refuse(table: Table, writes: list[Put | Delete], reason: Reason) -> None:
    with pytest.raises(StoreError) as caught:
        table.transact(writes)
    assert (caught.value.reason, caught.value.ambiguous) == (reason, False)
    assert list(table.query("p", "")) == []


# --- several at once ----------------------------------------------------------------------------------------------


def test_of_many_who_follow_one_version_exactly_one_wins(memory_store) -> None:
    """Four threads, each adding five to one counter and leaving a mark with each, by compare and swap. Not on moto,
    whose server checks and writes without a lock, and under load takes two for one version."""
    store = memory_store
    store.table.transact([put("count", 0, number=0)])
    start, failures = threading.Barrier(4), []

    def add(name: int) -> None:
        start.wait()
        done = 0
        while done < 5:
            row = store.table.get("p", "count")
            write = put("count", row.ver, ver=row.ver + 1, number=row.data["number"] + 1)
            if store.table.transact([write, put(f"mark#{name}#{done}", 0)]) == "done":
                done += 1
            else:
                failures.append(name)

    threads = [threading.Thread(target=add, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count = store.table.get("p", "count")
    assert (count.ver, count.data) == (21, {"number": 20})
    assert len(store.table.query("p", "mark#")) == 20
