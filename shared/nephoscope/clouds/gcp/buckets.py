"""Buckets of a project, by the place where they lie. A place is a region (`europe-west1`) or several (`eu`, `nam4`):
Google's own word for it is the scope's region either way.
Source: https://docs.cloud.google.com/storage/docs/json_api/v1/buckets/list
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.gcp.calls import BUCKETS, Calls
from nephoscope.clouds.gcp.inventory import Flaw, Listing, parse_time
from nephoscope.model.errors import ReadError
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Cloud, Scope

FIELDS = "items(name,location,timeCreated,labels),nextPageToken"


def read_buckets(calls: Calls, where: Selector, catalog: Catalog) -> Listing:
    """Every bucket of the project of `calls` that the selector takes, in order of name. Raises nothing."""
    found: dict[str, dict[str, Resource]] = defaultdict(dict)
    flaws: list[Flaw] = []
    parameters = {
        "project": calls.scope.account,
        "maxResults": str(catalog.limit("storage.buckets", "page")),
        "fields": FIELDS,
    }
    try:
        for page in calls.pages(BUCKETS, "gcp_storage", "/storage/v1/b", parameters):
            for item in filter(_is_record, page.get("items") or ()):
                bucket = parse_bucket(item, calls.scope.account)
                if bucket is not None and where.matches(bucket):
                    found[bucket.scope.region][bucket.id] = bucket
    except ReadError as error:
        flaws.append(Flaw("", error.reason, error.detail, error.operation))
    by_place = {place: tuple(buckets[name] for name in sorted(buckets)) for place, buckets in found.items()}
    return Listing(by_place, tuple(flaws), calls.usage)


def parse_bucket(item: Mapping[str, Any], project: str) -> Resource | None:
    """A record of the list; None where it has no name or lies nowhere."""
    name, place = item.get("name"), str(item.get("location") or "").lower()
    if not name or not place:
        return None
    labels = item.get("labels")
    return Resource(
        scope=Scope(Cloud.GCP, project, place),
        kind=Kind.BUCKET,
        id=name,
        name=name,
        launched_at=parse_time(item.get("timeCreated")),
        tags=dict(labels) if isinstance(labels, dict) else {},
    )


def _is_record(item: object) -> bool:
    return isinstance(item, dict)
