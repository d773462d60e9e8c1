"""Everything that touches the world, opened once for a process and handed to the run as one value."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from nephoscope.app.clock import SystemClock
from nephoscope.app.secrets import open_secrets
from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.catalog.loader import Catalog, load_catalog
from nephoscope.model.config import Channel, Config
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.ports import (
    Clock,
    CloudReader,
    DashboardSink,
    HistorySink,
    IdentityReader,
    MetricSink,
    Notifier,
    ScopeQueue,
)
from nephoscope.stores.memory import Memory

__all__ = ["Outside", "SystemClock", "open_outside"]


@dataclass(frozen=True, slots=True)
class Outside:
    """readers: by cloud, those that this function gathers, each opened when first asked for. queue None: all runs in
    one function. history None: nothing is kept. digests: what this process has told while its memory was out of reach:
    (scope, quarter of an hour, channel)."""

    config: Config
    settings: Settings
    catalog: Catalog
    clock: Clock
    memory: Memory
    readers: Mapping[Cloud, CloudReader]
    sink: MetricSink
    dashboards: DashboardSink
    notifier_for: Callable[[str], Notifier]
    queue: ScopeQueue | None = None
    history: HistorySink | None = None
    digests: set[tuple[Scope, int, str]] = field(default_factory=set)
    new_run_id: Callable[[], str] = field(default=lambda: uuid.uuid4().hex[:16])


def open_outside(config: Config, settings: Settings, clock: Clock) -> Outside:
    """Open what this deployment has. Imports only the rooms that the configuration and the settings name, a cloud's
    only when it is read; no call to any cloud is made yet."""
    catalog = load_catalog().configured(config)
    secrets = open_secrets(settings, clock=clock)
    clouds = [cloud for cloud in config.gather.kinds if not settings.clouds or cloud in settings.clouds]
    table = wire("store", settings.store)(settings.table)

    def open_reader(cloud: Cloud) -> CloudReader:
        reader: CloudReader = wire("cloud", cloud)(config, settings, catalog, clock, secrets, _guest(cloud, settings))
        return reader

    @cache
    def notifier_for(name: str) -> Notifier:
        channel = config.channels.get(name)
        if channel is None:
            raise DeliveryError(
                destination=name,
                reason=Reason.NOT_FOUND,
                detail="no such channel in the configuration",
                retryable=False,
            )
        notifier: Notifier = wire("notifier", _medium(channel))(channel, secrets, clock)
        return notifier

    return Outside(
        config=config,
        settings=settings,
        catalog=catalog,
        clock=clock,
        memory=Memory(table, clock),
        readers=Readers(clouds, open_reader),
        sink=wire("sink", "cloudwatch")(config, settings, clock),
        dashboards=wire("dashboards", "cloudwatch")(config, settings),
        notifier_for=notifier_for,
        queue=_queue_of(settings),
        history=wire("history", "elasticsearch")(config, secrets, clock) if config.history else None,
    )


class Readers(Mapping[Cloud, CloudReader]):
    """Opened one by one, when they are read from: an SDK takes a second to import, and who only delivers or draws
    needs none. Safe to use from several threads."""

    def __init__(self, clouds: Iterable[Cloud], open_reader: Callable[[Cloud], CloudReader]) -> None:
        self._clouds = tuple(clouds)
        self._open = open_reader
        self._opened: dict[Cloud, CloudReader] = {}
        self._lock = threading.Lock()

    def __getitem__(self, cloud: Cloud) -> CloudReader:
        if cloud not in self._clouds:
            raise KeyError(cloud)
        with self._lock:
            if cloud not in self._opened:
                self._opened[cloud] = self._open(cloud)
            return self._opened[cloud]

    def __contains__(self, cloud: object) -> bool:
        """Mapping's own would open it."""
        return cloud in self._clouds

    def __iter__(self) -> Iterator[Cloud]:
        return iter(self._clouds)

    def __len__(self) -> int:
        return len(self._clouds)


def _guest(cloud: Cloud, settings: Settings) -> IdentityReader | None:
    """Who this function is at home, where the cloud that it reads is another."""
    if settings.runs_in in ("", cloud):
        return None
    identity: IdentityReader = wire("identity", settings.runs_in)(settings)
    return identity


def _queue_of(settings: Settings) -> ScopeQueue | None:
    """SQS by its URL, Pub/Sub by its topic's name; Azure's function puts what it fans out in its own answer."""
    where = settings.queue_url
    queue: ScopeQueue | None = None
    if where.startswith("projects/"):
        queue = wire("queue", "pubsub")(where, (settings.endpoints or {}).get("gcp_pubsub", ""))
    elif where and settings.clouds[:1] != ("azure",):
        queue = wire("queue", "sqs")(where)
    return queue


def _medium(channel: Channel) -> str:
    return "sns" if channel.sns else "webhook"
