"""Signs of life, on SQLite and on DynamoDB."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nephoscope.model.beat import Beat, Seen
from nephoscope.model.scope import Cloud
from nephoscope.stores.memory import Memory

FIRST = Beat(Cloud.GCP, 1, 1_800_000_000, 1_800_000_007, 1_800_000_000, {"azure": Seen(1_799_999_940, 60)}, ("azure",))


@pytest.fixture
def memory(memory_store, clock) -> Memory:
    return Memory(memory_store.table, clock)


def test_a_beat_comes_back_whole_and_belongs_to_its_cloud(memory: Memory) -> None:
    assert memory.read_beat(Cloud.GCP) == Beat(Cloud.GCP)
    assert memory.write_beat(FIRST)
    assert memory.read_beat(Cloud.GCP) == FIRST
    assert memory.read_beat(Cloud.AWS).ver == 0
    assert memory.read_registry(Cloud.GCP) == ()  # another partition


def test_of_two_runs_that_read_the_same_beat_one_leaves_the_next(memory: Memory) -> None:
    memory.write_beat(FIRST)
    assert memory.write_beat(replace(FIRST, ver=2, ran=60))
    assert not memory.write_beat(replace(FIRST, ver=2, ran=120))
    assert memory.read_beat(Cloud.GCP).ran == 60
