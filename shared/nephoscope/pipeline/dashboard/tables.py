"""How large the custom widget's tables are: rows, and units of the grid that hold them without scrolling."""

from __future__ import annotations

import math

COLUMNS = 2
"""Tables of worst machines that stand side by side in a wide widget."""

_FEW, _MANY = 10, 5
_UNIT = 48
"""Pixels of a grid unit in the console, about; the page of our own has as many."""

_ROW, _AROUND = 41, 96
"""Pixels of a row of two lines; of a title, a line of heads, and what stands below."""


def worst_rows(metrics: int) -> int:
    """Rows in each table of the worst, where there are so many tables."""
    return _FEW if metrics <= COLUMNS else _MANY


def worst_height(metrics: int) -> int:
    """Grid units for all tables of the worst."""
    lines = math.ceil(max(1, metrics) / COLUMNS)
    return math.ceil(lines * (worst_rows(metrics) * _ROW + _AROUND) / _UNIT)


def states_height(scopes: int, clouds: int) -> int:
    """A row a scope, one for each cloud where there are several, and one for all; a long table scrolls."""
    rows = scopes + 1 + (clouds if clouds > 1 else 0)
    return min(12, math.ceil((rows * 27 + _AROUND) / _UNIT))
