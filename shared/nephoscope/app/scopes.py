"""Which scopes a run is about: those that are found, and those that are remembered and not found any more.

The registry is where all functions meet: each notes there what its own runs have found, and the one that draws the
dashboard learns from it what there is in the other clouds. It is also how a fresh process knows of a region in which
nothing is left: Google's and Azure's regions are found by what is in them, and an alert on the last machine of one must
end all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from nephoscope.app.outside import Outside
from nephoscope.model.alert import AlertState
from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.memory import RegisteredScope
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap
from nephoscope.model.time import DAY, HOUR, Deadline
from nephoscope.ports import FoundScopes

logger = logging.getLogger("nephoscope")

NOTED_EVERY = HOUR
"""Seconds after which a scope is noted again."""

FINDING = "read_scopes"
KEPT_FROM_FINDING = 0.5
"""The share of the time that finding the scopes may not use, where several clouds are asked."""

SHOWN_FOR = DAY
"""Seconds after which a scope that no run has found any more leaves the dashboard."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a run is about. found: what is to be run, sorted. shown: what the dashboard shows. withdrawn: scopes that
    the configuration no longer names, in which alerts are open. errors: what went wrong with the registry."""

    found: FoundScopes
    shown: tuple[Scope, ...]
    withdrawn: tuple[Scope, ...] = ()
    errors: tuple[str, ...] = ()


def survey(outside: Outside, deadline: Deadline) -> Ground:
    """Find the scopes, note them, and add those that were left behind. Raises nothing: without its registry a run is
    about what it has found."""
    found = find_scopes(outside, deadline)
    try:
        known = (row for cloud in _known_clouds(outside) for row in outside.memory.read_registry(cloud))
        rows = [row for row in known if not row.scope.is_fleet]
        _note(outside, rows, found.scopes)
        left = _left_behind(outside, rows, found.scopes)
    except StoreError as error:
        return Ground(found, found.scopes, errors=(str(error),))
    again = {scope for scope in left if _may_still_be_watched(scope, found)}
    now = outside.clock.wall()
    fresh = {row.scope for row in rows if now - row.last_seen < SHOWN_FOR}
    return Ground(
        found=replace(found, scopes=tuple(sorted({*found.scopes, *again}))),
        shown=tuple(sorted({*found.scopes, *fresh, *again})),
        withdrawn=tuple(sorted(set(left) - again)),
    )


def find_scopes(outside: Outside, deadline: Deadline) -> FoundScopes:
    """The scopes of all configured clouds, sorted. Several clouds are asked side by side: one that does not answer, or
    whose room cannot be opened, leaves the others their time."""
    clouds = tuple(outside.readers)
    until = deadline.earlier(deadline.remaining * KEPT_FROM_FINDING) if len(clouds) > 1 else deadline
    with ThreadPoolExecutor(max_workers=max(1, len(clouds))) as pool:
        found = list(pool.map(lambda cloud: _find_in(outside, cloud, until), clouds))
    return FoundScopes(
        tuple(sorted(scope for each in found for scope in each.scopes)),
        tuple(gap for each in found for gap in each.gaps),
        frozenset(account for each in found for account in each.searched),
    )


def _find_in(outside: Outside, cloud: Cloud, deadline: Deadline) -> FoundScopes:
    """A fault of our own in one cloud must not blind us in the others: its known scopes are run, and fail for all to
    see."""
    try:
        return outside.readers[cloud].read_scopes(outside.config, deadline)
    except Exception as error:
        if len(outside.readers) == 1:
            raise
        logger.exception("%s: a fault of our own", cloud)
        said = str(error) if isinstance(error, ImportError) else type(error).__name__
        gap = Gap(Scope(cloud, "", ""), FINDING, Reason.UNAVAILABLE, said)
    try:
        known = registered(outside, (cloud,))
        return FoundScopes(tuple(scope for scope in known if not scope.is_fleet), (gap,))
    except StoreError:
        return FoundScopes((), (gap,))


def registered(outside: Outside, clouds: Iterable[Cloud]) -> list[Scope]:
    """The scopes that runs have noted, of these clouds, and where alerts on groups live. Raises StoreError."""
    return [row.scope for cloud in clouds for row in outside.memory.read_registry(cloud)]


def _known_clouds(outside: Outside) -> Iterable[Cloud]:
    """The clouds whose scopes this run must know: all of them where it draws the dashboard, else its own."""
    return outside.config.gather.kinds if outside.settings.writes_dashboard else outside.readers


def _note(outside: Outside, rows: Iterable[RegisteredScope], scopes: Iterable[Scope]) -> None:
    """The sweeper and the pages look there."""
    now = outside.clock.wall()
    noted = {row.scope for row in rows if now - row.last_seen < NOTED_EVERY}
    for scope in scopes:
        if scope not in noted:
            outside.memory.register(scope)


def _left_behind(outside: Outside, rows: Iterable[RegisteredScope], found: Collection[Scope]) -> list[Scope]:
    """Scopes of this function's clouds that were found once and are not now, in which an alert is open."""
    return [scope for scope in _missed(outside, rows, found) if _has_open_alerts(outside, scope)]


def _missed(outside: Outside, rows: Iterable[RegisteredScope], found: Collection[Scope]) -> Iterator[Scope]:
    known = set(found)
    return (row.scope for row in rows if row.scope.cloud in outside.readers and row.scope not in known)


def _has_open_alerts(outside: Outside, scope: Scope) -> bool:
    return any(record.state is not AlertState.OK for record in outside.memory.read_alerts(scope).values())


def _may_still_be_watched(scope: Scope, found: FoundScopes) -> bool:
    """Its account was searched and held nothing there; or nobody can say, for the search had a gap."""
    searched = (scope.cloud, scope.account) in found.searched
    unsure = any(gap.scope.cloud is scope.cloud and gap.scope.account in ("", scope.account) for gap in found.gaps)
    return searched or unsure
