"""What alerting costs: judging 100,000 series under ten rules, what a quiet run writes, and emptying a full outbox.

    python tests/bench/bench_alerts.py [--series 100000] [--owed 10000]

Judging: the pure plan, processor time and memory; half of the rules look at one window, half at another, none holds.
Writing: whole runs over the real SDK, a local AWS and a real store, whose writes are counted.
Delivering: a receiver on loopback that was down for half an hour of simulated time; a sweep each simulated minute sends
over real HTTP, and each sweep has the 50 seconds that a function has. Prints its figures as one JSON object, and lines
for people on standard error. A promise that is not kept ends it with an error.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from alert_records import a_notification
from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.clock import SystemClock
from nephoscope.app.outside import open_outside
from nephoscope.app.run import collect, sweep
from nephoscope.app.settings import Settings
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import simulate
from nephoscope.localcloud.receivers import Receiver, Reply
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Rule, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Inventory, Readings, Series, SeriesKey
from nephoscope.model.time import Deadline
from nephoscope.pipeline.need import plan_reads
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.plan import plan
from nephoscope.ports import Put, Row, Table, Write
from nephoscope.stores.memory import Memory
from nephoscope.stores.sqlite import open_table

SLOT = 1_790_035_200
SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
RULES, POINTS = 10, 5
MOST_ITEMS, MOST_MINUTES, MOST_ATTEMPTS = 3, 10, 12
DOWN_FOR, SWEEP_SECONDS = 30, 50.0


# --- judging -----------------------------------------------------------------------------------------------------


def ten_rules() -> tuple[Rule, ...]:
    return tuple(
        Rule(
            f"rule-{number}",
            Kind.INSTANCE,
            Threshold("cpu.utilization", Comparison.GREATER, 0.9 + number / 200),
            Window(180, 300) if number % 2 else Window(120, 120),
        )
        for number in range(RULES)
    )


def judging(count: int) -> Mapping[str, Any]:
    """Five new points of each series, so each rule judges five boundaries of each."""
    catalog, rules = load_catalog(), ten_rules()
    seen = {"state": "running"}
    machines = tuple(
        Resource(SCOPE, Kind.INSTANCE, f"i-{n:017x}", state=State.RUNNING, fine=True, observations=seen)
        for n in range(count)
    )
    config = Config("acme", Gather(60, GatherAws(("eu-west-1",))), PublishCloudWatch("eu-west-1", "acme"), rules)
    horizon = next(iter(plan_reads(machines[:1], rules, catalog.metrics, Progress(SCOPE), SLOT))).end
    progress = Progress(SCOPE, ver=1, slot=SLOT - 300, watermarks={"cpu.utilization@60": horizon - 60 * POINTS})
    requests = plan_reads(machines, rules, catalog.metrics, progress, SLOT)
    points = array("d", (0.1 + 0.05 * (n % 7) for n in range(100)))
    series = tuple(
        Series(
            SeriesKey(r.resource_id, r.metric),
            r.period,
            r.start,
            r.end,
            times=array("q", range(r.start, r.end, r.period)),
            values=points[: (r.end - r.start) // r.period],
        )
        for r in requests
    )
    facts = Facts(SCOPE, SLOT, Inventory(machines, complete=frozenset({Kind.INSTANCE})), Readings(series))
    held, began = _memory_mb(), time.process_time()
    decided = plan(facts, requests, Remembered(progress), config, catalog, Stamp("acme", SLOT, "run", SLOT))
    seconds = time.process_time() - began
    _promise("nothing holds, so nothing changes", len(decided.changes), 0)
    return {
        "series": len(series),
        "rules": RULES,
        "points": POINTS,
        "judgements": len(series) * RULES * POINTS,
        "cpu_seconds": round(seconds, 2),
        "series_a_second": round(len(series) / seconds),
        "judgements_a_second": round(len(series) * RULES * POINTS / seconds),
        "mb_before": held,
        "mb_at_most": _memory_mb(),
    }


def _memory_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


# --- writing -----------------------------------------------------------------------------------------------------


@dataclass
class Counting:
    """ports.Table that counts what is put, by partition."""

    table: Table
    puts: Counter[str] = field(default_factory=Counter)

    def get(self, pk: str, sk: str) -> Row | None:
        return self.table.get(pk, sk)

    def query(self, pk: str, prefix: str, **more: Any) -> Sequence[Row]:
        return self.table.query(pk, prefix, **more)

    def transact(self, writes: Sequence[Write]) -> Literal["done", "conflict"]:
        self.puts.update(write.row.pk for write in writes if isinstance(write, Put))
        return self.table.transact(writes)


QUIET = """
fleet: acme
gather: {aws: {regions: [eu-central-1, eu-west-1]}}
rules: [{name: cpu-hot, on: instance, when: cpu.utilization > 99.9 %, for: 10 min}]
tell: {}
"""


def writing(folder: Path, machines: int = 2_000, minutes: int = 12) -> Mapping[str, Any]:
    """After its first run, which writes the inventory, a scope in which nothing happens."""
    start = SLOT
    (folder / "nephoscope.yaml").write_text(QUIET)
    fleet = simulate(5, machines, ("eu-central-1", "eu-west-1"), start=start, script=())
    with LocalAws(fleet, with_ministack=False) as aws:
        os.environ |= aws.environment()
        settings = Settings(store="sqlite", table=str(folder / "quiet.sqlite"), home_region="eu-central-1")
        outside = open_outside(compile_file(folder / "nephoscope.yaml").config, settings, SystemClock())
        table = Counting(open_table(str(folder / "quiet.sqlite")))
        outside = replace(outside, memory=Memory(table, SystemClock()))
        runs: list[Counter[str]] = []
        for minute in range(minutes):
            aws.set_time(start + 3600 + 60 * minute)
            table.puts.clear()
            report = collect(outside, start + 3600 + 60 * minute, _soon(120))
            if {each.ended for each in report.scopes} != {"done"} or report.all_gaps:
                raise SystemExit(f"a run that should be quiet was not: {report.as_dict()}")
            runs.append(Counter(table.puts))
    quiet = runs[1:]
    scopes = sorted({pk for run in quiet for pk in run if pk.startswith("aws#")})
    items = [run[scope] for run in quiet for scope in scopes]
    _promise(f"a quiet run writes at most {MOST_ITEMS} items a scope", max(items), MOST_ITEMS, at_most=True)
    return {
        "machines": machines,
        "scopes": len(scopes),
        "runs": len(quiet),
        "items_a_scope_at_most": max(items),
        "items_a_scope_on_average": round(sum(items) / len(items), 2),
        "items_a_cloud_beside": max(sum(run.values()) - sum(run[scope] for scope in scopes) for run in quiet),
    }


# --- delivering --------------------------------------------------------------------------------------------------


class Minutes:
    """A wall clock that stands at a simulated minute when a sweep begins, and goes on as the real one does."""

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, minute: int) -> None:
        self._base, self._began = float(SLOT + 60 * minute), time.monotonic()

    def wall(self) -> float:
        return self._base + time.monotonic() - self._began

    def monotonic(self) -> float:
        return time.monotonic()


TOLD = """
fleet: acme
gather: {{aws: {{regions: [eu-west-1]}}}}
rules: []
tell: {{chat: {{webhook: "{url}", format: json, allow: [http, private]}}}}
"""


def delivering(folder: Path, owed: int) -> Mapping[str, Any]:
    clock = Minutes()
    with Receiver() as receiver:
        (folder / "nephoscope.yaml").write_text(TOLD.format(url=receiver.webhook_url("chat")))
        settings = Settings(store="sqlite", table=str(folder / "owed.sqlite"), home_region="eu-west-1")
        outside = open_outside(compile_file(folder / "nephoscope.yaml").config, settings, SystemClock())
        memory = Memory(open_table(str(folder / "owed.sqlite")), clock)
        outside = replace(outside, clock=clock, memory=memory, sink=Deaf())
        memory.register(SCOPE)
        for number in range(owed):
            memory.enqueue(SCOPE, a_notification(key=f"{number:032x}", channel="chat"))
        receiver.script("chat", [Reply(503)] * 10 * owed)
        for minute in range(DOWN_FOR):
            clock.begin(minute)
            sweep(outside, _soon(SWEEP_SECONDS))
        receiver.script("chat", ())
        minutes, began, left = 0, time.monotonic(), owed
        while left and minutes < 2 * MOST_MINUTES:
            clock.begin(DOWN_FOR + minutes)
            left = sweep(outside, _soon(SWEEP_SECONDS)).owed
            minutes += 1
        seconds = time.monotonic() - began
        tries = Counter(delivery.id for delivery in receiver.deliveries("chat"))
        taken = Counter(delivery.id for delivery in receiver.received("chat"))
    _promise("all that was owed arrived, each once", (len(taken), max(taken.values())), (owed, 1))
    _promise(f"within {MOST_MINUTES} minutes of recovery", minutes, MOST_MINUTES, at_most=True)
    _promise(f"with at most {MOST_ATTEMPTS} attempts each", max(tries.values()), MOST_ATTEMPTS, at_most=True)
    return {
        "owed": owed,
        "down_minutes": DOWN_FOR,
        "minutes_after_recovery": minutes,
        "attempts_at_most": max(tries.values()),
        "requests": sum(tries.values()),
        "messages_a_second": round(owed / seconds),
    }


class Deaf:
    """ports.MetricSink: what is published does not belong here."""

    def write_metrics(self, data: Sequence[Any], deadline: Deadline) -> Any:
        from nephoscope.ports import Written

        return Written()


def _soon(seconds: float) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def _promise(what: str, found: Any, promised: Any, *, at_most: bool = False) -> None:
    if found > promised if at_most else found != promised:
        raise SystemExit(f"{what}: {found} instead of {promised}")


# --- telling -----------------------------------------------------------------------------------------------------


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--series", type=int, default=100_000)
    arguments.add_argument("--owed", type=int, default=10_000)
    given = arguments.parse_args()
    judged = judging(given.series)
    with tempfile.TemporaryDirectory() as folder:
        written, delivered = writing(Path(folder)), delivering(Path(folder), given.owed)
    sys.stderr.write(
        f"{judged['series']:,} series x {POINTS} points x {RULES} rules: {judged['cpu_seconds']} s of processor time, "
        f"{judged['series_a_second']:,} series a second, {judged['mb_at_most']:,} MB at the most\n"
        f"a quiet run writes at most {written['items_a_scope_at_most']} items a scope, "
        f"{written['items_a_scope_on_average']} on average, and {written['items_a_cloud_beside']} for the cloud\n"
        f"{delivered['owed']:,} messages owed: all delivered {delivered['minutes_after_recovery']} min after recovery, "
        f"at most {delivered['attempts_at_most']} tries each, {delivered['messages_a_second']:,} a second\n"
    )
    sys.stdout.write(json.dumps({"judging": judged, "writing": written, "delivering": delivered}) + "\n")


if __name__ == "__main__":
    main()
