"""Whether a word is a region: a row of the catalog, one that is newer than the rows, or a slip of the pen."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from nephoscope.app.authoring.document import Text
from nephoscope.app.authoring.findings import Findings, did_you_mean
from nephoscope.app.authoring.patterns import AWS_REGION, AZURE_LOCATION, GCP_REGION
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.bounds import CLOUD_NAMES

_LOOKS_RIGHT: Mapping[Cloud, str] = {Cloud.AWS: AWS_REGION, Cloud.GCP: GCP_REGION, Cloud.AZURE: AZURE_LOCATION}


@cache
def known_regions(cloud: Cloud = Cloud.AWS) -> tuple[str, ...]:
    """The names of a cloud's regions in catalog/regions.toml."""
    text = files("nephoscope.catalog").joinpath("regions.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)[cloud]["regions"])


def check_region(text: Text, findings: Findings, cloud: Cloud = Cloud.AWS) -> bool:
    """Whether the text can be used as a region; notes what is wrong or odd."""
    known = known_regions(cloud)
    if text.value in known:
        return True
    elsewhere = next((CLOUD_NAMES[other] for other in Cloud if text.value in known_regions(other)), "")
    guess = f"; it is one of {elsewhere}" if elsewhere else did_you_mean(_plain(text.value, cloud), known)
    if re.fullmatch(_LOOKS_RIGHT[cloud], text.value):
        findings.warning(text.place, f'the region "{text.value}" is newer than this version, or misspelt{guess}')
        return True
    findings.problem(text.place, f'unknown region "{text.value}"{guess}')
    return False


def _plain(name: str, cloud: Cloud) -> str:
    """What it would be without the forms that people know it in: `West Europe`, or a zone of it, `europe-west1-b`."""
    if cloud is Cloud.AZURE:
        return "".join(name.split()).lower()
    return re.sub(r"(?<=[0-9])-?[a-z]$", "", name)
