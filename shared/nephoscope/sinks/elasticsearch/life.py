"""A machine's life and whole series out of Elasticsearch: where documents themselves are read, in pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nephoscope.model.history import HistoryKind
from nephoscope.model.time import Deadline
from nephoscope.pipeline.asking.life import (
    Happened,
    Machine,
    before_body,
    happened_of,
    life_body,
    machines_body,
    machines_of,
)
from nephoscope.sinks.elasticsearch.asking import ElasticsearchAsking


def read_machines(reader: ElasticsearchAsking, fleet: str, deadline: Deadline) -> tuple[Machine, ...]:
    """Every machine whose state was ever kept, gone ones as well. Raises DeliveryError."""
    reader.client.server(deadline)
    found: list[Machine] = []
    after: Mapping[str, Any] | None = None
    while True:
        answer = reader.search(HistoryKind.STATES, machines_body(fleet, after), deadline)
        page, after = machines_of(answer.get("aggregations", {}))
        found += page
        if after is None:
            return tuple(found)


def read_life(
    reader: ElasticsearchAsking, fleet: str, machine: Machine, begin: int, end: int, deadline: Deadline
) -> tuple[Happened | None, tuple[Happened, ...]]:
    """The newest state before `begin`, and what happened in [begin, end), in order. Raises DeliveryError."""
    hits = reader.search(HistoryKind.STATES, before_body(fleet, machine, begin), deadline).get("hits", {})
    first = next(map(happened_of, hits.get("hits", [])), None)
    body = life_body(fleet, machine, begin, end)
    events = [
        happened_of(hit)
        for kind in (HistoryKind.STATES, HistoryKind.ALERTS)
        for page in reader.read_pages(kind, body, deadline)
        for hit in page
    ]
    return first, tuple(sorted(events, key=lambda each: (each.at, each.kind != "state")))
