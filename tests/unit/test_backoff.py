"""When an undelivered message is tried again; which of those that are owed may go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nephoscope.model.alert import Notification, OutboxItem, Owed, Subject, TransitionKind, Why
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.pipeline.backoff import FURTHEST, SLOWLY, SOON, chains, full_jitter, is_due, is_too_old, next_try

ALMOST_ONE = 1 - 2**-53


def an_item(key: str = "a", seq: int = 1, channel: str = "chat", **more) -> OutboxItem:
    subject = Subject("aws", "1", "eu-west-1", Kind.INSTANCE, "i-1")
    fired = TransitionKind.FIRED, Why.THRESHOLD_CROSSED, subject
    told = Notification(f"{key}{seq}{channel}", key, seq, channel, "acme", "cpu", Severity.INFO, *fired, "cpu > 1", 0)
    return OutboxItem(told, **more)


@pytest.mark.parametrize(
    ("attempts", "ceiling"), [(0, 15), (1, 15), (2, 30), (3, 60), (6, 480), (7, 540), (8, 540), (10_000, 540)]
)
def test_soon_doubles_up_to_nine_minutes(attempts: int, ceiling: float) -> None:
    assert full_jitter(SOON, attempts, 0.0) == 0
    assert full_jitter(SOON, attempts, 0.5) == ceiling / 2
    assert full_jitter(SOON, attempts, ALMOST_ONE) == pytest.approx(ceiling)


@pytest.mark.parametrize(("attempts", "ceiling"), [(1, 420), (2, 720), (3, 1320), (4, 2520), (5, 3600), (500, 3600)])
def test_slowly_is_at_least_two_minutes_and_at_most_an_hour(attempts: int, ceiling: float) -> None:
    assert full_jitter(SLOWLY, attempts, 0.0) == 120
    assert full_jitter(SLOWLY, attempts, ALMOST_ONE) == pytest.approx(ceiling)


@given(
    st.floats(0, 1e10), st.integers(0, 10**6), st.booleans(), st.none() | st.floats(0, 1e6), st.floats(0, ALMOST_ONE)
)
def test_never_before_the_receiver_said_and_never_out_of_sight(now, attempts, retryable, retry_after, chance) -> None:
    at = next_try(now, attempts, retryable=retryable, retry_after=retry_after, chance=chance)
    assert now <= at <= now + FURTHEST
    if retry_after is not None:
        assert at >= now + min(retry_after, FURTHEST)


@pytest.mark.parametrize(
    ("item", "due"),
    [
        (an_item(next_at=0), True),
        (an_item(next_at=1000), True),
        (an_item(next_at=1000.5), False),
        (an_item(next_at=1000 + FURTHEST), False),
        (an_item(next_at=1001 + FURTHEST), True),
        (an_item(status=Owed.LEASED, next_at=0, lease_until=1060), False),
        (an_item(status=Owed.LEASED, next_at=0, lease_until=1000), True),
        (an_item(status=Owed.LEASED, next_at=5000, lease_until=999), True),
        (an_item(status=Owed.LEASED, lease_until=90_000), True),
        (an_item(status=Owed.DEAD), False),
    ],
)
def test_due(item: OutboxItem, due: bool) -> None:
    assert is_due(item, 1000) is due


def test_too_old_counts_from_when_it_became_owed() -> None:
    item = an_item(created_at=1000)
    assert not is_too_old(item, 1000 + 59, 60)
    assert is_too_old(item, 1000 + 60, 60)


def test_chains_are_by_alert_and_channel_in_order_of_seq_the_oldest_head_first() -> None:
    items = (
        an_item("a", 10, created_at=30),
        an_item("a", 9, created_at=20),
        an_item("a", 9, "oncall", created_at=5),
        an_item("b", 1, created_at=10),
        an_item("a", 2, created_at=20),
        an_item("b", 7, status=Owed.DEAD),
    )
    found = [[(i.notification.alert_key, i.notification.channel, i.notification.seq) for i in c] for c in chains(items)]
    assert found == [
        [("a", "oncall", 9)],
        [("b", "chat", 1)],
        [("a", "chat", 2), ("a", "chat", 9), ("a", "chat", 10)],
    ]
    assert chains(()) == ()
