"""An alert memory with machines of one's own making, written by the store's own code; and the local page over it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nephoscope.app.looking.doors import Doors
from nephoscope.app.outside import Outside, open_outside
from nephoscope.app.settings import Settings
from nephoscope.model.alert import (
    AlertRecord,
    AlertState,
    Commit,
    HistoryEntry,
    TransitionKind,
    Why,
    alert_key,
)
from nephoscope.model.config import Channel, Config, Gather, GatherAws, GatherGcp, PublishCloudWatch
from nephoscope.model.memory import Snapshot
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Rule, Severity, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import MINUTE, floor_to
from nephoscope.views.web.guard import Guard
from nephoscope.views.web.server import Serving, make_app

IRELAND = Scope(Cloud.AWS, "111111111111", "eu-west-1")
VIRGINIA = Scope(Cloud.AWS, "111111111111", "us-east-1")
BELGIUM = Scope(Cloud.GCP, "acme-web", "europe-west1")
SCOPES = (IRELAND, VIRGINIA, BELGIUM)
HOT = Rule(
    "cpu-hot",
    Kind.INSTANCE,
    Threshold("cpu.utilization", Comparison.GREATER, 0.9),
    Window(180, 300),
    clear=Threshold("cpu.utilization", Comparison.LESS, 0.8),
    severity=Severity.CRITICAL,
)
ROLES, ENVIRONMENTS = ("web", "api", "batch", "cache", "database"), ("prod", "staging", "dev")


class Wall:
    """A clock that is ahead or behind as it is told."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def wall(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


def a_config(**more: Any) -> Config:
    gather = Gather(aws=GatherAws(("eu-west-1", "us-east-1")), gcp=GatherGcp(("acme-web",)))
    known = {"rules": (HOT,), "channels": {"chat": Channel("chat", webhook="https://chat.example")}} | more
    return Config("acme", gather, PublishCloudWatch("eu-west-1", "acme"), **known)


def an_outside(folder: Path, config: Config | None = None, clock: Any = None) -> Outside:
    settings = Settings(store="sqlite", table=str(folder / "memory.sqlite"), home_region="eu-west-1")
    return open_outside(config or a_config(), settings, clock or Wall())


def machine(number: int, scope: Scope = IRELAND, **more: Any) -> Resource:
    """Twelve in a hundred are stopped."""
    role, environment = ROLES[number % 5], ENVIRONMENTS[number % 3]
    name = more.pop("name", f"{role}-{environment}-{number:05d}")
    known: dict[str, Any] = {
        "name": name,
        "type": ("m7g.large", "c7g.xlarge", "t3.micro")[number % 3],
        "zone": f"{scope.region}{'abc'[number % 3]}",
        "state": State.STOPPED if number % 100 < 12 else State.RUNNING,
        "tags": {"Name": name, "env": environment, "role": role, "owner": "shop"},
        "fine": True,
    }
    return Resource(scope, Kind.INSTANCE, more.pop("id", f"i-{number:017x}"), **(known | more))


def fleet_of(size: int) -> dict[Scope, list[Resource]]:
    """Spread over three scopes."""
    return {scope: [machine(number, scope) for number in range(place, size, 3)] for place, scope in enumerate(SCOPES)}


def remember(outside: Outside, machines: Mapping[Scope, Sequence[Resource]], age: int = 0, **more: Any) -> None:
    """As the runs of these scopes would have left it `age` seconds ago; what was there before is superseded."""
    now = int(outside.clock.wall()) - age
    for scope, resources in machines.items():
        outside.memory.register(scope)
        progress = outside.memory.read_progress(scope)
        generation = progress.generation + 1
        running = [one for one in resources if one.state is State.RUNNING]
        values = {
            "cpu.utilization": {one.id: (now - MINUTE, place * 7919 % 900 / 1000) for place, one in enumerate(running)}
        }
        known = {"values": values, "coverage": (len(resources), len(resources))} | more
        outside.memory.write_snapshot(Snapshot(scope, now, tuple(resources), **known), generation)
        after = replace(
            progress, ver=progress.ver + 1, slot=floor_to(now, MINUTE), heartbeat=now, generation=generation
        )
        assert outside.memory.write_progress(after)


def fire(outside: Outside, one: Resource, rule: str = "cpu-hot", minutes: int = 12, value: float = 0.97) -> str:
    """An alert that has been open for so long; the key."""
    at = floor_to(int(outside.clock.wall()) - minutes * MINUTE, MINUTE)
    key = alert_key(rule, one.scope, one.id)
    record = AlertRecord(key, rule, one.id, (), 1, AlertState.FIRING, at, at, 1, at, value, value, told=("chat",))
    entry = HistoryEntry(
        key, 1, rule, one.id, TransitionKind.FIRED, Why.THRESHOLD_CROSSED, at, at, value, value, ("chat",)
    )
    outside.memory.commit(Commit(one.scope, 0, record, (), entry))
    return key


@dataclass
class Page:
    url: str
    doors: Doors
    clock: Any


@contextmanager
def served(
    outside: Outside, every: float = 1.0, token: str = "", files: Mapping[str, Path] | None = None
) -> Iterator[Page]:
    """The page over this memory, on a port of its own. every: seconds between reads."""
    doors = Doors(lambda: outside, outside.clock, files or {}, every)
    with serving(doors, outside.config.fleet, token) as url:
        yield Page(url, doors, outside.clock)


@contextmanager
def serving(doors: Doors, fleet: str, token: str = "") -> Iterator[str]:
    server = Serving(make_app(fleet, doors, Guard(token)), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.close()
        thread.join(5)
