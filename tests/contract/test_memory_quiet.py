"""Silences and acknowledgements, on SQLite and on DynamoDB."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alert_records import ELSEWHERE, SCOPE
from nephoscope.model.quiet import Acknowledgement, Matcher, Silence
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Cloud
from nephoscope.stores.memory import Memory

SAID = Silence(
    "4f2a91cc",
    Matcher(("cpu-*",), ("web-ü",), ("critical",), where=Selector({"env": ("staging", "*")}), labels={"team": "web"}),
    1_800_000_000,
    1_800_007_200,
    "ana",
    "deploy",
)


@pytest.fixture
def memory(memory_store, clock) -> Memory:
    return Memory(memory_store.table, clock)


def test_a_silence_comes_back_whole_and_belongs_to_its_cloud(memory: Memory) -> None:
    memory.write_silence(Cloud.AWS, SAID)
    assert memory.read_silences(Cloud.AWS) == (SAID,)
    assert memory.read_silences(Cloud.GCP) == ()


def test_saying_it_anew_changes_its_end(memory: Memory) -> None:
    memory.write_silence(Cloud.AWS, SAID)
    other = replace(SAID, id="00000001", ends=SAID.ends + 60)
    memory.write_silence(Cloud.AWS, other)
    memory.write_silence(Cloud.AWS, over := replace(SAID, ends=SAID.starts + 1))
    assert memory.read_silences(Cloud.AWS) == (over, other)  # by their end
    assert memory.read_registry(Cloud.AWS) == ()  # the same partition, other rows
    assert memory.read_channel_states(Cloud.AWS) == {}


def test_an_acknowledgement_belongs_to_its_scope_and_the_last_one_holds(memory: Memory) -> None:
    first = Acknowledgement("a1", 1, "ana", 1_800_000_000)
    memory.acknowledge(SCOPE, first)
    memory.acknowledge(SCOPE, later := replace(first, episode=2, by="ben"))
    assert memory.read_acknowledged(SCOPE) == {"a1": later}
    assert memory.read_acknowledged(ELSEWHERE) == {}
    assert memory.read_alerts(SCOPE) == {}
