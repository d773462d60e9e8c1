"""Runs tests/bench/bench_*.py, one after the other, and writes what they measured to build/bench.json.

    python infra/bench.py [name ...]     only those, for example: python infra/bench.py gcp azure

Each is a program of its own, so that none warms another's caches: it prints its figures as JSON on standard output, and
what a person may read on standard error. Where all were run, the clouds stand side by side at the end.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "build" / "bench.json"
CLOUDS = ("aws", "gcp", "azure")
"""Come first, in this order."""


def main(names: list[str]) -> int:
    programs = found(names)
    if not programs:
        print(f"no benchmark is called {' or '.join(names)}" if names else "there are no benchmarks", file=sys.stderr)
        return 2
    figures = {name_of(program): measured(program) for program in programs}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"machine": machine(), **figures}, indent=1) + "\n", encoding="utf-8")
    if {*CLOUDS, "bill"} <= set(figures):
        print(*side_by_side(figures), sep="\n", file=sys.stderr)
    print(f"\nwritten to {RESULT.relative_to(ROOT)}", file=sys.stderr)
    return 0


def found(names: Iterable[str]) -> list[Path]:
    programs = {name_of(program): program for program in sorted((ROOT / "tests" / "bench").glob("bench_*.py"))}
    in_order = sorted(programs, key=lambda name: CLOUDS.index(name) if name in CLOUDS else len(CLOUDS))
    wanted = set(names)
    return [programs[name] for name in in_order if not wanted or name in wanted]


def name_of(program: Path) -> str:
    return program.stem.removeprefix("bench_")


def measured(program: Path) -> Any:
    done = subprocess.run([sys.executable, str(program)], stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    print(file=sys.stderr)
    return json.loads(done.stdout)


def side_by_side(figures: Mapping[str, Any]) -> Iterator[str]:
    """What nobody else tells of a monitoring: how fast it reads, what it holds, what it costs."""
    bills = {bill["cloud"]: bill for bill in figures["bill"]}
    yield f"{'':8} {'machines a second':>20} {'kB a 1,000 series':>20} {'$ a month, 1,000 machines':>28}"
    for cloud in CLOUDS:
        run, dollars = figures[cloud]["run"], 1000 * bills[cloud]["usd_a_month"] / bills[cloud]["instances"]
        yield f"{cloud:8} {run['machines_a_second']:20,} {run['kilobytes_a_thousand_series']:20,} {dollars:28.2f}"


def machine() -> dict[str, object]:
    """Ratios within one run mean something anywhere; the absolutes only beside this."""
    return {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
