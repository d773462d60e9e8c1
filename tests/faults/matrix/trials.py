"""What one trial of the matrix gives: a world that was lived through, and what the checkers said of it."""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from living_world import Apart, Living

from delivery_checks import Violations, copies
from delivery_world import World
from nephoscope.ports import Table


class Trial(Protocol):
    def __call__(self, table: Table, seed: int, **world: Any) -> Outcome:
        """Live through one row's faults, as the seed decides them. world: of World, for wrong protocols."""
        ...


@dataclass
class Outcome:
    """runs: processes that were started. more: what a row counts beside the rest."""

    runs: int = 0
    faults: int = 0
    arrivals: int = 0
    copies: int = 0
    violations: dict[str, list[str]] = field(default_factory=dict)
    more: Counter[str] = field(default_factory=Counter)

    def add(self, world: World, violations: Violations, note: str = "") -> None:
        self.runs += world.runs
        self.faults += world.faults
        self.arrivals += len(world.arrivals)
        self.copies += copies(world)
        for letter, words in violations.items():
            self.violations.setdefault(letter, []).extend(f"{note}: {each}" if note else each for each in words)

    def __iadd__(self, other: Outcome) -> Outcome:
        self.runs += other.runs
        self.faults += other.faults
        self.arrivals += other.arrivals
        self.copies += other.copies
        self.more += other.more
        for letter, words in other.violations.items():
            self.violations.setdefault(letter, []).extend(words)
        return self

    @property
    def counts(self) -> Mapping[str, int]:
        wrong = sum(map(len, self.violations.values()))
        known = {"runs": self.runs, "faults": self.faults, "arrivals": self.arrivals, "copies": self.copies}
        return {**known, "violations": wrong, **self.more}


def lived(trial: Callable[..., Outcome], place: Any, seed: int, **more: Any) -> Outcome:
    """The trial's outcome; what it raised is checker X's."""
    try:
        return trial(place, seed, **more)
    except Exception as error:  # noqa: BLE001 - no exception of a run may pass unseen, and none may end a sweep
        where = "".join(traceback.format_exception(error)[-2:])
        return Outcome(violations={"X": [f"{type(error).__name__}: {error}\n{where}"]})


def a_chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a seed, not a secret


def a_life(table: Table, **more: Any) -> Living:
    """A world of its own on a table that many share."""
    return Living(Apart(table), **more)
