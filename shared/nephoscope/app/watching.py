"""The functions of each cloud look after those of the others: what is read and written for pipeline/watching.py.

Two small reads and one write a run, whatever the number of scopes. A fault here is said, and keeps nobody from the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from nephoscope.app.outside import Outside
from nephoscope.model.alert import OPEN_STATES, AlertRecord, HistoryEntry
from nephoscope.model.beat import Beat, watch_scope
from nephoscope.model.errors import StoreError
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.audience import Audience
from nephoscope.pipeline.changes import Change, alerts_after
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.quiet import active_mutes
from nephoscope.pipeline.watching import WATCH_RULE, Ground, order_of, plan_watch, silent_after, take_look
from nephoscope.stores.memory import Committed


@dataclass(frozen=True, slots=True)
class Watched:
    """beat: as it is to be left when the run has ended; None where the memory did not answer. told: what changed.
    places: where messages of ours may be owed."""

    beat: Beat | None
    told: tuple[HistoryEntry, ...] = ()
    places: tuple[Scope, ...] = ()
    errors: tuple[str, ...] = ()


def own_cloud(outside: Outside) -> Cloud:
    """The cloud whose functions these are. A person's machine that reads all clouds stands in for the first."""
    functions, own = order_of(outside.config.gather.functions), outside.settings.own_cloud
    return Cloud(own) if own in functions else next(iter(functions), Cloud.AWS)


def watch_places(outside: Outside) -> tuple[Scope, ...]:
    """Where the sweeper looks besides the registered scopes."""
    return (watch_scope(own_cloud(outside)),)


def watch(outside: Outside, slot: int, run_id: str) -> Watched:
    """Look whether the other clouds' functions run, and commit what is to be told. Raises nothing."""
    try:
        ground = _ground(outside, slot)
        if ground.own.slot >= slot:
            return Watched(ground.own)  # this slot was looked at already
        if not ground.others and not ground.own.telling:
            return Watched(replace(ground.own, slot=slot))
        return _look(outside, ground, run_id)
    except StoreError as error:
        return Watched(None, errors=(str(error),))


def leave_beat(outside: Outside, watched: Watched, slot: int, *, ran: bool) -> tuple[str, ...]:
    """The sign of life of a run that has ended. ran: in some scope at least; not so where all was handed to others.
    Returns what went wrong."""
    if watched.beat is None:
        return ()
    try:
        _leave(outside, watched.beat, slot if ran else 0)
        for cloud in _stood_in_for(outside) if ran else ():
            _leave(outside, outside.memory.read_beat(cloud), slot)
    except StoreError as error:
        return (str(error),)
    return ()


def _leave(outside: Outside, beat: Beat, ran: int) -> None:
    """ran: 0 = nothing has come to its end. Where another run of the same cloud is quicker, its word stands."""
    if ran:
        beat = replace(beat, ran=ran, at=int(outside.clock.wall()))
    outside.memory.write_beat(replace(beat, ver=beat.ver + 1))


def _stood_in_for(outside: Outside) -> Iterator[Cloud]:
    """The other clouds whose functions' work this process does: a person's machine that reads them all."""
    return (c for c in outside.config.gather.functions if c in outside.readers and c is not own_cloud(outside))


def leave_beat_once(outside: Outside, slot: int) -> tuple[str, ...]:
    """Of a run that was fanned out: the first scope that ends says that the cloud's functions run."""
    try:
        beat = outside.memory.read_beat(own_cloud(outside))
    except StoreError as error:
        return (str(error),)
    return () if beat.ran == slot else leave_beat(outside, Watched(beat), slot, ran=True)


def silent_functions(outside: Outside) -> Iterator[tuple[Cloud, float]]:
    """By the clock of who asks: the clouds whose functions have run and are silent, and for how many seconds. Nothing
    where only one cloud has functions: its scopes say the same. Raises StoreError."""
    functions, every = outside.config.gather.functions, outside.config.gather.every
    for beat in map(outside.memory.read_beat, functions if len(functions) > 1 else ()):
        silent = outside.clock.wall() - beat.at
        if beat.ran and silent >= silent_after(every):
            yield beat.cloud, silent


def _ground(outside: Outside, slot: int) -> Ground:
    gather, me = outside.config.gather, own_cloud(outside)
    order = order_of(gather.functions)
    others = {cloud: outside.memory.read_beat(cloud) for cloud in order if cloud not in outside.readers}
    return Ground(me, order, outside.memory.read_beat(me), others, slot, gather.every)


def _look(outside: Outside, ground: Ground, run_id: str) -> Watched:
    memory, scope = outside.memory, watch_scope(ground.me)
    remembered = Remembered(
        Progress(scope),
        memory.read_alerts(scope),
        None,
        memory.read_acknowledged(scope),
        memory.read_silences(ground.me),
    )
    rule = next((rule for rule in outside.config.rules if rule.name == WATCH_RULE), None)
    look = take_look(ground, _open(remembered.alerts))
    audience = Audience(outside.config, active_mutes(outside.config.quiet, remembered.silences, ground.slot))
    stamp = Stamp(outside.config.fleet, ground.slot, run_id, int(outside.clock.wall()), outside.catalog.metrics)
    changes = _committed(outside, plan_watch(ground, look, remembered, rule, audience, stamp))
    after = alerts_after(remembered.alerts, changes)
    beat = replace(
        ground.own,
        slot=ground.slot,
        watched={str(cloud): seen for cloud, seen in look.seen.items()},
        telling=tuple(sorted(_open(after))),
    )
    told = tuple(change.commit.history for change in changes if change.commit.history)
    return Watched(beat, told, (scope,))


def _committed(outside: Outside, changes: tuple[Change, ...]) -> list[Change]:
    """Another run of this cloud may have been first: its commits stand."""
    return [change for change in changes if outside.memory.commit(change.commit) is not Committed.LOST]


def _open(alerts: Mapping[str, AlertRecord]) -> set[Cloud]:
    """The clouds of which this one tells that they are silent."""
    return {Cloud(record.resource_id) for record in alerts.values() if record.state in OPEN_STATES}
