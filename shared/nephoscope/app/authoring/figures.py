"""The meaning of `limits` and `prices`: a user's own figures in place of single values of the catalog's rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from nephoscope.app.authoring.document import Keys, Text
from nephoscope.app.authoring.findings import Findings, did_you_mean
from nephoscope.app.authoring.reading import describe, keys_of

_N = TypeVar("_N", int, float)


@dataclass(frozen=True, slots=True)
class _Figure(Generic[_N]):
    """words: what is expected. parse: None for what it is not."""

    words: str
    parse: Callable[[str], _N | None]


def read_limits(
    keys: Keys | None, rows: Mapping[str, Mapping[str, int]], findings: Findings
) -> dict[str, dict[str, int]]:
    """Whole numbers greater than zero, by row and name."""
    return _figures(keys, "limits", rows, _Figure("a whole number greater than zero", _whole), findings)


def read_prices(
    keys: Keys | None, rows: Mapping[str, Mapping[str, float]], findings: Findings
) -> dict[str, dict[str, float]]:
    """Numbers of zero or more, by row and name."""
    return _figures(keys, "prices", rows, _Figure("a number of zero or more", _price), findings)


def _figures(
    keys: Keys | None,
    where: str,
    rows: Mapping[str, Mapping[str, _N]],
    kind: _Figure[_N],
    findings: Findings,
) -> dict[str, dict[str, _N]]:
    figures: dict[str, dict[str, _N]] = {}
    for row, _ in keys.entries if keys else ():
        if row.value not in rows:
            guess = did_you_mean(row.value, rows)
            findings.problem(row.place, f'{where}: the catalog has no row "{row.value}"{guess}')
            continue
        figures[row.value] = _row(keys_of(keys, row.value), f"{where}.{row.value}", rows[row.value], kind, findings)
    return figures


def _row(
    keys: Keys | None, where: str, known: Mapping[str, _N], kind: _Figure[_N], findings: Findings
) -> dict[str, _N]:
    figures: dict[str, _N] = {}
    for name, node in keys.entries if keys else ():
        value = kind.parse(node.value) if isinstance(node, Text) else None
        if name.value not in known:
            findings.problem(name.place, f'{where}: unknown figure "{name.value}"{did_you_mean(name.value, known)}')
        elif value is None:
            findings.problem(node.place, f"{where}.{name.value}: expected {kind.words}, found {describe(node)}")
        else:
            figures[name.value] = value
    return figures


def _whole(text: str) -> int | None:
    plain = text.replace("_", "")
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 15):
        return None
    return int(plain) or None


def _price(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
