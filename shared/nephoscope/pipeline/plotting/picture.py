"""A whole picture, as a value: panels with what stands in each, titles, ticks; all in the units that are shown.

Up to six machines each have a colour and a name. Up to sixty are thin grey lines, of which the worst few have a colour
and a name. More of them are bands, and upon these the few that an alert was of, or the worst one.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from nephoscope.model.metric import Metric
from nephoscope.model.rule import Rule, Severity, Threshold
from nephoscope.pipeline.plotting.axes import (
    Scale,
    Tick,
    bounds,
    scale_of,
    time_ticks,
    value_ticks,
    when_words,
    zone_words,
)
from nephoscope.pipeline.plotting.bands import Band, band_of, grid_of, worst_of
from nephoscope.pipeline.plotting.selecting import label_of
from nephoscope.pipeline.plotting.spans import Span
from nephoscope.pipeline.plotting.thinning import COLUMNS, FEW_COLUMNS, lone_points, thin
from nephoscope.pipeline.plotting.tracks import Track
from nephoscope.pipeline.wording import clean, render_value, truncate

MOST_NAMED = 6
MOST_LINES = 60
MOST_BESIDE = 20
"""Lines in a panel that stands among others."""
WORST = 3
MOST_PANELS = 12
NAME_LENGTH = 22
"""Characters of a name within a sentence of a picture."""

FAR = 3.0
"""A threshold so many times higher than everything that is drawn is said, and not drawn: it would flatten the rest."""


@dataclass(frozen=True, slots=True)
class Line:
    """times: epoch seconds; values: as shown; nan where it is interrupted. hue: which of the colours, from 0; a machine
    has the same in every panel. lone: points without a neighbour."""

    name: str
    times: array[float]
    values: array[float]
    hue: int = 0
    lone: tuple[array[float], array[float]] = field(default_factory=lambda: (array("d"), array("d")))


@dataclass(frozen=True, slots=True)
class Limit:
    """A rule's threshold. value: as shown; None where it lies far outside."""

    text: str
    severity: Severity
    value: float | None


@dataclass(frozen=True, slots=True)
class Panel:
    """named: with a colour and a name each, the worst first. others: thin and grey. spans: cut to what is shown."""

    title: str
    axis: str
    low: float
    high: float
    ticks: tuple[Tick, ...]
    named: tuple[Line, ...] = ()
    others: tuple[Line, ...] = ()
    band: Band | None = None
    limits: tuple[Limit, ...] = ()
    spans: tuple[Span, ...] = ()
    size: int = 0
    note: str = ""

    @property
    def of_one(self) -> bool:
        return self.size == 1


