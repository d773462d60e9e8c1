"""The one place where a unit of ours becomes the word and the scale that CloudWatch and people read."""

from __future__ import annotations

from dataclasses import dataclass

from nephoscope.model.metric import Unit


@dataclass(frozen=True, slots=True)
class ShownUnit:
    """word: CloudWatch's StandardUnit. factor: value shown = value inside * factor. label: on an axis."""

    word: str
    factor: float
    label: str


SHOWN: dict[Unit, ShownUnit] = {
    Unit.FRACTION: ShownUnit("Percent", 100.0, "%"),
    Unit.BYTES: ShownUnit("Bytes", 1.0, "bytes"),
    Unit.BYTES_PER_SECOND: ShownUnit("Bytes/Second", 1.0, "bytes/s"),
    Unit.SECONDS: ShownUnit("Seconds", 1.0, "s"),
    Unit.OPERATIONS_PER_SECOND: ShownUnit("Count/Second", 1.0, "operations/s"),
    Unit.OBJECTS: ShownUnit("Count", 1.0, "objects"),
    Unit.CREDITS: ShownUnit("Count", 1.0, "credits"),
    Unit.COUNT: ShownUnit("Count", 1.0, "count"),
}
