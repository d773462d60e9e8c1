"""One listing of a project for all scopes of a run, and the regions that follow from it.

A run asks for each region by itself, often from several threads at once. The first to ask lists the whole project, the
others take their part of the same answer. No scope is ever given the same answer twice: who comes again wants news.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nephoscope.clouds.gcp.inventory import Listing
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Scope
from nephoscope.model.series import Usage
from nephoscope.ports import Clock

SHARED_SECONDS: Mapping[Kind, float] = {Kind.INSTANCE: 30.0, Kind.BUCKET: 3600.0}
"""For so long the scopes of a project may share a listing. Machines are listed once a run, which comes each minute;
buckets have no state and come and go rarely, so they need not be asked for each minute."""

REGION_KEPT_SECONDS = 3600.0
"""A region whose last machine is gone is looked at for so long, so that its alerts hear of it."""

GLOBAL = "global"
"""The scope of a project of which not even the regions are known: that we are blind there must be seen somewhere."""


@dataclass(slots=True)
class _Shared:
    """owed: what the listing took, until a scope has it on its account."""

    listing: Listing
    until: float
    owed: Usage
    taken: set[str] = field(default_factory=set)


class Listings:
    """By project and kind. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shared: dict[tuple[str, Kind], _Shared] = {}
        self._listing: dict[tuple[str, Kind], threading.Lock] = {}
        self._regions: dict[str, dict[str, float]] = {}
        self._lock = threading.Lock()

    def take(self, scope: Scope, kind: Kind, read: Callable[[], Listing]) -> tuple[Listing, Usage]:
        """The listing for this scope, and what it took to get it: nothing where another scope has paid already."""
        place = (scope.account, kind)
        with self._lock_of(place):
            shared = self._fresh(place)
            if shared is None or (kind is Kind.INSTANCE and scope.region in shared.taken):
                shared = self._share(place, read())
            shared.taken.add(scope.region)
            owed, shared.owed = shared.owed, Usage()
            return shared.listing, owed

    def renew(self, project: str, kind: Kind, read: Callable[[], Listing]) -> Listing:
        """A listing for the run that begins now; the scopes that it leads to share it."""
        place = (project, kind)
        with self._lock_of(place):
            shared = self._fresh(place) if kind is not Kind.INSTANCE else None
            return (shared or self._share(place, read())).listing

    def regions(self, project: str, listing: Listing) -> frozenset[str]:
        """The regions of a listing, and those that lately had something. GLOBAL alone where nobody can tell."""
        now = self._clock.monotonic()
        with self._lock:
            known = self._regions.setdefault(project, {})
            unheard = GLOBAL if not known and any(not flaw.region for flaw in listing.flaws) else None
            found = listing.regions or ({unheard} if unheard else set())
            known.update(dict.fromkeys(found, now + REGION_KEPT_SECONDS))
            for region in [region for region, until in known.items() if until < now]:
                del known[region]
            return frozenset(known)

    def _fresh(self, place: tuple[str, Kind]) -> _Shared | None:
        shared = self._shared.get(place)
        return shared if shared is not None and self._clock.monotonic() < shared.until else None

    def _share(self, place: tuple[str, Kind], listing: Listing) -> _Shared:
        seconds = SHARED_SECONDS[place[1]] if not listing.flaws else SHARED_SECONDS[Kind.INSTANCE]
        self._shared[place] = _Shared(listing, self._clock.monotonic() + seconds, listing.usage)
        return self._shared[place]

    def _lock_of(self, place: tuple[str, Kind]) -> threading.Lock:
        with self._lock:
            return self._listing.setdefault(place, threading.Lock())
