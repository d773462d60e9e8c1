"""Cron expressions: minute, hour, day of the month, month, day of the week; `*`, lists, ranges and steps.

Days are as in Vixie cron: where both day fields are restricted, either may fit; Sunday is 0 or 7.
Source: crontab(5). Names of days and months are not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))


class CronError(ValueError):
    """What is not understood, in words."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The minutes that fit, field by field. any_day, any_weekday: the field is `*`."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def fits(self, at: datetime) -> bool:
        """at: a time of day as a clock on the wall shows it."""
        if at.minute not in self.minutes or at.hour not in self.hours or at.month not in self.months:
            return False
        day, weekday = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return (day and weekday) if self.any_day or self.any_weekday else (day or weekday)


@cache
def parse_cron(text: str) -> Cron:
    """Raises CronError that says which field is wrong."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise CronError(f'"{text}" has {len(fields)} fields; five are needed: minute hour day month weekday')
    found = [_values(field, *row) for field, row in zip(fields, _FIELDS, strict=True)]
    weekdays = frozenset(day % 7 for day in found[4])
    return Cron(found[0], found[1], found[2], found[3], weekdays, fields[2] == "*", fields[4] == "*")


def _values(field: str, name: str, low: int, high: int) -> frozenset[int]:
    return frozenset(value for part in field.split(",") for value in _part(part, name, low, high))


def _part(part: str, name: str, low: int, high: int) -> range:
    span, _, step = part.partition("/")
    first, _, last = span.partition("-")
    try:
        begin, end = (low, high) if span == "*" else (int(first), int(last or first))
        every = int(step) if step else 1
    except ValueError as error:
        raise CronError(f'"{part}" is no {name}') from error
    if step and not last and span != "*":
        end = high
    if not low <= begin <= end <= high or every < 1:
        raise CronError(f'"{part}" is no {name}: {low} to {high}')
    return range(begin, end + 1, every)
