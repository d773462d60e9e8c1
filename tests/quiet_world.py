"""The world of the delivery tests with one rule, one open alert, and silences as the command line writes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from alert_records import SCOPE, a_commit
from delivery_world import Process, World, a_config
from nephoscope.model.alert import (
    AlertRecord,
    AlertState,
)
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.quiet import Matcher, Silence
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Comparison, Rule, Threshold
from nephoscope.pipeline.audience import Audience
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.quiet import active_mutes
from nephoscope.pipeline.reminders import plan_reminders
from nephoscope.stores.memory import Committed, Memory
from nephoscope.stores.sqlite import open_table

KEY = "a1"
RULE = Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9), tell=("chat", "oncall"))
MACHINE = Resource(SCOPE, Kind.INSTANCE, "i-0abc", name="web-1")
MINUTE = 60


def quiet_world() -> World:
    made = World(open_table(":memory:"), SCOPE)
    made.config = replace(a_config(Channel("chat"), Channel("oncall")), rules=(RULE,))
    return made


def silence(world: World, minutes: int = 10, **match: Any) -> Silence:
    start = int(world.now) // MINUTE * MINUTE
    said = Silence("s1", Matcher(**(match or {"rules": ("cpu-hot",)})), start, start + minutes * MINUTE)
    Memory(world.table, Process(world)).write_silence(SCOPE.cloud, said)
    return said


def memory_of(world: World) -> Memory:
    return Process(world).memory


def record_of(world: World) -> AlertRecord:
    return memory_of(world).read_alerts(SCOPE)[KEY]


def fire(world: World, channels: tuple[str, ...] = ("chat", "oncall")) -> None:
    assert memory_of(world).commit(a_commit(KEY, 1, channels=channels)) is Committed.COMMITTED


def end(world: World) -> None:
    """As a run does: whoever the record says was told is told of the end."""
    record = record_of(world)
    commit = a_commit(KEY, record.ver + 1, AlertState.OK, channels=record.told, told=bool(record.told))
    assert memory_of(world).commit(commit) is Committed.COMMITTED


def remind(world: World) -> list[tuple[str, str]]:
    """A run's reminders at this minute: who is told, and why."""
    memory, slot = memory_of(world), int(world.now) // MINUTE * MINUTE
    audience = Audience(world.config, active_mutes(world.config.quiet, memory.read_silences(SCOPE.cloud), slot))
    stamp = Stamp("acme", slot, f"run-{slot}", slot)
    changes = plan_reminders(
        memory.read_alerts(SCOPE).values(), {RULE.name: RULE}, {MACHINE.id: MACHINE}, audience, {}, stamp
    )
    for change in changes:
        assert memory.commit(change.commit) is Committed.COMMITTED
    return [(n.channel, str(n.why)) for change in changes for n in change.commit.notifications]


def arrived(world: World) -> list[tuple[str, str]]:
    return [(one.channel, str(one.notification.kind)) for one in world.arrivals]


def refuse(*channels: str) -> Callable[..., DeliveryError | None]:
    error = DeliveryError(destination="receiver", reason=Reason.UNAVAILABLE)
    return lambda message, _number: error if message.channel in channels else None
