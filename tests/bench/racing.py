"""What the benchmarks of reading share: a server in a process of its own, both sides in turns, calls beside the fewest
that are possible, the pace of a run, and their tables.

Only the client's processor time is counted (time.process_time); medians are compared, and only the ratio means anything
on another machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any

from nephoscope.model.series import Inventory, Readings, Series

STOP = "stop"
POINTS = 5
"""Of each series."""
FLEET = 3_500
"""Machines whose calls are counted: more than one page of every provider, and no round number of any."""
METRICS = ("cpu.utilization", "network.receive", "network.transmit")
"""Read of each machine where a whole run is measured."""


@dataclass(frozen=True)
class Row:
    """Milliseconds of processor time a call, medians. beside: what a person would write without us. ratio: how many
    times less ours takes."""

    what: str
    beside: str
    plain_ms: float
    ours_ms: float

    @property
    def ratio(self) -> float:
        return self.plain_ms / self.ours_ms


@dataclass(frozen=True)
class Count:
    """calls: requests that the server saw. floor: ceil(resources / limit) and what it takes beside."""

    what: str
    resources: int
    calls: int
    floor: int


@dataclass(frozen=True)
class Pace:
    """A run's reading: list the machines, read METRICS of each. kilobytes: what a thousand series hold in memory."""

    machines: int
    series: int
    cpu_seconds: float
    machines_a_second: int
    kilobytes_a_thousand_series: int


# --- the other process -------------------------------------------------------------------------------------------


@contextmanager
def in_its_own_process(serve: Callable[[Connection], None]) -> Iterator[Connection]:
    """serve: a child's whole life: say where it listens, answer until told to STOP."""
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe()
    server = spawning.Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        yield here
    finally:
        here.send(STOP)
        server.join()


# --- measuring ---------------------------------------------------------------------------------------------------


def race(what: str, beside: str, plain: Callable[[], int], ours: Callable[[], int], expected: int, rounds: int) -> Row:
    """The first turn of each warms up and shows that both bring the same."""
    for side in (plain, ours):
        if (brought := side()) != expected:
            raise SystemExit(f"{what}: brought {brought} instead of {expected}")
    spent: dict[Callable[[], int], list[float]] = {plain: [], ours: []}
    for _ in range(rounds):
        for side, times in spent.items():
            times.append(_processor_seconds(side))
    return Row(what, beside, *(1000 * statistics.median(times) for times in spent.values()))


def pace(list_machines: Callable[[], Inventory], read: Callable[[], Readings], machines: int, rounds: int) -> Pace:
    """The first turn warms up; then the series of another are weighed."""
    inventory = list_machines()
    whole(inventory, read(), machines)
    kilobytes, series = _weighed(lambda: whole(inventory, read(), machines))
    seconds = statistics.median(_processor_seconds(lambda: (list_machines(), read())) for _ in range(rounds))
    return Pace(machines, series, round(seconds, 3), round(machines / seconds), round(kilobytes * 1000 / series))


def _processor_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def whole(inventory: Inventory, readings: Readings, machines: int) -> Sequence[Series]:
    """The series. Raises SystemExit where not all METRICS of all machines were read: what is missing costs nothing."""
    points = sum(len(each.times) for each in readings.series)
    if inventory.gaps or readings.gaps or points != machines * len(METRICS) * POINTS:
        raise SystemExit(f"{points} points were read; {inventory.gaps or readings.gaps}")
    return readings.series


def counted(seen: Sequence[object], counts: Sequence[Count]) -> list[Count]:
    """The counts. Raises SystemExit where the server saw a call that none of them names."""
    if sum(count.calls for count in counts) != len(seen):
        raise SystemExit(f"{len(seen)} calls came, of which {counts} tell")
    return list(counts)


def _weighed(read: Callable[[], Sequence[Series]]) -> tuple[float, int]:
    """Kilobytes that the series and all that they point to occupy as long as they are held, and their number."""
    gc.collect()
    tracemalloc.start()
    held = read()
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return kept / 1024, len(held)


# --- telling -----------------------------------------------------------------------------------------------------


def rounds_wanted(documentation: str | None, usual: int = 15) -> int:
    arguments = argparse.ArgumentParser(description=(documentation or "").partition("\n")[0])
    arguments.add_argument("--rounds", type=int, default=usual)
    rounds: int = arguments.parse_args().rounds
    return rounds


def tell(cloud: str, rounds: int, rows: Sequence[Row], counts: Sequence[Count], run: Pace, **more: object) -> None:
    """A table for people on standard error, one JSON object on standard output."""
    sys.stderr.write("\n".join([*_rows_shown(cloud, rows), "", *_counts_shown(cloud, counts), "", _run_shown(run)]))
    sys.stderr.write("\n")
    figures: Mapping[str, Any] = {
        "rounds": rounds,
        **more,
        "cpu_ms": [{**asdict(row), "ratio": round(row.ratio, 1)} for row in rows],
        "calls": [asdict(count) for count in counts],
        "run": asdict(run),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _rows_shown(cloud: str, rows: Sequence[Row]) -> Iterator[str]:
    yield f"{cloud + ': processor time a call, ms':46} {'beside':26} {'plain':>7} {'ours':>7} {'times less':>10}"
    for row in rows:
        yield f"{row.what:46} {row.beside:26} {row.plain_ms:7.1f} {row.ours_ms:7.1f} {row.ratio:10.1f}"


def _counts_shown(cloud: str, counts: Sequence[Count]) -> Iterator[str]:
    yield f"{f'{cloud}: calls of a run over {FLEET:,} machines':46} {'read':>26} {'calls':>7} {'fewest':>7}"
    for count in counts:
        yield f"{count.what:46} {count.resources:26,} {count.calls:7} {count.floor:7}"


def _run_shown(run: Pace) -> str:
    return (
        f"A run's reading of {run.machines:,} machines, {len(METRICS)} metrics of each: {run.cpu_seconds:.2f} s, "
        f"{run.machines_a_second:,} machines a second;\n"
        f"a thousand series of {POINTS} points are {run.kilobytes_a_thousand_series:,} kB in memory."
    )
