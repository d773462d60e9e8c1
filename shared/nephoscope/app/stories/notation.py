"""`10 95 _ 95x3`: the values of a series, one after the other.

95        a value; in percent where the metric is a share, in seconds where it is a time, else with its unit
5GiB      a value with its unit, without a blank
_         the provider answered and has no point: absent
?         nobody can say: unknown
95x3      three of them; `95 x3` is the same
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nephoscope.app.authoring.quantities import UnclearError, parse_quantity
from nephoscope.model.metric import Unit
from nephoscope.pipeline.judge import UNKNOWN, Sample

MOST_VALUES = 20_000

_WORD = re.compile(r"(?P<value>[^\sx]+)(?:x(?P<times>[0-9]+))?")
_AGAIN = re.compile(r"x(?P<times>[0-9]+)")
_NUMBER = re.compile(r"(?P<number>[-+]?[0-9]+(?:\.[0-9]+)?)(?P<unit>.*)")
_BARE = {Unit.FRACTION: "%", Unit.SECONDS: "s", Unit.OPERATIONS_PER_SECOND: "/s"}


def parse_course(text: str, unit: Unit, bare: str = "") -> tuple[Sample, ...]:
    """The samples in the catalog's unit, in order; never empty. bare: the unit of numbers that have none. Raises
    UnclearError."""
    samples: list[Sample] = []
    for sample, times in _repeated(text, unit, bare or _BARE.get(unit, "")):
        if len(samples) + times > MOST_VALUES:
            raise UnclearError(f"more than {MOST_VALUES} values")
        samples += [sample] * times
    if not samples:
        raise UnclearError("no value; write for example 10 95x3 _ 20")
    return tuple(samples)


def _repeated(text: str, unit: Unit, bare: str) -> Iterator[tuple[Sample, int]]:
    before: Sample = None
    first = True
    for word in text.split():
        if again := _AGAIN.fullmatch(word):
            if first:
                raise UnclearError(f'"{word}" repeats a value, and none stands before it')
            yield before, _times(again["times"], word) - 1
            continue
        found = _WORD.fullmatch(word)
        if found is None:
            raise UnclearError(f'"{word}" is no value; write a number, _ for no point or ? for unknown, 95x3 for three')
        before, first = _sample(found["value"], unit, bare), False
        yield before, _times(found["times"], word) if found["times"] else 1


def _times(digits: str, word: str) -> int:
    times = int(digits[:9])
    if not times:
        raise UnclearError(f'"{word}" is no value at all; leave it out')
    return times


def _sample(word: str, unit: Unit, bare: str) -> Sample:
    if word == "_":
        return None
    if word == "?":
        return UNKNOWN
    found = _NUMBER.fullmatch(word)
    if found is None:
        raise UnclearError(f'"{word}" is no value; write a number, _ for no point or ? for unknown')
    return parse_quantity(f"{found['number']} {found['unit'] or bare}", unit)
