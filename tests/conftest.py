"""What every test stands on: no way out to a real cloud, and a local one.

ministack: one process for the whole session, for plain tables, queues, topics and functions. Take names that are
yours alone (`uuid4`), for others use it at the same time.
local_aws: the whole local AWS (front, fleet, ledger, ministack), one for the session and as new for each test.
fleet_aws: the front and a fleet only, an instance for each test; up in milliseconds, nothing that ministack answers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT, Ministack, sdk_environment
from nephoscope.localcloud.fleet import Fleet, simulate

NOON = 1_795_435_200
"""2026-11-23T12:00:00Z, a Monday: where the tests' fleets begin."""
MEMBER_ACCOUNT = "222222222222"
NOWHERE = "http://127.0.0.1:9"
"""The discard port: a call that no test has pointed anywhere is refused at once, never sent to a real cloud."""


_FOREIGN = ("AWS_", "NEPHOSCOPE_", "GOOGLE_", "GCE_", "GRPC_DEFAULT_", "IDENTITY_", "AZURE_", "MSI_")

settings.register_profile("any machine", deadline=None)  # a loaded one is no fault
settings.load_profile("any machine")

FIRST = ("tests/e2e/", "tests/package/", "tests/faults/", "tests/protocol/", "tests/browser/", "tests/bench/")
"""The long ones, so that with several processes none is left alone with them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((at for at, long in enumerate(FIRST) if item.nodeid.startswith(long)), len(FIRST)))


@pytest.fixture(autouse=True)
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches a real endpoint, profile, metadata service or proxy, whatever the person's shell has set."""
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in sdk_environment(NOWHERE).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def ministack() -> Iterator[Ministack]:
    """The emulator alone. `.url`, `.environment()`, `.client("dynamodb")`."""
    with Ministack() as running:
        yield running


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """Sixty machines in three regions of two accounts, with the default story of 45 minutes from NOON on."""
    return simulate(1, 60, accounts=(HOME_ACCOUNT, MEMBER_ACCOUNT), start=NOON)


@pytest.fixture(scope="session")
def _running_local_aws(fleet: Fleet) -> Iterator[LocalAws]:
    with LocalAws(fleet) as running:
        yield running


@pytest.fixture
def local_aws(_running_local_aws: LocalAws, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """Reset for this test; its time stands at NOON until `.set_time()`, and `.set_time(None)` gives the wall's.
    SDKs without an endpoint of their own use it."""
    _running_local_aws.reset(fleet)
    _running_local_aws.set_time(NOON)
    _enter(_running_local_aws, monkeypatch)
    return _running_local_aws


@pytest.fixture
def fleet_aws(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    """The front without ministack, at NOON. SDKs without an endpoint of their own use it."""
    with LocalAws(fleet, with_ministack=False) as running:
        running.set_time(NOON)
        _enter(running, monkeypatch)
        yield running


def _enter(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
