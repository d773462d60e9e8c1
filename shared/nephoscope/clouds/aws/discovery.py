"""Series whose dimensions vary: the CloudWatch agent's, and a bucket's storage classes. ListMetrics names them.

An agent adds what its configuration says (image, machine type, group), and may add up what it sends: the same disk is
then listed by itself and in a sum over all disks. Kept are the listings that name the attributes we know a series by;
listings that differ only in other dimensions are one series, the one with the most dimensions first.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nephoscope.clouds.aws.calls import Calls
from nephoscope.clouds.aws.queries import Dimensions, Query, fixed_dimensions
from nephoscope.model.errors import ReadError
from nephoscope.model.metric import Source
from nephoscope.model.scope import Scope
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import HOUR
from nephoscope.ports import Clock

KEPT_SECONDS = 900.0
"""CloudWatch itself needs up to 15 minutes until it lists a new metric."""

_RECENT = 3 * HOUR
"""RecentlyActive knows only PT3H; what is written more rarely would never be listed."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Where a metric is found. by_resource: id -> every set of dimensions, sorted by name. error: why it is not all."""

    by_resource: Mapping[str, Sequence[Dimensions]]
    error: ReadError | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    listing: Listing
    asked: frozenset[str]
    until: float


class Discovery:
    """Listings, kept for a while in a warm function. A resource that is new since then is looked for at once. Safe to
    use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[tuple[Scope, str, str], _Kept] = {}
        self._lock = threading.Lock()

    def read_listing(self, calls: Calls, source: Source, ids: frozenset[str]) -> Listing:
        """One listing of the metric in the whole scope, whatever the number of resources."""
        place = (calls.scope, source.namespace, source.vendor_name)
        with self._lock:
            kept = self._kept.get(place)
        if kept is not None and ids <= kept.asked and self._clock.monotonic() < kept.until:
            return kept.listing
        listing = _read(calls, source)
        if listing.error is None:
            with self._lock:
                self._kept[place] = _Kept(listing, ids, self._clock.monotonic() + KEPT_SECONDS)
        return listing


def plan_queries(request: SeriesRequest, listing: Listing) -> list[Query]:
    """The series that answer a request; none where nothing is listed for its resource."""
    candidates: dict[Dimensions, list[Dimensions]] = defaultdict(list)
    fixed = set(fixed_dimensions(request))
    for dimensions in listing.by_resource.get(request.resource_id, ()):
        if fixed <= set(dimensions) and not _left_out(dimensions, request.source):
            candidates[attributes_of(dimensions, request.source)].append(dimensions)
    if len(candidates) > 1:
        candidates.pop((), None)  # the sum over all of them
    return [_query(request, attributes, found) for attributes, found in sorted(candidates.items())]


def attributes_of(dimensions: Dimensions, source: Source) -> Dimensions:
    """Our attributes, sorted, of a listing's dimensions."""
    return tuple(sorted((source.attributes[name], value) for name, value in dimensions if name in source.attributes))


def _left_out(dimensions: Dimensions, source: Source) -> bool:
    return any(source.leave_out.get(name) == value for name, value in dimensions)


def _query(request: SeriesRequest, attributes: Dimensions, found: Iterable[Dimensions]) -> Query:
    first, *others = sorted(found, key=lambda dimensions: (-len(dimensions), dimensions))
    return Query(request, first, attributes, tuple(others))


def _read(calls: Calls, source: Source) -> Listing:
    key = _id_dimension(source)
    found: dict[str, list[Dimensions]] = defaultdict(list)
    parameters: dict[str, Any] = {
        "Namespace": source.namespace,
        "MetricName": source.vendor_name,
        "Dimensions": [{"Name": key}],
    }
    if source.period <= _RECENT:
        parameters["RecentlyActive"] = "PT3H"
    try:
        for page in calls.pages("cloudwatch", "ListMetrics", parameters, "Metrics", units=1):
            for metric in page["Metrics"]:
                dimensions = tuple(sorted((item["Name"], item["Value"]) for item in metric.get("Dimensions", ())))
                found[dict(dimensions).get(key, "")].append(dimensions)
    except ReadError as error:
        return Listing(found, error)
    return Listing(found)


def _id_dimension(source: Source) -> str:
    """The dimension that holds the resource's id."""
    return next(name for name, value in source.dimensions.items() if value == "{id}")
