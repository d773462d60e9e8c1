"""Compute's and Storage's answers -> resources, by region; and what is asked of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from canned_gcp import INSTANCES, CannedGoogle, Rest, listing, machine, rest
from gcp_reading import PROJECT, REGION, SCOPE, config_for, in_seconds, open_quick_reader
from nephoscope.model.resource import Kind, State
from nephoscope.model.scope import Cloud, Scope

WIRE = Path(__file__).parent / "gcp"
DB = Scope(Cloud.GCP, PROJECT, "us-central1")


@pytest.fixture
def google() -> Iterator[CannedGoogle]:
    with CannedGoogle() as canned:
        yield canned


def recorded() -> Rest:
    return Rest((WIRE / "aggregated_instances.json").read_bytes())


def test_machines_of_a_region_with_their_states_times_and_labels(google: CannedGoogle) -> None:
    google.answer(INSTANCES, recorded())
    inventory = open_quick_reader(google).read_inventory(SCOPE, config_for(), in_seconds())
    assert inventory.gaps == ()
    assert inventory.complete == {Kind.INSTANCE}
    stopped, running, odd = inventory.resources
    assert (running.id, running.name, running.type) == ("4158127351007949610", "web-1", "n1-standard-1")
    assert (running.scope, running.zone) == (SCOPE, "europe-west1-b")
    assert (running.state, running.vendor_state) == (State.RUNNING, "RUNNING")
    assert running.launched_at == 1_795_165_323  # 2026-11-20T09:02:03Z: the last start, not the making
    assert running.tags == {"env": "prod", "role": "web"}
    assert running.observations == {"state": "running"}
    assert (stopped.name, stopped.state, stopped.vendor_state) == ("web-2", State.STOPPED, "TERMINATED")
    assert stopped.launched_at == 1_777_748_400  # 2026-05-02T19:00:00Z
    assert (odd.state, odd.vendor_state, odd.type) == (State.UNKNOWN, "DREAMING", "")


def test_a_time_that_is_none_costs_only_itself(google: CannedGoogle) -> None:
    google.answer(INSTANCES, recorded())
    (db,) = open_quick_reader(google).read_inventory(DB, config_for(), in_seconds()).resources
    assert (db.state, db.launched_at) == (State.SUSPENDED, None)


def test_what_is_asked(google: CannedGoogle) -> None:
    google.answer(INSTANCES, recorded())
    open_quick_reader(google).read_inventory(SCOPE, config_for(), in_seconds())
    (asked,) = google.asked(INSTANCES)
    assert asked.what == "/compute/v1/projects/acme-web/aggregated/instances"
    assert asked.headers["authorization"] == "Bearer a-token"
    assert asked.parameters["returnPartialSuccess"] == "true"
    assert asked.parameters["maxResults"] == "500"
    assert asked.parameters["fields"].startswith("items/*/instances(id,name,status,machineType,zone,labels,")
    assert "filter" not in asked.parameters


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ({"env": ("prod",)}, '(labels.env = "prod")'),
        ({"env": ("prod",), "role": ("*",)}, '(labels.env = "prod") AND (labels.role:*)'),
        ({"env": ("prod", "staging")}, None),  # one of several: the selector's own matter
        ({"env": ('"odd"',)}, None),
        ({"ключ": ("prod",)}, None),
    ],
)
def test_labels_that_compute_understands_as_we_do_are_asked_for(
    google: CannedGoogle, tags: dict[str, tuple[str, ...]], wanted: str | None
) -> None:
    google.answer(INSTANCES, recorded())
    open_quick_reader(google).read_inventory(SCOPE, config_for(tags=tags), in_seconds())
    assert google.asked(INSTANCES)[0].parameters.get("filter") == wanted


def test_the_selector_is_applied_to_every_answer(google: CannedGoogle) -> None:
    google.answer(INSTANCES, recorded())
    config = config_for(tags={"env": ("prod", "staging")}, except_tags={"role": ("web",)})
    inventory = open_quick_reader(google).read_inventory(SCOPE, config, in_seconds())
    assert [resource.name for resource in inventory.resources] == ["web-2"]


def test_pages_are_put_together(google: CannedGoogle) -> None:
    google.answer(INSTANCES, listing(machine(2), nextPageToken="more"), listing(machine(1)))
    inventory = open_quick_reader(google).read_inventory(SCOPE, config_for(), in_seconds())
    assert [resource.name for resource in inventory.resources] == ["web-1", "web-2"]
    assert [asked.parameters.get("pageToken") for asked in google.asked(INSTANCES)] == [None, "more"]
    assert inventory.usage.calls == {"compute.instances.list": 2}


def test_a_runs_scopes_share_one_listing_and_one_of_them_has_paid(google: CannedGoogle) -> None:
    google.answer(INSTANCES, recorded())
    reader = open_quick_reader(google)
    found = reader.read_scopes(config_for(), in_seconds())
    assert [scope.region for scope in found.scopes] == ["europe-west1", "us-central1"]
    inventories = [reader.read_inventory(scope, config_for(), in_seconds()) for scope in found.scopes]
    assert [len(inventory.resources) for inventory in inventories] == [3, 1]
    assert len(google.asked(INSTANCES)) == 1
    assert [dict(inventory.usage.calls) for inventory in inventories] == [{"compute.instances.list": 1}, {}]


def test_a_scope_that_comes_again_wants_news(google: CannedGoogle) -> None:
    google.answer(INSTANCES, listing(machine(1)), listing(machine(1, status="STOPPING")))
    reader = open_quick_reader(google)
    states = [reader.read_inventory(SCOPE, config_for(), in_seconds()).resources[0].state for _ in range(2)]
    assert states == [State.RUNNING, State.STOPPING]


BUCKETS = {
    "items": [
        {
            "name": "logs",
            "location": "EUROPE-WEST1",
            "timeCreated": "2026-01-01T00:00:00.5Z",
            "labels": {"env": "prod"},
        },
        {"name": "assets", "location": "EU", "timeCreated": "2026-01-02T00:00:00Z"},
        {"name": "nowhere"},
    ]
}


def test_buckets_live_where_google_says(google: CannedGoogle) -> None:
    google.answer(INSTANCES, listing())
    google.answer("/storage/v1/b", rest(BUCKETS))
    config = config_for(resources=(Kind.INSTANCE, Kind.BUCKET))
    reader = open_quick_reader(google)
    scopes = reader.read_scopes(config, in_seconds()).scopes
    assert [scope.region for scope in scopes] == ["eu", "europe-west1"]
    many, one = (reader.read_inventory(scope, config, in_seconds()) for scope in scopes)
    assert [(bucket.id, bucket.launched_at) for bucket in one.resources] == [("logs", 1_767_225_600)]
    assert one.resources[0].tags == {"env": "prod"}
    assert [bucket.id for bucket in many.resources] == ["assets"]
    assert one.complete == {Kind.INSTANCE, Kind.BUCKET}
    assert google.asked("/storage/v1/b")[0].parameters["project"] == PROJECT
    reader.read_inventory(scopes[0], config, in_seconds())
    assert len(google.asked("/storage/v1/b")) == 1, "buckets are listed once an hour"


def test_projects_below_a_folder(google: CannedGoogle) -> None:
    home = "//cloudresourcemanager.googleapis.com/projects/"
    results = [{"name": f"{home}acme-data", "state": "ACTIVE"}, {"name": f"{home}old", "state": "DELETE_REQUESTED"}]
    google.answer(":searchAllResources", rest({"results": results}))
    google.answer(INSTANCES, listing(machine(1)))
    reader = open_quick_reader(google)
    config = config_for(parent="folders/42")
    found = reader.read_scopes(config, in_seconds())
    assert [scope.key for scope in found.scopes] == [f"gcp#acme-data#{REGION}", f"gcp#acme-web#{REGION}"]
    reader.read_scopes(config, in_seconds())
    (asked,) = google.asked(":searchAllResources")
    assert asked.what == "/v1/folders/42:searchAllResources"
    assert asked.parameters["assetTypes"] == "cloudresourcemanager.googleapis.com/Project"


def test_the_fixture_is_what_it_says() -> None:
    assert len(json.loads(recorded().body)["items"]) == 4
