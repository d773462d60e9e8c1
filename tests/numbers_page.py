"""The tables of catalog/numbers.md, as rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import nephoscope.catalog

PAGE = Path(nephoscope.catalog.__path__[0]) / "numbers.md"
SCOPE = ("cloud_account_id", "cloud_provider", "cloud_region", "fleet")


@dataclass(frozen=True, slots=True)
class Row:
    unit: str
    statistic: str
    about: str
    absent: str
    dimensions: tuple[str, ...]


def read_rows() -> dict[str, Row]:
    """Name -> what its row and the paragraph above its table say."""
    text = PAGE.read_text(encoding="utf-8")
    rows: dict[str, Row] = {}
    for chapter in text.split("\n### ")[1:]:
        dimensions = tuple(re.findall(r"`(\w+)`", chapter.split("Dimensions: ", 1)[1].split(";")[0].split(".\n")[0]))
        for name, *cells in re.findall(r"^\| `([\w.]+)` \|" + r" ([^|]+) \|" * 4 + "$", chapter, re.MULTILINE):
            rows[name] = Row(*map(str.strip, cells), dimensions)
    return rows
