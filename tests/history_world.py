"""Documents of a small fleet, and a sink for a server of history; what tests and benchmarks of both use."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from typing import Any

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.history import Document
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret
from nephoscope.model.series import Series, SeriesKey
from nephoscope.model.time import Deadline
from nephoscope.pipeline.documents import Telling, point_documents
from nephoscope.sinks.elasticsearch.client import Client
from nephoscope.sinks.elasticsearch.sink import ElasticsearchSink

SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
MIDNIGHT = 1_795_651_200
"""2026-11-26T00:00:00Z."""
TODAY, YESTERDAY = "2026.11.26", "2026.11.25"
TELLING = Telling("acme", ("env",), load_catalog())


class SystemClock:
    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class Plain:
    """A SecretReader for which each text is its own value; `values` are what references stand for."""

    def __init__(self, **values: str) -> None:
        self._values = {f"${{env:{name}}}": value for name, value in values.items()}

    def read_secret(self, reference: str) -> Secret:
        return Secret(self._values.get(reference, reference))


def seconds(count: float) -> Deadline:
    return Deadline(time.monotonic() + count, time.monotonic)


def open_sink(url: str, secrets: Plain | None = None, **more: Any) -> ElasticsearchSink:
    where = PublishElasticsearch(url=url, tags=("env",), **more)
    return ElasticsearchSink(Client(where, secrets or Plain()), where, "acme", SystemClock())


def machine(number: int, **more: Any) -> Resource:
    known: dict[str, Any] = {
        "name": f"web-{number}",
        "type": "m5.large",
        "zone": "eu-west-1a",
        "state": State.RUNNING,
        "tags": {"Env": "prod"},
    }
    return Resource(SCOPE, Kind.INSTANCE, f"i-{number:017x}", **(known | more))


def series(resource: Resource, values: list[float], start: int, period: int = 60) -> Series:
    """`values` from data time `start` on."""
    end = start + period * len(values)
    key = SeriesKey(resource.id, "cpu.utilization")
    return Series(key, period, start, end, True, array("q", range(start, end, period)), array("d", values))


def points(machines: int, each: int, start: int = MIDNIGHT, lot: str = "cpu") -> Iterator[Document]:
    """`each` points of each machine, a minute apart; no two values alike."""
    for number in range(machines):
        resource = machine(number)
        values = [(number * each + index) / 1e7 for index in range(each)]
        yield from point_documents(series(resource, values, start), resource, 0, lot, TELLING)


def ask(sink: ElasticsearchSink, method: str, path: str, body: Any = None, **params: str) -> Any:
    return sink.client.ask(method, path, body, deadline=seconds(30), **params)


def stored(sink: ElasticsearchSink, index: str) -> dict[str, Any]:
    """_id -> _source of every document there; fails where an _id stands twice."""
    if ask(sink, "POST", f"/{index}/_refresh", ignore_unavailable="true") is None:
        return {}
    found: dict[str, Any] = {}
    after: list[Any] | None = None
    while True:
        body = {"size": 5_000, "sort": [{"@timestamp": "asc"}, {"cloud.resource_id": "asc"}]}
        if after:
            body["search_after"] = after
        hits = ask(sink, "POST", f"/{index}/_search", body, ignore_unavailable="true")["hits"]["hits"]
        if not hits:
            return found
        for hit in hits:
            assert hit["_id"] not in found, f"{hit['_id']} stands twice"
            found[hit["_id"]] = hit["_source"]
        after = hits[-1]["sort"]


def clear(sink: ElasticsearchSink) -> None:
    """As a new server: no index and no template of anybody."""
    ask(sink, "PUT", "/_cluster/settings", {"persistent": {"action.auto_create_index": None}})
    for name in ask(sink, "GET", "/_mapping", expand_wildcards="open,closed"):
        ask(
            sink, "PUT", f"/{name}/_settings", {"index.blocks.read_only_allow_delete": None, "index.blocks.write": None}
        )
        ask(sink, "DELETE", f"/{name}")
    for each in ask(sink, "GET", "/_index_template")["index_templates"]:
        if not each["name"].startswith("."):
            ask(sink, "DELETE", f"/_index_template/{each['name']}")
