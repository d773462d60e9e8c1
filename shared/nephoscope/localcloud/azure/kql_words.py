"""A query's text, word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?://[^\n]*\n?\s*)*(?:
    (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|
    (?P<number>\d+\.\d+|\d+(?![\w.]))|(?P<span>\d+(?:ms|[dhms])\b)|
    (?P<word>[A-Za-z_][\w]*|\$[a-z]\w*)|
    (?P<sign>=~|!~|==|!=|<=|>=|\.\.|[|(),.\[\]=<>+\-*/!;~])|(?P<end>$)|(?P<bad>.))""",
    re.VERBOSE,
)


class ParserError(Exception):
    """token, at: where the parser gave up."""

    def __init__(self, token: str, at: int) -> None:
        super().__init__(f"unexpected {token or 'end of query'} at {at}")
        self.token = token
        self.at = at


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    at: int


class Words:
    """A place in the text that moves on. What expects something raises ParserError where it does not stand there."""

    def __init__(self, text: str) -> None:
        self.tokens = [
            Token(found.lastgroup or "bad", found[found.lastgroup or 0], found.start(found.lastgroup or 0))
            for found in _TOKEN.finditer(text)
        ]
        self.place = 0

    @property
    def peek(self) -> Token:
        return self.tokens[min(self.place, len(self.tokens) - 1)]

    def failure(self) -> ParserError:
        return ParserError(self.peek.text, self.peek.at)

    def take(self, kind: str = "word") -> str:
        token = self.peek
        if token.kind != kind:
            raise self.failure()
        self.place += 1
        return token.text

    def accept(self, text: str) -> bool:
        if self.peek.kind in ("word", "sign") and self.peek.text.lower() == text:
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.failure()


def unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
