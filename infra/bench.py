"""Runs tests/bench/bench_*.py, one after the other, and writes what they measured to build/bench.json.

    python infra/bench.py [name ...]     only those, for example: python infra/bench.py reads

Each is a program of its own, so that none warms another's caches: it prints one JSON object with its figures on
standard output, and what a person may read on standard error.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "build" / "bench.json"


def main(names: list[str]) -> int:
    programs = found(names)
    if not programs:
        print(f"no benchmark is called {' or '.join(names)}" if names else "there are no benchmarks", file=sys.stderr)
        return 2
    figures = {program.stem.removeprefix("bench_"): measured(program) for program in programs}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"machine": machine(), **figures}, indent=1) + "\n", encoding="utf-8")
    print(f"written to {RESULT.relative_to(ROOT)}", file=sys.stderr)
    return 0


def found(names: Iterable[str]) -> list[Path]:
    programs = sorted((ROOT / "tests" / "bench").glob("bench_*.py"))
    wanted = set(names)
    return [program for program in programs if not wanted or program.stem.removeprefix("bench_") in wanted]


def measured(program: Path) -> Any:
    done = subprocess.run([sys.executable, str(program)], stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def machine() -> dict[str, object]:
    """Ratios within one run mean something anywhere; the absolutes only beside this."""
    return {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
