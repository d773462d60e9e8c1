"""What one scope knows of a group of resources at one moment: enough to form the group's figure with other scopes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partial:
    """at: data time, the boundary that a metric's period ends at; of what is seen, the slot.

    known: members with a value (of what is counted: with an answer); unknown: members of which nobody can say. whole:
    False where there may be members that were not even listed. total, least, most: over the known values. matches:
    members that fulfil what is counted. values, counts: the distribution, where the rule asks for a percentile.
    """

    at: int
    known: int = 0
    unknown: int = 0
    whole: bool = True
    total: float = 0.0
    least: float | None = None
    most: float | None = None
    matches: int = 0
    values: tuple[float, ...] = ()
    counts: tuple[float, ...] = ()

    def __add__(self, other: Partial) -> Partial:
        """Of two scopes at one moment (the earlier of both)."""
        return Partial(
            at=min(self.at, other.at),
            known=self.known + other.known,
            unknown=self.unknown + other.unknown,
            whole=self.whole and other.whole,
            total=self.total + other.total,
            least=min((each for each in (self.least, other.least) if each is not None), default=None),
            most=max((each for each in (self.most, other.most) if each is not None), default=None),
            matches=self.matches + other.matches,
            values=self.values + other.values,
            counts=self.counts + other.counts,
        )
