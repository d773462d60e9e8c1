"""What of a scope's run is kept as history, and how far it has been taken.

Nothing is stored in order to be sent later: what is owed is a stretch of time. A mark that does not move makes the next
run read back to it, which costs no more (pipeline/need.py), and send again what may be there already, which does no
harm (pipeline/documents.py). Changes of state cannot be read again: they wait in the memory until they are taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from nephoscope.model.alert import HistoryEntry
from nephoscope.model.history import Document, Kept, Taken
from nephoscope.model.memory import Progress, Snapshot
from nephoscope.model.resource import Resource, State
from nephoscope.model.rule import Rule
from nephoscope.model.scope import Scope
from nephoscope.model.series import Facts, Series, SeriesRequest
from nephoscope.model.time import DAY, floor_to
from nephoscope.pipeline.documents import StateSeen, Telling, alert_document, point_documents, state_document
from nephoscope.pipeline.need import OVERLAP_PERIODS, behind_key, pace_key

ALERTS = "alerts"
STATES = "states"


@dataclass(frozen=True, slots=True)
class Keeping:
    """One scope's part. kept: as it stood before this run. parcels: name -> changes of state that are not taken yet,
    this run's among them. entries: transitions, this run's and those of earlier ones that may not be taken yet.
    facts None: a place without resources of its own (groups, watching)."""

    scope: Scope
    slot: int
    kept: Kept
    facts: Facts | None = None
    requests: tuple[SeriesRequest, ...] = ()
    before: Progress | None = None
    parcels: Mapping[str, tuple[StateSeen, ...]] = field(default_factory=dict)
    entries: tuple[HistoryEntry, ...] = ()
    rules: Mapping[str, Rule] = field(default_factory=dict)


# --- states -------------------------------------------------------------------------------------------------------


def find_changes(facts: Facts, before: Snapshot | None) -> tuple[StateSeen, ...]:
    """What is new of the resources since the last snapshot. On the first run of a day (UTC) every resource is noted, so
    that each day tells by itself what there was."""
    known = {resource.id: resource for resource in before.resources} if before else {}
    new_day = before is None or floor_to(before.slot, DAY) < floor_to(facts.slot, DAY)
    found = [_change(resource, known.get(resource.id), facts.slot, new_day) for resource in facts.inventory.resources]
    present = {resource.id for resource in facts.inventory.resources}
    gone = [
        StateSeen(replace(resource, state=State.TERMINATED, vendor_state=None), facts.slot, "gone", _word(resource))
        for resource in known.values()
        if resource.id not in present and resource.kind in facts.inventory.complete and _lived(resource)
    ]
    return tuple(filter(None, [*found, *gone]))


def _change(resource: Resource, known: Resource | None, slot: int, new_day: bool) -> StateSeen | None:
    if known is None:
        return StateSeen(resource, slot, "first_seen")
    if resource.state is not known.state:
        return StateSeen(resource, slot, "state_changed", _word(known))
    if known.launched_at and resource.launched_at and resource.launched_at > known.launched_at:
        return StateSeen(resource, slot, "restarted", _word(known))
    return StateSeen(resource, slot, "seen", _word(known)) if new_day else None


def _word(resource: Resource) -> str:
    return str(resource.state or "")


def _lived(resource: Resource) -> bool:
    """One that was terminated already goes without a word."""
    return resource.state is not State.TERMINATED


# --- documents ----------------------------------------------------------------------------------------------------


def documents_of(keeping: Keeping, telling: Telling) -> Iterator[Document]:
    """Everything of this scope that may not be taken yet, as a stream; lots begin with the scope's key."""
    for name, changes in keeping.parcels.items():
        lot = _lot(keeping.scope, STATES, name)
        for seen in changes:
            yield state_document(seen, lot, telling)
    facts = keeping.facts
    present = {resource.id: resource for resource in facts.inventory.resources} if facts else {}
    for entry in keeping.entries:
        resource, rule = present.get(entry.resource_id), keeping.rules.get(entry.rule)
        yield alert_document(entry, keeping.scope, resource, rule, _lot(keeping.scope, ALERTS), telling)
    for series in facts.readings.series if facts else ():
        resource = present.get(series.key.resource_id)
        if resource is not None:
            lot = _lot(keeping.scope, pace_key(series.key.metric, series.period))
            yield from point_documents(series, resource, since_of(series, keeping), lot, telling)


def since_of(series: Series, keeping: Keeping) -> int:
    """Data time from which points of a series are sent: a little before what was taken, for late ones. One that could
    not be read with the others sends all that it has now."""
    before = keeping.before
    pace = pace_key(series.key.metric, series.period)
    mark = keeping.kept.marks.get(pace)
    if mark is None or before is None or behind_key(series.key.metric, series.key.resource_id) in before.behind:
        return 0
    return min(mark, before.watermarks.get(pace, mark)) - OVERLAP_PERIODS * series.period


def _lot(scope: Scope, *parts: str) -> str:
    return " ".join((scope.key, *parts))


# --- how far it came ----------------------------------------------------------------------------------------------


def kept_after(keeping: Keeping, taken: Taken) -> Kept:
    """Marks move where everything was taken, and stay where anything is owed."""
    owed, scope = taken.owed, keeping.scope
    marks = dict(keeping.kept.marks)
    lost_until = keeping.kept.lost_until
    for pace, (start, end) in _spans(keeping.requests).items():
        if start > marks.get(pace, start):
            lost_until = max(lost_until, start)
        if _lot(scope, pace) not in owed:
            marks[pace] = max(end, marks.get(pace, 0))
        else:
            marks[pace] = max(start, marks.get(pace, start))
    mine = any(lot == scope.key or lot.startswith(f"{scope.key} ") for lot in owed)
    return replace(
        keeping.kept,
        ver=keeping.kept.ver + 1,
        slot=keeping.kept.slot if _lot(scope, ALERTS) in owed else keeping.slot,
        marks=marks,
        lost_until=lost_until,
        failures=keeping.kept.failures + 1 if mine else 0,
        problem=taken.problem if mine else "",
    )


def parcels_taken(keeping: Keeping, taken: Taken) -> tuple[str, ...]:
    """Those that need not wait in the memory any longer."""
    return tuple(name for name in keeping.parcels if _lot(keeping.scope, STATES, name) not in taken.owed)


def owed_of(keepings: Iterable[Keeping], problem: str) -> Taken:
    """Where nothing could be sent at all: each lot is owed. Documents are not counted, for none was made."""
    lots: dict[str, int] = {}
    for keeping in keepings:
        lots |= {_lot(keeping.scope, pace): 1 for pace in _spans(keeping.requests)}
        lots |= {_lot(keeping.scope, STATES, name): len(changes) for name, changes in keeping.parcels.items()}
        if keeping.entries:
            lots[_lot(keeping.scope, ALERTS)] = len(keeping.entries)
    return Taken(owed=lots, problem=problem)


def owed_seconds(kept: Kept, progress: Progress) -> int:
    """How much of the time that was read is not kept yet: the widest gap between a watermark and its mark."""
    gaps = [progress.watermarks[pace] - mark for pace, mark in kept.marks.items() if pace in progress.watermarks]
    return max([0, *gaps])


def _spans(requests: Iterable[SeriesRequest]) -> Mapping[str, tuple[int, int]]:
    """`metric@period` -> the oldest and the newest boundary that was asked for."""
    spans: dict[str, tuple[int, int]] = {}
    for request in requests:
        pace = pace_key(request.metric, request.period)
        start, end = spans.get(pace, (request.start, request.end))
        spans[pace] = min(start, request.start), max(end, request.end)
    return spans
