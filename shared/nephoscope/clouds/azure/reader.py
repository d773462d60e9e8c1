"""Azure as the run sees it: ports.CloudReader over Resource Graph and the metrics data plane."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.azure import graph, listing, logs, metrics
from nephoscope.clouds.azure.answers import ACTION as READ_METRICS
from nephoscope.clouds.azure.calls import Calls
from nephoscope.clouds.azure.federation import federated_credential
from nephoscope.clouds.azure.graph import Area
from nephoscope.clouds.azure.identity import open_credential
from nephoscope.clouds.azure.listing import Listing, read_listing
from nephoscope.clouds.azure.logs import LogRead
from nephoscope.clouds.azure.metrics import MetricRead
from nephoscope.clouds.azure.scopes import GLOBAL, ScopeRead
from nephoscope.clouds.azure.session import Sessions
from nephoscope.clouds.limiter import Limiters
from nephoscope.model.config import Config
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Inventory, Readings, SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import Clock, CloudReader, FoundScopes, IdentityReader, SecretReader

LIMITS: Mapping[str, str] = {
    graph.ACTION: listing.LIMIT,
    READ_METRICS: metrics.LIMIT,
    logs.ACTION: logs.LIMIT,
}
"""Action -> the catalog's row of limits, whose `per_second` is the pace."""


class Deployed(Protocol):
    """What is needed of the deployment's settings: endpoints in place of Azure's own."""

    @property
    def endpoints(self) -> Mapping[str, str] | None: ...


def open_reader(
    config: Config,
    settings: Deployed,
    catalog: Catalog,
    clock: Clock,
    secrets: SecretReader | None = None,  # noqa: ARG001 - Azure is read without any
    guest: IdentityReader | None = None,
) -> CloudReader:
    """A reader for a process's life: tokens, connections and paces are kept between runs. No call is made yet.

    guest: who the function is where it runs, if that is another cloud.
    """
    endpoints = settings.endpoints or {}
    entry = config.gather.azure.from_aws if config.gather.azure else None
    if guest is None or entry is None:
        return AzureReader(Sessions(open_credential(), endpoints), catalog, clock)
    return AzureReader(Sessions(federated_credential(entry, guest, clock, endpoints), endpoints), catalog, clock)


class AzureReader:
    """ports.CloudReader. Safe to use from several threads, one scope each or several."""

    def __init__(
        self, sessions: Sessions, catalog: Catalog, clock: Clock, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._sessions = sessions
        self._catalog = catalog
        self._clock = clock
        self._sleep = sleep
        self._scopes = ScopeRead(self._read_listing, clock, catalog.limit(listing.LIMIT, "subscriptions"))
        self._limiters = Limiters(lambda action: catalog.limit(LIMITS[action], "per_second"), clock, sleep)

    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        return self._scopes.read_scopes(config, deadline)

    def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
        return self._scopes.read_inventory(scope, config, deadline)

    def read_series(
        self,
        scope: Scope,
        config: Config,
        requests: Sequence[SeriesRequest],
        deadline: Deadline,
    ) -> Readings:
        """From the metrics service, and what stands in logs only from the workspaces that the configuration names."""
        client = self._sessions.metrics(scope.region)
        plain = [request for request in requests if not request.source.query]
        found = MetricRead(self._open_calls(scope, deadline), client, self._catalog, self._clock.wall).read(plain)
        logged = [request for request in requests if request.source.query]
        if not logged or config.gather.azure is None:
            return found
        workspaces = config.gather.azure.workspaces
        more = LogRead(self._open_calls(scope, deadline), self._sessions.logs(), workspaces, self._catalog).read(logged)
        return Readings(found.series + more.series, found.gaps + more.gaps, found.usage + more.usage)

    def _read_listing(self, areas: Sequence[Area], kinds: Sequence[Kind], deadline: Deadline) -> Listing:
        """Resource Graph counts questions by who asks, whatever they are about."""
        calls = self._open_calls(Scope(Cloud.AZURE, "", GLOBAL), deadline)
        return read_listing(calls, self._sessions.management(), areas, kinds, self._catalog)

    def _open_calls(self, scope: Scope, deadline: Deadline) -> Calls:
        return Calls(scope, partial(self._limiters.at, (scope.account, scope.region)), deadline, self._sleep)
