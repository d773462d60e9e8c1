"""One panel: lines or bands, thresholds, the times of alerts; axes with round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from nephoscope.pipeline.plotting.bands import Band
from nephoscope.pipeline.plotting.picture import Line, Panel, Picture
from nephoscope.pipeline.plotting.placing import spread
from nephoscope.pipeline.plotting.spans import Span
from nephoscope.views.plots.lettering import FAMILY, fitted, write
from nephoscope.views.plots.themes import Theme

SMALL, MIDDLE = 7.5, 9.0
"""Points. A picture is 6.4 inches wide: in a thumbnail of 360 pixels nine points are seven pixels."""

HEAD = 0.02
"""Room above 100 %, so that a line there is whole."""

EDGE = 0.03
"""A tick so near to an end of the axis has its label inside."""

STRIP = 0.035
"""Height of the strip of alerts at the bottom, as a share of the panel's."""


def draw_panel(axes: Axes, panel: Panel, picture: Picture, theme: Theme, *, times: bool, names: bool) -> None:
    """times: whether it has the labels of the time axis. names: whether there is room for names on its right."""
    _frame(axes, panel, picture, theme, times=times)
    for span in panel.spans:
        _draw_span(axes, panel, span, theme)
    _draw_others(axes, panel, theme)
    if panel.band:
        _draw_band(axes, panel.band, theme)
    for line in reversed(panel.named):
        _draw_line(axes, line, colour_of(panel, line, theme), 1.4 if names else 0.9)
    _draw_limits(axes, panel, theme)
    _write_names(axes, panel, theme, names=names)
    if panel.note:
        _write_note(axes, panel, theme)


def _frame(axes: Axes, panel: Panel, picture: Picture, theme: Theme, *, times: bool) -> None:
    axes.set_facecolor(theme.page)
    axes.set_xlim(picture.begin, picture.end)
    axes.set_ylim(panel.low, panel.high + HEAD * (panel.high - panel.low))
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(theme.faint)
    axes.set_yticks([tick.at for tick in panel.ticks], [tick.text for tick in panel.ticks])
    axes.set_xticks([tick.at for tick in picture.ticks], [tick.text if times else "" for tick in picture.ticks])
    axes.tick_params(labelsize=SMALL + 0.5, colors=theme.faint, length=0, labelfontfamily=FAMILY)
    axes.tick_params(axis="x", length=3 if times else 0, color=theme.faint)
    axes.grid(visible=True, color=theme.grid, linewidth=0.7)
    axes.set_axisbelow(True)
    for tick, label in zip(picture.ticks, axes.get_xticklabels(), strict=True):
        label.set_fontweight("bold" if tick.strong else "normal")
        place = (tick.at - picture.begin) / (picture.end - picture.begin)
        label.set_horizontalalignment("left" if place < EDGE else "right" if place > 1 - EDGE else "center")


# --- alerts -------------------------------------------------------------------------------------------------------


def _draw_span(axes: Axes, panel: Panel, span: Span, theme: Theme) -> None:
    """Of one machine over the whole height, with its name; of many as a strip at the bottom, darker where several are
    open at once."""
    colour = theme.silent if span.silent else theme.severities[span.severity]
    top = 1.0 if panel.of_one else STRIP
    axes.axvspan(
        span.begin, span.end, ymax=top, color=colour, alpha=0.16 if panel.of_one else 0.55, linewidth=0, zorder=0.5
    )
    if panel.of_one:
        axes.axvline(span.begin, color=colour, linewidth=0.9, zorder=0.6)


def span_words(panel: Panel) -> str:
    """What the strip or the shade is: `cpu-hot fired`; `4 alerts`."""
    firing = [span for span in panel.spans if not span.silent]
    silent = len(panel.spans) - len(firing)
    names = list(dict.fromkeys(span.rule for span in firing))
    still = ", open" if any(span.is_open for span in firing) else ""
    said = []
    if firing and panel.of_one and len(names) == 1:
        times = "" if len(firing) == 1 else f" {len(firing)} times"
        said.append(f"{names[0]} fired{times}{still}")
    elif firing:
        said.append(f"{len(firing)} alert{'' if len(firing) == 1 else 's'}{still}")
    if silent:
        said.append("silent" if panel.of_one else f"{silent} silent")
    return ", ".join(said)


# --- lines and bands ----------------------------------------------------------------------------------------------


def _draw_others(axes: Axes, panel: Panel, theme: Theme) -> None:
    pieces = [piece for line in panel.others for piece in _pieces(line)]
    width = 0.8 if len(panel.others) <= 20 else 0.5
    axes.add_collection(LineCollection(pieces, colors=theme.others, linewidths=width, alpha=0.8, zorder=1.5))
    for line in panel.others:
        axes.plot(*line.lone, linestyle="", marker=".", markersize=2.5, color=theme.others, zorder=1.5)


