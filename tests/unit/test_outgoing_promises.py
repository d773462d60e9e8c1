"""The table of promises names tests that exist: one that was renamed or removed takes its promise along."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
NAMED = re.findall(r"`(\w+/test_\w+\.py)::(test_\w+)`", (TESTS / "outgoing.md").read_text(encoding="utf-8"))


def test_every_promise_names_a_test() -> None:
    rows = [line for line in (TESTS / "outgoing.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert len(rows) > 15
    assert [row for row in rows[1:] if "::test_" not in row] == []


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert name in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
