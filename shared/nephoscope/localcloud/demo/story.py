"""Live through the story minute by minute, and say what the receivers and the ledger saw of it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nephoscope.localcloud.aws.ledger import Ledger
from nephoscope.localcloud.demo.stage import Stage
from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.receivers import Delivery
from nephoscope.model.time import MINUTE, iso


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of the story: what the function said of its run, and what the receivers got during it."""

    number: int
    slot: int
    run: Mapping[str, Any]
    arrived: tuple[Delivery, ...]


@dataclass(slots=True)
class Story:
    """minutes: as they were lived. seconds: how long that took."""

    minutes: list[Minute] = field(default_factory=list)
    seconds: float = 0.0


def live(stage: Stage, start: int, minutes: int, told: Callable[[Minute], None]) -> Story:
    """Invoke the scheduled function once for each minute from `start` (epoch seconds) on; the fleet's time follows.
    Raises StageError."""
    story, began, seen = Story(), time.monotonic(), 0
    for number in range(minutes + 1):
        slot = start + number * MINUTE
        stage.aws.set_time(slot)
        run = stage.collect(slot)
        arrived = stage.receiver.received()
        minute = Minute(number, slot, run, arrived[seen:])
        seen = len(arrived)
        story.minutes.append(minute)
        told(minute)
    stage.invoke("deliver", {})
    story.seconds = time.monotonic() - began
    return story


def summarize(
    story: Story, stage: Stage, fleet: Fleet, dashboards: Sequence[Mapping[str, Any]], seconds: float
) -> dict[str, Any]:
    """The demonstration's result. Notifications are what the receivers took; calls and units are the ledger's."""
    runs = [minute.run for minute in story.minutes]
    at = story.minutes[-1].slot
    return {
        "seed": fleet.seed,
        "simulated": {"from": iso(story.minutes[0].slot), "to": iso(at), "minutes": len(runs) - 1},
        "instances": _instances(fleet, at),
        "runs": len(runs),
        "series_read": sum(run["series"] for run in runs),
        "points_read": sum(run["points"] for run in runs),
        "transitions": [one for run in runs for one in run["transitions"]],
        "notifications": _notifications(stage),
        "coverage": _coverage(runs),
        "api": _api(stage.aws.ledger),
        "dashboards": [_dashboard(one) for one in dashboards],
        "seconds": {"story": round(story.seconds, 2), "all": round(seconds, 2)},
    }


def _instances(fleet: Fleet, at: int) -> dict[str, Any]:
    seen = fleet.instances_at(at)
    return {"total": len(seen), "aws": dict(Counter(str(one.power) for one in seen))}


def _notifications(stage: Stage) -> dict[str, Any]:
    """By channel: sent (tries that reached the receiver), received, distinct, and whether every signature fitted."""
    rows: dict[str, Any] = {}
    for channel, counts in stage.receiver.counts().items():
        deliveries = stage.receiver.deliveries(channel)
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
