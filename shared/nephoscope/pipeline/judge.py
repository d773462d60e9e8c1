"""M of N over a window of datapoints, as a CloudWatch alarm does it.

Three kinds of sample stand in the window: a value, *absent* (the provider answered completely and has no point) and
*unknown* (nobody can say). Absent alone may use the rule's missing-data treatment:

- at least N real points: the newest N decide;
- fewer: all of them count, and the treatment fills the shortfall, as few as possible;
- none: INSUFFICIENT, RETAIN, ALARM or OK, by treatment;
- only breaching ones, fewer than M (`missing` treatment): an alarm only when the oldest of them is at least M periods
  old, so that one late burst does not alarm before the rest of its window could arrive.

Source: Amazon CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data". The evaluation range is
documented only as 5 for N = 3; N + 2 is our reading of it.

Unknown never guesses. A result is given only where every possible content of the unknown periods leads to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from nephoscope.model.rule import MissingData

EXTRA_PERIODS = 2
"""How far the evaluation range reaches behind N, for points that come late."""


class Unknown(Enum):
    """The third kind of sample; a type of its own so that no comparison takes it for a number."""

    UNKNOWN = "?"


UNKNOWN = Unknown.UNKNOWN
Sample = float | None | Unknown


class Finding(StrEnum):
    ALARM = "alarm"
    OK = "ok"
    INSUFFICIENT = "insufficient"
    RETAIN = "retain"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A finding and the numbers behind it. value: the newest real point that speaks for the finding, if any."""

    finding: Finding
    value: float | None = None
    breaching: int = 0
    newest_breaches: bool = False


def judge(
    samples: Sequence[Sample], m: int, n: int, breaches: Callable[[float], bool], missing: MissingData
) -> Judgement:
    """Judge the newest `n` of `samples` (oldest first, n + EXTRA_PERIODS of them or fewer); 1 <= m <= n."""
    real = [sample for sample in samples if isinstance(sample, float)]
    flags = [breaches(value) for value in real]
    if UNKNOWN in samples:
        finding = _certain(samples[-n:], m, n, breaches)
    elif len(real) >= n:
        finding = Finding.ALARM if sum(flags[-n:]) >= m else Finding.OK
    else:
        finding = _fill(samples, flags, m, n, missing)
    return Judgement(
        finding,
        _speaking_value(real, flags, finding),
        sum(flags[-n:]),
        bool(flags) and flags[-1],
    )


def _certain(newest: Sequence[Sample], m: int, n: int, breaches: Callable[[float], bool]) -> Finding:
    """What holds whatever the unknown periods contain: M breaches are there already, or can no longer be reached."""
    flags = [breaches(sample) for sample in newest if isinstance(sample, float)]
    if sum(flags) >= m:
        return Finding.ALARM
    return Finding.OK if len(flags) - sum(flags) > n - m else Finding.UNKNOWN


_NO_POINT = {
    MissingData.MISSING: Finding.INSUFFICIENT,
    MissingData.IGNORE: Finding.RETAIN,
    MissingData.BREACHING: Finding.ALARM,
    MissingData.NOT_BREACHING: Finding.OK,
}


def _fill(samples: Sequence[Sample], flags: Sequence[bool], m: int, n: int, missing: MissingData) -> Finding:
    """Fewer than N real points, no unknown one: the treatment decides about the shortfall."""
    if not flags:
        return _NO_POINT[missing]
    breaching = sum(flags) + (n - len(flags) if missing is MissingData.BREACHING else 0)
    if breaching >= m:
        return Finding.ALARM
    if missing in (MissingData.BREACHING, MissingData.NOT_BREACHING) or not all(flags):
        return Finding.OK
    return _premature(samples, m, missing)


def _premature(samples: Sequence[Sample], m: int, missing: MissingData) -> Finding:
    """Nothing but breaching points, too few of them."""
    oldest = next(index for index, sample in enumerate(samples) if sample is not None)
    old_enough = len(samples) - oldest >= m
    return Finding.ALARM if missing is MissingData.MISSING and old_enough else Finding.RETAIN


def _speaking_value(real: Sequence[float], flags: Sequence[bool], finding: Finding) -> float | None:
    """For an alarm the newest breaching point, otherwise the newest point."""
    if finding is Finding.ALARM:
        return next((value for value, flag in zip(reversed(real), reversed(flags), strict=True) if flag), None)
    return real[-1] if real else None
