"""Whether a word is a region: a row of the catalog, one that is newer than the rows, or a slip of the pen."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

from nephoscope.app.authoring.document import Text
from nephoscope.app.authoring.findings import Findings, did_you_mean

_LOOKS_RIGHT = re.compile(
    r"[a-z]{2,4}(-[a-z]{2,4})?-(north|south|east|west|central|(north|south)(east|west))-[0-9]{1,2}"
)


@cache
def known_regions() -> tuple[str, ...]:
    """The names of AWS regions in catalog/regions.toml."""
    text = files("nephoscope.catalog").joinpath("regions.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["aws"]["regions"])


def check_region(text: Text, findings: Findings) -> bool:
    """Whether the text can be used as a region; notes what is wrong or odd."""
    if text.value in known_regions():
        return True
    guess = did_you_mean(text.value, known_regions())
    if _LOOKS_RIGHT.fullmatch(text.value):
        findings.warning(text.place, f'the region "{text.value}" is newer than this version, or misspelt{guess}')
        return True
    findings.problem(text.place, f'unknown region "{text.value}"{guess}')
    return False
