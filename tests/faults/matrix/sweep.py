"""The whole fault matrix, every seed of every row on both stores, and all states of the protocol's model: `make sweep`,
written to build/sweep.json.

    sweep.py                         all rows
    sweep.py --rows 1,2,8            only these
    sweep.py --share 0.1             a tenth of the seeds of each (at least one)
    sweep.py --stores sqlite         without the local AWS

Each trial is judged by the checkers L D O S X B (delivery_checks). The program ends with 1 where one has found
something; its seed then stands in the file, and lives the same life again in `test_matrix.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent), str(ROOT / "tests" / "protocol")]

from dynamo_line import line_to  # noqa: E402
from rows import ROWS, Cell, Row  # noqa: E402
from trials import Outcome, lived  # noqa: E402

from delivery_explorer import explore_all  # noqa: E402
from nephoscope.localcloud.aws.ministack import Ministack, sdk_environment  # noqa: E402
from nephoscope.stores import sqlite  # noqa: E402

RESULT = ROOT / "build" / "sweep.json"
SHOWN = 3
"""Violations of a cell that are written out."""


def main(arguments: Sequence[str]) -> int:
    asked = _parsed(arguments)
    os.environ.update(sdk_environment("http://127.0.0.1:9"))  # a call that nobody has led anywhere goes nowhere
    figures: dict[str, Any] = {}
    with _places(asked.stores) as places:
        for row in ROWS:
            if not asked.rows or row.number in asked.rows:
                figures[str(row.number)] = _swept(row, places, asked.share)
                _write({"share": asked.share, "rows": figures})
    if not asked.rows:
        model = [explored.counts() for explored in explore_all()]
        _write({"share": asked.share, "rows": figures, "model": model})
        print(f"the protocol's model: {sum(int(each['states']) for each in model):,} states")
    total = sum((Counter(_sums(row["cells"])) for row in figures.values()), Counter())
    print(_line("all", total, sum(row["seconds"] for row in figures.values())))
    print(f"\nwritten to {RESULT.relative_to(ROOT)}", file=sys.stderr)
    return 1 if total["violations"] else 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make sweep ARGS=...", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=lambda text: {int(word) for word in text.split(",")}, default=set())
    parser.add_argument("--share", type=float, default=1.0, help="of each cell's seeds")
    parser.add_argument("--stores", choices=("both", "sqlite"), default="both")
    return parser.parse_args(arguments)


@contextmanager
def _places(stores: str) -> Iterator[Mapping[str, Any]]:
    """Where trials are lived, by the name that a cell says."""
    with ExitStack() as stack:
        places: dict[str, Any] = {
            "sqlite": stack.enter_context(closing(sqlite.open_table(":memory:"))),
            "folder": Path(stack.enter_context(tempfile.TemporaryDirectory())),
        }
        if stores == "both":
            ministack = stack.enter_context(Ministack())
            places["line"] = stack.enter_context(line_to(ministack.url, ministack.environment()))
            places["dynamodb"] = places["line"].table
        yield places


def _swept(row: Row, places: Mapping[str, Any], share: float) -> dict[str, Any]:
    began = time.monotonic()
    cells = {
        cell.name: _tried(cell, places[cell.where], max(1, round(cell.in_sweep * share)))
        for cell in row.cells
        if cell.where in places
    }
    seconds = round(time.monotonic() - began, 1)
    print(_line(f"{row.number:2} {row.what}", Counter(_sums(cells)), seconds), flush=True)
    return {"what": row.what, "seconds": seconds, "cells": cells}


def _tried(cell: Cell, place: Any, seeds: int) -> dict[str, Any]:
    total, wrong, most = Outcome(), dict[str, Any](), 0
    for seed in range(seeds):
        outcome = lived(cell.trial, place, seed, **cell.options)
        most = max(most, outcome.more.pop("most tries", 0))
        if outcome.violations:
            wrong[str(seed)] = {letter: words[:SHOWN] for letter, words in outcome.violations.items()}
        total += outcome
    return {"seeds": seeds, **total.counts, **({"most tries": most} if most else {}), "wrong": wrong}


def _sums(cells: Mapping[str, Any]) -> dict[str, int]:
    names = ("seeds", "runs", "faults", "arrivals", "copies", "violations")
    return {name: sum(cell[name] for cell in cells.values()) for name in names}


def _line(what: str, sums: Counter[str], seconds: float) -> str:
    figures = (f"{sums[name]:>9,} {name}" for name in ("seeds", "runs", "faults", "arrivals", "copies", "violations"))
    return f"{what[:70]:70} {' '.join(figures)} {seconds:>8,.0f} s"


def _write(figures: Mapping[str, Any]) -> None:
    """After each row, so that a sweep that is stopped leaves what it has found."""
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
