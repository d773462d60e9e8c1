"""A picture as a figure, and the figure as a file."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nephoscope.model.rule import Severity
from nephoscope.pipeline.plotting.picture import Panel, Picture
from nephoscope.views.plots.lettering import FAMILY, drawable, fitted, write
from nephoscope.views.plots.panel import MIDDLE, SMALL, draw_panel, span_words
from nephoscope.views.plots.themes import LIGHT, Theme

WIDTH = 6.4
ROW = 1.75
LEAST = 3.6
"""Inches: at DPI dots each, 1,280 by 720 pixels for a single panel, the shape of a preview in a chat."""

DPI = 200
FORMATS = ("png", "svg")

_ONE_AT_A_TIME = threading.Lock()


def write_picture(picture: Picture, path: Path, theme: Theme = LIGHT) -> None:
    """path: ends in .png or .svg. Raises OSError."""
    path.write_bytes(render(picture, path.suffix.removeprefix(".").lower(), theme))


def render(picture: Picture, form: str = "png", theme: Theme = LIGHT) -> bytes:
    """The file's bytes; the same for the same picture, whenever and wherever it is drawn. Raises ValueError for a form
    that is not of FORMATS."""
    if form not in FORMATS:
        raise ValueError(f"{form!r} is none of {', '.join(FORMATS)}")
    figure = draw(picture, theme)
    out = io.BytesIO()
    metadata = {"Software": None} if form == "png" else {"Date": None, "Creator": "nephoscope", "Title": picture.title}
    with _ONE_AT_A_TIME, matplotlib.rc_context({"svg.hashsalt": "nephoscope", "svg.fonttype": "path"}):
        figure.savefig(out, format=form, dpi=DPI, facecolor=theme.page, metadata=metadata)
    return out.getvalue()


def draw(picture: Picture, theme: Theme = LIGHT) -> Figure:
    rows, wide = len(picture.rows), max(map(len, picture.rows), default=1)
    height = max(LEAST, 1.0 + ROW * rows)
    figure = Figure(figsize=(WIDTH, height), facecolor=theme.page)
    FigureCanvasAgg(figure)
    named = wide == 1 and any(panel.named or panel.band for row in picture.rows for panel in row)
    room = {"left": 0.085, "right": 0.785 if named else 0.985, "top": 1 - 0.80 / height, "bottom": 0.42 / height}
    frame = figure.add_gridspec(rows, wide, hspace=0.36, wspace=0.2, **room)
    for at, row in enumerate(picture.rows):
        for column, panel in enumerate(row):
            below = at + 1 == rows or column >= len(picture.rows[at + 1])
            axes = figure.add_subplot(frame[at, column])
            draw_panel(axes, panel, picture, theme, times=below, names=named)
            _head(axes, panel, theme, small=wide > 1)
    _titles(figure, picture, theme, height)
    return figure


def _head(axes: Axes, panel: Panel, theme: Theme, *, small: bool) -> None:
    """Above a panel: on the left what it shows and in which unit, on the right what its shaded times are."""
    number = f" · {panel.size:,}" if panel.size > 1 else ""
    words = fitted(f"{panel.title}{number}", SMALL, PER_COLUMN) if panel.title and small else panel.axis
    write(axes, 0.0, 1.03, words, fontsize=SMALL + 0.5, color=theme.ink, va="bottom")
    if said := span_words(panel):
        worst = max(panel.spans, key=lambda span: (not span.silent, list(Severity).index(span.severity)))
        colour = theme.silent if worst.silent else theme.severities[worst.severity]
        write(axes, 1.0, 1.03, f"■ {said}", fontsize=SMALL + 0.5, color=colour, va="bottom", ha="right")


PER_COLUMN = 75.0
"""Points for a panel's title where several stand beside each other."""


def _titles(figure: Figure, picture: Picture, theme: Theme, height: float) -> None:
    inch, room = 1 / height, 0.96 * WIDTH * 72
    title = fitted(picture.title, MIDDLE + 3, room, "bold")
    under = fitted(_under(picture), SMALL + 0.5, room)
    style = {"fontfamily": FAMILY, "parse_math": False}
    bold = {"fontsize": MIDDLE + 3, "fontweight": "bold", "color": theme.ink, "va": "top"}
    small = {"fontsize": SMALL, "color": theme.faint}
    figure.text(0.02, 1 - 0.09 * inch, title, **bold, **style)  # type: ignore[arg-type]
    figure.text(0.02, 1 - 0.33 * inch, under, va="top", **(small | style))  # type: ignore[arg-type]
    figure.text(0.02, 0.06 * inch, drawable(picture.zone), **small, **style)  # type: ignore[arg-type]
    if picture.left_out:
        more = f"{len(picture.left_out)} smaller groups left out"
        figure.text(0.985, 0.06 * inch, more, ha="right", **small, **style)  # type: ignore[arg-type]


def _under(picture: Picture) -> str:
    """Where panels stand beside each other, what they have in common is said once."""
    several = max(map(len, picture.rows), default=1) > 1
    units = {panel.axis for row in picture.rows for panel in row}
    parts = [picture.subtitle]
    if several and len(units) == 1:
        parts.append(units.pop())
    if several and picture.banded:
        parts.append("line p50, band p10–p90, dotted max")
    return " · ".join(parts)
