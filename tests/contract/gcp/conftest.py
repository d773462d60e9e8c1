"""A local Google for each test: one server for the session, as new every time, at noon of a Monday."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import google.auth
import pytest
from google.auth.compute_engine import _metadata
from google.auth.transport.requests import AuthorizedSession
from google.cloud.monitoring_v3 import MetricServiceClient

from nephoscope.localcloud.fleet import Fleet, simulate
from nephoscope.localcloud.gcp.local import LocalGcp

NOON = 1_795_435_200
WEB, DATA = "acme-web", "acme-data"


@pytest.fixture(scope="session")
def gcp_fleet() -> Fleet:
    """Thirty machines in two regions for each of two projects, one of them launched after noon; nothing happens."""
    return simulate(1, 60, regions=("europe-west1", "us-central1"), accounts=(WEB, DATA), start=NOON, script=[])


@pytest.fixture(scope="session")
def _running_gcp(gcp_fleet: Fleet) -> Iterator[LocalGcp]:
    with LocalGcp(gcp_fleet) as running:
        yield running


@pytest.fixture
def gcp(_running_gcp: LocalGcp, gcp_fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> LocalGcp:
    """Reset for this test, at NOON. Google's clients without an endpoint of their own find it: google-auth looks at the
    environment only when it is first imported, and has been by now, so its answer is put where it keeps it."""
    _running_gcp.reset(gcp_fleet)
    _running_gcp.set_time(NOON)
    for name, value in _running_gcp.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", _running_gcp.host)
    return _running_gcp


@pytest.fixture
def session(gcp: LocalGcp) -> Iterator[AuthorizedSession]:
    """REST as google-auth does it, with the metadata server's token."""
    credentials, _ = google.auth.default()
    with AuthorizedSession(credentials) as opened:
        yield opened


@pytest.fixture
def monitoring(gcp: LocalGcp) -> Iterator[Any]:
    """Monitoring's own client over TLS."""
    client = MetricServiceClient(client_options={"api_endpoint": gcp.monitoring_host})
    yield client
    client.transport.close()
