"""Listings that fail, in part or whole: gaps for those whom it concerns, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.auth.exceptions import DefaultCredentialsError

from canned_gcp import INSTANCES, CannedGoogle, Rest, listing, machine, rest, rest_error
from gcp_reading import PROJECT, SCOPE, HandClock, config_for, in_seconds, open_quick_reader
from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.gcp.reader import GcpReader
from nephoscope.clouds.gcp.session import Session
from nephoscope.model.errors import Reason
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Inventory

US = Scope(Cloud.GCP, PROJECT, "us-central1")


@pytest.fixture
def google() -> Iterator[CannedGoogle]:
    with CannedGoogle() as canned:
        yield canned


def read(google: CannedGoogle, scope: Scope = SCOPE, *, seconds: float = 20.0) -> Inventory:
    return open_quick_reader(google).read_inventory(scope, config_for(), in_seconds(seconds))


def told(inventory: Inventory) -> list[tuple[Reason, str]]:
    return [(gap.reason, gap.detail) for gap in inventory.gaps]


@pytest.mark.parametrize(
    "place", ["zones/us-central1-a", "https://www.googleapis.com/compute/v1/projects/acme-web/zones/us-central1-a"]
)
def test_a_zone_that_cannot_be_reached_is_its_own_regions_gap(google: CannedGoogle, place: str) -> None:
    answer = listing(machine(1), machine(2, "us-central1-b"), unreachables=[place])
    google.answer(INSTANCES, answer)
    whole, partly = read(google), read(google, US)
    assert (whole.gaps, whole.complete) == ((), {Kind.INSTANCE})
    assert [resource.name for resource in partly.resources] == ["web-2"]
    assert told(partly) == [(Reason.UNAVAILABLE, f"{place} cannot be reached")]
    assert (partly.complete, partly.gaps[0].affected) == (frozenset(), ("instance",))


def test_a_zones_warning_is_its_own_regions_gap(google: CannedGoogle) -> None:
    items = {
        "zones/us-central1-a": {"warning": {"code": "UNREACHABLE", "message": "down"}},
        "zones/europe-west1-b": {"instances": [machine(1)]},
        "zones/asia-east1-a": {"warning": {"code": "SOMETHING_NEW", "message": "odd"}},
    }
    google.answer(INSTANCES, rest({"items": items}))
    assert told(read(google)) == []
    assert told(read(google, US)) == [(Reason.UNAVAILABLE, "zones/us-central1-a: UNREACHABLE: down")]
    asia = Scope(Cloud.GCP, PROJECT, "asia-east1")
    assert told(read(google, asia)) == [(Reason.PARTIAL, "zones/asia-east1-a: SOMETHING_NEW: odd")]
    found = open_quick_reader(google).read_scopes(config_for(), in_seconds())
    assert [scope.region for scope in found.scopes] == ["asia-east1", "europe-west1", "us-central1"]


def test_a_later_page_that_fails_leaves_all_regions_open(google: CannedGoogle) -> None:
    google.answer(INSTANCES, listing(machine(1), nextPageToken="more"), rest_error(403, "no", "forbidden"))
    inventory = read(google)
    assert [resource.name for resource in inventory.resources] == ["web-1"]
    assert told(inventory) == [(Reason.DENIED, "forbidden: no")]
    assert inventory.complete == frozenset()


def test_a_page_that_leads_back_to_itself(google: CannedGoogle) -> None:
    google.answer(INSTANCES, listing(machine(1), nextPageToken="again"))
    assert told(read(google)) == [(Reason.MALFORMED, "a page names itself as the next one")]
    assert len(google.asked(INSTANCES)) == 2


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff\xfe", b"", b"{}", b'{"items": []}'])
def test_an_answer_that_is_no_listing(google: CannedGoogle, body: bytes) -> None:
    google.answer(INSTANCES, Rest(body))
    ((reason, _),) = told(read(google))
    assert reason is Reason.MALFORMED


def test_a_machine_without_an_id_costs_only_itself(google: CannedGoogle) -> None:
    zone = {"instances": [machine(1), {**machine(2), "id": ""}, None]}
    google.answer(INSTANCES, rest({"items": {"zones/europe-west1-b": zone}}))
    inventory = read(google)
    assert [resource.name for resource in inventory.resources] == ["web-1"]
    assert told(inventory) == [(Reason.MALFORMED, "2 machines have no id or no zone")]


def test_a_project_without_the_api_says_what_to_do_and_is_blind_somewhere(google: CannedGoogle) -> None:
    info = {"reason": "SERVICE_DISABLED", "metadata": {"service": "compute.googleapis.com"}}
    google.answer("/projects/acme-web" + INSTANCES, rest_error(403, "a paragraph", "accessNotConfigured", info))
    google.answer("/projects/acme-data" + INSTANCES, listing(machine(1)))
    reader = open_quick_reader(google)
    found = reader.read_scopes(config_for(projects=(PROJECT, "acme-data")), in_seconds())
    assert [scope.key for scope in found.scopes] == ["gcp#acme-data#europe-west1", "gcp#acme-web#global"]
    (gap,) = found.gaps
    assert (gap.reason, gap.detail) == (
        Reason.DENIED,
        "compute.googleapis.com is not enabled: gcloud services enable compute.googleapis.com --project acme-web",
    )
    blind = reader.read_inventory(found.scopes[1], config_for(), in_seconds())
    assert (told(blind)[0][0], blind.complete) == (Reason.DENIED, frozenset())
    assert len(google.asked("/projects/acme-web" + INSTANCES)) == 1, "a denial is not asked for twice in a run"


def test_too_many_calls_are_repeated_after_what_google_asks(google: CannedGoogle) -> None:
    waits: list[float] = []
    slow = Rest(b"{}", 429, {"Retry-After": "3"})
    google.answer(INSTANCES, slow, rest_error(403, "rate", "rateLimitExceeded"), listing(machine(1)))
    reader = open_quick_reader(google, sleep=waits.append)
    inventory = reader.read_inventory(SCOPE, config_for(), in_seconds())
    assert (inventory.gaps, inventory.usage.calls) == ((), {"compute.instances.list": 3})
    assert waits[0] >= 3
    assert reader.limiter(PROJECT, "compute.instances.list").pace < 20, "the pace has learned of it"


def test_a_server_that_hangs_up_is_tried_again(google: CannedGoogle) -> None:
    google.answer(INSTANCES, Rest(b"", hang_up=True), Rest(b"", 503), listing(machine(1)))
    assert read(google).gaps == ()


def test_a_server_that_stays_away_is_a_gap(google: CannedGoogle) -> None:
    google.answer(INSTANCES, rest_error(503, "later"))
    assert told(read(google)) == [(Reason.UNAVAILABLE, "later")]
    assert len(google.asked(INSTANCES)) == 3


def test_a_slow_answer_does_not_outlast_the_deadline(google: CannedGoogle) -> None:
    google.answer(INSTANCES, Rest(b"{}", delay=3.0))
    assert told(read(google, seconds=0.6)) == [(Reason.DEADLINE, "left for the next run")]
    assert told(read(google, seconds=0.0)) == [(Reason.DEADLINE, "left for the next run")]


def test_nobody_to_be_is_a_denial_and_not_looked_for_again_at_once(google: CannedGoogle) -> None:
    looked: list[int] = []

    def nobody() -> object:
        looked.append(1)
        raise DefaultCredentialsError("Your default credentials were not found.")

    clock = HandClock()
    session = Session(clock, google.endpoints, nobody)  # type: ignore[arg-type]
    reader = GcpReader(session, load_catalog(), clock, lambda _: None)
    gaps = [reader.read_inventory(SCOPE, config_for(), in_seconds()).gaps[0] for _ in range(3)]
    assert {(gap.reason, gap.detail) for gap in gaps} == {(Reason.DENIED, "Your default credentials were not found.")}
    assert len(looked) == 1
    assert google.requests == []


def test_a_project_search_that_fails_leaves_the_named_projects(google: CannedGoogle) -> None:
    google.answer(":searchAllResources", rest_error(403, "no", "forbidden"))
    google.answer(INSTANCES, listing(machine(1)))
    found = open_quick_reader(google).read_scopes(config_for(parent="folders/42"), in_seconds())
    assert [scope.key for scope in found.scopes] == ["gcp#acme-web#europe-west1"]
    assert [(gap.scope.account, gap.operation, gap.reason) for gap in found.gaps] == [
        ("folders/42", "cloudasset.assets.searchAllResources", Reason.DENIED)
    ]


def test_labels_with_odd_characters_stay_as_they_are(google: CannedGoogle) -> None:
    labels = {"größe": "グーグル", "empty": "", "a_b-c": 'x"y\n'}
    google.answer(INSTANCES, listing(machine(1, labels=labels), machine(2, labels=None)))
    first, second = read(google).resources
    assert (first.tags, second.tags) == (labels, {})
