"""The part of Kusto's query language that a reader of machines sends: a table and a chain of operators.

Operators: where, extend, project, project-away, order by, take, limit, distinct, count, summarize (avg, min, max, sum,
count, arg_max), union. What is not known here is refused as a parser's failure, never guessed.
Source: https://learn.microsoft.com/kusto/query/ and, for what Resource Graph knows of it,
https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from nephoscope.localcloud.azure.kql_expressions import Expression, Expressions, Row
from nephoscope.localcloud.azure.kql_values import sort_key
from nephoscope.localcloud.azure.kql_words import ParserError, Token, unquoted

__all__ = ["ParserError", "Row", "Rows", "run"]

Rows = list[dict[str, Any]]
_AGGREGATES: Mapping[str, Callable[[list[Any]], Any]] = {
    "avg": lambda values: sum(values) / len(values) if values else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "sum": sum,
}


def run(text: str, table: Callable[[str], Iterable[Row]], now: float) -> tuple[Rows, bool]:
    """The rows of a query, and whether it limits them itself (then there is no next page). table: raises KeyError for
    a name that is not there. Raises ParserError."""
    parser = _Query(text, table, now)
    try:
        rows = parser.pipeline()
    except TypeError as error:  # such as a text less a number
        raise parser.failure() from error
    parser.accept(";")
    if parser.peek.kind != "end":
        raise parser.failure()
    return rows, parser.limited


class _Query(Expressions):
    """Reads and carries out in one: each operator takes the rows so far."""

    def __init__(self, text: str, table: Callable[[str], Iterable[Row]], now: float) -> None:
        super().__init__(text, now)
        self._table = table
        self.limited = False

    def pipeline(self) -> Rows:
        rows = self._union([]) if self.accept("union") else self._source()
        while self.accept("|"):
            rows = self._operator(rows)
        return rows

    def _source(self) -> Rows:
        at = self.place
        try:
            return [dict(row) for row in self._table(self.take())]
        except KeyError as error:
            self.place = at
            raise self.failure() from error

    def _operator(self, rows: Rows) -> Rows:
        place = self.place
        word = self.take()
        if word == "project" and self.accept("-"):
            self.expect("away")
            word = "project_away"
        known = _OPERATORS.get(word)
        if known is None:
            self.place = place
            raise self.failure()
        return known(self, rows)

    def _where(self, rows: Rows) -> Rows:
        condition = self.expression()
        return [row for row in rows if condition(row) is True]

    def _extend(self, rows: Rows) -> Rows:
        columns = self._columns()
        return [row | {name: value(row) for name, value in columns} for row in rows]

    def _project(self, rows: Rows) -> Rows:
        columns = self._columns()
        return [{name: value(row) for name, value in columns} for row in rows]

    def _project_away(self, rows: Rows) -> Rows:
        gone = self._names()
        return [{name: value for name, value in row.items() if name not in gone} for row in rows]

    def _distinct(self, rows: Rows) -> Rows:
        names = self._names()
        seen = {repr([row.get(name) for name in names]): {name: row.get(name) for name in names} for row in rows}
        return list(seen.values())

    def _count(self, rows: Rows) -> Rows:
        return [{"Count": len(rows)}]

    def _limit(self, rows: Rows) -> Rows:
        self.limited = True
        return rows[: int(self.take("number"))]

    def _order(self, rows: Rows) -> Rows:
        """Descending unless it says asc."""
        self.expect("by")
        keys: list[tuple[Expression, bool]] = []
        while not keys or self.accept(","):
            value = self.expression()
            keys.append((value, not self.accept("asc") and (self.accept("desc") or True)))
        for value, descending in reversed(keys):
            rows = sorted(rows, key=lambda row, value=value: sort_key(value(row)), reverse=descending)  # type: ignore[misc]
        return rows

    def _union(self, rows: Rows) -> Rows:
        joined = list(rows)
        while True:
            if self.accept("("):
                joined += self.pipeline()
                self.expect(")")
            else:
                joined += self._source()
            if not self.accept(","):
                return joined

    def _summarize(self, rows: Rows) -> Rows:
        totals = [] if self.peek.text == "by" else self._aggregations()
        keys = self._columns() if self.accept("by") else []
        groups: dict[str, tuple[dict[str, Any], Rows]] = {}
        for row in rows:
            named = {name: value(row) for name, value in keys}
            groups.setdefault(repr(list(named.values())), (named, []))[1].append(row)
        if not keys and not groups:
            groups[""] = ({}, [])
        return [_beside(named, _totals(totals, members)) for named, members in groups.values()]

    def _aggregations(self) -> list[tuple[str, Callable[[Rows], Mapping[str, Any]]]]:
        found = [self._aggregation()]
        while self.accept(","):
            found.append(self._aggregation())
        return found

    def _aggregation(self) -> tuple[str, Callable[[Rows], Mapping[str, Any]]]:
        name, word = "", self.take()
        if self.accept("="):
            name, word = word, self.take()
        self.expect("(")
        if word == "count":
            self.expect(")")
            return name, lambda rows: {name or "count_": len(rows)}
        if word == "arg_max":
            return name, self._newest()
        if word not in _AGGREGATES:
            self.place -= 2
            raise self.failure()
        column, value = self.peek.text, self.expression()
        self.expect(")")
        label = name or f"{word}_{column}"
        return label, lambda rows: {label: _AGGREGATES[word]([v for row in rows if (v := value(row)) is not None])}

    def _newest(self) -> Callable[[Rows], Mapping[str, Any]]:
        """arg_max(by, columns): the row in which `by` is greatest."""
        by_name, by = self.peek.text, self.expression()
        columns: list[tuple[str, Expression]] = []
        every = False
        while self.accept(","):
            if self.accept("*"):
                every = True
            else:
                columns.append((self.peek.text, self.expression()))
        self.expect(")")

        def newest(rows: Rows) -> Mapping[str, Any]:
            row = max(rows, key=lambda row: sort_key(by(row)))
            return (row if every else {by_name: by(row)}) | {name: value(row) for name, value in columns}

        return newest

    def _names(self) -> list[str]:
        names = [self.take()]
        while self.accept(","):
            names.append(self.take())
        return names

    def _columns(self) -> list[tuple[str, Expression]]:
        columns = [self._column(0)]
        while self.accept(","):
            columns.append(self._column(len(columns)))
        return columns

    def _column(self, place: int) -> tuple[str, Expression]:
        """`name = expression`, or an expression that names itself: the last member of a path joined by `_`."""
        ahead = self.tokens[self.place : self.place + 2]
        if len(ahead) == 2 and ahead[0].kind == "word" and ahead[1].text == "=":
            self.place += 2
            return ahead[0].text, self.expression()
        start = self.place
        value = self.expression()
        words = [token.text for token in self.tokens[start : self.place] if token.kind in ("word", "string")]
        return _own_name(self.tokens[start : self.place], words, place), value


_OPERATORS: Mapping[str, Callable[[_Query, Rows], Rows]] = {
    "where": _Query._where,
    "filter": _Query._where,
    "extend": _Query._extend,
    "project": _Query._project,
    "project_away": _Query._project_away,
    "order": _Query._order,
    "sort": _Query._order,
    "take": _Query._limit,
    "limit": _Query._limit,
    "distinct": _Query._distinct,
    "count": _Query._count,
    "summarize": _Query._summarize,
    "union": _Query._union,
}


def _totals(totals: Sequence[tuple[str, Callable[[Rows], Mapping[str, Any]]]], rows: Rows) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _, total in totals:
        found |= total(rows)
    return found


def _beside(named: dict[str, Any], totals: dict[str, Any]) -> dict[str, Any]:
    """A column whose name is taken gets a 1 at its end, unless it says the same."""
    taken = {name for name, value in totals.items() if name in named and named[name] != value}
    return named | {f"{name}1" if name in taken else name: value for name, value in totals.items()}


def _own_name(tokens: Sequence[Token], words: Sequence[str], place: int) -> str:
    if not words:
        return f"Column{place + 1}"
    if len(tokens) > 1 and tokens[1].text == "(":  # bin(TimeGenerated, 1m) is called as its column is
        return words[1] if words[0] == "bin" else f"Column{place + 1}"
    return "_".join(unquoted(word) if word[0] in "'\"" else word for word in words)
