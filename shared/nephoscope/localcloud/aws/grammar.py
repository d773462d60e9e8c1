"""The grammar of metric math: a text becomes a tree. Names in capitals are functions and words, others are queries."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nephoscope.localcloud.aws.call import AwsError


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Listing:
    members: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Invoke:
    function: str
    arguments: tuple[Node, ...]


Node = Number | Text | Name | Listing | Binary | Invoke

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|'(?P<single>(?:[^'\\]|\\.)*)'"
    r'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<sign><=|>=|==|!=|&&|\|\||[-+*/^<>()\[\],]))'
)
# Loosest first; those of one line bind alike, from left to right.
_LEVELS = (("OR",), ("AND",), ("==", "!=", "<", ">", "<=", ">="), ("+", "-"), ("*", "/"), ("^",))
_SAME = {"&&": "AND", "||": "OR"}


def parse_expression(text: str) -> Node:
    """Raises AwsError."""
    parser = _Parser(text, _tokens(text))
    node = parser.level(0)
    parser.end()
    return node


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, place, end = [], 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if not found or found.lastgroup is None:
            raise AwsError("ValidationError", f"Error in expression: unexpected {text[place : place + 20]!r}")
        word = found[found.lastgroup]
        if found.lastgroup in ("single", "double"):
            tokens.append(("text", re.sub(r"\\(.)", r"\1", word)))
        elif word in ("AND", "OR", *_SAME):
            tokens.append(("sign", _SAME.get(word, word)))
        else:
            tokens.append((found.lastgroup, word))
        place = found.end()
    return tokens


class _Parser:
    def __init__(self, text: str, tokens: list[tuple[str, str]]) -> None:
        self._text = text
        self._tokens = tokens
        self._place = 0

    def level(self, depth: int) -> Node:
        if depth == len(_LEVELS):
            return self._single()
        left = self.level(depth + 1)
        while self._peek()[0] == "sign" and self._peek()[1] in _LEVELS[depth]:
            sign = self._next()[1]
            left = Binary(sign, left, self.level(depth + 1))
        return left

    def end(self) -> None:
        if self._place < len(self._tokens):
            raise self._unexpected()

    def _single(self) -> Node:
        kind, word = self._next()
        match kind, word:
            case "number", _:
                return Number(float(word))
            case "text", _:
                return Text(word)
            case "name", _:
                return Invoke(word.upper(), self._members(")")) if self._take("(") else Name(word)
            case "sign", "-":
                return Binary("-", Number(0.0), self._single())
            case "sign", "[":
                return Listing(self._members("]"))
            case "sign", "(":
                node = self.level(0)
                if self._take(")"):
                    return node
        raise self._unexpected()

    def _members(self, closing: str) -> tuple[Node, ...]:
        members: list[Node] = []
        while not self._take(closing):
            members.append(self.level(0))
            if not self._take(",") and self._peek()[1] != closing:
                raise self._unexpected()
        return tuple(members)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._place += 1
        return token

    def _take(self, sign: str) -> bool:
        if self._peek() == ("sign", sign):
            self._place += 1
            return True
        return False

    def _unexpected(self) -> AwsError:
        kind, word = self._peek()
        what = "its end" if kind == "end" else repr(word)
        return AwsError("ValidationError", f"Error in expression {self._text!r}: unexpected {what}")
