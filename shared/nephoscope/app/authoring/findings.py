"""Where something stands in a file, and what was found wrong there: all of it, not the first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from nephoscope.model.errors import Problem
from nephoscope.pipeline.wording import clean

LONGEST = 400
"""Characters of a problem's text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Lines and columns count from 1."""

    file: str
    line: int
    column: int


@dataclass(slots=True)
class Findings:
    """What is wrong, and what is odd and allowed."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def problem(self, place: Place, text: str) -> None:
        self.problems.append(_problem(place, text))

    def warning(self, place: Place, text: str) -> None:
        self.warnings.append(_problem(place, text))


def _problem(place: Place, text: str) -> Problem:
    """What was found is quoted, so it is cleaned: one line, no control characters, no end of it."""
    return Problem(place.file, place.line, place.column, clean(text, LONGEST))


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like it, small and capital letters aside; empty when none is like it."""
    folded = {each.casefold(): each for each in known}
    close = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean cpu.utilization?`, or the known words when there are few, or nothing."""
    words = list(known)
    if close := nearest(word, words):
        return f"; did you mean {close}?"
    return f"; known are {listed(words)}" if 0 < len(words) <= 8 else ""


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, final = list(words) or ["nothing"]
    return f"{', '.join(most)} {last} {final}" if most else final
