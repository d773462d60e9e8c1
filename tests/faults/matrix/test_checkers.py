"""Each checker catches a protocol that is known to be wrong, in the very trials of the matrix, and only then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from trials import Outcome, lived
from trials_data import poison
from trials_receivers import down_meanwhile, storm
from trials_runs import (
    at_once,
    at_once_in_trouble,
    events_in_disorder,
    fires_again,
    killed_everywhere,
)

from nephoscope.app import deliver
from nephoscope.model.alert import AlertState, OutboxItem
from nephoscope.model.scope import Scope
from nephoscope.stores.memory import Committed, Memory
from wrong_protocols import ClaimsBlindly, DeletesBeforeSending, ForgetsOnError, RestartsVersions, WritesTwice


class ForgetsItsChanges(Memory):
    """Owes the messages, and remembers every alert as well."""

    def commit(self, commit: Any) -> Committed:
        return super().commit(replace(commit, record=replace(commit.record, state=AlertState.OK, fired_at=None)))


class KnowsNoPatience(Memory):
    """Whatever failed is due again at once."""

    def release(self, scope: Scope, item: OutboxItem, next_at: float, reason: str, *, tried: bool = True) -> bool:
        return super().release(scope, replace(item, attempts=-1), 0.0, reason, tried=tried)


class Stumbles(Memory):
    """Raises what nobody expects of a store."""

    def claim(self, scope: Scope, item: OutboxItem, lease_seconds: float) -> OutboxItem | None:
        raise KeyError(item.notification.id)


class TellsNobody(Memory):
    """Gives up in silence."""

    def give_up(self, scope: Scope, item: OutboxItem, reason: str, meta: Any) -> bool:
        return super().give_up(scope, item, reason, ())

    def set_aside(self, scope: Scope, row: Any, meta: Any) -> bool:
        return super().set_aside(scope, row, ())


def catches(letter: str, trial: Callable[..., Outcome], table: Any, seeds: range, **more: Any) -> bool:
    """Whether this checker finds something under one of the seeds."""
    return any(letter in lived(trial, table, seed, **more).violations for seed in seeds)


@pytest.mark.parametrize(
    ("letter", "trial", "wrong"),
    [
        ("L", at_once_in_trouble, DeletesBeforeSending),
        ("L", down_meanwhile, ForgetsOnError),
        ("L", killed_everywhere, WritesTwice),
        ("L", poison, TellsNobody),
        ("D", at_once, ClaimsBlindly),
        ("S", fires_again, ForgetsItsChanges),
        ("S", events_in_disorder, ForgetsItsChanges),
        ("S", fires_again, RestartsVersions),
        ("X", at_once, Stumbles),
        ("B", down_meanwhile, KnowsNoPatience),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_caught(sqlite_table, letter: str, trial: Any, wrong: type[Memory]) -> None:
    assert catches(letter, trial, sqlite_table, range(16), memory_class=wrong)


def test_caught_sending_out_of_order(sqlite_table) -> None:
    with mock.patch.object(deliver, "chains", lambda items: tuple((item,) for item in items)):
        assert catches("O", at_once_in_trouble, sqlite_table, range(12))


def test_caught_trying_the_oldest_again_and_again(sqlite_table) -> None:
    """As it was once: through a long storm a few messages met the receiver thirty times."""
    with mock.patch.object(deliver, "TRIES_IN_A_TURN", 1_000_000):
        assert catches("B", storm, sqlite_table, range(1, 4), items=120, hours=1.0)


def test_killing_makes_copies_and_no_more_than_that(sqlite_table) -> None:
    """Otherwise the trials prove nothing: a kill between arrival and receipt must show as a copy."""
    outcome = killed_everywhere(sqlite_table, 0)
    assert 0 < outcome.copies <= outcome.faults
