"""What Azure holds, listed for all subscriptions at once, and what of it is known to be whole.

Resource Graph passes over a subscription that may not be read in silence, and that would look as if its machines were
gone. So each listing asks first which subscriptions answer: what does not is a gap, and nothing of it is complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.azure.calls import Calls
from nephoscope.clouds.azure.graph import (
    ACTION,
    MACHINES,
    SCALE_SET_MACHINES,
    STORAGE_ACCOUNTS,
    SUBSCRIPTIONS,
    Area,
    Row,
    read_rows,
)
from nephoscope.clouds.azure.inventory import parse_row
from nephoscope.clouds.azure.session import Client
from nephoscope.clouds.gaps import gap_error, gap_of
from nephoscope.model.config import GatherAzure
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Scope
from nephoscope.model.series import Gap, Inventory, Usage

QUERIES: Mapping[Kind, tuple[str, ...]] = {
    Kind.INSTANCE: (MACHINES, SCALE_SET_MACHINES),
    Kind.BUCKET: (STORAGE_ACCOUNTS,),
}
"""How each kind is listed. A new kind is a query here, its parsing and rows in the catalog."""

LIMIT = "resource_graph.resources"
UNREADABLE = "no answer for this subscription: it does not exist, or may not be read"
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Answered:
    """A query's rows, and why they are not all; None where they are."""

    rows: tuple[Row, ...] = ()
    error: ReadError | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One area's listing. readable: subscriptions that answered; None where it is not known, for `error`'s reason.
    failures: what is wrong with a kind's rows."""

    area: Area
    readable: frozenset[str] | None = frozenset()
    error: ReadError | None = None
    resources: Mapping[Kind, tuple[Resource, ...]] = field(default_factory=dict)
    failures: Mapping[Kind, tuple[ReadError, ...]] = field(default_factory=dict)

    def concerns(self, account: str) -> bool:
        return account in self.area.subscriptions or (
            bool(self.area.management_group) and (self.readable is None or account in self.readable)
        )

    def missed(self) -> tuple[str, ...]:
        """Subscriptions that were asked for and are not known to have answered."""
        return tuple(name for name in self.area.subscriptions if name not in (self.readable or ()))


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that was asked for at one time. usage: what it cost."""

    parts: tuple[Part, ...] = ()
    usage: Usage = Usage()

    def scopes(self, where: Selector) -> Iterator[Scope]:
        """Where there is something that the selector wants; scopes may come more than once."""
        for part in self.parts:
            for resources in part.resources.values():
                yield from (resource.scope for resource in resources if where.matches(resource))

    def inventory(self, scope: Scope, kinds: Sequence[Kind], where: Selector) -> Inventory:
        """One scope's share, in order of id."""
        parts = [part for part in self.parts if part.concerns(scope.account)]
        found = {
            resource.id: resource
            for part in parts
            for kind in kinds
            for resource in part.resources.get(kind, ())
            if resource.scope == scope and where.matches(resource)
        }
        gaps = [gap for part in parts for gap in _gaps(part, scope, kinds)]
        if not parts:
            gaps.append(gap_of(gap_error(scope, ACTION, Reason.DENIED, UNREADABLE), scope, kinds))
        blind = {kind for gap in gaps for kind in gap.affected}
        resources = tuple(found[name] for name in sorted(found))
        return Inventory(resources, tuple(dict.fromkeys(gaps)), frozenset(kinds) - blind)


def _gaps(part: Part, scope: Scope, kinds: Sequence[Kind]) -> Iterator[Gap]:
    if part.error is not None:
        yield gap_of(part.error, scope, kinds)
        return
    if part.readable is not None and scope.account not in part.readable:
        yield gap_of(gap_error(scope, ACTION, Reason.DENIED, UNREADABLE), scope, kinds)
    for kind in kinds:
        yield from (gap_of(error, scope, (kind,)) for error in part.failures.get(kind, ()))


def areas_of(gather: GatherAzure, most: int) -> tuple[Area, ...]:
    """What to ask of, in as few questions as the limit of subscriptions in one allows."""
    names = tuple(dict.fromkeys(name.lower() for name in gather.subscriptions))
    named = tuple(Area(names[first : first + most]) for first in range(0, len(names), most))
    return named + ((Area(management_group=gather.management_group),) if gather.management_group else ())


def read_listing(
    calls: Calls, client: Client, areas: Sequence[Area], kinds: Sequence[Kind], catalog: Catalog
) -> Listing:
    """Every area's subscriptions and resources. Raises nothing for a question that fails."""
    queries = [SUBSCRIPTIONS, *(query for kind in kinds for query in QUERIES[kind])]
    asked = [(area, query) for area in areas for query in queries]
    page = catalog.limit(LIMIT, "page")

    def read(place: tuple[Area, str]) -> Answered:
        return _read(calls, client, *place, page)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        answers = dict(zip(asked, pool.map(read, asked), strict=True))
    parts = tuple(_part(area, kinds, {query: answers[area, query] for query in queries}, catalog) for area in areas)
    return Listing(parts, calls.usage)


def _read(calls: Calls, client: Client, area: Area, query: str, page: int) -> Answered:
    """What was read before a page failed is kept."""
    rows: list[Row] = []
    try:
        for row in read_rows(calls, client, area, query, page):
            rows.append(row)  # noqa: PERF402 - what came before an error must not be lost
    except ReadError as error:
        return Answered(tuple(rows), error)
    return Answered(tuple(rows))


def _part(area: Area, kinds: Sequence[Kind], answers: Mapping[str, Answered], catalog: Catalog) -> Part:
    covered = answers[SUBSCRIPTIONS]
    readable = frozenset(str(row.get("subscriptionId") or "").lower() for row in covered.rows)
    resources: dict[Kind, tuple[Resource, ...]] = {}
    failures: dict[Kind, tuple[ReadError, ...]] = {}
    for kind in kinds:
        own = [answers[query] for query in QUERIES[kind]]
        parsed = [parse_row(row, kind, catalog) for each in own for row in each.rows]
        resources[kind] = tuple(resource for resource in parsed if resource is not None)
        failures[kind] = tuple(each.error for each in own if each.error is not None) + _nameless(parsed)
    return Part(area, None if covered.error else readable, covered.error, resources, failures)


def _nameless(parsed: Sequence[Resource | None]) -> tuple[ReadError, ...]:
    number = sum(resource is None for resource in parsed)
    if not number:
        return ()
    text = f"{number} rows have no id or no place"
    return (ReadError(cloud="azure", account="", region="", operation=ACTION, reason=Reason.MALFORMED, detail=text),)
