"""The model is of the product: random walks along it are walked by the product's own code too, step by step."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing
from typing import Any

import pytest

import wrong_protocols as wrong
from delivery_faults import Setting
from delivery_moves import Protocol
from delivery_world import World
from kinds_of_moves import KINDS
from nephoscope.app import courier, deliver
from nephoscope.model.alert import OutboxItem
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline
from nephoscope.stores import sqlite
from nephoscope.stores.memory import Memory
from walking import Walk

TWO = Setting("two runs", "rr", 2, 2, 2, gives_up=True, late=True, skewed=True)
THREE = Setting("two runs and a sweeper", "rrs", 2, 1, 2, gives_up=True, late=True, skewed=True)
RUNS_OUT = Setting("two runs, rows run out", "rr", 3, 1, 2, late=True, expires=True)
WALKS = 300
MOVES = 120


def walk(setting: Setting, seeds: int, **world: Any) -> Counter[tuple[str, str]]:
    """How often each kind of move was taken. Raises AssertionError where the code and the model part."""
    taken: Counter[tuple[str, str]] = Counter()
    with closing(sqlite.open_table(":memory:")) as table:
        for seed in range(seeds):
            place = World(table, Scope(Cloud.AWS, f"{seed:012d}", "eu-west-1"), **world)
            Walk(Protocol(setting), place, random.Random(seed), taken).go(MOVES)  # noqa: S311 - a seed, not a secret
    return taken


def test_the_code_walks_where_the_model_walks() -> None:
    taken: Counter[tuple[str, str]] = Counter()
    for setting in (TWO, THREE, RUNS_OUT):
        taken += walk(setting, WALKS)
    print(f"\n{3 * WALKS:,} walks, {taken.total():,} moves")
    print(*(f"  {times:>7,}  {': '.join(move)}" for move, times in sorted(taken.items())), sep="\n")
    assert KINDS - taken.keys() == set()
    assert taken["has no time left", "done"] < taken.total() / 200  # where the code leaves the model's way


class KnowsNoHolder(Memory):
    """After a conflict or a lost answer, any claim of that version passes for its own."""

    def _stands(self, scope: Scope, sk: str, item: OutboxItem) -> bool:
        row = self._table.get(scope.key, sk)
        return row is not None and row.ver == item.rev


@pytest.mark.parametrize(
    "memory",
    [
        KnowsNoHolder,
        wrong.ClaimsBlindly,
        wrong.DeletesBeforeSending,
        wrong.ForgetsOnError,
        wrong.RestartsVersions,
        wrong.WritesTwice,
    ],
    ids=lambda memory: memory.__name__,
)
def test_another_memory_leaves_the_model(memory: type) -> None:
    with pytest.raises(AssertionError, match=r"the model: |: real .*, model |no write of the protocol"):
        walk(TWO, 200, memory_class=memory)


def test_a_loop_that_keeps_no_order_leaves_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "chains", lambda items: tuple((item,) for item in items))
    with pytest.raises(AssertionError, match=r"about to .*write.*the model: "):
        walk(TWO, 200)


def test_a_courier_that_does_not_look_at_its_lease_leaves_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier.Courier, "_lease", lambda _courier: Deadline(1e18, lambda: 0.0))
    with pytest.raises(AssertionError, match=r"about to .*send.*the model: .*gives back"):
        walk(TWO, 200)
