"""The model is of the product: random walks along it are walked by the product's own code too, step by step."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
from delivery_faults import Setting
from delivery_moves import Protocol
from walking import Walk

from delivery_world import World
from nephoscope.model.scope import Cloud, Scope
from nephoscope.ports import Table
from nephoscope.stores import sqlite

SETTINGS = [
    Setting("two runs", "rr", 2, 2, 2, gives_up=True, late=True, skewed=True),
    Setting("three runs", "rrs", 2, 1, 2, gives_up=True, late=True, skewed=True),
    Setting("rows run out", "rr", 3, 1, 2, late=True, expires=True),
]
WALKS = 100
STEPS = 120


@pytest.fixture
def table() -> Iterator[Table]:
    with closing(sqlite.open_table(":memory:")) as opened:
        yield opened


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_code_walks_where_the_model_walks(table: Table, setting: Setting) -> None:
    taken: Counter[tuple[str, str]] = Counter()
    for seed in range(WALKS):
        world = World(table, Scope(Cloud.AWS, uuid.uuid4().hex, "eu-west-1"))
        Walk(Protocol(setting), world, random.Random(seed), taken).go(STEPS)  # noqa: S311 - a seed, not a secret
    print(f"\n{setting.name}: {taken.total():,} moves")
    for move, times in sorted(taken.items()):
        print(f"  {times:>7,}  {': '.join(move)}")
