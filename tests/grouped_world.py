"""The delivery world with channels that group: a sweeper that may be killed anywhere, and what must hold of messages.

`letters` are the messages as the receivers get them; `arrivals` are their members, one by one, so that what holds for
single messages (delivery_world.violations) is asked of the members, too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import delivery_world
from delivery_world import Arrival, Killed, Process, World, a_config
from nephoscope.app.deliver import DeliveryReport, deliver
from nephoscope.model.alert import Owed
from nephoscope.model.config import Channel, Config
from nephoscope.model.errors import DeliveryError, Reason, StoreError
from nephoscope.model.group import GroupMessage, Message
from nephoscope.model.time import Deadline
from nephoscope.stores.memory import Memory

MINUTE = 60


def a_grouping_config(*by: str, **more: Any) -> Config:
    """`chat` groups, `oncall` does not."""
    return a_config(Channel("chat", group_by=by, **more), Channel("oncall"), Channel("last-resort", fallback=True))


@dataclass
class GroupedWorld(World):
    config: Config = field(default_factory=lambda: a_grouping_config("rule"))
    letters: list[Message] = field(default_factory=list)


class SweepingProcess(Process):
    """One run, or one sweeper."""

    world: GroupedWorld

    def sweep(self, seconds: float = 50.0) -> DeliveryReport:
        deadline = Deadline(self.monotonic() + seconds, self.monotonic)
        world = self.world
        chance = random.Random(7).random  # noqa: S311 - a seed, not a secret
        return deliver(
            self.memory, [world.scope], lambda _name: self, world.config, self, deadline,
            chance=chance, sleep=self.sleep, workers=1, sweeping=True,
        )  # fmt: skip

    def run_and_sweep(self, slot: int, keys: Sequence[str], channels: tuple[str, ...] = ("chat",)) -> DeliveryReport:
        with suppress(StoreError):
            self.evaluate(slot, keys, channels)
        return self.sweep()

    def _arrive(self, message: Message) -> None:  # type: ignore[override]
        answer = self.world.answer(message, len(self.world.letters))  # type: ignore[arg-type]
        if answer is None or answer == "reset":
            self.world.letters.append(message)
            members = message.members if isinstance(message, GroupMessage) else (message,)
            self.world.arrivals += [Arrival(message.channel, member) for member in members]
        if answer == "reset":
            self.world.faults += 1
            raise DeliveryError(destination="receiver", reason=Reason.UNAVAILABLE, detail="the connection was cut")
        if answer is not None:
            raise answer


def settle(world: GroupedWorld, slot: int, keys: Sequence[str], channels: tuple[str, ...] = ("chat",)) -> None:
    """Fresh sweepers until nothing is owed, far enough apart for every wait."""
    for _ in range(12):
        world.now += 1200
        report = SweepingProcess(world).run_and_sweep(slot, keys, channels)
        if not report.owed:
            return


def violations(world: GroupedWorld, slot: int, keys: Sequence[str]) -> list[str]:
    """What must hold of each notification, and of the messages they came in; empty when all of it was kept."""
    found = [each for each in delivery_world.violations(world, slot, keys) if " copies for " not in each]
    return [*found, *_copied(world), *_divided(world), *_left_behind(world)]


def _copied(world: GroupedWorld) -> Iterator[str]:
    copies = len(world.letters) - len({letter.id for letter in world.letters})
    if copies > world.faults:
        yield f"{copies} copies for {world.faults} faults"


def _divided(world: GroupedWorld) -> Iterator[str]:
    """One id is one content, and a member is in one message."""
    content: dict[str, tuple[str, ...]] = {}
    home: dict[str, str] = {}
    for letter in world.letters:
        members = letter.members if isinstance(letter, GroupMessage) else (letter,)
        ids = tuple(member.id for member in members)
        if len(set(ids)) < len(ids):
            yield f"a member twice in {letter.id}"
        if content.setdefault(letter.id, ids) != ids:
            yield f"two contents under one id: {letter.id}"
        for each in ids:
            if home.setdefault(each, letter.id) != letter.id:
                yield f"{each} came in two messages"


def _left_behind(world: GroupedWorld) -> Iterator[str]:
    memory = Memory(world.table, Process(world))
    for message in memory.read_messages(world.scope).messages:
        if message.status is not Owed.IDLE:
            yield f"a message is left behind, {message.status}"
    for item in memory.read_owing(world.scope).items:
        yield f"an item is left behind, {item.status}: {item.notification.alert_key} {item.notification.seq}"


def killed(world: GroupedWorld, at: int, act: Callable[[SweepingProcess], Any]) -> bool:
    """Whether the process was killed at this gate before it ended by itself."""
    process = SweepingProcess(world, delivery_world.killer(at))
    try:
        act(process)
    except Killed:
        world.faults += 1
        return True
    return False
