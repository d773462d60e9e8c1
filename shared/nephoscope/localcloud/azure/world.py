"""What the front knows beside the call: the fleet under Azure's names, what time it is there, who may read what."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from nephoscope.localcloud.azure.key_vault import Version
from nephoscope.localcloud.azure.names import account_id, machine_id
from nephoscope.localcloud.fleet import Fleet, Sighting
from nephoscope.localcloud.incidents import Happening
from nephoscope.localcloud.machines import Bucket, Instance

MANAGEMENT_GROUP = "acme"
"""It holds every subscription of the fleet."""


class World:
    """State of one local Azure. Safe to use from every request's thread."""

    def __init__(self, fleet: Fleet, tenant: str) -> None:
        self.tenant = tenant
        self._lock = threading.Lock()
        self.use(fleet)

    def use(self, fleet: Fleet) -> None:
        """Another fleet; times and permissions are as at the start.

        secrets: of key vaults. denied: subscriptions without a role for the caller. unmonitored: those whose resources
        may be listed, and whose metrics may not be read. failed: machines, by the fleet's ids, whose last change did
        not succeed. page: resources on a page of Resource Manager's listings.
        """
        self.fleet = fleet
        self.secrets: dict[tuple[str, str], tuple[Version, ...]] = {}
        self.denied: set[str] = set()
        self.unmonitored: set[str] = set()
        self.failed: set[str] = set()
        self.page = 500
        self._simulated: float | None = None
        self._counters: Counter[tuple[str, str, str]] = Counter()
        self._sightings = lru_cache(16)(fleet.instances_at)
        self._machines = {machine_id(instance).lower(): instance for instance in fleet.instances}
        self._accounts = {account_id(bucket).lower(): bucket for bucket in fleet.buckets}

    @property
    def now(self) -> float:
        return time.time() if self._simulated is None else self._simulated

    def set_time(self, at: float | None) -> None:
        self._simulated = at

    @property
    def subscriptions(self) -> tuple[str, ...]:
        held = (*self.fleet.accounts, *(bucket.account for bucket in self.fleet.buckets))
        return tuple(dict.fromkeys(held))

    @property
    def visible(self) -> tuple[str, ...]:
        """The subscriptions in which the caller may read."""
        return tuple(name for name in self.subscriptions if self.readable(name))

    def readable(self, subscription: str) -> bool:
        return subscription not in self.denied and not self.happens(Happening.REGION_DENIED, subscription, "")

    def happens(self, what: Happening, subscription: str, region: str) -> bool:
        """Whether an incident of exactly this place happens now: with no region, one of the whole subscription."""
        return any(self.fleet.incidents(what, subscription, region, self.now))

    def share_hit(self, what: Happening, subscription: str, region: str) -> bool:
        """Whether this call is among the share that an incident hits now: of a half, every second one."""
        for incident in self.fleet.incidents(what, subscription, region, self.now):
            with self._lock:
                count = self._counters[what, subscription, region]
                self._counters[what, subscription, region] += 1
            if int((count + 1) * incident.share) > int(count * incident.share):
                return True
        return False

    def sightings(self, subscription: str) -> Sequence[Sighting]:
        """What a listing shows in this second: the same for each of its pages."""
        return self._sightings(int(self.now), subscription)

    def resource(self, resource_id: str) -> Instance | Bucket | None:
        """By its id, in any case of letters."""
        wanted = resource_id.lower()
        return self._machines.get(wanted) or self._accounts.get(wanted)
