"""AWS as the run sees it: ports.CloudReader over EC2, S3, CloudWatch and STS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.aws.buckets import read_buckets
from nephoscope.clouds.aws.calls import Calls
from nephoscope.clouds.aws.discovery import Discovery
from nephoscope.clouds.aws.inventory import read_instances
from nephoscope.clouds.aws.metrics import MetricRead
from nephoscope.clouds.aws.scopes import ALL, ScopeRead, account_of
from nephoscope.clouds.aws.session import Sessions
from nephoscope.clouds.limiter import Limiter, Limiters
from nephoscope.model.config import AwsAccount, Config
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Scope
from nephoscope.model.series import Inventory, Readings, SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import Clock, CloudReader, FoundScopes, IdentityReader, SecretReader

LISTINGS: Mapping[Kind, Callable[[Calls, Config, Catalog], Inventory]] = {
    Kind.INSTANCE: read_instances,
    Kind.BUCKET: read_buckets,
}
"""How each kind is listed. A new kind is a reader here and rows in the catalog."""

LISTED_AGAIN: Mapping[Kind, float] = {Kind.BUCKET: 3600.0}
"""Seconds for which a whole listing is kept in a warm function. Buckets have no state and come and go rarely, so they
need not be asked for each minute; instances are."""

LIMITS: Mapping[str, str] = {
    "ec2:DescribeInstances": "ec2.describe_instances",
    "ec2:DescribeInstanceStatus": "ec2.describe_instance_status",
    "cloudwatch:GetMetricData": "cloudwatch.get_metric_data",
    "cloudwatch:ListMetrics": "cloudwatch.list_metrics",
    "s3:ListAllMyBuckets": "s3.list_buckets",
    "tag:GetResources": "resourcegroupstaggingapi.get_resources",
}
"""Action -> the catalog's row of limits, whose `per_second` is the pace."""

_USUAL_PACE = 5.0  # for what is called once in a while and has no row
_NOWHERE = "us-east-1"


class Deployed(Protocol):
    """What is needed of the deployment's settings: where the functions run, and as whom (empty = not known)."""

    @property
    def home_region(self) -> str: ...
    @property
    def account(self) -> str: ...


def open_reader(
    config: Config,
    settings: Deployed,
    catalog: Catalog,
    clock: Clock,
    secrets: SecretReader | None = None,
    guest: IdentityReader | None = None,  # noqa: ARG001 - every cloud's reader is opened alike
) -> CloudReader:
    """A reader for a process's life: credentials, connections and paces are kept between runs. No call is made yet.

    secrets: resolves external ids that are references; without it they are a gap.
    """
    home = settings.home_region or _first_region(config)
    return AwsReader(Sessions(home, clock, secrets), catalog, clock, home, settings.account)


class AwsReader:
    """ports.CloudReader. Safe to use from several threads, one scope each or several."""

    def __init__(
        self,
        sessions: Sessions,
        catalog: Catalog,
        clock: Clock,
        home: str,
        known_id: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sessions = sessions
        self._catalog = catalog
        self._clock = clock
        self._sleep = sleep
        self._scopes = ScopeRead(sessions, self._open_calls, clock, home, known_id)
        self._discovery = Discovery(clock)
        self._limiters = Limiters(self._pace, clock, sleep)
        self._listings: dict[tuple[Scope, Kind], tuple[Inventory, float]] = {}
        self._lock = threading.Lock()

    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        return self._scopes.read(config, deadline)

    def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
        calls = self._open_calls(scope, account_of(scope, config), deadline)
        kinds = config.gather.aws.resources if config.gather.aws else ()
        parts = [self._list(kind, calls, config) for kind in dict.fromkeys(kinds) if kind in LISTINGS]
        return Inventory(
            resources=tuple(resource for part in parts for resource in part.resources),
            gaps=tuple(gap for part in parts for gap in part.gaps),
            complete=frozenset(kind for part in parts for kind in part.complete),
            usage=calls.usage,
        )

    def _list(self, kind: Kind, calls: Calls, config: Config) -> Inventory:
        place, now = (calls.scope, kind), self._clock.monotonic()
        with self._lock:
            listed, until = self._listings.get(place, (Inventory(), now))
        if now < until:
            return listed
        listed = LISTINGS[kind](calls, config, self._catalog)
        if kind in LISTED_AGAIN and kind in listed.complete:
            with self._lock:
                self._listings[place] = (listed, now + LISTED_AGAIN[kind])
        return listed

    def read_series(
        self, scope: Scope, config: Config, requests: Sequence[SeriesRequest], deadline: Deadline
    ) -> Readings:
        calls = self._open_calls(scope, account_of(scope, config), deadline)
        return MetricRead(calls, self._catalog, self._discovery).read(requests)

    def _open_calls(self, scope: Scope, account: AwsAccount, deadline: Deadline) -> Calls:
        return Calls(scope, _ScopeDoor(self, scope, account), deadline, self._sleep)

    def client(self, account: AwsAccount, region: str, service: str) -> Any:
        """The botocore client that is used there. Raises ReadError."""
        return self._sessions.client(account, region, service)

    def limiter(self, scope: Scope, action: str) -> Limiter:
        """The pace of one action in one account and region."""
        return self._limiters.at((scope.account, scope.region), action)

    def limit_this_call(self, seconds: float) -> None:
        self._sessions.limit_this_call(seconds)

    def _pace(self, action: str) -> float:
        row = LIMITS.get(action)
        return self._catalog.limit(row, "per_second") if row else _USUAL_PACE


class _ScopeDoor:
    """calls.Door: the reader, seen from one scope."""

    def __init__(self, reader: AwsReader, scope: Scope, account: AwsAccount) -> None:
        self._reader = reader
        self._scope = scope
        self._account = account

    def client(self, service: str) -> Any:
        return self._reader.client(self._account, self._scope.region, service)

    def limiter(self, action: str) -> Limiter:
        return self._reader.limiter(self._scope, action)

    def limit_this_call(self, seconds: float) -> None:
        self._reader.limit_this_call(seconds)


def _first_region(config: Config) -> str:
    regions = config.gather.aws.regions if config.gather.aws else ()
    return regions[0] if regions and regions != ALL else _NOWHERE
