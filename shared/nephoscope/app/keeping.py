"""The last part of a run: what it has read, seen and told is kept as history, in what is left of its time.

Alerts are delivered and the dashboard stands before this begins, and nothing here fails a run: a server of history that
is slow, full or away is a sentence in the report and a figure on the dashboard, and the next run goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nephoscope.app.outside import Outside
from nephoscope.model.alert import HistoryEntry
from nephoscope.model.errors import DeliveryError, StoreError
from nephoscope.model.history import Document, Kept, Taken
from nephoscope.model.memory import Remembered
from nephoscope.model.scope import Scope
from nephoscope.model.series import Facts, SeriesRequest
from nephoscope.model.time import Deadline, iso
from nephoscope.pipeline.documents import Telling
from nephoscope.pipeline.keeping import Keeping, documents_of, kept_after, lots_of, owed_of, parcels_taken

RECALLED = 2_000
"""Transitions of earlier runs that are sent again after one that was cut short; older ones it had sent."""

GLANCE = 20
LEAST_SECONDS = 1.0
"""With less left, nothing is begun: the next run sends it."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A scope's run that came to its end, as far as history is concerned. facts None: of groups, of watching, or of a
    scope that is no longer gathered; what is remembered of it is read when it is kept."""

    scope: Scope
    slot: int
    entries: tuple[HistoryEntry, ...] = ()
    facts: Facts | None = None
    requests: tuple[SeriesRequest, ...] = ()
    remembered: Remembered | None = None


@dataclass(frozen=True, slots=True)
class KeepingReport:
    """asked: whether history is kept at all. taken: what became of the documents. errors: in words."""

    asked: bool = False
    taken: Taken = Taken()
    errors: tuple[str, ...] = ()


def keep(outside: Outside, ran: Sequence[Ran], deadline: Deadline) -> KeepingReport:
    """Send what these runs have, and note how far it was taken. Raises nothing."""
    sink, history = outside.history, outside.config.history
    if sink is None or history is None:
        return KeepingReport()
    if not ran:
        return KeepingReport(True)
    errors: list[str] = []
    keepings = list(_recalled(outside, ran, errors))
    telling = Telling(outside.config.fleet, history.tags, outside.catalog)

    def documents() -> Iterator[Document]:
        for keeping in keepings:
            yield from documents_of(keeping, telling)

    if deadline.remaining < LEAST_SECONDS:
        taken = owed_of(keepings, "the run's time was up before its history was sent")
    else:
        try:
            sink.prepare(max(each.slot for each in ran), deadline)
            taken = sink.write_documents(documents(), deadline, lots_of(keepings))
        except DeliveryError as error:
            taken = owed_of(keepings, str(error))
        finally:
            sink.close()
    for keeping in keepings:
        _note(outside, keeping, taken, errors)
    if taken.problem:
        owed = "; what is owed is sent by the next run" if taken.owed else ""
        errors.insert(0, f"history: {taken.problem}{owed}")
    if taken.dead:
        errors.append(f"history: {taken.dead} documents were refused for good; they are in {history.index}-dead")
    return KeepingReport(True, taken, tuple(errors))


def _recalled(outside: Outside, ran: Sequence[Ran], errors: list[str]) -> Iterator[Keeping]:
    """With what earlier runs have left: parcels, and transitions where one was cut short."""
    rules = {rule.name: rule for rule in outside.config.rules}
    for each in ran:
        try:
            before = each.remembered.progress if each.remembered else None
            kept = (each.remembered and each.remembered.kept) or outside.memory.read_kept(each.scope)
            parcels = outside.memory.read_parcels(each.scope) if each.facts else {}
            followed = before is not None and kept.slot == before.slot
            entries = each.entries if followed else _since(outside, each, kept)
            yield Keeping(each.scope, each.slot, kept, each.facts, each.requests, before, parcels, entries, rules)
        except StoreError as error:
            errors.append(str(error))


def _since(outside: Outside, ran: Ran, kept: Kept) -> tuple[HistoryEntry, ...]:
    """Transitions since the last run of which all was taken; mostly few, so few are looked at first."""
    for limit in (GLANCE, RECALLED):
        found = outside.memory.read_history(ran.scope, limit=limit)
        if len(found) < limit or found[-1].slot <= kept.slot:
            break
    return tuple(entry for entry in reversed(found) if entry.slot > kept.slot)


def _note(outside: Outside, keeping: Keeping, taken: Taken, errors: list[str]) -> None:
    after = kept_after(keeping, taken)
    if after.lost_until > keeping.kept.lost_until:
        errors.append(f"history: {keeping.scope}: points before {iso(after.lost_until)} are not read again")
    try:
        if replace(after, ver=keeping.kept.ver) != keeping.kept:
            outside.memory.write_kept(after)
        outside.memory.drop_parcels(keeping.scope, parcels_taken(keeping, taken))
    except StoreError as error:
        errors.append(str(error))
