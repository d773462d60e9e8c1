"""Other people's names as text in a picture: nothing in them is notation, and what the font lacks is no crash.

The font is the one that matplotlib brings, so that a picture is the same on every machine. It has Latin, Greek,
Cyrillic, Hebrew, Arabic and many signs, and neither emoji nor Chinese, Japanese, Korean or Indian scripts.
"""

from __future__ import annotations

import re
from functools import cache

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text

FAMILY = "DejaVu Sans"
MISSING = "\N{WHITE SQUARE}"


@cache
def _has_glyph(character: str) -> bool:
    return bool(get_font(findfont(FontProperties(family=FAMILY))).get_char_index(ord(character)))


def drawable(text: str) -> str:
    """With one square for each run of characters that the font has no shape for; joiners between them go with them."""
    shown = "".join(character if _has_glyph(character) else "\0" for character in text)
    return re.sub("(\0[\0\u200c\u200d\ufe0f]*)+", MISSING, shown)


def write(axes: Axes, x: float, y: float, text: str, **style: object) -> Text:
    """Text at a place of the axes (0 to 1 each), unless `transform` says otherwise."""
    placed = {"transform": axes.transAxes, "fontfamily": FAMILY, **style}
    return axes.text(x, y, drawable(text), parse_math=False, **placed)  # type: ignore[arg-type]
