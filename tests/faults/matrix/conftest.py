"""The matrix's own modules, and a table of each kind of store that all its trials share, each apart from the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from dynamo_line import Line, line_to  # noqa: E402

from nephoscope.ports import Table  # noqa: E402
from nephoscope.stores import sqlite  # noqa: E402


@pytest.fixture(scope="session")
def sqlite_table() -> Iterator[Table]:
    with closing(sqlite.open_table(":memory:")) as table:
        yield table


@pytest.fixture(scope="session")
def dynamo_line(ministack) -> Iterator[Line]:
    """A table on the local AWS behind a line that can fail."""
    with line_to(ministack.url, ministack.environment()) as line:
        yield line


@pytest.fixture(scope="session")
def dynamodb_table(dynamo_line: Line) -> Table:
    """The line without a fault."""
    return dynamo_line.table


@pytest.fixture(params=["sqlite", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Table:
    """Each store in turn."""
    return request.getfixturevalue(f"{request.param}_table")
