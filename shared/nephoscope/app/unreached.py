"""What a run that was cut short did not reach, so that nobody takes silence for health.

The next run makes up for all of it, point by point; but for what was claimed for publishing and not sent, which stays a
gap that one can see. A run that was killed outright says nothing at all: the next one says so in its place (`skipped`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nephoscope.model.errors import Reason
from nephoscope.model.scope import Scope
from nephoscope.model.series import Gap
from nephoscope.model.time import iso

SLOTS = "slots"

NAMED = 5
"""So many scopes or resources are named; of the others the number is given."""


@dataclass(frozen=True, slots=True)
class Unreached:
    """what: `scopes`, `listing`, `metrics`, `publishing`, `dashboard`, `deliveries`, `slots`. where: the scope, or
    empty. count: how many of them, 0 where that is not known. names: of what they are, the first few."""

    what: str
    count: int = 0
    where: str = ""
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        number = f" {self.count}" if self.count else ""
        names = f" ({', '.join(self.names)})" if self.names else ""
        return ": ".join(filter(None, (self.where, f"{self.what}{number}{names}")))


def unreached_scopes(scopes: Iterable[Scope]) -> Iterator[Unreached]:
    if found := [str(scope) for scope in scopes]:
        yield Unreached("scopes", len(found), names=_first(found))


def unreached_reads(gaps: Iterable[Gap]) -> Iterator[Unreached]:
    """Of each scope and each operation that ran out of time: the resources, where they are known, and the metrics or
    kinds."""
    cut: dict[tuple[str, str], list[Gap]] = {}
    for gap in gaps:
        if gap.reason is Reason.DEADLINE:
            cut.setdefault((str(gap.scope).strip(), gap.operation), []).append(gap)
    for (where, operation), found in cut.items():
        things = {resource_id for gap in found for resource_id in gap.resource_ids}
        names = dict.fromkeys(name for gap in found for name in gap.affected)
        yield Unreached(operation, len(things), where, _first(list(names)))


def unreached_slots(scope: Scope, skipped: tuple[int, ...], every: int) -> Iterator[Unreached]:
    """skipped: the first and the last slot that no run has ended for; empty: none."""
    if skipped:
        first, last = skipped
        yield Unreached(SLOTS, (last - first) // every + 1, str(scope), tuple(dict.fromkeys(map(iso, skipped))))


def unreached_data(refused: Counter[str]) -> Iterator[Unreached]:
    if number := refused[Reason.DEADLINE]:
        yield Unreached("publishing", number)


def _first(names: list[str]) -> tuple[str, ...]:
    more = len(names) - NAMED
    return (*names[:NAMED], f"{more} more") if more > 0 else tuple(names)
