"""A message that is owed to a channel of a world, a receiver that says no, and what became of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alert_records import a_commit
from delivery_world import Process, World
from nephoscope.model.alert import Notification, OutboxItem
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.stores.memory import Memory


def refusal(reason: Reason, **more: Any) -> DeliveryError:
    return DeliveryError(destination="receiver", reason=reason, **more)


def only(channel: str, error: DeliveryError) -> Callable[[Notification, int], DeliveryError | None]:
    """This channel's receiver says this to everything; the others take all."""
    return lambda notification, _number: error if notification.channel == channel else None


def owe(world: World, *channels: str, key: str = "a1") -> Memory:
    memory = Process(world).memory
    memory.commit(a_commit(key, channels=channels or ("chat",), scope=world.scope))
    return memory


def of_chat(memory: Memory, world: World) -> list[OutboxItem]:
    return [item for item in memory.read_outbox(world.scope) if item.notification.channel == "chat"]


def told(world: World) -> list[tuple[str, str]]:
    return [(a.channel, str(a.notification.why)) for a in world.arrivals]
