"""In what order one channel's messages are tried."""

from __future__ import annotations

from nephoscope.app.deliver import TRIES_IN_A_TURN, plan_lanes
from nephoscope.model.alert import OutboxItem
from nephoscope.stores.memory import Owing
from tests.alert_records import SCOPE, a_notification


def an_item(key: str, attempts: int, created_at: float) -> OutboxItem:
    return OutboxItem(a_notification(key), attempts=attempts, created_at=created_at)


def test_what_has_failed_for_fewer_turns_comes_first_and_then_the_oldest() -> None:
    """So each sweep knocks with another message at a receiver that is down, and no message spends its tries."""
    items = [an_item(f"k{n}", attempts, at) for n, (attempts, at) in enumerate([(2, 10), (0, 30), (1, 5), (0, 20)] * 8)]
    lanes = plan_lanes({SCOPE: Owing(tuple(items))})
    assert sum(len(lane.chains) for lane in lanes) == len(items)
    for lane in lanes:
        turns = [(chain[0].attempts // TRIES_IN_A_TURN, chain[0].created_at) for _, chain in lane.chains]
        assert turns == sorted(turns)