@dataclass(frozen=True, slots=True)
class Picture:
    """panels: rows of columns, all of the same time. left_out: groups for which there was no room."""

    title: str
    subtitle: str
    begin: int
    end: int
    ticks: tuple[Tick, ...]
    zone: str
    rows: tuple[tuple[Panel, ...], ...]
    left_out: tuple[str, ...] = ()

    @property
    def banded(self) -> bool:
        return any(panel.band for row in self.rows for panel in row)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the picture is to show. tracks: by metric, in the metrics' order. form: auto, lines or bands. title: where
    the tracks are no machines, what they are."""

    metrics: Sequence[Metric]
    tracks: Mapping[str, Sequence[Track]]
    rules: Sequence[Rule]
    begin: int
    end: int
    zone: tzinfo
    spans: Sequence[Span] = ()
    by: str = ""
    form: str = "auto"
    about: str = ""
    title: str = ""


def compose(asked: Asked) -> Picture:
    """One panel a metric, below each other; with `by` one a group, beside each other."""
    groups = _groups(asked)
    shown, left_out = groups[:MOST_PANELS], groups[MOST_PANELS:]
    hues: dict[Machine, int] = {}
    columns = [
        [_panel(asked, metric, name, members, {} if asked.by else hues) for name, members in shown]
        for metric in asked.metrics
    ]
    rows = columns if len(asked.metrics) > 1 else _wrapped(columns[0])
    wide = max(map(len, rows))
    return Picture(
        title=_title(asked),
        subtitle=_subtitle(asked),
        begin=asked.begin,
        end=asked.end,
        ticks=time_ticks(asked.begin, asked.end, asked.zone, 7 if wide == 1 else 4 if wide == 2 else 3),
        zone=zone_words(asked.begin, asked.end, asked.zone),
        rows=tuple(map(tuple, rows)),
        left_out=tuple(name for name, _ in left_out),
    )


Machine = tuple[str, str]
"""Scope and resource id."""

Members = frozenset[Machine]


def _groups(asked: Asked) -> list[tuple[str, Members | None]]:
    """By name, those with more machines first where there is no room for all."""
    if not asked.by:
        return [("", None)]
    found: dict[str, set[Machine]] = {}
    for tracks in asked.tracks.values():
        for track in tracks:
            found.setdefault(label_of(track.resource, asked.by), set()).add(_of(track))
    largest = sorted(found, key=lambda name: (-len(found[name]), name))
    kept = sorted(largest[:MOST_PANELS]) + largest[MOST_PANELS:]
    return [(name, frozenset(found[name])) for name in kept] or [("", None)]


def _of(track: Track) -> Machine:
    return track.resource.scope.key, track.resource.id


def _wrapped(panels: list[Panel]) -> list[list[Panel]]:
    """Small multiples, no more than three beside each other; a fourth makes two rows of two."""
    wide = {1: 1, 2: 2, 4: 2}.get(len(panels), 3)
    return [panels[at : at + wide] for at in range(0, len(panels), wide)]


def _title(asked: Asked) -> str:
    if asked.title:
        return asked.title
    names = " and ".join(metric.name for metric in asked.metrics)
    tracks = [track for each in asked.tracks.values() for track in each]
    machines = {_of(track) for track in tracks}
    if len(machines) == 1 and not asked.by:
        return f"{names} of {truncate(tracks[0].name, 2 * NAME_LENGTH)}"
    kind = asked.metrics[0].on
    number = f"1 {kind}" if len(machines) == 1 else f"{len(machines):,} {kind}s"
    return f"{names}, {number}" + (f" by {clean(asked.by)}" if asked.by else "")


def _subtitle(asked: Asked) -> str:
    span = f"{when_words(asked.begin, asked.zone, year=False)} to {when_words(asked.end, asked.zone)}"
    return " · ".join(filter(None, (span, clean(asked.about, 120))))


# --- a panel ------------------------------------------------------------------------------------------------------


def _panel(asked: Asked, metric: Metric, title: str, members: Members | None, hues: dict[Machine, int]) -> Panel:
    """hues: of the machines that have a colour already."""
    tracks = [track for track in asked.tracks.get(metric.name, ()) if members is None or _of(track) in members]
    rules = rules_on(metric.name, asked.rules, tracks)
    spans = _spans_within(asked.spans, rules, tracks)
    filled = [track for track in tracks if track.times]
    most_lines = MOST_BESIDE if asked.by else MOST_LINES
    as_bands = asked.form == "bands" or (asked.form == "auto" and len(filled) > most_lines)
    most = WORST if as_bands or asked.by or len(asked.metrics) > 1 else MOST_NAMED
    named, others = _chosen(asked, filled, rules, spans, most, alerted_only=as_bands)
    band = band_of(filled, grid_of(filled, asked.begin, asked.end)) if as_bands and filled else None
    size = len({_of(track) for track in tracks})
    panel = Panel(title=title, axis="", low=0, high=1, ticks=(), spans=spans, size=size, note=_note(tracks, filled))
    lines = [_line(asked, filled[at], hues.setdefault(_of(filled[at]), len(hues))) for at in named]
    columns = COLUMNS if len(others) <= MOST_LINES else FEW_COLUMNS
    rest = [] if band else [_line(asked, filled[index], columns=columns) for index in others]
    return _scaled(replace(panel, named=tuple(lines), others=tuple(rest), band=band), metric, filled, rules)


def rules_on(metric: str, rules: Iterable[Rule], tracks: Sequence[Track]) -> tuple[Rule, ...]:
    """Those that compare the metric itself, and apply to one of the machines."""
    machines = {_of(track): track.resource for track in tracks}.values()
    return tuple(
        rule
        for rule in rules
        if isinstance(rule.when, Threshold)
        and rule.when.metric == metric
        and any(rule.on is machine.kind and rule.where.matches(machine) for machine in machines)
    )


def _spans_within(spans: Iterable[Span], rules: Sequence[Rule], tracks: Sequence[Track]) -> tuple[Span, ...]:
    names, machines = {rule.name for rule in rules}, {_of(track) for track in tracks}
    within = [span for span in spans if span.rule in names and (span.scope.key, span.resource_id) in machines]
    return tuple(sorted(within, key=lambda span: (span.begin, span.rule, span.resource_id)))


def _chosen(
    asked: Asked,
    filled: Sequence[Track],
    rules: Sequence[Rule],
    spans: Sequence[Span],
    most: int,
    *,
    alerted_only: bool,
) -> tuple[Sequence[int], Sequence[int]]:
    """Indices of those with a name, the worst first, and of the others. alerted_only: upon bands, those that an alert
    was of; without any the worst one."""
    upward = all(isinstance(rule.when, Threshold) and rule.when.comparison.upward for rule in rules)
    told = {(span.scope.key, span.resource_id) for span in spans if not span.silent}
    alerted = frozenset(index for index, track in enumerate(filled) if _of(track) in told)
    number = most if len(filled) <= most else WORST
    if alerted_only:
        number = min(WORST, len(alerted)) or 1
    named = worst_of(filled, number, asked.begin, asked.end, upward=upward, alerted=alerted)
    kept = frozenset(named)
    return named, [index for index in range(len(filled)) if index not in kept]


def _line(asked: Asked, track: Track, hue: int = 0, columns: int = COLUMNS) -> Line:
    times, values = thin(track, asked.begin, asked.end, columns)
    return Line(track.name, times, values, hue, lone_points(times, values))


def _note(tracks: Sequence[Track], filled: Sequence[Track]) -> str:
    """What a person would otherwise take for well."""
    if not tracks:
        return "no machine"
    if not filled:
        return "no data in this time"
    silent = len({_of(track) for track in tracks} - {_of(track) for track in filled})
    return f"{silent} without data" if silent else ""


# --- in the units that are shown ----------------------------------------------------------------------------------


def _scaled(panel: Panel, metric: Metric, filled: Sequence[Track], rules: Sequence[Rule]) -> Panel:
    reached = [extreme for track in filled for extreme in (min(track.values), max(track.values))]
    near = [rule for rule in rules if _is_near(rule, reached)]
    low, high = bounds([*reached, *(_value(rule) for rule in near)], metric.unit)
    scale = scale_of(metric.unit, max(abs(low), abs(high)))
    low, high = low * scale.factor, high * scale.factor
    return replace(
        panel,
        axis=f"{metric.name} ({scale.label})",
        low=low,
        high=high,
        ticks=value_ticks(low, high),
        named=tuple(_scaled_line(line, scale) for line in panel.named),
        others=tuple(_scaled_line(line, scale) for line in panel.others),
        band=_scaled_band(panel.band, scale) if panel.band else None,
        limits=tuple(_limit(rule, metric, scale, near=rule in near) for rule in rules if _level(rule)),
    )


def _level(rule: Rule) -> bool:
    """A rule on a change has no level that could be drawn."""
    return isinstance(rule.when, Threshold) and not rule.when.over


def _value(rule: Rule) -> float:
    return rule.when.value if isinstance(rule.when, Threshold) else 0.0


def _is_near(rule: Rule, reached: Sequence[float]) -> bool:
    top = max(map(abs, reached), default=0.0)
    return _level(rule) and math.isfinite(_value(rule)) and (top == 0 or abs(_value(rule)) <= FAR * top or _share(rule))


def _share(rule: Rule) -> bool:
    """90 % is on the axis of every share, however low all of them are."""
    return abs(_value(rule)) <= 1.0


def _limit(rule: Rule, metric: Metric, scale: Scale, *, near: bool) -> Limit:
    sign = rule.when.comparison if isinstance(rule.when, Threshold) else ""
    text = f"{clean(rule.name, NAME_LENGTH)} {sign} {render_value(_value(rule), metric.unit)}"
    return Limit(text, rule.severity, _value(rule) * scale.factor if near else None)


def _scaled_line(line: Line, scale: Scale) -> Line:
    lone = (line.lone[0], _times(line.lone[1], scale.factor))
    return replace(line, values=_times(line.values, scale.factor), lone=lone)


def _scaled_band(band: Band, scale: Scale) -> Band:
    factor = scale.factor
    return Band(
        band.times,
        _times(band.lowest_tenth, factor),
        _times(band.median, factor),
        _times(band.highest_tenth, factor),
        _times(band.highest, factor),
    )


def _times(values: array[float], factor: float) -> array[float]:
    return values if factor == 1 else array("d", [value * factor for value in values])
