"""What the front knows beside the call: the fleet, what time it is there, what was put, who assumed which role."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache

from nephoscope.localcloud.aws.custom_metrics import CustomMetrics
from nephoscope.localcloud.aws.dashboards import Dashboards
from nephoscope.localcloud.aws.fleet_metrics import FleetMetrics
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT
from nephoscope.localcloud.aws.sessions import Sessions
from nephoscope.localcloud.aws.streams import MetricKey, Stream
from nephoscope.localcloud.fleet import Fleet, Sighting
from nephoscope.localcloud.incidents import Happening

NOT_OPTED_IN = ("ap-east-1", "me-south-1")
"""Regions that the accounts see in a listing of all regions, and have not opted into."""

_LISTINGS = 16


class World:
    """State of one local AWS. Safe to use from every request's thread."""

    def __init__(self, fleet: Fleet) -> None:
        self._simulated: float | None = None
        self._counters: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()
        self.custom = CustomMetrics()
        self.dashboards = Dashboards()
        self.sessions = Sessions()
        self.listing_delay = 0
        """Seconds until a new custom metric is listed; AWS takes up to 900."""
        self.use(fleet)

    def use(self, fleet: Fleet) -> None:
        """Another fleet, and everything that was put is forgotten. Each foreign account gets a role to assume."""
        self.fleet = fleet
        self._fleet_metrics = cache(lambda account, region: FleetMetrics(fleet, account, region))
        self._listings: dict[object, tuple[Stream, ...]] = {}
        self._sightings = lru_cache(16)(fleet.instances_at)
        self._simulated = None
        with self._lock:
            self._counters.clear()
        self.custom.clear()
        self.dashboards.clear()
        self.sessions.clear()
        self.listing_delay = 0
        for account in fleet.accounts:
            if account != HOME_ACCOUNT:
                self.sessions.trust(f"arn:aws:iam::{account}:role/nephoscope-reader", "local-external-id")

    @property
    def now(self) -> float:
        return time.time() if self._simulated is None else self._simulated

    def set_time(self, at: float | None) -> None:
        self._simulated = at

    def share_hit(self, what: Happening, account: str, region: str) -> bool:
        """Whether this call is among the share that an incident hits now: of a half, every second one."""
        for incident in self.fleet.incidents(what, account, region, self.now):
            with self._lock:
                count = self._counters[what, account, region]
                self._counters[what, account, region] += 1
            if int((count + 1) * incident.share) > int(count * incident.share):
                return True
        return False

    def sightings(self, account: str, region: str) -> Sequence[Sighting]:
        """What a listing shows in this second: the same for each of its pages."""
        return self._sightings(int(self.now), account, region)

    def remembered(self, question: object, answer: Callable[[], tuple[Stream, ...]]) -> tuple[Stream, ...]:
        """The answer to a listing's question, worked out once in a second and until something is put."""
        key = (question, int(self.now), self.custom.version, self.listing_delay)
        found = self._listings.get(key)
        if found is None:
            if len(self._listings) >= _LISTINGS:
                self._listings = {}
            found = self._listings[key] = answer()
        return found

    def find(self, account: str, region: str, key: MetricKey) -> Stream | None:
        """A metric by its whole name: the fleet's, or one that was put."""
        return self._fleet_metrics(account, region).find(key) or self.custom.find(account, region, key)

    def named(self, account: str, region: str, namespace: str = "", name: str = "") -> Iterator[Stream]:
        """Every metric of a namespace and a name; of all where empty."""
        yield from self._fleet_metrics(account, region).named(namespace, name)
        yield from self.custom.named(account, region, namespace, name)
