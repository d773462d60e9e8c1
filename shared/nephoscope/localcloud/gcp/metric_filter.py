"""Monitoring's filters: what selects a metric type and its time series.

A filter is comparisons joined by AND (or by nothing), OR and NOT (or `-`), with parentheses; OR binds tighter than AND.
A comparison's right side is a text, a number, or one of the functions starts_with, ends_with, has_substring, one_of and
monitoring.regex.full_match. `label` and `labels` are the same; a label's name may stand in quotation marks. What is not
known here is refused.
Source: https://cloud.google.com/monitoring/api/v3/filters#filter_syntax
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.localcloud.gcp.call import GoogleError, invalid

Facts = Mapping[str, str]
Test = Callable[[str], bool]
_PIECE = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|!=|=|:|[(),]|-(?=[\w(])|[A-Za-z_][\w./-]*|[\d.]+|\S)""")
_ROOTS = ("project", "metric.type", "resource.type")
_LABELS = ("metric.labels.", "resource.labels.", "metadata.user_labels.", "metadata.system_labels.")


@dataclass(frozen=True, slots=True)
class Filter:
    """metric_type: the one type that every match has, empty where the filter does not say. names: the fields that are
    mentioned. matches: over `project`, `metric.type`, `resource.labels.zone` and so on; a missing label is empty."""

    metric_type: str
    names: frozenset[str]
    matches: Callable[[Facts], bool]


def parse_filter(text: str) -> Filter:
    """Raises GoogleError for what Monitoring would refuse, or what is not known here."""
    reading = _Reading(text)
    matches, equal = reading.expression()
    reading.expect("")
    return Filter(equal.get("metric.type", ""), frozenset(reading.names), matches)


_Node = tuple[Callable[[Facts], bool], dict[str, str]]
"""A test, and the equalities that hold wherever it does."""


class _Reading:
    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[str] = [*_PIECE.findall(text), ""]
        self._place = 0
        self.names: set[str] = set()

    def expression(self) -> _Node:
        parts = [self._alternatives()]
        while self._peek() not in ("", ")"):
            self._accept("AND")
            parts.append(self._alternatives())
        equal = {name: value for _, known in parts for name, value in known.items()}
        return _every([test for test, _ in parts]), equal

    def _alternatives(self) -> _Node:
        parts = [self._factor()]
        while self._accept("OR"):
            parts.append(self._factor())
        return parts[0] if len(parts) == 1 else (_some([test for test, _ in parts]), {})

    def _factor(self) -> _Node:
        if self._accept("NOT") or self._accept("-"):
            inner, _ = self._factor()
            return (lambda facts: not inner(facts)), {}
        if self._accept("("):
            node = self.expression()
            self.expect(")")
            return node
        return self._comparison()

    def _comparison(self) -> _Node:
        name = self._name()
        operator = self._next()
        if operator not in ("=", "!=", ":"):
            raise self._wrong(f"operator {operator!r}")
        test, value = self._value(contains=operator == ":")
        self.names.add(name)
        wanted = operator != "!="
        known = {name: value} if operator == "=" and value is not None else {}
        return (lambda facts: test(facts.get(name, "")) is wanted), known

    def _name(self) -> str:
        name = self._next()
        if name.endswith(".") and self._peek()[:1] in ("'", '"'):
            name += _unquoted(self._next())
        name = re.sub(r"^(metric|resource)\.label\.", r"\1.labels.", name)
        if name not in _ROOTS and not name.startswith(_LABELS):
            raise self._wrong(f"field {name!r}")
        return name

    def _value(self, *, contains: bool) -> tuple[Test, str | None]:
        word = self._next()
        if word[:1] in ("'", '"') or (re.fullmatch(r"[\w.\-/]+", word) and self._peek() != "("):
            text = _unquoted(word)
            return ((lambda held: text in held), None) if contains else ((lambda held: held == text), text)
        if word not in _FUNCTIONS or contains:
            raise self._wrong(f"value {word!r}")
        return _FUNCTIONS[word](self._arguments()), None

    def _arguments(self) -> list[str]:
        self.expect("(")
        found = [_unquoted(self._next())]
        while self._accept(","):
            found.append(_unquoted(self._next()))
        self.expect(")")
        return found

    def expect(self, piece: str) -> None:
        if self._next() != piece:
            raise self._wrong("its end" if not piece else repr(piece))

    def _accept(self, piece: str) -> bool:
        if piece and self._peek() == piece:
            self._place += 1
            return True
        return False

    def _peek(self) -> str:
        return self._pieces[self._place]

    def _next(self) -> str:
        piece = self._pieces[self._place]
        self._place = min(self._place + 1, len(self._pieces) - 1)
        return piece

    def _wrong(self, what: str) -> GoogleError:
        return invalid(f'Field filter had an invalid value of "{self._text}": Could not parse filter at {what}.')


def _every(tests: Sequence[Callable[[Facts], bool]]) -> Callable[[Facts], bool]:
    return lambda facts: all(test(facts) for test in tests)


def _some(tests: Sequence[Callable[[Facts], bool]]) -> Callable[[Facts], bool]:
    return lambda facts: any(test(facts) for test in tests)


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word[:1] in ("'", '"') else word


def _one_of(values: Sequence[str]) -> Test:
    known = frozenset(values)
    return lambda held: held in known


def _full_match(values: Sequence[str]) -> Test:
    try:
        pattern = re.compile(values[0])
    except re.error as error:
        raise invalid(f"Field filter had an invalid regular expression: {error}") from error
    return lambda held: bool(pattern.fullmatch(held))


_FUNCTIONS: Mapping[str, Callable[[Sequence[str]], Test]] = {
    "starts_with": lambda values: lambda held: held.startswith(values[0]),
    "ends_with": lambda values: lambda held: held.endswith(values[0]),
    "has_substring": lambda values: lambda held: values[0] in held,
    "one_of": _one_of,
    "monitoring.regex.full_match": _full_match,
}
