"""A plot in the terminal: a line of blocks for each machine, the worst first."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from nephoscope.cli.call import Call
from nephoscope.cli.table import GAP, Cell, Column
from nephoscope.cli.terminal import SEVERITY_STYLES, Terminal
from nephoscope.model.metric import Metric
from nephoscope.model.rule import Rule, Threshold
from nephoscope.pipeline.plotting.axes import bounds, when_words, zone_words
from nephoscope.pipeline.plotting.bands import band_of, grid_of, worst_of
from nephoscope.pipeline.plotting.picture import MOST_LINES, Asked, rules_on
from nephoscope.pipeline.plotting.selecting import label_of
from nephoscope.pipeline.plotting.spans import Span
from nephoscope.pipeline.plotting.sparks import ASCII, BLOCKS, Spark, spark_of
from nephoscope.pipeline.plotting.tracks import Track
from nephoscope.pipeline.wording import render_value

MOST = 40
"""Lines; more of them nobody reads."""

FEWEST, WIDEST = 8, 96
"""Blocks in a line."""

IN_A_PIPE = 48

Curve = tuple[str, Sequence[int], Sequence[float], int, str]
"""Name, times, values, period, and the rule that is open on it."""


def show_sparks(call: Call, asked: Asked) -> None:
    for number, metric in enumerate(asked.metrics):
        if number:
            call.terminal.line()
        tracks = asked.tracks.get(metric.name, ())
        groups = sorted({label_of(track.resource, asked.by) for track in tracks}) if asked.by else [""]
        for group in groups:
            members = [track for track in tracks if not asked.by or label_of(track.resource, asked.by) == group]
            _show_metric(call, asked, metric, members, group)


def _show_metric(call: Call, asked: Asked, metric: Metric, tracks: Sequence[Track], group: str) -> None:
    terminal = call.terminal
    rules = rules_on(metric.name, asked.rules, tracks)
    shown = _worst_first(asked, tracks, rules)
    low, high = bounds(
        [each for track in tracks if track.times for each in (min(track.values), max(track.values))], metric.unit
    )
    terminal.heading(f"{metric.name}{f', {group}' if group else ''}")
    if not tracks:
        terminal.line("No machine.")
        return
    curves = [*_fleet(asked, tracks), *(_curve(track, asked.spans) for track in shown)]
    _table(terminal, asked, metric, curves, (low, high), rules)
    ends = f"{when_words(asked.begin, asked.zone, year=False)} to {when_words(asked.end, asked.zone)}"
    zone = zone_words(asked.begin, asked.end, asked.zone)
    terminal.note(f"{ends}, {zone}; heights from {_value(low, metric)} to {_value(high, metric)}")
    if len(shown) < len(tracks):
        terminal.note(f"the worst {len(shown)} of {len(tracks):,}")


def _worst_first(asked: Asked, tracks: Sequence[Track], rules: Sequence[Rule]) -> list[Track]:
    """Those that an alert is of, then by their worst quarter of an hour; those without a point at the end."""
    upward = all(isinstance(rule.when, Threshold) and rule.when.comparison.upward for rule in rules)
    told = {(span.scope, span.resource_id) for span in asked.spans if not span.silent}
    alerted = frozenset(n for n, track in enumerate(tracks) if (track.resource.scope, track.resource.id) in told)
    first = worst_of(tracks, MOST, asked.begin, asked.end, upward=upward, alerted=alerted)
    empty = [number for number, track in enumerate(tracks) if not track.times]
    return [tracks[number] for number in [*first, *empty][:MOST]]


def _fleet(asked: Asked, tracks: Sequence[Track]) -> list[Curve]:
    """Of many machines the highest, the middle and the lowest tenth, before any of them by name."""
    if len(tracks) <= MOST_LINES:
        return []
    grid = grid_of(tracks, asked.begin, asked.end, WIDEST)
    band = band_of(tracks, grid)
    rows = {"max of all": band.highest, "p90": band.highest_tenth, "p50": band.median, "p10": band.lowest_tenth}
    starts = range(grid.begin, grid.begin + grid.step * grid.count, grid.step)
    return [(name, starts, values, grid.step, "") for name, values in rows.items()]


def _curve(track: Track, spans: Sequence[Span]) -> Curve:
    of = [
        span
        for span in spans
        if (span.scope, span.resource_id, span.attributes)
        == (track.resource.scope, track.resource.id, track.attributes)
    ]
    rules = dict.fromkeys(f"{span.rule}{', open' if span.is_open else ''}" for span in of if not span.silent)
    return track.name, track.times, track.values, track.period, "; ".join(rules)


def _table(
    terminal: Terminal,
    asked: Asked,
    metric: Metric,
    curves: Sequence[Curve],
    scale: tuple[float, float],
    rules: Sequence[Rule],
) -> None:
    worst = max((rule.severity for rule in rules), key=list(SEVERITY_STYLES)[::-1].index, default=None)
    style = SEVERITY_STYLES.get(worst or "", "")
    numbers = [_numbers(Spark("", *_extremes(curve[2])), metric) for curve in curves]
    cells = _room(terminal, [curve[0] for curve in curves], numbers, [curve[4] for curve in curves])
    blocks = BLOCKS if terminal.draws_blocks else ASCII
    rows: list[list[Cell | str]] = []
    for (name, times, values, period, alert), words in zip(curves, numbers, strict=True):
        spark = spark_of(times, values, period, (asked.begin, asked.end), cells, scale, blocks)
        text = spark.text if spark.last is not None else "no data".ljust(cells)[:cells]
        rows.append([name, Cell(text, "" if spark.last is not None else "yellow"), *words, Cell(alert, style)])
    columns = COLUMNS if any(curve[4] for curve in curves) else COLUMNS[:-1]
    terminal.table(columns, [row[: len(columns)] for row in rows])


COLUMNS = (
    Column("NAME", flows=True),
    Column("TREND"),
    Column("MIN", rank=3, right=True),
    Column("MAX", rank=1, right=True),
    Column("LAST", right=True),
    Column("ALERT", rank=2, flows=True, least=8),
)


def _room(terminal: Terminal, names: Sequence[str], numbers: Sequence[Sequence[str]], alerts: Sequence[str]) -> int:
    """Blocks that have room beside everything else."""
    if not terminal.fitted:
        return IN_A_PIPE
    others = [max(map(len, names), default=0), *(max(map(len, column)) for column in zip(*numbers, strict=True))]
    others += [max(map(len, alerts), default=0)]
    taken = sum(others) + GAP * len(others)
    return min(WIDEST, max(FEWEST, terminal.width - taken))


def _extremes(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    known = array("d", [value for value in values if not math.isnan(value)])
    return (min(known), max(known), known[-1]) if known else (None, None, None)


def _numbers(spark: Spark, metric: Metric) -> tuple[str, str, str]:
    low, high, last = (
        ("" if value is None else _value(value, metric)) for value in (spark.low, spark.high, spark.last)
    )
    return low, high, last


def _value(value: float, metric: Metric) -> str:
    return render_value(value, metric.unit)
