"""What tests of the AWS reader say again and again: a configuration, a deadline, a request, a reader."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from botocore.session import Session, get_session

from nephoscope.app.settings import Settings
from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.aws.reader import AwsReader
from nephoscope.clouds.aws.session import Sessions
from nephoscope.model.config import AwsAccount, Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import SecretReader

HOME = "eu-central-1"
ACCOUNT = "111111111111"
SCOPE = Scope(Cloud.AWS, ACCOUNT, HOME)
NOON = 1_795_435_200
"""2026-11-23T12:00:00Z."""


class SystemClock:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def config_for(
    *,
    regions: tuple[str, ...] = (HOME,),
    accounts: tuple[AwsAccount, ...] = (AwsAccount(),),
    resources: tuple[Kind, ...] = (Kind.INSTANCE,),
    tags: Mapping[str, tuple[str, ...]] | None = None,
    except_tags: Mapping[str, tuple[str, ...]] | None = None,
) -> Config:
    where = Selector(tags or {}, except_tags or {})
    return Config(
        fleet="acme",
        gather=Gather(aws=GatherAws(regions, accounts, resources, where)),
        publish=PublishCloudWatch(HOME, "acme"),
    )


def in_seconds(seconds: float = 20.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


_LOADER = get_session().get_component("data_loader")


class _QuickSessions(Sessions):
    def _own(self) -> Session:
        session = super()._own()
        session.register_component("data_loader", _LOADER)
        return session


def open_quick_reader(
    *,
    account: str = ACCOUNT,
    secrets: SecretReader | None = None,
    sleep: Callable[[float], None] = time.sleep,
    limits: Mapping[str, Mapping[str, int]] | None = None,
) -> AwsReader:
    """The reader as open_reader makes it, except that a test may say how it waits and narrow the limits, and that
    botocore loads its models once for all tests."""
    settings = Settings(home_region=HOME, account=account)
    clock = SystemClock()
    catalog = load_catalog().overridden(limits or {}, {})
    sessions = _QuickSessions(settings.home_region, clock, secrets)
    return AwsReader(sessions, catalog, clock, settings.home_region, settings.account, sleep)


def request_for(
    metric: str, resource: str, *, period: int = 300, start: int = NOON - 1500, end: int = NOON
) -> SeriesRequest:
    source = load_catalog().metrics[metric].sources[Cloud.AWS]
    return SeriesRequest(resource, metric, source, period, start, end)
