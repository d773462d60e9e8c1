"""Minutes and counts, as stories write them."""

from __future__ import annotations

import re

from nephoscope.app.authoring.document import Text
from nephoscope.app.authoring.findings import Findings

_MINUTE = re.compile(r"(-?[0-9]{1,9})(?:\s*min)?")


def minute_of(text: Text, key: str, findings: Findings, *, negative: bool = False) -> int | None:
    """A minute; None where it is none, which is noted."""
    found = _MINUTE.fullmatch(text.value.strip())
    if found is None or (int(found[1]) < 0 and not negative):
        findings.problem(text.place, f'{key}: expected a minute such as 12, found "{text.value}"')
        return None
    return int(found[1])


def number(count: int, thing: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
