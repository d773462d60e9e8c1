"""Machines: what Compute's aggregated list of a project says, sorted into regions.

One listing answers for all zones of a project, so it is made once for all the scopes of a run. It may be whole in one
region and not in another: `unreachables` names zones that did not answer, and a zone may carry a warning in place of
its machines.
Source: https://docs.cloud.google.com/compute/docs/reference/rest/v1/instances/aggregatedList
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.gcp.calls import INSTANCES, Calls
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap, Inventory, Usage

HARMLESS = frozenset({"NO_RESULTS_ON_PAGE"})
"""Warnings that say nothing of what is missing: an empty zone has this one in place of a list."""

FIELDS = (
    "items/*/instances(id,name,status,machineType,zone,labels,creationTimestamp,lastStartTimestamp),"
    "items/*/warning(code,message),nextPageToken,unreachables,warning(code,message)"
)
_PLACE = re.compile(r"(zones|regions)/([a-z0-9-]+)$")
_PLAIN = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a listing is not whole, in one region or (empty) in all."""

    region: str
    reason: Reason
    detail: str
    operation: str = INSTANCES


@dataclass(frozen=True, slots=True)
class Listing:
    """A project's machines by region, the selected ones only, and what is not known. usage: what it took."""

    by_region: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)
    flaws: tuple[Flaw, ...] = ()
    usage: Usage = Usage()

    @property
    def regions(self) -> frozenset[str]:
        """Regions in which there is something to see, or in which we cannot tell."""
        return frozenset(self.by_region) | {flaw.region for flaw in self.flaws if flaw.region}

    def gaps(self, scope: Scope, kind: Kind) -> tuple[Gap, ...]:
        """What a scope does not know: its own flaws, and those of all."""
        return tuple(
            Gap(scope, flaw.operation, flaw.reason, flaw.detail, (kind,))
            for flaw in self.flaws
            if flaw.region in ("", scope.region)
        )

    def inventory(self, scope: Scope, kind: Kind) -> Inventory:
        """The part of one scope. Usage is not in it: it was had once for all of them."""
        gaps = self.gaps(scope, kind)
        return Inventory(self.by_region.get(scope.region, ()), gaps, frozenset() if gaps else frozenset({kind}))


def read_instances(calls: Calls, where: Selector, catalog: Catalog) -> Listing:
    """Every machine of the project of `calls` that the selector takes, in order of id. What was read before a page
    failed is kept; raises nothing."""
    found: dict[str, dict[str, Resource]] = defaultdict(dict)
    flaws: list[Flaw] = []
    path = f"/compute/v1/projects/{calls.scope.account}/aggregated/instances"
    listed = False
    try:
        for page in calls.pages(INSTANCES, "gcp_compute", path, _parameters(where, catalog)):
            listed = listed or isinstance(page.get("items"), dict)
            flaws += parse_flaws(page)
            for resource in _parse_page(page, calls, catalog, flaws):
                if where.matches(resource):
                    found[resource.scope.region][resource.id] = resource
        if not listed:  # an empty project has its zones there, each with a warning
            raise calls.failure(INSTANCES, Reason.MALFORMED, "the answer holds no items")
    except ReadError as error:
        flaws.append(Flaw("", error.reason, error.detail, error.operation))
    by_region = {region: tuple(machines[key] for key in sorted(machines)) for region, machines in found.items()}
    return Listing(by_region, tuple(dict.fromkeys(flaws)), calls.usage)


def _parameters(where: Selector, catalog: Catalog) -> Mapping[str, str]:
    parameters = {
        "maxResults": str(catalog.limit("compute.instances", "page")),
        "returnPartialSuccess": "true",
        "fields": FIELDS,
    }
    wanted = render_filter(where)
    return {**parameters, "filter": wanted} if wanted else parameters


