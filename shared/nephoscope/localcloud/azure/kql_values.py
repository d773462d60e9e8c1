"""What Kusto's functions and comparisons give. Times are epoch seconds as `Moment`, spans plain seconds.

Source: https://learn.microsoft.com/kusto/query/scalar-functions and .../datatypes-string-operators.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any


class Moment(float):
    """A datetime. Less a span it is one again; less another moment it is a span."""

    __slots__ = ()

    def __add__(self, other: float) -> Moment:
        return Moment(float(self) + other)

    def __sub__(self, other: float) -> float:
        rest = float(self) - float(other)
        return rest if isinstance(other, Moment) else Moment(rest)


def read_member(value: Any, key: Any) -> Any:
    """Of a dynamic; null where there is none."""
    if isinstance(value, Mapping):
        return value.get(str(key))
    if isinstance(value, Sequence) and not isinstance(value, str) and isinstance(key, int):
        return value[key] if -len(value) <= key < len(value) else None
    return None


def sort_key(value: Any) -> tuple[int, Any]:
    """Nulls first in ascending order."""
    if value is None:
        return 0, 0
    return (2, value.lower()) if isinstance(value, str) else (1, value)


def in_list(value: Callable[[Any], Any], among: Sequence[Callable[[Any], Any]], folded: bool) -> Callable[[Any], Any]:
    """`in (...)`, and `in~ (...)` without regard to case."""

    def inside(row: Any) -> bool:
        found = value(row)
        same = _same_folded if folded else _same
        return any(same(found, each(row)) for each in among)

    return inside


def _same(left: Any, right: Any) -> bool:
    return left is not None and right is not None and left == right


def _same_folded(left: Any, right: Any) -> bool:
    return _text(left).lower() == _text(right).lower()


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: left is not None and right is not None and compare(left, right)


def _has(left: Any, right: Any) -> bool:
    """A whole word of it."""
    return re.search(rf"(?<![0-9a-z]){re.escape(_text(right).lower())}(?![0-9a-z])", _text(left).lower()) is not None


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": _same,
    "!=": lambda left, right: not _same(left, right),
    "=~": _same_folded,
    "!~": lambda left, right: not _same_folded(left, right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "contains": lambda left, right: _text(right).lower() in _text(left).lower(),
    "startswith": lambda left, right: _text(left).lower().startswith(_text(right).lower()),
    "endswith": lambda left, right: _text(left).lower().endswith(_text(right).lower()),
    "has": _has,
}


def _to_moment(_now: float, value: Any) -> Moment | None:
    if value is None or isinstance(value, Moment):
        return value
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return Moment((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def _to_number(_now: float, value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def _split(_now: float, value: Any, by: str, place: int | None = None) -> list[str]:
    parts = _text(value).split(by)
    return parts if place is None else parts[place : place + 1]


def _bin(_now: float, value: Any, step: float) -> Any:
    if value is None:
        return None
    floored = float(value) // step * step
    return Moment(floored) if isinstance(value, Moment) else floored


def _to_span(_now: float, value: Any) -> float | None:
    found = re.fullmatch(r"(\d+)([dhms])", str(value))
    return int(found[1]) * {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}[found[2]] if found else None


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "tostring": lambda _now, value: _text(value),
    "tolower": lambda _now, value: _text(value).lower(),
    "toupper": lambda _now, value: _text(value).upper(),
    "todouble": _to_number,
    "toreal": _to_number,
    "toint": lambda now, value: None if (found := _to_number(now, value)) is None else int(found),
    "tolong": lambda now, value: None if (found := _to_number(now, value)) is None else int(found),
    "todatetime": _to_moment,
    "totimespan": _to_span,
    "now": Moment,
    "ago": lambda now, span: Moment(now - span),
    "bin": _bin,
    "split": _split,
    "strcat": lambda _now, *values: "".join(_text(value) for value in values),
    "iff": lambda _now, condition, one, other: one if condition is True else other,
    "iif": lambda _now, condition, one, other: one if condition is True else other,
    "coalesce": lambda _now, *values: next((value for value in values if value not in (None, "")), None),
    "not": lambda _now, value: value is not True,
    "isempty": lambda _now, value: _text(value) == "",
    "isnotempty": lambda _now, value: _text(value) != "",
    "isnull": lambda _now, value: value is None,
    "isnotnull": lambda _now, value: value is not None,
    "array_length": lambda _now, value: len(value) if isinstance(value, list) else None,
    "todynamic": lambda _now, value: _parsed(value),
    "parse_json": lambda _now, value: _parsed(value),
}


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None
