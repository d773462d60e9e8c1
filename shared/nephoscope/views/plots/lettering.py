"""Other people's names as text in a picture: nothing in them is notation, and what the font lacks is no crash.

The font is the one that matplotlib brings, so that a picture is the same on every machine. It has Latin, Greek,
Cyrillic, Hebrew, Arabic and many signs, and neither emoji nor Chinese, Japanese, Korean or Indian scripts.
"""

from __future__ import annotations

import re
from functools import cache

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

FAMILY = "DejaVu Sans"
MISSING = "\N{WHITE SQUARE}"


@cache
def _has_glyph(character: str) -> bool:
    return bool(get_font(findfont(FontProperties(family=FAMILY))).get_char_index(ord(character)))


def drawable(text: str) -> str:
    """With one square for each run of characters that the font has no shape for; joiners between them go with them."""
    shown = "".join(character if _has_glyph(character) else "\0" for character in text)
    return re.sub("(\0[\0\u200c\u200d\ufe0f]*)+", MISSING, shown)


def fitted(text: str, size: float, width: float, weight: str = "normal") -> str:
    """As much of the text as has room; what was cut ends with an ellipsis. size, width: points."""
    shown = drawable(text)
    if _width(shown, size, weight) <= width:
        return shown
    low, high = 0, len(shown)
    while low < high:
        middle = (low + high + 1) // 2
        fits = _width(shown[:middle].rstrip() + "…", size, weight) <= width
        low, high = (middle, high) if fits else (low, middle - 1)
    return shown[:low].rstrip() + "…"


def _width(text: str, size: float, weight: str) -> float:
    font = FontProperties(family=FAMILY, size=size, weight=weight)
    return float(TextToPath().get_text_width_height_descent(text, font, ismath=False)[0])


def write(axes: Axes, x: float, y: float, text: str, *, halo: str = "", **style: object) -> Text:
    """Text at a place of the axes (0 to 1 each). halo: a colour behind it, where lines run below it."""
    if halo:
        style["path_effects"] = [withStroke(linewidth=2.2, foreground=halo)]
    placed = {"transform": axes.transAxes, "fontfamily": FAMILY, **style}
    return axes.text(x, y, drawable(text), parse_math=False, **placed)  # type: ignore[arg-type]
