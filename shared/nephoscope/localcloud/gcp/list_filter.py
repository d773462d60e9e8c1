"""Compute's `filter` for listings, as far as a monitor uses it: `field = value`, `!=`, `field:*` (it is set), with AND.

The older words `eq` and `ne` and a dotted field (`labels.env`) are understood; anything else is refused, for guessing
would list the wrong machines.
Source: https://cloud.google.com/compute/docs/reference/rest/v1/instances/aggregatedList (query parameter `filter`)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nephoscope.localcloud.gcp.call import invalid

_PRESENCE = re.compile(r"([\w.\-]+)\s*:\s*\*")
_COMPARISON = re.compile(r"([\w.\-]+)\s*(!=|=|\beq\b|\bne\b)\s*(\"[^\"]*\"|[^\s()\"]+)")


def keeps(resource: Mapping[str, Any], expression: str) -> bool:
    """Whether the resource matches; an empty expression keeps all. Raises GoogleError."""
    return all(_holds(resource, part) for part in re.split(r"\s+AND\s+", expression.strip()) if part)


def _holds(resource: Mapping[str, Any], part: str) -> bool:
    bare = part.strip().removeprefix("(").removesuffix(")").strip()
    if present := _PRESENCE.fullmatch(bare):
        return _held(resource, present.group(1)) != ""
    found = _COMPARISON.fullmatch(bare)
    if not found:
        raise invalid(f"Invalid value for field 'filter': '{part}'. Invalid list filter expression.")
    path, operator, value = found.groups()
    return (_held(resource, path) == value.strip('"')) is (operator in ("=", "eq"))


def _held(resource: Mapping[str, Any], path: str) -> str:
    held: Any = resource
    for name in path.split("."):
        held = held.get(name, "") if isinstance(held, Mapping) else ""
    return str(held)
