"""A picture as a figure, and the figure as a file."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nephoscope.pipeline.plotting.picture import Panel, Picture
from nephoscope.views.plots.lettering import FAMILY, drawable
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
    rows = len(picture.rows)
    wide = max(map(len, picture.rows), default=1)
    height = max(LEAST, 1.0 + ROW * rows)
    figure = Figure(figsize=(WIDTH, height), facecolor=theme.page)
    FigureCanvasAgg(figure)
    named = wide == 1 and any(panel.named or panel.band for row in picture.rows for panel in row)
    frame = figure.add_gridspec(
        rows,
        wide,
        left=0.085 if wide == 1 else 0.075,
        right=0.80 if named else 0.985,
        top=1 - 0.80 / height,
        bottom=0.42 / height,
        hspace=0.42,
        wspace=0.2,
    )
    for at, row in enumerate(picture.rows):
        for column, panel in enumerate(row):
            below = at + 1 == rows or column >= len(picture.rows[at + 1])
            axes = figure.add_subplot(frame[at, column])
            draw_panel(axes, panel, picture, theme, times=below, names=named)
            _head(figure, axes.get_position().x0, axes.get_position().y1, height, panel, theme, small=wide > 1)
    _titles(figure, picture, theme, height)
    return figure


def _head(figure: Figure, x: float, y: float, height: float, panel: Panel, theme: Theme, *, small: bool) -> None:
    """Above a panel: what it shows, in which unit; and what its shaded times are."""
    number = f" · {panel.size:,}" if panel.title and panel.size > 1 else ""
    words = f"{panel.title}{number}" if panel.title and small else panel.axis
    style = {"fontfamily": FAMILY, "va": "bottom", "parse_math": False}
    said = span_words(panel)
    shown = f"{words}  ■ {said}" if said and not small else words
    size = SMALL + 0.5
    figure.text(x, y + 0.045 / height, drawable(shown), fontsize=size, color=theme.ink, **style)  # type: ignore[arg-type]


def _titles(figure: Figure, picture: Picture, theme: Theme, height: float) -> None:
    style = {"fontfamily": FAMILY, "va": "top", "parse_math": False}
    units = {panel.axis for row in picture.rows for panel in row}
    several = max(map(len, picture.rows), default=1) > 1
    unit = f" · {next(iter(units))}" if several and len(units) == 1 else ""
    title, under = drawable(picture.title), drawable(f"{picture.subtitle}{unit}")
    figure.text(0.02, 1 - 0.09 / height, title, fontsize=MIDDLE + 3, fontweight="bold", color=theme.ink, **style)  # type: ignore[arg-type]
    figure.text(0.02, 1 - 0.33 / height, under, fontsize=SMALL + 0.5, color=theme.faint, **style)  # type: ignore[arg-type]
    figure.text(0.02, 0.06 / height, drawable(picture.zone), fontsize=SMALL, color=theme.faint, fontfamily=FAMILY)
    if picture.left_out:
        more = f"{len(picture.left_out)} smaller groups left out"
        figure.text(0.985, 0.06 / height, more, fontsize=SMALL, color=theme.faint, fontfamily=FAMILY, ha="right")
