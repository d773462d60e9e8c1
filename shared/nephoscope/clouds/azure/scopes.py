"""Subscriptions x locations, found by listing what there is; and that one listing shared by the scopes of a run.

Nobody names Azure's locations in the configuration: a scope is where something is found. A subscription that does not
answer keeps the scopes that were known of it, and where none are, one for the location that Azure itself calls
`global`: that nobody sees anything there is itself news, and is found by reading it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nephoscope.clouds.azure.errors import gap_error, gap_of
from nephoscope.clouds.azure.graph import ACTION, Area
from nephoscope.clouds.azure.listing import UNREADABLE, Listing, areas_of
from nephoscope.model.config import Config, GatherAzure
from nephoscope.model.errors import Reason
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap, Inventory, Usage
from nephoscope.model.time import Deadline
from nephoscope.ports import Clock, FoundScopes

GLOBAL = "global"
KEPT_SECONDS = 45.0
"""A listing serves the run that made it, each scope once; the next run asks anew."""

ReadListing = Callable[[Sequence[Area], Sequence[Kind], Deadline], Listing]


@dataclass(slots=True)
class _Kept:
    listing: Listing
    until: float
    usage: Usage  # until a scope has taken it upon itself
    served: set[Scope] = field(default_factory=set)


class ScopeRead:
    """most: subscriptions in one question. Safe to use from several threads."""

    def __init__(self, read: ReadListing, clock: Clock, most: int) -> None:
        self._read = read
        self._clock = clock
        self._most = most
        self._known: set[Scope] = set()
        self._kept: dict[str, _Kept] = {}  # by subscription; those of one listing share it
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        gather = config.gather.azure
        if gather is None:
            return FoundScopes(())
        listing = self._read(areas_of(gather, self._most), kinds_of(gather), deadline)
        found = set(listing.scopes(gather.where))
        missed = {name for part in listing.parts for name in part.missed()}
        with self._lock:
            self._known |= found
            scopes = found | self._remembered(listing)
            self._keep(listing, scopes | {Scope(Cloud.AZURE, name, GLOBAL) for name in missed})
        silent = missed - {scope.account for scope in scopes}
        scopes |= {Scope(Cloud.AZURE, name, GLOBAL) for name in silent}
        searched = {name for part in listing.parts for name in (*(part.readable or ()), *part.area.subscriptions)}
        return FoundScopes(
            tuple(sorted(scopes)), tuple(_gaps(listing)), frozenset((Cloud.AZURE, name) for name in searched)
        )

    def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
        gather = config.gather.azure
        if gather is None:
            return Inventory()
        with self._lock_of(scope.account):
            listing, usage = self._take(scope) or self._read_one(scope, gather, deadline)
        found = listing.inventory(scope, kinds_of(gather), gather.where)
        return Inventory(found.resources, found.gaps, found.complete, usage)

    def _take(self, scope: Scope) -> tuple[Listing, Usage] | None:
        with self._lock:
            kept = self._kept.get(scope.account)
            if kept is None or scope in kept.served or self._clock.monotonic() >= kept.until:
                return None
            kept.served.add(scope)
            usage, kept.usage = kept.usage, Usage()
            return kept.listing, usage

    def _read_one(self, scope: Scope, gather: GatherAzure, deadline: Deadline) -> tuple[Listing, Usage]:
        """A worker knows only its scope: it lists the one subscription, for its other locations too."""
        listing = self._read((Area((scope.account,)),), kinds_of(gather), deadline)
        with self._lock:
            self._keep(listing, {scope})
            kept = self._kept[scope.account]
            kept.served.add(scope)
            usage, kept.usage = kept.usage, Usage()
        return listing, usage

    def _keep(self, listing: Listing, scopes: set[Scope]) -> None:
        kept = _Kept(listing, self._clock.monotonic() + KEPT_SECONDS, listing.usage)
        self._kept |= {scope.account: kept for scope in scopes}

    def _remembered(self, listing: Listing) -> set[Scope]:
        """Scopes in which something was found before: their machines may be gone, or their subscription silent."""
        return {scope for scope in self._known if any(part.concerns(scope.account) for part in listing.parts)}

    def _lock_of(self, account: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(account, threading.Lock())


def kinds_of(gather: GatherAzure) -> tuple[Kind, ...]:
    return tuple(kind for kind in dict.fromkeys(gather.resources) if kind in (Kind.INSTANCE, Kind.BUCKET))


def _gaps(listing: Listing) -> list[Gap]:
    """What is not known of the scopes themselves: one for each subscription or management group that did not answer."""
    gaps: list[Gap] = []
    for part in listing.parts:
        if part.area.management_group and part.error is not None:
            gaps.append(gap_of(part.error, Scope(Cloud.AZURE, "", GLOBAL)))
        for name in part.missed():
            scope = Scope(Cloud.AZURE, name, GLOBAL)
            gaps.append(gap_of(part.error or gap_error(scope, ACTION, Reason.DENIED, UNREADABLE), scope))
    return gaps
