"""Expressions of a query, from the loosest binding to the closest: each becomes a function of a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from nephoscope.localcloud.azure.kql_values import COMPARISONS, FUNCTIONS, in_list, read_member
from nephoscope.localcloud.azure.kql_words import ParserError, Token, Words, unquoted

Row = Mapping[str, Any]
Expression = Callable[[Row], Any]
_SPANS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
}


class Expressions(Words):
    def __init__(self, text: str, now: float) -> None:
        super().__init__(text)
        self._now = now

    def expression(self) -> Expression:
        left = self._conjunction()
        while self.accept("or"):
            left = _either(left, self._conjunction())
        return left

    def _conjunction(self) -> Expression:
        left = self._comparison()
        while self.accept("and"):
            left = _both(left, self._comparison())
        return left

    def _comparison(self) -> Expression:
        left = self._sum()
        negated = self.peek.text == "!" and self.tokens[self.place + 1].kind == "word"
        word = self.tokens[self.place + negated].text
        if word in ("in", "between"):
            self.place += 1 + negated
            inside = self._among(left) if word == "in" else self._between(left)
            return _negated(inside) if negated else inside
        compare = COMPARISONS.get(word)
        if compare is None or self.peek.kind not in ("word", "sign"):
            return left
        self.place += 1 + negated
        right = self._sum()
        compared: Expression = lambda row: compare(left(row), right(row))  # noqa: E731 - one branch of many
        return _negated(compared) if negated else compared

    def _among(self, left: Expression) -> Expression:
        folded = self.accept("~")
        return in_list(left, self._list(), folded)

    def _list(self) -> list[Expression]:
        self.expect("(")
        values = [self.expression()]
        while self.accept(","):
            values.append(self.expression())
        self.expect(")")
        return values

    def _between(self, left: Expression) -> Expression:
        self.expect("(")
        low = self._sum()
        self.expect("..")
        high = self._sum()
        self.expect(")")
        return lambda row: low(row) <= left(row) <= high(row)

    def _sum(self) -> Expression:
        left = self._product()
        while self.peek.kind == "sign" and self.peek.text in "+-":
            left = _calculated(self.take("sign"), left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._unary()
        while self.peek.kind == "sign" and self.peek.text in "*/":
            left = _calculated(self.take("sign"), left, self._unary())
        return left

    def _unary(self) -> Expression:
        if self.accept("-"):
            value = self._unary()
            return lambda row: -value(row)
        value = self._primary()
        while True:
            if self.accept("."):
                value = _member(value, _constant(self.take()))
            elif self.accept("["):
                value = _member(value, self.expression())
                self.expect("]")
            else:
                return value

    def _primary(self) -> Expression:
        token = self.peek
        if self.accept("("):
            value = self.expression()
            self.expect(")")
            return value
        if self.accept("["):  # ['type']: a column whose name is a word of the language
            name = unquoted(self.take("string"))
            self.expect("]")
            return lambda row: row.get(name)
        self.place += 1
        match token.kind:
            case "string":
                return _constant(unquoted(token.text))
            case "number":
                return _constant(float(token.text) if "." in token.text else int(token.text))
            case "span":
                found = re.fullmatch(r"(\d+)(\w+)", token.text)
                return _constant(int(found[1]) * _SPANS[found[2]] if found else None)
            case "word":
                return self._call(token) if self.peek.text == "(" else _column_or_word(token.text)
        self.place -= 1
        raise self.failure()

    def _call(self, token: Token) -> Expression:
        self.expect("(")
        if token.text in ("datetime", "timespan"):
            return self._literal(token.text)
        arguments: list[Expression] = []
        while not self.accept(")"):
            arguments.append(self.expression())
            if self.peek.text != ")":
                self.expect(",")
        function = FUNCTIONS.get(token.text)
        if function is None:
            raise ParserError(token.text, token.at)
        return lambda row: function(self._now, *(argument(row) for argument in arguments))

    def _literal(self, kind: str) -> Expression:
        """datetime(2026-11-23T12:00:00Z): what stands between the brackets is no expression."""
        parts: list[str] = []
        while not self.accept(")"):
            if self.peek.kind == "end":
                raise self.failure()
            parts.append(self.peek.text)
            self.place += 1
        value = FUNCTIONS["todatetime" if kind == "datetime" else "totimespan"](self._now, "".join(parts))
        return _constant(value)


def _constant(value: Any) -> Expression:
    return lambda _row: value


def _column_or_word(name: str) -> Expression:
    words = {"true": True, "false": False, "null": None}
    return _constant(words[name]) if name in words else lambda row: row.get(name)


def _member(value: Expression, key: Expression) -> Expression:
    return lambda row: read_member(value(row), key(row))


def _either(left: Expression, right: Expression) -> Expression:
    return lambda row: left(row) is True or right(row) is True


def _both(left: Expression, right: Expression) -> Expression:
    return lambda row: left(row) is True and right(row) is True


def _negated(value: Expression) -> Expression:
    return lambda row: value(row) is not True


def _calculated(sign: str, left: Expression, right: Expression) -> Expression:
    def value(row: Row) -> Any:
        one, other = left(row), right(row)
        return None if one is None or other is None else _ARITHMETIC[sign](one, other)

    return value
