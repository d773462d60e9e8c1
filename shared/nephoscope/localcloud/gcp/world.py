"""What every part of the local Google knows: the fleet, what time it is there, who may do what."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from nephoscope.localcloud.fleet import Fleet, Sighting
from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.federation import Federation
from nephoscope.localcloud.gcp.series import Series, series_of
from nephoscope.localcloud.gcp.tokens import Tokens
from nephoscope.localcloud.gcp.versions import Version
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Bucket

FOLDER, ORGANIZATION = "folders/123456789012", "organizations/210987654321"
"""Every project of the fleet lies in the folder, and the folder in the organization."""


class World:
    """State of one local Google. Safe to use from every request's thread.

    permissions: what the service account may do, in every project; None: everything. secrets: by project and name, the
    versions of each, the first one first.
    """

    def __init__(self, fleet: Fleet, project: str) -> None:
        self.project = project
        self.tokens = Tokens()
        self.federation = Federation(self.tokens)
        self._lock = threading.Lock()
        self._counters: Counter[Incident] = Counter()
        self.use(fleet)

    def use(self, fleet: Fleet) -> None:
        """Another fleet, and everything that was set is forgotten."""
        self.fleet = fleet
        self.federation.clear()
        self.permissions: frozenset[str] | None = None
        self.secrets: dict[tuple[str, str], tuple[Version, ...]] = {}
        self._simulated: float | None = None
        self._sightings = lru_cache(16)(fleet.instances_at)
        self._series = cache(lambda project, metric_type: series_of(fleet, project, metric_type))
        with self._lock:
            self._counters.clear()

    @property
    def now(self) -> float:
        return time.time() if self._simulated is None else self._simulated

    def set_time(self, at: float | None) -> None:
        self._simulated = at

    @property
    def projects(self) -> tuple[str, ...]:
        return self.fleet.accounts

    @property
    def regions(self) -> tuple[str, ...]:
        """Sorted, as the API lists them."""
        return tuple(sorted(self.fleet.regions))

    def sightings(self, project: str) -> Sequence[tuple[Sighting, str]]:
        """Each machine that a listing shows in this second, with Google's word for its state; by zone and name."""
        at = int(self.now)
        seen = [(found, names.status_of(found, at)) for found in self._sightings(at, project)]
        listed = [(found, status) for found, status in seen if status]
        return sorted(listed, key=lambda row: (names.zone_of(row[0].instance), names.machine_name(row[0].instance)))

    def series(self, project: str, metric_type: str) -> tuple[Series, ...]:
        """Every series of a type in a project, made once."""
        return self._series(project, metric_type)

    def buckets(self, project: str) -> Sequence[Bucket]:
        """By name."""
        return sorted((row for row in self.fleet.buckets if row.account == project), key=lambda row: row.name)

    def incidents(self, what: Happening, project: str, regions: Sequence[str] = ()) -> Iterator[Incident]:
        """Those of this kind that happen now to a project: everywhere in it, or in one of `regions`; all of the
        project's where none is named."""
        elapsed = self.now - self.fleet.start
        for incident in self.fleet.script:
            here = not regions or incident.region in ("", *regions)
            if incident.what is what and incident.covers(elapsed) and incident.account in ("", project) and here:
                yield incident

    def share_hit(self, incident: Incident) -> bool:
        """Whether this call is among the share that the incident hits: of a half, every second one."""
        with self._lock:
            count = self._counters[incident]
            self._counters[incident] += 1
        return int((count + 1) * incident.share) > int(count * incident.share)