def _pieces(line: Line) -> Sequence[np.ndarray]:
    """The uninterrupted parts."""
    points = np.column_stack((np.frombuffer(line.times), np.frombuffer(line.values)))
    breaks = np.flatnonzero(np.isnan(points[:, 1]))
    parts = (part[~np.isnan(part[:, 1])] for part in np.split(points, breaks))
    return [part for part in parts if len(part) > 1]


def colour_of(panel: Panel, line: Line, theme: Theme) -> str:
    """Upon a band none that is the band's."""
    colours = [each for each in theme.lines if each != theme.band] if panel.band else theme.lines
    return colours[line.hue % len(colours)]


def _draw_line(axes: Axes, line: Line, colour: str, width: float) -> None:
    axes.plot(line.times, line.values, color=colour, linewidth=width, zorder=3, solid_joinstyle="round")
    axes.plot(*line.lone, linestyle="", marker="o", markersize=3.5, color=colour, zorder=3, clip_on=False)


def _draw_band(axes: Axes, band: Band, theme: Theme) -> None:
    low, high = np.frombuffer(band.lowest_tenth), np.frombuffer(band.highest_tenth)
    axes.fill_between(band.times, low, high, color=theme.band, alpha=0.28, linewidth=0, zorder=1.2)
    axes.plot(band.times, band.median, color=theme.band, linewidth=1.6, zorder=2.5)
    axes.plot(band.times, band.highest, color=theme.faint, linewidth=0.8, linestyle=(0, (2, 1.5)), zorder=2.2)


# --- words --------------------------------------------------------------------------------------------------------


def _draw_limits(axes: Axes, panel: Panel, theme: Theme) -> None:
    drawn = [(limit, limit.value) for limit in panel.limits if limit.value is not None]
    height = panel.high - panel.low
    for limit, value in drawn:
        colour = theme.severities[limit.severity]
        axes.axhline(value, color=colour, linewidth=1.1, linestyle=(0, (5, 2.5)), zorder=3.5)
    places = spread([(value - panel.low) / height for _, value in drawn], 0.075, 0.0, 0.96)
    for (limit, _), place in zip(drawn, places, strict=True):
        style = {"fontsize": SMALL, "color": theme.severities[limit.severity], "va": "bottom", "zorder": 4}
        write(axes, 0.008, place + 0.008, limit.text, halo=theme.page, **style)
    far = [limit.text for limit in panel.limits if limit.value is None]
    if far:
        style = {"fontsize": SMALL, "color": theme.faint, "va": "top", "zorder": 4}
        write(axes, 0.008, 0.98, f"above: {', '.join(far)}", halo=theme.page, **style)


def _write_names(axes: Axes, panel: Panel, theme: Theme, *, names: bool) -> None:
    """At the end of each line; where there is no room, in the panel's own corner."""
    lines = [line for line in panel.named if line.name != panel.title]
    labels = [(line.name, colour_of(panel, line, theme), _last(line.values)) for line in lines]
    if not names:
        for number, (name, colour, _) in enumerate(labels):
            style = {"fontsize": SMALL - 0.5, "color": colour, "va": "top", "ha": "right", "zorder": 5}
            write(axes, 0.99, 0.8 - 0.13 * number, fitted(name, SMALL, WITHIN), halo=theme.page, **style)
        return
    if panel.band:
        labels.append(("max", theme.faint, _last(panel.band.highest)))
        labels.append(("p50, p10–p90", theme.band, _last(panel.band.median)))
    height = panel.high - panel.low
    wanted = [0.0 if math.isnan(last) else (last - panel.low) / height for _, _, last in labels]
    for (name, colour, _), place in zip(labels, spread(wanted, 0.085, 0.0, 1.0), strict=True):
        shown = fitted(name, SMALL + 0.5, BESIDE)
        write(axes, 1.015, place, shown, fontsize=SMALL + 0.5, color=colour, va="center", clip_on=False)


BESIDE, WITHIN = 92.0, 80.0
"""Points that a name has on the right of a panel, and inside of one."""


def _last(values: Sequence[float]) -> float:
    return next((value for value in reversed(values) if not math.isnan(value)), math.nan)


def _write_note(axes: Axes, panel: Panel, theme: Theme) -> None:
    empty = not (panel.named or panel.others or panel.band)
    if empty:
        write(axes, 0.5, 0.5, panel.note, fontsize=MIDDLE + 1, color=theme.faint, ha="center", va="center")
    else:
        style = {"fontsize": SMALL, "color": theme.faint, "ha": "right", "va": "bottom", "zorder": 4}
        write(axes, 0.992, 0.04, panel.note, halo=theme.page, **style)
