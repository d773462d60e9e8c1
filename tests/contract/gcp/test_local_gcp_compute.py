"""Compute's and Storage's listings by google-auth's own session: what the fleet has, in Google's words and pages."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from google.auth.transport.requests import AuthorizedSession
from requests.exceptions import ConnectionError as Cut

from nephoscope.localcloud.fleet import Power
from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.faults import Failing, Fault
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.localcloud.gcp.world import FOLDER
from nephoscope.localcloud.incidents import Happening, Incident

NOON = 1_795_435_200
INSTANCES = "/compute/v1/projects/acme-web/aggregated/instances"


def _read(gcp: LocalGcp, session: AuthorizedSession, path: str = INSTANCES, **query: Any) -> Any:
    answer = session.get(gcp.url + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _refused(gcp: LocalGcp, session: AuthorizedSession, path: str = INSTANCES, **query: Any) -> tuple[int, Any, Any]:
    answer = session.get(gcp.url + path, params=query)
    return answer.status_code, answer.json()["error"], answer.headers


def _instances(listing: Any) -> list[Any]:
    return [row for scope in listing["items"].values() for row in scope.get("instances", [])]


def test_every_machine_is_listed_once_under_its_zone(gcp: LocalGcp, session: AuthorizedSession) -> None:
    listing = _read(gcp, session)
    expected = {
        names.machine_id(seen.instance): seen.instance for seen in gcp.fleet.instances_at(NOON, account="acme-web")
    }
    listed = {row["id"]: row for row in _instances(listing)}
    assert listed.keys() == expected.keys()
    assert len(_instances(listing)) == len(expected) == 29
    for scope, content in listing["items"].items():
        assert all(row["zone"].endswith(f"/{scope}") for row in content.get("instances", []))
    for number, instance in expected.items():
        assert listed[number]["zone"].rpartition("/")[2].startswith(instance.region + "-")
        assert (number.isdigit(), len(number)) == (True, 19)
        assert listed[number].get("labels", {}).get("env") == instance.tags.get("env")


def test_states_are_googles_words(gcp: LocalGcp, session: AuthorizedSession) -> None:
    running = [row for row in gcp.fleet.members("acme-web", "europe-west1") if not row.parked][:2]
    stopped, deleted = running
    script = [
        Incident(Happening.STOPPED, 60, 600, (stopped.id,)),
        Incident(Happening.TERMINATED, 60, 60, (deleted.id,)),
    ]
    gcp.reset(gcp.fleet.with_script(script))
    story = []
    for at in (0, 90, 180, 610, 630, 700):
        gcp.set_time(NOON + at)
        rows = {row["id"]: row["status"] for row in _instances(_read(gcp, session))}
        story.append((rows.get(names.machine_id(stopped)), rows.get(names.machine_id(deleted))))
    assert story == [
        ("RUNNING", "RUNNING"),
        ("STOPPING", "STOPPING"),
        ("TERMINATED", None),
        ("PROVISIONING", None),
        ("STAGING", None),
        ("RUNNING", None),
    ]


def test_what_is_parked_is_terminated(gcp: LocalGcp, session: AuthorizedSession) -> None:
    seen = gcp.fleet.instances_at(NOON, account="acme-web")
    expected = Counter("TERMINATED" if row.power is Power.STOPPED else "RUNNING" for row in seen)
    assert Counter(row["status"] for row in _instances(_read(gcp, session))) == expected
    assert expected["TERMINATED"] >= 1


def test_pages_hold_instances_of_all_zones_and_name_every_scope(gcp: LocalGcp, session: AuthorizedSession) -> None:
    pages = [_read(gcp, session, maxResults=7)]
    while "nextPageToken" in pages[-1]:
        pages.append(_read(gcp, session, maxResults=7, pageToken=pages[-1]["nextPageToken"]))
    assert [len(_instances(page)) for page in pages] == [7, 7, 7, 7, 1]
    assert len({row["id"] for page in pages for row in _instances(page)}) == 29
    empty = pages[0]["items"]["zones/us-central1-c"]
    assert empty["warning"]["code"] == "NO_RESULTS_ON_PAGE"
    assert all(len(page["items"]) == 6 for page in pages)


@pytest.mark.parametrize("query", [{"maxResults": 501}, {"maxResults": "many"}, {"pageToken": "bm8="}])
def test_pages_that_cannot_be(gcp: LocalGcp, session: AuthorizedSession, query: dict[str, Any]) -> None:
    status, error, _ = _refused(gcp, session, **query)
    assert (status, error["errors"][0]["reason"]) == (400, "invalid")


def test_fields_leave_out_what_was_not_asked_for(gcp: LocalGcp, session: AuthorizedSession) -> None:
    mask = "nextPageToken,items/*(instances(id,status),warning/code)"
    listing = _read(gcp, session, fields=mask, maxResults=1)
    assert listing.keys() == {"items", "nextPageToken"}
    assert [row.keys() for row in _instances(listing)] == [{"id", "status"}]
    assert listing["items"]["zones/us-central1-a"] == {"warning": {"code": "NO_RESULTS_ON_PAGE"}}
    status, error, _ = _refused(gcp, session, fields="items/*/instances(id,stauts)")
    assert (status, error["message"]) == (400, "Invalid field selection stauts")


def test_a_filter_chooses_machines(gcp: LocalGcp, session: AuthorizedSession) -> None:
    rows = _instances(_read(gcp, session, filter="labels.env = prod AND status != TERMINATED"))
    seen = gcp.fleet.instances_at(NOON, account="acme-web")
    expected = sum(row.instance.tags.get("env") == "prod" and row.power is Power.RUNNING for row in seen)
    assert len(rows) == expected > 0
    tagged = _instances(_read(gcp, session, filter="(labels.env:*)"))
    assert len(tagged) == sum("env" in row.instance.tags for row in seen) < len(seen)
    status, error, _ = _refused(gcp, session, filter="labels.env ~ prod")
    assert (status, error["status"]) == (400, "INVALID_ARGUMENT")


def test_a_silent_zone_is_a_partial_success_or_an_error(gcp: LocalGcp, session: AuthorizedSession) -> None:
    gcp.faults.add(Fault(Failing.UNREACHABLE, region="us-central1"))
    listing = _read(gcp, session, returnPartialSuccess="true")
    assert listing["unreachables"] == [f"projects/acme-web/zones/us-central1-{letter}" for letter in "abc"]
    assert listing["items"]["zones/us-central1-a"]["warning"]["code"] == "UNREACHABLE"
    assert {row["zone"].rpartition("/")[2][:-2] for row in _instances(listing)} == {"europe-west1"}
    status, error, _ = _refused(gcp, session)
    assert (status, error["status"]) == (503, "UNAVAILABLE")


def test_a_blind_region_of_the_script_is_silent_and_comes_back(gcp: LocalGcp, session: AuthorizedSession) -> None:
    blind = Incident(Happening.REGION_DENIED, 60, 120, account="acme-web", region="europe-west1")
    gcp.reset(gcp.fleet.with_script([blind]))
    counts = []
    for at in (0, 60, 120):
        gcp.set_time(NOON + at)
        counts.append(len(_read(gcp, session, returnPartialSuccess="true").get("unreachables", [])))
    assert counts == [0, 3, 0]


def test_an_api_that_is_not_enabled(gcp: LocalGcp, session: AuthorizedSession) -> None:
    gcp.faults.add(Fault(Failing.DISABLED, "compute.*", project="acme-web"))
    status, error, _ = _refused(gcp, session)
    (info,) = error["details"]
    assert (status, info["reason"], info["domain"]) == (403, "SERVICE_DISABLED", "googleapis.com")
    assert info["metadata"]["service"] == "compute.googleapis.com"
    assert error["errors"][0]["reason"] == "accessNotConfigured"
    assert len(_instances(_read(gcp, session, "/compute/v1/projects/acme-data/aggregated/instances"))) == 29


def test_a_permission_that_is_missing(gcp: LocalGcp, session: AuthorizedSession) -> None:
    gcp.world.permissions = frozenset({"compute.regions.list"})
    assert _read(gcp, session, "/compute/v1/projects/acme-web/regions")["kind"] == "compute#regionList"
    status, error, _ = _refused(gcp, session)
    assert (status, error["status"]) == (403, "PERMISSION_DENIED")
    assert error["message"] == "Required 'compute.instances.list' permission for 'projects/acme-web'"
    needed = {need.action for need in gcp.ledger.needs(allowed_only=True)}
    assert needed == {"compute.regions.list"}


def test_too_many_calls_are_told_when_to_come_back(gcp: LocalGcp, session: AuthorizedSession) -> None:
    gcp.faults.add(Fault(Failing.THROTTLE, "compute.instances.aggregatedList", calls=1, seconds=7))
    status, error, headers = _refused(gcp, session)
    assert (status, error["status"], headers["Retry-After"]) == (429, "RESOURCE_EXHAUSTED", "7")
    assert error["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
    assert len(_instances(_read(gcp, session))) == 29


def test_a_project_that_nobody_knows(gcp: LocalGcp, session: AuthorizedSession) -> None:
    status, error, _ = _refused(gcp, session, "/compute/v1/projects/acme-wbe/aggregated/instances")
    assert (status, error["errors"][0]["reason"]) == (404, "notFound")


def test_an_answer_that_breaks_off_and_one_that_never_comes(gcp: LocalGcp, session: AuthorizedSession) -> None:
    gcp.faults.add(Fault(Failing.MALFORMED, calls=1, action="compute.*"))
    with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated"):
        session.get(gcp.url + INSTANCES).json()
    gcp.faults.clear()
    gcp.faults.add(Fault(Failing.CUT, action="compute.*"))
    with pytest.raises(Cut):
        session.get(gcp.url + INSTANCES)


def test_regions_and_zones(gcp: LocalGcp, session: AuthorizedSession) -> None:
    regions = _read(gcp, session, "/compute/v1/projects/acme-web/regions")["items"]
    zones = _read(gcp, session, "/compute/v1/projects/acme-web/zones")["items"]
    assert [row["name"] for row in regions] == ["europe-west1", "us-central1"]
    assert [row["name"] for row in zones] == [
        "europe-west1-b",
        "europe-west1-c",
        "europe-west1-d",
        "us-central1-a",
        "us-central1-b",
        "us-central1-c",
    ]
    assert all(row["status"] == "UP" for row in regions + zones)


def test_buckets_are_listed_by_project_in_pages(gcp: LocalGcp, session: AuthorizedSession) -> None:
    path = "/storage/v1/b"
    first = _read(gcp, session, path, project="acme-web", maxResults=1)
    second = _read(gcp, session, path, project="acme-web", maxResults=1, pageToken=first["nextPageToken"])
    listed = [row for page in (first, second) for row in page["items"]]
    mine = [row for row in gcp.fleet.buckets if row.account == "acme-web"]
    assert [row["name"] for row in listed] == sorted(row.name for row in mine)
    assert {row["location"] for row in listed} <= {"EUROPE-WEST1", "US-CENTRAL1"}
    assert "nextPageToken" not in second
    status, _, _ = _refused(gcp, session, path)
    assert status == 400


def test_projects_are_searched_below_a_folder_in_pages(gcp: LocalGcp, session: AuthorizedSession) -> None:
    path = f"/v1/{FOLDER}:searchAllResources"
    first = _read(gcp, session, path, pageSize=2)
    second = _read(gcp, session, path, pageSize=2, pageToken=first["nextPageToken"])
    found = [row for page in (first, second) for row in page["results"]]
    assert "nextPageToken" not in second
    assert {row["additionalAttributes"]["projectId"]: row["state"] for row in found} == {
        "acme-web": "ACTIVE",
        "acme-data": "ACTIVE",
        "acme-deleted": "DELETE_REQUESTED",
    }
    active = _read(gcp, session, path, query="state:ACTIVE", readMask="name,state")["results"]
    assert active[0] == {"name": "//cloudresourcemanager.googleapis.com/projects/acme-web", "state": "ACTIVE"}
    assert len(active) == 2


def test_a_search_that_is_refused(gcp: LocalGcp, session: AuthorizedSession) -> None:
    status, body, _ = _refused(gcp, session, "/v1/folders/1:searchAllResources")
    assert (status, body["status"]) == (403, "PERMISSION_DENIED")
    gcp.faults.add(Fault(Failing.DISABLED, "cloudasset.*"))
    status, body, _ = _refused(gcp, session, f"/v1/{FOLDER}:searchAllResources")
    assert (status, body["details"][0]["metadata"]["service"]) == (403, "cloudasset.googleapis.com")
