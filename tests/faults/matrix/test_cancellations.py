"""A cancelled transaction gives a reason for each of its writes, and they may be mixed. What the real client makes of
DynamoDB's own answer decides whether another run has won, the same is tried again, or nothing can be done.
Source: Amazon DynamoDB API reference, TransactWriteItems, "TransactionCanceledException"."""

from __future__ import annotations

import uuid
from typing import Any

import dynamo_line as wire
import pytest
from living_world import Apart

from alert_records import VirtualClock, a_commit
from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.scope import Cloud, Scope
from nephoscope.stores.memory import Committed, Memory

CONFLICT, THROTTLED = "TransactionConflict", "ThrottlingError"
FAILED, TOO_LARGE, INVALID = "ConditionalCheckFailed", "ItemCollectionSizeLimitExceeded", "ValidationError"


@pytest.fixture
def scope() -> Scope:
    return Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1")


@pytest.mark.parametrize(
    ("reasons", "outcome"),
    [
        ((CONFLICT,), Committed.COMMITTED),
        (("None", CONFLICT, "None"), Committed.COMMITTED),
        ((CONFLICT, THROTTLED), Committed.COMMITTED),
        (("ProvisionedThroughputExceeded", CONFLICT), Committed.COMMITTED),
        ((FAILED,), Committed.LOST),
        ((FAILED, CONFLICT), Committed.LOST),
        ((CONFLICT, FAILED, THROTTLED), Committed.LOST),
        ((THROTTLED, "None", FAILED), Committed.LOST),
        ((FAILED, INVALID), Committed.LOST),
        ((CONFLICT, INVALID), Reason.REJECTED),
        ((THROTTLED, TOO_LARGE), Reason.TOO_LARGE),
        (("None", "None"), Reason.MALFORMED),
        (("SomethingNew",), Reason.MALFORMED),
    ],
    ids=lambda each: "+".join(each) if isinstance(each, tuple) else str(each),
)
def test_what_a_mixed_cancellation_means(dynamo_line: Any, scope: Scope, reasons: Any, outcome: Any) -> None:
    """A condition that failed: another run stands there by now (it is put there first). What may pass is repeated."""
    memory = Memory(Apart(dynamo_line.table), VirtualClock())
    commit = a_commit(scope=scope, channels=("chat", "oncall"))
    if outcome is Committed.LOST:
        memory.commit(a_commit(scope=scope, run_id="another"))
    dynamo_line.fail([wire.cancelled(*reasons)], "TransactWriteItems")
    if isinstance(outcome, Reason):
        with pytest.raises(StoreError) as caught:
            memory.commit(commit)
        assert (caught.value.reason, caught.value.ambiguous) == (outcome, False)
        assert memory.read_alerts(scope) == {}
        return
    assert memory.commit(commit) is outcome
    assert len(dynamo_line.hits) == 1
    (record,) = memory.read_alerts(scope).values()
    assert record.run_id == ("another" if outcome is Committed.LOST else "run-1")


@pytest.mark.parametrize(
    "faults",
    [
        [wire.LOST],
        [wire.INTERNAL_APPLIED],
        [wire.LOST, wire.cancelled(CONFLICT)],
        [wire.cancelled(CONFLICT), wire.LOST, wire.THROTTLED],
        [wire.HUNG],
    ],
    ids=["cut", "500", "cut, then in conflict with itself", "in the middle", "hung"],
)
def test_what_was_written_without_an_answer_is_known_to_be_ours(dynamo_line: Any, scope: Scope, faults: Any) -> None:
    memory = Memory(Apart(dynamo_line.table), VirtualClock())
    dynamo_line.fail(faults, "TransactWriteItems")
    assert memory.commit(a_commit(scope=scope)) in (Committed.COMMITTED, Committed.ALREADY)
    assert len(dynamo_line.hits) == len(faults)
    assert len(memory.read_outbox(scope)) == 1
