"""Live through the story minute by minute, and say what the receivers and the ledgers saw of it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from nephoscope.localcloud.aws.ledger import Ledger
from nephoscope.localcloud.demo.platforms import Platform
from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.receivers import Delivery, Receiver
from nephoscope.model.scope import Cloud
from nephoscope.model.time import MINUTE, iso


class Local(Protocol):
    """A local cloud, as far as the story needs it."""

    ledger: Ledger

    @property
    def fleet(self) -> Fleet: ...
    def set_time(self, at: float | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of the story: what each function said of its run, and what the receivers got during it."""

    number: int
    slot: int
    runs: Mapping[Cloud, Mapping[str, Any]]
    arrived: tuple[Delivery, ...]

    @property
    def transitions(self) -> Iterator[Mapping[str, Any]]:
        for run in self.runs.values():
            yield from run["transitions"]


@dataclass(slots=True)
class Story:
    """minutes: as they were lived. seconds: how long that took."""

    minutes: list[Minute] = field(default_factory=list)
    seconds: float = 0.0

    def runs(self, cloud: Cloud) -> list[Mapping[str, Any]]:
        return [minute.runs[cloud] for minute in self.minutes]


def live(
    clouds: Mapping[Cloud, Local],
    platforms: Sequence[Platform],
    receiver: Receiver,
    minutes: int,
    told: Callable[[Minute], None],
) -> Story:
    """Call every scheduled function once for each minute from the fleets' start on, side by side; the fleets' time
    follows. At the end each is called a second time, as schedules do: that run finds its work done, and sends what may
    still be owed. Raises StageError."""
    story, began, seen = Story(), time.monotonic(), 0
    start = next(iter(clouds.values())).fleet.start
    with ThreadPoolExecutor(len(platforms)) as pool:
        for number in range(minutes + 1):
            slot = start + number * MINUTE
            for local in clouds.values():
                local.set_time(slot)
            runs = dict(pool.map(lambda platform: (platform.cloud, platform.collect(slot)), platforms))  # noqa: B023
            arrived = receiver.received()
            minute = Minute(number, slot, runs, arrived[seen:])
            seen = len(arrived)
            story.minutes.append(minute)
            told(minute)
        list(pool.map(lambda platform: platform.collect(slot), platforms))
    story.seconds = time.monotonic() - began
    return story


def summarize(
    story: Story,
    clouds: Mapping[Cloud, Local],
    receiver: Receiver,
    dashboards: Sequence[Mapping[str, Any]],
    seconds: float,
) -> dict[str, Any]:
    """The demonstration's result. Notifications are what the receivers took; calls and units are the ledgers'."""
    first, last = story.minutes[0].slot, story.minutes[-1].slot
    by_cloud = {str(cloud): _part(story.runs(cloud), local, last) for cloud, local in clouds.items()}
    return {
        "seed": clouds[Cloud.AWS].fleet.seed,
        "simulated": {"from": iso(first), "to": iso(last), "minutes": len(story.minutes) - 1},
        "instances": sum(part["instances"] for part in by_cloud.values()),
        "clouds": by_cloud,
        "transitions": [one for minute in story.minutes for one in minute.transitions],
        "notifications": _notifications(receiver),
        "dashboards": [_dashboard(one) for one in dashboards],
        "seconds": {"story": round(story.seconds, 2), "all": round(seconds, 2)},
    }


def _part(runs: Sequence[Mapping[str, Any]], local: Local, at: int) -> dict[str, Any]:
    """One cloud's."""
    seen = local.fleet.instances_at(at)
    return {
        "instances": len(seen),
        "states": dict(Counter(str(one.power) for one in seen)),
        "runs": len(runs),
        "series_read": sum(run["series"] for run in runs),
        "points_read": sum(run["points"] for run in runs),
        "transitions": sum(len(run["transitions"]) for run in runs),
        "coverage": _coverage(runs),
        "api": _api(local.ledger),
    }


def _notifications(receiver: Receiver) -> dict[str, Any]:
    """By channel: sent (tries that reached the receiver), received, distinct, and whether every signature fitted."""
    rows: dict[str, Any] = {}
    for channel, counts in receiver.counts().items():
        deliveries = receiver.deliveries(channel)
        checked = [one.verified for one in deliveries if one.verified is not None]
        rows[channel] = {"sent": len(deliveries), **counts}
        if checked:
            rows[channel]["signed"] = all(checked)
    return rows


def _coverage(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    shares = [run["coverage"] for run in runs if run.get("coverage") is not None]
    return {"mean": round(sum(shares) / len(shares), 4), "lowest": min(shares)} if shares else {}


def _api(ledger: Ledger) -> dict[str, Any]:
    by_action = ledger.summary()
    return {
        "calls": sum(row["calls"] for row in by_action.values()),
        "billable_units": sum(row["units"] for row in by_action.values()),
        "by_action": by_action,
    }


def _dashboard(one: Mapping[str, Any]) -> dict[str, Any]:
    widgets = one["body"]["widgets"]
    rows = [row for widget in widgets for row in widget.get("properties", {}).get("metrics", [])]
    return {
        "name": one["name"],
        "widgets": len(widgets),
        "metric_rows": len(rows),
        "bytes": len(json.dumps(one["body"])),
    }
