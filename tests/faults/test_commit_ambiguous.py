"""The store's answer is lost: before the write happened, or after it. Whoever asks is told the truth either way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from alert_records import VirtualClock, a_commit, a_notification, by_another
from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.memory import Progress
from nephoscope.model.scope import Cloud, Scope
from nephoscope.ports import Put, Table, Write
from nephoscope.stores import dynamodb, sqlite
from nephoscope.stores.memory import Committed, Memory

Loss = Literal["before", "after", "never"]


@dataclass
class Losing:
    """Loses the answers of the coming transactions, in this order; meanwhile() is what others do before the next."""

    table: Table
    losses: list[Loss] = field(default_factory=list)
    meanwhile: list[Callable[[], Any]] = field(default_factory=list)
    asked: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)

    def transact(self, writes: Sequence[Write]) -> Literal["done", "conflict"]:
        self.asked += 1
        loss = self.losses.pop(0) if self.losses else "never"
        result = self.table.transact(writes) if loss != "before" else "done"
        if loss == "never":
            return result
        if self.meanwhile:
            self.meanwhile.pop(0)()
        raise StoreError(operation="transact", reason=Reason.TIMEOUT, ambiguous=True)


@pytest.fixture(scope="module", params=["sqlite", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    if request.param == "sqlite":
        with closing(sqlite.open_table(":memory:")) as opened:
            yield opened
        return
    ministack = request.getfixturevalue("ministack")
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in ministack.environment().items():
            patch.setenv(variable, value)
        client = dynamodb.open_client()
    dynamodb.create_table(client, "lost-answers")
    yield dynamodb.open_table("lost-answers", client=client)
    client.close()


@pytest.fixture
def losing(table: Table) -> Losing:
    return Losing(table)


@pytest.fixture
def scope() -> Scope:
    return Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1")


@pytest.fixture
def memory(losing: Losing) -> Memory:
    return Memory(losing, VirtualClock())


@pytest.fixture
def other(table: Table) -> Memory:
    """Another run, whose answers are not lost."""
    return Memory(table, VirtualClock())


@pytest.mark.parametrize(
    ("losses", "outcome", "asked"),
    [
        (["after"], Committed.ALREADY, 1),
        (["before"], Committed.COMMITTED, 2),
        (["before", "before"], Committed.COMMITTED, 3),
        (["before", "after"], Committed.ALREADY, 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("told", [True, False])
def test_a_commit_is_there_once_whatever_is_lost(losing, memory, scope, losses, outcome, asked, told) -> None:
    losing.losses = list(losses)
    commit = a_commit(scope=scope, told=told)
    assert memory.commit(commit) is outcome
    assert losing.asked == asked
    assert memory.read_alerts(scope) == {"a1": commit.record}
    assert len(memory.read_outbox(scope)) == told


def test_a_commit_that_gets_no_answer_at_all_is_an_error_that_says_so(losing, memory, scope) -> None:
    losing.losses = ["before"] * 3
    with pytest.raises(StoreError) as caught:
        memory.commit(a_commit(scope=scope))
    assert caught.value.ambiguous


@pytest.mark.parametrize("told", [True, False])
def test_another_run_wins_while_the_answer_is_out(losing, memory, other, scope, told) -> None:
    losing.losses = ["before"]
    losing.meanwhile = [lambda: other.commit(by_another(a_commit(scope=scope)))]
    assert memory.commit(a_commit(scope=scope, channels=("oncall",), told=told)) is Committed.LOST
    assert [item.notification.channel for item in memory.read_outbox(scope)] == ["chat"]


def test_the_write_arrives_after_all_while_it_is_being_repeated(losing, memory, table, scope) -> None:
    """A time-out is the caller's; the store may still be at it. The late write and the repetition are one."""
    commit = a_commit(scope=scope)
    late = Memory(table, VirtualClock())
    losing.losses = ["before", "before"]
    losing.meanwhile = [lambda: None, lambda: late.commit(commit)]
    assert memory.commit(commit) is Committed.ALREADY
    assert len(memory.read_outbox(scope)) == 1


@pytest.mark.parametrize("loss", ["before", "after"])
def test_progress(losing, memory, other, scope, loss) -> None:
    losing.losses = [loss]
    assert memory.write_progress(Progress(scope, ver=1, run_id="mine", slot=60))
    losing.losses = ["before"]
    losing.meanwhile = [lambda: other.write_progress(Progress(scope, ver=2, run_id="other", slot=120))]
    assert not memory.write_progress(Progress(scope, ver=2, run_id="mine", slot=120))
    assert memory.read_progress(scope).run_id == "other"


@pytest.mark.parametrize("loss", ["before", "after"])
def test_every_step_of_a_delivery(losing, memory, scope, loss) -> None:
    """Each is done exactly once, and the caller is told that it was."""
    memory.commit(a_commit(scope=scope))
    losing.losses = [loss]
    held = memory.claim(scope, memory.owed(scope)[0], 60)
    assert held is not None
    losing.losses = [loss]
    assert memory.release(scope, held, 0, "timeout")
    (again,) = memory.read_outbox(scope)
    assert (again.attempts, again.rev) == (1, 3)
    held = memory.claim(scope, again, 60)
    losing.losses = [loss]
    assert memory.finish(scope, held)
    assert memory.has_receipt(scope, held.notification)


@pytest.mark.parametrize("loss", ["before", "after"])
def test_giving_up_and_replaying(losing, memory, scope, loss) -> None:
    memory.commit(a_commit(scope=scope))
    losing.losses = [loss]
    assert memory.give_up(scope, memory.owed(scope)[0], "too old", (a_notification("meta", channel="oncall"),))
    (dead,) = [item for item in memory.read_outbox(scope) if item.status == "dead"]
    assert [item.notification.alert_key for item in memory.owed(scope)] == ["meta"]
    losing.losses = [loss]
    assert memory.replay(scope, dead)
    assert sorted(item.notification.alert_key for item in memory.owed(scope)) == ["a1", "meta"]


def test_two_that_claim_at_the_same_moment_do_not_both_take_a_lost_answer_for_theirs(
    losing, memory, other, scope
) -> None:
    memory.commit(a_commit(scope=scope))
    (item,) = memory.owed(scope)
    losing.losses = ["before"]
    claims: list[Any] = []
    losing.meanwhile = [lambda: claims.append(other.claim(scope, item, 60))]
    assert memory.claim(scope, item, 60) is None
    assert claims[0] is not None


def test_what_was_refused_is_not_repeated(losing, memory, scope, monkeypatch) -> None:
    def refuse(writes: Sequence[Write]) -> Literal["done", "conflict"]:
        assert all(isinstance(write, Put) for write in writes)
        losing.asked += 1
        raise StoreError(operation="transact", reason=Reason.DENIED)

    monkeypatch.setattr(losing, "transact", refuse)
    with pytest.raises(StoreError) as caught:
        memory.commit(a_commit(scope=scope))
    assert (caught.value.reason, losing.asked) == (Reason.DENIED, 1)
