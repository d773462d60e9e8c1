"""Projects x regions. The projects are those that the configuration names, and those below its folder or organization;
the regions are those where a project's own listing shows something, which the run needs anyway: it costs no call more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.gcp.calls import PROJECTS, Calls
from nephoscope.clouds.gcp.errors import gap_of
from nephoscope.clouds.gcp.inventory import Listing
from nephoscope.clouds.gcp.listings import GLOBAL, Listings
from nephoscope.model.config import Config, GatherGcp
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap
from nephoscope.model.time import Deadline
from nephoscope.ports import Clock, FoundScopes

KEPT_SECONDS = 900.0
"""Projects are made rarely; asking every quarter of an hour is soon enough."""

_AT_ONCE = 8
_PROJECT = "//cloudresourcemanager.googleapis.com/projects/"

Lister = Callable[[Calls], Listing]


@dataclass(frozen=True, slots=True)
class _Kept:
    projects: tuple[str, ...]
    until: float


class ScopeRead:
    """Finds the scopes of a configuration."""

    def __init__(
        self,
        open_calls: Callable[[Scope, Deadline], Calls],
        listings: Listings,
        listers: Callable[[GatherGcp], Mapping[Kind, Lister]],
        catalog: Catalog,
        clock: Clock,
    ) -> None:
        self._open_calls = open_calls
        self._listings = listings
        self._listers = listers
        self._catalog = catalog
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def read(self, config: Config, deadline: Deadline) -> FoundScopes:
        gather = config.gather.gcp
        if gather is None:
            return FoundScopes(())
        projects, gaps = self._projects(gather, deadline)
        if not projects:
            return FoundScopes((), tuple(gaps))
        with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(projects))) as pool:
            found = list(pool.map(lambda project: self._read_project(project, gather, deadline), projects))
        scopes = {scope for each in found for scope in each.scopes}
        searched = frozenset((Cloud.GCP, project) for project in projects)
        return FoundScopes(tuple(sorted(scopes)), (*gaps, *(gap for each in found for gap in each.gaps)), searched)

    def _read_project(self, project: str, gather: GatherGcp, deadline: Deadline) -> FoundScopes:
        """The regions of all kinds. A flaw of one region is that scope's own matter; one of all is told here."""
        asked_at = Scope(Cloud.GCP, project, GLOBAL)
        regions: set[str] = set()
        gaps: list[Gap] = []
        for kind, lister in self._listers(gather).items():
            calls = self._open_calls(asked_at, deadline)
            listing = self._listings.renew(project, kind, partial(lister, calls))
            regions |= self._listings.regions(project, listing)
            gaps += listing.gaps(asked_at, kind)
        return FoundScopes(tuple(Scope(Cloud.GCP, project, region) for region in sorted(regions)), tuple(gaps))

    def _projects(self, gather: GatherGcp, deadline: Deadline) -> tuple[tuple[str, ...], list[Gap]]:
        """Named ones first, each once; a search that fails gives those of the last answer, and a gap."""
        if not gather.parent:
            return tuple(dict.fromkeys(gather.projects)), []
        with self._lock:
            kept = self._kept.get(gather.parent)
        found, gaps = kept.projects if kept else (), []
        if kept is None or self._clock.monotonic() >= kept.until:
            asked_at = Scope(Cloud.GCP, gather.parent, GLOBAL)
            try:
                found = tuple(sorted(self._search(self._open_calls(asked_at, deadline), gather.parent)))
                with self._lock:
                    self._kept[gather.parent] = _Kept(found, self._clock.monotonic() + KEPT_SECONDS)
            except ReadError as error:
                gaps = [gap_of(error, asked_at)]
        return tuple(dict.fromkeys((*gather.projects, *found))), gaps

    def _search(self, calls: Calls, parent: str) -> Iterator[str]:
        """Ids of the active projects anywhere below a folder or an organization.

        Source: https://docs.cloud.google.com/asset-inventory/docs/reference/rest/v1/TopLevel/searchAllResources
        """
        parameters = {
            "assetTypes": "cloudresourcemanager.googleapis.com/Project",
            "query": "state:ACTIVE",
            "pageSize": str(self._catalog.limit("cloudasset.assets", "page")),
            "readMask": "name,state",
        }
        for page in calls.pages(PROJECTS, "gcp_assets", f"/v1/{parent}:searchAllResources", parameters):
            for item in page.get("results") or ():
                name = item.get("name", "")
                if not name.startswith(_PROJECT):
                    raise calls.failure(PROJECTS, Reason.MALFORMED, "a project has no name")
                if item.get("state", "ACTIVE") == "ACTIVE":
                    yield name.removeprefix(_PROJECT)
