"""Snapshots, the registry and the channels' states, on SQLite and on DynamoDB."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from alert_records import ELSEWHERE, SCOPE
from nephoscope.model.memory import ChannelState, Progress, RegisteredScope, Snapshot
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import DAY
from nephoscope.ports import Delete, Put, Row
from nephoscope.stores.memory import Memory

SNAPSHOT = Snapshot(
    SCOPE,
    1_800_000_000,
    (
        Resource(
            SCOPE, Kind.INSTANCE, "i-1", "web-ü", "t3.large", "eu-west-1a", State.RUNNING, "running", 1_700_000_000,
            {"env": "prod", "odd \ud83d": ""}, {"state": "running", "check.system": "ok"}, True,
        ),
        Resource(SCOPE, Kind.INSTANCE, "i-2"),
        Resource(SCOPE, Kind.BUCKET, "logs", name="logs", launched_at=0),
    ),
    {"cpu.utilization": {"i-1": (1_799_999_940, 0.125), "i-2": (1_799_999_880, 1.0)}},
    {"running": 1},
    ("aws 1 eu-west-1: DescribeInstances: denied",),
    ({"alert_key": "a1", "severity": "critical", "value": 0.97, "attributes": {"device": "x"}},),
    (2, 3),
)  # fmt: skip


@pytest.fixture
def memory(memory_store, clock) -> Memory:
    return Memory(memory_store.table, clock)


def show(memory: Memory, generation: int, scope: Scope = SCOPE) -> None:
    before = memory.read_progress(scope)
    assert memory.write_progress(Progress(scope, ver=before.ver + 1, run_id="r", generation=generation))


def rows_of(store) -> list[str]:
    return [row.sk for row in store.table.query(SCOPE.key, "V#")]


# --- snapshots ----------------------------------------------------------------------------------------------------


def test_a_snapshot_comes_back_whole_once_the_progress_names_it(memory: Memory) -> None:
    memory.write_snapshot(SNAPSHOT, 1)
    assert memory.read_snapshot(SCOPE) is None
    show(memory, 1)
    assert memory.read_snapshot(SCOPE) == SNAPSHOT
    assert memory.read_snapshot(ELSEWHERE) is None


def test_a_large_snapshot_is_cut_to_the_stores_limit(memory_store, clock) -> None:
    memory = Memory(memory_store.table, clock, item_bytes=5_000)
    noise = random.Random(7)  # noqa: S311 - a seed, not a secret
    machines = tuple(Resource(SCOPE, Kind.INSTANCE, f"i-{noise.getrandbits(68):017x}") for _ in range(800))
    memory.write_snapshot(replace(SNAPSHOT, resources=machines), 1)
    show(memory, 1)
    assert memory.read_snapshot(SCOPE).resources == machines
    chunks = [row for row in memory_store.table.query(SCOPE.key, "V#") if "part" in row.data]
    assert len(chunks) > 2
    assert max(len(str(row.data)) for row in chunks) <= 5_000


def test_a_snapshot_of_twenty_thousand_machines_fits_into_rows_of_dynamodb(memory: Memory) -> None:
    noise = random.Random(7)  # noqa: S311 - a seed, not a secret
    machines = tuple(
        Resource(SCOPE, Kind.INSTANCE, f"i-{noise.getrandbits(68):017x}", tags={"Name": f"{noise.random()}"})
        for _ in range(20_000)
    )
    memory.write_snapshot(replace(SNAPSHOT, resources=machines), 1)
    show(memory, 1)
    assert memory.read_snapshot(SCOPE).resources == machines


def test_old_generations_go_and_the_shown_one_stays_with_the_one_before(memory: Memory, memory_store) -> None:
    for generation in range(1, 6):
        memory.write_snapshot(replace(SNAPSHOT, slot=generation), generation)
        show(memory, generation)
    generations = {sk.split("#")[1] for sk in rows_of(memory_store)}
    assert generations == {"0000000004", "0000000005"}
    assert memory.read_snapshot(SCOPE).slot == 5


def test_two_runs_that_write_one_generation_never_give_a_mixture(memory_store, clock) -> None:
    one = Memory(memory_store.table, clock, item_bytes=2_100)
    noise = random.Random(7)  # noqa: S311 - a seed, not a secret
    names = [tuple(Resource(SCOPE, Kind.INSTANCE, noise.randbytes(30).hex()) for _ in range(9)) for _ in range(2)]
    for resources in names:
        one.write_snapshot(replace(SNAPSHOT, resources=resources), 1)
    show(one, 1)
    assert one.read_snapshot(SCOPE).resources == names[1]
    heads = [sk for sk in rows_of(memory_store) if sk.count("#") == 1]
    tokens = {sk.split("#")[2] for sk in rows_of(memory_store) if sk.count("#") > 1}
    assert (len(heads), len(tokens)) == (1, 1), "what was superseded is gone"


@pytest.mark.parametrize("damage", ["chunk lost", "head lost", "another format"])
def test_a_snapshot_that_is_not_whole_is_none(memory: Memory, memory_store, damage: str) -> None:
    memory.write_snapshot(SNAPSHOT, 1)
    show(memory, 1)
    head, chunk = rows_of(memory_store)
    match damage:
        case "chunk lost":
            write = Delete(SCOPE.key, chunk, None)
        case "head lost":
            write = Delete(SCOPE.key, head, None)
        case _:
            write = Put(Row(SCOPE.key, head, 1, {"format": 2}), None)
    memory_store.table.transact([write])
    assert memory.read_snapshot(SCOPE) is None


# --- registry -----------------------------------------------------------------------------------------------------

GCP = Scope(Cloud.GCP, "acme-web", "europe-west1")


def test_the_registry_knows_each_scope_once_sorted(memory: Memory, clock) -> None:
    for scope in (ELSEWHERE, GCP, SCOPE, SCOPE):
        memory.register(scope)
    at = int(clock.now)
    ours = tuple(RegisteredScope(scope, at, at) for scope in (SCOPE, ELSEWHERE))
    assert memory.read_registry(Cloud.AWS) == ours
    assert memory.read_registry() == (*ours, RegisteredScope(GCP, at, at))
    assert memory.read_registry(Cloud.AZURE) == ()


def test_last_seen_is_renewed_and_first_seen_is_not(memory: Memory, clock) -> None:
    memory.register(SCOPE)
    first = int(clock.now)
    clock.sleep(60)
    memory.register(SCOPE)
    assert memory.read_registry()[0].last_seen == first, "not worth a write"
    clock.sleep(DAY)
    memory.register(SCOPE)
    assert memory.read_registry() == (RegisteredScope(SCOPE, first, int(clock.now)),)


# --- channels -----------------------------------------------------------------------------------------------------


def test_a_channel_is_disabled_once_and_enabled_again(memory: Memory, clock) -> None:
    assert memory.read_channel_state(Cloud.AWS, "chat") == ChannelState("chat")
    assert memory.disable_channel(Cloud.AWS, "chat", "gone", "digest-1")
    assert not memory.disable_channel(Cloud.AWS, "chat", "gone", "digest-1")
    state = ChannelState("chat", 1, True, "gone", "digest-1", int(clock.now))
    assert memory.read_channel_states(Cloud.AWS) == {"chat": state}
    assert memory.read_channel_states(Cloud.GCP) == {}
    assert memory.enable_channel(Cloud.AWS, "chat")
    assert not memory.enable_channel(Cloud.AWS, "chat")
    assert memory.disable_channel(Cloud.AWS, "chat", "gone", "digest-2")
    assert memory.read_channel_state(Cloud.AWS, "chat").ver == 3
