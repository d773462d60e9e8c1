"""The axes: values in the unit that a person reads, times in the zone that they live in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from nephoscope.model.metric import Unit
from nephoscope.model.time import DAY, HOUR, MINUTE, ceil_div
from nephoscope.pipeline.units import SHOWN

_BINARY = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_SECONDS = ((HOUR, "h"), (MINUTE, "min"), (1, "s"))

FINEST = 5 * MINUTE
_STEPS = (FINEST, 600, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR)
_DAYS = (1, 2, 5, 7, 14, 30, 90)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Scale:
    """shown = value in the catalog's unit * factor. label: the unit's own word."""

    factor: float
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """at: in what is shown, for values; epoch seconds for times. strong: a new day begins."""

    at: float
    text: str
    strong: bool = False


def scale_of(unit: Unit, top: float) -> Scale:
    """top: the largest magnitude to be shown, in the catalog's unit."""
    if unit in (Unit.BYTES, Unit.BYTES_PER_SECOND):
        step = min(len(_BINARY) - 1, int(math.log2(top) // 10)) if top >= 1 else 0
        return Scale(1 / 1024**step, _BINARY[step] + ("/s" if unit is Unit.BYTES_PER_SECOND else ""))
    if unit is Unit.SECONDS and top > 0:
        large = next(((size, word) for size, word in _SECONDS if top >= 2 * size), None)
        return Scale(1 / large[0], large[1]) if large else Scale(1000.0, "ms") if top < 1 else Scale(1.0, "s")
    return Scale(SHOWN[unit].factor, SHOWN[unit].label)


def value_ticks(low: float, high: float, most: int = 6) -> tuple[Tick, ...]:
    """Round numbers from low to high, both included where they are round; low < high."""
    rough = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(Tick(number * step, _number(number * step)) for number in range(first, last + 1))


def _number(value: float) -> str:
    if value and abs(value) < 1e-3:
        return f"{value:.0e}"
    return f"{value:,.6g}" if abs(value) < 1e6 else _short(value)


def _short(value: float) -> str:
    for size, word in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:,.6g} {word}"
    return f"{value:g}"


def time_ticks(begin: int, end: int, zone: tzinfo, most: int = 7) -> tuple[Tick, ...]:
    """At round hours of the zone's own clock, also where it is moved: an hour that comes twice is written twice."""
    step = next((each for each in _STEPS if (end - begin) / each <= most), None)
    return tuple(_clock_ticks(begin, end, zone, step) if step else _day_ticks(begin, end, zone, most))


def _quarters(begin: int, end: int, zone: tzinfo) -> Iterator[tuple[int, datetime]]:
    """Every five minutes: no zone's offset is finer."""
    for at in range(ceil_div(begin, FINEST) * FINEST, end + 1, FINEST):
        yield at, datetime.fromtimestamp(at, zone)


def _clock_ticks(begin: int, end: int, zone: tzinfo, step: int) -> Iterator[Tick]:
    for at, moment in _quarters(begin, end, zone):
        if (moment.hour * HOUR + moment.minute * MINUTE) % step == 0:
            midnight = moment.hour == moment.minute == 0
            yield Tick(at, _date(moment) if midnight else f"{moment:%H:%M}", midnight)


def _day_ticks(begin: int, end: int, zone: tzinfo, most: int) -> Iterator[Tick]:
    days = next((each for each in _DAYS if (end - begin) / DAY / each <= most), _DAYS[-1])
    for at, moment in _quarters(begin, end, zone):
        if moment.hour == moment.minute == 0 and moment.toordinal() % days == 0:
            yield Tick(at, _date(moment))


def _date(moment: datetime) -> str:
    return f"{moment.day} {_MONTHS[moment.month - 1]}"


def zone_words(begin: int, end: int, zone: tzinfo) -> str:
    """`Europe/Berlin (UTC+1)`; `UTC`; both offsets where the clock is moved in between."""
    offsets = dict.fromkeys(_offset(at, zone) for at in (begin, end))
    name = str(getattr(zone, "key", zone))
    return "UTC" if name in ("UTC", "Etc/UTC") else f"{name} ({', then '.join(offsets)})"


def _offset(at: int, zone: tzinfo) -> str:
    minutes = int((datetime.fromtimestamp(at, zone).utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02d}" if rest else "")


def when_words(at: int, zone: tzinfo, *, year: bool = True) -> str:
    """`26 Nov 2026 17:20`."""
    moment = datetime.fromtimestamp(at, zone)
    return f"{_date(moment)} {moment:%Y %H:%M}" if year else f"{_date(moment)} {moment:%H:%M}"


def bounds(values: Sequence[float], unit: Unit) -> tuple[float, float]:
    """The axis' ends, in the catalog's unit: from zero, for a fall from 91 to 90 % is none; to 1 for shares."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    least = 1.0 if unit is Unit.FRACTION else 0.0
    top = max(high, least) if unit is Unit.FRACTION and high <= 1.0 else high * 1.08
    bottom = 0.0 if low >= 0 else low * 1.08
    return (bottom, top) if top > bottom else (bottom, bottom + 1.0)
