"""The life of one machine, out of the documents of its states and its alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from nephoscope.model.question import Key
from nephoscope.pipeline.asking.answers import after_of, parsed_time
from nephoscope.pipeline.asking.bodies import Body, within
from nephoscope.pipeline.asking.fields import AT, HOST_FIELDS, NAME

PAGE = 5_000
GONE = "gone"


@dataclass(frozen=True, slots=True)
class Machine:
    """key: cloud, account, region, id."""

    key: Key
    name: str

    @property
    def id(self) -> str:
        return self.key[-1] or ""


@dataclass(frozen=True, slots=True)
class Happened:
    """One document. kind: state or alert. what: a state's name, or what an alert did. action: first_seen, restarted,
    ... rule, severity, value: of an alert."""

    at: int
    kind: str
    action: str
    what: str
    before: str = ""
    vendor: str = ""
    rule: str = ""
    severity: str = ""
    reason: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """How long it was in a state: [begin, end), epoch seconds. state empty: nobody knows."""

    state: str
    begin: int
    end: int


def machines_body(fleet: str, after: Mapping[str, Any] | None = None) -> Body:
    """Every machine whose state was ever kept, with its newest name."""
    sources = [{f"g{n}": {"terms": {"field": field, "missing_bucket": True}}} for n, field in enumerate(HOST_FIELDS)]
    composite: Body = {"size": PAGE, "sources": sources}
    if after is not None:
        composite["after"] = dict(after)
    newest = {"terms": {"field": NAME, "size": 1, "order": {"at": "desc"}}, "aggs": {"at": {"max": {"field": AT}}}}
    query = {"term": {"nephoscope.fleet": {"value": fleet}}}
    groups = {"composite": composite, "aggs": {"name": newest}}
    return {"size": 0, "track_total_hits": False, "query": query, "aggs": {"groups": groups}}


def machines_of(aggregations: Mapping[str, Any]) -> tuple[list[Machine], Mapping[str, Any] | None]:
    page = aggregations.get("groups", {})
    found = []
    for bucket in page.get("buckets", []):
        names = bucket["name"].get("buckets", [])
        key = tuple(bucket["key"][f"g{number}"] for number in range(len(HOST_FIELDS)))
        found.append(Machine(key, str(names[0]["key"]) if names else ""))
    return found, after_of(page, PAGE)


def life_body(fleet: str, machine: Machine, begin: int, end: int) -> Body:
    """Its documents in [begin, end)."""
    own = [{"term": {field: {"value": value}}} for field, value in zip(HOST_FIELDS, machine.key, strict=True)]
    filters = [{"term": {"nephoscope.fleet": {"value": fleet}}}, *own, within(begin, end)]
    return {
        "query": {"bool": {"filter": filters}},
        "sort": ["_doc"],
        "_source": [AT, "event", "state", "rule", "alert"],
    }


def before_body(fleet: str, machine: Machine, begin: int) -> Body:
    """The newest state before the time that is asked for: what it was in when that began."""
    body = life_body(fleet, machine, 0, begin)
    return {**body, "size": 1, "sort": [{AT: "desc"}]}


def happened_of(hit: Mapping[str, Any]) -> Happened:
    source = hit["_source"]
    event, state, alert = source["event"], source.get("state", {}), source.get("alert", {})
    kind = event.get("kind", "state")
    return Happened(
        at=parsed_time(source[AT]),
        kind=kind,
        action=event.get("action", ""),
        what=state.get("name", "") if kind == "state" else event.get("action", ""),
        before=state.get("previous", ""),
        vendor=state.get("vendor", ""),
        rule=source.get("rule", {}).get("name", ""),
        severity=alert.get("severity", ""),
        reason=event.get("reason", ""),
        value=alert.get("value"),
    )


def stays_of(events: Sequence[Happened], first: Happened | None, begin: int, end: int) -> tuple[Stay, ...]:
    """The whole of [begin, end) in order, neighbours of one state joined. events: ascending. first: the newest state
    before `begin`; without it, what a change tells of the state before."""
    states = [each for each in events if each.kind == "state"]
    known = _state_of(first) if first else (states[0].before if states else "")
    marks = [(begin, known), *((each.at, _state_of(each)) for each in states), (end, "")]
    found: list[Stay] = []
    for (at, state), (until, _) in pairwise(marks):
        if found and found[-1].state == state:
            found[-1] = Stay(state, found[-1].begin, until)
        elif until > at:
            found.append(Stay(state, at, until))
    return tuple(found)


def _state_of(event: Happened) -> str:
    return GONE if event.action == GONE else event.what


def told(events: Sequence[Happened]) -> list[Happened]:
    """Without what only says that it is still there."""
    return [each for each in events if each.action != "seen"]


def shares_of(stays: Sequence[Stay]) -> dict[str, int]:
    """State -> seconds, the longest first."""
    found: dict[str, int] = {}
    for stay in stays:
        found[stay.state] = found.get(stay.state, 0) + stay.end - stay.begin
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def strip_of(stays: Sequence[Stay], begin: int, end: int, cells: int) -> tuple[str, ...]:
    """For each cell the state that it was in at the cell's middle."""
    width = (end - begin) / cells
    middles = [begin + width * (cell + 0.5) for cell in range(cells)]
    return tuple(next((stay.state for stay in stays if stay.begin <= at < stay.end), "") for at in middles)
