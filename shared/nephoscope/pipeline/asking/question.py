"""A question to history: one metric, one statistic, put together by one word, over a stretch of time in steps."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from nephoscope.model.question import Question, Statistic
from nephoscope.model.time import DAY, HOUR, MINUTE, ceil_div, floor_to
from nephoscope.pipeline.asking.fields import BY, UnclearQuestionError, check_word, parse_where

STATISTICS = ("avg", "max", "min", "sum", "count")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,3})?)")

MOST_STEPS = 300
"""Of a graph: about one for three pixels. The steps below lie no further apart than five times, so that there are at
least 60, where points come often enough."""

STEPS = tuple(
    [MINUTE * number for number in (1, 2, 5, 10, 15, 30)]
    + [HOUR * number for number in (1, 2, 3, 6, 12)]
    + [DAY, 7 * DAY]
)


def parse_statistic(text: str) -> Statistic:
    """`avg`, `p95`, `p99.9`. Raises UnclearQuestionError."""
    if text in STATISTICS:
        return Statistic(text)
    found = _PERCENTILE.fullmatch(text)
    if found and float(found[1]) > 0:
        return Statistic("percentile", float(found[1]))
    raise UnclearQuestionError(f'unknown statistic "{text}"', text, (*STATISTICS, "p50", "p95", "p99"))


def ask(
    fleet: str, metric: str, statistic: str, by: str, where: Iterable[str], begin: int, end: int, step: int = 0
) -> Question:
    """What was written, understood. Raises UnclearQuestionError."""
    check_word(by, BY)
    if end <= begin:
        raise UnclearQuestionError("the time ends before it begins")
    if step < 0:
        raise UnclearQuestionError("a step is longer than nothing")
    return Question(fleet, metric, parse_statistic(statistic), by, tuple(map(parse_where, where)), begin, end, step)


def step_of(begin: int, end: int, period: int, wanted: int = 0) -> int:
    """Seconds: what was wanted, or what makes a graph of 60 to 300 steps; never finer than the points' period, and a
    multiple of it: between steps of no points a line would have holes."""
    least = max(period, 1)
    if wanted:
        return max(wanted, least)
    enough = max(least, (end - begin) / MOST_STEPS)
    step = next((each for each in STEPS if each >= enough), 7 * DAY * math.ceil(enough / (7 * DAY)))
    return step if step % least == 0 else least * ceil_div(step, least)


def begun(begin: int, step: int) -> int:
    """A first step that is cut off would show less than there is: the time begins where its first step does."""
    return floor_to(begin, step)
