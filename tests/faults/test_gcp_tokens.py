"""Access tokens that end, and that are not given: renewed once for all threads, or a gap that says so."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.auth.credentials import Credentials
from google.auth.exceptions import RefreshError, TransportError

from canned_gcp import INSTANCES, LIST, CannedGoogle, listing, machine, page, rest_error, series
from gcp_reading import NOON, SCOPE, HandClock, config_for, dial_plainly, in_seconds, request_for
from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.gcp.reader import GcpReader
from nephoscope.clouds.gcp.session import Session
from nephoscope.model.errors import Reason

CPU = request_for("cpu.utilization", "11")


@pytest.fixture
def google() -> Iterator[CannedGoogle]:
    with CannedGoogle() as canned:
        yield canned


class Renewing(Credentials):
    """Gives a token for an hour, a new one each time; or refuses."""

    def __init__(self, refusal: Exception | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.times = 0
        self.refusal = refusal

    def refresh(self, request: Any) -> None:
        self.times += 1
        if self.refusal is not None:
            raise self.refusal
        self.token = f"token-{self.times}"
        self.expiry = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)


def reader_of(google: CannedGoogle, credentials: Credentials, clock: HandClock | None = None) -> GcpReader:
    clock = clock or HandClock()
    session = Session(clock, google.endpoints, lambda: credentials, dial_plainly)
    return GcpReader(session, load_catalog(), clock, lambda _: None)


def test_one_token_serves_all_threads(google: CannedGoogle) -> None:
    google.answer(INSTANCES, listing(machine(1)))
    google.answer(LIST, page(series("11", (NOON, 0.5))))
    credentials = Renewing()
    reader = reader_of(google, credentials)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: reader.read_inventory(SCOPE, config_for(), in_seconds()), range(8)))
    assert credentials.times == 1
    assert {asked.headers["authorization"] for asked in google.asked(INSTANCES)} == {"Bearer token-1"}


def test_a_token_that_ended_is_renewed_before_the_next_call(google: CannedGoogle) -> None:
    google.answer(LIST, page(series("11", (NOON, 0.5))))
    credentials = Renewing()
    reader = reader_of(google, credentials)
    for _ in range(2):
        assert reader.read_series(SCOPE, config_for(), [CPU], in_seconds()).gaps == ()
        credentials.expiry = datetime(2026, 1, 1)  # noqa: DTZ001 - google-auth's are naive
    assert credentials.times == 2


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (RefreshError("no", {"error": "invalid_grant"}), Reason.DENIED),
        (RefreshError(TransportError("not for you", type("Answer", (), {"status": 403})())), Reason.DENIED),
        (RefreshError(TransportError("the metadata server is away")), Reason.UNAVAILABLE),
    ],
)
def test_a_token_that_is_not_given_is_a_gap_on_both_ways(
    google: CannedGoogle, refusal: Exception, reason: Reason
) -> None:
    reader = reader_of(google, Renewing(refusal))
    (listed,) = reader.read_inventory(SCOPE, config_for(), in_seconds()).gaps
    (read,) = reader.read_series(SCOPE, config_for(), [CPU], in_seconds()).gaps
    assert (listed.reason, read.reason) == (reason, reason)
    assert listed.detail.startswith("no token: ")
    assert google.requests == []


def test_a_metadata_server_that_is_away_is_asked_once_in_a_run_and_by_the_next_run_again(google: CannedGoogle) -> None:
    """Asking takes google-auth a quarter of a minute, and a run has more calls than that."""
    google.answer(INSTANCES, listing(machine(1)))
    google.answer(LIST, page(series("11", (NOON, 0.5))))
    clock, away = HandClock(), Renewing(RefreshError(TransportError("the metadata server is away")))
    reader = reader_of(google, away, clock)
    for _ in range(3):
        (listed,) = reader.read_inventory(SCOPE, config_for(), in_seconds()).gaps
        (read,) = reader.read_series(SCOPE, config_for(), [CPU], in_seconds()).gaps
        assert (listed.reason, read.reason) == (Reason.UNAVAILABLE, Reason.UNAVAILABLE)
    assert away.times == 1
    away.refusal = None
    clock.now += 60
    assert reader.read_series(SCOPE, config_for(), [CPU], in_seconds()).gaps == ()
    assert away.times == 2


def test_a_token_that_google_refuses_is_renewed_and_then_a_gap(google: CannedGoogle) -> None:
    google.answer(INSTANCES, rest_error(401, "Invalid Credentials", "authError"))
    credentials = Renewing()
    (gap,) = reader_of(google, credentials).read_inventory(SCOPE, config_for(), in_seconds()).gaps
    assert (gap.reason, gap.detail) == (Reason.DENIED, "authError: Invalid Credentials")
    assert credentials.times > 1
