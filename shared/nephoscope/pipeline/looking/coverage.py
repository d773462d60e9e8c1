"""What is seen of each scope, and where nobody can see anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nephoscope.model.time import HOUR, MINUTE, iso
from nephoscope.pipeline.looking.look import LATE_RUNS, SEEN_LATELY, Look, Place
from nephoscope.pipeline.wording import clean, render_duration

SKIPPED_SHOWN = HOUR
"""Seconds for which slots without a run are shown."""


def roughly(seconds: float) -> str:
    """A duration without its seconds, but where there is nothing else: a page is not a stopwatch."""
    return render_duration(seconds if seconds < MINUTE else seconds // MINUTE * MINUTE)


@dataclass(frozen=True, slots=True)
class Coverage:
    """machines: as last listed. seen: of these, how many nothing failed for in a listing that is not old, by runs that
    go on. run_age, seen_age: seconds since the last run and since what is shown was read; None: never. late: runs have
    stopped, or never ended. blind: why not everything is seen, in sentences."""

    place: Place
    machines: int
    seen: int
    run_age: int | None
    seen_age: int | None
    late: bool
    blind: tuple[str, ...]


def cover(look: Look) -> tuple[Coverage, ...]:
    """A row for each scope that is read, in the scopes' order; groups are no place to look at."""
    return tuple(_of(place, look) for place in look.places if not place.scope.is_fleet)


def _of(place: Place, look: Look) -> Coverage:
    snapshot, heartbeat = place.snapshot, place.progress.heartbeat
    run_age = max(0, look.at - heartbeat) if heartbeat else None
    seen_age = max(0, look.at - snapshot.slot) if snapshot else None
    late = run_age is None or run_age > look.every * LATE_RUNS
    blind = tuple(_blind(place, look.every, run_age, seen_age))
    machines = len(place.machines)
    old = late or seen_age is None or seen_age > SEEN_LATELY
    failed = snapshot.coverage[1] - snapshot.coverage[0] if snapshot else 0
    return Coverage(place, machines, 0 if old else max(0, machines - failed), run_age, seen_age, late, blind)


def _blind(place: Place, every: int, run_age: int | None, seen_age: int | None) -> Iterator[str]:
    if run_age is None:
        yield "no run has ended here yet"
    elif run_age > every * LATE_RUNS:
        yield f"the last run was {roughly(run_age)} ago; one is due every {render_duration(every)}"
    if run_age is not None and seen_age is None:
        yield "its machines have never been listed"
    elif seen_age is not None and seen_age > SEEN_LATELY:
        yield f"its machines could not be listed for {roughly(seen_age)}; what is shown is as old"
    if place.snapshot:
        yield from (clean(gap, 300) for gap in place.snapshot.gaps)


def skipped(look: Look) -> tuple[str, ...]:
    """Runs that were killed or never called, lately; what they did not judge is judged since."""
    return tuple(
        f"{place.name}: no run came to its end from {iso(first)} to {iso(last)}; the next one made up for them"
        for place in look.places
        if place.progress.skipped
        for first, last in [(place.progress.skipped[0], place.progress.skipped[-1])]
        if look.at - last < SKIPPED_SHOWN
    )
