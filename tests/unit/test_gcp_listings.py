"""Who shares a listing, for how long, and which regions a project is known by."""

from __future__ import annotations

import threading
import time

from nephoscope.clouds.gcp.inventory import Flaw, Listing, region_at, region_of
from nephoscope.clouds.gcp.listings import GLOBAL, REGION_KEPT_SECONDS, Listings
from nephoscope.model.errors import Reason
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Usage


class Clock:
    now = 0.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


def scope(region: str) -> Scope:
    return Scope(Cloud.GCP, "acme-web", region)


def listing(*regions: str, flaws: tuple[Flaw, ...] = ()) -> Listing:
    machines = {region: (Resource(scope(region), Kind.INSTANCE, "1"),) for region in regions}
    return Listing(machines, flaws, Usage({"compute.instances.list": 1}))


class Counting:
    def __init__(self, made: Listing) -> None:
        self.made = made
        self.calls = 0

    def __call__(self) -> Listing:
        self.calls += 1
        time.sleep(0.02)
        return self.made


def test_threads_that_come_together_make_one_listing() -> None:
    listings, read = Listings(Clock()), Counting(listing("a", "b"))
    used: list[Usage] = []
    threads = [
        threading.Thread(target=lambda r=region: used.append(listings.take(scope(r), Kind.INSTANCE, read)[1]))
        for region in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read.calls == 1
    assert sorted(sum(usage.calls.values()) for usage in used) == [0, 0, 0, 1]


def test_machines_are_listed_anew_after_half_a_minute_and_buckets_after_an_hour() -> None:
    for kind, seconds in ((Kind.INSTANCE, 30), (Kind.BUCKET, 3600)):
        clock, read = Clock(), Counting(listing("a", "b"))
        listings = Listings(clock)
        listings.take(scope("a"), kind, read)
        clock.now = seconds - 1
        listings.take(scope("b"), kind, read)
        assert read.calls == 1
        clock.now = seconds
        listings.take(scope("c"), kind, read)
        assert read.calls == 2


def test_a_flawed_list_of_buckets_is_not_kept_for_an_hour() -> None:
    clock, read = Clock(), Counting(listing("a", flaws=(Flaw("", Reason.DENIED, "no"),)))
    listings = Listings(clock)
    listings.take(scope("a"), Kind.BUCKET, read)
    clock.now = 31
    listings.take(scope("b"), Kind.BUCKET, read)
    assert read.calls == 2


def test_a_region_is_looked_at_for_an_hour_after_its_last_machine() -> None:
    clock = Clock()
    listings = Listings(clock)
    assert listings.regions("acme-web", listing("a", "b")) == {"a", "b"}
    clock.now = REGION_KEPT_SECONDS
    assert listings.regions("acme-web", listing("a")) == {"a", "b"}
    clock.now += 1
    assert listings.regions("acme-web", listing("a")) == {"a"}


def test_a_region_that_cannot_be_reached_is_a_scope() -> None:
    dark = listing("a", flaws=(Flaw("b", Reason.UNAVAILABLE, "zones/b-1 cannot be reached"),))
    assert Listings(Clock()).regions("acme-web", dark) == {"a", "b"}


def test_a_project_that_does_not_answer_at_all_is_blind_somewhere() -> None:
    denied = listing(flaws=(Flaw("", Reason.DENIED, "no"),))
    listings = Listings(Clock())
    assert listings.regions("acme-web", denied) == {GLOBAL}
    assert listings.regions("acme-data", listing()) == frozenset(), "an empty project is no news"
    listings.regions("acme-old", listing("a"))
    assert listings.regions("acme-old", denied) == {"a"}, "those that were known stay"


def test_places() -> None:
    assert region_of("europe-west1-b") == "europe-west1"
    assert region_at("zones/us-east1-b") == "us-east1"
    assert region_at("https://www.googleapis.com/compute/v1/projects/p/zones/us-east1-b") == "us-east1"
    assert region_at("regions/us-east1") == "us-east1"
    assert region_at("somewhere") == ""
