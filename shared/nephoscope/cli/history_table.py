"""An answer of history as a table: a line a group with the course of its figure, the worst first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import tzinfo

from nephoscope.app.history import History
from nephoscope.cli.table import GAP, Cell, Column
from nephoscope.cli.terminal import Terminal
from nephoscope.model.metric import Unit
from nephoscope.model.question import Course
from nephoscope.pipeline.plotting.axes import bounds, when_words, zone_words
from nephoscope.pipeline.plotting.sparks import ASCII, BLOCKS, spark_of
from nephoscope.pipeline.wording import clean, render_duration, render_value

MOST = 40
"""Lines; more of them nobody reads."""

FEWEST, WIDEST, IN_A_PIPE = 8, 96, 48
"""Blocks in a line."""

_PLAIN = ("avg", "max", "min")
"""Of these the figure of the whole time is a column anyway."""


def show_table(terminal: Terminal, history: History, zone: tzinfo) -> None:
    question, unit = history.question, history.unit
    stepped = Unit.COUNT if question.statistic.name == "count" else unit
    by = "" if question.by == "none" else f" by {clean(question.by)}"
    terminal.heading(f"{question.metric}, {question.statistic}{by}")
    reached = [value for course in history.courses for value in course.values]
    low, high = bounds(reached, Unit(stepped) if stepped in set(Unit) else Unit.COUNT)
    columns = _columns(history)
    words = [_words(course, history) for course in history.courses]
    cells = _room(terminal, [course.label for course in history.courses], words, columns)
    blocks = BLOCKS if terminal.draws_blocks else ASCII
    rows: list[list[Cell | str]] = []
    for course, said in zip(history.courses, words, strict=True):
        span = (question.begin, question.end)
        spark = spark_of(course.times, course.values, question.step, span, cells, (low, high), blocks)
        rows.append([course.label, spark.text, *said])
    terminal.table(columns, rows)
    ends = f"{when_words(question.begin, zone, year=False)} to {when_words(question.end, zone)}"
    heights = f"heights from {render_value(low, stepped)} to {render_value(high, stepped)}"
    zoned = zone_words(question.begin, question.end, zone)
    terminal.note(f"{ends}, {zoned}; steps of {render_duration(question.step)}; {heights}")
    if len(history.courses) < history.groups:
        terminal.note(f"the worst {len(history.courses)} of {history.groups:,}; --csv and --json have all")


def _columns(history: History) -> tuple[Column, ...]:
    statistic = str(history.question.statistic)
    own = () if statistic in _PLAIN else (Column(statistic.upper(), right=True),)
    name = "ALL" if history.question.by == "none" else clean(history.question.by, 24).upper()
    return (
        Column(name, flows=True),
        Column("TREND"),
        *own,
        Column("AVERAGE", rank=0 if statistic == "avg" else 1, right=True),
        Column("MAX", rank=0 if statistic == "max" else 1, right=True),
        *((Column("MIN", right=True),) if statistic == "min" else ()),
        Column("LAST", rank=3, right=True),
        Column("POINTS", rank=4, right=True),
    )


def _words(course: Course, history: History) -> list[str]:
    statistic, total = str(history.question.statistic), course.total
    unit = "" if statistic == "count" else history.unit
    last = course.values[-1] if course.values else math.nan
    own = [] if statistic in _PLAIN else [_value(total.value, unit)]
    lowest = [_value(total.lowest, history.unit)] if statistic == "min" else []
    fixed = [_value(total.average, history.unit), _value(total.highest, history.unit), *lowest]
    return [*own, *fixed, _value(last, unit), f"{total.points:,}"]


def _value(value: float, unit: str) -> str:
    return render_value(value, unit) if math.isfinite(value) else ""


def _room(terminal: Terminal, names: Sequence[str], words: Sequence[Sequence[str]], columns: Sequence[Column]) -> int:
    """Blocks that have room beside everything else; at 80 cells what matters less leaves before they shrink."""
    if not terminal.fitted:
        return IN_A_PIPE
    kept = [number for number, column in enumerate(columns[2:]) if terminal.width >= WIDE or column.rank <= 1]
    others = [max([len(columns[2:][n].title), *(len(row[n]) for row in words)]) for n in kept]
    taken = min(max(map(len, names), default=0), 24) + sum(others) + GAP * (len(others) + 1)
    return min(WIDEST, max(FEWEST, terminal.width - taken))


WIDE = 100
"""Cells from which all columns stand."""
