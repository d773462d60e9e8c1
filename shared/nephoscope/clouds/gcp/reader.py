"""Google Cloud as the run sees it: ports.CloudReader over Compute, Storage and Monitoring."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.gcp.buckets import read_buckets
from nephoscope.clouds.gcp.calls import BUCKETS, DESCRIPTOR, INSTANCES, PROJECTS, SERIES, Calls
from nephoscope.clouds.gcp.descriptors import Descriptors
from nephoscope.clouds.gcp.federation import federated_credentials
from nephoscope.clouds.gcp.inventory import read_instances
from nephoscope.clouds.gcp.listings import Listings
from nephoscope.clouds.gcp.metrics import MetricRead
from nephoscope.clouds.gcp.scopes import Lister, ScopeRead
from nephoscope.clouds.gcp.session import SCOPES, Session
from nephoscope.clouds.limiter import Limiter, Limiters
from nephoscope.model.config import Config, GatherGcp
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Scope
from nephoscope.model.series import Inventory, Readings, SeriesRequest, Usage
from nephoscope.model.time import Deadline
from nephoscope.ports import Clock, CloudReader, FoundScopes, IdentityReader, SecretReader

LIMITS: Mapping[str, str] = {
    INSTANCES: "compute.instances",
    BUCKETS: "storage.buckets",
    PROJECTS: "cloudasset.assets",
    SERIES: "monitoring.time_series",
    DESCRIPTOR: "monitoring.metric_descriptors",
}
"""Permission -> the catalog's row of limits, whose `per_second` is the pace."""


class Deployed(Protocol):
    """What is needed of the deployment's settings: other addresses of the APIs, by the names of session.HOSTS."""

    @property
    def endpoints(self) -> Mapping[str, str] | None: ...


def open_reader(
    config: Config,
    settings: Deployed,
    catalog: Catalog,
    clock: Clock,
    secrets: SecretReader | None = None,  # noqa: ARG001 - Google needs none: the platform's own identity
    guest: IdentityReader | None = None,
) -> CloudReader:
    """A reader for a process's life: identity, connections and paces are kept between runs. No call is made yet.

    guest: who the function is where it runs, if that is another cloud; AWS's keys are found by google-auth itself.
    """
    entry = config.gather.gcp.from_aws if guest is not None and config.gather.gcp else None
    if entry is None:
        return GcpReader(Session(clock, settings.endpoints), catalog, clock)
    find = partial(federated_credentials, entry, SCOPES, clock, settings.endpoints)
    return GcpReader(Session(clock, settings.endpoints, find), catalog, clock)


class GcpReader:
    """ports.CloudReader. Safe to use from several threads, one scope each or several."""

    def __init__(
        self, session: Session, catalog: Catalog, clock: Clock, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.session = session
        self._catalog = catalog
        self._clock = clock
        self._sleep = sleep
        self._listings = Listings(clock)
        self._descriptors = Descriptors(clock)
        self._scopes = ScopeRead(self._open_calls, self._listings, self._listers, catalog, clock)
        self._limiters = Limiters(lambda action: catalog.limit(LIMITS[action], "per_second"), clock, sleep)

    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        return self._scopes.read(config, deadline)

    def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
        listers = self._listers(config.gather.gcp) if config.gather.gcp else {}
        parts: list[Inventory] = []
        usage = Usage()
        for kind, lister in listers.items():
            read = partial(lister, self._open_calls(scope, deadline))
            listing, used = self._listings.take(scope, kind, read)
            parts.append(listing.inventory(scope, kind))
            usage += used
        return Inventory(
            resources=tuple(resource for part in parts for resource in part.resources),
            gaps=tuple(gap for part in parts for gap in part.gaps),
            complete=frozenset(kind for part in parts for kind in part.complete),
            usage=usage,
        )

    def read_series(
        self,
        scope: Scope,
        config: Config,  # noqa: ARG002 - the requests say it all
        requests: Sequence[SeriesRequest],
        deadline: Deadline,
    ) -> Readings:
        return MetricRead(self._open_calls(scope, deadline), self._catalog, self._descriptors).read(requests)

    def limiter(self, project: str, action: str) -> Limiter:
        """The pace of one action in one project."""
        return self._limiters.at(project, action)

    def _listers(self, gather: GatherGcp) -> Mapping[Kind, Lister]:
        """How each configured kind is listed. A new kind is a reader here and rows in the catalog."""
        listers: dict[Kind, Lister] = {
            Kind.INSTANCE: partial(read_instances, where=gather.where, catalog=self._catalog),
            Kind.BUCKET: partial(read_buckets, where=gather.where, catalog=self._catalog),
        }
        return {kind: listers[kind] for kind in dict.fromkeys(gather.resources) if kind in listers}

    def _open_calls(self, scope: Scope, deadline: Deadline) -> Calls:
        return Calls(scope, self, deadline, self._sleep)
