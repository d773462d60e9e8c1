"""What doctor found, one finding a thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    WELL = "well"
    MISSING = "missing"  # a permission: there is a statement to add
    FAILED = "failed"
    UNTRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Finding:
    """check: what was looked at (`ec2:DescribeInstances`, `webhook`). where: a scope, a channel, a reference."""

    check: str
    where: str
    verdict: Verdict
    detail: str = ""
