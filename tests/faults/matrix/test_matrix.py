"""Every row of the fault matrix, a few seeds of each. `make sweep` tries all; MATRIX_SEEDS=20 tries twenty here."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Any

import pytest
from living_world import one_after_the_other
from rows import ROWS, Cell, Row
from trials_data import answers_in_part
from trials_runs import killed_everywhere

TESTS = Path(__file__).parents[2]
MORE_SEEDS = int(os.environ.get("MATRIX_SEEDS", "0"))


def tried() -> list[Any]:
    return [
        pytest.param(cell, seed, id=f"{row.number}-{cell.name}-{seed}")
        for row in ROWS
        for cell in row.cells
        for seed in (range(min(MORE_SEEDS, cell.in_sweep)) if MORE_SEEDS else cell.in_ci)
    ]


@pytest.mark.parametrize(("cell", "seed"), tried())
def test_nothing_that_must_hold_is_broken(cell: Cell, seed: int, request: pytest.FixtureRequest) -> None:
    place = {"sqlite": "sqlite_table", "dynamodb": "dynamodb_table", "line": "dynamo_line", "folder": "tmp_path"}
    outcome = cell.trial(request.getfixturevalue(place[cell.where]), seed, **cell.options)
    assert outcome.violations == {}
    assert outcome.arrivals > 0, "nobody was told anything: the trial proves nothing"


# --- the table itself ------------------------------------------------------------------------------------------------


def test_all_twenty_one_rows_are_there() -> None:
    assert [row.number for row in ROWS] == list(range(21))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_each_row_is_tried_on_both_stores_in_the_sweep(row: Row) -> None:
    places = {cell.where for cell in row.cells if cell.in_sweep}
    assert places & {"sqlite", "folder"}
    assert places & {"dynamodb", "line"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_the_tests_that_a_row_names_exist(row: Row) -> None:
    assert row.elsewhere
    for name in row.elsewhere:
        file, _, test = name.partition("::")
        found = {node.name for node in ast.parse((TESTS / file).read_text()).body if isinstance(node, ast.FunctionDef)}
        assert test in found, name


def test_a_run_is_killed_at_no_fewer_than_twenty_points(sqlite_table) -> None:
    assert killed_everywhere(sqlite_table, 3).more["points"] >= 20


def test_a_machine_that_a_listing_left_out_is_made_up_for(sqlite_table) -> None:
    with one_after_the_other():
        assert not any(answers_in_part(sqlite_table, seed, loses_machines=True).violations for seed in range(8))
