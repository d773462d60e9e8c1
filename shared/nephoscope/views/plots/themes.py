"""Colours, light and dark. Lines have those of Okabe and Ito, which people of every colour vision tell apart.

Source: M. Okabe, K. Ito, "Color Universal Design", https://jfly.uni-koeln.de/color/. Yellow is left out: it is too pale
on white. On black their blue and black are too dark: lighter ones stand in their place. No meaning hangs on a colour
alone: thresholds are dashed and named, alerts are hatched and named, lines have their name at their end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nephoscope.model.rule import Severity


@dataclass(frozen=True, slots=True)
class Theme:
    """page: behind everything. lines: in their order. others: of the thin lines. band: of the percentiles."""

    page: str
    ink: str
    faint: str
    grid: str
    others: str
    band: str
    lines: tuple[str, ...]
    severities: Mapping[Severity, str]
    silent: str


LIGHT = Theme(
    page="#ffffff",
    ink="#1a1a1a",
    faint="#5c5c5c",
    grid="#e3e3e3",
    others="#b5b5b5",
    band="#0072b2",
    lines=("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"),
    severities={Severity.CRITICAL: "#b3261e", Severity.WARNING: "#8a5a00", Severity.INFO: "#0b5a8a"},
    silent="#7a7a7a",
)
DARK = Theme(
    page="#16191d",
    ink="#f2f2f2",
    faint="#b3b8be",
    grid="#31363d",
    others="#666d75",
    band="#56b4e9",
    lines=("#ff8a3d", "#56b4e9", "#2fc79a", "#e39ac2", "#f0e442", "#e69f00"),
    severities={Severity.CRITICAL: "#ff8a80", Severity.WARNING: "#ffc861", Severity.INFO: "#8ccbf5"},
    silent="#8f969e",
)
THEMES: Mapping[str, Theme] = {"light": LIGHT, "dark": DARK}
