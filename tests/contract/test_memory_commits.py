"""States, progress and history, on SQLite and on DynamoDB: what one run leaves and the next one finds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alert_records import ELSEWHERE, SCOPE, a_commit, by_another
from nephoscope.model.alert import AlertRecord, AlertState
from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.memory import Progress
from nephoscope.model.time import DAY
from nephoscope.ports import Put, Row
from nephoscope.stores.memory import Committed, Memory


@pytest.fixture
def memory(memory_store, clock) -> Memory:
    return Memory(memory_store.table, clock)


def fired(memory: Memory, key: str = "a1") -> None:
    assert memory.commit(a_commit(key)) is Committed.COMMITTED


# --- commits ------------------------------------------------------------------------------------------------------


def test_an_empty_memory(memory: Memory) -> None:
    assert memory.read_alerts(SCOPE) == {}
    assert memory.read_progress(SCOPE) == Progress(SCOPE)
    assert memory.owed(SCOPE) == ()
    assert memory.read_history(SCOPE) == ()
    assert memory.read_snapshot(SCOPE) is None


def test_a_commit_leaves_state_messages_and_history_together(memory: Memory, clock) -> None:
    commit = a_commit(channels=("chat", "oncall"))
    assert memory.commit(commit) is Committed.COMMITTED
    assert memory.read_alerts(SCOPE) == {"a1": commit.record}
    owed = {item.notification.channel: item for item in memory.owed(SCOPE)}
    assert {name: item.notification for name, item in owed.items()} == {n.channel: n for n in commit.notifications}
    assert {(item.rev, item.fence, item.attempts, item.created_at) for item in owed.values()} == {(1, 0, 0, clock.now)}
    assert memory.read_history(SCOPE) == (commit.history,)


def test_a_full_record_comes_back_whole(memory: Memory) -> None:
    record = AlertRecord(
        "k", "disk-full", "i-1", (("device", "nvme1n1"), ("path", "/ü")), 1, AlertState.LOST, 10, 20, 3, 5, 0.5, 1.0, 2,
        ("chat", "oncall"), "run-1",
    )  # fmt: skip
    memory.commit(replace(a_commit(told=False), record=record))
    assert memory.read_alerts(SCOPE) == {"k": record}


def test_scopes_do_not_see_each_other(memory: Memory) -> None:
    fired(memory)
    assert memory.read_alerts(ELSEWHERE) == {}
    assert memory.owed(ELSEWHERE) == ()


def test_the_same_commit_of_another_run_is_lost_and_leaves_nothing(memory: Memory) -> None:
    fired(memory)
    late = by_another(a_commit(channels=("oncall",)))
    assert memory.commit(late) is Committed.LOST
    assert memory.read_alerts(SCOPE)["a1"].run_id == "run-1"
    assert [item.notification.channel for item in memory.owed(SCOPE)] == ["chat"]


def test_the_same_commit_of_the_same_run_was_done_already(memory: Memory) -> None:
    fired(memory)
    assert memory.commit(a_commit()) is Committed.ALREADY
    assert len(memory.read_outbox(SCOPE)) == 1


def test_a_commit_that_skips_a_version_is_lost(memory: Memory) -> None:
    fired(memory)
    assert memory.commit(a_commit(ver=3, state=AlertState.OK)) is Committed.LOST


def test_one_run_may_commit_an_alert_several_times_in_order(memory: Memory) -> None:
    for ver, state in ((1, AlertState.FIRING), (2, AlertState.OK), (3, AlertState.FIRING)):
        assert memory.commit(a_commit(ver=ver, state=state)) is Committed.COMMITTED
    assert [item.notification.seq for item in memory.read_outbox(SCOPE)] == [1, 2, 3]


def test_a_silent_commit_owes_nothing(memory: Memory) -> None:
    assert memory.commit(a_commit(told=False)) is Committed.COMMITTED
    assert memory.read_outbox(SCOPE) == ()
    assert memory.commit(by_another(a_commit(told=False))) is Committed.LOST


def test_a_channel_that_is_named_twice_is_owed_one_message(memory: Memory) -> None:
    assert memory.commit(a_commit(channels=("chat", "oncall", "chat"))) is Committed.COMMITTED
    assert len(memory.read_outbox(SCOPE)) == 2


def test_ninety_channels_fit_into_one_commit_and_more_are_refused(memory: Memory) -> None:
    channels = tuple(f"c{number}" for number in range(91))
    with pytest.raises(StoreError, match="91 channels, 90 at most"):
        memory.commit(a_commit(channels=channels))
    assert memory.commit(a_commit(channels=channels[:90])) is Committed.COMMITTED
    assert len(memory.owed(SCOPE)) == 90


def test_a_commit_that_contradicts_itself_is_refused(memory: Memory) -> None:
    commit = a_commit()
    with pytest.raises(StoreError, match="version 1 does not follow 4"):
        memory.commit(replace(commit, expected_ver=4))
    with pytest.raises(StoreError, match="another alert or version"):
        memory.commit(replace(commit, notifications=a_commit("b2").notifications))
    assert memory.read_alerts(SCOPE) == {}


def test_a_message_in_the_way_is_said_and_not_taken_for_another_run(memory: Memory, memory_store) -> None:
    """It cannot be, as long as versions never restart; should it be, silence would block the scope for ever."""
    fired(memory)
    state = memory_store.table.get(SCOPE.key, "S#a1")
    memory_store.table.transact([Put(replace(state, ver=4), expect=None)])
    memory.enqueue(SCOPE, a_commit(ver=5).notifications[0])
    with pytest.raises(StoreError, match="owed already") as caught:
        memory.commit(a_commit(ver=5))
    assert caught.value.reason is Reason.REJECTED


# --- tombstones ---------------------------------------------------------------------------------------------------


def test_an_alert_that_ended_stays_and_its_version_goes_on(memory: Memory) -> None:
    fired(memory)
    memory.commit(a_commit(ver=2, state=AlertState.OK))
    assert memory.read_alerts(SCOPE)["a1"].state is AlertState.OK
    memory.commit(a_commit(ver=3))
    ids = [item.notification.id for item in memory.read_outbox(SCOPE)]
    assert len(set(ids)) == 3


def test_a_stale_run_finds_no_empty_place(memory: Memory) -> None:
    """It read before the first incident began, was frozen through it, and now wants to tell of the same."""
    stale = by_another(a_commit())
    fired(memory)
    memory.commit(a_commit(ver=2, state=AlertState.OK))
    for item in memory.owed(SCOPE):
        memory.finish(SCOPE, memory.claim(SCOPE, item, 60))
    assert memory.commit(stale) is Committed.LOST
    assert memory.read_alerts(SCOPE)["a1"].ver == 2


def test_only_what_is_well_expires_and_long_after_receipts_and_messages(memory: Memory, memory_store, clock) -> None:
    def expiry() -> int | None:
        return memory_store.table.get(SCOPE.key, "S#a1").expires_at

    fired(memory)
    assert expiry() is None
    memory.commit(a_commit(ver=2, state=AlertState.OK))
    assert expiry() >= clock.now + 15 * DAY
    memory.commit(a_commit(ver=3))
    assert expiry() is None


def test_a_tombstone_past_its_time_that_still_stands_is_followed(memory: Memory, clock) -> None:
    """DynamoDB deletes what has expired within days, not at once."""
    fired(memory)
    memory.commit(a_commit(ver=2, state=AlertState.OK))
    clock.sleep(100 * DAY)
    assert memory.read_alerts(SCOPE)["a1"].ver == 2
    assert memory.commit(a_commit(ver=3)) is Committed.COMMITTED


# --- progress -----------------------------------------------------------------------------------------------------

PROGRESS = Progress(
    SCOPE, 1, 1_800_000_000, "run-1", {"cpu.utilization@60": 1_799_999_940}, {"instances": 5}, {"cpu@60": 3},
    1_800_000_001, 4, "abc", 1_799_999_700, {"cpu|i-1": 7},
)  # fmt: skip


def test_progress_comes_back_whole(memory: Memory) -> None:
    assert memory.write_progress(PROGRESS)
    assert memory.read_progress(SCOPE) == PROGRESS


def test_of_two_who_follow_the_same_progress_one_wins(memory: Memory) -> None:
    assert memory.write_progress(PROGRESS)
    assert not memory.write_progress(replace(PROGRESS, run_id="another"))
    assert memory.write_progress(replace(PROGRESS, ver=2, run_id="another", slot=1_800_000_060))
    assert not memory.write_progress(replace(PROGRESS, ver=2))
    assert memory.read_progress(SCOPE).slot == 1_800_000_060


def test_progress_written_twice_by_one_run_stands(memory: Memory) -> None:
    assert memory.write_progress(PROGRESS)
    assert memory.write_progress(PROGRESS)


# --- history ------------------------------------------------------------------------------------------------------


def test_history_is_newest_first_of_one_alert_and_of_the_scope(memory: Memory) -> None:
    times = {"a1": (100, 400, 900), "b2": (200, 300, 1_000_000)}
    for key, moments in times.items():
        for ver, at in enumerate(moments, start=1):
            memory.commit(a_commit(key, ver, at=at, state=AlertState.FIRING if ver % 2 else AlertState.OK))
    assert [entry.at for entry in memory.read_history(SCOPE)] == [1_000_000, 900, 400, 300, 200, 100]
    assert [entry.at for entry in memory.read_history(SCOPE, limit=2)] == [1_000_000, 900]
    assert [entry.at for entry in memory.read_history(SCOPE, "a1")] == [900, 400, 100]
    assert [entry.at for entry in memory.read_history(SCOPE, "a1", limit=1)] == [900]
    assert memory.read_history(SCOPE, "a") == ()


def test_history_is_kept_for_ninety_days(memory: Memory, memory_store, clock) -> None:
    fired(memory)
    rows = memory_store.table.query(SCOPE.key, "H")
    assert {row.expires_at for row in rows} == {int(clock.now) + 90 * DAY}


# --- rows that cannot be read -------------------------------------------------------------------------------------


def test_fields_of_a_newer_version_are_passed_over(memory: Memory, memory_store) -> None:
    fired(memory)
    row = memory_store.table.get(SCOPE.key, "S#a1")
    memory_store.table.transact([Put(replace(row, data={**row.data, "mood": ["blue"]}), expect=None)])
    assert memory.read_alerts(SCOPE) == {"a1": a_commit().record}


@pytest.mark.parametrize("data", [{}, {"alert_key": "a1", "rule": 5, "resource_id": "i"}, {"alert_key": "secret-tag"}])
def test_a_state_that_cannot_be_read_is_named_and_never_quoted(memory: Memory, memory_store, data) -> None:
    memory_store.table.transact([Put(Row(SCOPE.key, "S#a1", 1, data), expect=0)])
    with pytest.raises(StoreError, match="S#a1 is no AlertRecord") as caught:
        memory.read_alerts(SCOPE)
    assert caught.value.reason is Reason.MALFORMED
    assert "secret-tag" not in str(caught.value)