def render_filter(where: Selector) -> str:
    """The including part of a selector in Compute's own filter language, so that fewer machines travel.

    Only what the documents show to mean exactly the same: one label, one value or any. The selector itself is applied
    to every answer in any case.
    """
    terms = []
    for key, values in where.tags.items():
        if not _PLAIN.fullmatch(key) or len(values) != 1:
            continue
        if values == ("*",):
            terms.append(f"(labels.{key}:*)")
        elif _PLAIN.fullmatch(values[0]):
            terms.append(f'(labels.{key} = "{values[0]}")')
    return " AND ".join(terms)


def parse_flaws(page: Mapping[str, Any]) -> list[Flaw]:
    """What a page says that it does not know."""
    flaws = [Flaw(region_at(place), Reason.UNAVAILABLE, f"{place} cannot be reached") for place in _texts(page)]
    warning = page.get("warning") or {}
    if _is_flaw(warning):
        flaws.append(Flaw("", Reason.PARTIAL, _said(warning)))
    for place, part in _items(page):
        if _is_flaw(part.get("warning")):
            reason = Reason.UNAVAILABLE if part["warning"].get("code") == "UNREACHABLE" else Reason.PARTIAL
            flaws.append(Flaw(region_at(place), reason, f"{place}: {_said(part['warning'])}"))
    return flaws


def parse_instance(item: Mapping[str, Any], project: str, zone: str, catalog: Catalog) -> Resource | None:
    """A record of the list, whatever is missing in it; None where it has no id or stands in no zone."""
    machine = str(item.get("id") or "")
    zone = _last(item.get("zone")) or zone
    if not machine or not zone:
        return None
    vendor_state = item.get("status")
    state = catalog.state(Cloud.GCP, vendor_state)
    labels = item.get("labels")
    return Resource(
        scope=Scope(Cloud.GCP, project, region_of(zone)),
        kind=Kind.INSTANCE,
        id=machine,
        name=item.get("name", ""),
        type=_last(item.get("machineType")),
        zone=zone,
        state=state,
        vendor_state=vendor_state,
        launched_at=parse_time(item.get("lastStartTimestamp") or item.get("creationTimestamp")),
        tags=dict(labels) if isinstance(labels, dict) else {},
        observations={"state": state.value},
    )


def parse_time(value: object) -> int | None:
    """Epoch seconds of an RFC 3339 text; None where there is none, or it is no time."""
    if not isinstance(value, str):
        return None
    try:
        return int(datetime.fromisoformat(value).timestamp())
    except ValueError:
        return None


def region_of(zone: str) -> str:
    """`europe-west1-b` lies in `europe-west1`."""
    return zone.rpartition("-")[0]


def region_at(place: str) -> str:
    """The region of `zones/europe-west1-b`, of `regions/europe-west1`, or of such an address; empty = it may be any."""
    match = _PLACE.search(place)
    if match is None:
        return ""
    return region_of(match[2]) if match[1] == "zones" else match[2]


def _parse_page(page: Mapping[str, Any], calls: Calls, catalog: Catalog, flaws: list[Flaw]) -> Iterator[Resource]:
    nameless = 0
    for place, part in _items(page):
        zone = place.removeprefix("zones/")
        for item in part.get("instances") or ():
            known = isinstance(item, dict)
            resource = parse_instance(item, calls.scope.account, zone, catalog) if known else None
            if resource is None:
                nameless += 1
            else:
                yield resource
    if nameless:
        flaws.append(Flaw("", Reason.MALFORMED, f"{nameless} machines have no id or no zone"))


def _items(page: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    items = page.get("items") or {}
    if isinstance(items, dict):
        yield from ((place, part) for place, part in items.items() if isinstance(part, dict))


def _texts(page: Mapping[str, Any]) -> Sequence[str]:
    return [str(place) for place in page.get("unreachables") or ()]


def _is_flaw(warning: Any) -> bool:
    return isinstance(warning, dict) and bool(warning) and warning.get("code") not in HARMLESS


def _said(warning: Mapping[str, Any]) -> str:
    return f"{warning.get('code', '')}: {warning.get('message', '')}".strip(": ")


def _last(address: object) -> str:
    return address.rpartition("/")[2] if isinstance(address, str) else ""
