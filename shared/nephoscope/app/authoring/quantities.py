"""Numbers with the units that people write, and back: `90 %`, `5 TiB`, `10 MiB/s`, `200 ms`, `3 of 5 min`.

A unit belongs to what a metric measures (the catalog's unit); any other is refused with the names of the right ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from nephoscope.app.authoring.findings import listed
from nephoscope.model.metric import Unit
from nephoscope.model.rule import Window
from nephoscope.model.time import DAY, HOUR, MINUTE
from nephoscope.pipeline.wording import render_value

DECIMAL_BYTES = {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}
BINARY_BYTES = {"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40, "PiB": 2.0**50}
BITS = {"kbit": 125.0, "Mbit": 125e3, "Gbit": 125e6}
DURATIONS = {"s": 1, "min": MINUTE, "h": HOUR, "d": DAY}


@dataclass(frozen=True, slots=True)
class Written:
    """How a catalog unit is written. words: unit -> factor to the catalog's unit; `` where a bare number will do.
    named: the words that a message offers. least, most: what such a metric can be at all."""

    words: Mapping[str, float]
    named: tuple[str, ...]
    least: float = 0.0
    most: float = math.inf


def _counted(*words: str) -> Written:
    return Written({"": 1.0} | dict.fromkeys(words, 1.0), ("a bare number",))


def _per_second(units: Mapping[str, float]) -> dict[str, float]:
    return {f"{unit}/s": factor for unit, factor in units.items()}


WRITTEN: Mapping[Unit, Written] = {
    Unit.FRACTION: Written({"%": 0.01}, ("%",), 0.0, 1.0),
    Unit.BYTES: Written(
        DECIMAL_BYTES | BINARY_BYTES, ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "kB", "MB", "GB", "TB", "PB")
    ),
    Unit.BYTES_PER_SECOND: Written(
        _per_second(DECIMAL_BYTES | BINARY_BYTES | BITS),
        ("B/s", "KiB/s", "MiB/s", "GiB/s", "kB/s", "MB/s", "GB/s", "Mbit/s", "Gbit/s"),
    ),
    Unit.SECONDS: Written({"ms": 0.001} | DURATIONS, ("ms", "s", "min", "h", "d")),
    Unit.OPERATIONS_PER_SECOND: Written({"/s": 1.0, "operations/s": 1.0}, ("operations/s",)),
    Unit.OBJECTS: _counted("objects"),
    Unit.CREDITS: _counted("credits"),
    Unit.COUNT: _counted(),
}

_NUMBER = re.compile(r"([-+]?[0-9]+(?:\.[0-9]+)?)\s*(.*)", re.DOTALL)
_DURATION = re.compile(r"([0-9]+)\s*([A-Za-z]+)")
_SPAN = re.compile(r"(?:([0-9]+)\s+of\s+)?([0-9]+)\s*([A-Za-z]*)")


class UnclearError(Exception):
    """A text that cannot be understood; its message says what would be."""


def parse_quantity(text: str, unit: Unit) -> float:
    """The value in the catalog's unit. Raises UnclearError."""
    written = WRITTEN[unit]
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        raise UnclearError(f'expected a number{_with_unit(written)}, found "{text.strip()}"')
    number, word = float(found[1]), " ".join(found[2].split())
    factor = written.words.get(word)
    if factor is None:
        raise UnclearError(_wrong_unit(found[1], word, written))
    if not math.isfinite(number * factor):
        raise UnclearError(f"{found[1][:20]}... is too large a number")
    return number * factor


def _with_unit(written: Written) -> str:
    return "" if "" in written.words else f" with {_one_of(written.named)}"


def _wrong_unit(number: str, word: str, written: Written) -> str:
    alike = [known for known in written.words if word and known.casefold() == word.casefold()]
    if len(alike) == 1:
        return f'unknown unit "{word}"; did you mean {alike[0]}?'
    found = f'"{word}" is not its unit' if word else f"{number} has no unit"
    return (
        f"{found}; write {number} with {_one_of(written.named)}"
        if "" not in written.words
        else f"{found}; write {number}"
    )


def _one_of(words: tuple[str, ...]) -> str:
    return listed(words, "or")


def parse_duration(text: str) -> int:
    """Seconds. Raises UnclearError."""
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise UnclearError(f'expected a duration such as 10 min, found "{text.strip()}"')
    if found[2] not in DURATIONS:
        raise UnclearError(f'unknown unit "{found[2]}"; durations are in {listed(DURATIONS, "or")}')
    return int(found[1][:12]) * DURATIONS[found[2]]  # more digits than that are refused as too long anyway


def parse_window(text: str) -> Window:
    """`10 min` (all of it) or `3 of 5 min`, in whole minutes. Raises UnclearError."""
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise UnclearError(f'expected a duration such as 10 min or 3 of 5 min, found "{text.strip()}"')
    if not found[3]:
        raise UnclearError(f'"{text.strip()}" of what? write {text.strip()} min')
    span = parse_duration(f"{found[2]} {found[3]}")
    hold = parse_duration(f"{found[1]} {found[3]}") if found[1] else span
    if not span or not hold:
        raise UnclearError("a duration of nothing; leave it out, and one point is enough")
    if span % MINUTE or hold % MINUTE:
        raise UnclearError(f'"{text.strip()}" is not in whole minutes')
    if hold > span:
        raise UnclearError(f"{found[1]} of {found[2]} can never be: the first number is at most the second")
    return Window(hold, span)


def parse_keep(text: str) -> int:
    """How long something stays open, seconds: whole minutes, a day at most. Raises UnclearError."""
    seconds = parse_duration(text)
    if seconds % MINUTE or not MINUTE <= seconds <= DAY:
        raise UnclearError(f'"{text.strip()}" is not between 1 min and 1 d, in whole minutes')
    return seconds


def render_quantity(value: float, unit: Unit) -> str:
    """As it would be written, to the last digit that matters: 0.925 of a fraction is `92.5 %`."""
    return render_value(value, unit, digits=9)
